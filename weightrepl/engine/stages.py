"""The stages of a query that need no values: each takes a relation and gives one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from weightrepl.engine.columns import (
    Column,
    ColumnType,
    layer_columns,
    site_nbytes,
    site_size,
    total,
    weight_columns,
)
from weightrepl.engine.expressions import ExpressionError, column_of, condition
from weightrepl.engine.table import Value
from weightrepl.errors import Problem
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.query.syntax import (
    Binary,
    Keyword,
    Membership,
    Number,
    Selector,
    SortKey,
    Stage,
    Subscript,
    Unary,
    Word,
)

DEFAULT_COLUMNS = {
    "weights": ("address", "shape", "dtype", "bytes"),
    "layers": ("address", "class", "weights", "params", "bytes"),
}
NEED_VALUES = ("stats", "hist", "reduce", "diff", "dequantize")
DEFAULT_ROWS = 10


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows with columns that are computed when asked for.

    rows: Sites of weights, Places of layers, or plain tuples of groups.
    shown: the columns that a table of it has.
    problems: what the stages have to tell.
    """

    kind: Literal["weights", "layers", "groups", "count"]
    rows: tuple[Any, ...]
    columns: Mapping[str, Column]
    shown: tuple[str, ...]
    problems: tuple[Problem, ...] = ()


def relation(kind: Literal["weights", "layers"], rows: tuple[Any, ...], workspace: Workspace) -> Relation:
    """Return the rows of weights or layers as a relation."""
    columns = weight_columns(workspace) if kind == "weights" else layer_columns(workspace)
    return Relation(kind, rows, columns, DEFAULT_COLUMNS[kind])


def apply(stage: Stage, given: Relation) -> Relation:
    """Return what a stage makes of a relation.

    Raises:
        ExpressionError: a column that is not there, or a stage that can't be used on such rows.
    """
    if stage.name in NEED_VALUES:
        message = f"'{stage.name}' needs the values read, which this version does not do in a query yet"
        raise ExpressionError("needs-values", message, stage.name_span)
    if given.kind == "count":
        raise ExpressionError("after-count", "'count' gives one number: nothing can follow it", stage.span)
    return _STAGES[stage.name](stage, given)


def _where(stage: Stage, given: Relation) -> Relation:
    (expression,) = stage.arguments
    assert not isinstance(expression, SortKey | Keyword | Selector)
    holds = condition(expression, given.columns)
    verdicts = [holds(row) for row in given.rows]
    rows = tuple(row for row, verdict in zip(given.rows, verdicts, strict=True) if verdict is True)
    unknown = sum(verdict is None for verdict in verdicts)
    if not unknown:
        return replace(given, rows=rows)
    message = f"left out {unknown:,} row{'s' * (unknown > 1)} where the source does not tell"
    note = Problem("unknown-left-out", message, expression.span, severity="note")
    return replace(given, rows=rows, problems=(*given.problems, note))


def _sort(stage: Stage, given: Relation) -> Relation:
    rows = given.rows
    for key in reversed([k for k in stage.arguments if isinstance(k, SortKey)]):
        rows = _sorted(rows, column_of(key.column, given.columns), key.descending)
    return replace(given, rows=rows)


def _sorted(rows: tuple[Any, ...], column: Column, descending: bool) -> tuple[Any, ...]:
    """Return the rows in order of a column, stable; unknown and NaN last, whichever way."""
    valued = [(column.of(row), row) for row in rows]
    known = [pair for pair in valued if not _is_last(pair[0])]
    known.sort(key=_first, reverse=descending)
    return tuple(row for _, row in known) + tuple(row for value, row in valued if _is_last(value))


def _first(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _is_last(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _head(stage: Stage, given: Relation) -> Relation:
    return replace(given, rows=given.rows[: _number(stage)])


def _tail(stage: Stage, given: Relation) -> Relation:
    return replace(given, rows=given.rows[max(0, len(given.rows) - _number(stage)) :])


def _number(stage: Stage) -> int:
    return next((int(a.value) for a in stage.arguments if isinstance(a, Number)), DEFAULT_ROWS)


def _top(stage: Stage, given: Relation) -> Relation:
    key = next(a for a in stage.arguments if isinstance(a, Word))
    rows = _sorted(given.rows, column_of(key, given.columns), descending=True)
    return replace(given, rows=rows[: _number(stage)])


def _show(stage: Stage, given: Relation) -> Relation:
    shown = tuple(column_of(word, given.columns).name for word in stage.arguments if isinstance(word, Word))
    return replace(given, shown=tuple(dict.fromkeys(shown)))


def _count(stage: Stage, given: Relation) -> Relation:
    return replace(given, kind="count")


def _group(stage: Stage, given: Relation) -> Relation:
    keys = [column_of(word, given.columns) for word in stage.arguments if isinstance(word, Word)]
    groups: dict[tuple[Value, ...], list[Any]] = {}
    for row in given.rows:
        groups.setdefault(tuple(key.of(row) for key in keys), []).append(row)
    counted = _counted(given.kind)
    rows = tuple(
        (*values, *(count(members) for count in counted.values())) for values, members in groups.items()
    )
    types: dict[str, ColumnType] = {key.name: key.type for key in keys} | {
        name: "bytes" if name == "bytes" else "number" for name in counted
    }
    columns = {name: Column(name, type_, _item(i)) for i, (name, type_) in enumerate(types.items())}
    return replace(given, kind="groups", rows=rows, columns=columns, shown=tuple(columns))


def _item(i: int) -> Callable[[Any], Value]:
    return lambda row: row[i]


def _counted(kind: str) -> dict[str, Callable[[list[Any]], Value]]:
    """Return the figures of a group. Those of layers are of the layers' own weights, so that none counts twice."""
    if kind == "groups":
        return {"rows": len}
    figures: dict[str, Callable[[list[Any]], Value]] = {} if kind == "weights" else {"layers": len}
    return figures | {
        "weights": lambda rows: sum(1 for _ in _weights(rows)),
        "params": lambda rows: total(map(site_size, _weights(rows))),
        "bytes": lambda rows: total(map(site_nbytes, _weights(rows))),
    }


def _weights(rows: list[Any]) -> Iterator[Site]:
    for row in rows:
        if isinstance(row, Place):
            yield from (Site(row, weight) for weight in row.layer.weights)
        else:
            yield row


_STAGES: dict[str, Callable[[Stage, Relation], Relation]] = {
    "where": _where, "sort": _sort, "head": _head, "tail": _tail, "top": _top, "show": _show, "count": _count,
    "group": _group,
}  # fmt: skip


def words_of(stage: Stage) -> Iterator[Word]:
    """Yield the words of a stage that may be columns."""
    pending: list[Any] = list(stage.arguments)
    while pending:
        match pending.pop():
            case Word() as word:
                yield word
            case (
                SortKey(column=part) | Subscript(column=part) | Unary(operand=part) | Membership(operand=part)
            ):
                pending.append(part)
            case Binary(left=left, right=right):
                pending += (left, right)
