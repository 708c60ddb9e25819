"""What to say of files and objects that no reader opens: what they are, and what to do."""

from __future__ import annotations

import os
import re

from weightrepl.errors import FormatError, SourceError, UnknownFormatError
from weightrepl.readers.folders import INDEXES, SUFFIXES, is_there

OPENED = (
    f"what is opened: {', '.join((*SUFFIXES, *INDEXES))}, and TensorFlow's checkpoints and SavedModel folders"
)
_ORIGIN = "open the Keras model or the SavedModel that it was made from"
_TORCH = (
    "opening one can run what is in it; save the state_dict with safetensors.torch.save_file and open that"
)
_PICKLE = "a Python pickle; opening one runs what is in it, so weightrepl never does"
_PAGE = "a web page in place of the file: the download went wrong; download it again"
_SERVER = "a server's error message in place of the file: the download went wrong; download it again"
_CONFIG = "a model's configuration, without weights; open the file of weights, or the folder that holds both"
_NPZ = "numpy.savez makes an .npz of that"
_GGML = "open the safetensors that it was converted from"
_ORBAX = "an Orbax checkpoint (JAX); load it with Orbax, and save it as safetensors"
_ZARR = f"a Zarr store; zarr.load reads it, {_NPZ}"
_MXNET = f"an MXNet file; mxnet.nd.load reads it, {_NPZ}"
_RESAVED = "tf.saved_model.load reads it, and .save saves it anew"
_CUT = "cut short: a download or a save broke off; get it anew"

