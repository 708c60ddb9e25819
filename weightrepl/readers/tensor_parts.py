"""Tensors that a checkpoint keeps in slices, as one: TensorFlow's partitioned variables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, TypeAlias

from weightrepl.model.tensor import (
    AxisIndex,
    TensorSource,
    TensorSpec,
    indexed_shape,
    numpy_dtype,
    read_in_pieces,
)
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.model.tensor import Array
    from weightrepl.readers.tensor_entries import Extents

Part: TypeAlias = tuple[tuple[range, ...], TensorSource]
"""Which positions of each axis a part holds, and the way to its values."""

_MOST_CROSSING = 1000
"""How many parts that are not all cut along the same axis are compared with each other."""


class JoinedTensor(Value):
    """A tensor in parts, which together have each element once: a TensorSource that reads those that an index meets."""

    spec: TensorSpec
    parts: tuple[Part, ...]

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        shape = self.spec.shape or ()
        index = index or tuple(slice(0, size, 1) for size in shape)
        found = np.empty(indexed_shape(shape, index), numpy_dtype(self.spec.dtype))
        for ranges, tensor in self.parts:
            met = [_met(entry, size, held) for entry, size, held in zip(index, shape, ranges, strict=True)]
            if all(each is not None for each in met):
                _put(found, [each for each in met if each is not None], ranges, tensor)
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
    held = [ranges for ranges, _ in parts if all(ranges)]
    covered = sum(math.prod(map(len, ranges)) for ranges in held)
    if covered != math.prod(shape):
        raise ValueError(f"its slices hold {covered:,} elements, and it has {math.prod(shape):,}")
    cut = [axis for axis in range(len(shape)) if any(len(ranges[axis]) < shape[axis] for ranges in held)]
    if len(cut) == 1:
        along = sorted((ranges[cut[0]].start, ranges[cut[0]].stop) for ranges in held)
        overlap = any(one[1] > two[0] for one, two in pairwise(along))
    elif len(held) > _MOST_CROSSING:
        raise ValueError(f"more than {_MOST_CROSSING:,} slices that are cut along several axes")
    else:
        overlap = any(_overlap(one, two) for one, two in combinations(held, 2))
    if overlap:
        raise ValueError("its slices overlap")
    return JoinedTensor(spec, tuple(part for part in parts if all(part[0])))


def _overlap(one: tuple[range, ...], two: tuple[range, ...]) -> bool:
    return all(a.start < b.stop and b.start < a.stop for a, b in zip(one, two, strict=True))
