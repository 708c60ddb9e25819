"""The elements at an index of a tensor that lies plainly in a file: which ranges of it to read, and what to keep."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from weightrepl.model.tensor import Array, AxisIndex, indexed_shape, take

Positions: TypeAlias = "range | tuple[int, ...]"
"""Where something lies on an axis, ascending."""

ReadParts: TypeAlias = Callable[[Sequence[int], int, memoryview], None]
"""Fills a flat buffer of bytes with so many bytes from each offset on, one part behind the other."""

_NEAR_NBYTES = 16384  # to read on over so many bytes takes about as long as to ask the system once more
_PIECE_NBYTES = 4 << 20  # the longest range of which only parts are kept
_ALL = slice(None)


def gathered(
    read_parts: ReadParts, offset: int, shape: tuple[int, ...], itemsize: int, index: tuple[AxisIndex, ...]
) -> Array:
    """Return the raw elements at `index`, in an array of its own.

    offset: where in the file the first element of the tensor lies. itemsize: bytes of an element.
    """
    wanted = indexed_shape(shape, index)
    if 0 in wanted:
        return empty(wanted, itemsize)
    ways = [_ascending(i, size) for i, size in zip(index or (_ALL,) * len(shape), shape, strict=True)]
    strides = [itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    found = _gathered(read_parts, offset, [way for way, _ in ways], strides, itemsize)
    back = tuple(i for _, i in ways)
    if any(i != _ALL for i in back):
        found = take(found, back).copy(order="C")
    return found.reshape(wanted)


def empty(shape: tuple[int, ...], itemsize: int) -> Array:
    """Return an array of elements of so many bytes, whatever they mean."""
    import numpy as np

    return np.empty(shape, raw_dtype(itemsize))


def raw_dtype(itemsize: int) -> Any:
    """Return a NumPy dtype of plain numbers of that many bytes: unsigned, or for 16 bytes complex."""
    return "c16" if itemsize == 16 else f"u{itemsize}"


def _ascending(index: AxisIndex, size: int) -> tuple[Positions, AxisIndex]:
    """Return the positions that are taken of an axis, each once, ascending; and the index of them that is asked for."""
    if isinstance(index, int):
        return range(index, index + 1), _ALL
    if isinstance(index, slice):
        positions = range(*index.indices(size))
        return (positions, _ALL) if positions.step > 0 else (positions[::-1], slice(None, None, -1))
    each = tuple(sorted(set(index)))
    place = {position: i for i, position in enumerate(each)}
    return each, _ALL if each == index else tuple(place[position] for position in index)


def _gathered(
    read_parts: ReadParts, offset: int, ways: list[Positions], strides: list[int], itemsize: int
) -> Array:
    """Return the elements at `ways`. What lies close together is read as one range, which takes less time."""
    axis, extent = _range_from(ways, strides, itemsize)
    found = empty(tuple(map(len, ways)), itemsize)
    is_dense = extent == itemsize * math.prod(map(len, ways[axis:]))
    if extent > _PIECE_NBYTES and not is_dense:
        cut = next(a for a in range(axis, len(ways)) if len(ways[a]) > 1)
        step = max(1, len(ways[cut]) * _PIECE_NBYTES // extent)
        for start in range(0, len(ways[cut]), step):
            some = [*ways[:cut], ways[cut][start : start + step], *ways[cut + 1 :]]
            part = _gathered(read_parts, offset, some, strides, itemsize)
            found[(_ALL,) * cut + (slice(start, start + step),)] = part
        return found
    starts = [offset + sum(way[0] * stride for way, stride in zip(ways[axis:], strides[axis:], strict=True))]
    for way, stride in zip(ways[:axis], strides, strict=False):
        starts = [start + position * stride for start in starts for position in way]
    if is_dense:
        read_parts(starts, extent, found.reshape(-1).view("u1").data)
    else:
        rows = found.reshape(len(starts), *found.shape[axis:])
        _pick(read_parts, starts, extent, ways[axis:], strides[axis:], rows)
    return found


def _range_from(ways: list[Positions], strides: list[int], itemsize: int) -> tuple[int, int]:
    """Return the axis from which on all that is wanted is read as one range, and how many bytes that range has."""
    axis, extent = len(ways), itemsize
    while axis:
        way = ways[axis - 1]
        reach = (way[-1] - way[0]) * strides[axis - 1]
        if len(way) > 1 and reach // (len(way) - 1) - extent > _NEAR_NBYTES:
            break
        axis, extent = axis - 1, extent + reach
    return axis, extent


def _pick(
    read_parts: ReadParts,
    starts: list[int],
    extent: int,
    ways: list[Positions],
    strides: list[int],
    rows: Array,
) -> None:
    """Fill each of `rows` with the elements at `ways` of the range of `extent` bytes from its start on."""
    import numpy as np

    within = tuple(
        slice(None, None, way.step) if isinstance(way, range) else tuple(p - way[0] for p in way)
        for way in ways
    )
    sizes = [way[-1] - way[0] + 1 for way in ways]
    step = max(1, _PIECE_NBYTES // extent)
    for first in range(0, len(starts), step):
        some = starts[first : first + step]
        raw = np.empty(len(some) * extent, "u1")
        read_parts(some, extent, raw.data)
        ranges: Array = np.ndarray((len(some), *sizes), rows.dtype, raw, 0, (extent, *strides))
        rows[first : first + step] = take(ranges, (_ALL, *within))
