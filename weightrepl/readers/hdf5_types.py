"""HDF5's datatypes and dataspaces, decoded from the bytes of their messages.

Facts from the HDF5 File Format Specification 3.0, sections IV.A.2.b (dataspace) and IV.A.2.d (datatype).
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from weightrepl.errors import FormatError
from weightrepl.values import Value

_HEAD = Struct("<BBBBI")  # class and version, three bytes of flags, size of an element
_FLOAT = Struct("<HHBBBBI")  # bit offset, precision, exponent's place and size, mantissa's, bias
_FIXED = Struct("<HH")
_VLEN = Struct("<IQI")  # length, address of a global heap, index in it
_SPACES = [Struct(f"<{rank}Q") for rank in range(33)]

_FLOATS = {
    # size, exponent's place and size, mantissa's place and size, bias
    (2, 10, 5, 0, 10, 15): "float16",
    (4, 23, 8, 0, 23, 127): "float32",
    (8, 52, 11, 0, 52, 1023): "float64",
    (2, 7, 8, 0, 7, 127): "bfloat16",
}
_FORMATS = {
    "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
    "int64": "q", "uint64": "Q", "float16": "e", "float32": "f", "float64": "d", "bool": "?",
}  # fmt: skip


class UnreadHDF5(Exception):  # noqa: N818 - never leaves the readers: h5py takes over
    """Sound HDF5 that lies outside the subset which is decoded here."""


class StoredType(Value):
    """The type of stored elements.

    dtype: NumPy's or ml_dtypes' name; `string`; `void16` for two opaque bytes; else what HDF5 calls it.
    itemsize: the bytes of an element. text: `fixed` or `variable` for strings.
    """

    dtype: str
    itemsize: int
    big_endian: bool = False
    text: str = ""

    @property
    def format(self) -> str | None:
        """How `struct` spells it, None where it can't."""
        letter = _FORMATS.get(self.dtype)
        return None if letter is None else (">" if self.big_endian else "<") + letter


@lru_cache(maxsize=256)
def stored_type(message: bytes) -> StoredType:
    """Return the type that a datatype message describes."""
    head, flags, flags2, _, size = _HEAD.unpack_from(message)
    kind = head & 15
    if kind == 0:
        offset, precision = _FIXED.unpack_from(message, 8)
        plain = offset == 0 and precision == 8 * size and size in (1, 2, 4, 8)
        name = f"{'' if flags & 8 else 'u'}int{8 * size}" if plain else f"{precision} bits of an integer"
        return StoredType(name, size, bool(flags & 1))
    if kind == 1:
        return _float_type(message, size, flags, flags2)
    if kind == 3:
        return StoredType("string", size, text="fixed")
    if kind == 5:
        return StoredType(f"void{8 * size}", size)
    if kind == 6:
        return _compound_type(message, head >> 4, flags | flags2 << 8, size)
    if kind == 8:
        base = stored_type(message[8:])
        boolean = base.itemsize == 1 and flags == 2 and b"FALSE\0" in message and b"TRUE\0" in message
        return StoredType("bool", 1) if boolean else base
    if kind == 9 and flags & 15 == 1:
        return StoredType("string", size, text="variable")
    names = {2: "time", 4: "bit field", 7: "reference", 9: "variable-length list", 10: "array"}
    return StoredType(names.get(kind, f"datatype class {kind}"), size)


def _float_type(message: bytes, size: int, flags: int, sign_bit: int) -> StoredType:
    offset, precision, *layout, bias = _FLOAT.unpack_from(message, 8)
    name = _FLOATS.get((size, *layout, bias))
    plain = offset == 0 and precision == 8 * size and sign_bit == precision - 1 and not flags & 0x40
    if name is None or not plain:
        return StoredType(f"{precision}-bit float of its own layout", size)
    return StoredType(name, size, bool(flags & 1))


def _compound_type(message: bytes, version: int, count: int, size: int) -> StoredType:
    """Two floats called `r` and `i` are how h5py writes a complex number."""
    first = _member(message, 8, version, size)
    if count == 2 and first is not None and first[0] == b"r":
        second = _member(message, first[3], version, size)
        if second is not None and second[0] == b"i" and first[1] == 0 and second[1] == size // 2:
            real, imaginary = first[2], second[2]
            if real == imaginary and real.dtype == f"float{4 * size}" and size in (8, 16):
                return StoredType(f"complex{8 * size}", size, real.big_endian)
    return StoredType("compound", size)


def _member(message: bytes, start: int, version: int, size: int) -> tuple[bytes, int, StoredType, int] | None:
    """Return name, offset and type of a compound's member whose entry begins at `start`, and where it ends."""
    end = message.find(b"\0", start)
    if end < 0:
        raise FormatError("a member's name runs past its type")
    name = message[start:end]
    at = end + 1 if version >= 3 else start + (end - start + 8) // 8 * 8
    width = 4 if version < 3 else max(1, (size.bit_length() + 7) // 8)
    offset = int.from_bytes(message[at : at + width], "little")
    at += width + (28 if version == 1 else 0)
    if message[at] & 15 != 1:
        return None
    return name, offset, stored_type(message[at : at + 20]), at + 20


@lru_cache(maxsize=1024)
def stored_shape(message: bytes) -> tuple[int, ...] | None:
    """Return the shape that a dataspace message describes; None for HDF5's null space, which holds nothing."""
    version, rank = message[0], message[1]
    if version == 2 and message[3] == 2:
        return None
    if version not in (1, 2) or rank > 32:
        raise UnreadHDF5(f"dataspace version {version} of rank {rank}")
    return _SPACES[rank].unpack_from(message, 8 if version == 1 else 4)


def variable_text(message: bytes, offset: int) -> tuple[int, int, int]:
    """Return length, heap address and index of the variable-length string whose reference is at `offset`."""
    found: tuple[int, int, int] = _VLEN.unpack_from(message, offset)
    return found
