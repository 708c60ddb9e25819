"""HDF5 files: the part of the format that Keras and h5py write, decoded here, lazily; h5py for the rest.

    open_hdf5(source: ByteSource, base: int = 0, size: int | None = None) -> Group

    Group    .path .attributes (name -> str, int, float, bool, None, or a list of these)
             .members (name -> Group | Dataset)
    Dataset  .path .attributes .spec .tensor .unreadable (why its values can't be had, else None)

Both mappings are lazy: naming members reads one group's index, taking one opens only that. Paths have no slash in
front; the root's is empty. Names come in the file's order (HDF5 sorts them by bytes, so `10` stands before `2`).
A wrong file is a FormatError on the access that meets it; an UnsafeFileError where it asks to be followed elsewhere:
soft and external links, external storage, virtual datasets, two names for one group.

Decoded here: superblocks 0 to 3, object headers 1 and 2, symbol tables and compact links, attributes in headers,
contiguous and compact data. What is not (dense groups and attributes, chunks, filters) is asked of h5py, object by
object, with the same refusals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.model.tensor import Array, AxisIndex, TensorSource, TensorSpec, dtype_bits
from weightrepl.readers.guards import Reading, bound
from weightrepl.readers.hdf5_file import SIGNATURE, File, Header, header_of
from weightrepl.readers.hdf5_objects import (
    Attribute,
    HeapText,
    Link,
    attributes_of,
    is_group,
    links_of,
    plain_dataset,
)
from weightrepl.readers.hdf5_types import UnreadHDF5
from weightrepl.readers.sources import ByteSource

if TYPE_CHECKING:
    from weightrepl.readers.hdf5_library import Fallback

__all__ = ["SIGNATURE", "Attribute", "Dataset", "Group", "HeapText", "open_hdf5"]


def open_hdf5(source: ByteSource, base: int = 0, size: int | None = None) -> Group:
    """Return the root group of the HDF5 file that takes `size` bytes of `source` from `base` on.

    size: None for all up to the source's end.

    Raises:
        FormatError: not HDF5, or cut short.
        ChangedError: the source was closed or changed.
    """
    store = _Store(source, base, size)
    with Reading(source.path):
        try:
            store.file = File(source, base, size)
            return Group(store, "", (store.file.root, True), 0, header_of(store.file, store.file.root))
        except UnreadHDF5:
            return Group(store, "", None, 0)


class _Store:
    """What the objects of one open HDF5 file share: its bytes, the groups seen, and h5py once it is needed."""

    __slots__ = ("_fallback", "_range", "file", "group_paths", "source")

    def __init__(self, source: ByteSource, base: int, size: int | None) -> None:
        self.source = source
        self.file: File | None = None
        self.group_paths: dict[int, str] = {}
        self._range = base, size
        self._fallback: Fallback | None = None

    @property
    def fallback(self) -> Fallback:
        if self._fallback is None:
            from weightrepl.readers.hdf5_library import Fallback

            self._fallback = Fallback(self.source, *self._range)
        return self._fallback


class Group:
    """A group of an open HDF5 file. path: from the root, without a slash in front."""

    __slots__ = ("_attributes", "_depth", "_header", "_link", "_members", "_store", "path")

    def __init__(
        self,
        store: _Store,
        path: str,
        link: Link | None,
        depth: int,
        header: Header | None = None,
        address: int | None = None,
    ) -> None:
        self._store, self.path, self._link, self._header, self._depth = store, path, link, header, depth
        self._members: Members | None = None
        self._attributes: Mapping[str, Attribute] | None = None
        bound(depth, "depth", "groups within each other", store.source.limits, store.source.path, path)
        address = link[0] if link is not None else address
        if address is not None and store.group_paths.setdefault(address, path) != path:
            other = store.group_paths[address] or "/"
            raise UnsafeFileError(f"a group with two names; the other is {other!r}", store.source.path, path)

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """The group's attributes, read when first asked for."""
        if self._attributes is None:
            store = self._store
            with Reading(store.source.path, self.path):
                try:
                    file, header = self._decode()
                    self._attributes = attributes_of(file, header)
                except UnreadHDF5:
                    self._attributes = store.fallback.attributes(self.path)
        return self._attributes

    @property
    def members(self) -> Members:
        """The groups and datasets in it; naming them reads the group's index, taking one opens that one."""
        if self._members is None:
            self._members = Members(self._store, self.path, self._depth, self._links())
        return self._members

    def _links(self) -> Mapping[str, Link | None]:
        with Reading(self._store.source.path, self.path):
            try:
                return links_of(*self._decode())
            except UnreadHDF5:
                return dict.fromkeys(self._store.fallback.names(self.path))

    def _decode(self) -> tuple[File, Header]:
        """Return file and header; UnreadHDF5 where it is h5py that found the group."""
        file = self._store.file
        if self._link is None or file is None:
            raise UnreadHDF5
        if self._header is None:
            self._header = header_of(file, self._link[0])
        return file, self._header

    def __repr__(self) -> str:
        return f"<Group {self.path!r}>"


