"""A tree of layers for a page: at most so many rows, those nearest to the root first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from weightrepl.quantities import numbered
from weightrepl.render.blocks import Cell, TreeBlock, TreeRow
from weightrepl.render.folding import Entry
from weightrepl.render.trees import cells, layers_below, times, told, weights_beside

_COLUMNS = ("layer", "class", "×", "params", "bytes", "trainable", "weights")


def outline(top: Entry, most: int) -> TreeBlock:
    """Return the layers below an entry as a tree of at most so many rows, under the names of its columns.

    Columns that are empty in all rows are left out.
    """
    rows = _rows(top, most, _told)
    kept = [i for i in range(len(_COLUMNS)) if i == 0 or any(row.cells[i].text for row in rows)]
    cut = tuple(TreeRow(row.depth, tuple(row.cells[i] for i in kept)) for row in rows)
    return TreeBlock(cut, tuple(_COLUMNS[i] for i in kept))


def short_tree(top: Entry, most: int) -> TreeBlock:
    """Return them as terminals show trees."""
    return TreeBlock(tuple(_rows(top, most, cells)))


def _rows(top: Entry, most: int, cells_of: Callable[[Entry], tuple[Cell, ...]]) -> list[TreeRow]:
    """Return at most so many rows, and rows that say how many are left out below a layer."""
    shown = _nearest(top, most)
    rows: list[TreeRow] = []
    stack = [(top, -1)]
    while stack:
        entry, depth = stack.pop()
        if entry is not top:
            rows.append(TreeRow(depth, cells_of(entry)))
        below, shown_below = layers_below(entry), shown.get(id(entry), 0)
        if below[shown_below:]:
            stack.append((_cut(below[shown_below:]), depth + 1))
        stack += [(each, depth + 1) for each in reversed(below[:shown_below])]
    return rows


def _cut(hidden: Sequence[Entry]) -> Entry:
    """Return what stands for layers that are not shown."""
    more = numbered(sum(entry.count for entry in hidden), "more layer")
    cut = Entry("/", f"… {more}", cells=(Cell(""),) * 2)
    cut.figures = lambda: (Cell(""),) * 3
    return cut


def _nearest(top: Entry, most: int) -> dict[int, int]:
    """Return of how many entries below each there are rows, by the identity of the entry, level by level."""
    shown: dict[int, int] = {}
    order = [top]
    for entry in order:
        below = layers_below(entry)[: most + 1 - len(order)]
        shown[id(entry)] = len(below)
        order += below
    return shown


def _told(entry: Entry) -> tuple[Cell, ...]:
    class_, params, nbytes, trained = told(entry)
    return Cell(entry.spelled, "name"), class_, times(entry), params, nbytes, trained, weights_beside(entry)
