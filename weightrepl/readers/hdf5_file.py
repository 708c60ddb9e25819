"""The bytes of an HDF5 file and the headers of its objects, as lists of messages.

Positions are offsets in the whole source, addresses those that HDF5 writes, counted from where the file begins in it.
Facts from the HDF5 File Format Specification 3.0; numbers of messages are those of its section IV.A.2.
"""

from __future__ import annotations

from collections import OrderedDict
from struct import Struct
from typing import TypeAlias

from weightrepl.errors import FormatError
from weightrepl.readers.guards import bound
from weightrepl.readers.hdf5_types import UnreadHDF5
from weightrepl.readers.sources import ByteSource

SIGNATURE = b"\x89HDF\r\n\x1a\n"

_CONTINUED = 0x10
_WANTED = {0x01, 0x02, 0x03, 0x06, 0x07, 0x08, 0x0A, 0x0B, 0x0C, 0x11, 0x15}
_HEAPS_KEPT = 64

_U64, _U64_PAIR, _HEAP_OBJECT = Struct("<Q"), Struct("<QQ"), Struct("<HHIQ")
_HEADER_1, _MESSAGE_1, _MESSAGE_2 = Struct("<BBHII"), Struct("<HHB"), Struct("<BHB")


Message: TypeAlias = "tuple[int, int, int, bytes]"
"""A message of an object header: its number, its flags, where its body lies in the source, and the body."""

Header: TypeAlias = "list[Message]"


class File:
    """The bytes of one HDF5 file within a source: `base` is where it begins, `end` where it ends."""

    __slots__ = ("_heaps", "base", "end", "root", "source")

    def __init__(self, source: ByteSource, base: int, size: int | None) -> None:
        self.source, self.base = source, base
        self.end = source.size if size is None else base + size
        self._heaps: OrderedDict[int, dict[int, tuple[int, int]]] = OrderedDict()
        if base < 0 or self.end > source.size or self.read(base, 8) != SIGNATURE:
            raise FormatError("not an HDF5 file", source.path)
        self.root = self._root()

    def _root(self) -> int:
        """Return the address of the root group's header, from the superblock (section II)."""
        head = self.read(self.base + 8, 16)
        version = head[0]
        if version in (0, 1):
            sizes, start = head[5:7], self.base + (24 if version == 0 else 28)
            found = start + 32 + 8
        elif version in (2, 3):
            sizes, start = head[1:3], self.base + 12
            found = start + 24
        else:
            raise UnreadHDF5(f"superblock version {version}")
        if sizes != b"\x08\x08":
            raise UnreadHDF5("addresses that are not of 8 bytes")
        if self.u64(start) != 0:
            raise UnreadHDF5("a base address")
        if (whole := self.u64(start + 16)) > self.end - self.base:
            raise FormatError(f"cut short: {self.end - self.base:,} bytes of {whole:,}", self.source.path)
        return self.u64(found)

    def read(self, start: int, nbytes: int) -> bytes:
        """Return bytes of a header, which lie within this file."""
        if start < self.base or nbytes < 0 or start + nbytes > self.end:
            raise FormatError(
                f"{nbytes} bytes at {start} lie outside the HDF5 file: cut short, or damaged",
                self.source.path,
            )
        return self.source.header(start, nbytes)

    def u64(self, position: int) -> int:
        return int.from_bytes(self.read(position, 8), "little")

    def position(self, address: int) -> int:
        """Return where an address leads."""
        found = self.base + address
        if found >= self.end:
            raise FormatError("an address leads outside the HDF5 file", self.source.path)
        return found

    def heap_text(self, length: int, address: int, index: int) -> bytes:
        """Return `length` bytes of an object in a global heap collection (section III.E)."""
        objects = self._heaps.get(address)
        if objects is None:
            objects = self._heaps[address] = self._heap_objects(address)
            if len(self._heaps) > _HEAPS_KEPT:
                self._heaps.popitem(last=False)
        start, nbytes = objects[index]
        if length > nbytes:
            raise FormatError("a text is longer than its place", self.source.path)
        return self.read(start, length)

    def _heap_objects(self, address: int) -> dict[int, tuple[int, int]]:
        start = self.position(address)
        head = self.read(start, 16)
        if head[:4] != b"GCOL":
            raise FormatError("no global heap where one should be", self.source.path)
        block = self.read(start, _U64.unpack_from(head, 8)[0])
        objects, at = {}, 16
        while at + 16 <= len(block):
            index, _, _, nbytes = _HEAP_OBJECT.unpack_from(block, at)
            if index == 0:
                break
            objects[index] = (start + at + 16, nbytes)
            at += 16 + (nbytes + 7) // 8 * 8
        return objects


