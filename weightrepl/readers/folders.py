"""What lies in a folder that can be opened, by the names of files and of what is in them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

from weightrepl.readers.guards import STANDARD, Limits

SUFFIXES = (".keras", ".h5", ".hdf5", ".safetensors", ".npz", ".npy")
"""How the files end that hold a model, or a part of one."""

INDEXES = (".weights.json", ".safetensors.index.json")
"""How the files end that say which other files hold a model."""

_OLD_SHARD = re.compile(r"(.+)-00000-of-\d{5}\Z")
_NUMBER = re.compile(r"(\d+)")


def is_there(path: str) -> bool:
    """Return whether a path leads to something: to a file, a folder, or what a checkpoint's files begin with."""
    return os.path.lexists(path) or next(files_of_prefix(path), None) is not None


def files_of_prefix(path: str) -> Iterator[str]:
    """Yield the files by which a checkpoint is known: the index, or where it is older than that its parts."""
    from glob import escape, iglob

    if os.path.isfile(path + ".index"):
        yield path + ".index"
    yield from sorted(iglob(escape(path) + "-?????-of-?????"))


def models_in(folder: str, is_model: Callable[[str], bool], limits: Limits = STANDARD) -> list[str]:
    """Return what can be opened in a folder: names of files and folders, and what those of checkpoints begin with.

    A model in several files is one, by its index; of a folder's checkpoints the `checkpoint` file names the latest.
    is_model: whether a folder below this one is a model itself.

    Raises:
        OSError: nobody may look into it.
    """
    names = set(os.listdir(folder)) - {".keras"}  # where Keras keeps its settings
    if os.path.isfile(os.path.join(folder, "checkpoint")):
        found = {"checkpoint"}
    else:
        found = {name for each in names for name in _prefix(each, names)}
    found |= {name for name in names if name.endswith((*SUFFIXES, *INDEXES))}
    found |= {
        name for name in names - found if os.path.isdir(path := os.path.join(folder, name)) and is_model(path)
    }
    return sorted(found - _shards(folder, found, limits), key=_counted)


def _shards(folder: str, names: set[str], limits: Limits) -> set[str]:
    """Return those of the files that an index beside them speaks of."""
    texts = []
    for name in names:
        path = os.path.join(folder, name)
        if name.endswith(INDEXES) and os.path.isfile(path):
            with open(path, "rb") as file:
                texts.append(file.read(limits.json_nbytes))
    return {name for name in names for text in texts if f'"{name}"'.encode() in text}


def _prefix(name: str, names: set[str]) -> Iterator[str]:
    """Yield what opens the checkpoint that a file is the index of; of the first version's, which have none, a file."""
    stem, _, suffix = name.rpartition(".")
    if suffix == "index" and stem:
        yield stem
    elif (old := _OLD_SHARD.match(name)) and old[1] + ".index" not in names and ".data" not in name:
        yield name
    elif suffix == "meta" and stem in names:
        yield stem


def _counted(name: str) -> list[tuple[int, str]]:
    """Return what sorts `ck-2` before `ck-10`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in _NUMBER.split(name)]
