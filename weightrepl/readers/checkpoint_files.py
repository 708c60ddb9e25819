"""Which checkpoint a path means: its prefix, one of its files, or the `checkpoint` file that names the latest.

`PREFIX.index` and `PREFIX.data-00000-of-00001` are a checkpoint's files (V2); before 2017 (V1) one file without a
suffix, or shards `PREFIX-00000-of-00002`. The `checkpoint` file is a CheckpointState as text, see TensorFlow's
`checkpoint_state.proto`; where its checkpoint lies in another folder it has a whole path.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.readers.guards import STANDARD, Limits, followed
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_table import MAGIC

_LATEST = re.compile(rb'\s*model_checkpoint_path\s*:\s*("(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\')')
_ESCAPED = re.compile(rb"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_VALUES = re.compile(r"(.+)\.data-\d{5}-of-\d{5}\Z", re.DOTALL)
_SHARD = re.compile(r"(.+)-\d{5}-of-\d{5}\Z", re.DOTALL)


class Files(NamedTuple):
    """The files of a checkpoint. prefix: what their names begin with. old: those of a V1 checkpoint, else none."""

    prefix: str
    old: tuple[str, ...] = ()


def is_checkpoint(path: str, head: bytes) -> bool:
    """Return whether a path means a checkpoint. head: the first bytes of the file; empty where there is none."""
    if not head:
        return _files(path) is not None
    values = _VALUES.match(path)
    if values:
        return os.path.isfile(values[1] + ".index")
    return _LATEST.match(head) is not None or _is_table(path)


def files_of(path: str, limits: Limits = STANDARD) -> Files:
    """Return the files of the checkpoint that a path means.

    Raises:
        SourceError: the `checkpoint` file names one that is not there, or that lies elsewhere.
    """
    values = _VALUES.match(path)
    if values:
        return Files(values[1])
    if os.path.isfile(path) and not os.path.isfile(path + ".index"):
        if path.endswith(".index"):
            return Files(path.removesuffix(".index"))
        if not _is_table(path):
            return _latest(path, limits)
    found = _files(path)
    if found is None:
        raise SourceError("no such checkpoint", path)
    return found


def _files(prefix: str) -> Files | None:
    """Return the files whose names begin with a prefix; one shard of a V1 checkpoint stands for all."""
    if os.path.isfile(prefix + ".index"):
        return Files(prefix)
    shard = _SHARD.match(prefix)
    if os.path.isfile(prefix):
        return _shards(shard[1]) if shard else (Files(prefix, (prefix,)) if _is_table(prefix) else None)
    return _shards(prefix)


def _shards(prefix: str) -> Files | None:
    folder, name = os.path.split(prefix)
    try:
        every = os.listdir(folder or ".")
    except OSError:
        return None
    found = sorted(each for each in every if (shard := _SHARD.match(each)) and shard[1] == name)
    return Files(prefix, tuple(os.path.join(folder, each) for each in found)) if found else None


def _is_table(path: str) -> bool:
    """Return whether a file ends as tables of TensorFlow's do."""
    try:
        with open(path, "rb") as file:
            file.seek(-len(MAGIC), os.SEEK_END)
            return file.read() == MAGIC
    except OSError:
        return False


# -- the `checkpoint` file


def _latest(path: str, limits: Limits) -> Files:
    """Return the files of the checkpoint that a `checkpoint` file calls the latest.

    One that lies beside it counts, whatever path it had when it was written: a folder may have been moved. Another
    place that a file names, maybe somebody else's, is not looked into.
    """
    source = ByteSource(path, limits)
    try:
        text = source.read(0, min(source.size, 1 << 16))
    finally:
        source.close()
    match = _LATEST.match(text)
    if match is None:
        raise FormatError(
            "it names no latest checkpoint; open one by what its files' names begin with, such as ck-7", path
        )
    named = os.fsdecode(_ESCAPED.sub(_unescaped, match[1][1:-1]))
    folder = os.path.dirname(path)
    if "\0" in named or not os.path.basename(named):
        raise FormatError(
            f"names {named[:200]!r} as the latest checkpoint, which no checkpoint can be called", path
        )
    found = _files(os.path.join(folder, os.path.basename(named)))
    inside = os.path.join(folder, named)
    if found is None:
        found = _files(inside)
        if found is not None and (".." in named.split("/") or os.path.isabs(named)):
            raise UnsafeFileError(f"its latest checkpoint lies elsewhere; open that: {inside}", path)
    if found is None:
        raise SourceError(f"its latest checkpoint, {named!r}, is not there{_others(folder)}", path)
    for file in found.old or (found.prefix + ".index",):
        followed(file, folder or ".", path, limits)
    return found


def _others(folder: str) -> str:
    names = sorted(
        name.removesuffix(".index") for name in os.listdir(folder or ".") if name.endswith(".index")
    )
    shown = ", ".join(os.path.join(folder, name) for name in names[:5])
    return f"; beside it: {shown}{f' and {len(names) - 5} more' if len(names) > 5 else ''}" if names else ""


def _unescaped(match: re.Match[bytes]) -> bytes:
    code = match[1]
    if code[:1] == b"x" and len(code) > 1:
        return bytes([int(code[1:], 16)])
    if code[:1].isdigit():
        return bytes([int(code, 8) & 0xFF])
    return _LETTERS.get(code, code)
