from __future__ import annotations

import os
import re
import tarfile
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests import leave
from tests.readers.files import ZOO, store_bytes
from weightrepl.errors import FormatError, SourceError, UnknownFormatError
from weightrepl.model.tree import Layer, Model
from weightrepl.readers import registry
from weightrepl.readers.folders import INDEXES, SUFFIXES
from weightrepl.readers.registry import open_source

SEQ = ZOO / "keras3" / "seq_dense"
STORE = store_bytes({"": ("own", [])})


def test_names_come_in_order(tmp_path: Path):
    path = tmp_path / "file.weights.h5"
    path.write_bytes(STORE)
    assert open_source(path, "given", "variable").names == ("given", "own", "variable", "file")
    assert open_source(str(path)).names == ("own", "file")
    assert open_source(path, "own", "file").names == ("own", "file")


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("a.weights.h5", "a"),
        ("a.b.keras", "a"),
        ("a", "a"),
        (".hidden.h5", "hidden"),
        ("mo del.weights.h5", "mo del"),
    ],
)
def test_the_stem_is_the_name_without_any_suffix(tmp_path: Path, name: str, stem: str):
    (tmp_path / name).write_bytes(STORE)
    assert open_source(tmp_path / name).names[-1] == stem


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("model.keras", "Keras archive (3.15.1)"), ("unzipped", "Keras folder (3.15.1)")),
        *(("model.weights.h5", "Keras weights"), ("sharded/model.weights.json", "sharded Keras weights")),
    ],
)
def test_formats(name: str, kind: str):
    with open_source(SEQ / name) as model:
        assert (model.format, model.source) == (kind, str(SEQ / name))


def test_bytes_count_before_the_suffix(tmp_path: Path):
    for name, other in (("model.keras", "x.h5"), ("model.weights.h5", "x.keras"), ("model.weights.h5", "x")):
        (tmp_path / other).write_bytes((SEQ / name).read_bytes())
        assert open_source(tmp_path / other).names == ("seq", "x")


@pytest.mark.parametrize("attribute", ["layer_names", "nb_layers", "keras_version"])
def test_legacy_files_go_to_their_own_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: str):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_group("layers")
        file.attrs[attribute] = 1
    asked: list[str] = []
    monkeypatch.setattr(registry, "FILE_READERS", (*registry.FILE_READERS[:2], f"{__name__}:Legacy"))
    monkeypatch.setattr(Legacy, "opened", asked)
    open_source(tmp_path / "a.h5")
    assert asked == [str(tmp_path / "a.h5")]


class Legacy:
    opened: list[str] = []  # noqa: RUF012 - set by the test

    def recognises(self, path: str, head: bytes) -> bool:
        return True

    def open(self, path: str, limits: object = None) -> Model:
        self.opened.append(path)
        return Model(Layer("m"), ("m",))


def test_other_packages_are_asked_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []

    def entry_points(group: str) -> list[EntryPoint]:
        asked.append(group)
        return [EntryPoint("x", f"{__name__}:Legacy", group)]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    monkeypatch.setattr(Legacy, "opened", [])
    open_source(SEQ / "model.keras").close()
    assert asked == []
    (tmp_path / "a.xyz").write_bytes(b"something")
    assert open_source(tmp_path / "a.xyz").names == ("m",)
    assert asked == ["weightrepl.readers"]


def test_a_package_that_is_broken_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    point = EntryPoint("x", "no_such_module_is_there:Reader", registry.ENTRY_POINTS)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [point])
    (tmp_path / "a.xyz").write_bytes(b"something")
    with pytest.raises(SourceError, match=r"the reader 'x' can't be loaded \(ModuleNotFoundError: No module"):
        open_source(tmp_path / "a.xyz")


def unknown(path: Path) -> str:
    with pytest.raises(UnknownFormatError) as caught:
        open_source(path)
    assert caught.value.path == str(path)
    return caught.value.reason


