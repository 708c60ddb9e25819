"""Protocol buffers on the wire: the fields of a message, without descriptors and without copying what is not wanted.

Facts from https://protobuf.dev/programming-guides/encoding. What runs past its end raises ValueError: callers read
within `guards.Reading`, which names file and place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

Bytes: TypeAlias = "bytes | memoryview"
Span: TypeAlias = tuple[int, int]
"""Where a part of a buffer begins and ends, in bytes."""

VARINT, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5


def varint(buffer: Bytes, at: int, end: int) -> tuple[int, int]:
    """Return the unsigned number of 64 bits at `at`, and where it ends."""
    shift = value = 0
    while at < end and shift < 70:
        byte = buffer[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
        shift += 7
    raise ValueError("a number is cut short")


def signed(value: int) -> int:
    """Return a number of 64 bits as an int64."""
    return value - (1 << 64) if value >> 63 else value


def fields(buffer: Bytes, begin: int = 0, end: int | None = None) -> Iterator[tuple[int, int, int, int]]:
    """Yield each field of the message in a part of a buffer: its number, its wire type, and two numbers.

    These are the value and 0; of BYTES where it begins and where it ends; of FIXED_32 and FIXED_64 the like.
    """
    stop = len(buffer) if end is None else end
    at = begin
    while at < stop:
        tag = buffer[at]
        at += 1
        if tag >= 0x80:  # most are shorter, and calls are dear
            tag, at = varint(buffer, at - 1, stop)
        kind = tag & 7
        if kind == VARINT:
            value, at = varint(buffer, at, stop)
            yield tag >> 3, kind, value, 0
            continue
        if kind == BYTES:
            if at < stop and buffer[at] < 0x80:
                nbytes = buffer[at]
                at += 1
            else:
                nbytes, at = varint(buffer, at, stop)
        elif kind in (FIXED_32, FIXED_64):
            nbytes = 4 if kind == FIXED_32 else 8
        else:
            raise ValueError(f"a field of an unknown kind (wire type {kind})")
        if at + nbytes > stop:
            raise ValueError("a field runs past the end of its message")
        yield tag >> 3, kind, at, at + nbytes
        at += nbytes


def text(buffer: Bytes, begin: int, end: int) -> str:
    """Return the text in a part of a buffer; bytes that are no UTF-8 become lone surrogates."""
    return bytes(buffer[begin:end]).decode("utf-8", "surrogateescape")


def plain(buffer: Bytes, begin: int, end: int) -> tuple[dict[int, int], dict[int, str]]:
    """Return the numbers and the texts of a small message, by the number of the field."""
    numbers: dict[int, int] = {}
    texts: dict[int, str] = {}
    for number, kind, one, two in fields(buffer, begin, end):
        if kind == VARINT:
            numbers[number] = one
        elif kind == BYTES:
            texts[number] = text(buffer, one, two)
    return numbers, texts
