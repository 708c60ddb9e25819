"""Blocks that were packed by snappy, unpacked.

Facts from https://github.com/google/snappy/blob/main/format_description.txt.
"""

from __future__ import annotations

from weightrepl.readers.protobuf import varint

_MOST_EXPANSION = 22
"""A copy of 64 bytes takes three: no block gets longer than that."""


def unpacked(packed: bytes) -> bytes:
    """Return what a block was before it was packed.

    Raises:
        ValueError: damaged, or claims to be longer than it can be.
    """
    nbytes, at = varint(packed, 0, len(packed))
    if nbytes > _MOST_EXPANSION * len(packed):
        raise ValueError(f"{len(packed):,} bytes claim to unpack to {nbytes:,}")
    found = bytearray()
    while at < len(packed):
        tag, at = packed[at], at + 1
        if tag & 3 == 0:
            size, at = _literal_nbytes(packed, tag >> 2, at)
            if at + size > len(packed):
                raise ValueError("packed bytes are cut short")
            found += packed[at : at + size]
            at += size
        else:
            size, distance, at = _copy(packed, tag, at)
            if not 0 < distance <= len(found):
                raise ValueError("a copy of what is not there")
            begin = len(found) - distance
            repeated = bytes(found[begin : begin + size])
            found += (repeated * (size // len(repeated) + 1))[:size]
        if len(found) > nbytes:
            break
    if len(found) != nbytes:
        raise ValueError(f"unpacks to another length than the {nbytes:,} bytes that it claims")
    return bytes(found)


def _literal_nbytes(packed: bytes, told: int, at: int) -> tuple[int, int]:
    """Return how long what follows as it is, and where it begins."""
    if told < 60:
        return told + 1, at
    end = at + told - 59
    return int.from_bytes(packed[at:end], "little") + 1, end


def _copy(packed: bytes, tag: int, at: int) -> tuple[int, int, int]:
    """Return how many bytes are repeated, from how far back, and where the next element begins."""
    kind = tag & 3
    end = at + (1, 2, 4)[kind - 1]
    distance = int.from_bytes(packed[at:end], "little")
    if kind == 1:
        return 4 + (tag >> 2 & 7), tag >> 5 << 8 | distance, end
    return (tag >> 2) + 1, distance, end
