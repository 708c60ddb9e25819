"""Sorted tables of keys and values (LevelDB's SSTable), in which TensorFlow keeps the index of a checkpoint.

Facts from https://github.com/google/leveldb/blob/main/doc/table_format.md.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from typing import TypeAlias

from weightrepl.errors import FormatError
from weightrepl.readers.guards import Reading, bound
from weightrepl.readers.protobuf import varint
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_crc import crc32c, masked
from weightrepl.readers.tensor_snappy import unpacked

MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""The last bytes of each table."""

Handle: TypeAlias = tuple[int, int]
"""Where a block lies in the file, and its bytes."""

_FOOTER_NBYTES, _TRAILER_NBYTES = 48, 5
_KEPT_NBYTES = 1 << 20  # a larger block has one value, and may fill the memory
_PLAIN, _SNAPPY = 0, 1


class Table:
    """A table in an open file. Each block that is read is checked against its CRC.

    Raises (on making one, and on each use):
        FormatError: no table, or damaged.
        ChangedError: the file was closed or changed.
    """

    __slots__ = ("_blocks", "_kept", "_source")

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._kept: tuple[Handle | None, list[tuple[bytes, bytes]]] = None, []
        footer = source.read(max(0, source.size - _FOOTER_NBYTES), min(source.size, _FOOTER_NBYTES))
        if not footer.endswith(MAGIC) or len(footer) < _FOOTER_NBYTES:
            raise FormatError("cut short, or no checkpoint: it does not end as a table does", source.path)
        with Reading(source.path, "index of the table"):
            _, at = _handle(footer, 0)
            handle, _ = _handle(footer, at)
            self._blocks = [(key, _handle(value, 0)[0]) for key, value in self._block(handle)]

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the keys and values in the order of the keys."""
        last = None
        for _, handle in self._blocks:
            block = self._block(handle)
            if last is not None and block and block[0][0] <= last:
                raise FormatError("damaged: its keys are not in order", self._source.path)
            last = block[-1][0] if block else last
            yield from block

    def find(self, key: bytes) -> bytes | None:
        """Return the value of a key, None if the table has none; reads one block, unless it was the last one too."""
        at = bisect_left(self._blocks, key, key=lambda block: block[0])
        if at == len(self._blocks):
            return None
        handle = self._blocks[at][1]
        kept, block = self._kept
        if kept == handle:
            self._source.check()
        else:
            block = self._block(handle)
            self._kept = (handle, block) if handle[1] <= _KEPT_NBYTES else (None, [])
        return next((value for found, value in block if found == key), None)

    def _block(self, handle: Handle) -> list[tuple[bytes, bytes]]:
        offset, nbytes = handle
        with Reading(self._source.path, f"block at byte {offset:,}"):
            stored = self._source.read(offset, nbytes + _TRAILER_NBYTES)
            checked = memoryview(stored)[:-4]
            if masked(crc32c(checked)) != int.from_bytes(stored[-4:], "little"):
                raise ValueError("its checksum (CRC) doesn't match")
            method = stored[nbytes]
            if method not in (_PLAIN, _SNAPPY):
                raise ValueError(f"packed by the unknown method {method}")
            block = stored[:nbytes] if method == _PLAIN else unpacked(stored[:nbytes])
            return _entries(block, nbytes, self._source)


def _handle(block: bytes, at: int) -> tuple[Handle, int]:
    """Return where a block lies and its bytes, and where that is told to its end."""
    offset, at = varint(block, at, len(block))
    nbytes, at = varint(block, at, len(block))
    return (offset, nbytes), at


def _entries(block: bytes, packed_nbytes: int, source: ByteSource) -> list[tuple[bytes, bytes]]:
    """Return the keys and values of a block, which tells of a key only what is not as in the one before.

    So a small block could tell of keys that fill the memory: what it may expand to is limited.
    """
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise ValueError("it has no end")
    found: list[tuple[bytes, bytes]] = []
    at, key, expanded, most = 0, b"", 0, packed_nbytes * source.limits.key_expansion
    while at < end:
        shared, more, size = block[at], block[at + 1], block[at + 2]
        if shared | more | size < 0x80:
            at += 3
        else:
            shared, at = varint(block, at, end)
            more, at = varint(block, at, end)
            size, at = varint(block, at, end)
        value = at + more
        if shared > len(key) or value + size > end:
            raise ValueError("an entry runs past its end")
        last, key = key, key[:shared] + block[at:value]
        if key <= last and found:
            raise ValueError("its keys are not in order")
        expanded += len(key)
        if expanded > most:
            ratio = -(-expanded // packed_nbytes)
            bound(ratio, "key_expansion", "bytes of keys from one byte", source.limits, source.path)
        at = value + size
        found.append((key, block[value:at]))
    return found
