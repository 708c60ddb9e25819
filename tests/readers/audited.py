"""Opens and reads models under an audit hook that lets nothing happen but reading in the folders of the models.

    python -m tests.readers.audited FOLDER...       every file and folder in there is opened, listed and read

Prints what was read, and each event that had no business to happen. All modules that a reader needs are imported
before: from then on no import, no code from elsewhere, no file but the models' own, no process, no socket
(https://docs.python.org/3/library/audit_events.html).
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import weightrepl
from tests.fuzz.checks import listed, read_some
from weightrepl.errors import SourceError
from weightrepl.readers.hdf5_library import PROGRAM
from weightrepl.readers.keras_roles import is_builtin
from weightrepl.readers.registry import open_source

_OWN_IMPORTS = (
    "atexit",
    "difflib",
    "glob",
    "ml_dtypes",
    "numpy",
    "numpy.lib.format",
    "zlib",
    "encodings.cp437",
    "encodings.latin_1",
    "unicodedata",
)
_WITHOUT = ("weightrepl.frontends", "weightrepl.render.notebook", "weightrepl.__main__")


def ready() -> None:
    """Import all that reading takes."""
    for each in pkgutil.walk_packages(weightrepl.__path__, "weightrepl."):
        if not each.name.startswith(_WITHOUT):
            importlib.import_module(each.name)
    for name in _OWN_IMPORTS:
        importlib.import_module(name)
    is_builtin("Dense")  # reads the table of roles
    metadata = importlib.import_module("importlib.metadata")
    metadata.entry_points = lambda **_: ()  # no readers that the user installed


def watch(folders: list[str], complain: Callable[[str], None]) -> None:
    """Complain of each event but those that reading takes."""

    def lies_within(path: Any) -> bool:
        name = os.path.abspath(os.fsdecode(path))
        return any(name == folder or name.startswith(folder + os.sep) for folder in folders)

    def is_allowed(event: str, arguments: tuple[Any, ...]) -> bool:
        match event, arguments:
            case ("open", (int(), *_)):
                return True  # an end of a pipe to the library's process
            case ("open", (os.devnull, *_)):
                return True
            case ("os.kill", (_, 9)):
                return True  # the library's process, when its file is closed
            case ("open", (path, _, int(flags))):
                return lies_within(path) and not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            case ("os.listdir" | "os.scandir", (path,)):
                return lies_within(path)
            case ("compile", (_, filename)):
                return filename == "<unknown>"  # what ast.literal_eval parses; running it would be an "exec"
            case ("subprocess.Popen", (_, arguments, _, _)):
                return list(arguments[:3]) == [sys.executable, "-c", PROGRAM]
            case _:
                return event in (
                    "glob.glob",
                    "glob.glob/2",
                    "sys._getframe",
                    "object.__getattr__",
                    "builtins.id",
                )

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not is_allowed(event, arguments):
            complain(f"{event} {arguments!r:.200}")

    sys.addaudithook(hook)


def main(folders: list[str]) -> None:
    """Open all that lies in folders."""
    ready()
    folders = [os.path.abspath(folder) for folder in folders]
    paths = [path for folder in folders for path in sorted(Path(folder).rglob("*"))]
    prefixes = [path.with_suffix("") for path in paths if path.suffix == ".index"]
    _try(paths[0])  # imports what is imported at the first use
    watch(folders, lambda told: print("EVENT", told, flush=True))
    for path in (*paths, *prefixes):
        print(_try(path), path, flush=True)


def _try(path: Path) -> str:
    try:
        with open_source(str(path)) as model:
            listed(model)
            return read_some(model)
    except SourceError as error:
        return type(error).__name__


if __name__ == "__main__":
    main(sys.argv[1:])
