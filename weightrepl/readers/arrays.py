"""NumPy's own files: `.npy`, one array, and `.npz`, a zip archive of such, stored plainly or deflated.

Facts from https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html. Object arrays are pickles, and never
read.
"""

from __future__ import annotations

from ast import literal_eval
from collections.abc import Iterator
from typing import Any, NamedTuple
from zlib import crc32

from weightrepl.errors import FormatError
from weightrepl.model.tensor import (
    Array,
    AxisIndex,
    TensorSource,
    TensorSpec,
    numpy_dtype,
    read_in_pieces,
    take,
)
from weightrepl.model.tree import Model
from weightrepl.readers.flat_keys import Flat, flat_model
from weightrepl.readers.guards import STANDARD, Limits, Reading, bound
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.sources import ByteSource, Checksum
from weightrepl.readers.zip_members import (
    ZipMember,
    beginning_of,
    content_in_pieces,
    stored_range,
    zip_members,
)

_PIECE_NBYTES = 1 << 20
_MAGIC = b"\x93NUMPY"
_KINDS = {"i": "int", "u": "uint", "f": "float", "c": "complex"}


class ArraysReader:
    """Opens `.npy` and `.npz` files."""

    def recognises(self, path: str, head: bytes) -> bool:
        if head.startswith(_MAGIC):
            return True
        if not head.startswith((b"PK\3\4", b"PK\5\6")):
            return False
        name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
        return path.endswith(".npz") or name.endswith(b".npy")

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        source = ByteSource(path, limits)
        try:
            if source.read(0, min(6, source.size)) == _MAGIC:
                with Reading(path, "header"):
                    array = _array(source.read(0, min(limits.array_header_nbytes, source.size)), path, limits)
                    tensors = [array.plain("0", source, 0, source.size)]
                return flat_model(tensors, path, "NumPy array", source.close, limits)
            tensors = [_member(source, member) for member in zip_members(source).values()]
            return flat_model(tensors, path, "NumPy arrays", source.close, limits)
        except BaseException:
            source.close()
            raise


def _member(source: ByteSource, member: ZipMember) -> Flat:
    """Return the array that a member of an archive is."""
    key = member.name.removesuffix(".npy")
    head = beginning_of(source, member, source.limits.array_header_nbytes)
    if not head.startswith(_MAGIC):
        return _unread(key, source, TensorSpec(None, "?", member.nbytes), "it is no array of NumPy's")
    with Reading(source.path, member.name):
        array = _array(head, source.path, source.limits)
        if member.packed == member.nbytes and member.method == 0:
            checksum = Checksum(member.crc, crc32, crc32(head[: array.size]))
            return array.plain(key, source, *stored_range(source, member), checksum)
        ratio = member.nbytes // max(1, member.packed)
        bound(ratio, "expansion", "bytes of values for each packed byte", source.limits, source.path, key)
        return array.packed(key, source, member)


# ------------------------------------------------------------------ the header of an array


class _Header(NamedTuple):
    """What the header of an array says.

    size: its own bytes. dtype: None where its elements are not read, for a `reason`. described: what it calls them.
    """

    size: int
    shape: tuple[int, ...]
    dtype: str | None
    reason: str
    described: str
    is_big: bool
    is_fortran: bool

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(self.shape, self.dtype or self.described)

    @property
    def stored(self) -> TensorSpec:
        """The array as it lies in the file, C order."""
        return TensorSpec(self.shape[::-1] if self.is_fortran else self.shape, self.spec.dtype)

    def plain(
        self, key: str, source: ByteSource, start: int, nbytes: int, checksum: Checksum | None = None
    ) -> Flat:
        """Return the array that takes so many bytes of a file, its header with them."""
        if self.dtype is None:
            return _unread(key, source, self.spec, self.reason)
        if self.size + (self.spec.nbytes or 0) != nbytes:
            raise FormatError(
                f"it has {nbytes:,} bytes, which is not the size of {self.dtype} {self.shape}: cut short, or damaged"
            )
        tensor = source.tensor(
            self.stored, start + self.size, big_endian=self.is_big, place=key, checksum=checksum
        )
        return Flat(key, self.spec, self._turned(tensor), source.path)

    def packed(self, key: str, source: ByteSource, member: ZipMember) -> Flat:
        """Return the array that a deflated member holds."""
        if self.dtype is None:
            return _unread(key, source, self.spec, self.reason)
        if self.size + (self.spec.nbytes or 0) != member.nbytes:
            raise FormatError(
                f"it has {member.nbytes:,} bytes, which is not the size of {self.dtype} {self.shape}"
            )
        return Flat(key, self.spec, self._turned(_Packed(source, member, self)), source.path)

    def _turned(self, tensor: TensorSource) -> TensorSource:
        return _Turned(tensor, self.spec) if self.is_fortran and len(self.shape) > 1 else tensor


