"""Selected weights as files, vectors with labels, tables and pictures. The only module that writes any.

A file is written under a temporary name beside its own and then renamed, so it is there whole or not at all. One
weight at a time is in memory. Keys are addresses.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from weightrepl.engine.table import Table, Value
from weightrepl.engine.vectors import Sliced, shape_of_vectors, texts, vectors
from weightrepl.errors import OutputError, Problem, WeightreplError
from weightrepl.model.tensor import Array, dtype_bits

if TYPE_CHECKING:
    from weightrepl.engine.labels import GivenLabels
    from weightrepl.engine.pictures import Picture


class NamedArray(Sliced, Protocol):
    """A weight as far as it is written: its address, and its values when asked for."""

    def numpy(self) -> Array: ...


def write(
    weights: Sequence[NamedArray], path: str, force: bool = False, labels: GivenLabels | None = None
) -> tuple[Problem, ...]:
    """Write the values of `weights` to `path`, in the format that its suffix names; return what there is to note.

    .npz, .safetensors, .h5: any number of weights, each under its address; in .h5 the layers become groups.
    .npy: exactly one. .csv, .tsv: exactly one of at most two axes, as plain numbers without a head. .svg: a picture.
    What NumPy has no name for (bfloat16, float8, int4) goes to .npz and .npy as raw bytes, with a note; to .h5 as
    Keras writes it, raw with the attribute `dtype`; to .safetensors under its own name if that has one.
    With `labels` exactly one of two axes, some rows at a time: .tsv, and beside it the labels in `…_metadata.tsv`, as
    TensorBoard's projector reads them; .txt in word2vec's form, which has a label before each row.

    Raises:
        OutputError: an unknown suffix, a file that exists without `force`, a dtype or number of weights that the
            format does not take, labels that do not fit, or whatever the system says of the place. No part of a
            file is left behind.
    """
    check(path, force, labels is not None)
    if not weights:
        raise OutputError(f"{path}: nothing is selected, so nothing was written")
    if labels is not None:
        return _write_labelled(_the_one(weights, path), path, force, labels)
    with _replacing([path], force) as (temporary,):
        _WRITERS[_suffix(path)](weights, temporary, path)
    return _notes(weights, path)


def write_table(table: Table, path: str, force: bool = False) -> None:
    """Write a table under the names of its columns to a .csv or .tsv file.

    Raises:
        OutputError: as `write` does; also for a format that holds arrays only.
    """
    check(path, force)
    if _suffix(path) not in _DELIMITERS:
        raise OutputError(
            f"{path}: this result is a table, which goes to .csv or .tsv, not to {_suffix(path)}"
        )
    with _replacing([path], force) as (temporary,):
        _write_rows(temporary, [table.columns, *(map(_text, row) for row in table.rows)], path)


def write_picture(picture: Picture, path: str, force: bool = False) -> None:
    """Write a picture to a .svg file.

    Raises:
        OutputError: as `write` does; also for another suffix.
    """
    check(path, force)
    if _suffix(path) != ".svg":
        raise OutputError(f"{path}: a picture goes to .svg, not to {_suffix(path)}")
    write_bytes(picture.svg.encode(), path, force)


def write_bytes(content: bytes, path: str, force: bool = False) -> None:
    """Write a file whose content is there already.

    Raises:
        OutputError: a file that exists without `force`, or whatever the system says of the place.
    """
    with _replacing([path], force) as (temporary,), open(temporary, "wb") as file:
        file.write(content)


def check(path: str, force: bool = False, labelled: bool = False) -> None:
    """Raise at once what `write` would raise of the path alone, before anything is read for it.

    labelled: whether there are labels.

    Raises:
        OutputError: an unknown suffix, or one that takes no labels or needs some; a folder that is not there, or a
            file that exists without `force`.
    """
    suffix = _suffix(path)
    if labelled and suffix not in _LABELLED:
        raise OutputError(
            f"{path}: labels go to .tsv, for TensorBoard's projector, or .txt, in word2vec's form"
        )
    if not labelled and suffix not in _WRITERS:
        raise OutputError(
            f"{path}: word2vec's form needs a label for each row: --labels FILE (in Python labels=…)"
        )
    for file in _files(path, labelled):
        _check_place(file, force)


def _suffix(path: str) -> str:
    suffix = os.path.splitext(path)[1].lower()
    known = dict.fromkeys((*_WRITERS, *_LABELLED))
    if suffix not in known:
        wrong = f"unknown format '{suffix}'" if suffix else "a name without a suffix tells no format"
        raise OutputError(f"{path}: {wrong}; known are {', '.join(known)}")
    return suffix


def _check_place(path: str, force: bool) -> None:
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise OutputError(f"{path}: there is no folder {folder}")
    if os.path.isdir(path):
        raise OutputError(f"{path}: is a folder")
    if os.path.lexists(path) and not force:
        raise OutputError(f"{path}: exists already; --force (in Python force=True) overwrites it")


@contextmanager
def _replacing(paths: Sequence[str], force: bool) -> Iterator[list[str]]:
    """Give the names of new files, which take the places of `paths` once all went well, and else disappear."""
    targets = [os.path.realpath(path) for path in paths]  # what a link leads to is replaced, not the link
    temporaries = [_hidden_beside(target) for target in targets]
    try:
        for temporary in temporaries:
            with open(temporary, "xb"):
                pass
        yield temporaries
        for path in paths:
            _check_place(path, force)
        _rename(temporaries, targets)
    except OSError as error:
        if isinstance(error, WeightreplError):
            raise
        raise OutputError(f"{paths[0]}: {error.strerror or error}") from error
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                os.unlink(temporary)


def _hidden_beside(target: str) -> str:
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:100]}.{os.urandom(4).hex()}.tmp")


def _rename(temporaries: Sequence[str], targets: Sequence[str]) -> None:
    """Give files their names. If one can't have it, those that are new are taken away again."""
    new = [target for target in targets if not os.path.lexists(target)]
    try:
        for temporary, target in zip(temporaries, targets, strict=True):
            os.replace(temporary, target)
    except OSError:
        for target in new:
            with suppress(FileNotFoundError):
                os.unlink(target)
        raise