class Dataset:
    """A dataset of an open HDF5 file.

    spec: its shape and dtype (`string`, `compound`, … where it holds no numbers).
    tensor: the way to its values. unreadable: why they can't be had, None where they can.
    """

    __slots__ = ("_attributes", "_link", "_store", "path", "spec", "tensor", "unreadable")

    def __init__(
        self,
        store: _Store,
        path: str,
        link: Link | None,
        spec: TensorSpec,
        tensor: TensorSource,
        unreadable: str | None,
    ) -> None:
        self._store, self.path, self._link = store, path, link
        self.spec, self.tensor, self.unreadable = spec, tensor, unreadable
        self._attributes: Mapping[str, Attribute] | None = None

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """The dataset's attributes, read when first asked for."""
        store, link = self._store, self._link
        if self._attributes is None:
            with Reading(store.source.path, self.path):
                try:
                    if link is None or store.file is None:
                        raise UnreadHDF5
                    self._attributes = attributes_of(store.file, header_of(store.file, link[0]))
                except UnreadHDF5:
                    self._attributes = store.fallback.attributes(self.path)
        return self._attributes

    def __repr__(self) -> str:
        return f"<Dataset {self.path!r} {self.spec.dtype} {self.spec.shape}>"


Member: TypeAlias = "Group | Dataset"


class Members(Mapping[str, Member]):
    """The members of a group by name, in the file's order; each is opened when it is taken."""

    __slots__ = ("_depth", "_links", "_opened", "_prefix", "_store")

    def __init__(self, store: _Store, path: str, depth: int, links: Mapping[str, Link | None]) -> None:
        self._store, self._depth, self._links = store, depth, links
        self._prefix = f"{path}/" if path else ""
        self._opened: dict[str, Member] = {}

    def __getitem__(self, name: str) -> Member:
        found = self._opened.get(name)
        if found is None:
            found = _open(self._store, self._prefix + name, self._links[name], self._depth + 1)
            self._opened[name] = found
        return found

    def opened(self) -> list[tuple[str, Member]]:
        """Return all members with their names; each is opened."""
        return [(name, self[name]) for name in self._links]

    def __contains__(self, name: object) -> bool:
        return name in self._links

    def __iter__(self) -> Iterator[str]:
        return iter(self._links)

    def __len__(self) -> int:
        return len(self._links)


def _open(store: _Store, path: str, link: Link | None, depth: int) -> Member:
    if link is not None and link[1]:
        return Group(store, path, link, depth)
    with Reading(store.source.path, path):
        if link is not None and store.file is not None:
            try:
                header = header_of(store.file, link[0])
                if is_group(header):
                    return Group(store, path, link, depth, header)
                return _decoded(store, store.file, path, link, header)
            except UnreadHDF5:
                pass
        if (address := store.fallback.group(path)) is not None:
            return Group(store, path, None, depth, address=address)
        spec, tensor, unreadable = store.fallback.dataset(path)
        return Dataset(
            store, path, None, spec, tensor or NoTensor(store.source.path, path, unreadable), unreadable
        )


def _decoded(store: _Store, file: File, path: str, link: Link, header: Header) -> Dataset:
    """Return the dataset of a header, its values as a range of the file."""
    extent = plain_dataset(file, header)
    stored, dtype, unreadable = extent.type, extent.type.dtype, extent.unread
    if dtype == "void16" and attributes_of(file, header).get("dtype") == "bfloat16":
        dtype = "bfloat16"  # how Keras marks what HDF5 has no type for
    spec, readable = _spec(extent.shape, dtype)
    if unreadable is None and not readable:
        unreadable = f"its elements are no numbers that can be read ({dtype})"
    tensor: TensorSource
    if unreadable is not None:
        tensor = NoTensor(store.source.path, path, unreadable)
    else:
        offset = extent.offset or 0  # without values there is nothing to read from it
        tensor = store.source.tensor(spec, offset, big_endian=stored.big_endian, place=path)
    return Dataset(store, path, link, spec, tensor, unreadable)


@lru_cache(maxsize=1024)
def _spec(shape: tuple[int, ...], dtype: str) -> tuple[TensorSpec, bool]:
    """Return the spec, and whether elements of that dtype can be read."""
    readable = dtype_bits(dtype) is not None
    return TensorSpec(shape, dtype, None if readable else 0), readable


class NoTensor:
    """A tensor whose values can't be had: reading it says why."""

    __slots__ = ("path", "place", "reason")

    def __init__(self, path: str, place: str, reason: str | None) -> None:
        self.path, self.place, self.reason = path, place, reason or "its values can't be read"

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        raise self._error

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        raise self._error

    @property
    def _error(self) -> SourceError:
        return FormatError(self.reason, self.path, self.place)
