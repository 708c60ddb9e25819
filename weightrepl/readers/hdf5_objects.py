"""What lies in an HDF5 file: a group's links, an object's attributes, where a dataset's values are.

Facts from the HDF5 File Format Specification 3.0; numbers of messages are those of its section IV.A.2.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple, TypeAlias

from weightrepl.errors import FormatError, UnsafeFileError
from weightrepl.readers.hdf5_file import File, Header, body_of
from weightrepl.readers.hdf5_types import StoredType, UnreadHDF5, stored_shape, stored_type, variable_text

Attribute = object
"""str, int, float, bool, None for what is empty or not decoded, or a list of these."""

_UNDEFINED = 0xFFFF_FFFF_FFFF_FFFF
_DATASPACE, _LINK_INFO, _DATATYPE, _LINK, _EXTERNAL, _LAYOUT = 0x01, 0x02, 0x03, 0x06, 0x07, 0x08
_GROUP_INFO, _FILTERS, _ATTRIBUTE, _SYMBOLS, _ATTRIBUTE_INFO = 0x0A, 0x0B, 0x0C, 0x11, 0x15
_OF_GROUPS = {_SYMBOLS, _LINK_INFO, _LINK, _GROUP_INFO}

_U64, _U64_PAIR, _U16 = Struct("<Q"), Struct("<QQ"), Struct("<H")
_LOCAL_HEAP, _NODE, _KEY_AND_CHILD = Struct("<4sIQQQ"), Struct("<4sBBH"), Struct("<QQ")
_SYMBOL, _ATTRIBUTE_HEAD = Struct("<QQI20x"), Struct("<BBHHH")


class Extent(NamedTuple):
    """Where a dataset's values lie. offset: None where nothing was written. unread: why they can't be had plainly."""

    type: StoredType
    shape: tuple[int, ...]
    offset: int | None
    unread: str | None = None


def is_group(header: Header) -> bool:
    """Return whether an object is a group, by its messages."""
    return any(message[0] in _OF_GROUPS for message in header)


# -- links ------------------------------------------------------------------------------------------------------------


Link: TypeAlias = "tuple[int, bool]"
"""Where a name leads: the header's address, and whether the file says beside it that it is a group.

What the file repeats there of the group's index is not used: it is stale once the group was converted to the new style.
"""


def links_of(file: File, header: Header) -> dict[str, Link]:
    """Return the names in a group and where they lead.

    Raises:
        UnsafeFileError: one is a soft or external link. UnreadHDF5: they are kept in a fractal heap.
    """
    links: dict[str, Link] = {}
    for message in header:
        if message[0] == _SYMBOLS:
            links |= _symbols(file, *_U64_PAIR.unpack_from(body_of(message)))
        elif message[0] == _LINK:
            _add_link(file, body_of(message), links)
        elif message[0] == _LINK_INFO:
            body = body_of(message)
            if _U64.unpack_from(body, 10 if body[1] & 1 else 2)[0] != _UNDEFINED:
                raise UnreadHDF5("a group with a fractal heap")
    return links


def _symbols(file: File, tree: int, heap: int) -> dict[str, Link]:
    """Return what a version 1 B-tree of symbol table nodes holds (sections III.A.1, III.B, III.D)."""
    links: dict[str, Link] = {}
    signature, _, nbytes, _, address = _LOCAL_HEAP.unpack(file.read(file.position(heap), 32))
    if signature != b"HEAP":
        raise FormatError("no local heap where one should be", file.source.path)
    names = file.read(file.position(address), nbytes)
    for node, count in _symbol_nodes(file, tree):
        for offset, target, cached in _SYMBOL.iter_unpack(file.read(node + 8, 40 * count)):
            end = names.find(b"\0", offset)
            if end < 0:
                raise FormatError("a name runs past its heap", file.source.path)
            name = names[offset:end].decode("utf-8", "surrogateescape")
            if cached == 2:
                raise soft_link(name, file.source.path)
            _add(file, name, (target, cached == 1), links)
    return links


def _add(file: File, name: str, link: Link, links: dict[str, Link]) -> None:
    if "/" in name or name in ("", "."):
        raise FormatError(f"no object may be called {name!r}", file.source.path)
    if name in links:
        raise FormatError(f"two objects are called {name!r}", file.source.path)
    links[name] = link


def _symbol_nodes(file: File, tree: int) -> Iterator[tuple[int, int]]:
    """Yield where the leaves of a group's B-tree are, in the order of the names, and how many names each has."""
    pending, seen = [tree], {tree}
    while pending:
        start = file.position(pending.pop())
        signature, family, _, used = _NODE.unpack(file.read(start, 8))
        if signature == b"SNOD":
            yield start, used
            continue
        if signature != b"TREE" or family != 0:
            raise FormatError("no B-tree node of a group where one should be", file.source.path)
        below = [child for _, child in _KEY_AND_CHILD.iter_unpack(file.read(start + 24, 16 * used))]
        if len(set(below)) < used or not seen.isdisjoint(below):
            raise FormatError("a B-tree leads back into itself", file.source.path)
        seen.update(below)
        pending += reversed(below)


def _add_link(file: File, body: bytes, links: dict[str, Link]) -> None:
    """Add one link message (IV.A.2.g)."""
    flags, at, kind = body[1], 2, 0
    if flags & 8:
        kind, at = body[at], at + 1
    at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length = int.from_bytes(body[at : at + width], "little")
    at += width
    name = body[at : at + length].decode("utf-8", "surrogateescape")
    if kind:
        raise soft_link(name, file.source.path)
    _add(file, name, (_U64.unpack_from(body, at + length)[0], False), links)


def soft_link(name: str, path: str) -> UnsafeFileError:
    """Return the refusal of a soft, external or user-defined link."""
    return UnsafeFileError(f"{name!r} is a link to another place or file; such links are not followed", path)


