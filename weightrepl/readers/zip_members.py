"""The members of a zip archive as ranges of its file: nothing is unpacked, and what does not add up is refused.

Facts from PKWARE's APPNOTE 6.3.10: sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14 to 4.3.16 (its
end, with zip64), 4.5.3 (zip64's extra field). Reading the directory here takes a tenth of the time that importing
Python's own module does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from struct import Struct
from typing import Any, NamedTuple

from weightrepl.errors import FormatError, UnsafeFileError
from weightrepl.readers.guards import Reading, bound
from weightrepl.readers.sources import ByteSource

_END, _END_64, _LOCATOR = Struct("<4s4H2IH"), Struct("<4sQ2H2I4Q"), Struct("<4sIQI")
_CENTRAL, _LOCAL = Struct("<4s6H3I5H2I"), Struct("<4s5H3I2H")
_EXTRA, _U64 = Struct("<HH"), Struct("<Q")
_LONGEST_COMMENT = 1 << 16
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF
_STORED, _DEFLATED = 0, 8
_PIECE_NBYTES = 1 << 20


class ZipMember(NamedTuple):
    """A member. nbytes: of its content. packed: bytes that it takes in the file. header: where its header begins."""

    name: str
    flags: int
    method: int
    crc: int
    packed: int
    nbytes: int
    header: int


def zip_members(source: ByteSource, begin: int = 0, nbytes: int | None = None) -> dict[str, ZipMember]:
    """Return the members of an archive by name. begin, nbytes: where it lies, if it is not the whole file.

    Raises:
        FormatError: cut short or damaged.
        UnsafeFileError: two members of one name or in one place.
    """
    with Reading(source.path):
        end = source.size if nbytes is None else begin + nbytes
        count, start, size = _directory(source, begin, end)
        if begin + start + size > end:
            raise FormatError("the directory lies outside the file", source.path)
        bound(size, "zip_directory_nbytes", "bytes of a zip directory", source.limits, source.path)
        block = source.read(begin + start, size)
    members: dict[str, ZipMember] = {}
    with Reading(source.path, "zip directory"):
        at = 0
        for _ in range(count):
            member, at = _entry(block, at, source.path)
            if member.name in members:
                raise UnsafeFileError(f"two members are called {member.name!r}", source.path)
            members[member.name] = member._replace(header=begin + member.header)
    _refuse_overlaps(members, begin + start, source.path)
    return members


def refuse_ways_out(names: Iterable[str], path: str) -> None:
    """Raise an UnsafeFileError where the name of a member would lead out of the folder that it is unpacked to."""
    for name in names:
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name):
            raise UnsafeFileError(f"a member is called {name!r}, which leads elsewhere", path)


def _refuse_overlaps(members: dict[str, ZipMember], end: int, path: str) -> None:
    """Raise an UnsafeFileError where two members take the same bytes, or the directory's, which begins at `end`."""
    in_order = sorted(members.values(), key=lambda member: member.header)
    for member, following in zip_longest(in_order, in_order[1:]):
        if member.header + _LOCAL.size + member.packed > (following.header if following else end):
            other = repr(following.name) if following else "the directory"
            raise UnsafeFileError(f"the members {member.name!r} and {other} overlap", path)


def _directory(source: ByteSource, begin: int, end: int) -> tuple[int, int, int]:
    """Return how many members there are, where the central directory begins, from `begin` on, and its bytes."""
    tail_start = max(begin, end - _END.size - _LONGEST_COMMENT)
    tail = source.read(tail_start, end - tail_start)
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise FormatError("cut short: a zip archive ends with its directory, which is missing", source.path)
    _, disk, _, _, count, nbytes, start, _ = _END.unpack_from(tail, at)
    if disk not in (0, _FULL_16):
        raise FormatError("one part of an archive in several files", source.path)
    if count != _FULL_16 and _FULL_32 not in (nbytes, start):
        return count, start, nbytes
    signature, _, end_64, _ = (
        _LOCATOR.unpack_from(tail, at - _LOCATOR.size) if at >= _LOCATOR.size else (b"", 0, 0, 0)
    )
    if signature != b"PK\6\7":
        return count, start, nbytes
    found = _END_64.unpack(source.read(begin + end_64, _END_64.size))
    if found[0] != b"PK\6\6":
        raise FormatError("zip64's directory is missing", source.path)
    return found[7], found[9], found[8]


def _entry(block: bytes, at: int, path: str) -> tuple[ZipMember, int]:
    """Return the member whose entry in the directory begins at `at`, and where the entry ends."""
    found = _CENTRAL.unpack_from(block, at)
    if found[0] != b"PK\1\2":
        raise FormatError("the directory is damaged", path)
    _, _, _, flags, method, _, _, crc, packed, nbytes, name_length, extra_length, comment_length = found[:13]
    at += _CENTRAL.size
    name = block[at : at + name_length].decode("utf-8" if flags & 0x800 else "cp437")
    packed, nbytes, header = _wide(
        block[at + name_length : at + name_length + extra_length], packed, nbytes, found[16]
    )
    member = ZipMember(name, flags, method, crc, packed, nbytes, header)
    return member, at + name_length + extra_length + comment_length


