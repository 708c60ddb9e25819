"""HDF5 objects that are not decoded here, through h5py, with the same refusals and limits."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from threading import RLock
from typing import TYPE_CHECKING, Any

from weightrepl.errors import ChangedError, FormatError
from weightrepl.model.tensor import AxisIndex, TensorSource, TensorSpec, dtype_bits, numpy_dtype, take
from weightrepl.readers.guards import Limits, refusal
from weightrepl.readers.hdf5_objects import Attribute, external_storage, soft_link, virtual_storage
from weightrepl.readers.sources import ByteSource

if TYPE_CHECKING:
    from weightrepl.model.tensor import Array

_BUILT_IN_FILTERS = {1, 2, 3, 4, 5, 6, 32000}
"""deflate, shuffle, fletcher32, szip, nbit, scaleoffset, lzf: what loads no plug-in."""


class Fallback:
    """One HDF5 file, opened by h5py, asked by the paths of objects that were reached over hard links only."""

    def __init__(self, source: ByteSource, base: int, size: int | None) -> None:
        import h5py

        self._source, self._base = source, base
        self._lock = RLock()
        part = io.BufferedReader(_Part(source, base, source.size - base if size is None else size), 1 << 16)
        self._file: Any = h5py.File(part, "r")

    def is_group(self, path: str) -> bool:
        """Return whether the object is a group and not a dataset."""
        import h5py

        thing = self._object(path)
        if not isinstance(thing, (h5py.Group, h5py.Dataset)):
            raise FormatError("neither a group nor a dataset", self._source.path, path)
        return isinstance(thing, h5py.Group)

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a group; UnsafeFileError where one is a soft or external link."""
        import h5py

        group = self._object(path)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise soft_link(name, self._source.path)
        return tuple(group)

    def attributes(self, path: str) -> dict[str, Attribute]:
        """Return an object's attributes as plain values."""
        with self._lock:
            return {name: _plain(value) for name, value in self._object(path).attrs.items()}

    def dataset(self, path: str) -> tuple[TensorSpec, TensorSource | None, str | None]:
        """Return shape and dtype, the way to the values, and why there is none."""
        found = self._object(path)
        if found.external:
            raise external_storage(self._source.path)
        if found.is_virtual:
            raise virtual_storage(self._source.path)
        if found.shape is None:
            return TensorSpec((), "void", 0), None, "the dataset is empty: it has a type but no shape"
        dtype, big_endian = self._dtype(found)
        if dtype_bits(dtype) is None:
            return (
                TensorSpec(found.shape, dtype, 0),
                None,
                f"its elements are no numbers that can be read ({dtype})",
            )
        spec = TensorSpec(tuple(found.shape), dtype)
        if (reason := _refused(found, self._source.limits)) is not None:
            return spec, None, reason
        if found.chunks is None and (offset := found.id.get_offset()) is not None:
            return (
                spec,
                self._source.tensor(spec, self._base + offset, big_endian=big_endian, place=path),
                None,
            )
        return spec, ChunkedTensor(self._source, found, self._lock, dtype, path), None

    def _dtype(self, found: Any) -> tuple[str, bool]:
        import h5py

        stored = found.dtype
        if h5py.check_string_dtype(stored) is not None:
            return "string", False
        if stored.kind == "V" and stored.itemsize == 2 and _plain(found.attrs.get("dtype")) == "bfloat16":
            return "bfloat16", False
        return stored.newbyteorder("=").name, stored.byteorder == ">"

    def _object(self, path: str) -> Any:
        self._source.check()
        return self._file[path] if path else self._file


