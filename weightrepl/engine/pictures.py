"""What there is to see of weights: heat maps, bars and histograms of a bounded number of cells, whatever their size.

A matrix with too many values is pooled: each cell is the value of largest magnitude among its neighbours, or NaN if
one of them is. Values are read in blocks, so that no weight need fit into memory.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from weightrepl.engine.axes import SPATIAL, Axis, axes_of
from weightrepl.engine.figures import Figures
from weightrepl.engine.table import Histogram
from weightrepl.model.tensor import AxisIndex, TensorSource, dtype_bits
from weightrepl.model.tree import Site
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.model.tensor import Array

MOST_PANELS = 60
MOST_CELLS = 4000
MOST_CELLS_OF_SEVERAL = 1000
"""Of each weight, where several are drawn."""

MOST_BARS = 128
_OUTPUTS = ("filters", "multipliers")
_BLOCK_NBYTES = 1 << 20


class HeatMap(Value):
    """Values in rows and columns; None where there is none.

    across, down: what the columns and the rows are. tile: rows and columns of each filter, where it is of filters.
    """

    cells: tuple[tuple[float | None, ...], ...]
    across: str
    down: str
    tile: tuple[int, int] | None = None


class Bars(Value):
    """Values in one row. across: what they are."""

    values: tuple[float, ...]
    across: str


Drawing: TypeAlias = "HeatMap | Bars | Histogram | str"
"""What is drawn of a weight; a text where there is nothing to draw, or just one number."""


class Panel(Value):
    """A weight in a picture. remarks: what was left out, or is to be known of the drawing."""

    address: str
    shape: tuple[int, ...] | None
    dtype: str
    drawing: Drawing
    remarks: tuple[str, ...] = ()


class Picture(Value):
    """Weights as a picture, which a notebook shows; their values were read when it was made.

    Attributes:
        panels: what is drawn, one for each weight.
        hidden: how many more weights there were.
    """

    panels: tuple[Panel, ...]
    hidden: int = 0

    @property
    def svg(self) -> str:
        """The picture as an SVG document, which may stand in HTML too."""
        from weightrepl.render.svg import svg

        return svg(self)

    def save(self, path: str | os.PathLike[str], *, force: bool = False) -> None:
        """Write it to a `.svg` file; one that exists is replaced only with `force`.

        Raises:
            OutputError: it can't be written there.
        """
        from weightrepl.writers import write_picture

        write_picture(self, os.fspath(path), force)

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_html_(self) -> str:
        from weightrepl.render.svg import figure

        return figure(self)

    def __repr__(self) -> str:
        from weightrepl.render.svg import description

        return f"<Picture: {description(self)}>"


def picture_of(
    rows: Sequence[tuple[str, Site]],
    figures: Figures,
    histogram: Callable[[Site], object] | None = None,
) -> Picture:
    """Return the picture of weights, each with its address: heat maps, or with `histogram` those.

    Raises:
        SourceError: values can't be read.
    """
    drawn = rows[:MOST_PANELS]
    most = MOST_CELLS if len(drawn) == 1 else MOST_CELLS_OF_SEVERAL
    with figures.reading([site for _, site in drawn]):
        panels = tuple(_panel(address, site, figures, histogram, most) for address, site in drawn)
    return Picture(panels, len(rows) - len(drawn))


def _panel(
    address: str,
    site: Site,
    figures: Figures,
    histogram: Callable[[Site], object] | None,
    most: int,
) -> Panel:
    spec = site.spec
    magnitudes = ("magnitudes of complex values",) if spec.dtype.startswith("complex") else ()
    if spec.shape is None or dtype_bits(spec.dtype) is None:
        return Panel(address, spec.shape, spec.dtype, "no numbers to draw")
    if spec.size == 0:
        return Panel(address, spec.shape, spec.dtype, "no values")
    drawing, remarks = _counted(histogram(site)) if histogram else _drawing(site, figures.advance, most)
    return Panel(address, spec.shape, spec.dtype, drawing, (*magnitudes, *remarks))


def _counted(histogram: object) -> tuple[Drawing, tuple[str, ...]]:
    assert isinstance(histogram, Histogram)  # there are numbers
    outside = (f"{histogram.outside:,} NaN or infinite, in no bin",) if histogram.outside else ()
    number = sum(histogram.counts)
    if not number:
        return "no finite values", outside
    values, bins = f"{number:,} value{'s' * (number > 1)}", f"{len(histogram.counts)} bins"
    return histogram, (f"{values} in {bins} from {histogram.low:.4g} to {histogram.high:.4g}", *outside)


def _drawing(site: Site, advance: Callable[[int], None], most: int) -> tuple[Drawing, tuple[str, ...]]:
    axes = axes_of(site)
    if any(axis.name in SPATIAL and axis.size > 1 for axis in axes):
        plane = math.prod(axis.size for axis in axes if axis.name in SPATIAL)
        if plane <= most:
            return _filters(site, axes, advance, most)
    long = [axis for axis in axes if axis.size > 1] or list(axes[:1])
    if not long:
        return _in_digits(site.tensor.read()), ()
    if len(long) == 1:
        (values,), _, wide = _pooled(site, advance, 1, long[0].size, MOST_BARS)
        remarks = (f"each bar: the largest magnitude of {wide:,} values",) if wide > 1 else ()
        return Bars(tuple(values), long[0].label()), remarks
    *leading, last = long
    rows = math.prod(axis.size for axis in leading)
    cells, high, wide = _pooled(site, advance, rows, last.size, most)
    down = leading[0] if len(leading) == 1 else Axis(_joined(leading), rows)
    told = [f"rows: {down.name}, flattened"] if len(leading) > 1 else []
    if high * wide > 1:
        told.append(f"each cell: the largest magnitude of {high:,} × {wide:,} values")
    return HeatMap(tuple(map(tuple, cells)), last.label(), down.label()), tuple(told)


def _in_digits(array: Array) -> str:
    if array.dtype.kind == "c":
        return f"{array.item():.6g}"
    return f"{array.item():,}" if array.dtype.kind in "iu" else f"{float(array):.6g}"


def _joined(axes: Sequence[Axis]) -> str:
    """Return the name of several axes: `height × width`, `axes 0 × 1`."""
    names = " × ".join(axis.name for axis in axes)
    return f"axes {names.replace('axis ', '')}" if axes[0].name.startswith("axis ") else names


# ------------------------------------------------------------------ pooling


def _pooled(
    site: Site, advance: Callable[[int], None], rows: int, columns: int, most: int
) -> tuple[list[list[float]], int, int]:
    """Return at most `most` cells of a weight as a matrix, and how many rows and columns of values are in each."""
    high, wide = (1, -(-columns // most)) if rows == 1 else _pool_size(rows, columns, most)
    pool = _Pool(rows, columns, high, wide)
    for block in site.tensor.blocks(_BLOCK_NBYTES):
        pool.add(_plain(block))
        advance(block.nbytes)
    return pool.cells(), high, wide


def _pool_size(rows: int, columns: int, most: int) -> tuple[int, int]:
    """Return how many rows and columns go into one cell: as few and as even as the bounds allow.

    >>> _pool_size(768, 3072, 4000), _pool_size(50, 80, 4000)
    ((24, 25), (1, 1))
    """
    longest = 2 * math.isqrt(most)
    high, wide = -(-rows // longest), -(-columns // longest)
    while -(-rows // high) * -(-columns // wide) > most:
        if high <= wide:
            high += 1
        else:
            wide += 1
    return high, wide


class _Pool:
    """The largest and the smallest value of each cell of a matrix, of blocks in C order."""

    def __init__(self, rows: int, columns: int, high: int, wide: int) -> None:
        import numpy as np

        cells = -(-rows // high), -(-columns // wide)
        self.largest, self.smallest = np.full(cells, -np.inf), np.full(cells, np.inf)
        self.columns, self.high, self.wide, self.at = columns, high, wide, 0

    def add(self, block: Array) -> None:
        """Take in the next values: the rest of a row, whole rows, the beginning of a row."""
        while block.size:
            row, column = divmod(self.at, self.columns)
            whole = block.size // self.columns * self.columns if column == 0 else 0
            part = block[: whole or min(block.size, self.columns - column)]
            self._take(row, column, part.reshape(-1, self.columns) if whole else part[None])
            self.at += part.size
            block = block[part.size :]

    def _take(self, row: int, column: int, part: Array) -> None:
        import numpy as np

        starts = [
            np.arange(-(first % size), count, size).clip(0)
            for first, size, count in ((row, self.high, part.shape[0]), (column, self.wide, part.shape[1]))
        ]
        top, left = row // self.high, column // self.wide
        where = np.s_[top : top + len(starts[0]), left : left + len(starts[1])]
        for pick, kept in ((np.maximum, self.largest), (np.minimum, self.smallest)):
            with np.errstate(invalid="ignore"):
                rows = pick.reduceat(part, starts[0], axis=0) if len(part) > 1 else part
                pick(kept[where], pick.reduceat(rows, starts[1], axis=1), out=kept[where])

    def cells(self) -> list[list[float]]:
        """Return of each cell the value of largest magnitude, or NaN if there is one."""
        import numpy as np

        cells: list[list[float]] = np.where(
            self.largest >= -self.smallest, self.largest, self.smallest
        ).tolist()
        return cells


def _plain(block: Array) -> Array:
    """Return values as float32 or float64, of complex ones the magnitudes."""
    import numpy as np

    if block.dtype.kind == "f" and block.dtype.itemsize >= 4:
        return block
    with np.errstate(all="ignore"):
        return np.abs(block) if block.dtype.kind == "c" else block.astype(np.float64)


# ------------------------------------------------------------------ filters


def _filters(
    site: Site, axes: Sequence[Axis], advance: Callable[[int], None], most: int
) -> tuple[Drawing, tuple[str, ...]]:
    """Return a convolution's kernel as a grid of filters: a column for each output, a row for each input.

    Where there is but one input, or one output, as in a depthwise layer, the tiles go on from row to row.
    """
    plane = [axis for axis in axes if axis.name in SPATIAL]
    inputs = next((axis for axis in axes if axis.name == "inputs"), Axis("inputs", 1))
    outputs = next((axis for axis in axes if axis.name in _OUTPUTS), Axis("filters", 1))
    high, wide = math.prod(axis.size for axis in plane[:-1]), plane[-1].size
    tiles, longest = most // (high * wide), 2 * math.isqrt(most)
    in_a_row, in_a_column = max(1, longest // wide), max(1, longest // high)
    if one_line := 1 in (inputs.size, outputs.size):
        across, down = min(outputs.size, tiles), min(inputs.size, tiles)
        in_a_row = _evenly(across * down, in_a_row)
    else:
        in_a_row = across = min(outputs.size, in_a_row, max(1, tiles // min(inputs.size, 4)))
        down = min(inputs.size, in_a_column, tiles // across)
    values = _tiles(site.tensor, axes, {inputs.name: down, outputs.name: across})
    advance(values.nbytes)
    cells = tuple(_side_by_side(values.reshape(-1, high, wide).tolist(), in_a_row))
    labels = outputs.label(across), inputs.label(down)
    if one_line:
        labels = labels[0] if down == 1 else labels[1], ""
    remarks = [f"each tile: {' × '.join(f'{axis.name} {axis.size}' for axis in plane)}"]
    for axis, shown in ((outputs, across), (inputs, down)):
        if shown < axis.size:
            remarks.append(f"first {shown:,} of {axis.size:,} {axis.name}")
    return HeatMap(cells, *labels, (high, wide)), tuple(remarks)


def _evenly(count: int, most: int) -> int:
    """Return how many stand in each row, at most so many, for the rows to be as long as each other."""
    rows = -(-count // most)
    return -(-count // rows)


def _tiles(tensor: TensorSource, axes: Sequence[Axis], shown: dict[str, int]) -> Array:
    """Return the tiles of the first inputs and outputs: a row for each, its values in C order."""
    import numpy as np

    index: tuple[AxisIndex, ...] = tuple(slice(0, shown.get(axis.name, axis.size), 1) for axis in axes)
    order = [i for i, axis in enumerate(axes) if axis.name not in SPATIAL]
    order.sort(key=lambda i: axes[i].name in _OUTPUTS)
    order += [i for i, axis in enumerate(axes) if axis.name in SPATIAL]
    return np.transpose(_plain(tensor.read(index)), order).reshape(math.prod(shown.values()), -1)


def _side_by_side(tiles: list[list[list[float]]], in_a_row: int) -> Iterator[tuple[float | None, ...]]:
    """Yield the rows of cells of so many tiles beside each other."""
    for start in range(0, len(tiles), in_a_row):
        row = tiles[start : start + in_a_row]
        for lines in zip(*row, strict=True):
            cells = [value for line in lines for value in line]
            yield (*cells, *[None] * (len(lines[0]) * (in_a_row - len(row))))
