"""What the index of a checkpoint says of each tensor: dtype, shape, place, and the slices that make it up.

Facts from TensorFlow's `tensor_bundle.proto`, `tensor_shape.proto`, `tensor_slice.proto`, `types.proto`, and for the
keys of slices `ordered_code.cc`.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple, TypeAlias

from weightrepl.model.tensor import TensorSpec, dtype_bits
from weightrepl.readers.guards import Limits, refusal
from weightrepl.readers.protobuf import BYTES, FIXED_32, VARINT, Bytes, fields, signed, varint

DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64",
    9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32", 14: "bfloat16", 15: "qint16", 16: "quint16",
    17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
    24: "float8_e5m2", 25: "float8_e4m3fn", 26: "float8_e4m3fnuz", 27: "float8_e4m3b11fnuz", 28: "float8_e5m2fnuz",
    29: "int4", 30: "uint4", 31: "int2", 32: "uint2",
}  # fmt: skip
"""TensorFlow's number of a dtype -> NumPy's or ml_dtypes' name (`types.proto`)."""

Kind: TypeAlias = tuple[TensorSpec, "int | None", "str | None"]
"""A spec, the bytes that such a tensor takes in a checkpoint (None where they vary), and a remark."""

Extents: TypeAlias = tuple[tuple[int, int], ...]
"""The part of a tensor that a slice is: for each axis where it begins and its size, -1 for all of the axis."""


class Entry(NamedTuple):
    """What the index says of a tensor.

    dtype: TensorFlow's number. shard: the number of the file. offset, nbytes: the place in it. crc: masked, None where
    it is not told. slices: what makes the tensor up, each under a key of its own; none of a tensor in one piece.
    """

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    nbytes: int
    crc: int | None
    slices: tuple[Extents, ...]


Plain: TypeAlias = tuple[bytes, int, int, int, int]
"""The bytes that spell dtype and shape, the shard, the offset in it, the bytes that the tensor takes, and its CRC."""


def plain_entry(value: bytes) -> Plain | None:
    """Return what a BundleEntryProto says that is written as TensorFlow does, in order; None of another.

    This is what all entries go through, but for slices: it decodes no more than differs from entry to entry.
    """
    end = len(value) - 5
    at = 4 + value[3] if end > 3 else 0
    if not 4 <= at <= end or value[0] != 0x08 or value[2] != 0x12 or value[1] | value[3] > 0x7F:
        return None
    if value[end] != 0x35:
        return None
    head, shard, offset, nbytes = value[:at], 0, 0, 0
    if value[at] == 0x18:
        shard, at = varint(value, at + 1, end)
    if value[at] == 0x20:
        offset, at = varint(value, at + 1, end)
    if value[at] == 0x28:
        nbytes, at = varint(value, at + 1, end)
    return None if at != end else (head, shard, offset, nbytes, int.from_bytes(value[end + 1 :], "little"))


def entry_of(value: bytes) -> Entry:
    """Return what a BundleEntryProto says.

    Raises:
        ValueError: it is none, or damaged.
    """
    dtype, numbers = 0, [0, 0, 0]
    shape: tuple[int, ...] = ()
    crc: int | None = None
    slices: list[Extents] = []
    for number, kind, one, two in fields(value):
        if number == 1 and kind == VARINT:
            dtype = one
        elif number == 2 and kind == BYTES:
            shape = shape_of(value, one, two)
        elif 3 <= number <= 5 and kind == VARINT:
            numbers[number - 3] = one
        elif number == 6 and kind == FIXED_32:
            crc = int.from_bytes(value[one:two], "little")
        elif number == 7 and kind == BYTES:
            slices.append(extents_of(value, one, two))
    return Entry(dtype, shape, numbers[0], numbers[1], numbers[2], crc, tuple(slices))


def kind_of(dtype: int, shape: tuple[int, ...], limits: Limits) -> Kind:
    """Return what TensorFlow's number of a dtype and a shape are here.

    Raises:
        ValueError: more axes than `limits` allow.
    """
    if len(shape) > limits.rank:
        raise ValueError(refusal(len(shape), "rank", "axes", limits))
    name, remark = DTYPES.get(dtype, f"number {dtype}"), None
    if name.startswith(("qint", "quint")):
        name, remark = name[1:], f"stored as {name}"
    bits = dtype_bits(name)
    if bits is None:
        return TensorSpec(shape, name), None, remark
    nbytes = math.prod(shape) * ((bits + 7) // 8)  # an int4 takes a whole byte
    return TensorSpec(shape, name, nbytes if bits < 8 else None), nbytes, remark


def shape_of(buffer: Bytes, begin: int, end: int) -> tuple[int, ...]:
    """Return the shape that a TensorShapeProto tells.

    Raises:
        ValueError: it tells none, or a size that is negative.
    """
    sizes = []
    for number, kind, one, two in fields(buffer, begin, end):
        if number == 2 and kind == BYTES:
            told = [value for field, _, value, _ in fields(buffer, one, two) if field == 1]
            sizes.append(signed(told[-1]) if told else 0)
        elif number == 3 and one:
            raise ValueError("a shape without a rank")
    if min(sizes, default=0) < 0:
        raise ValueError("an axis of negative size")
    return tuple(sizes)


def extents_of(buffer: Bytes, begin: int, end: int) -> Extents:
    """Return the part of a tensor that a TensorSliceProto tells."""
    extents = []
    for number, kind, one, two in fields(buffer, begin, end):
        if number == 1 and kind == BYTES:
            told = {field: signed(value) for field, _, value, _ in fields(buffer, one, two)}
            extents.append((told.get(1, 0), told.get(2, -1)))
    return tuple(extents)


# ------------------------------------------------------------------ the keys of slices


def key_of_slice(name: bytes, extents: Extents) -> bytes:
    """Return the key under which a slice of a tensor stands: in a form whose order is that of what it encodes."""
    escaped = re.sub(rb"[\x00\xff]", lambda found: b"\x00\xff" if found[0] == b"\x00" else b"\xff\x00", name)
    rank = len(extents)
    numbers = [_ordered(number) for extent in extents for number in extent]
    return b"\x00" + escaped + b"\x00\x01" + (bytes((1, rank)) if rank else b"\x00") + b"".join(numbers)


def _ordered(number: int) -> bytes:
    """Return a signed number in ordered code: its first bits tell the sign and how many bytes there are."""
    nbytes = (number if number >= 0 else ~number).bit_length() // 7 + 1
    code = bytearray(number.to_bytes(10, "big", signed=True)[10 - nbytes :])
    marks = (0xFFFF << (16 - nbytes)) & 0xFFFF
    code[0] ^= marks >> 8
    if nbytes > 1:
        code[1] ^= marks & 0xFF
    return bytes(code)
