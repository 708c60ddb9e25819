"""TensorFlow's checkpoints as they were before 2017 (V1): one table per shard holds both index and values.

Facts from TensorFlow's `saved_tensor_slice.proto`, `tensor.proto` and `tensor_slice_writer.cc`.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from weightrepl.errors import FormatError
from weightrepl.model.tensor import Array, AxisIndex, TensorSource, TensorSpec, take
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import STANDARD, Limits, Reading, bound, followed
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.protobuf import BYTES, VARINT, fields, text
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_bundle import Bundle
from weightrepl.readers.tensor_entries import Extents, extents_of, key_of_slice, kind_of, shape_of
from weightrepl.readers.tensor_parts import Part, joined, ranges_of
from weightrepl.readers.tensor_proto import VALUES_FIELD, values_of
from weightrepl.readers.tensor_table import Table
from weightrepl.values import Value

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\Z", re.DOTALL)


class _Told(NamedTuple):
    """What a file says of a tensor, and which slices of it it has."""

    name: str
    shape: tuple[int, ...]
    dtype: int
    slices: tuple[Extents, ...]


def open_bundle_v1(paths: Sequence[str], limits: Limits = STANDARD) -> Bundle:
    """Return the checkpoint that one file holds, or those `NAME-00000-of-00002` of its shards that are there.

    Raises:
        FormatError: a file is damaged, or no checkpoint. SourceError: it can't be read.
        UnsafeFileError: more tensors than `limits` allow, or a shard is a link that leads out of its folder.
    """
    files: list[ByteSource] = []

    def close() -> None:
        for file in files:
            file.close()

    found: dict[str, list[tuple[_Told, Table, str]]] = {}
    try:
        for path in paths:
            if len(paths) > 1:
                followed(path, os.path.dirname(path) or ".", path, limits)
            files.append(ByteSource(path, limits))
            with Reading(path):
                table = Table(files[-1])
                for told in _told(table, path):
                    found.setdefault(told.name, []).append((told, table, path))
                    bound(len(found), "tensors", "tensors", limits, path)
    except BaseException:
        close()
        raise
    return Bundle((*(_flat(each, limits) for each in found.values()), *_missing(paths)), None, close)


def _told(table: Table, path: str) -> Iterator[_Told]:
    """Yield what the first value of a table says: a SavedTensorSlices with a SavedTensorSliceMeta."""
    value = table.find(b"") or b""
    metas = [(begin, end) for number, kind, begin, end in fields(value) if (number, kind) == (1, BYTES)]
    if not metas:
        raise FormatError("a table, but no checkpoint", path)
    for begin, end in metas:
        for number, kind, one, two in fields(value, begin, end):
            if (number, kind) == (1, BYTES):
                yield _meta(value, one, two)


def _meta(value: bytes, begin: int, end: int) -> _Told:
    name, dtype = "", 0
    shape: tuple[int, ...] = ()
    slices = []
    for number, kind, one, two in fields(value, begin, end):
        if number == 1 and kind == BYTES:
            name = text(value, one, two)
        elif number == 2 and kind == BYTES:
            shape = shape_of(value, one, two)
        elif number == 3 and kind == VARINT:
            dtype = one
        elif number == 4 and kind == BYTES:
            slices.append(extents_of(value, one, two))
    return _Told(name, shape, dtype, tuple(slices))


def _missing(paths: Sequence[str]) -> Iterator[Flat]:
    """Yield what stands for the shards that are not there: nothing says which tensors they have."""
    shard = _SHARD.match(os.path.basename(paths[0]))
    if shard and len(paths) < int(shard[3]):
        reason = f"{len(paths)} of {int(shard[3])} shards are there; what the others hold is not listed"
        key = f"{shard[1]}-?????-of-{shard[3]}"
        yield Flat(key, TensorSpec(None, "?"), NoTensor(paths[0], key, reason), paths[0], reason)


def _flat(held: list[tuple[_Told, Table, str]], limits: Limits) -> Flat:
    told, _, path = held[0]
    spec = TensorSpec(None, "?")
    try:
        spec, _, remark = kind_of(told.dtype, told.shape, limits)
        tensor = _joined(spec, held)
    except (ValueError, LookupError) as error:
        return Flat(told.name, spec, NoTensor(path, told.name, str(error)), path, str(error))
    return Flat(told.name, spec, tensor, path, remark=remark)


def _joined(spec: TensorSpec, held: list[tuple[_Told, Table, str]]) -> TensorSource:
    """Return the tensor that the slices in all files make up.

    Raises:
        ValueError: they don't.
    """
    if spec.dtype not in VALUES_FIELD:
        raise ValueError(f"values of dtype {spec.dtype} are not read")
    parts: list[Part] = []
    for told, table, path in held:
        if (told.dtype, told.shape) != (held[0][0].dtype, held[0][0].shape):
            raise ValueError("the shards disagree about its dtype or shape")
        for extents in told.slices:
            ranges = ranges_of(extents, told.shape)
            key = key_of_slice(told.name.encode("utf-8", "surrogateescape"), extents)
            shape = tuple(map(len, ranges))
            parts.append((ranges, _Slice(table, key, shape, spec.dtype, path, told.name)))
    whole = tuple(map(range, held[0][0].shape))
    return parts[0][1] if [ranges for ranges, _ in parts] == [whole] else joined(spec, parts)


class _Slice(Value):
    """A slice of a tensor in a table: a TensorSource. Any reading of it decodes all of it.

    key: of the SavedTensorSlices that has it. place: how messages name it.
    """

    table: Table
    key: bytes
    shape: tuple[int, ...]
    dtype: str
    path: str
    place: str

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        with Reading(self.path, self.place):
            value = self.table.find(self.key)
            if value is None:
                raise ValueError("a slice of it is not there")
            begin, end = _within(value, *_within(value, 0, len(value), 2), 3)
            found = values_of(value, begin, end, self.dtype)
            if found.size != math.prod(self.shape):
                raise ValueError(f"it has {found.size:,} values, which is not its size")
            whole = found.reshape(self.shape)
            return np.array(take(whole, index), whole.dtype) if index else whole

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        values = self.read().reshape(-1)
        step = max(1, max_nbytes // values.itemsize)
        for start in range(0, values.size, step):
            yield values[start : start + step]


def _within(value: bytes, begin: int, end: int, wanted: int) -> tuple[int, int]:
    """Return where the message lies that is a field of the one in a part of a buffer.

    Raises:
        ValueError: there is none.
    """
    for number, kind, one, two in fields(value, begin, end):
        if number == wanted and kind == BYTES:
            return one, two
    raise ValueError("no values in it")
