"""The stages of a query: each takes a relation and gives one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from weightrepl.engine.columns import (
    LAYER_COLUMNS,
    VALUE_COLUMNS,
    WEIGHT_COLUMNS,
    Column,
    total,
)
from weightrepl.engine.expressions import ExpressionError, column_of, condition
from weightrepl.engine.figures import FIGURES
from weightrepl.engine.near_values import near_values
from weightrepl.engine.relation import Relation, reading
from weightrepl.engine.table import ColumnType, Value
from weightrepl.errors import Problem
from weightrepl.model.tree import Place, Site
from weightrepl.query.syntax import (
    Binary,
    Keyword,
    Membership,
    Missing,
    Number,
    Selector,
    SortKey,
    Stage,
    Subscript,
    Unary,
    Word,
)

OF_WEIGHTS = ("stats", "hist", "reduce", "diff", "dequantize")
"""The stages that look into values, and so ask for weights."""

DEFAULT_ROWS = 10


def apply(stage: Stage, given: Relation) -> Relation:
    """Return what a stage makes of a relation.

    Raises:
        ExpressionError: a column that is not there, or a stage that can't be used on such rows.
    """
    check(stage, given)
    return _STAGES[stage.name](stage, given)


def check(stage: Stage, given: Relation) -> None:
    """Raise an ExpressionError where a stage can't be used on such rows."""
    if given.kind == "count":
        raise ExpressionError("after-count", "'count' gives one number: nothing can follow it", stage.span)
    if stage.name in OF_WEIGHTS and given.kind != "weights":
        if given.kind == "layers":
            rows, hint = "are layers", "without --layers, in Python with select(), it is of their weights"
        else:
            rows, hint = "are none any more", "put it before 'group' and 'diff'"
        message = f"'{stage.name}' looks into weights, and these rows {rows}"
        raise ExpressionError("needs-weights", message, stage.name_span, hint=hint)


def _where(stage: Stage, given: Relation) -> Relation:
    (expression,) = stage.arguments
    assert not isinstance(expression, SortKey | Keyword | Selector)
    holds = condition(expression, given.columns)
    with reading(given, [holds]):
        verdicts = [holds.of(row) for row in given.rows]
    rows = tuple(row for row, verdict in zip(given.rows, verdicts, strict=True) if verdict is True)
    if not rows:
        given = given.noted(*near_values(expression, given))
    unknown = sum(verdict is None for verdict in verdicts)
    if not unknown:
        return given.replace(rows=rows)
    message = f"left out {unknown:,} row{'s' * (unknown > 1)} where that is unknown"
    note = Problem("unknown-left-out", message, expression.span, severity="note")
    return given.replace(rows=rows).noted(note)


def _sort(stage: Stage, given: Relation) -> Relation:
    rows = given.rows
    keys = [k for k in stage.arguments if isinstance(k, SortKey)]
    columns = [_ordered(key.column, given) for key in keys]
    with reading(given, columns):
        for key, column in reversed([*zip(keys, columns, strict=True)]):
            rows = _sorted(rows, column, key.descending)
    return given.replace(rows=rows)


def _ordered(key: Word, given: Relation) -> Column:
    """Return the column to sort by."""
    column = column_of(key, given.columns)
    if column.type == "histogram":
        raise ExpressionError("wrong-kind", "histograms have no order", key.span)
    return column


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
    return given.replace(rows=given.rows[: _number(stage)])


def _tail(stage: Stage, given: Relation) -> Relation:
    return given.replace(rows=given.rows[max(0, len(given.rows) - _number(stage)) :])


def _number(stage: Stage) -> int:
    return next((int(a.value) for a in stage.arguments if isinstance(a, Number)), DEFAULT_ROWS)


def _top(stage: Stage, given: Relation) -> Relation:
    key = next(a for a in stage.arguments if isinstance(a, Word))
    column = _ordered(key, given)
    with reading(given, [column]):
        rows = _sorted(given.rows, column, descending=True)
    return given.replace(rows=rows[: _number(stage)])


def _show(stage: Stage, given: Relation) -> Relation:
    shown = tuple(column_of(word, given.columns).name for word in stage.arguments if isinstance(word, Word))
    return given.replace(shown=tuple(dict.fromkeys(shown)), chosen=True)


def _count(stage: Stage, given: Relation) -> Relation:
    return given.replace(kind="count")


def _group(stage: Stage, given: Relation) -> Relation:
    keys = [column_of(word, given.columns) for word in stage.arguments if isinstance(word, Word)]
    groups: dict[tuple[Value, ...], list[Any]] = {}
    with reading(given, keys):
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
    return given.replace(kind="groups", rows=rows, columns=columns, shown=tuple(columns))


def _item(i: int) -> Callable[[Any], Value]:
    return lambda row: row[i]


def _counted(kind: str) -> dict[str, Callable[[list[Any]], Value]]:
    """Return the figures of a group. Those of layers are of the layers' own weights, so that none counts twice."""
    if kind in ("groups", "pairs"):
        return {"rows": len}
    figures: dict[str, Callable[[list[Any]], Value]] = {} if kind == "weights" else {"layers": len}
    return figures | {
        "weights": lambda rows: sum(1 for _ in _weights(rows)),
        "params": lambda rows: total(site.spec.size for site in _weights(rows)),
        "bytes": lambda rows: total(site.spec.nbytes for site in _weights(rows)),
    }


def _weights(rows: list[Any]) -> Iterator[Site]:
    for row in rows:
        if isinstance(row, Place):
            yield from (Site(row, weight) for weight in row.layer.weights)
        else:
            yield row


# ------------------------------------------------------------------ what looks into values


def _stats(stage: Stage, given: Relation) -> Relation:
    return given.replace(shown=("address", *FIGURES), chosen=False)


def _hist(stage: Stage, given: Relation) -> Relation:
    from weightrepl.engine.histograms import with_histograms

    return with_histograms(stage, given)


def _reduce(stage: Stage, given: Relation) -> Relation:
    from weightrepl.engine.reductions import reduced

    return reduced(stage, given)


def _dequantize(stage: Stage, given: Relation) -> Relation:
    from weightrepl.engine.quantization import dequantized

    return dequantized(stage, given)


_STAGES: dict[str, Callable[[Stage, Relation], Relation]] = {
    "where": _where, "sort": _sort, "head": _head, "tail": _tail, "top": _top, "show": _show, "count": _count,
    "group": _group, "stats": _stats, "hist": _hist, "reduce": _reduce, "dequantize": _dequantize,
}  # fmt: skip


def wants_weights(stages: Iterable[Stage | Missing]) -> bool:
    """Return whether stages are of weights, by the nature of one or by a key that only weights have."""
    only_weights = set(WEIGHT_COLUMNS + VALUE_COLUMNS) - set(LAYER_COLUMNS)
    for stage in stages:
        if isinstance(stage, Missing):
            continue
        if stage.name in OF_WEIGHTS or any(word.text in only_weights for word in words_of(stage)):
            return True
        if stage.name == "group":
            break
    return False


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