PRODUCER = b"\x08\x07\x12\x07pytorch\x1a\x05"
STRANGERS = [
    # a name, what is in it, what it is called
    ("a.keras", b"", "empty: a save that failed leaves such a file"),
    ("a.h5", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ("a.gguf", b"GGUF\3\0\0\0", "GGUF"),
    ("a.bin", b"lmgg\0\0", "GGML"),
    ("a.pkl", b"\x80\x04\x95", "Python pickle"),
    ("a.pt", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "PyTorch file.*safetensors.torch.save_file"),
    ("a.pdparams", b"\x80\x02}q\0", "PaddlePaddle"),
    ("a.pt", b"anything", "perhaps a PyTorch file"),
    ("a.onnx", PRODUCER, "an ONNX model"),
    ("a.bin", PRODUCER, "an ONNX model"),
    ("a", b"\x08\x04\x12\x20\x0a\x10", "Core ML"),
    ("a.tflite", b"\x1c\0\0\0TFL3", "TensorFlow Lite"),
    ("a.bin", b"\x1c\0\0\0TFL3", "TensorFlow Lite"),
    ("a.pb", b"\x0a\x1a\x0a\x05input\x12\x0bPlaceholder", "frozen TensorFlow graph"),
    ("a.pb", b"\x08\x01\x12\xa6\x9b\x0c\n\xec\x19", "SavedModel's file by another name"),
    ("model.ckpt.meta", b"\x0a\x80\x10\x12", "without weights; open the checkpoint itself$"),
    ("graph.pbtxt", b'node {\n  name: "a"', "TensorFlow graph as text"),
    ("net.prototxt", b'name: "LeNet"\nlayer {', "Caffe"),
    ("net.caffemodel", b"\x0a\x05LeNet", "Caffe"),
    (
        "ck.data-00000-of-00001",
        b"\0\1\2",
        "values of a TensorFlow checkpoint; 'ck.index', which says what they are, is not beside it",
    ),
    ("a.index", b"\0\1", "no index of a TensorFlow checkpoint"),
    ("model.json", b'{"format": "graph-model", "modelTopology": {}', "TensorFlow.js"),
    ("a.json", b'{"weight_map": {}}', "an index of shards, which is called"),
    ("config.json", b'{"module": "keras", "class_name": "Sequential"}', "configuration, without weights"),
    ("config.json", b'{"architectures": ["BertModel"]}', "configuration, without weights"),
    ("symbol.json", b'{"nodes": [{"op": "null"}]}', "MXNet model's graph"),
    ("a.params", b"\x12\x01\0\0\0\0\0\0\0", "MXNet"),
    ("a.json", b'{"a": 1}', "JSON, and no index"),
    ("a.h5", b'{"error": "Repository not found"}', "a server's error message"),
    ("a.h5", b'<?xml version="1.0"?>\n<Error><Code>AccessDenied', "a server's error message"),
    ("a.h5", b"\n<!doctype HTML><html>", "web page"),
    ("a.xml", b'<?xml version="1.0"?>\n<net name="a" version="11">', "OpenVINO"),
    ("a.bin", b"\0\1\2\3", "perhaps weights of PyTorch, OpenVINO"),
    ("a.msgpack", b"\x81\xa6params\x82", "MessagePack"),
    ("flax_model", b"\x81\xa6params\x82", "MessagePack"),
    ("a.mat", b"MATLAB 5.0 MAT-file", "MAT-file"),
    ("a.gz", b"\x1f\x8b\x08", "gunzip"),
    ("a.bz2", b"BZh91AY", "bunzip2"),
    ("a.xz", b"\xfd7zXZ\0\0", "unxz"),
    ("a.zst", b"\x28\xb5\x2f\xfd\4", "unzstd"),
    ("a.lz4", b"\x04\x22\x4d\x18\0", "unlz4"),
    ("a.rar", b"Rar!\x1a\7\0", "unrar x"),
    ("a.pte", b"\x1c\0\0\0ET12", "ExecuTorch"),
    ("a.nc", b"CDF\x01\0\0", "netCDF"),
    ("a.7z", b"7z\xbc\xaf\x27\x1c\0", "7z x"),
    ("a.safetensors", b"nonsense", "no safetensors, whatever its name says"),
    ("a.keras", b"nonsense", "neither a zip archive nor HDF5"),
    ("a.ckpt", b"nonsense", "cut short; if it is PyTorch's"),
    ("a.txt", b"hello", r"no format that weightrepl knows; what is opened: \.keras"),
]


@pytest.mark.parametrize(("name", "content", "told"), STRANGERS)
def test_other_formats_are_named(tmp_path: Path, name: str, content: bytes, told: str):
    (tmp_path / name).write_bytes(content)
    assert re.search(told, unknown(tmp_path / name))


def test_the_page_of_formats_names_what_is_opened():
    page = (ZOO.parents[1] / "docs" / "formats.md").read_text("utf-8")
    assert [suffix for suffix in (*SUFFIXES, *INDEXES) if f"{suffix}`" not in page] == []
    for name in (
        "PyTorch",
        "GGUF",
        "ONNX",
        "Orbax",
        "Flax",
        "MXNet",
        "PaddlePaddle",
        "Caffe",
        "OpenVINO",
        "Core ML",
    ):
        assert name in page


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (["archive/data.pkl", "archive/version"], "a PyTorch file"),
        (["m/data.pkl", "m/constants.pkl", "m/code/a.py"], "TorchScript"),
        (["export/saved_model.pb"], "in it 'export/saved_model.pb'; unpack it"),
        (["x"], "no Keras model"),
    ],
)
def test_other_archives_are_named(tmp_path: Path, members: list[str], told: str):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        for member in members:
            packed.writestr(member, "x")
    assert told in unknown(tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[:-30])
    assert "cut short" in unknown(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("member", "told"), [("sys_info", "PyTorch"), ("model.h5", "a tar archive; unpack it")]
)
def test_tar_archives_are_named(tmp_path: Path, member: str, told: str):
    with tarfile.open(tmp_path / "a.tar", "w") as packed:
        packed.addfile(tarfile.TarInfo(member))
    assert told in unknown(tmp_path / "a.tar")


