"""TensorFlow's checkpoints as what they hold: tensors under keys, in any number of files, and the graph of objects.

`PREFIX.index` is a table of keys, `PREFIX.data-00000-of-00001` the values. Facts from TensorFlow's
`tensor_bundle.proto`, `tensor_bundle.cc` and `saved_tensor_slice.proto`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from weightrepl.errors import FormatError
from weightrepl.model.tensor import TensorSpec, dtype_bits
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import STANDARD, Limits, Reading
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.protobuf import fields, signed, varint
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_table import entries

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The key under which a checkpoint of objects keeps their graph, a TrackableObjectGraph."""

DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string", 8: "complex64",
    9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32", 14: "bfloat16", 15: "qint16", 16: "quint16",
    17: "uint16", 18: "complex128", 19: "float16", 20: "resource", 21: "variant", 22: "uint32", 23: "uint64",
    24: "float8_e5m2", 25: "float8_e4m3fn", 26: "float8_e4m3fnuz", 27: "float8_e4m3b11fnuz", 28: "float8_e5m2fnuz",
    29: "int4", 30: "uint4", 31: "int2", 32: "uint2",
}  # fmt: skip
"""TensorFlow's number of a dtype -> NumPy's or ml_dtypes' name (`types.proto`)."""


class Bundle(NamedTuple):
    """An open checkpoint.

    tensors: by key, without the graph. graph: the bytes of the TrackableObjectGraph; None of a name-based checkpoint.
    """

    tensors: tuple[Flat, ...]
    graph: bytes | None
    close: Callable[[], None]


def open_bundle(prefix: str, limits: Limits = STANDARD) -> Bundle:
    """Return the checkpoint whose files' names begin with `prefix`; a prefix is written as the user gave it.

    Raises:
        FormatError: the index is damaged. SourceError: it can't be read.
    """
    index = ByteSource(prefix + ".index", limits)
    shards: dict[int, ByteSource] = {}
    with Reading(index.path):
        found = dict(entries(index))
    header = found.pop(b"", b"")
    count = next((value for number, _, value, _ in fields(header) if number == 1), 1)

    def shard(number: int) -> ByteSource:
        if number not in shards:
            shards[number] = ByteSource(f"{prefix}.data-{number:05d}-of-{count:05d}", limits)
        return shards[number]

    graph, tensors = None, []
    for raw, value in found.items():
        key = raw.decode("utf-8", "surrogateescape")
        with Reading(index.path, key):
            dtype, shape, number, offset, _ = _entry(value)
            if key == GRAPH_KEY:
                size, start = varint(shard(number).read(offset, 10), 0, 10)
                graph = shard(number).read(offset + start + 4, size)
                continue
            spec = TensorSpec(shape, dtype)
            if dtype_bits(dtype) is None:
                none = NoTensor(index.path, key, f"no values of dtype {dtype} are read")
                tensors.append(Flat(key, spec, none, shard(number).path))
            else:
                tensors.append(Flat(key, spec, shard(number).tensor(spec, offset), shard(number).path))

    def close() -> None:
        for each in (index, *shards.values()):
            each.close()

    return Bundle(tuple(tensors), graph, close)


def _entry(value: bytes) -> tuple[str, tuple[int, ...], int, int, int]:
    dtype, numbers = 0, [0, 0, 0]
    shape: tuple[int, ...] = ()
    for number, kind, one, two in fields(value):
        if number == 1:
            dtype = one
        elif number == 2:
            shape = shape_of(value, one, two)
        elif 3 <= number <= 5 and kind == 0:
            numbers[number - 3] = one
    return DTYPES.get(dtype, f"dtype {dtype}"), shape, numbers[0], numbers[1], numbers[2]


def shape_of(buffer: bytes, begin: int, end: int) -> tuple[int, ...]:
    """Return the shape that a TensorShapeProto tells."""
    sizes = []
    for number, kind, one, two in fields(buffer, begin, end):
        if number == 2 and kind == 2:
            sizes.append(
                next((signed(size) for field, _, size, _ in fields(buffer, one, two) if field == 1), 0)
            )
    if min(sizes, default=0) < 0:
        raise FormatError("an axis of negative size")
    return tuple(sizes)
