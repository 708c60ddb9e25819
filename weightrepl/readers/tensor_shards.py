"""The files in which a checkpoint keeps values: opened when first read from; a tensor read whole is checked by its CRC.

Facts from TensorFlow's `tensor_bundle.cc`: a CRC is that of the bytes as they lie in the file, before any swapping.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from threading import Lock
from typing import NamedTuple

from weightrepl.errors import ChangedError, SourceError
from weightrepl.model.tensor import Array, AxisIndex, TensorSource, TensorSpec
from weightrepl.readers.guards import Limits, closed, os_reason
from weightrepl.readers.sources import ByteSource, Checksum, stamp_of
from weightrepl.readers.tensor_crc import crc32c_of_array, unmasked


class Shard:
    """A file of a checkpoint, remembered as it is when the checkpoint is opened. Threads may share it.

    path: as given. big_endian: how numbers lie in it. size: in bytes. missing: why it can't be read, else empty.
    begins, ends: of the tensors in it, while they are being listed.
    """

    def __init__(self, path: str, limits: Limits, big_endian: bool) -> None:
        self.path, self.limits, self.big_endian = path, limits, big_endian
        self.begins: list[int] = []
        self.ends: list[int] = []
        self.size = 0
        self._lock, self._closed = Lock(), False
        self._source: ByteSource | None = None
        try:
            status = os.stat(path)
            self._stamp, self.size = stamp_of(status), status.st_size
            reason = "" if stat.S_ISREG(status.st_mode) else "not a plain file"
        except (OSError, ValueError) as error:
            reason = os_reason(error)
        self.missing = f"the shard {os.path.basename(path)} can't be read: {reason}" if reason else ""

    def is_disjoint(self) -> bool:
        """Return whether no two of the tensors listed overlap; and forget where they lie."""
        begins, ends = sorted(self.begins), sorted(self.ends)
        self.begins, self.ends = [], []
        return all(end <= begin for end, begin in zip(ends, begins[1:], strict=False))

    def opened(self) -> ByteSource:
        """Return the open file.

        Raises:
            SourceError: it was not there when the checkpoint was opened, or may not be read.
            ChangedError: it is another by now, or the checkpoint was closed.
        """
        with self._lock:
            if self._closed:
                raise closed(self.path)
            if self.missing:
                raise SourceError(self.missing, self.path)
            if self._source is None:
                if not os.path.exists(self.path):
                    raise ChangedError("the file is gone since the checkpoint was opened", self.path)
                self._source = ByteSource(self.path, self.limits, self._stamp)
            return self._source

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._closed = True
            if self._source is not None:
                self._source.close()


class StoredTensor(NamedTuple):
    """A tensor in one piece of a shard: a TensorSource that opens the shard when it is read.

    offset: of the first byte. crc: masked, None if the checkpoint has none. place: how messages name it.
    """

    shard: Shard
    spec: TensorSpec
    offset: int
    crc: int | None
    place: str

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        return self._opened().read(index)

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        return self._opened().blocks(max_nbytes)

    def _opened(self) -> TensorSource:
        checksum = None if self.crc is None else Checksum(unmasked(self.crc), crc32c_of_array)
        return self.shard.opened().tensor(
            self.spec, self.offset, big_endian=self.shard.big_endian, place=self.place, checksum=checksum
        )
