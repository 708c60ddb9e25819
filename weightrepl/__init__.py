"""Ask a Keras model, or nothing but its file, for its weights.

    import weightrepl
    weightrepl.select(model, "larger_model/custom_module/*dense1:kernel").one().numpy()

Files are read without TensorFlow, without running anything in them, and without reading what was not asked for.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

_PLACES = {
    "ChangedError": "errors",
    "Assignment": "engine.assignment",
    "Count": "engine.table",
    "Fix": "errors",
    "FormatError": "errors",
    "Histogram": "engine.table",
    "LayerSelection": "engine.selection",
    "Limits": "readers.guards",
    "MissingExtraError": "errors",
    "Model": "model.tree",
    "NotOneError": "errors",
    "OutputError": "errors",
    "Picture": "engine.pictures",
    "Problem": "errors",
    "QueryError": "errors",
    "SelectedLayer": "engine.selected",
    "SelectedWeight": "engine.selected",
    "Selection": "engine.selection",
    "SourceError": "errors",
    "Table": "engine.table",
    "UnknownAddressError": "errors",
    "UnknownFormatError": "errors",
    "UnsafeFileError": "errors",
    "WeightreplError": "errors",
    "View": "engine.view",
    "Workspace": "model.workspace",
    "demo_path": "api",
    "evaluate": "api",
    "explain": "api",
    "open": "api",
    "repl": "frontends.repl",
    "select": "api",
    "select_layers": "api",
}

__all__ = list(_PLACES)

_EXTENSION = dict.fromkeys(("load_ipython_extension", "unload_ipython_extension"), "frontends.magics")
"""What `%load_ext weightrepl` asks for."""

if TYPE_CHECKING:
    from weightrepl.api import demo_path as demo_path
    from weightrepl.api import evaluate as evaluate
    from weightrepl.api import explain as explain
    from weightrepl.api import open as open
    from weightrepl.api import select as select
    from weightrepl.api import select_layers as select_layers
    from weightrepl.engine.assignment import Assignment as Assignment
    from weightrepl.engine.pictures import Picture as Picture
    from weightrepl.engine.selected import SelectedLayer as SelectedLayer
    from weightrepl.engine.selected import SelectedWeight as SelectedWeight
    from weightrepl.engine.selection import LayerSelection as LayerSelection
    from weightrepl.engine.selection import Selection as Selection
    from weightrepl.engine.table import Count as Count
    from weightrepl.engine.table import Histogram as Histogram
    from weightrepl.engine.table import Table as Table
    from weightrepl.engine.view import View as View
    from weightrepl.errors import ChangedError as ChangedError
    from weightrepl.errors import Fix as Fix
    from weightrepl.errors import FormatError as FormatError
    from weightrepl.errors import MissingExtraError as MissingExtraError
    from weightrepl.errors import NotOneError as NotOneError
    from weightrepl.errors import OutputError as OutputError
    from weightrepl.errors import Problem as Problem
    from weightrepl.errors import QueryError as QueryError
    from weightrepl.errors import SourceError as SourceError
    from weightrepl.errors import UnknownAddressError as UnknownAddressError
    from weightrepl.errors import UnknownFormatError as UnknownFormatError
    from weightrepl.errors import UnsafeFileError as UnsafeFileError
    from weightrepl.errors import WeightreplError as WeightreplError
    from weightrepl.frontends.repl import repl as repl
    from weightrepl.model.tree import Model as Model
    from weightrepl.model.workspace import Workspace as Workspace
    from weightrepl.readers.guards import Limits as Limits


def __getattr__(name: str) -> Any:
    """Return a public name, loading its module at the first use."""
    place = _PLACES.get(name) or _EXTENSION.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"weightrepl.{place}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
