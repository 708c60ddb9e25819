"""Tensors of strings in a checkpoint: first how long each is, then all bytes.

Facts from `ReadStringTensor` in TensorFlow's `tensor_bundle.cc`: the CRC covers the lengths as numbers of 4 bytes (of 8
beyond 4 GiB), the masked CRC of these, and the strings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from weightrepl.errors import FormatError
from weightrepl.model.tensor import Array, AxisIndex, read_in_pieces, take
from weightrepl.readers.protobuf import varint
from weightrepl.readers.tensor_crc import crc32c, masked
from weightrepl.readers.tensor_shards import StoredTensor

if TYPE_CHECKING:
    from typing import Literal


class StringTensor(StoredTensor):
    """A tensor of strings: a TensorSource whose elements are `bytes`, as TensorFlow gives them."""

    __slots__ = ()

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        shape = self.spec.shape or ()
        strings = self.strings()
        found = np.empty(len(strings), object)
        found[:] = strings
        taken = take(found.reshape(shape), index)
        return np.array(taken, object) if index else taken

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        return read_in_pieces(self, self.spec, max_nbytes)

    def strings(self) -> list[bytes]:
        """Return all elements, in C order.

        Raises:
            FormatError: the lengths don't add up, or a CRC is another.
        """
        stored = self.shard.opened().read(self.offset, self.spec.nbytes or 0)
        try:
            return _strings(stored, math.prod(self.spec.shape or ()), self.crc, self.shard.big_endian)
        except ValueError as error:
            raise FormatError(str(error), self.shard.path, self.place) from None


def _strings(stored: bytes, count: int, told: int | None, big_endian: bool) -> list[bytes]:
    order: Literal["big", "little"] = "big" if big_endian else "little"
    if count > len(stored):
        raise ValueError("fewer bytes than strings")
    sizes, at = [], 0
    for _ in range(count):
        size, at = varint(stored, at, len(stored))
        sizes.append(size)
    begin = at + 4
    if begin + sum(sizes) != len(stored):
        raise ValueError("the lengths of its strings don't add up")
    crc = crc32c(b"".join(size.to_bytes(4 if size < 1 << 32 else 8, order) for size in sizes))
    if masked(crc) != int.from_bytes(stored[at:begin], order):
        raise ValueError("damaged: the checksum (CRC) of its strings' lengths doesn't match")
    if told is not None and masked(crc32c(stored[at:], crc)) != told:
        raise ValueError("damaged: the checksum (CRC) of its strings doesn't match")
    found = []
    for size in sizes:
        found.append(stored[begin : begin + size])
        begin += size
    return found
