"""A file that was opened once: bytes of headers, and tensors by their place in it."""

from __future__ import annotations

import math
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias
from weakref import finalize

from weightrepl.errors import ChangedError, FormatError, SourceError
from weightrepl.model.tensor import (
    Array,
    AxisIndex,
    TensorSource,
    TensorSpec,
    indexed_shape,
    itemsize_of,
    numpy_dtype,
)
from weightrepl.readers.gathering import empty, gathered, raw_dtype
from weightrepl.readers.guards import STANDARD, Limits, closed, os_reason
from weightrepl.values import Value

Stamp: TypeAlias = tuple[int, int, int, int]

_FLAGS = (
    os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
)  # a named pipe would be waited for
_MAX_READ_NBYTES = 1 << 30  # Linux reads at most 2 GiB less a page at a time
_BLOCK_NBYTES, _BLOCKS_KEPT = 16384, 256
_STEP_NBYTES = 1 << 22  # read and checked at a time: what was read is still in the processor's cache


def stem_of(path: str) -> str:
    """Return a file's name without folder and any suffix: `model` of `runs/model.weights.h5`."""
    name = os.path.basename(os.path.normpath(path))
    return name.lstrip(".").partition(".")[0] or name


class ByteSource:
    """A file for reading, held open and remembered by size, time of change and inode. Threads may share it.

    path: as given. limits: what it may claim. size: in bytes. stamp: what it was when it was seen before.

    Raises (on making one, and on each use):
        SourceError: the file is not there or may not be read.
        ChangedError: it was closed, replaced, cut or written to since.
    """

    __slots__ = (
        "_blocks",
        "_closed",
        "_lock",
        "_number",
        "_readers",
        "absolute",
        "limits",
        "path",
        "size",
        "stamp",
    )

    def __init__(self, path: str, limits: Limits = STANDARD, stamp: Stamp | None = None) -> None:
        self.path, self.limits = path, limits
        self.absolute = os.path.abspath(path)
        self._closed = True
        try:
            self._number = os.open(self.absolute, _FLAGS)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise SourceError(os_reason(error), path) from error
        status = os.fstat(self._number)
        self.stamp = stamp_of(status)
        self.size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            os.close(self._number)
            raise SourceError("not a plain file", path)
        if stamp not in (None, self.stamp):
            os.close(self._number)
            raise self._changed()
        self._blocks: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._readers = 0
        self._closed = False

    def check(self) -> None:
        """Raise a ChangedError unless the file is open and still the one that was opened."""
        with self._lock:
            self._check()

    def _check(self) -> None:
        if self._closed:
            raise closed(self.path)
        try:
            same = stamp_of(os.fstat(self._number)) == self.stamp == stamp_of(os.stat(self.absolute))
        except OSError:
            same = False
        if not same:
            raise self._changed()

    def _changed(self) -> ChangedError:
        return ChangedError("the file changed since it was opened; open it again to read from it", self.path)

    def header(self, offset: int, nbytes: int) -> bytes:
        """Return `nbytes` bytes of metadata from `offset` on.

        Read in blocks that are kept for a while, since headers lie close to each other.
        """
        number, start = divmod(offset, _BLOCK_NBYTES)
        if start + nbytes > _BLOCK_NBYTES:
            return self.read(offset, nbytes)
        if self._closed:
            raise closed(self.path)
        block = self._blocks.get(number)
        if block is None:
            begin = number * _BLOCK_NBYTES
            block = self.read(begin, max(0, min(_BLOCK_NBYTES, self.size - begin)))
            if len(self._blocks) >= _BLOCKS_KEPT:
                self._blocks = {}
            self._blocks[number] = block
        found = block[start : start + nbytes]
        if len(found) < nbytes:
            self._bound(offset, nbytes)
        return found

    def read(self, offset: int, nbytes: int) -> bytes:
        """Return `nbytes` bytes from `offset` on."""
        self._bound(offset, nbytes)  # before so many are asked of the machine
        found = bytearray(nbytes)
        self.read_into(offset, memoryview(found))
        return bytes(found)

    def read_into(self, offset: int, buffer: memoryview) -> None:
        """Fill `buffer`, flat and of bytes, with what stands from `offset` on."""
        self.read_parts((offset,), len(buffer), buffer)

    def read_parts(self, offsets: Sequence[int], nbytes: int, buffer: memoryview) -> None:
        """Fill `buffer`, flat and of bytes, with the `nbytes` from each of `offsets` on, one part behind the other.

        The file is never mapped: where another process cuts a mapped file, reading from the map ends this one (SIGBUS),
        and no check before it is sure to come in time. A read that meets the new end returns nothing instead.
        """
        self._bound(min(offsets), nbytes)
        self._bound(max(offsets), nbytes)
        with self._reading():
            for start, offset in zip(range(0, len(buffer), nbytes or 1), offsets, strict=False):
                self._fill(offset, buffer[start : start + nbytes])

    def _fill(self, offset: int, buffer: memoryview) -> None:
        while buffer:
            try:
                got = self._read_once(offset, buffer[:_MAX_READ_NBYTES])
            except OSError as error:
                raise SourceError(os_reason(error), self.path, f"byte {offset}") from error
            if got == 0:
                raise self._changed()
            offset, buffer = offset + got, buffer[got:]

    def _read_once(self, offset: int, buffer: memoryview) -> int:
        """Read what the system gives at once; return how many bytes that is, 0 at the file's end."""
        if hasattr(os, "preadv"):
            return os.preadv(self._number, [buffer], offset)
        with self._lock:
            os.lseek(self._number, offset, os.SEEK_SET)
            found = os.read(self._number, len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _bound(self, offset: int, nbytes: int) -> None:
        if offset < 0 or nbytes < 0 or offset + nbytes > self.size:
            raise FormatError(
                f"{nbytes:,} bytes at {offset:,} lie outside the file: cut short, or damaged", self.path
            )

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Keep the file open while values are read, and check before and after that it is the same."""
        with self._lock:
            self._check()
            self._readers += 1
        try:
            yield
            self.check()
        finally:
            with self._lock:
                self._readers -= 1
                self._release()

    def tensor(
        self,
        spec: TensorSpec,
        offset: int,
        *,
        big_endian: bool = False,
        place: str = "",
        checksum: Checksum | None = None,
    ) -> TensorSource:
        """Return the way to the values of `spec` that lie plainly, in C order, from `offset` on.

        An int4 or other part of a byte takes a whole byte of the file here.

        Raises:
            FormatError: they would lie outside the file.
        """
        assert spec.shape is not None
        itemsize = itemsize_of(spec.dtype)
        if itemsize == 0:
            raise FormatError(f"no values of dtype {spec.dtype} can be read", self.path, place)
        self._bound(offset, math.prod(spec.shape) * itemsize)
        values = (self, spec.shape, spec.dtype, itemsize, offset, big_endian)
        return PlainTensor(*values) if checksum is None else CheckedTensor(*values, checksum, place)

    def close(self) -> None:
        """Let go of the file; what is being read just now is read to its end."""
        with self._lock:
            self._closed = True
            self._release()

    def __del__(self) -> None:
        if not self._closed:  # nobody is left to read from it
            os.close(self._number)

    def _release(self) -> None:
        if not self._closed or self._readers or self._number < 0:
            return
        os.close(self._number)
        self._number = -1


def stamp_of(status: os.stat_result) -> Stamp:
    """Return what tells that a file is another than before: its size in bytes, time of change, inode and device."""
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


class PlainTensor(Value):
    """A tensor whose values lie plainly in a file: a TensorSource.

    itemsize: bytes that an element takes in the file. offset: of the first one, in bytes.
    """

    source: ByteSource
    shape: tuple[int, ...]
    dtype: str
    itemsize: int
    offset: int
    big_endian: bool

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        if 0 in indexed_shape(self.shape, index):  # nothing is read, which would check it
            self.source.check()
        read_parts = self.source.read_parts
        return self._finished(gathered(read_parts, self.offset, self.shape, self.itemsize, index))

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        return map(self._finished, self._raw_blocks(max_nbytes))

    def _raw_blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield the elements as they stand in the file."""
        size = math.prod(self.shape)
        step = max(1, max_nbytes // self.itemsize)
        free: list[bytearray] = []
        for start in range(0, size, step):
            raw = _lent(free, step * self.itemsize, self.itemsize)[: size - start]
            self.source.read_into(self.offset + start * self.itemsize, raw.view("u1").data)
            yield raw

    def _finished(self, raw: Array) -> Array:
        """Return elements as they stand in the file in the machine's byte order and as what they mean; in place."""
        import sys

        import numpy as np

        if self.big_endian != (sys.byteorder == "big"):
            part = self.itemsize // (2 if self.dtype.startswith("complex") else 1)
            raw.reshape(-1).view(raw_dtype(part)).byteswap(inplace=True)
        if self.dtype == "bool":
            return np.not_equal(raw, 0, out=raw.view(np.bool_))
        return raw.view(numpy_dtype(self.dtype))


class Checksum(NamedTuple):
    """What the CRC of a tensor's bytes ought to be.

    of: computes it for the bytes of a flat array, given that of what stands before them. begun: of what stands before
    the tensor.
    """

    expected: int
    of: Callable[[Any, int], int]
    begun: int = 0


class CheckedTensor(PlainTensor):
    """A plain tensor whose checksum is compared when all of it is read. place: how messages name it."""

    checksum: Checksum
    place: str

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        if index:
            return super().read(index)
        raw = empty((math.prod(self.shape),), self.itemsize)
        octets, crc = raw.view("u1"), self.checksum.begun
        for start in range(0, octets.size, _STEP_NBYTES):
            step = octets[start : start + _STEP_NBYTES]
            self.source.read_into(self.offset + start, step.data)
            crc = self.checksum.of(step, crc)
        self._check(crc)
        return self._finished(raw).reshape(self.shape)

    def _raw_blocks(self, max_nbytes: int) -> Iterator[Array]:
        left, crc = math.prod(self.shape), self.checksum.begun
        for raw in super()._raw_blocks(max_nbytes):
            left, crc = left - len(raw), self.checksum.of(raw, crc)
            if not left:
                self._check(crc)
            yield raw

    def _check(self, crc: int) -> None:
        if crc != self.checksum.expected:
            reason = "damaged: the checksum (CRC) of its values doesn't match"
            raise FormatError(reason, self.source.path, self.place)


def _lent(free: list[bytearray], nbytes: int, itemsize: int) -> Array:
    """Return an array in memory that goes back to `free` when neither it nor a view of it is left.

    New memory would cost more than reading into it: the system gives it page by page, as each is first written.
    """
    import numpy as np

    buffer = free.pop() if free else bytearray(nbytes)
    lent = np.frombuffer(buffer, raw_dtype(itemsize))
    finalize(lent, free.append, buffer)
    return lent
