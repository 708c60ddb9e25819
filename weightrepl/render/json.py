"""Results as JSON. The form is in `schema.json`, and in words in docs/json-schema.md."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from weightrepl.engine.addresses import is_shared
from weightrepl.engine.columns import LAYER_COLUMNS, WEIGHT_COLUMNS
from weightrepl.engine.evaluate import Result
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.table import Count, Histogram, Value
from weightrepl.errors import Problem
from weightrepl.model.tree import Site

VERSION = 1
"""Goes up when a reader of the old form could go wrong with the new one; new keys alone don't count."""

Json: TypeAlias = "dict[str, Any]"


def text(value: object) -> str:
    """Return JSON on one line, with control, format and bidirectional characters escaped, so it is safe to print."""
    raw = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return raw if raw.isprintable() else "".join(map(_escaped, raw))


def _escaped(char: str) -> str:
    return char if char.isprintable() else json.dumps(char)[1:-1]


def document(answers: Iterable[tuple[str, Result | None, Sequence[Problem]]]) -> Iterator[str]:
    """Yield the lines of one document with an object for each query, a row on each line, as soon as it is there."""
    yield f'{{"version": {VERSION}, "results": ['
    separator = ""
    for query, result, problems in answers:
        yield from _object(query, result, problems, separator)
        separator = ","
    yield "]}"


def _object(query: str, result: Result | None, problems: Sequence[Problem], separator: str) -> Iterator[str]:
    head = {"query": query, "kind": _kind(result), "problems": [_problem(problem) for problem in problems]}
    opening = separator + text(head)[:-1]
    if result is None:
        yield opening + "}"
    elif isinstance(result, Count):
        yield f'{opening}, "count": {result.value}}}'
    else:
        yield opening + ', "rows": ['
        left = len(result)
        for row in rows(result):
            left -= 1
            yield " " + text(row) + ("," if left else "")
        yield "]}"


def _kind(result: Result | None) -> str:
    if result is None:
        return "error"
    return {Selection: "weights", LayerSelection: "layers", Count: "count"}.get(type(result), "table")


def rows(result: Result) -> Iterator[Json]:
    """Yield each row as a dict: what `show` chose, else all but values that were not asked for, with `aliases`."""
    if isinstance(result, Count):
        yield {"count": result.value}
    elif isinstance(result, Selection | LayerSelection) and not result.chosen:
        every = WEIGHT_COLUMNS if isinstance(result, Selection) else LAYER_COLUMNS
        table = result.table(tuple(dict.fromkeys((*every, *result.columns))))
        for row, aliases in zip(table.to_dicts(), _aliases(result), strict=True):
            yield {**_plain(row), "aliases": aliases}
    else:
        table = result.table() if isinstance(result, Selection | LayerSelection) else result
        yield from map(_plain, table.to_dicts())


def _aliases(result: Selection | LayerSelection) -> Iterator[list[str]]:
    """Yield the aliases of each row, which are looked for only where something is shared."""
    items: Sequence[Any] = result
    for row, item in zip(result.rows, items, strict=True):
        shared = is_shared(row.place, row.weight) if isinstance(row, Site) else is_shared(row)
        yield list(item.aliases) if shared else []


def _plain(row: dict[str, Value]) -> Json:
    return {column: _value(value) for column, value in row.items()}


def _value(value: Value) -> object:
    """Return a value as JSON has it; numbers that it has no word for are `NaN`, `Infinity`, `-Infinity`."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, Histogram):
        return {"low": value.low, "high": value.high, "counts": value.counts, "outside": value.outside}
    return list(value) if isinstance(value, tuple) else value


def _problem(problem: Problem) -> Json:
    told: Json = {"severity": problem.severity, "code": problem.code, "message": problem.message}
    if problem.span is not None:
        told["span"] = [problem.span.start, problem.span.end]
    if problem.fix is not None:
        fix = problem.fix
        told["fix"] = {"span": [fix.span.start, fix.span.end], "text": fix.text}
    if problem.hint is not None:
        told["hint"] = problem.hint
    return told
