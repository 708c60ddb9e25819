"""What an editor shows of a whole query file: its outline, what folds, and its canonical spelling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from weightrepl.errors import Fix, errors_in
from weightrepl.query.formatter import format_text
from weightrepl.query.parser import parse
from weightrepl.query.printer import format_query
from weightrepl.query.syntax import Entry, Query
from weightrepl.service.file_names import given_in
from weightrepl.service.file_queries import parsed, queries_of
from weightrepl.spans import Span
from weightrepl.values import Value

_LONGEST = 80
"""So much of a query stands in an outline."""


class Symbol(Value):
    """A line of the outline. span: all of it. selection: what is shown when it is chosen. detail: beside the name."""

    kind: Literal["model", "query", "entry"]
    name: str
    detail: str
    span: Span
    selection: Span


def symbols(text: str) -> tuple[Symbol, ...]:
    """Return the outline of a query file, in the order of places."""
    file = parsed(text).file
    found = [
        Symbol("model", each.name or each.path, each.path, each.span, given_in(text, each))
        for each in file.opens
        if each.path
    ]
    found += [
        Symbol("query", f"${each.name}", _line(each.query.span.of(text)), each.span, given_in(text, each))
        for each in file.lets
        if each.name
    ]
    found += [
        Symbol("entry", _line(each.query.span.of(text)), _expected(each), each.span, each.span)
        for each in file.entries
        if len(each.span)
    ]
    return tuple(sorted(found, key=lambda symbol: symbol.span))


def _expected(entry: Entry) -> str:
    return f"expect {entry.expect}" if entry.expect else ""


def _line(query: str) -> str:
    line = " ".join(query.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def folds(text: str) -> tuple[tuple[Span, Literal["region", "comment"]], ...]:
    """Return what can be folded: queries and directives of several lines, and comments that follow each other."""
    file = parsed(text).file
    found: list[tuple[Span, Literal["region", "comment"]]] = [
        (each.span, "region")
        for each in (*file.opens, *file.lets, *file.entries)
        if "\n" in each.span.of(text)
    ]
    found += [(span, "comment") for span in _comments(text)]
    return tuple(sorted(found, key=lambda fold: fold[0]))


def _comments(text: str) -> Iterator[Span]:
    """Yield the spans of several lines of comments."""
    start, at, lines = 0, 0, 0
    for line in [*text.split("\n"), ""]:
        if line.startswith("#") and not line.startswith("#:"):
            start = at if not lines else start
            lines += 1
        else:
            if lines > 1:
                yield Span(start, at - 1)
            lines = 0
        at += len(line) + 1


def formatted(text: str) -> tuple[Fix, ...]:
    """Return the changes that give the queries of a file their canonical spelling.

    A query with errors or with a comment in it is left as it is; one of several lines has one for each stage.
    """
    fixes = []
    for query in queries_of(text):
        old = query.span.of(text)
        if errors_in(parse(old).problems):
            continue
        new = format_text(" ".join(old.split("\n"))) if "\n" not in old else _in_lines(old, query)
        if new != old:
            fixes.append(Fix(query.span, new))
    return tuple(fixes)


def _in_lines(old: str, query: Query) -> str:
    if format_text(old) == old:  # a comment within: it stays
        return old
    return "\n    ".join(
        [
            format_query(query.replace(stages=())),
            *(format_query(query.replace(selectors=(), stages=(stage,))) for stage in query.stages),
        ]
    )
