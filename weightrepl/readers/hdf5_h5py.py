"""What HDF5's own library knows of a file, through h5py; run as a process of its own by `hdf5_library`.

{"path": …, "base": …, "size": …, "stamp": …, "limits": …}      the file, once, then a line for each question:
["dataset", "layers/dense/kernel"]                             group, names, attributes, dataset, read
{"answer": …, "nbytes": 0}                                     or "error" and "reason"; then so many bytes
"""

from __future__ import annotations

import io
import json
import math
import signal
import sys
from typing import Any

from weightrepl.errors import FormatError, SourceError
from weightrepl.model.tensor import Array, AxisIndex, dtype_bits, take
from weightrepl.readers.guards import Limits, Reading, refusal
from weightrepl.readers.hdf5_objects import Attribute, external_storage, soft_link, virtual_storage
from weightrepl.readers.sources import ByteSource

_BUILT_IN_FILTERS = {1, 2, 3, 4, 5, 6, 32000}
"""deflate, shuffle, fletcher32, szip, nbit, scaleoffset, lzf: what loads no plug-in."""

_LOOKING_S = 10.0  # of the processor's time, for what is no reading of values


def serve() -> None:
    """Answer what is asked on standard input, on standard output, until there is no more."""
    asked, answers = sys.stdin.buffer, sys.stdout.buffer
    told = json.loads(asked.readline())
    library: _Library | None = None
    for line in asked:
        question, path, *more = json.loads(line)
        payload: Any = b""
        if hasattr(
            signal, "setitimer"
        ):  # else, where the library goes round in circles, nobody would be told
            signal.setitimer(signal.ITIMER_PROF, 0 if question == "read" else _LOOKING_S)
        try:
            with Reading(told["path"], path):
                library = library or _Library(told)
                answer = getattr(library, question)(path, *more)
            if question == "read":
                answer, payload = None, answer
            reply = {"answer": answer, "nbytes": len(payload)}
        except SourceError as error:
            reply = {"error": type(error).__name__, "reason": error.reason, "nbytes": 0}
        answers.write(json.dumps(reply).encode() + b"\n")
        answers.write(payload)
        answers.flush()


class _Library:
    """One HDF5 file, opened by h5py, asked by the paths of objects that were reached over hard links only."""

    def __init__(self, told: dict[str, Any]) -> None:
        import h5py

        source = ByteSource(told["path"], Limits(**told["limits"]), tuple(told["stamp"]))
        self._source = source
        self._file: Any = h5py.File(
            io.BufferedReader(_Part(source, told["base"], told["size"]), 1 << 16), "r"
        )

    def group(self, path: str) -> int | None:
        """Return the address of a group; None of a dataset."""
        import h5py

        thing = self._object(path)
        if not isinstance(thing, (h5py.Group, h5py.Dataset)):
            raise FormatError("neither a group nor a dataset", self._source.path, path)
        return int(h5py.h5o.get_info(thing.id).addr) if isinstance(thing, h5py.Group) else None

    def names(self, path: str) -> tuple[str, ...]:
        """Return the names in a group; UnsafeFileError where one is a soft or external link."""
        import h5py

        group = self._object(path)
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise soft_link(name, self._source.path)
        return tuple(group)

    def attributes(self, path: str) -> dict[str, Attribute]:
        """Return an object's attributes as plain values."""
        return {name: _plain(value) for name, value in self._object(path).attrs.items()}

    def dataset(self, path: str) -> dict[str, Any]:
        """Return shape and dtype, why the values can't be had, and where they lie if they lie plainly."""
        found = self._object(path)
        if found.external:
            raise external_storage(self._source.path)
        if found.is_virtual:
            raise virtual_storage(self._source.path)
        told: dict[str, Any] = {"shape": found.shape or (), "dtype": "void", "offset": None, "reason": None}
        if found.shape is None:
            return {**told, "reason": "the dataset is empty: it has a type but no shape"}
        told["dtype"], told["big_endian"] = self._dtype(found)
        if dtype_bits(told["dtype"]) is None:
            return {**told, "reason": f"its elements are no numbers that can be read ({told['dtype']})"}
        told["reason"] = _refused(found, self._source.limits)
        if told["reason"] is None and found.chunks is None:
            told["offset"] = found.id.get_offset()
        return told

    def read(self, path: str, spelled: list[Any]) -> memoryview:
        """Return the values at an index, as they lie in memory: integers, [start, stop, step], or {"at": [...]}."""
        import numpy as np

        found = self._object(path)
        index = [_index(i) for i in spelled]
        box = tuple(_hull(i, size) for i, size in zip(index, found.shape, strict=True))
        within = tuple(_shifted(i, hull, size) for i, hull, size in zip(index, box, found.shape, strict=True))
        try:
            raw = np.asarray(found[box])
        except (OSError, RuntimeError, ValueError) as error:
            if isinstance(error, SourceError):
                raise
            raise FormatError(f"its values can't be unpacked ({error})") from None
        self._source.check()
        taken = np.asarray(take(raw, within))
        stored = taken.dtype if taken.dtype.kind == "V" else taken.dtype.newbyteorder("=")
        values: Array = np.array(taken, dtype=stored, order="C")
        return values.reshape(-1).view("u1").data

    def _dtype(self, found: Any) -> tuple[str, bool]:
        import h5py

        stored = found.dtype
        if h5py.check_string_dtype(stored) is not None:
            return "string", False
        if stored.kind == "V" and stored.itemsize == 2 and _plain(found.attrs.get("dtype")) == "bfloat16":
            return "bfloat16", False
        return stored.newbyteorder("=").name, stored.byteorder == ">"

    def _object(self, path: str) -> Any:
        self._source.check()
        return self._file[path] if path else self._file


