"""Blocks as lines of text, for a terminal or a pipe.

Nothing is ever cut. Where a row does not fit the screen, the columns that are too much go to lines of their own below
it. Colours are written here by hand: importing a library for them takes longer than answering most queries.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from weightrepl.render.blocks import Cell, Chart, Heading, Line, ProblemBlock, TableBlock, TreeBlock, TreeRow
from weightrepl.render.charts import chart, in_ascii
from weightrepl.spans import excerpt, visible, width
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from weightrepl.render.blocks import Block

GAP = "  "

_COLOURS = {  # SGR parameters, ECMA-48 section 8.3.117
    "title": "1", "shape": "36", "dim": "2", "unknown": "2", "list": "2", "hint": "32", "mark": "31",
    "error": "1;31", "warning": "1;33", "note": "1;36",
}  # fmt: skip


class Screen(Value):
    """What the text is for.

    width: in cells, None where lines may be of any length. unicode: whether it can show box-drawing characters.
    """

    width: int | None = None
    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, style: str) -> str:
        """Return `text` in the colour of a style, if there are colours."""
        if not self.colour or not text or style not in _COLOURS:
            return text
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m"


def screen_of(stream: TextIO, colour: str = "auto") -> Screen:
    """Return what a stream can show; `colour` is auto, always or never, and the user's last word.

    Else NO_COLOR (https://no-color.org), then FORCE_COLOR, then whether it is a terminal. COLUMNS goes before the
    terminal's own width; what is no terminal takes lines of any length.
    """
    terminal = stream.isatty()
    coloured = terminal and os.environ.get("TERM") != "dumb"
    if os.environ.get("NO_COLOR"):
        coloured = False
    elif os.environ.get("FORCE_COLOR"):
        coloured = True
    if colour != "auto":
        coloured = colour == "always"
    return Screen(_width_of(stream, terminal), coloured, _shows_boxes(stream))


def _width_of(stream: TextIO, terminal: bool) -> int | None:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or None if terminal else None
    except OSError:
        return None


def _shows_boxes(stream: TextIO) -> bool:
    try:
        "├".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def lines(blocks: Iterable[Block], screen: Screen) -> Iterator[str]:
    """Yield the lines of `blocks`, without line ends."""
    for block in blocks:
        match block:
            case Heading():
                yield screen.paint(block.text, "title")
            case Line():
                yield screen.paint(block.text, block.role)
            case TableBlock():
                yield from _table(block, screen)
            case TreeBlock():
                yield from _tree(block, screen)
            case Chart():
                yield from chart(block.histogram, screen.width, screen.unicode)
            case ProblemBlock():
                yield from _problem(block, screen)


# ------------------------------------------------------------------ tables and trees


class _Row(NamedTuple):
    """Cells in the order of the columns; what stands before the first, and before each further line of the row."""

    cells: Sequence[Cell]
    lead: str = ""
    follow: str = GAP

    def width(self, column: int) -> int:
        """Return the cells that a column takes, the lead with the first."""
        return (len(self.lead) if column == 0 else 0) + width(self.cells[column].text)


def _table(block: TableBlock, screen: Screen) -> Iterator[str]:
    if not block.columns:
        return
    right = [
        bool(block.rows) and all(r[i].role in ("number", "unknown") for r in block.rows)
        for i in range(len(block.columns))
    ]
    head = _Row([Cell(name, "title") for name in block.columns])
    rows = block.rows if screen.unicode else [[in_ascii(cell) for cell in row] for row in block.rows]
    yield from _laid_out([head, *map(_Row, rows)], right, screen)


def _tree(block: TreeBlock, screen: Screen) -> Iterator[str]:
    if not block.rows:
        return
    columns = range(len(block.rows[0].cells))
    right = [all(r.cells[i].role == "number" or not r.cells[i].text for r in block.rows) for i in columns]
    rows = [
        _Row(row.cells, lead, follow)
        for row, (lead, follow) in zip(block.rows, _guides(block.rows, screen), strict=True)
    ]
    yield from _laid_out(rows, right, screen)


def _guides(rows: Sequence[TreeRow], screen: Screen) -> Iterator[tuple[str, str]]:
    """Yield for each row of a tree what stands before its first line, and before its further ones."""
    tee, corner, bar, blank = (
        ("├── ", "└── ", "│   ", "    ") if screen.unicode else ("|-- ", "`-- ", "|   ", "    ")
    )
    above: list[str] = []  # of each layer on the way to the row: what its further siblings draw beside it
    for row, has_more, next_row in zip(rows, _has_later_sibling(rows), [*rows[1:], None], strict=True):
        below = bar if next_row is not None and next_row.depth > row.depth else blank
        if row.depth == 0:
            above = []
            yield "", below
            continue
        del above[row.depth - 1 :]
        lead = "".join(above) + (tee if has_more else corner)
        above.append(bar if has_more else blank)
        yield lead, "".join(above) + below


def _has_later_sibling(rows: Sequence[TreeRow]) -> list[bool]:
    found: list[bool] = []
    seen: list[bool] = []  # by depth: whether a row further down has it, with no shallower one between
    for row in reversed(rows):
        del seen[row.depth + 1 :]
        seen += [False] * (row.depth + 1 - len(seen))
        found.append(seen[row.depth])
        seen[row.depth] = True
    found.reverse()
    return found


def _laid_out(rows: Sequence[_Row], right: Sequence[bool], screen: Screen) -> Iterator[str]:
    widths = [max(row.width(i) for row in rows) for i in range(len(right))]
    indent = max(len(row.follow) for row in rows)
    has_list = any(row.cells[-1].parts for row in rows)
    if has_list:
        widths[-1] = _list_width(rows, widths, indent, screen)
    groups = _broken(widths, indent, screen, has_list)
    for row in rows:
        for group in groups:
            yield from _group_lines(row, group, indent, widths, right, screen)


def _list_width(rows: Sequence[_Row], widths: Sequence[int], indent: int, screen: Screen) -> int:
    """Return how wide the last column is made, whose items may go below each other."""
    if screen.width is None:
        return widths[-1]
    longest = max(width(part) for row in rows for part in row.cells[-1].parts)
    beside = screen.width - sum(w + len(GAP) for w in widths[:-1])
    return min(widths[-1], beside if beside >= longest else max(longest, screen.width - indent))


def _broken(widths: Sequence[int], indent: int, screen: Screen, has_list: bool) -> list[list[int]]:
    """Return which columns stand on the first line of each row, which on the second, …

    All on one line if they fit; else the first column has a line for itself. A list may follow on its own.
    """
    columns = [i for i, needed in enumerate(widths) if needed or i == 0]
    last = [columns.pop()] if has_list and len(columns) > 1 and columns[-1] == len(widths) - 1 else []
    groups = _packed(columns, widths, 0, screen)
    if len(groups) > 1:
        groups = [columns[:1], *_packed(columns[1:], widths, indent, screen)]
    start = indent if len(groups) > 1 else 0
    return [*groups[:-1], *_packed(groups[-1] + last, widths, start, screen)]


def _packed(columns: Sequence[int], widths: Sequence[int], start: int, screen: Screen) -> list[list[int]]:
    """Return `columns` in groups that each fit a line which begins at `start`."""
    groups: list[list[int]] = []
    used = 0
    for column in columns:
        used += len(GAP) + widths[column]
        if not groups or (screen.width is not None and used > screen.width):
            groups.append([])
            used = start + widths[column]
        groups[-1].append(column)
    return groups


def _group_lines(
    row: _Row, group: Sequence[int], indent: int, widths: Sequence[int], right: Sequence[bool], screen: Screen
) -> Iterator[str]:
    """Yield the lines of those cells of a row that stand beside each other."""
    if group[0] != 0 and not any(row.cells[column].text for column in group):
        return
    follow = row.follow + " " * (indent - len(row.follow))
    line, start = ("", 0) if group[0] == 0 else (follow, indent)
    further: list[str] = []
    for column in group:
        cell = row.cells[column]
        first, *rest = _stacked(cell, widths[column])
        drawn = screen.paint(first, cell.role)
        padding = " " * (widths[column] - width(first) - (len(row.lead) if column == 0 else 0))
        line += (
            (row.lead if column == 0 else "") + (padding + drawn if right[column] else drawn + padding) + GAP
        )
        further = [
            row.follow + " " * (start - len(row.follow)) + screen.paint(text, cell.role) for text in rest
        ]
        start += widths[column] + len(GAP)
    yield line.rstrip()
    yield from further


def _stacked(cell: Cell, room: int) -> list[str]:
    """Return a cell's text in lines; one, but for a list that is wider than its room."""
    if not cell.parts or width(cell.text) <= room:
        return [cell.text]
    stacked = [cell.parts[0]]
    for part in cell.parts[1:]:
        joined = stacked[-1] + GAP + part
        if width(joined) <= room:
            stacked[-1] = joined
        else:
            stacked.append(part)
    return stacked


# ------------------------------------------------------------------ problems


def _problem(block: ProblemBlock, screen: Screen) -> Iterator[str]:
    problem, text = block.problem, block.text
    where = f"{visible(block.where)}: " if block.where else ""
    head = screen.paint(f"{problem.severity}[{problem.code}]:", problem.severity)
    yield f"{where}{head} {screen.paint(visible(problem.message), 'title')}"
    if problem.span is not None and text:
        line, marks = excerpt(text, problem.span)
        yield f"  {line}"
        yield "  " + screen.paint(marks, "mark")
    for advice in problem.advice(text):
        for line in advice.split("\n"):
            yield "  " + screen.paint(visible(line), "hint")