def _array(head: bytes, path: str, limits: Limits) -> _Header:
    """Return what stands at the beginning of an array's file."""
    wide = head[6] > 1
    size = int.from_bytes(head[8 : 12 if wide else 10], "little")
    begin = 12 if wide else 10
    bound(begin + size, "array_header_nbytes", "bytes of a header", limits, path)
    if begin + size > len(head):
        raise FormatError("cut short within its header", path)
    try:
        found = literal_eval(head[begin : begin + size].decode("utf-8" if head[6] > 2 else "latin-1"))
    except (SyntaxError, MemoryError) as error:  # MemoryError: nested too deep
        raise FormatError("its header is damaged", path) from error
    shape, descr = tuple(int(n) for n in found["shape"]), found["descr"]
    bound(len(shape), "rank", "axes", limits, path)
    if min(shape, default=0) < 0:
        raise FormatError("an axis of negative size", path)
    dtype, reason = _dtype(descr)
    is_big = isinstance(descr, str) and descr.startswith(">")
    described = str(descr).lstrip("<>|=") if isinstance(descr, str) else "record"
    return _Header(begin + size, shape, dtype, reason, described, is_big, bool(found["fortran_order"]))


def _dtype(descr: object) -> tuple[str | None, str]:
    """Return the dtype that a header describes, or None and why its elements are not read."""
    kind, digits = (
        (descr.lstrip("<>|=")[:1], descr.lstrip("<>|=")[1:]) if isinstance(descr, str) else ("", "")
    )
    if kind == "O":
        return (
            None,
            "an array of Python objects, a pickle; reading one runs what is in it, so weightrepl never does",
        )
    if kind == "b":
        return "bool", ""
    if kind in _KINDS and digits.isdecimal() and int(digits) <= (16 if kind == "c" else 8):
        return f"{_KINDS[kind]}{int(digits) * 8}", ""
    if kind == "V":
        return (
            None,
            f"{digits} raw bytes for each element: NumPy has no name for what it was (perhaps bfloat16)",
        )
    return None, f"its elements are no numbers ({descr})"


def _unread(key: str, source: ByteSource, spec: TensorSpec, reason: str) -> Flat:
    return Flat(key, spec, NoTensor(source.path, key, reason), source.path, reason)


# ------------------------------------------------------------------ values that do not lie plainly


class _Turned:
    """An array in Fortran's order: another one of C's with its axes the other way round."""

    def __init__(self, stored: TensorSource, spec: TensorSpec) -> None:
        self._stored, self._spec = stored, spec

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        return np.ascontiguousarray(self._stored.read(index[::-1]).T)

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        return read_in_pieces(self, self._spec, max_nbytes)


class _Packed:
    """A deflated array: unpacked anew, and its checksum compared, each time that it is asked for."""

    def __init__(self, source: ByteSource, member: ZipMember, header: _Header) -> None:
        self._source, self._member, self._header = source, member, header

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        stored = self._header.stored
        flat = np.empty(stored.size or 0, numpy_dtype(stored.dtype))
        done = 0
        for block in self.blocks(_PIECE_NBYTES):
            flat[done : done + block.size] = block
            done += block.size
        array = flat.reshape(stored.shape or ())
        return np.array(take(array, index), order="C") if index else array

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        dtype = numpy_dtype(self._header.spec.dtype)
        room = max(1, max_nbytes // dtype.itemsize) * dtype.itemsize
        pending, head = bytearray(), self._header.size
        for piece in content_in_pieces(self._source, self._member):
            pending += piece[head:]
            head = max(0, head - len(piece))
            while len(pending) >= room:
                yield self._finished(pending[:room], dtype)
                del pending[:room]
        if pending:
            yield self._finished(pending, dtype)

    def _finished(self, raw: bytearray, dtype: Any) -> Array:
        """Return elements as they stand in the file in the machine's byte order and as what they mean."""
        import numpy as np

        stored = dtype.newbyteorder(">" if self._header.is_big else "<")
        found: Array = np.frombuffer(raw, "u1" if dtype == np.bool_ else stored)
        return found != 0 if dtype == np.bool_ else found.astype(dtype, copy=False)
