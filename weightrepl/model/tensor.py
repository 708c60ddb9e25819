"""What a tensor is without its values, and the way to its values."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from weightrepl.values import Value

if TYPE_CHECKING:
    import numpy as np

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

AxisIndex: TypeAlias = "int | slice | tuple[int, ...]"
"""One axis of an index: an integer (drops the axis), a slice, or positions to take (at most one such)."""

_BITS = {
    "bool": 8, "int2": 2, "uint2": 2, "int4": 4, "uint4": 4, "float4_e2m1fn": 4, "bfloat16": 16,
    "complex64": 64, "complex128": 128,
}  # fmt: skip


@lru_cache
def dtype_bits(dtype: str) -> int | None:
    """Return how many bits one element of a dtype takes, or None where that is unknown or varies."""
    if dtype in _BITS:
        return _BITS[dtype]
    if dtype.startswith("float8"):
        return 8
    digits = dtype.lstrip("abcdefghijklmnopqrstuvwxyz")
    known = dtype[: len(dtype) - len(digits)] in ("float", "int", "uint") and digits.isdigit()
    return int(digits) if known else None


@lru_cache
def itemsize_of(dtype: str) -> int:
    """Return how many bytes one element of a dtype takes by itself: a whole one for int4, 0 where that is unknown."""
    return ((dtype_bits(dtype) or 0) + 7) // 8


def numpy_dtype(dtype: str) -> Any:
    """Return the NumPy dtype of a name; ml_dtypes is only loaded for those that NumPy does not have."""
    import numpy as np

    try:
        return np.dtype(dtype)
    except TypeError:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, dtype))


class TensorSpec(Value):
    """Shape and dtype of a tensor.

    shape: sizes of the axes; None where the source does not say.
    dtype: NumPy's or ml_dtypes' name (`float32`, `bfloat16`, `float8_e4m3fn`, `int4`, `string`).
    stored_nbytes: the bytes that it takes in its source, where that is not size times item.
    """

    shape: tuple[int, ...] | None
    dtype: str
    stored_nbytes: int | None = None

    @property
    def size(self) -> int | None:
        """The number of elements."""
        return None if self.shape is None else math.prod(self.shape)

    @property
    def nbytes(self) -> int | None:
        """The bytes that the values take in their source; two int4 share one byte."""
        if self.stored_nbytes is not None:
            return self.stored_nbytes
        size, bits = self.size, dtype_bits(self.dtype)
        return None if size is None or bits is None else (size * bits + 7) // 8


class TensorSource(Protocol):
    """The way to a tensor's values. Reads nothing before it is asked; may be asked by several threads."""

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        """Return the values at `index`, which has an entry per axis, or is empty for all of them.

        Integers lie within the shape and are not negative; slices have plain bounds within the shape.
        The array is the caller's own copy (or read-only and never dies), aligned, native-endian,
        of the spec's dtype. Axes keep their places; only what `index` needs is read.

        Raises:
            FormatError: the bytes are not there, or not what the header says.
            ChangedError: the source was closed or changed since it was opened.
        """
        ...

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield all values as flat arrays in C order, each of at most `max_nbytes` bytes (at least one element)."""
        ...


@runtime_checkable
class VariableSource(TensorSource, Protocol):
    """The way to the values of a live variable, which it does not keep alive."""

    def variable(self) -> Any:
        """Return the variable itself: a `tf.Variable` where TensorFlow holds the values, else that of the library.

        Raises:
            ChangedError: it was deleted.
        """
        ...

    def write(self, values: Array) -> None:
        """Give the variable other values, of its shape and dtype, at once or not at all.

        Raises:
            ChangedError: it was deleted, or has another shape by now.
            SourceError: its library refuses to.
        """
        ...


def full_index(items: Sequence[Any], shape: tuple[int, ...]) -> tuple[AxisIndex, ...]:
    """Return an index with an entry per axis of `shape`: `...`, or the end, stands for the axes not named.

    items: integers, slices, lists of integers and at most one `...`, as in NumPy.

    Raises:
        IndexError: an integer out of range, or more entries than axes; `args[1]` is the faulty entry's position.
    """
    dots = next((i for i, item in enumerate(items) if item is ...), len(items))
    given = len(items) - (dots < len(items))
    if given > len(shape):
        axes = "axis" if len(shape) == 1 else "axes"
        raise IndexError(f"{given} indices for {len(shape)} {axes}", None)
    spread = [*items[:dots], *[slice(None)] * (len(shape) - given), *items[dots + 1 :]]
    skipped = len(shape) - given - (dots < len(items))
    index: list[AxisIndex] = []
    for axis, (item, size) in enumerate(zip(spread, shape, strict=True)):
        index.append(_axis_index(item, size, axis if axis < dots else axis - skipped))
    return tuple(index)


def _axis_index(item: Any, size: int, entry: int) -> AxisIndex:
    if isinstance(item, slice):
        steps = range(*item.indices(size))
        if not steps:
            return slice(0, 0, 1)
        return slice(steps.start, None if steps.stop < 0 else steps.stop, steps.step)
    if isinstance(item, list):
        return tuple(_position(i, size, entry) for i in item)
    return _position(item.__index__(), size, entry)


def _position(i: int, size: int, entry: int) -> int:
    if not -size <= i < size:
        raise IndexError(f"index {i} is out of range for an axis of size {size}", entry)
    return i % size


def take(array: Array, index: tuple[AxisIndex, ...]) -> Array:
    """Return `array` at `index`: basic indexing first, then the one list, so that axes keep their places."""
    if not index:
        return array
    basic = tuple(slice(None) if isinstance(i, tuple) else i for i in index)
    taken = array[basic]
    axis = 0
    for i in index:
        if isinstance(i, tuple):
            return taken.take(list(i), axis=axis)
        axis += not isinstance(i, int)
    return taken


def indexed_shape(shape: tuple[int, ...], index: tuple[AxisIndex, ...]) -> tuple[int, ...]:
    """Return the shape that `read(index)` of a tensor of `shape` gives."""
    if not index:
        return shape
    return tuple(
        len(range(*i.indices(size))) if isinstance(i, slice) else len(i)
        for size, i in zip(shape, index, strict=True)
        if not isinstance(i, int)
    )


def pieces(shape: tuple[int, ...], most: int) -> Iterator[tuple[AxisIndex, ...]]:
    """Yield indices which, one after the other, go through `shape` in C order, each of at most `most` elements."""
    if 0 in shape:
        return
    if math.prod(shape) <= most:
        yield tuple(slice(0, size, 1) for size in shape)
        return
    row = math.prod(shape[1:])
    if row > most:
        for i in range(shape[0]):
            yield from ((i, *rest) for rest in pieces(shape[1:], most))
        return
    for start in range(0, shape[0], most // row):
        stop = min(start + most // row, shape[0])
        yield (slice(start, stop, 1), *(slice(0, size, 1) for size in shape[1:]))


def read_in_pieces(tensor: TensorSource, spec: TensorSpec, max_nbytes: int) -> Iterator[Array]:
    """Yield all values as `TensorSource.blocks` does, by `read`; not sliced where they fit. spec: of the tensor."""
    most = max(1, max_nbytes // (itemsize_of(spec.dtype) or 1))
    if 0 < (spec.size or 0) <= most:
        yield tensor.read().reshape(-1)
        return
    for index in pieces(spec.shape or (), most):
        yield tensor.read(index).reshape(-1)


class TensorPart(Value):
    """The part of a tensor that an index takes: a TensorSource that reads only what it needs.

    whole: the tensor. spec: of the whole, its shape known. index: an entry per axis, as `full_index` gives it.
    """

    whole: TensorSource
    spec: TensorSpec
    index: tuple[AxisIndex, ...]

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        """Return the values at `index` of the part."""
        if not index:
            return self.whole.read(self.index)
        lists = sum(isinstance(i, tuple) for i in (*self.index, *index))
        if lists > 1:  # a source takes one list of positions
            return take(self.whole.read(self.index), index).copy()
        return self.whole.read(self._composed(index))

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield the values of the part piece by piece."""
        shape = indexed_shape(self.spec.shape or (), self.index)
        return read_in_pieces(self, TensorSpec(shape, self.spec.dtype), max_nbytes)

    def _composed(self, index: tuple[AxisIndex, ...]) -> tuple[AxisIndex, ...]:
        """Return the index of the whole tensor that `index` of the part is."""
        further = iter(index)
        return tuple(
            outer if isinstance(outer, int) else _within(outer, size, next(further))
            for outer, size in zip(self.index, self.spec.shape or (), strict=True)
        )


def _within(outer: slice | tuple[int, ...], size: int, inner: AxisIndex) -> AxisIndex:
    """Return the entry that takes `inner` of what `outer` takes of an axis."""
    positions = range(*outer.indices(size)) if isinstance(outer, slice) else outer
    if isinstance(inner, int):
        return positions[inner]
    if isinstance(inner, tuple):
        return tuple(positions[i] for i in inner)
    taken = positions[inner]
    if isinstance(taken, tuple):
        return taken
    return slice(taken.start, None if taken.stop < 0 else taken.stop, taken.step) if taken else slice(0, 0, 1)