# ------------------------------------------------------------------ arrays


def _array(weight: NamedArray, path: str) -> Array:
    """Return a weight's values in C order."""
    import numpy as np

    array = np.asarray(weight.numpy(), order="C")
    if array.dtype.hasobject:
        raise OutputError(f"{path}: {weight.address} holds {weight.dtype}, not numbers, and can't be written")
    return array


def _raw(array: Array) -> Array:
    """Return the bare bytes of each item where NumPy itself has no name for the dtype."""
    return array.view(f"V{array.dtype.itemsize}") if array.dtype.isbuiltin == 2 else array


def _the_one(weights: Sequence[NamedArray], path: str) -> NamedArray:
    if len(weights) != 1:
        raise OutputError(
            f"{path}: holds exactly one weight, and {len(weights)} are selected; "
            ".npz, .safetensors and .h5 hold several"
        )
    return weights[0]


def _write_npy(weights: Sequence[NamedArray], temporary: str, path: str) -> None:
    from types import SimpleNamespace

    import numpy as np

    array = _raw(_array(_the_one(weights, path), path))
    with open(temporary, "wb") as file:
        sink = SimpleNamespace(write=file.write)  # to a file itself NumPy would lose why writing failed
        np.lib.format.write_array(sink, array, allow_pickle=False)


