"""TensorFlow.js models: a `model.json`, and beside it files of values.

The JSON's `weightsManifest` is a list of groups. The files under `paths` of a group, joined, are the values of its
`weights`, one behind the other: little-endian, in C order. Facts from the format's writer, `write_weights.py` of
https://github.com/tensorflow/tfjs/tree/master/tfjs-converter.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weightrepl.plugin import (
    STANDARD,
    Array,
    AxisIndex,
    ByteSource,
    Flat,
    FormatError,
    Limits,
    Model,
    Reading,
    TensorSpec,
    bound,
    confined,
    flat_model,
    gathered,
    numpy_dtype,
    parsed_json,
    read_in_pieces,
)

DTYPES = ("float32", "float16", "int32", "uint8", "uint16", "bool", "complex64")


class TensorFlowJSReader:
    """Opens the `model.json` of a TensorFlow.js model."""

    def recognises(self, path: str, head: bytes) -> bool:
        return head.lstrip()[:1] == b"{" and (b'"modelTopology"' in head or b'"weightsManifest"' in head)

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        description = read_description(path, limits)
        groups: list[JoinedFiles] = []

        def close() -> None:
            for group in groups:
                group.close()

        try:
            with Reading(path, "weightsManifest"):
                tensors: list[Flat] = []
                for entry in description["weightsManifest"]:
                    groups.append(JoinedFiles(path, entry["paths"], limits))
                    tensors += tensors_of(groups[-1], entry["weights"])
            return flat_model(tensors, path, "TensorFlow.js model", close, limits, name_of(description))
        except BaseException:
            close()
            raise


def read_description(path: str, limits: Limits) -> Mapping[str, Any]:
    """Return what `model.json` says."""
    file = ByteSource(path, limits)
    try:
        bound(file.size, "json_nbytes", "bytes of JSON", limits, path)
        description = parsed_json(file.read(0, file.size), path, "", limits)
    finally:
        file.close()
    if not isinstance(description, Mapping) or "weightsManifest" not in description:
        raise FormatError("no 'weightsManifest', so it names no files of values", path)
    return description


def name_of(description: Mapping[str, Any]) -> str | None:
    """Return what the model is called in Keras or TensorFlow.js; None where nothing tells, as in graph models."""
    try:
        topology = description["modelTopology"]
        return str(topology.get("model_config", topology)["config"]["name"])
    except (LookupError, TypeError, AttributeError):
        return None


class JoinedFiles:
    """The files of a group, as if they were one. path: of the `model.json`. names: of files beside it."""

    def __init__(self, path: str, names: Sequence[object], limits: Limits) -> None:
        folder = os.path.dirname(path)
        self.path, self.limits = path, limits
        self.files: list[ByteSource] = []
        for name in names:
            bare = str(name).removeprefix("./")  # so a browser saves it
            self.files.append(ByteSource(confined(folder, bare, path, "weightsManifest", limits), limits))
        self.size = sum(file.size for file in self.files)

    def read_parts(self, offsets: Sequence[int], nbytes: int, buffer: memoryview) -> None:
        """Fill `buffer` with the `nbytes` bytes from each of `offsets` on, one part behind the other."""
        done = 0
        for offset in offsets:
            for file, start, count in self._parts(offset, offset + nbytes):
                file.read_into(start, buffer[done : done + count])
                done += count

    def _parts(self, start: int, stop: int) -> Iterator[tuple[ByteSource, int, int]]:
        """Yield where the bytes from `start` to `stop` lie: a file, an offset in it, and how many."""
        begin = 0
        for file in self.files:
            first, last = max(start, begin), min(stop, begin + file.size)
            if first < last:
                yield file, first - begin, last - first
            begin += file.size

    def close(self) -> None:
        for file in self.files:
            file.close()


def tensors_of(files: JoinedFiles, entries: Sequence[Mapping[str, Any]]) -> list[Flat]:
    """Return the tensors of a group. Nothing of their values is read."""
    tensors, offset = [], 0
    for entry in entries:
        name, shape = str(entry["name"]), tuple(map(int, entry["shape"]))
        bound(len(shape), "rank", "axes", files.limits, files.path, name)
        values = Values(files, shape, str(entry["dtype"]), offset, entry.get("quantization", {}))
        if not {values.dtype, values.stored} <= {*DTYPES} or min(shape, default=0) < 0:
            stored = "" if values.stored == values.dtype else f" stored as {values.stored}"
            raise FormatError(
                f"no values of dtype {values.dtype}{stored} and shape {shape} are read", files.path, name
            )
        tensors.append(Flat(name, values.spec, values, files.path))
        offset += values.spec.nbytes or 0
    if offset != files.size:
        raise FormatError(f"its weights take {offset:,} bytes, and the files have {files.size:,}: cut short?")
    return tensors


class Values:
    """The values of one weight: a `TensorSource`.

    dtype: theirs, where they are quantised the one that they are turned back into. offset: where they begin.
    quantization: how they are stored, as the manifest has it; empty where they are stored as they are.
    """

    def __init__(
        self,
        files: JoinedFiles,
        shape: tuple[int, ...],
        dtype: str,
        offset: int,
        quantization: Mapping[str, Any],
    ) -> None:
        self.files, self.shape, self.dtype, self.offset = files, shape, dtype, offset
        self.stored = str(quantization.get("dtype", dtype))
        self.scale, self.low = float(quantization.get("scale", 0)), float(quantization.get("min", 0))

    @property
    def spec(self) -> TensorSpec:
        return TensorSpec(self.shape, self.dtype, TensorSpec(self.shape, self.stored).nbytes)

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        stored = numpy_dtype(self.stored)
        raw = gathered(self.files.read_parts, self.offset, self.shape, stored.itemsize, index)
        values: Array = raw != 0 if self.stored == "bool" else raw.view(stored.newbyteorder("<"))
        if self.scale:
            values = values.astype("float64") * self.scale + self.low
            values = values.round() if self.dtype == "int32" else values
        return values.astype(self.dtype, copy=False)

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        return read_in_pieces(self, self.spec, max_nbytes)
