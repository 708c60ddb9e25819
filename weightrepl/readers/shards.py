"""The index of a model in several files: which file holds which keys."""

from __future__ import annotations

import os
from collections.abc import Mapping

from weightrepl.errors import FormatError
from weightrepl.readers.guards import bound, confined, parsed_json
from weightrepl.readers.sources import ByteSource


def keys_of_shards(source: ByteSource, what: str) -> dict[str, list[str]]:
    """Return the keys in each file beside an index, by the file's path; close the index. what: it is the index of.

    Raises:
        FormatError: no such index. UnsafeFileError: a file would lie outside its folder.
    """
    path = source.path
    try:
        bound(source.size, "json_nbytes", "bytes of JSON", source.limits, path)
        index = parsed_json(source.read(0, source.size), path, "", source.limits)
    finally:
        source.close()
    weight_map = index.get("weight_map") if isinstance(index, Mapping) else None
    if not isinstance(weight_map, Mapping):
        raise FormatError(f"no 'weight_map', so no index of {what}", path)
    shards: dict[str, list[str]] = {}
    for key, files in weight_map.items():
        for name in files if isinstance(files, list) else [files]:
            file = confined(os.path.dirname(path), name, path, key, source.limits)
            shards.setdefault(file, []).append(key)
    return shards