def _refused(found: Any, limits: Limits) -> str | None:
    """Return why the values of a dataset are not read: they would need a plug-in, or far more memory than they take."""
    import h5py

    properties = found.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if foreign := [code for code in codes if code not in _BUILT_IN_FILTERS]:
        return f"its values are packed by filter {foreign[0]}, which HDF5 itself does not have"
    if missing := [code for code in codes if not h5py.h5z.filter_avail(code)]:
        return f"its values are packed by filter {missing[0]}, which the installed h5py does not have"
    nbytes, stored = math.prod(found.shape) * found.dtype.itemsize, found.id.get_storage_size()
    if nbytes and not stored:
        return "its values were never written"
    if nbytes > limits.unwritten_nbytes and nbytes > stored * limits.expansion:
        return refusal(nbytes // stored, "expansion", "bytes of values for each packed byte", limits)
    return None


def _plain(value: Any) -> Attribute:
    """Return an attribute's value as Python's own: text, numbers, or a list of them."""
    import h5py

    if isinstance(value, h5py.Empty):
        return None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return value if isinstance(value, (str, int, float)) else None


def _index(spelled: Any) -> AxisIndex:
    """Return the index of one axis that a question spells."""
    if isinstance(spelled, dict):
        return tuple(spelled["at"])
    return slice(*spelled) if isinstance(spelled, list) else int(spelled)


def _hull(index: AxisIndex, size: int) -> slice:
    """Return the least slice of step 1 that holds all positions of `index`: h5py takes no steps back, no repeats."""
    if isinstance(index, int):
        return slice(index, index + 1)
    positions = range(*index.indices(size)) if isinstance(index, slice) else index
    return slice(min(positions), max(positions) + 1) if positions else slice(0, 0)


def _shifted(index: AxisIndex, hull: slice, size: int) -> AxisIndex:
    """Return `index` counted from where `hull` begins."""
    if isinstance(index, int):
        return 0
    positions = range(*index.indices(size)) if isinstance(index, slice) else index
    if isinstance(index, slice) and isinstance(positions, range) and positions:
        start = positions[0] - hull.start
        stop = start + len(positions) * positions.step
        return slice(start, stop if stop >= 0 else None, positions.step)
    return index if isinstance(index, slice) else tuple(p - hull.start for p in index)


class _Part(io.RawIOBase):
    """A range of a source as a file for h5py."""

    def __init__(self, source: ByteSource, base: int, size: int) -> None:
        self._source, self._base, self._size, self._at = source, base, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        nbytes = max(0, min(len(view), self._size - self._at))
        self._source.read_into(self._base + self._at, view[:nbytes])
        self._at += nbytes
        return nbytes
