"""What to say of files and objects that no reader opens: what they are, and what to do."""

from __future__ import annotations

import os

from weightrepl.errors import SourceError, UnknownFormatError

_NOT_YET = "which this version does not read yet"

_BY_BYTES = (
    # what a file begins with, what it is
    (
        b"version https://git-lfs",
        "a Git LFS pointer in place of the file; 'git lfs pull' gets the file itself",
    ),
    (b"GGUF", "a GGUF file (llama.cpp), which weightrepl does not read"),
    (
        b"\x80\x02",
        "a Python pickle (an old PyTorch file?); opening one runs what is in it, so weightrepl never does",
    ),
    (b"\x80\x03", "a Python pickle; opening one runs what is in it, so weightrepl never does"),
    (b"\x80\x04", "a Python pickle; opening one runs what is in it, so weightrepl never does"),
    (b"\x80\x05", "a Python pickle; opening one runs what is in it, so weightrepl never does"),
    (b"<!DOCTYPE html", "a web page: the download went wrong"),
    (b"<html", "a web page: the download went wrong"),
    (b"\x1f\x8b", "packed by gzip; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "packed by 7z; unpack it first"),
    (b"CDF\x01", "a netCDF file, which weightrepl does not read"),
)
_BY_SUFFIX = {
    ".onnx": "an ONNX model, which weightrepl does not read",
    ".pb": f"part of a TensorFlow SavedModel, {_NOT_YET}; the folder around it is the model",
    ".index": f"a TensorFlow checkpoint, {_NOT_YET}",
    ".safetensors": "no safetensors, whatever its name says; perhaps the download broke off",
    ".ckpt": f"perhaps a TensorFlow checkpoint, {_NOT_YET}",
    ".pt": "perhaps a PyTorch file, which weightrepl does not read",
    ".pth": "perhaps a PyTorch file, which weightrepl does not read",
    ".json": "JSON that is no index of a sharded Keras store (those are called '….weights.json')",
    ".keras": "neither a zip archive nor HDF5, so no Keras model; perhaps the download or the save broke off",
    ".h5": "not HDF5, whatever its name says; perhaps the download or the save broke off",
    ".hdf5": "not HDF5, whatever its name says; perhaps the download or the save broke off",
}
_TENSORFLOW_MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"  # ends every SSTable, so also a checkpoint's index
_FOLDERS = (
    # a file in a folder, what the folder is
    ("saved_model.pb", f"a TensorFlow SavedModel, {_NOT_YET}"),
    ("checkpoint", f"a folder of TensorFlow checkpoints, {_NOT_YET}"),
    ("_METADATA", "an Orbax checkpoint, which weightrepl does not read"),
)
_SUFFIXES = (".keras", ".weights.h5", ".weights.json", ".h5", ".hdf5", ".safetensors", ".npz", ".npy")
_OPENED = f"what is opened: {', '.join(_SUFFIXES)}"


def unknown_file(path: str, head: bytes) -> UnknownFormatError:
    """Return the error for a file or folder that no reader recognises."""
    if os.path.isdir(path):
        return UnknownFormatError(_told_of_folder(path), path)
    if not head:
        return UnknownFormatError(
            "the file is empty: a save that failed leaves such a file; save the model again", path
        )
    return UnknownFormatError(_told_of_file(path, head), path)


def _told_of_file(path: str, head: bytes) -> str:
    if head[:4] in (b"PK\3\4", b"PK\5\6"):
        return _told_of_zip(path, head)
    if head[4:8] in (b"TFL3",):
        return "a TensorFlow Lite model, which weightrepl does not read"
    for start, told in _BY_BYTES:
        if head.startswith(start):
            return told
    if _ends_with(path, _TENSORFLOW_MAGIC):
        return f"a TensorFlow checkpoint, {_NOT_YET}"
    if ".data-0" in os.path.basename(path):
        return f"the values of a TensorFlow checkpoint, {_NOT_YET}"
    suffix = os.path.splitext(path)[1].lower()
    return _BY_SUFFIX.get(suffix, f"no format that weightrepl knows. {_OPENED}")


def _told_of_zip(path: str, head: bytes) -> str:
    if b"data.pkl" in head or b"/version" in head[:200] or path.endswith((".pt", ".pth")):
        return "a PyTorch file, which weightrepl does not read"
    return "a zip archive without config.json and metadata.json, so no Keras model"


def _ends_with(path: str, magic: bytes) -> bool:
    try:
        with open(path, "rb") as file:
            file.seek(-len(magic), os.SEEK_END)
            return file.read() == magic
    except OSError:
        return False


def _told_of_folder(path: str) -> str:
    try:
        names = os.listdir(path)
    except OSError as error:
        return error.strerror or str(error)
    for name, told in _FOLDERS:
        if name in names:
            return told
    if any(name.endswith(".index") for name in names):
        return f"a folder of TensorFlow checkpoints, {_NOT_YET}"
    models = [n for n in sorted(names) if n.endswith(_SUFFIXES)]
    if models:
        return f"a folder, no model; in it: {_listed(models)}"
    return f"a folder that holds no model. {_OPENED}"


def not_there(path: str) -> SourceError:
    """Return the error for a path that leads nowhere, with the names that it may have meant."""
    import difflib

    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return SourceError("no such file, nor its folder", path)
    if os.path.exists(path + ".index"):
        return UnknownFormatError(f"a TensorFlow checkpoint, {_NOT_YET}", path)
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError:
        names = []
    wanted = os.path.basename(path)
    near = [name for name in sorted(names) if wanted and name.startswith(wanted + ".")]
    near += [name for name in difflib.get_close_matches(wanted, names, 3, 0.6) if name not in near]
    meant = f"; did you mean {_listed(near[:3], ' or ')}?" if near else ""
    return SourceError(f"no such file{meant}", path)


def _listed(names: list[str], joint: str = ", ") -> str:
    shown = joint.join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


def unknown_object(thing: object, bases: list[str]) -> UnknownFormatError:
    """Return the error for an object that is no model of a kind that is read."""
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    if any(".optimizers." in f"{base}." and "keras" in base for base in bases):
        return UnknownFormatError(
            f"{kind} is an optimizer; open the model that it trains, which has it as .optimizer"
        )
    if any(base.startswith(("tensorflow.", "keras.", "tf_keras.")) for base in bases):
        what = "models of Keras and tf_keras, tf.Modules and loaded SavedModels are opened"
        return UnknownFormatError(f"{kind} is no model: {what}")
    if any(base.startswith("torch.") for base in bases):
        return UnknownFormatError(f"{kind} is a PyTorch module, which weightrepl does not read")
    return UnknownFormatError(f"{kind} is neither a Keras model nor the path of a file")
