"""TensorFlow's checkpoints as what they hold: tensors under keys, in any number of files, and the graph of objects.

`PREFIX.index` is a table of keys, `PREFIX.data-00000-of-00001` the values. Facts from TensorFlow's
`tensor_bundle.proto` and `tensor_bundle.cc`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.model.tensor import TensorSpec
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import STANDARD, Limits, Reading, bound, followed
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.protobuf import BYTES, VARINT, fields
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_entries import Entry, Kind, entry_of, key_of_slice, kind_of, plain_entry
from weightrepl.readers.tensor_parts import JoinedTensor, Part, joined, ranges_of
from weightrepl.readers.tensor_shards import Shard, StoredTensor
from weightrepl.readers.tensor_strings import StringTensor
from weightrepl.readers.tensor_table import Table

GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""The key under which a checkpoint of objects keeps their graph, a TrackableObjectGraph."""

_UNKNOWN: Kind = TensorSpec(None, "?"), None, None
_KNOWN_VERSION = 1


class Bundle(NamedTuple):
    """An open checkpoint.

    tensors: by key, without the graph. graph: the bytes of the TrackableObjectGraph; None of a name-based checkpoint,
    and where they can't be read (then `tensors` has it as one that is not read).
    """

    tensors: tuple[Flat, ...]
    graph: bytes | None
    close: Callable[[], None]


def open_bundle(prefix: str, limits: Limits = STANDARD) -> Bundle:
    """Return the checkpoint whose files' names begin with `prefix`; a prefix is written as the user gave it.

    A tensor that can't be read is listed with the reason. A shard that is missing is told; reading from it raises.

    Raises:
        FormatError: the index is damaged. SourceError: it can't be read.
        UnsafeFileError: more tensors than `limits` allow, or a file is a link that leads out of its folder.
    """
    path = _followed(prefix, ".index", limits)
    index = ByteSource(path, limits)
    try:
        with Reading(path):
            rows = Table(index).entries()
            listing = _Listing(prefix, next(rows, (b"", b"")), limits)
            tensors = listing.tensors(rows)
    finally:
        index.close()
    graph = _taken_graph(tensors)
    return Bundle(tuple(tensors), graph, listing.close)


def _taken_graph(tensors: list[Flat]) -> bytes | None:
    """Return the bytes of the graph, taken out of the tensors; None if they can't be read, which it then says there."""
    at, found = next(((at, each) for at, each in enumerate(tensors) if each.key == GRAPH_KEY), (0, None))
    if found is None:
        return None
    try:
        if not isinstance(found.tensor, StringTensor) or found.spec.shape != ():
            raise FormatError("the graph of objects is no string")
        [graph] = found.tensor.strings()
    except SourceError as error:
        tensors[at] = found._replace(unread=found.unread or error.reason)
        return None
    del tensors[at]
    return graph