def _refused(found: Any, limits: Limits) -> str | None:
    """Return why the values of a dataset are not read: they would need a plug-in, or far more memory than they take."""
    import h5py

    properties = found.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if foreign := [code for code in codes if code not in _BUILT_IN_FILTERS]:
        return f"its values are packed by filter {foreign[0]}, which HDF5 itself does not have"
    if missing := [code for code in codes if not h5py.h5z.filter_avail(code)]:
        return f"its values are packed by filter {missing[0]}, which the installed h5py does not have"
    nbytes, stored = math.prod(found.shape) * found.dtype.itemsize, found.id.get_storage_size()
    if nbytes and not stored:
        return "its values were never written"
    if nbytes > limits.unwritten_nbytes and nbytes > stored * limits.expansion:
        return refusal(nbytes // stored, "expansion", "bytes of values for each packed byte", limits)
    return None


def _plain(value: Any) -> Attribute:
    """Return an attribute's value as Python's own: text, numbers, or a list of them."""
    import h5py

    if isinstance(value, h5py.Empty):
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return value if isinstance(value, (str, int, float)) else None


class ChunkedTensor:
    """A dataset in chunks, read by h5py: a TensorSource. One thread reads at a time, as HDF5 demands."""

    def __init__(self, source: ByteSource, dataset: Any, lock: RLock, dtype: str, place: str) -> None:
        self._source, self._dataset, self._lock, self._dtype, self._place = (
            source,
            dataset,
            lock,
            dtype,
            place,
        )

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        self._source.check()
        shape = self._dataset.shape
        index = index or (slice(None),) * len(shape)
        box = tuple(_hull(i, size) for i, size in zip(index, shape, strict=True))
        within = tuple(_shifted(i, hull, size) for i, hull, size in zip(index, box, shape, strict=True))
        with self._lock:
            try:
                raw = np.asarray(self._dataset[box])
            except (OSError, RuntimeError, ValueError) as error:
                if isinstance(error, ChangedError):
                    raise
                raise FormatError(
                    f"its values can't be unpacked ({error})", self._source.path, self._place
                ) from None
        self._source.check()
        raw = np.asarray(take(raw, within))
        if self._dtype == "bfloat16":
            raw = raw.view("u2")
            return raw.copy().view(numpy_dtype("bfloat16"))
        return np.array(raw, dtype=raw.dtype.newbyteorder("="), order="C")

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        shape = self._dataset.shape
        room = max(1, max_nbytes // self._dataset.dtype.itemsize)
        for index in _slabs(shape, room):
            yield self.read(index).reshape(-1)


def _hull(index: AxisIndex, size: int) -> slice:
    """Return the least slice of step 1 that holds all positions of `index`: h5py takes no steps back, no repeats."""
    if isinstance(index, int):
        return slice(index, index + 1)
    positions = range(*index.indices(size)) if isinstance(index, slice) else index
    return slice(min(positions), max(positions) + 1) if positions else slice(0, 0)


def _shifted(index: AxisIndex, hull: slice, size: int) -> AxisIndex:
    """Return `index` counted from where `hull` begins."""
    if isinstance(index, int):
        return 0
    positions = range(*index.indices(size)) if isinstance(index, slice) else index
    if isinstance(index, slice) and isinstance(positions, range) and positions:
        start = positions[0] - hull.start
        stop = start + len(positions) * positions.step
        return slice(start, stop if stop >= 0 else None, positions.step)
    return index if isinstance(index, slice) else tuple(p - hull.start for p in index)


def _slabs(shape: tuple[int, ...], room: int) -> Iterator[tuple[AxisIndex, ...]]:
    """Yield indices that cut an array, in C order, into parts of at most `room` elements."""
    if not shape or math.prod(shape) == 0:
        if not shape:
            yield ()
        return
    inner = math.prod(shape[1:])
    if inner > room:
        for i in range(shape[0]):
            yield from ((i, *rest) for rest in _slabs(shape[1:], room))
        return
    step = room // inner
    for i in range(0, shape[0], step):
        yield (slice(i, min(i + step, shape[0])), *(slice(None),) * (len(shape) - 1))


class _Part(io.RawIOBase):
    """A range of a source as a file for h5py."""

    def __init__(self, source: ByteSource, base: int, size: int) -> None:
        self._source, self._base, self._size, self._at = source, base, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        nbytes = max(0, min(len(view), self._size - self._at))
        self._source.read_into(self._base + self._at, view[:nbytes])
        self._at += nbytes
        return nbytes
