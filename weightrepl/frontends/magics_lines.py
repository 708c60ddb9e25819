"""Where in a cell a line of ours is, and the query in it that somebody types."""

from __future__ import annotations

import re

from weightrepl.frontends.magics_options import Parts, parts_of
from weightrepl.frontends.shell import Given
from weightrepl.values import Value

_LINE = re.compile(r"\s*(?:[^%=#]+=\s*)?%(?:weights|layers)(?=\s)")
_CELL = re.compile(r"\s*%%weights(?=\s)")
_WORD_IN_BODY = re.compile(r"#:[ \t]*(?:expect[ \t]+)?\w*")
_QUERY_IN_BODY = re.compile(r"#:[ \t]*let[ \t]+[^\s=]+[ \t]*=[ \t]*")


class Asked(Value):
    """A line of ours, with the cursor in it.

    start: where it begins in the cell. offset: where in it the cursor is. parts: what it is made of. body: the
    queries below a `%%weights`, where the cursor is in those; then `parts` are of the cell's first line.
    """

    start: int
    offset: int
    parts: Parts
    body: str = ""

    @property
    def query(self) -> Given:
        """The query, in its line; in a body perhaps a directive, as long as its words are typed."""
        return self.parts.query


def asked_at(cell: str, offset: int) -> Asked | None:
    """Return the line of ours that a place of a cell is in; None where it is in none, or in the magic's name."""
    if (head := _CELL.match(cell)) is not None and head.end() <= offset:
        return _in_cell(cell, offset, head.end())
    start, line = _joined(cell, offset)
    found = _LINE.match(line)
    if found is None or start + found.end() >= offset:
        return None
    return Asked(start, offset - start, parts_of(Given(line, found.end())))


def _joined(cell: str, offset: int) -> tuple[int, str]:
    """Return the line that a place is in, and where it begins; those that a backslash ends go on in the next."""
    start = cell.rfind("\n", 0, offset) + 1
    while cell.endswith("\\\n", 0, start):
        start = cell.rfind("\n", 0, start - 1) + 1
    end = offset
    while (end := cell.find("\n", end)) >= 0 and cell[end - 1] == "\\":
        end += 1
    line = cell[start:] if end < 0 else cell[start:end]
    return start, line.replace("\\\n", "  ")


def _in_cell(cell: str, offset: int, start: int) -> Asked | None:
    """Return what is asked in a `%%weights` whose options begin at `start`."""
    end = (cell + "\n").index("\n", start)
    parts = parts_of(Given(cell[:end], start))
    if offset <= end:
        return Asked(0, offset, parts) if offset > start else None
    first, last = _item(cell, offset, end + 1)
    text = cell[first:last]
    if text.startswith("#"):
        named = _QUERY_IN_BODY.match(text)
        if named is not None and first + named.end() <= offset:
            first += named.end()
        elif not _WORD_IN_BODY.fullmatch(cell, first, offset):
            return None
    query = Given(cell[first:last])
    return Asked(first, offset - first, Parts(parts.options, query), cell[end + 1 :])


def _item(cell: str, offset: int, body: int) -> tuple[int, int]:
    """Return where the query or directive begins and ends that a place is in; lines that begin blank continue it."""
    start = cell.rfind("\n", 0, offset) + 1
    while start > body and cell[start : start + 1] in (" ", "\t"):
        start = cell.rfind("\n", 0, start - 1) + 1
    end = (cell + "\n").index("\n", offset)
    while cell[end + 1 : end + 2] in (" ", "\t"):
        end = (cell + "\n").index("\n", end + 1)
    return start, end
