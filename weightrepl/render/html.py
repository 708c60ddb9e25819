"""Blocks as HTML: static, without scripts, its style its own; to read also where styles are taken away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from weightrepl.engine.pictures import Panel
from weightrepl.engine.table import Histogram
from weightrepl.render.blocks import (
    Beside,
    Cell,
    Chart,
    Facts,
    Heading,
    Image,
    Line,
    Part,
    ProblemBlock,
    TableBlock,
    TreeBlock,
    TreeRow,
)
from weightrepl.render.charts import heights, numbers
from weightrepl.render.html_style import SHEET
from weightrepl.render.svg import drawing, thumbnail
from weightrepl.render.svg_elements import safe
from weightrepl.spans import Span, visible, width

OPEN_ROWS = 20
"""Of a tree so many rows are seen at first, where its levels allow it."""

LONG = 25
"""A table of more rows scrolls within its own box."""

WIDEST = 48
"""So many characters wide a cell of a tree gets before it goes on below itself."""

_BLANK = "\u2007"
"""Is as wide as a digit, and stays where several stand beside each other."""

_COLOURED = ("name", "shape", "unknown", "dim", "hint", "title", "flag")

_UNITS = {"params": " params", "trainable": " trainable"}
"""What follows a figure of a tree where no header stands above it."""


def html(parts: Iterable[Part]) -> str:
    """Return parts as one piece of HTML, which leaves the rest of the page alone."""
    body = "\n".join(line for part in parts for line in _part(part))
    return f'<div class="weightrepl"><style>\n{SHEET}\n</style>\n{body}\n</div>'


def _part(part: Part) -> Iterator[str]:
    match part:
        case Heading():
            yield f'<p class="wr-title"><code>{safe(part.text)}</code></p>'
        case Line():
            yield f'<p class="wr-{part.role}">{safe(part.text)}</p>'
        case TableBlock():
            yield from _table(part)
        case TreeBlock():
            yield from _tree(part)
        case Facts():
            yield from _facts(part)
        case Chart():
            yield f"<figure>{drawing(Panel('', None, '', part.histogram))}</figure>"
        case Image():
            yield f"<figure>{drawing(part.panel)}</figure>"
        case Beside():
            yield f'<div class="wr-beside">{"".join(line for each in part.parts for line in _part(each))}</div>'
        case ProblemBlock():
            yield from _problem(part)


# ------------------------------------------------------------------ tables


def _table(block: TableBlock) -> Iterator[str]:
    right = [_is_right(column) for column in zip(*block.rows, strict=True)] or [False] * len(block.columns)
    caption = f"<caption>{safe(block.caption)}</caption>" if block.caption else ""
    yield f'<div class="wr-box{_scrolling(block)}"><table>{caption}'
    yield f"<thead><tr>{''.join(map(_header, block.columns, right))}</tr></thead>"
    yield "<tbody>"
    for head, *cells in block.rows:
        data = "".join(map(_data, cells, right[1:]))
        yield f'<tr><th scope="row"{_looks(head, right[0])}>{_content(head)}</th>{data}</tr>'
    yield "</tbody></table></div>"


def _is_right(column: Iterable[Cell]) -> bool:
    """Return whether a column is of numbers."""
    roles = {cell.role for cell in column if cell.text}
    return bool(roles & {"number", "unknown"}) and roles <= {"number", "unknown", "dim"}


def _scrolling(block: TableBlock | TreeBlock) -> str:
    """Return what makes a box scroll that holds many rows, also by keys."""
    label = safe(block.caption)
    return f' wr-long" tabindex="0" role="region" aria-label="{label}' if len(block.rows) > LONG else ""


def _header(name: str, right: bool) -> str:
    return f'<th scope="col"{_class("right" * right)}>{safe(name)}</th>'


def _data(cell: Cell, right: bool) -> str:
    return f"<td{_looks(cell, right)}>{_content(cell)}</td>"


def _looks(cell: Cell, right: bool) -> str:
    return _class(cell.role if cell.role in _COLOURED else "", "right" * right)


def _content(cell: Cell) -> str:
    return safe(cell.text) if cell.histogram is None else _bars(cell, cell.histogram)


def _bars(cell: Cell, drawn: Histogram) -> str:
    """Return a small picture, between its ends where the cell tells them; in characters where there are no pictures."""
    if not any(drawn.counts):
        return safe(cell.text.strip() or "no finite values")
    shown = f'{thumbnail(drawn)}<span class="wr-s" aria-hidden="true">{heights(drawn).replace(" ", _BLANK)}</span>'
    if not cell.text:
        return shown
    low, high = numbers([drawn.low, drawn.high])
    outside = f" {drawn.outside:,} NaN or inf" if drawn.outside else ""
    return f'<span class="wr-end">{low}</span> {shown} {high}<span class="wr-flag">{outside}</span>'


def _class(*names: str) -> str:
    joined = " ".join(f"wr-{name}" for name in names if name)
    return f' class="{joined}"' if joined else ""


# ------------------------------------------------------------------ trees


def _tree(block: TreeBlock) -> Iterator[str]:
    """Yield nested lists; what has something below it folds."""
    rows, opened = block.rows, _opened(block.rows)
    if not rows:
        return
    right = [_is_right(column) for column in zip(*(row.cells for row in rows), strict=True)]
    if block.caption:
        yield f'<p class="wr-dim">{safe(block.caption)}</p>'
    yield f'<div class="wr-box{_scrolling(block)}"><div class="wr-tree" style="{_widths(block)}">'
    if block.columns:
        names = (Cell(name) for name in block.columns)
        yield f'<div class="wr-row wr-head" aria-hidden="true">{_spans(names, right)}</div>'
    depth = -1
    for i, (row, following) in enumerate(zip_longest(rows, rows[1:])):
        if row.depth > depth:
            yield f'<ul style="--d:{row.depth}">'
        spans = _spans(row.cells, right, block.columns)
        if following is not None and following.depth > row.depth:
            yield f'<li><details{" open" * (i in opened)}><summary class="wr-row">{spans}</summary>'
        else:
            yield f'<li><div class="wr-row">{spans}</div></li>'
        depth = row.depth
        for _ in range(depth - (following.depth if following else 0)):
            yield "</ul></details></li>"
    yield "</ul></div></div>"


def _spans(cells: Iterable[Cell], right: Sequence[bool], columns: Sequence[str] = ()) -> str:
    """Return the cells of a row, between them what parts them where there is no style."""
    units = [_UNITS.get(name, "") for name in columns]
    spans = zip_longest(cells, right, units)
    return "".join(_span(*span, separator=j > 0) for j, span in enumerate(spans))


def _span(cell: Cell, right: bool, unit: str | None, separator: bool) -> str:
    if not cell.text:
        return "<span></span>"
    before = '<span class="wr-s"> · </span>' * separator
    after = f'<span class="wr-u">{unit}</span>' if unit else ""
    parts = (f'<span class="wr-nowrap">{safe(part)}</span>' for part in cell.parts)
    content = '<span class="wr-s">, </span> '.join(parts) if cell.parts else safe(cell.text)
    return f"<span{_looks(cell, right)}>{before}{content}{after}</span>"


def _widths(block: TreeBlock) -> str:
    """Return the widths of the columns of a tree, in the width of a digit: all rows have the same.

    The first has room for what hangs below.
    """
    shown = [TreeRow(0, tuple(map(Cell, block.columns)))] * bool(block.columns) + [*block.rows]
    rooms = [min(WIDEST, max(column)) for column in zip(*map(_rooms, shown), strict=True)]
    return f"--c:{' '.join(f'{room}ch' for room in rooms)};--w:{sum(rooms) + 2 * len(rooms)}ch"


def _rooms(row: TreeRow) -> list[int]:
    first, *others = (width(cell.text) + len(cell.parts) for cell in row.cells)
    return [first + 2 * row.depth + 3, *others]


def _opened(rows: Sequence[TreeRow]) -> set[int]:
    """Return which rows are open at first: level by level, as long as what is then seen is not too much."""
    below: list[list[int]] = [[] for _ in rows]
    way: list[int] = []
    for i, row in enumerate(rows):
        del way[row.depth :]
        if way:
            below[way[-1]].append(i)
        way.append(i)
    level = [i for i, row in enumerate(rows) if row.depth == 0]
    seen, opened = len(level), set[int]()
    for i in level:
        if below[i] and (seen + len(below[i]) <= OPEN_ROWS or not opened):
            opened.add(i)
            seen += len(below[i])
            level += below[i]
    return opened


# ------------------------------------------------------------------ facts and problems


def _facts(block: Facts) -> Iterator[str]:
    yield '<table class="wr-facts"><tbody>'
    for name, cell in block.rows:
        yield f'<tr><th scope="row" class="wr-dim">{safe(name)}</th>{_data(cell, False)}</tr>'
    yield "</tbody></table>"


def _problem(block: ProblemBlock) -> Iterator[str]:
    problem, text = block.problem, block.text
    where = f"{safe(block.where)}: " if block.where else ""
    yield f'<div class="wr-problem wr-{problem.severity}">'
    yield f"<p>{where}<b>{problem.severity}[{safe(problem.code)}]:</b> {safe(problem.message)}</p>"
    if problem.span is not None and text:
        yield f"<pre><code>{_marked(text, problem.span)}</code></pre>"
    for advice in problem.advice(text):
        for line in advice.split("\n"):
            yield f'<p class="wr-hint">{safe(line)}</p>'
    yield "</div>"


def _marked(text: str, span: Span) -> str:
    """Return the line in which a span begins, with the part of it that it covers marked."""
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.start)
    line = text[start : len(text) if end < 0 else end]
    left, right = span.start - start, min(span.end - start, len(line))
    marked = visible(line[left:right]) or " "
    return f"{safe(line[:left])}<mark>{safe(marked)}</mark>{safe(line[right:])}"
