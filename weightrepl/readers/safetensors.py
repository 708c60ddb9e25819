"""safetensors, one file or in shards: a JSON header, then the values of all tensors without a gap.

Facts from the format's page, https://huggingface.co/docs/safetensors, and its library's checks (`tensor.rs`, 0.8).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from weightrepl.errors import FormatError, SourceError
from weightrepl.model.tensor import TensorSpec, dtype_bits
from weightrepl.model.tree import Model
from weightrepl.readers.flat_keys import Flat, flat_model
from weightrepl.readers.guards import STANDARD, Limits, Reading, bound, parsed_json
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.shards import keys_of_shards
from weightrepl.readers.sources import ByteSource

_DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "U16": "uint16", "I16": "int16", "U32": "uint32", "I32": "int32",
    "U64": "uint64", "I64": "int64", "F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu", "C64": "complex64",
    "F8_E4M3FNUZ": "float8_e4m3fnuz", "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip
_ODD = {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6}
"""Bits of dtypes whose elements share bytes."""

_INDEX = ".safetensors.index.json"


class SafetensorsReader:
    """Opens `.safetensors` files, and the `….safetensors.index.json` of sharded ones."""

    def recognises(self, path: str, head: bytes) -> bool:
        if path.endswith(_INDEX):
            return head.lstrip()[:1] == b"{"
        return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 48

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        return _open_shards(path, limits) if path.endswith(_INDEX) else _open_one(path, limits)


def _open_one(path: str, limits: Limits) -> Model:
    source = ByteSource(path, limits)
    try:
        return flat_model(_tensors(source), path, "safetensors", source.close, limits)
    except BaseException:
        source.close()
        raise


# ------------------------------------------------------------------ one file


def _tensors(source: ByteSource) -> list[Flat]:
    """Return the tensors of a file, in the order in which their values lie.

    Raises:
        FormatError: the header does not add up with the file. UnsafeFileError: it is too long.
    """
    with Reading(source.path, "header"):
        nbytes = int.from_bytes(source.read(0, 8), "little")
        if nbytes > source.size - 8:
            raise FormatError(f"cut short: its header has {nbytes:,} bytes", source.path)
        bound(nbytes, "header_nbytes", "bytes of a header", source.limits, source.path)
        header = parsed_json(source.read(8, nbytes), source.path, "header", source.limits)
        if not isinstance(header, Mapping):
            raise FormatError("its header is no JSON object", source.path)
        begin = 8 + nbytes
        entries = [(key, entry) for key, entry in header.items() if key != "__metadata__"]
        entries.sort(key=lambda each: each[1]["data_offsets"])
        end, tensors = 0, []
        for key, entry in entries:
            start, stop = entry["data_offsets"]
            if start != end or stop < start:
                raise FormatError("its values leave a gap or overlap others", source.path, key)
            tensors.append(_tensor(source, key, entry, begin))
            end = stop
        if begin + end != source.size:
            raise FormatError(
                f"it has {source.size:,} bytes, and its header tells of {begin + end:,}: cut short, or damaged",
                source.path,
            )
    return tensors


def _tensor(source: ByteSource, key: str, entry: Mapping[str, Any], begin: int) -> Flat:
    start, stop = entry["data_offsets"]
    if not isinstance(entry["dtype"], str):
        raise FormatError("its dtype is no text", source.path, key)
    spec, is_read, nbytes = _spec(entry["dtype"], tuple(entry["shape"]))
    bound(len(spec.shape or ()), "rank", "axes", source.limits, source.path, key)
    if nbytes is not None and nbytes != stop - start:
        told = f"it has {stop - start:,} bytes, which is not the size of {spec.dtype} {spec.shape}"
        raise FormatError(told, source.path, key)
    if is_read:
        return Flat(key, spec, source.tensor(spec, begin + start, place=key), source.path)
    reason = f"its elements of dtype {spec.dtype.upper()} are not read"
    stored = TensorSpec(spec.shape, spec.dtype, stop - start)
    return Flat(key, stored, NoTensor(source.path, key, reason), source.path, reason)


@lru_cache(maxsize=1024)
def _spec(dtype: str, shape: tuple[int, ...]) -> tuple[TensorSpec, bool, int | None]:
    """Return what an entry says of a tensor, whether its values can be read, and its bytes where these are known."""
    sizes = tuple(map(int, shape))
    if min(sizes, default=0) < 0:
        raise FormatError("an axis of negative size")
    known = _DTYPES.get(dtype)
    bits = _bits(dtype)
    nbytes = (math.prod(sizes) * bits + 7) // 8 if bits else None
    return TensorSpec(sizes, known or dtype.lower(), None), known is not None, nbytes


def _bits(dtype: str) -> int:
    """Return how many bits an element takes; 0 where that is not known."""
    known = _DTYPES.get(dtype)
    return _ODD.get(dtype, 0) if known is None else dtype_bits(known) or 0


# ------------------------------------------------------------------ shards


def _open_shards(path: str, limits: Limits) -> Model:
    """Return the model of an index; of a shard that is not there the keys are listed."""
    shards = keys_of_shards(ByteSource(path, limits), "safetensors")
    sources: list[ByteSource] = []

    def close() -> None:
        for each in sources:
            each.close()

    try:
        tensors = [each for file, keys in shards.items() for each in _shard(file, keys, sources, limits)]
        return flat_model(tensors, path, "sharded safetensors", close, limits)
    except BaseException:
        close()
        raise


def _shard(file: str, keys: list[str], sources: list[ByteSource], limits: Limits) -> list[Flat]:
    """Return what a shard holds, and what the index says that it does."""
    try:
        source = ByteSource(file, limits)
        sources.append(source)
        tensors = _tensors(source)
    except SourceError as error:
        reason = f"a shard of the model can't be read: {error.reason}"
        return [_missing(key, file, reason) for key in keys]
    there = {each.key for each in tensors}
    return tensors + [
        _missing(key, file, "not in the shard of the index") for key in keys if key not in there
    ]


def _missing(key: str, file: str, reason: str) -> Flat:
    return Flat(key, TensorSpec(None, "?"), NoTensor(file, key, reason), file, remark=reason)
