"""Sorted tables of keys and values (LevelDB's SSTable), in which TensorFlow keeps the index of a checkpoint.

Facts from https://github.com/google/leveldb/blob/main/doc/table_format.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from weightrepl.errors import FormatError
from weightrepl.readers.protobuf import varint
from weightrepl.readers.sources import ByteSource

MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
"""The last bytes of each table."""

_FOOTER_NBYTES, _TRAILER_NBYTES = 48, 5


def entries(source: ByteSource) -> Iterator[tuple[bytes, bytes]]:
    """Yield the keys and values of a table in the order of the keys.

    Raises:
        FormatError: no table, or damaged.
    """
    footer = source.read(max(0, source.size - _FOOTER_NBYTES), min(source.size, _FOOTER_NBYTES))
    if not footer.endswith(MAGIC) or len(footer) < _FOOTER_NBYTES:
        raise FormatError("cut short, or no checkpoint's index: it does not end as one", source.path)
    _, at = _handle(footer, 0)
    index, _ = _handle(footer, at)
    for _, handle in _block(source, index):
        yield from _block(source, _handle(handle, 0)[0])


def _handle(block: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Return where a block lies and its bytes, and where that is told to its end."""
    offset, at = varint(block, at, len(block))
    nbytes, at = varint(block, at, len(block))
    return (offset, nbytes), at


def _block(source: ByteSource, handle: tuple[int, int]) -> Iterator[tuple[bytes, bytes]]:
    offset, nbytes = handle
    block = source.read(offset, nbytes + _TRAILER_NBYTES)
    if block[nbytes]:
        raise FormatError(f"a block packed by method {block[nbytes]}", source.path, f"byte {offset}")
    end = nbytes - 4 - 4 * int.from_bytes(block[nbytes - 4 : nbytes], "little")
    at, key = 0, b""
    while at < end:
        shared, at = varint(block, at, end)
        more, at = varint(block, at, end)
        size, at = varint(block, at, end)
        if shared > len(key) or at + more + size > end:
            raise FormatError("damaged: an entry runs past its block", source.path, f"byte {offset}")
        key = key[:shared] + block[at : at + more]
        at += more + size
        yield key, block[at - size : at]