_STARTS = (
    # what a file begins with, what it is
    (
        b"version https://git-lfs",
        "a Git LFS pointer in place of the file; 'git lfs pull' gets the file itself",
    ),
    (b"GGUF", f"a GGUF file (llama.cpp); {_GGML}"),
    (b"lmgg", f"a GGML file (llama.cpp); {_GGML}"),
    (b"tjgg", f"a GGML file (llama.cpp); {_GGML}"),
    (b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", f"a PyTorch file; {_TORCH}"),
    (b"\x1f\x8b", "packed by gzip; unpack it with 'gunzip' or 'tar -xzf' first"),
    (b"BZh", "packed by bzip2; unpack it with 'bunzip2' or 'tar -xjf' first"),
    (b"\xfd7zXZ\0", "packed by xz; unpack it with 'unxz' or 'tar -xJf' first"),
    (b"\x28\xb5\x2f\xfd", "packed by Zstandard; unpack it with 'unzstd' first"),
    (b"\x04\x22\x4d\x18", "packed by LZ4; unpack it with 'unlz4' first"),
    (b"7z\xbc\xaf\x27\x1c", "packed by 7-Zip; unpack it with '7z x' first"),
    (b"Rar!", "packed by RAR; unpack it with 'unrar x' first"),
    (b"CDF\x01", "a netCDF file, which weightrepl does not read"),
    (b"CDF\x02", "a netCDF file, which weightrepl does not read"),
    (b"MATLAB 5.0", f"a MAT-file of MATLAB; scipy.io.loadmat reads it, {_NPZ}"),
    (b"\x12\x01\0\0\0\0\0\0", _MXNET),
)
_WITHIN = (
    # where, what stands there, what the file is
    (4, b"TFL3", f"a TensorFlow Lite model; {_ORIGIN}"),
    (4, b"ET12", "an ExecuTorch program, which weightrepl does not read"),
    (257, b"ustar", "a tar archive; unpack it with 'tar -xf' and open what is in it"),
)
_SUFFIXES = {
    ".onnx": f"perhaps an ONNX model; {_ORIGIN}",
    ".caffemodel": "a Caffe model, which weightrepl does not read",
    ".prototxt": "a Caffe model's layers, without weights",
    ".mlmodel": f"a Core ML model; {_ORIGIN}",
    ".pdparams": f"weights of PaddlePaddle; paddle.load reads them, {_NPZ}",
    ".pdiparams": "weights of PaddlePaddle, which weightrepl does not read",
    ".pdmodel": "a PaddlePaddle program, without weights",
    ".params": f"perhaps {_MXNET}",
    ".msgpack": "a MessagePack file (of Flax?); save the parameters with safetensors.flax.save_file and open that",
    ".pbtxt": "a TensorFlow graph as text, without weights; open the checkpoint or the folder around it",
    ".pb": f"a file of Protocol Buffers, perhaps a frozen TensorFlow graph; {_ORIGIN}",
    ".pt": f"perhaps a PyTorch file; {_TORCH}",
    ".pth": f"perhaps a PyTorch file; {_TORCH}",
    ".pkl": _PICKLE,
    ".pickle": _PICKLE,
    ".ckpt": f"no checkpoint of TensorFlow's, or one that is cut short; if it is PyTorch's: {_TORCH}",
    ".index": "no index of a TensorFlow checkpoint, whatever its name says; or it is cut short",
    ".bin": f"perhaps weights of PyTorch, OpenVINO or TensorFlow.js; {_ORIGIN}",
    ".keras": f"neither a zip archive nor HDF5, so no Keras model; perhaps {_CUT}",
}  # fmt: skip
_FOLDERS = (
    # a file in a folder, what the folder is
    ("_CHECKPOINT_METADATA", _ORBAX),
    ("_METADATA", _ORBAX),
    ("manifest.ocdbt", _ORBAX),
    (".zgroup", _ZARR),
    (".zarray", _ZARR),
    ("zarr.json", _ZARR),
    ("Manifest.json", f"a Core ML package; {_ORIGIN}"),
    ("saved_model.pbtxt", f"a TensorFlow SavedModel as text; {_RESAVED}"),
    ("saved_model.cpb", f"a TensorFlow SavedModel in chunks; {_RESAVED}"),
    ("pytorch_model.bin", f"a model of PyTorch; {_TORCH}"),
    ("model.json", f"perhaps a TensorFlow.js model; {_ORIGIN}"),
)  # fmt: skip


def unknown_file(path: str, head: bytes) -> SourceError:
    """Return the error for a file that no reader recognises.

    head: its first bytes, a few thousand.
    """
    if not head:
        return UnknownFormatError(
            "the file is empty: a save that failed leaves such a file; save the model again", path
        )
    if _begins_as_ours(head):
        return FormatError(_CUT, path)
    return UnknownFormatError(_told_of_file(path, head), path)


def _begins_as_ours(head: bytes) -> bool:
    """Return whether a file ends within the few bytes that HDF5, NumPy's files or zip archives begin with."""
    return 1 < len(head) < 8 and any(
        start.startswith(head) for start in (b"\x89HDF\r\n\x1a\n", b"\x93NUMPY\x01\0", b"PK\3\4")
    )


def _told_of_file(path: str, head: bytes) -> str:
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        return _told_of_zip(path)
    for start, told in _STARTS:
        if head.startswith(start):
            return told
    for at, mark, told in _WITHIN:
        if head[at : at + len(mark)] == mark:
            return _told_of_tar(head) if mark == b"ustar" else told
    suffix = os.path.splitext(path)[1].lower()
    what = "JSON, and no index of shards" if suffix == ".json" else "no format that weightrepl knows"
    return (
        (_told_of_text(head) or _told_of_messages(path, head, suffix))
        or _told_by_name(path, suffix)
        or f"{what}; {OPENED}"
    )


def _told_by_name(path: str, suffix: str) -> str | None:
    if ".data-0" in os.path.basename(path):
        index = os.path.basename(path[: path.rindex(".data-")]) + ".index"
        return f"the values of a TensorFlow checkpoint; {index!r}, which says what they are, is not beside it"
    if path.endswith(INDEXES):
        return f"no index of shards, whatever its name says; perhaps {_CUT}"
    if suffix in SUFFIXES and suffix != ".keras":
        return f"no {_KINDS[suffix]}, whatever its name says; perhaps {_CUT}"
    return _SUFFIXES.get(suffix)


_KINDS = {
    ".h5": "HDF5", ".hdf5": "HDF5", ".safetensors": "safetensors", ".npz": "archive of NumPy arrays",
    ".npy": "NumPy array",
}  # fmt: skip


# ------------------------------------------------------------------ archives


def _told_of_zip(path: str) -> str:
    from weightrepl.readers.sources import ByteSource
    from weightrepl.readers.zip_members import zip_members

    source = ByteSource(path)
    try:
        names = list(zip_members(source))
    except SourceError as error:
        return f"a zip archive, {error.reason}"
    finally:
        source.close()
    ends = {name.rpartition("/")[2] for name in names}
    if "constants.pkl" in ends or "archive_format" in ends:
        return f"a program of PyTorch (TorchScript); {_TORCH}"
    if "data.pkl" in ends:
        return f"a PyTorch file; {_TORCH}"
    models = [name for name in names if name.endswith((*SUFFIXES, "saved_model.pb"))]
    if models:
        return f"a zip archive, in it {_listed(models)}; unpack it, and open what is in it"
    return "a zip archive without config.json and metadata.json, so no Keras model; unpack it, and see what is in it"


def _told_of_tar(head: bytes) -> str:
    """Return what a tar archive is, by the name of its first member."""
    name = head[:100].partition(b"\0")[0].rpartition(b"/")[2]
    if name in (b"sys_info", b"pickle", b"storages", b"tensors"):
        return f"a PyTorch file of before version 0.2; {_TORCH}"
    return "a tar archive; unpack it with 'tar -xf', and open what is in it"


# ------------------------------------------------------------------ text

_TEXTS = (
    # what the text begins with or holds, what it is
    (re.compile(r"\s*<(!doctype html|html|head|body)\b", re.I), _PAGE),
    (re.compile(r"\s*(<\?xml[^>]*>\s*)?<net\b"), f"an OpenVINO model; {_ORIGIN}"),
    (re.compile(r"\s*(<\?xml[^>]*>\s*)?<(Error|html)\b", re.I), _SERVER),
    (re.compile(r'\s*\{.*"(modelTopology|weightsManifest)"', re.S), f"a TensorFlow.js model; {_ORIGIN}"),
    (re.compile(r'\s*\{.*"nodes"\s*:.*"op"', re.S), "an MXNet model's graph, without weights"),
    (re.compile(r'\s*\{.*"(class_name|architectures|model_type)"', re.S), _CONFIG),
    (re.compile(r'\s*\{\s*"(error|errors|message|detail|code|status)"'), _SERVER),
    (re.compile(r'\s*\{.*"weight_map"', re.S), f"an index of shards, which is called …{INDEXES[0]} or …{INDEXES[1]}"),
    (re.compile(r"\s*(node|meta_info_def|versions) \{"), _SUFFIXES[".pbtxt"]),
    (re.compile(r'\s*(name\s*:|layers?\s*\{|input\s*:)'), _SUFFIXES[".prototxt"]),
)  # fmt: skip


def _told_of_text(head: bytes) -> str | None:
    """Return what a text is; None of what is none, or is not known."""
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    if "\0" in text or "\ufffd" in text[:-4]:
        return None
    return next((told for pattern, told in _TEXTS if pattern.match(text)), None)


# ------------------------------------------------------------------ Protocol Buffers, MessagePack, pickles


def _told_of_messages(path: str, head: bytes, suffix: str) -> str | None:
    """Return what a file of fields without a signature is, by what its first fields look like."""
    if head[:1] == b"\x80" and head[1:2] in b"\2\3\4\5":
        return _SUFFIXES.get(suffix) if suffix == ".pdparams" else _PICKLE
    if re.match(rb"[\x81-\x8f][\xa1-\xbf][ -~]+", head) and _is_plain(head[2 : 2 + head[1] - 0xA0]):
        return _SUFFIXES[".msgpack"]
    if suffix == ".meta":
        return _told_of_graph(path)
    if suffix == ".pb" and head.startswith(b"\x08\x01\x12"):
        return (
            "a SavedModel's file by another name; call it saved_model.pb, and open the folder that it is in"
        )
    if (
        head[:1] == b"\x08" and head[2:3] == b"\x12" and head[1] < 0x40
    ):  # a version, then who made it or a description
        return _SUFFIXES[".mlmodel"] if head[4:5] == b"\x0a" else f"an ONNX model; {_ORIGIN}"
    if head[:1] == b"\x0a" and re.match(rb"\x0a[\x80-\xff]*.\x0a.[\w./-]+\x12.\w+", head, re.S):
        return f"a frozen TensorFlow graph, whose weights are constants of it; {_ORIGIN}"
    return None


def _told_of_graph(path: str) -> str:
    prefix = path.removesuffix(".meta")
    found = f": {prefix}" if is_there(prefix) else ""
    return f"the graph of a TensorFlow checkpoint, without weights; open the checkpoint itself{found}"


def _is_plain(text: bytes) -> bool:
    return text.isascii() and text.decode("ascii").isprintable()


# ------------------------------------------------------------------ folders, paths


def not_one_model(path: str, found: list[str]) -> UnknownFormatError:
    """Return the error for a folder that holds no model, or several. found: what can be opened in it."""
    if found:
        one = os.path.join(path, found[0])
        return UnknownFormatError(f"{len(found)} models in it: {_listed(found)}; open one: {one}", path)
    names = os.listdir(path)
    told = next((told for name, told in _FOLDERS if name in names), None)
    return UnknownFormatError(told or f"a folder that holds no model; {OPENED}", path)


_QUERY = re.compile(r"\*\*|[|@]|:[\w*]")


def not_there(path: str) -> SourceError:
    """Return the error for a path that leads nowhere, with the names that it may have meant."""
    import difflib

    if "://" in path:
        return SourceError("an address, and no file: download it, and open what is there then", path)
    folder = os.path.dirname(path) or "."
    asked = "; a query stands behind -q, in Python behind the model" if _QUERY.search(path) else ""
    if not os.path.isdir(folder):
        return SourceError(f"no such file, nor its folder{asked}", path)
    try:
        names = {name.removesuffix(".index") for name in os.listdir(folder) if not name.startswith(".")}
    except OSError:
        names = set()
    wanted = os.path.basename(path)
    near = [name for name in sorted(names) if wanted and name.startswith(wanted + ".")]
    near += [name for name in difflib.get_close_matches(wanted, sorted(names), 3, 0.6) if name not in near]
    meant = f"; did you mean {_listed(near[:3], ' or ')}?" if near else asked
    return SourceError(f"no such file{meant}", path)


def _listed(names: list[str], joint: str = ", ") -> str:
    shown = joint.join(repr(name) for name in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"


# ------------------------------------------------------------------ objects


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
