"""The public functions: open a model, ask it a query."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from weightrepl.engine.evaluate import Result
from weightrepl.engine.evaluate import evaluate as evaluate_in
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.errors import Problem, QueryError, SourceError
from weightrepl.model.tree import Model
from weightrepl.model.workspace import Workspace
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.registry import open_source

if TYPE_CHECKING:
    from weightrepl.engine.explain import Explanation

Source: TypeAlias = "Model | Workspace | str | os.PathLike[str] | Mapping[str, Any] | Any"
"""A live model, a path, an opened Model, a Workspace, or a dict from name to one of the first three."""


def open(source: str | os.PathLike[str] | Any, name: str | None = None, limits: Limits = STANDARD) -> Model:
    """Open a model's file, or a live model, to ask it several queries.

    Only the file's first bytes are read now, everything else when a query needs it. The model is a context manager;
    what was read stays readable after closing.

    Args:
        source: a path, or a live model.
        name: what queries call it; without it the model's own name, or its file's stem.
        limits: what a file may claim before it is refused, such as `Limits(json_nbytes=1 << 30)`.

    Raises:
        SourceError: there is no such file, it is damaged, unsafe, or of a format that is not read.

    Examples:
        >>> import weightrepl
        >>> with weightrepl.open(weightrepl.demo_path(), name="base") as base:
        ...     weightrepl.select(base, "**:bias").addresses[-1]
        'base/outer_dense:bias'
    """
    return open_source(source, name=name, limits=limits)


def select(source: Source, query: str) -> Selection:
    """Return the weights that a query selects in a live model or a file.

    A path with no `:` stands for all weights in and below it. No values are read until they are asked for.

    Args:
        source: a live model, a path, a `Model`, a `Workspace`, or a dict from name to one of the first three.
        query: one query; see the page on the language.

    Raises:
        QueryError: the query is broken, names what is not there, or gives no weights.
        SourceError: a file can't be opened.

    Examples:
        >>> import weightrepl
        >>> kernel = weightrepl.select(weightrepl.demo_path(), "custom_module/*dense1:kernel").one()
        >>> kernel.shape  # (inputs, units)
        (10, 12)
        >>> kernel.numpy().dtype
        dtype('float32')

        Of two models, each under a name:

        >>> models = {"old": weightrepl.demo_path(), "new": weightrepl.demo_path()}
        >>> weightrepl.select(models, "*/outer_dense:kernel").addresses
        ('old/outer_dense:kernel', 'new/outer_dense:kernel')
    """
    result = evaluate_in(query, workspace_of(source), want="weights")
    if not isinstance(result, Selection):
        raise _wrong_kind(query, "weights", "select")
    return result


def select_layers(source: Source, query: str = "**") -> LayerSelection:
    """Return the layers that a query selects; of a query of weights, the layers that own them.

    Args:
        source: what `select` takes.
        query: one query; all layers if there is none.

    Raises:
        QueryError: the query is broken, names what is not there, or gives no layers.
        SourceError: a file can't be opened.

    Examples:
        >>> import weightrepl
        >>> dense = weightrepl.select_layers(weightrepl.demo_path(), "**/@Dense")
        >>> [(layer.name, layer.params) for layer in dense]
        [('inner_dense1', 132), ('inner_dense2', 104), ('outer_dense', 36)]
    """
    result = evaluate_in(query, workspace_of(source), want="layers")
    if not isinstance(result, LayerSelection):
        raise _wrong_kind(query, "layers", "select_layers")
    return result


def evaluate(source: Source, query: str) -> Result:
    """Return what a query gives, whichever it is: weights, layers, a table, or a count.

    That is a `Selection`, a `LayerSelection`, a `Table` or a `Count`; the query alone decides which.

    Args:
        source: what `select` takes.
        query: one query.

    Raises:
        QueryError: the query is broken, or names what is not there.
        SourceError: a file can't be opened.

    Examples:
        >>> import weightrepl
        >>> weightrepl.evaluate(weightrepl.demo_path(), "**:* | count").value
        6
        >>> weightrepl.evaluate(weightrepl.demo_path(), "**:* | group class").to_dicts()
        [{'class': 'Dense', 'weights': 6, 'params': 272, 'bytes': 1088}]
    """
    return evaluate_in(query, workspace_of(source))


def explain(source: Source, query: str) -> Explanation:
    """Return how many layers each step of a query left, and the nearest miss.

    The explanation has `selectors`, each with `steps`; a step has `text`, `found` (how many it left), `noun` (of
    what: `layers` or `weights`) and `nearest` (the name that comes nearest, where it left nothing). A broken query is
    no error: its `problems` are told.

    Args:
        source: what `select` takes.
        query: one query.

    Raises:
        SourceError: a file can't be opened.

    Examples:
        >>> import weightrepl
        >>> told = weightrepl.explain(weightrepl.demo_path(), "custom_module/inner_dense9:kernel")
        >>> [(step.text, step.found, step.nearest) for step in told.selectors[0].steps]
        [('custom_module', 1, None), ('inner_dense9', 0, 'inner_dense1')]
    """
    from weightrepl.engine.explain import explain as explain_query

    return explain_query(query, workspace_of(source))


def keys_of(model: Model) -> list[str]:
    """Return what completes `model["…`: the addresses of its weights; none of a model that can't be read."""
    try:
        return [*Selection.of(model.place.weights_below, Workspace((model,))).addresses]
    except SourceError:
        return []


def workspace_of(source: Source) -> Workspace:
    """Return the workspace that a source stands for: itself, one model, or a dict's models by their names."""
    if isinstance(source, Workspace):
        return source
    if isinstance(source, Mapping):
        return Workspace(tuple(_opened(thing, str(name)) for name, thing in source.items()))
    return Workspace((_opened(source, None),))


def _opened(thing: Any, name: str | None) -> Model:
    if not isinstance(thing, Model):
        return open_source(thing, name=name)
    return thing if name is None or name in thing.names[:1] else thing.renamed(name)


def _wrong_kind(query: str, wanted: str, function: str) -> QueryError:
    message = f"this query gives no {wanted}: weightrepl.{function}() needs rows of {wanted}"
    hint = "weightrepl.evaluate() gives whatever a query gives"
    return QueryError(query, [Problem("wrong-result", message, hint=hint)])


def demo_path() -> str:
    """Return the path of the small model that ships with weightrepl, a Keras archive of 272 parameters.

    Examples:
        >>> import weightrepl
        >>> weightrepl.demo_path()
        '...larger_model.keras'
    """
    return os.path.join(os.path.dirname(__file__), "demo", "larger_model.keras")