def _wide(extra: bytes, packed: int, nbytes: int, header: int) -> tuple[int, int, int]:
    """Return sizes and offset, from zip64's extra field where 32 bits do not hold them (4.5.3)."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = _EXTRA.unpack_from(extra, at)
        if kind == 1:
            fields = iter([_U64.unpack_from(extra, at + 4 + i)[0] for i in range(0, length - length % 8, 8)])
            nbytes = next(fields) if nbytes == _FULL_32 else nbytes
            packed = next(fields) if packed == _FULL_32 else packed
            header = next(fields) if header == _FULL_32 else header
            return packed, nbytes, header
        at += 4 + length
    return packed, nbytes, header


def stored_range(source: ByteSource, member: ZipMember) -> tuple[int, int]:
    """Return where a member's content begins in the file and its bytes.

    Raises:
        FormatError: it is packed, or its own header says otherwise than the directory. UnsafeFileError: encrypted.
    """
    start = _content_start(source, member)
    if member.method != _STORED or member.packed != member.nbytes:
        raise FormatError(
            "packed (by a zip tool?), while Keras stores it plainly, so that its values can be read in place; "
            "unzip the archive into a folder and open that folder",
            source.path,
            member.name,
        )
    return start, member.nbytes


def content_of(source: ByteSource, member: ZipMember) -> bytes:
    """Return the content of a member that is a JSON text, unpacked if need be.

    Raises:
        UnsafeFileError: it claims to be larger than the limits allow. FormatError: damaged.
    """
    limits, where = source.limits, (source.path, member.name)
    bound(member.nbytes, "json_nbytes", "bytes of JSON", limits, *where)
    ratio = member.nbytes // max(1, member.packed)
    bound(ratio, "json_expansion", "bytes of JSON for each packed byte", limits, *where)
    return b"".join(content_in_pieces(source, member))


def content_in_pieces(source: ByteSource, member: ZipMember) -> Iterator[bytes]:
    """Yield the content of a member in pieces of at most a megabyte, unpacked if need be, never more than it claims.

    Raises:
        FormatError: damaged. That its checksum is another is known only behind the last piece.
    """
    import zlib

    if member.method not in (_STORED, _DEFLATED):
        raise _not_read(source, member)
    start, done, checksum = _content_start(source, member), 0, 0
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS) if member.method == _DEFLATED else None
    for at in range(0, member.packed, _PIECE_NBYTES):
        raw = source.read(start + at, min(_PIECE_NBYTES, member.packed - at))
        for piece in [raw] if unpacker is None else _unpacked(raw, unpacker, source, member):
            done, checksum = done + len(piece), zlib.crc32(piece, checksum)
            if done > member.nbytes:
                raise FormatError("damaged: it unpacks to more than it claims", source.path, member.name)
            yield piece
    if done != member.nbytes or checksum != member.crc:
        raise FormatError("damaged: its checksum (CRC) doesn't match", source.path, member.name)


def _unpacked(raw: bytes, unpacker: Any, source: ByteSource, member: ZipMember) -> Iterator[bytes]:
    """Yield what deflated bytes become, never more at once than a piece."""
    import zlib

    while True:
        try:
            piece = unpacker.decompress(raw, _PIECE_NBYTES)
        except zlib.error as error:
            raise FormatError("damaged: it can't be unpacked", source.path, member.name) from error
        raw = unpacker.unconsumed_tail
        if piece:
            yield piece
        elif not raw:
            return


def beginning_of(source: ByteSource, member: ZipMember, nbytes: int) -> bytes:
    """Return the first bytes of a member's content, at most so many, unpacked if need be.

    Raises:
        FormatError: damaged, or packed in another way than deflated.
    """
    import zlib

    start = _content_start(source, member)
    raw = source.read(start, min(member.packed, nbytes))
    if member.method == _STORED:
        return raw
    if member.method != _DEFLATED:
        raise _not_read(source, member)
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(raw, nbytes)
    except zlib.error as error:
        raise FormatError("damaged: it can't be unpacked", source.path, member.name) from error


def _not_read(source: ByteSource, member: ZipMember) -> FormatError:
    told = f"packed by zip's method {member.method}, which is not read; unzip the archive"
    return FormatError(told, source.path, member.name)


def _content_start(source: ByteSource, member: ZipMember) -> int:
    """Return where a member's content begins, which only its own header tells."""
    if member.flags & 0x41:
        raise UnsafeFileError("encrypted, which is not read; unzip the archive", source.path, member.name)
    with Reading(source.path, member.name):
        head = source.read(member.header, _LOCAL.size)
        signature, _, flags, method, _, _, _, packed, nbytes, name_length, extra_length = _LOCAL.unpack(head)
        if signature != b"PK\3\4":
            raise FormatError("its header is missing", source.path, member.name)
        name = source.read(member.header + _LOCAL.size, name_length)
        agree = name.decode("utf-8" if flags & 0x800 else "cp437") == member.name and method == member.method
        if not flags & 8 and _FULL_32 not in (
            packed,
            nbytes,
        ):  # else the sizes follow the content, or are in zip64's field
            agree = agree and (packed, nbytes) == (member.packed, member.nbytes)
        if not agree:
            raise UnsafeFileError(
                "its header says otherwise than the archive's directory", source.path, member.name
            )
        start = member.header + _LOCAL.size + name_length + extra_length
        if start + member.packed > source.size:
            raise FormatError("cut short: its end lies outside the archive", source.path, member.name)
        return int(start)