def _write_npz(weights: Sequence[NamedArray], temporary: str, path: str) -> None:
    from zipfile import ZipFile

    import numpy as np

    with ZipFile(temporary, "w") as archive:
        for weight in weights:
            array = _raw(_array(weight, path))
            with archive.open(f"{weight.address}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


_SAFETENSORS_DTYPES = {  # safetensors 0.8, `Dtype` in tensor.rs; the ones of whole bytes
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16", "uint32": "U32", "int32": "I32",
    "uint64": "U64", "int64": "I64", "float16": "F16", "bfloat16": "BF16", "float32": "F32", "float64": "F64",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2", "float8_e8m0fnu": "F8_E8M0", "complex64": "C64",
}  # fmt: skip


def _write_safetensors(weights: Sequence[NamedArray], temporary: str, path: str) -> None:
    """Write the header, which needs shapes and dtypes only, then one weight's bytes after the other.

    The largest items come first, so that every tensor begins at a multiple of its item size.
    """
    sized = sorted(((*_safetensors_entry(w, path), w) for w in weights), key=lambda entry: -entry[2])
    header, end = {}, 0
    for dtype, shape, item, weight in sized:
        start, end = end, end + math.prod(shape) * item
        header[weight.address] = {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}
    encoded = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % 8)
    with open(temporary, "wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for _dtype, shape, item, weight in sized:
            array = _array(weight, path)
            if array.nbytes != math.prod(shape) * item:
                raise OutputError(f"{path}: {weight.address} was said to be {shape}, and is {array.shape}")
            file.write(_raw(array).reshape(-1).view("u1").data)


def _safetensors_entry(weight: NamedArray, path: str) -> tuple[str, tuple[int, ...], int]:
    """Return the dtype's name in the format, the shape, and the bytes of an item."""
    name, bits = _SAFETENSORS_DTYPES.get(weight.dtype), dtype_bits(weight.dtype)
    if name is None or bits is None:
        raise OutputError(
            f"{path}: {weight.address} is {weight.dtype}, which .safetensors can't hold; .npz and .h5 can"
        )
    return name, _array(weight, path).shape if weight.shape is None else weight.shape, bits // 8


def _write_h5(weights: Sequence[NamedArray], temporary: str, path: str) -> None:
    import h5py

    try:
        with h5py.File(temporary, "w") as file:
            for weight in weights:
                array = _array(weight, path)
                dataset = file.create_dataset(weight.address, data=_raw(array))
                if array.dtype.isbuiltin == 2:
                    dataset.attrs["dtype"] = array.dtype.name
    except RuntimeError as error:  # how h5py reports that closing failed, on a full disk for one
        raise OutputError(f"{path}: {error}") from error


def _notes(weights: Sequence[NamedArray], path: str) -> tuple[Problem, ...]:
    """Return one note for each dtype that the format does not name."""
    if _suffix(path) == ".svg":
        return tuple(_not_drawn(len(weights), path))
    if _suffix(path) not in (".npz", ".npy"):
        return ()
    import numpy as np

    others = dict.fromkeys(w.dtype for w in weights if not hasattr(np, w.dtype))
    if not others:
        return ()  # ml_dtypes costs as much to import as a small weight to write
    import ml_dtypes

    return tuple(
        Problem(
            "raw-bytes",
            f"{path} holds {dtype} as raw bytes, for NumPy has no name for it",
            severity="note",
            hint=f"read it with array.view(ml_dtypes.{dtype})",
        )
        for dtype in others
        if hasattr(ml_dtypes, dtype)
    )


# ------------------------------------------------------------------ pictures


def _write_svg(weights: Sequence[NamedArray], temporary: str, path: str) -> None:
    from weightrepl.engine.selection import Selection

    assert isinstance(weights, Selection)  # a picture is of a query's result: the command line has none other
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(weights.picture().svg)


def _not_drawn(selected: int, path: str) -> Iterator[Problem]:
    from weightrepl.engine.pictures import MOST_PANELS

    if selected > MOST_PANELS:
        message = f"{path} shows the first {MOST_PANELS} of {selected:,} weights"
        yield Problem("not-all-drawn", message, severity="note")


# ------------------------------------------------------------------ rows of text

_DELIMITERS = {".csv": ",", ".tsv": "\t"}


def _write_numbers(weights: Sequence[NamedArray], temporary: str, path: str) -> None:
    array = _array(_the_one(weights, path), path)
    if array.ndim > 2:
        raise OutputError(
            f"{path}: {weights[0].address} has {array.ndim} axes, and rows of numbers have two at most"
        )
    rows = array.reshape(-1, 1) if array.ndim < 2 else array
    _write_rows(temporary, map(texts, rows), path)


def _write_rows(temporary: str, rows: Iterable[Iterable[str]], path: str) -> None:
    import csv

    with open(temporary, "w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=_DELIMITERS[_suffix(path)], lineterminator="\n").writerows(rows)


def _text(value: Value) -> str:
    return "" if value is None else str(value)


_WRITERS: dict[str, Callable[[Sequence[NamedArray], str, str], None]] = {
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".safetensors": _write_safetensors,
    ".h5": _write_h5,
    ".csv": _write_numbers,
    ".tsv": _write_numbers,
    ".svg": _write_svg,
}


# ------------------------------------------------------------------ vectors with labels

_LABELLED = (".tsv", ".txt")


def _files(path: str, labelled: bool) -> list[str]:
    """Return the files that are written: the projector has the labels in one of their own."""
    if labelled and _suffix(path) == ".tsv":
        return [path, f"{os.path.splitext(path)[0]}_metadata.tsv"]
    return [path]


def _write_labelled(weight: NamedArray, path: str, force: bool, given: GivenLabels) -> tuple[Problem, ...]:
    """Write the rows of a weight and their labels; return what there is to note."""
    from weightrepl.engine.labels import read_labels

    labels, (rows, columns) = read_labels(given), shape_of_vectors(weight)
    labels.check_number(rows, weight.address)
    if _suffix(path) == ".txt":
        words = list(labels.words())
        with _replacing([path], force) as (temporary,):
            named = map("{} {}".format, words, vectors(weight, " "))
            _write_lines(temporary, chain([f"{rows} {columns}"], named))
        return ()
    files = _files(path, labelled=True)
    with _replacing(files, force) as (temporary, metadata):
        _write_lines(metadata, labels.lines())
        _write_lines(temporary, vectors(weight, "\t"))
    message = f"the labels are in {files[1]}, one for each row of {path}"
    return (Problem("labels-beside", message, severity="note"),)


def _write_lines(temporary: str, lines: Iterable[str]) -> None:
    with open(temporary, "w", encoding="utf-8", newline="") as file:
        file.writelines(line + "\n" for line in lines)