# ------------------------------------------------------------------ folders


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (["_METADATA"], "an Orbax checkpoint"),
        (["_CHECKPOINT_METADATA"], "an Orbax checkpoint"),
        (["manifest.ocdbt"], "an Orbax checkpoint"),
        ([".zgroup"], "a Zarr store"),
        (["Manifest.json"], "a Core ML package"),
        (["saved_model.pbtxt"], "a TensorFlow SavedModel as text"),
        (["config.json", "pytorch_model.bin"], "a model of PyTorch"),
        (["x"], "a folder that holds no model; what is opened: .keras"),
        ([], "a folder that holds no model"),
        (["b.npz", "a.keras"], "2 models in it: 'a.keras', 'b.npz'; open one: "),
        (["ck-10.index", "ck-2.index"], "2 models in it: 'ck-2', 'ck-10'; open one: "),
        (["checkpoint", "ck-2.index", "ck-1.index", "a.h5"], "2 models in it: 'a.h5', 'checkpoint'; open"),
        ([f"{n}.npy" for n in range(7)], "'4.npy' and 2 more; open one: "),
    ],
)
def test_folders_that_are_no_model(tmp_path: Path, files: list[str], told: str):
    for file in files:
        (tmp_path / file).write_bytes(b"")
    assert told in unknown(tmp_path)


def test_a_folder_around_one_model_is_that_model(tmp_path: Path):
    folder = tmp_path / "run.7"
    folder.mkdir()
    (folder / "notes.txt").write_text("hello")
    (folder / "model.weights.h5").write_bytes(STORE)
    with open_source(folder) as model:
        assert (model.names, model.source) == (("own", "model", "run"), str(folder / "model.weights.h5"))
    (folder / "00000001").mkdir()
    with open_source(folder) as model:  # a folder in it that is no model
        assert model.names[-1] == "run"
    for name in ("config.json", "metadata.json"):
        (folder / "00000001" / name).write_text("{}")
    assert "'00000001', 'model.weights.h5'; open one: " in unknown(folder)


def test_shards_are_no_models_of_their_own(tmp_path: Path):
    for file in (SEQ / "sharded").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    with open_source(tmp_path) as model:
        assert model.format == "sharded Keras weights"
    (tmp_path / "other.weights.h5").write_bytes(STORE)
    assert "2 models in it: 'model.weights.json', 'other.weights.h5'; open one: " in unknown(tmp_path)


def test_a_folder_of_checkpoints_is_the_latest_of_them():
    for kind in ("v1", "v2"):
        with open_source(ZOO / "tf" / "saver_v1_graph" / kind) as model:
            assert model.root.weights_named.keys() | {layer.name for layer in model.root.children} >= {
                "scope_a"
            }