def header_of(file: File, address: int) -> Header:
    """Return the messages of the object whose header is at `address` (section IV.A.1)."""
    start = file.position(address)
    found: list[Message] = []
    head = file.read(start, 16)
    if head[:4] == b"OHDR":
        blocks = [_first_block_2(file, start)]
        for block in blocks:
            _messages_2(file, block, found, blocks)
    else:
        version, _, _, _, nbytes = _HEADER_1.unpack_from(head)
        if version != 1:
            raise FormatError("no object header where one should be", file.source.path)
        blocks = [(start + 16, start + 16 + nbytes, 0)]
        for block in blocks:
            _messages_1(file, block, found, blocks)
    return found


Block = tuple[int, int, int]


def _messages_1(file: File, block: Block, found: list[Message], blocks: list[Block]) -> None:
    start, end, _ = block
    body = file.read(start, end - start)
    at, last, unpack = 0, len(body) - 8, _MESSAGE_1.unpack_from
    while at <= last:
        number, nbytes, flags = unpack(body, at)
        at += 8
        if at + nbytes > len(body):
            raise FormatError("a message runs past its block", file.source.path)
        if number == _CONTINUED:
            first, length = _continued(file, body, at, blocks)
            blocks.append((first, first + length, 0))
        elif number in _WANTED:
            found.append((number, flags, start + at, body[at : at + nbytes]))
        at += nbytes
    source = file.source
    bound(len(found), "hdf5_messages", "messages in an object header", source.limits, source.path)


def _first_block_2(file: File, start: int) -> Block:
    """Return begin, end and the length of each message's head of a version 2 header's first block."""
    version, flags = file.read(start + 4, 2)
    if version != 2:
        raise UnreadHDF5(f"object header version {version}")
    at = start + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    nbytes = int.from_bytes(file.read(at, width), "little")
    return at + width, at + width + nbytes, 6 if flags & 4 else 4


def _messages_2(file: File, block: Block, found: list[Message], blocks: list[Block]) -> None:
    start, end, head = block
    body = file.read(start, end - start)
    at = 0
    while at + head <= len(body):
        number, nbytes, flags = _MESSAGE_2.unpack_from(body, at)
        at += head
        if at + nbytes > len(body):
            break  # a gap, which section IV.A.1.b allows at a block's end
        if number == _CONTINUED:
            first, length = _continued(file, body, at, blocks)
            if file.read(first, 4) != b"OCHK" or length < 8:
                raise FormatError("an object header's next block is missing", file.source.path)
            blocks.append((first + 4, first + length - 4, head))
        elif number in _WANTED:
            found.append((number, flags, start + at, body[at : at + nbytes]))
        at += nbytes
    source = file.source
    bound(len(found), "hdf5_messages", "messages in an object header", source.limits, source.path)


def _continued(file: File, body: bytes, at: int, blocks: list[Block]) -> tuple[int, int]:
    address, nbytes = _U64_PAIR.unpack_from(body, at)
    source = file.source
    bound(len(blocks) + 1, "hdf5_blocks", "blocks of an object header", source.limits, source.path)
    return file.position(address), nbytes


def body_of(message: Message) -> bytes:
    """Return a message's bytes."""
    if message[1] & 2:
        raise UnreadHDF5("a shared message")
    return message[3]
