"""Answers in each of the formats that the command line offers."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator

from weightrepl.engine.evaluate import Result
from weightrepl.engine.table import Count, Table, Value
from weightrepl.errors import OutputError, Problem
from weightrepl.render import json
from weightrepl.render.blocks import Block, Heading
from weightrepl.render.compose import as_table, as_tree, totals
from weightrepl.render.text import Screen, lines
from weightrepl.spans import visible
from weightrepl.values import Value as Frozen

FORMATS = ("table", "tree", "json", "jsonl", "csv", "tsv", "paths")


class Answer(Frozen):
    """A query's text and what came of it. Without a result there is an error among the problems."""

    query: str
    result: Result | None
    problems: tuple[Problem, ...] = ()

    @property
    def size(self) -> int:
        """How many rows there are, or the number that was counted."""
        if self.result is None:
            return 0
        return self.result.value if isinstance(self.result, Count) else len(self.result)


class Style(Frozen):
    """How answers are shown.

    titled: each under its query. totalled: each with its totals. unfolded: with a row for each layer and weight,
    also of runs of alike ones. None of these says anything to the formats for machines.
    """

    format: str = "table"
    screen: Screen = Screen()
    titled: bool = False
    totalled: bool = False
    unfolded: bool = False


def rendered(answers: Iterable[Answer], style: Style) -> Iterator[str]:
    """Yield the lines of all answers, each as soon as it is there.

    Raises:
        OutputError: a result that the format can't show.
    """
    if style.format == "json":
        yield from json.document((a.query, a.result, a.problems) for a in answers)
        return
    first = True
    for answer in answers:
        if answer.result is not None:
            yield from _rendered(answer.query, answer.result, style, first)
            first = False


def _rendered(query: str, result: Result, style: Style, first: bool) -> Iterator[str]:
    match style.format:
        case "jsonl":
            for row in json.rows(result):
                yield json.text({"version": json.VERSION, "query": query, **row})
        case "paths":
            yield from _paths(query, result)
        case "csv" | "tsv":
            yield from [] if first else [""]
            yield from _separated(result, "," if style.format == "csv" else "\t")
        case _:
            yield from [] if first or not style.titled else [""]
            yield from lines(_for_people(query, result, style), style.screen)


def _for_people(query: str, result: Result, style: Style) -> Iterator[Block]:
    if style.titled:
        yield heading(query)
    compose = as_tree if style.format == "tree" else as_table
    yield from compose(result, unfolded=style.unfolded)
    if style.totalled:
        yield from totals(result)


def heading(query: str) -> Heading:
    """Return what stands above the result of a query, one of several: the query, on one line."""
    return Heading(visible(" ".join(query.split())))


def _paths(query: str, result: Result) -> Iterator[str]:
    if isinstance(result, Table) and "address" in result.columns:
        at = result.columns.index("address")
        yield from (str(row[at]) for row in result.rows)
        return
    if isinstance(result, Table | Count):
        raise OutputError(f"--format paths lists weights or layers, and this gives neither: {visible(query)}")
    yield from result.addresses


def _separated(result: Result, delimiter: str) -> Iterator[str]:
    """Yield lines of values in full: bytes as a number, what is unknown empty, names without control characters."""
    if isinstance(result, Count):
        table = Table(("count",), ((result.value,),))
    else:
        table = result if isinstance(result, Table) else result.table()
    line: list[str] = []
    writer = csv.writer(_Into(line), delimiter=delimiter, lineterminator="")
    for row in (table.columns, *table.rows):
        writer.writerow(map(_exact, row))
        yield line.pop()


class _Into:
    """A file as far as a csv writer needs one: what is written goes to a list."""

    def __init__(self, texts: list[str]) -> None:
        self.write = texts.append


def _exact(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return visible(str(value))