# -- attributes -------------------------------------------------------------------------------------------------------


def attributes_of(file: File, header: Header) -> dict[str, Attribute]:
    """Return an object's attributes (IV.A.2.m).

    Raises:
        UnreadHDF5: they are kept in a fractal heap, or have a type that is kept elsewhere.
    """
    found: dict[str, Attribute] = {}
    for message in header:
        if message[0] == _ATTRIBUTE_INFO:
            body = body_of(message)
            if _U64.unpack_from(body, 4 if body[1] & 1 else 2)[0] != _UNDEFINED:
                raise UnreadHDF5("attributes in a fractal heap")
        elif message[0] == _ATTRIBUTE:
            name, value = _attribute(file, body_of(message))
            found[name] = value
    return found


def _attribute(file: File, body: bytes) -> tuple[str, Attribute]:
    version, flags, *sizes = _ATTRIBUTE_HEAD.unpack_from(body)
    if version not in (1, 2, 3) or (version > 1 and flags & 3):
        raise UnreadHDF5("an attribute whose type is kept elsewhere")
    starts = [9 if version == 3 else 8]
    for size in sizes:
        starts.append(starts[-1] + ((size + 7) // 8 * 8 if version == 1 else size))
    name = body[starts[0] : starts[0] + sizes[0]].partition(b"\0")[0].decode("utf-8", "surrogateescape")
    stored = stored_type(body[starts[1] : starts[1] + sizes[1]])
    shape = stored_shape(body[starts[2] : starts[2] + sizes[2]])
    if shape is None:
        return name, None
    count = math.prod(shape)
    if count * stored.itemsize > len(body) - starts[3]:
        raise FormatError(f"the attribute {name!r} is cut short", file.source.path)
    if stored.text == "variable" and not shape:
        return name, _heap_text(file, body, starts[3])
    values = _values(file, body, starts[3], stored, count)
    return name, values if shape else values[0]


class HeapText(str):
    """A text out of a global heap. place: where, in the order in which a file's texts were written."""

    place: tuple[int, int] = 0, 0


def _heap_text(file: File, body: bytes, start: int) -> HeapText:
    length, address, index = variable_text(body, start)
    text = HeapText(_text(file.heap_text(length, address, index)) if length else "")
    text.place = address, index
    return text


def _values(file: File, body: bytes, start: int, stored: StoredType, count: int) -> list[Attribute]:
    size = stored.itemsize
    places = range(start, start + count * size, size) if size else ()
    if stored.text == "fixed":
        return [_text(body[at : at + size].partition(b"\0")[0]) for at in places]
    if stored.text == "variable":
        return [_heap_text(file, body, at) for at in places]
    spelled = stored.format
    if spelled is None:
        return [None] * count
    return list(struct.unpack_from(f"{spelled[0]}{count}{spelled[1]}", body, start))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


# -- datasets ---------------------------------------------------------------------------------------------------------


def plain_dataset(file: File, header: Header) -> Extent:
    """Return type, shape and place of a dataset's values.

    Raises:
        UnreadHDF5: they are in chunks, filtered, or described elsewhere. UnsafeFileError: they are in another file.
        FormatError: they would lie outside the file, or are not as many as the shape says.
    """
    bodies = {}
    for message in header:
        if message[0] == _EXTERNAL:
            raise external_storage(file.source.path)
        if message[0] in (_DATASPACE, _DATATYPE, _LAYOUT, _FILTERS):
            bodies[message[0]] = (body_of(message), message[2])
    if not bodies.keys() >= {_DATASPACE, _DATATYPE, _LAYOUT}:
        raise FormatError("neither a group nor a whole dataset", file.source.path)
    filters, _ = bodies.get(_FILTERS, (b"\0\0", 0))
    stored = stored_type(bodies[_DATATYPE][0])
    shape = stored_shape(bodies[_DATASPACE][0])
    offset, nbytes = _data_place(file, *bodies[_LAYOUT])
    if filters[1]:
        raise UnreadHDF5("filters")
    if shape is None:
        return Extent(stored, (), None, "the dataset is empty: it has a type but no shape")
    wanted = math.prod(shape) * stored.itemsize
    if offset is None:
        return Extent(stored, shape, None, "its values were never written" if wanted else None)
    if (nbytes is not None and nbytes != wanted) or offset + wanted > file.end:
        raise FormatError(f"its shape needs {wanted:,} bytes, which are not there", file.source.path)
    return Extent(stored, shape, offset)


def external_storage(path: str) -> UnsafeFileError:
    """Return the refusal of a dataset whose values lie in another file (CVE-2026-1669)."""
    return UnsafeFileError("its values are kept in another file; such storage is not followed", path)


def virtual_storage(path: str) -> UnsafeFileError:
    """Return the refusal of a dataset that is put together from others."""
    return UnsafeFileError(
        "it is put together from other datasets or files; such storage is not followed", path
    )


def _data_place(file: File, body: bytes, start: int) -> tuple[int | None, int | None]:
    """Return offset (None: never written) and number of bytes (None: not said) by a layout message (IV.A.2.i)."""
    version = body[0]
    if version in (3, 4, 5):
        kind = body[1]
        if kind == 0:
            return start + 4, _U16.unpack_from(body, 2)[0]
        if kind == 1:
            address, nbytes = _U64_PAIR.unpack_from(body, 2)
            return (None if address == _UNDEFINED else file.position(address)), nbytes
        if kind == 3:
            raise virtual_storage(file.source.path)
    elif version in (1, 2) and body[2] == 1:
        address = _U64.unpack_from(body, 8)[0]
        return (None if address == _UNDEFINED else file.position(address)), None
    raise UnreadHDF5("values in chunks")
