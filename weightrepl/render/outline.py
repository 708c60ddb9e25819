"""A tree of layers for a page: at most so many rows, those nearest to the root first."""

from __future__ import annotations

from collections.abc import Sequence

from weightrepl.quantities import numbered
from weightrepl.render.blocks import Cell, TreeBlock, TreeRow
from weightrepl.render.folding import Entry
from weightrepl.render.trees import layers_below, times, told, weights_beside

_COLUMNS = ("layer", "class", "×", "params", "bytes", "trainable", "weights")


def outline(top: Entry, most: int) -> TreeBlock:
    """Return the layers below an entry as a tree of at most so many rows, and what each row left out below it.

    Columns that are empty in all rows are left out.
    """
    shown = _nearest(top, most)
    rows: list[TreeRow] = []
    stack: list[tuple[Entry | int, int]] = [(top, -1)]
    while stack:
        entry, depth = stack.pop()
        if isinstance(entry, int):
            rows.append(TreeRow(depth, _cut(entry)))
            continue
        if entry is not top:
            rows.append(TreeRow(depth, _cells(entry)))
        below, shown_below = layers_below(entry), shown.get(id(entry), 0)
        if hidden := sum(each.count for each in below[shown_below:]):
            stack.append((hidden, depth + 1))
        stack += [(each, depth + 1) for each in reversed(below[:shown_below])]
    return _without_empty(rows)


def _nearest(top: Entry, most: int) -> dict[int, int]:
    """Return of how many entries below each there are rows, by the identity of the entry, level by level."""
    shown: dict[int, int] = {}
    order = [top]
    for entry in order:
        below = layers_below(entry)[: most + 1 - len(order)]
        shown[id(entry)] = len(below)
        order += below
    return shown


def _cells(entry: Entry) -> tuple[Cell, ...]:
    class_, params, nbytes, trained = told(entry)
    return Cell(entry.spelled, "name"), class_, times(entry), params, nbytes, trained, weights_beside(entry)


def _cut(hidden: int) -> tuple[Cell, ...]:
    return Cell(f"… {numbered(hidden, 'layer')} more", "dim"), *[Cell("")] * (len(_COLUMNS) - 1)


def _without_empty(rows: Sequence[TreeRow]) -> TreeBlock:
    kept = [i for i in range(len(_COLUMNS)) if i == 0 or any(row.cells[i].text for row in rows)]
    cut = tuple(TreeRow(row.depth, tuple(row.cells[i] for i in kept)) for row in rows)
    return TreeBlock(cut, tuple(_COLUMNS[i] for i in kept))
