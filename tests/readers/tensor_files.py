"""Checkpoints of TensorFlow's, written by hand: whole, of kinds that its writers don't make here, and wrong ones.

`test_tensor_written.py` shows that TensorFlow reads them as they are meant.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tests.fuzz.formats import varint
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.tensor_bundle import Bundle, open_bundle
from weightrepl.readers.tensor_entries import DTYPES

NUMBERS = {name: number for number, name in DTYPES.items()}
MAGIC = bytes.fromhex("57fb808b247547db")
FULL = (0, -1)

_TABLE = []
for _n in range(256):
    for _ in range(8):
        _n = _n >> 1 ^ (0x82F63B78 if _n & 1 else 0)
    _TABLE.append(_n)


def crc32c(message: bytes, crc: int = 0) -> int:
    """The CRC by its textbook definition, octet by octet."""
    crc ^= 0xFFFFFFFF
    for octet in message:
        crc = _TABLE[(crc ^ octet) & 255] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def masked(message: bytes, crc: int = 0) -> int:
    crc = crc32c(message, crc)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


# -- protocol buffers -------------------------------------------------------------------------------------------------


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def shape_proto(shape: Iterable[int]) -> bytes:
    return b"".join(message(2, number(1, size)) for size in shape)


def slice_proto(extents: Iterable[tuple[int, int]]) -> bytes:
    return b"".join(
        message(1, (number(1, start) if start else b"") + (number(2, size) if size >= 0 else b""))
        for start, size in extents
    )


# -- tables -----------------------------------------------------------------------------------------------------------


def block(rows: Iterable[tuple[bytes, bytes]], restart: int = 16) -> bytes:
    """A block of a table, keys told by what they share with the one before."""
    found, starts, last = bytearray(), [], b""
    for place, (key, value) in enumerate(rows):
        shared = 0
        if place % restart == 0:
            starts.append(len(found))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        found += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    starts = starts or [0]
    return bytes(found) + struct.pack(f"<{len(starts) + 1}I", *starts, len(starts))


def snappy(plain: bytes) -> bytes:
    """What is unpacked to `plain`: in literals, but for runs of one octet, which are copies of themselves."""
    found, at = bytearray(varint(len(plain))), 0
    while at < len(plain):
        run = 1
        while run < 64 and plain[at : at + run + 1] == plain[at : at + 1] * (run + 1):
            run += 1
        found += bytes([0, plain[at]])
        if run > 4:
            found += bytes([(run - 2) << 2 | 2, 1, 0])
            at += run
        else:
            at += 1
    return bytes(found)


def table(rows: Sequence[tuple[bytes, bytes]], per_block: int = 50, packed: bool = False) -> bytes:
    """A table of rows that are in order."""
    parts = [rows[start : start + per_block] for start in range(0, len(rows), per_block)]
    return table_of([(part[-1][0], block(part)) for part in parts], packed)


def table_of(blocks: Iterable[tuple[bytes, bytes]], packed: bool = False) -> bytes:
    """A table of blocks, each with the last key in it; they are written as they are, right or wrong."""
    found, index = bytearray(), []
    for key, content in blocks:
        index.append((key, _added(found, content, packed)))
    footer = _added(found, block([]), packed) + _added(found, block(index), packed)
    return bytes(found) + footer.ljust(40, b"\0") + MAGIC


def _added(found: bytearray, content: bytes, packed: bool) -> bytes:
    """Put a block behind the others, with its trailer; return its handle."""
    stored = snappy(content) if packed else content
    handle = varint(len(found)) + varint(len(stored))
    found += stored + bytes([packed])
    found += struct.pack("<I", masked(stored + bytes([packed])))
    return handle


# -- checkpoints V2 ---------------------------------------------------------------------------------------------------


def header(shards: int = 1, big_endian: bool = False) -> bytes:
    return number(1, shards) + (number(2, 1) if big_endian else b"") + message(3, number(1, 1))


def entry(
    dtype: str,
    shape: Iterable[int],
    offset: int,
    nbytes: int,
    crc: int | None = None,
    shard: int = 0,
    slices: Iterable[Iterable[tuple[int, int]]] = (),
) -> bytes:
    """A BundleEntryProto."""
    told = number(1, NUMBERS[dtype]) + message(2, shape_proto(shape))
    told += b"".join(number(field, value) for field, value in ((3, shard), (4, offset), (5, nbytes)) if value)
    told += b"" if crc is None else varint(6 << 3 | 5) + struct.pack("<I", crc)
    return told + b"".join(message(7, slice_proto(extents)) for extents in slices)


def stored_strings(strings: Sequence[bytes], big_endian: bool = False) -> tuple[bytes, int]:
    """How a tensor of strings lies in a shard, and its masked CRC."""
    order = ">" if big_endian else "<"
    lengths = b"".join(struct.pack(order + "I", len(each)) for each in strings)
    check = struct.pack(order + "I", masked(lengths))
    rest = check + b"".join(strings)
    return b"".join(varint(len(each)) for each in strings) + rest, masked(rest, crc32c(lengths))


def ordered(value: int) -> bytes:
    """A signed number in ordered code, as `ordered_code.cc` describes it."""
    size = 1
    while not -(1 << (7 * size - 1)) <= value < 1 << (7 * size - 1):
        size += 1
    lead = (1 << size) - 1 << (16 - size)
    code = (value & (1 << 80) - 1).to_bytes(10, "big")[10 - size :]
    mask = (lead & 0xFFFF).to_bytes(2, "big").ljust(10, b"\0")
    return bytes(a ^ b for a, b in zip(code, mask, strict=False))


def slice_key(name: str, extents: Sequence[tuple[int, int]]) -> bytes:
    rank = bytes([1, len(extents)]) if extents else b"\0"
    return b"\0" + name.encode() + b"\0\1" + rank + b"".join(ordered(n) for each in extents for n in each)


Stored = Any
"""An array, a list of `bytes` with its shape, or for a tensor in slices: (dtype, shape, {extents: array})."""


def write_bundle(
    prefix: Path, tensors: Mapping[str, Stored], big_endian: bool = False, **options: Any
) -> Path:
    """Write a checkpoint V2 in one shard; return its prefix."""
    values = bytearray()
    rows: dict[bytes, bytes] = {b"": header(1, big_endian)}

    def stored(array: Any) -> bytes:
        if isinstance(array, list):
            raw, crc = stored_strings(array, big_endian)
            dtype, shape = "string", (len(array),)
        else:
            raw = swapped(array).tobytes() if big_endian else array.tobytes()
            dtype, shape, crc = str(array.dtype), array.shape, masked(raw)
        values.extend(raw)
        return entry(dtype, shape, len(values) - len(raw), len(raw), crc)

    for name, tensor in tensors.items():
        if isinstance(tensor, tuple):
            dtype, shape, parts = tensor
            rows[name.encode()] = entry(dtype, shape, 0, 0, None, 0, list(parts))
            rows |= {slice_key(name, extents): stored(part) for extents, part in parts.items()}
        else:
            rows[name.encode()] = stored(tensor)
    return write_raw(prefix, rows, bytes(values), **options)


def write_raw(prefix: Path, rows: Mapping[bytes, bytes], values: bytes = b"", **options: Any) -> Path:
    """Write a checkpoint V2 of rows as they are."""
    Path(f"{prefix}.index").write_bytes(table(sorted(rows.items()), **options))
    Path(f"{prefix}.data-00000-of-00001").write_bytes(values)
    return prefix


def swapped(array: Any) -> Any:
    """An array with the bytes of each number the other way round."""
    if array.dtype.kind == "c":
        return swapped(array.reshape(-1).view(f"f{array.itemsize // 2}"))
    return array.reshape(-1).view(f"u{array.itemsize}").byteswap()


# -- checkpoints V1 ---------------------------------------------------------------------------------------------------

V1_FIELDS = {
    "float32": 5, "float64": 6, "int32": 7, "int16": 7, "int8": 7, "uint16": 7, "uint8": 7, "string": 8,
    "complex64": 9, "int64": 10, "bool": 11, "complex128": 12, "float16": 13, "bfloat16": 13, "uint32": 16,
    "uint64": 17,
}  # fmt: skip


def tensor_proto(dtype: str, array: Any) -> bytes:
    field = V1_FIELDS[dtype]
    if dtype == "string":
        return b"".join(message(field, each) for each in array)
    if array.dtype.kind in "fc" and array.itemsize > 2:
        return message(field, array.tobytes())
    halves = array.view(np.uint16) if field == 13 else array
    return message(field, b"".join(varint(int(value)) for value in halves.reshape(-1)))


def write_v1(path: Path, tensors: Mapping[str, Stored], **options: Any) -> Path:
    """Write a checkpoint V1, or one shard of it."""
    rows, told = {}, b""
    for name, tensor in tensors.items():
        if not isinstance(tensor, tuple):
            tensor = (str(tensor.dtype), tensor.shape, {(FULL,) * tensor.ndim: tensor})
        dtype, shape, parts = tensor
        meta = message(1, name.encode()) + message(2, shape_proto(shape)) + number(3, NUMBERS[dtype])
        told += message(1, meta + b"".join(message(4, slice_proto(extents)) for extents in parts))
        for extents, part in parts.items():
            saved = message(1, name.encode()) + message(2, slice_proto(extents))
            rows[slice_key(name, extents)] = message(2, saved + message(3, tensor_proto(dtype, part)))
    path.write_bytes(table([(b"", message(1, told)), *sorted(rows.items())], **options))
    return path


class Opens(Protocol):
    """Opens a checkpoint and gives its tensors by key."""

    def __call__(self, prefix: Path, limits: Limits = STANDARD) -> dict[str, Flat]: ...


def opens_bundles() -> Iterator[Opens]:
    """What a fixture gives to open checkpoints by; they are closed in the end."""
    bundles: list[Bundle] = []

    def open_(prefix: Path, limits: Limits = STANDARD) -> dict[str, Flat]:
        bundles.append(open_bundle(str(prefix), limits))
        return {each.key: each for each in bundles[-1].tensors}

    yield open_
    for bundle in bundles:
        bundle.close()