def test_what_lies_in_a_folder_may_be_broken(tmp_path: Path):
    (tmp_path / "a.h5").write_bytes(b"<html>")
    with pytest.raises(UnknownFormatError, match="web page") as caught:
        open_source(tmp_path)
    assert caught.value.path == str(tmp_path / "a.h5")


def test_a_missing_file_names_what_it_may_have_meant(tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(STORE)
    for wrong in ("modle.keras", "model", "model.kera"):
        with pytest.raises(SourceError, match=r"did you mean 'model\.keras'") as caught:
            open_source(tmp_path / wrong)
        assert not isinstance(caught.value, FormatError)
    with pytest.raises(SourceError, match=r"no such file$"):
        open_source(tmp_path / "qqqq")
    for name in ("ck-1.index", "ck-1.data-00000-of-00001"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(SourceError, match=r"did you mean 'ck-1'\?"):
        open_source(tmp_path / "ck-2")
    with pytest.raises(SourceError, match="nor its folder"):
        open_source(tmp_path / "no" / "model.keras")


def test_what_is_no_path_at_all_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="download it"):
        open_source("https://example.org/model.keras")
    for query in ("**:kernel", "head:kernel", "**/@Dense", "a | count"):
        with pytest.raises(SourceError, match="a query stands behind -q, in Python behind the model"):
            open_source(query)


def test_the_settings_of_keras_are_no_model(tmp_path: Path):
    """`~/.keras`, a folder that Keras makes, beside a model and alone."""
    (tmp_path / ".keras").mkdir()
    with pytest.raises(UnknownFormatError, match="a folder that holds no model"):
        open_source(tmp_path)
    (tmp_path / "a.keras").write_bytes(STORE)
    assert open_source(tmp_path).names


@leave.NEEDED
def test_a_file_without_leave_to_read(tmp_path: Path):
    (tmp_path / "a.keras").write_bytes(STORE)
    open_source(tmp_path / "a.keras")
    with (
        leave.without_leave(tmp_path, 0, "a.keras") as folder,
        pytest.raises(SourceError, match=r"a\.keras: Permission denied"),
    ):
        open_source(folder / "a.keras")


@leave.NEEDED
@pytest.mark.parametrize("names", [("config.json", "metadata.json"), ("checkpoint",), ("a.keras",)])
def test_a_folder_that_may_be_entered_but_not_listed(tmp_path: Path, names: tuple[str, ...]):
    """What is asked for by its name is opened; what is not there has no names beside it to be meant."""
    for name in names:
        (tmp_path / name).write_bytes(STORE if name == "a.keras" else b'model_checkpoint_path: "ck-1"')
    with pytest.raises(SourceError, match=r"no such file$"):
        open_source(tmp_path / "qqqq")
    with leave.without_leave(tmp_path, 0o300) as folder:
        for path in (folder, folder / "checkpoint") if names == ("checkpoint",) else (folder,):
            with pytest.raises(SourceError, match=f"^{re.escape(str(folder))}: Permission denied"):
                open_source(path)
        with pytest.raises(SourceError, match=r"no such file$"):
            open_source(folder / "qqqq.keras")
        if names == ("a.keras",):
            assert open_source(folder / "a.keras").names


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_what_is_no_plain_file(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="neither a plain file nor a folder"):
        open_source(tmp_path / "pipe")
    with pytest.raises(SourceError):
        open_source("a\0b")


class FakeLayer:
    """Stands for a class of Keras's: found by its dotted name alone."""


FakeLayer.__module__, FakeLayer.__qualname__ = "keras.src.layers.layer", "Layer"


class MyModel(FakeLayer):
    pass


class Objects:
    def open(self, thing: Any, variable: str | None = None) -> Model:
        return Model(Layer(type(thing).__name__), (type(thing).__name__,))


def test_objects_are_known_by_their_bases(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registry, "OBJECT_READERS", {"keras.src.layers.layer.Layer": f"{__name__}:Objects"})
    assert open_source(MyModel(), variable="net").names == ("MyModel", "net")
    assert open_source(MyModel(), "given", "net").names == ("given", "MyModel", "net")


@pytest.mark.parametrize("thing", [3, None, b"model.keras", np.zeros(3), [1], {"a": 1}])
def test_other_objects_are_refused(thing: object):
    with pytest.raises(UnknownFormatError, match="neither a Keras model nor the path of a file"):
        open_source(thing)
