"""Whether the files that a model's path stands for are others by now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

from weightrepl.readers.folders import files_of_prefix

_MOST = 10_000
"""So many files of a folder are looked at."""


def fingerprint(path: str) -> tuple[object, ...] | None:
    """Return what is another when the files are: each one's time of change, bytes and inode; None where there is none.

    Of a folder those in it and in its folders count.
    """
    if os.path.isdir(path):
        return tuple(sorted(islice(_of_folder(path, depth=2), _MOST)))
    return _of_file(path) or tuple(map(_of_file, files_of_prefix(path))) or None


def _of_file(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _of_folder(path: str, depth: int) -> Iterator[tuple[str, int, int, int]]:
    try:
        entries = list(os.scandir(path))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir():
            if depth > 1:
                yield from _of_folder(entry.path, depth - 1)
        elif found := _of_file(entry.path):
            yield (entry.path, *found)