class _Listing:
    """Makes tensors of what an index lists, and keeps the shards of the checkpoint.

    header: the first entry of the index, a BundleHeaderProto.
    """

    def __init__(self, prefix: str, header: tuple[bytes, bytes], limits: Limits) -> None:
        told = {number: value for number, kind, value, _ in fields(header[1]) if kind == VARINT}
        if header[0] or not told.get(1):
            raise FormatError(
                "no index of a checkpoint: it does not say in how many shards", prefix + ".index"
            )
        if _format_version(header[1]) > _KNOWN_VERSION:
            raise FormatError("a checkpoint of a later version of the format", prefix + ".index")
        self._prefix, self._limits = prefix, limits
        self._count, self._big_endian = told[1], told.get(2) == 1
        self._shards: dict[int, Shard] = {}
        self._kinds: dict[bytes, Kind] = {}
        self._slices: dict[bytes, Entry] = {}

    def close(self) -> None:
        """Let go of all shards."""
        for shard in self._shards.values():
            shard.close()

    def tensors(self, rows: Iterator[tuple[bytes, bytes]]) -> list[Flat]:
        """Return the tensors of the rows that follow the header; slices come before what they are part of."""
        found: list[Flat] = []
        for count, (raw, value) in enumerate(rows):
            if count >= self._limits.tensors:
                bound(count + 1, "tensors", "tensors", self._limits, self._prefix + ".index")
            made = self._plain(raw, value) or self._flat(raw, value)
            if made is not None:
                found.append(made)
        for raw in self._slices:
            found.append(self._unread(_text(raw), _UNKNOWN[0], "a slice of a tensor that is not listed"))
        if all(shard.is_disjoint() for shard in self._shards.values()):
            return found
        shared = _overlapping(found)
        return [self._unread(f.key, f.spec, shared[f.key]) if f.key in shared else f for f in found]

    def _plain(self, raw: bytes, value: bytes) -> Flat | None:
        """Return the tensor of an entry that is like those before it, sound and in one piece; None of any other.

        Most checkpoints hold nothing else, and may hold 100,000: this is what `_flat` would do, in one go.
        """
        plain = plain_entry(value)
        if plain is None or raw[0] == 0:
            return None
        head, number, offset, stored, crc = plain
        kind, shard = self._kinds.get(head), self._shards.get(number)
        if kind is None or shard is None or kind[1] != stored or shard.missing:
            return None
        end = offset + stored
        if end > shard.size:
            return None
        shard.begins.append(offset)
        shard.ends.append(end)
        key = raw.decode("utf-8", "surrogateescape")
        return Flat(key, kind[0], StoredTensor(shard, kind[0], offset, crc, key), shard.path, "", kind[2])

    def _flat(self, raw: bytes, value: bytes) -> Flat | None:
        """Return the tensor that a row tells, None of a slice: it is kept until its tensor comes."""
        key, kind = _text(raw), _UNKNOWN
        tensor: StoredTensor | JoinedTensor
        try:
            entry = entry_of(value)
            if raw[0] == 0:
                self._slices[raw] = entry
                return None
            kind = kind_of(entry.dtype, entry.shape, self._limits)
            tensor, shard = (self._joined if entry.slices else self._stored)(key, kind, entry)
        except UnsafeFileError:
            raise
        except (ValueError, LookupError) as error:
            return self._unread(key, kind[0], str(error))
        plain = plain_entry(value)
        if plain is not None:
            self._kinds[plain[0]] = kind
        return Flat(key, tensor.spec, tensor, shard.path, "", shard.missing or kind[2])

    def _unread(self, key: str, spec: TensorSpec, reason: str) -> Flat:
        path = self._prefix + ".index"
        return Flat(key, spec, NoTensor(path, key, reason), path, reason)

    def _joined(self, key: str, kind: Kind, entry: Entry) -> tuple[JoinedTensor, Shard]:
        """Return the tensor that slices make up."""
        parts: list[Part] = []
        shards: list[Shard] = []
        raw = key.encode("utf-8", "surrogateescape")
        for extents in entry.slices:
            ranges = ranges_of(extents, entry.shape)
            piece = self._slices.pop(key_of_slice(raw, extents), None)
            if piece is None:
                raise ValueError("a slice of it is not there")
            if piece.dtype != entry.dtype or piece.shape != tuple(map(len, ranges)):
                raise ValueError("a slice of it has another dtype or shape")
            tensor, shard = self._stored(key, kind_of(piece.dtype, piece.shape, self._limits), piece)
            parts.append((ranges, tensor))
            shards.append(shard)
        return joined(kind[0], parts), next((shard for shard in shards if shard.missing), shards[0])

    def _stored(self, key: str, kind: Kind, entry: Entry) -> tuple[StoredTensor, Shard]:
        """Return the way to values that lie in one piece."""
        spec, nbytes, _ = kind
        shard = self._shards.get(entry.shard) or self._shard(entry.shard)
        offset, end = entry.offset, entry.offset + entry.nbytes
        if nbytes != entry.nbytes and nbytes is not None:
            raise ValueError(
                f"it has {entry.nbytes:,} bytes, which is not the size of {spec.dtype} {spec.shape}"
            )
        if end > shard.size and not shard.missing:
            raise ValueError(
                f"it lies outside of its shard, at {offset:,}: that is cut short, or the index is wrong"
            )
        shard.begins.append(offset)
        shard.ends.append(end)
        if nbytes is not None:
            return StoredTensor(shard, spec, offset, entry.crc, key), shard
        if spec.dtype == "string":
            return StringTensor(
                shard, spec.replace(stored_nbytes=entry.nbytes), offset, entry.crc, key
            ), shard
        raise ValueError(f"values of dtype {spec.dtype} are not read")

    def _shard(self, number: int) -> Shard:
        if number >= self._count:
            raise ValueError(f"it is said to lie in shard {number} of {self._count}")
        path = _followed(self._prefix, f".data-{number:05d}-of-{self._count:05d}", self._limits)
        found = self._shards[number] = Shard(path, self._limits, self._big_endian)
        return found


def _followed(prefix: str, suffix: str, limits: Limits) -> str:
    """Return the path of a file of a checkpoint, which may be no link to out of its folder."""
    return followed(prefix + suffix, os.path.dirname(prefix) or ".", prefix + suffix, limits)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _format_version(header: bytes) -> int:
    """Return which version of the format a reader has to know at least."""
    for number, kind, begin, end in fields(header):
        if (number, kind) == (3, BYTES):
            return max((value for field, _, value, _ in fields(header, begin, end) if field == 2), default=0)
    return 0


def _overlapping(tensors: list[Flat]) -> dict[str, str]:
    """Return the keys of tensors whose bytes are also those of another, and the reason in words."""
    places = []
    for each in tensors:
        whole = each.tensor
        for part in [part for _, part in whole.parts] if isinstance(whole, JoinedTensor) else [whole]:
            if isinstance(part, StoredTensor) and part.spec.nbytes:
                places.append((part.shard.path, part.offset, part.offset + part.spec.nbytes, each.key))
    shared, last = {}, ("", 0, 0, "")
    for place in sorted(places):
        if place[0] == last[0] and place[1] < last[2]:
            shared[place[3]] = f"its bytes are also those of {last[3]!r}"
        last = place if place[0] != last[0] else max(last, place, key=lambda each: each[2])
    return shared
