"""The outer values of a weight as a table: what NumPy prints of an array, and no more of it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from weightrepl.model.tensor import AxisIndex
from weightrepl.model.tree import Site
from weightrepl.render.blocks import Cell, TableBlock
from weightrepl.render.charts import number
from weightrepl.spans import visible

EDGE = 3
"""So many positions are shown at either end of an axis."""

_LONGEST = 24


def corners(site: Site) -> Iterator[TableBlock]:
    """Yield the first and last values of the last two axes, of the axes before them at their first position.

    Raises:
        SourceError: they can't be read.
    """
    shape = site.spec.shape
    if not shape or 0 in shape:
        return
    *leading, width = shape
    columns = _ends(width)
    kept = [i for i in columns if i is not None]
    rows = _ends(leading.pop()) if leading else [0]
    index: tuple[AxisIndex, ...] = (tuple(kept),)
    if len(shape) > 1:
        some = tuple(i for i in rows if i is not None)
        index = (*(0 for _ in leading), some, slice(0, width, 1))
    read = site.tensor.read(index)
    values = iter([read.tolist()] if len(shape) == 1 else read[:, kept].tolist())
    cells = [_row(row, columns, [] if row is None else next(values)) for row in rows]
    caption = f"values of [{'0, ' * len(leading)}:, :]" if leading else "values"
    yield TableBlock(("", *map(_label, columns)), tuple(cells), caption)


def _ends(size: int) -> list[int | None]:
    """Return the positions of an axis that are shown, None for those between."""
    if size <= 2 * EDGE + 1:
        return [*range(size)]
    return [*range(EDGE), None, *range(size - EDGE, size)]


def _row(row: int | None, columns: Sequence[int | None], values: Iterable[object]) -> tuple[Cell, ...]:
    """Return the values of a row as cells behind its position; of rows that are left out nothing but `…`."""
    shown = iter(values)
    return Cell(_label(row), "dim"), *(
        Cell("…", "dim") if None in (row, column) else _cell(next(shown)) for column in columns
    )


def _label(position: int | None) -> str:
    return "…" if position is None else f"{position}"


def _cell(value: object) -> Cell:
    match value:
        case bool():
            return Cell(str(value).lower())
        case int():
            return Cell(f"{value}", "number")
        case float():
            return Cell(number(value), "number")
        case complex():
            return Cell(f"{value:.4g}", "number")
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return Cell(visible(text[:_LONGEST]) + "…" * (len(text) > _LONGEST))
