"""Rows of a query's result with columns that are computed when asked for: what stages take and give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

from weightrepl.engine.columns import Column, layer_columns, weight_columns
from weightrepl.engine.expressions import Typed
from weightrepl.engine.figures import Figures
from weightrepl.engine.table import Value
from weightrepl.errors import Problem
from weightrepl.model.workspace import Workspace
from weightrepl.values import Value as Frozen

DEFAULT_COLUMNS = {
    "weights": ("address", "shape", "dtype", "bytes"),
    "layers": ("address", "class", "weights", "params", "bytes"),
}


class Relation(Frozen):
    """Rows with columns that are computed when asked for.

    rows: Sites of weights, Places of layers, Pairs of `diff`, or plain tuples of groups.
    shown: the columns that a table of it has. chosen: whether `show` chose just these.
    figures: what was learnt of the weights' values.
    problems: what the stages have to tell.
    """

    kind: Literal["weights", "layers", "pairs", "groups", "count"]
    rows: tuple[Any, ...]
    columns: Mapping[str, Column]
    shown: tuple[str, ...]
    figures: Figures
    problems: tuple[Problem, ...] = ()
    chosen: bool = False

    def of_rows(self, rows: tuple[Any, ...]) -> Relation:
        """Return it with other rows of the same kind."""
        return self.replace(rows=rows)

    def values(self, names: Iterable[str]) -> tuple[tuple[Value, ...], ...]:
        """Return what stands in the columns of these names, row by row."""
        asked = [self.columns[name] for name in names]
        self.figures.want(column.name for column in asked)
        with reading(self, asked):
            return tuple(tuple([column.of(row) for column in asked]) for row in self.rows)

    def noted(self, *notes: Problem) -> Relation:
        """Return it with more to tell."""
        return self.replace(problems=(*self.problems, *notes))


def relation(
    kind: Literal["weights", "layers"], rows: tuple[Any, ...], workspace: Workspace, figures: Figures
) -> Relation:
    """Return the rows of weights or layers as a relation."""
    columns = weight_columns(workspace, figures) if kind == "weights" else layer_columns(workspace)
    return Relation(kind, rows, columns, DEFAULT_COLUMNS[kind], figures)


def reading(given: Relation, columns: Iterable[Column | Typed]) -> AbstractContextManager[None]:
    """Tell who watches that the rows are read, as long as it lasts, where the columns need that."""
    if given.kind == "weights" and any(column.reads for column in columns):
        return given.figures.reading(given.rows)
    return nullcontext()
