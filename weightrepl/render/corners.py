"""The outer values of a weight as a table: what NumPy prints of an array, and no more of it is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightrepl.model.tree import Site
from weightrepl.render.blocks import Cell, TableBlock
from weightrepl.render.charts import number
from weightrepl.spans import visible

EDGE = 3
"""So many positions are shown at either end of an axis."""

_LONGEST = 24
_CUT = Cell("…", "dim")


def corners(site: Site) -> Iterator[TableBlock]:
    """Yield the first and last values of the last two axes, of the axes before them at their first position.

    Raises:
        SourceError: they can't be read.
    """
    shape = site.spec.shape
    if not shape or 0 in shape:
        return
    leading = (0,) * (len(shape) - 2)
    columns = _ends(shape[-1])
    if len(shape) == 1:
        rows = [_row("", site, (), columns)]
    else:
        rows = [
            (_CUT,) * (len(columns) + 1) if row is None else _row(f"{row}", site, (*leading, row), columns)
            for row in _ends(shape[-2])
        ]
    caption = f"values of [{', '.join('0' for _ in leading)}, :, :]" if leading else "values"
    yield TableBlock(("", *("…" if i is None else f"{i}" for i in columns)), tuple(rows), caption)


def _ends(size: int) -> list[int | None]:
    """Return the positions of an axis that are shown, None for those between."""
    if size <= 2 * EDGE + 1:
        return [*range(size)]
    return [*range(EDGE), None, *range(size - EDGE, size)]


def _row(label: str, site: Site, at: tuple[int, ...], columns: Sequence[int | None]) -> tuple[Cell, ...]:
    """Return the values at positions of the last axis as cells, behind one that says which row it is."""
    values = iter(site.tensor.read((*at, tuple(i for i in columns if i is not None))).tolist())
    return Cell(label, "dim"), *(_CUT if i is None else _cell(next(values)) for i in columns)


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
