"""HDF5 objects that are not decoded here, asked of HDF5's own library, which runs in a process of its own.

A damaged file can make that library write where it must not, and so end the process that uses it, or worse. Thus the
process of the user never loads it: another one does, and if that ends, a FormatError says so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import RLock
from typing import IO, Any
from weakref import finalize

from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.model.tensor import (
    Array,
    AxisIndex,
    TensorSource,
    TensorSpec,
    dtype_bits,
    indexed_shape,
    numpy_dtype,
    read_in_pieces,
)
from weightrepl.readers.hdf5_objects import Attribute
from weightrepl.readers.sources import ByteSource

PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from weightrepl.readers.hdf5_h5py import serve; serve()"
)
"""What the library's process runs."""

_LONGEST_ANSWER = 1 << 26
_NO_ANSWERS = (OSError, ValueError, LookupError, TypeError, EOFError, RecursionError)
_ERRORS = {error.__name__: error for error in (SourceError, FormatError, UnsafeFileError, ChangedError)}


class Fallback:
    """One HDF5 file, asked by the paths of objects that were reached over hard links only. Threads take turns.

    base, size: the part of the source that the file is.
    """

    def __init__(self, source: ByteSource, base: int, size: int | None) -> None:
        self.source, self._base = source, base
        self._told = {
            "path": source.absolute, "base": base, "size": source.size - base if size is None else size,
            "stamp": source.stamp, "limits": {name: getattr(source.limits, name) for name in source.limits.names},
        }  # fmt: skip
        self._lock = RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = _nothing

    def group(self, path: str) -> int | None:
        """Return the address of a group; None of a dataset."""
        address = self.asked("group", path)
        return None if address is None else int(address)

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a group; UnsafeFileError where one is a soft or external link."""
        return tuple(self.asked("names", path))

    def attributes(self, path: str) -> dict[str, Attribute]:
        """Return an object's attributes as plain values."""
        return dict(self.asked("attributes", path))

    def dataset(self, path: str) -> tuple[TensorSpec, TensorSource | None, str | None]:
        """Return shape and dtype, the way to the values, and why there is none."""
        told = self.asked("dataset", path)
        shape, dtype, reason = tuple(map(int, told["shape"])), str(told["dtype"]), told["reason"]
        if min(shape, default=0) < 0:
            raise FormatError("an axis of negative size", self.source.path, path)
        spec = TensorSpec(shape, dtype, None if dtype_bits(dtype) else 0)
        if reason is not None:
            return spec, None, str(reason)
        if (offset := told["offset"]) is not None:
            place = self._base + int(offset)
            return (
                spec,
                self.source.tensor(spec, place, big_endian=bool(told["big_endian"]), place=path),
                None,
            )
        return spec, _Asked(self, spec, path), None

    def asked(self, question: str, path: str, *more: object, into: memoryview | None = None) -> Any:
        """Return what the library answers; bytes that come with it fill `into`.

        Raises:
            SourceError: as the library's process tells, or a FormatError since it ended.
        """
        self.source.check()
        with self._lock:
            process = self._process or self._started()
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(json.dumps([question, path, *more]).encode() + b"\n")
                process.stdin.flush()
                answer = _answer(process.stdout, into)
            except BaseException as error:  # an interrupt too: half an answer may be on its way
                self._end()
                self._process = None
                if not isinstance(error, _NO_ANSWERS):
                    raise
                reason = "damaged: HDF5's library, asked for it in a process of its own, broke off"
                raise FormatError(reason, self.source.path, path) from None
        if "error" in answer:
            raise _ERRORS.get(answer["error"], FormatError)(str(answer["reason"]), self.source.path, path)
        return answer["answer"]

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(sys.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self._process = process
        self._end = finalize(self, _ended, process)
        assert process.stdin is not None
        process.stdin.write(json.dumps(self._told).encode() + b"\n")
        return process


def _nothing() -> None:
    return None


def _ended(process: subprocess.Popen[bytes]) -> None:
    """End the library's process and let go of it."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was not taken from it any more
                pipe.close()


def _answer(pipe: IO[bytes], into: memoryview | None) -> dict[str, Any]:
    """Return an answer, and fill `into` with the bytes behind it."""
    line = pipe.readline(_LONGEST_ANSWER)
    answer: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {}
    if "error" in answer:
        return answer
    view = into if into is not None else memoryview(b"")
    if answer["nbytes"] != len(view):
        raise ValueError("as many bytes were not asked for")
    while view:
        got = pipe.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        view = view[got:]
    return answer


class _Asked:
    """A dataset whose values the library unpacks: a TensorSource."""

    def __init__(self, library: Fallback, spec: TensorSpec, path: str) -> None:
        self._library, self._spec, self._path = library, spec, path

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        import numpy as np

        shape = self._spec.shape or ()
        index = index or (slice(None),) * len(shape)
        found = np.empty(indexed_shape(shape, index), numpy_dtype(self._spec.dtype))
        spelled = [_spelled(i) for i in index]
        if found.size:
            self._library.asked("read", self._path, spelled, into=found.reshape(-1).view("u1").data)
        self._library.source.check()
        return found

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        return read_in_pieces(self, self._spec, max_nbytes)


def _spelled(index: AxisIndex) -> object:
    """Return how a question spells the index of one axis."""
    if isinstance(index, slice):
        return [index.start, index.stop, index.step]
    return {"at": index} if isinstance(index, tuple) else index
