"""Just enough of each format to take a file apart and put it together again with checksums that fit."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any, TypeAlias

# ------------------------------------------------------------------ protocol buffers

Field: TypeAlias = "tuple[int, int, int | bytes]"
"""A field of a message: its number, its wire type, its value."""


def varint(value: int) -> bytes:
    found = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def read_varint(buffer: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = buffer[at]
        at, value = at + 1, value | (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields_of(buffer: bytes) -> list[Field]:
    """Return the fields of a message; LookupError or ValueError where it is none."""
    found: list[Field] = []
    at = 0
    while at < len(buffer):
        tag, at = read_varint(buffer, at)
        if tag >> 3 == 0:
            raise ValueError("no message")
        match tag & 7:
            case 0:
                value, at = read_varint(buffer, at)
                found.append((tag >> 3, 0, value))
                continue
            case 1 | 5 as kind:
                size = 8 if kind == 1 else 4
            case 2:
                size, at = read_varint(buffer, at)
            case _:
                raise ValueError("no message")
        if at + size > len(buffer):
            raise ValueError("no message")
        found.append((tag >> 3, tag & 7, buffer[at : at + size]))
        at += size
    return found


def message(fields: list[Field]) -> bytes:
    """Return the bytes of a message."""
    found = []
    for number, kind, value in fields:
        found.append(varint(number << 3 | kind))
        if isinstance(value, int):
            found.append(varint(value))
        else:
            found.append(varint(len(value)) + value if kind == 2 else value)
    return b"".join(found)


# ------------------------------------------------------------------ tables of checkpoints

_CRC_TABLE = []
for _number in range(256):
    for _ in range(8):
        _number = _number >> 1 ^ (0x82F63B78 if _number & 1 else 0)
    _CRC_TABLE.append(_number)


def masked_crc(text: bytes) -> bytes:
    """Return the checksum of LevelDB's blocks and of tensors: CRC-32C, rotated, and a constant added."""
    crc = 0xFFFFFFFF
    for byte in text:
        crc = crc >> 8 ^ _CRC_TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return (((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF).to_bytes(4, "little")


def entries_of(table: bytes) -> list[tuple[bytes, bytes]]:
    """Return the keys and values of a table that is not packed."""
    _, at = read_varint(table, len(table) - 48)
    _, at = read_varint(table, at)
    start, at = read_varint(table, at)
    size, at = read_varint(table, at)
    found = []
    for _, handle in _block(table[start : start + size]):
        start, at = read_varint(handle, 0)
        size, at = read_varint(handle, at)
        found += _block(table[start : start + size])
    return found


def _block(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    at, key = 0, b""
    while at < end:
        shared, at = read_varint(block, at)
        more, at = read_varint(block, at)
        size, at = read_varint(block, at)
        key = key[:shared] + block[at : at + more]
        yield key, block[at + more : at + more + size]
        at += more + size


def table_of(entries: list[tuple[bytes, bytes]]) -> bytes:
    """Return a table of one block, without shared prefixes."""
    blocks = bytearray()

    def put(pairs: list[tuple[bytes, bytes]]) -> bytes:
        body = b"".join(b"\0" + varint(len(key)) + varint(len(value)) + key + value for key, value in pairs)
        body += bytes(4) + (1).to_bytes(4, "little")
        handle = varint(len(blocks)) + varint(len(body))
        blocks.extend(body + b"\0" + masked_crc(body + b"\0"))
        return handle

    first, nothing = put(entries), put([])
    index = put([(entries[-1][0] + b"\xff" if entries else b"", first)])
    return bytes(blocks) + (nothing + index).ljust(40, b"\0") + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"


_GRAPH_KEY = b"_CHECKPOINTABLE_OBJECT_GRAPH"


def _index_of(files: dict[str, bytes]) -> tuple[str, str, dict[bytes, bytes]]:
    """Return the names of a checkpoint's index and of its first file of values, and the entries of the index."""
    index = next(name for name in sorted(files) if name.endswith(".index"))
    values = next(name for name in sorted(files) if ".data-00000-" in name)
    return index, values, dict(entries_of(files[index]))


def graph_of(files: dict[str, bytes]) -> bytes:
    """Return the graph of objects of a checkpoint; LookupError or ValueError where there is none."""
    try:
        _, values, entries = _index_of(files)
    except StopIteration:
        raise LookupError from None
    start = next((value for number, _, value in fields_of(entries[_GRAPH_KEY]) if number == 4), 0)
    size, at = read_varint(files[values], int(start))
    return files[values][at + 4 : at + 4 + size]


def with_graph(files: dict[str, bytes], graph: bytes) -> dict[str, bytes]:
    """Return a checkpoint with another graph of objects, stored at the end of its values, with checksums that fit.

    A text is stored as its length, a checksum of that, and itself; the entry's checksum is of the length in 4 bytes and
    what follows (`WriteStringTensor` in tensor_bundle.cc).
    """
    index, values, entries = _index_of(files)
    length = len(graph).to_bytes(4, "little")
    rest = masked_crc(length) + graph
    stored = varint(len(graph)) + rest
    fields = [field for field in fields_of(entries[_GRAPH_KEY]) if field[0] not in (4, 5, 6)]
    place: list[Field] = [(4, 0, len(files[values])), (5, 0, len(stored)), (6, 5, masked_crc(length + rest))]
    entries[_GRAPH_KEY] = message([*fields, *place])
    return {**files, index: table_of(sorted(entries.items())), values: files[values] + stored}


# ------------------------------------------------------------------ archives and JSON


def members_of(archive: bytes) -> dict[str, tuple[bytes, int]]:
    """Return the contents and the methods of a zip archive's members."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {each.filename: (file.read(each), each.compress_type) for each in file.infolist()}


def archive_of(members: dict[str, tuple[bytes, int]]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, (content, method) in members.items():
            file.writestr(zipfile.ZipInfo(name), content, method)
    return buffer.getvalue()


def json_text(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")
