"""The values of a TensorProto, which has them one by one: V1 checkpoints keep tensors so.

Facts from TensorFlow's `tensor.proto`.
"""

from __future__ import annotations

from weightrepl.model.tensor import Array, numpy_dtype
from weightrepl.readers.protobuf import VARINT, fields

VALUES_FIELD = {
    "float32": 5, "float64": 6, "int32": 7, "int16": 7, "int8": 7, "uint16": 7, "uint8": 7, "string": 8,
    "complex64": 9, "int64": 10, "bool": 11, "complex128": 12, "float16": 13, "bfloat16": 13, "uint32": 16,
    "uint64": 17,
}  # fmt: skip
"""Dtype -> the number of the field that has its values."""

_FIXED = {5: "<f4", 6: "<f8", 9: "<f4", 12: "<f8"}
_STRINGS, _HALVES = 8, 13


def values_of(message: bytes, begin: int, end: int, dtype: str) -> Array:
    """Return the values of the TensorProto in a part of a buffer, flat; strings as `bytes`.

    Raises:
        ValueError: damaged.
    """
    import numpy as np

    field = VALUES_FIELD[dtype]
    found = [(kind, one, two) for number, kind, one, two in fields(message, begin, end) if number == field]
    alone = [one for kind, one, _ in found if kind == VARINT]  # not packed into one run of bytes
    packed = [message[one:two] for kind, one, two in found if kind != VARINT]
    if field == _STRINGS:
        strings = np.empty(len(packed), object)
        strings[:] = packed
        return strings
    if field in _FIXED:
        floats = np.frombuffer(b"".join(packed), _FIXED[field])
        return floats.astype(floats.dtype.newbyteorder("="), copy=False).view(numpy_dtype(dtype))
    numbers = np.concatenate([np.array(alone, np.uint64), _varints(b"".join(packed))])
    if field == _HALVES:
        return numbers.astype(np.uint16).view(numpy_dtype(dtype))
    return numbers.view(np.int64).astype(numpy_dtype(dtype))


def _varints(packed: bytes) -> Array:
    """Return numbers of which each takes as many bytes as it needs; the last one of each is below 128."""
    import numpy as np

    octets = np.frombuffer(packed, np.uint8)
    ends = np.flatnonzero(octets < 0x80) + 1
    starts = np.concatenate([np.zeros(1, ends.dtype), ends])
    if starts[-1] != octets.size:
        raise ValueError("a number is cut short")
    sizes, starts = np.diff(starts), starts[:-1]
    found = np.zeros(len(ends), np.uint64)
    if sizes.max(initial=0) > 10:
        raise ValueError("a number of more than 64 bits")
    for place in range(int(sizes.max(initial=0))):
        longer = sizes > place
        found[longer] |= (octets[starts[longer] + place] & np.uint64(0x7F)) << np.uint64(7 * place)
    return found
