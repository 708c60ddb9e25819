"""`.keras` archives and the folders that Keras saves with `zipped=False`: a configuration and a weight store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from weightrepl.errors import FormatError, SourceError
from weightrepl.model.tree import Model
from weightrepl.readers.guards import STANDARD, Limits, bound, confined, parsed_json
from weightrepl.readers.hdf5 import open_hdf5
from weightrepl.readers.keras_groups import SavedGroup
from weightrepl.readers.keras_store import missing_groups, model_of, sharded_store
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.zip_members import ZipMember, content_of, refuse_ways_out, stored_range, zip_members

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ARRAYS, _SHARDS = "model.weights.npz", "model.weights.json"
_STORES = _WEIGHTS, _SHARDS, _ARRAYS
_PICKLED = (
    "its weights are Python pickles, as Keras writes them into an .npz and refuses to read them; "
    "save the model again, with its weights in HDF5"
)


class KerasArchiveReader:
    """Opens `.keras` files and their unpacked folders. Nothing is unpacked: a weight is a range of the archive."""

    def recognises(self, path: str, head: bytes) -> bool:
        if os.path.isdir(path):
            config, *others = (
                os.path.isfile(os.path.join(path, name)) for name in (_CONFIG, _METADATA, *_STORES)
            )
            return config and any(others)
        if not head.startswith((b"PK\3\4", b"PK\5\6")):
            return False
        if path.endswith(".keras"):
            return True
        source = ByteSource(path)
        try:
            return {_CONFIG, _METADATA} <= zip_members(source).keys()
        except SourceError:
            return False
        finally:
            source.close()

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        return _open_folder(path, limits) if os.path.isdir(path) else _open_archive(path, limits)


def _open_archive(path: str, limits: Limits) -> Model:
    source = ByteSource(path, limits)
    try:
        members = zip_members(source)
        refuse_ways_out(members, path)
        config = _json(source, members, _CONFIG)
        metadata = _json(source, members, _METADATA) if _METADATA in members else {}
        if _WEIGHTS in members:
            store = SavedGroup("", [(open_hdf5(source, *stored_range(source, members[_WEIGHTS])), path)])
        elif _ARRAYS in members:
            store = _arrays(source, *stored_range(source, members[_ARRAYS]))
        else:
            raise FormatError(_no_weights(members), path)
        return model_of(store, config, path, _format("Keras archive", metadata), source.close, limits)
    except BaseException:
        source.close()
        raise


def _arrays(source: ByteSource, begin: int, nbytes: int) -> SavedGroup:
    """Return the store that an `.npz` of Keras's is: which layers have variables, and why none can be read.

    Keras's `NpzIOStore` saves a dict for each layer, so an array of one Python object.
    """
    names = (name.removesuffix(".npy") for name in zip_members(source, begin, nbytes))
    keys = ("vars" if name == "__root__" else f"{name}/vars" for name in names)
    return SavedGroup("", [(missing_groups(keys, FormatError(_PICKLED, source.path, _ARRAYS)), source.path)])


def _json(source: ByteSource, members: Mapping[str, ZipMember], name: str) -> Mapping[str, Any]:
    if name not in members:
        raise FormatError(f"no {name} in it, so no Keras archive", source.path)
    text = content_of(source, members[name])
    return _object(parsed_json(text, source.path, name, source.limits), source.path, name)


def _open_folder(path: str, limits: Limits) -> Model:
    names = os.listdir(path)
    texts = {name: _text(path, name, limits) for name in (_CONFIG, _METADATA) if name in names}
    config, metadata = (
        _object(parsed_json(texts.get(n, b"{}"), path, n, limits), path, n) for n in (_CONFIG, _METADATA)
    )
    found = next((name for name in _STORES if name in names), None)
    if found is None:
        raise FormatError(_no_weights(names), path)
    source = ByteSource(confined(path, found, path, found, limits), limits)
    close = source.close
    try:
        if found == _SHARDS:
            store, close = sharded_store(source)
        elif found == _ARRAYS:
            store = _arrays(source, 0, source.size)
        else:
            store = SavedGroup("", [(open_hdf5(source), source.path)])
        return model_of(store, config, path, _format("Keras folder", metadata), close, limits)
    except BaseException:
        close()
        raise


def _text(folder: str, name: str, limits: Limits) -> bytes:
    source = ByteSource(confined(folder, name, folder, name, limits), limits)
    try:
        bound(source.size, "json_nbytes", "bytes of JSON", limits, folder, name)
        return source.read(0, source.size)
    finally:
        source.close()


def _object(value: object, path: str, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise FormatError("no JSON object, so no part of a Keras model", path, name)
    return value


def _no_weights(names: Any) -> str:
    """Return what to say of an archive without the file of weights."""
    if _SHARDS in names:
        return "its weights are in shards; unpack it, and open the folder"
    return f"no {_WEIGHTS} in it: saved without weights, or only part of an archive"


def _format(words: str, metadata: Mapping[str, Any]) -> str:
    version = metadata.get("keras_version")
    return f"{words} ({version})" if isinstance(version, str) and version else words
