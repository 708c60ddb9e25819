"""Tensors that a checkpoint keeps in slices, as one: TensorFlow's partitioned variables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from weightrepl.model.tensor import (
    Array,
    AxisIndex,
    TensorSource,
    TensorSpec,
    indexed_shape,
    numpy_dtype,
    read_in_pieces,
)
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.readers.tensor_entries import Extents

Part: TypeAlias = tuple[tuple[range, ...], TensorSource]
"""Which positions of each axis a part holds, and the way to its values."""

_MOST_CUT_AXES = 8


class JoinedTensor(Value):
    """A tensor in parts, which together have each element once: a TensorSource that reads those that an index meets."""

    spec: TensorSpec
    parts: tuple[Part, ...]

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        shape = self.spec.shape or ()
        index = index or tuple(slice(0, size, 1) for size in shape)
        dtype = object if self.spec.dtype == "string" else numpy_dtype(self.spec.dtype)
        wanted = []
        for ranges, tensor in self.parts:
            met = [_met(entry, size, held) for entry, size, held in zip(index, shape, ranges, strict=True)]
            if None not in met:
                tensor.read((0,) * len(shape))  # before memory is taken for what may not be there
                wanted.append(([each for each in met if each is not None], ranges, tensor))
        found = np.empty(indexed_shape(shape, index), dtype)
        for each in wanted:
            _put(found, *each)
        return found

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        return read_in_pieces(self, self.spec, max_nbytes)


_Met: TypeAlias = "tuple[AxisIndex, slice | list[int] | None]"
"""What of an axis of a part is wanted, and where it goes; None for an axis that an integer drops."""


def _met(entry: AxisIndex, size: int, held: range) -> _Met | None:
    """Return what an entry of an index takes of the positions that a part holds, None if nothing."""
    if isinstance(entry, int):
        return (entry - held.start, None) if entry in held else None
    if isinstance(entry, tuple):
        places = [place for place, position in enumerate(entry) if position in held]
        return (tuple(entry[place] - held.start for place in places), places) if places else None
    wanted = range(*entry.indices(size))
    step = wanted.step
    low, high = (held.start, held.stop - 1) if step > 0 else (held.stop - 1, held.start)
    first, last = max(0, -((wanted.start - low) // step)), min(len(wanted) - 1, (high - wanted.start) // step)
    if first > last:
        return None
    start, stop = wanted[first] - held.start, wanted[last] - held.start + (1 if step > 0 else -1)
    return slice(start, None if stop < 0 else stop, step), slice(first, last + 1)


def _put(found: Array, met: Sequence[_Met], ranges: tuple[range, ...], tensor: TensorSource) -> None:
    """Write what is met of a part to where it goes; a part of which all is wanted is read whole."""
    wanted = tuple(entry for entry, _ in met)
    is_whole = all(
        isinstance(entry, slice) and entry.indices(len(held)) == (0, len(held), 1)
        for entry, held in zip(wanted, ranges, strict=True)
    )
    values = tensor.read() if is_whole else tensor.read(wanted)
    found[tuple(place for _, place in met if place is not None)] = values


# ------------------------------------------------------------------ parts that fit together


def ranges_of(extents: Extents, shape: tuple[int, ...]) -> tuple[range, ...]:
    """Return which positions of each axis a slice of a tensor of `shape` holds.

    Raises:
        ValueError: it lies outside of the tensor, or has another rank.
    """
    if len(extents) != len(shape):
        raise ValueError("a slice of another rank than the tensor")
    ranges = [
        range(start, size if n < 0 else start + n) for (start, n), size in zip(extents, shape, strict=True)
    ]
    if any(held.start < 0 or held.stop > size for held, size in zip(ranges, shape, strict=True)):
        raise ValueError("a slice that lies outside of its tensor")
    return tuple(ranges)


def joined(spec: TensorSpec, parts: Sequence[Part]) -> JoinedTensor:
    """Return the tensor that parts make up.

    Raises:
        ValueError: they overlap, or leave a gap.
    """
    shape = spec.shape or ()
    held = [part for part in parts if all(part[0])]
    boxes = [ranges for ranges, _ in held]
    size, covered = math.prod(shape), sum(math.prod(map(len, box)) for box in boxes)
    if covered != size:
        raise ValueError(f"its slices hold {covered:,} elements, and it has {size:,}")
    cut = [axis for axis, size in enumerate(shape) if any(len(box[axis]) < size for box in boxes)]
    if len(cut) > _MOST_CUT_AXES:
        raise ValueError(f"its slices are cut along more than {_MOST_CUT_AXES} axes")
    if size and _odd_corners(boxes, cut) != _odd_corners([tuple(map(range, shape))], cut):
        raise ValueError("its slices overlap")
    return JoinedTensor(spec, tuple(held))


def _odd_corners(boxes: Sequence[tuple[range, ...]], axes: Sequence[int]) -> set[tuple[int, ...]]:
    """Return the points that are corners of an odd number of boxes.

    They tell which elements lie in an odd number of boxes. So boxes with the odd corners of the whole have each element
    once at least, and exactly once where together they have as many elements as the whole.
    """
    odd: set[tuple[int, ...]] = set()
    for box in boxes:
        odd ^= set(product(*((box[axis].start, box[axis].stop) for axis in axes)))
    return odd
