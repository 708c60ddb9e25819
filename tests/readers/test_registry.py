from __future__ import annotations

import os
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.readers.files import ZOO, store_bytes
from weightrepl.errors import FormatError, SourceError, UnknownFormatError
from weightrepl.model.tree import Layer, Model
from weightrepl.readers import registry
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


STRANGERS = [
    ("a.keras", b"", "a save that failed leaves such a file"),
    ("a.h5", b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
    ("a.pkl", b"\x80\x04\x95", "pickle"),
    ("a.gguf", b"GGUF\3\0\0\0", "GGUF"),
    ("a.onnx", b"\x08\x07\x12\x07pytorch", "ONNX"),
    ("a.tflite", b"\x1c\0\0\0TFL3", "TensorFlow Lite"),
    ("a.safetensors", b"nonsense", "no safetensors"),
    ("a.index", b"\0\1" + b"\x57\xfb\x80\x8b\x24\x75\x47\xdb", "TensorFlow checkpoint"),
    ("ck.data-00000-of-00001", b"\0\1\2", "values of a TensorFlow checkpoint"),
    ("saved_model.pb", b"\x08\1", "SavedModel"),
    ("a.json", b'{"a": 1}', "JSON"),
    ("a.keras", b"nonsense", "neither a zip archive nor HDF5"),
    ("a.h5", b"<!DOCTYPE html><html>", "web page"),
    ("a.txt", b"hello", "no format that weightrepl knows"),
]


@pytest.mark.parametrize(("name", "content", "told"), STRANGERS)
def test_other_formats_are_named(tmp_path: Path, name: str, content: bytes, told: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnknownFormatError, match=told) as caught:
        open_source(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)


@pytest.mark.parametrize(("member", "told"), [("archive/data.pkl", "PyTorch"), ("x", "no Keras model")])
def test_other_archives_are_named(tmp_path: Path, member: str, told: str):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(member, "x")
    with pytest.raises(UnknownFormatError, match=told):
        open_source(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        *(("checkpoint", "checkpoints"), ("ck-1.index", "checkpoints")),
        *(("_METADATA", "Orbax"), ("m.keras", "in it: 'm.keras'"), ("x", "holds no model")),
    ],
)
def test_folders_are_named(tmp_path: Path, file: str, told: str):
    (tmp_path / file).write_bytes(b"")
    with pytest.raises(UnknownFormatError, match=told):
        open_source(tmp_path)


def test_a_missing_file_names_what_it_may_have_meant(tmp_path: Path):
    (tmp_path / "model.keras").write_bytes(STORE)
    for wrong in ("modle.keras", "model", "model.kera"):
        with pytest.raises(SourceError, match=r"did you mean 'model\.keras'") as caught:
            open_source(tmp_path / wrong)
        assert not isinstance(caught.value, FormatError)
    with pytest.raises(SourceError, match=r"no such file$"):
        open_source(tmp_path / "qqqq")
    with pytest.raises(SourceError, match="nor its folder"):
        open_source(tmp_path / "no" / "model.keras")
    (tmp_path / "ck-1.index").write_bytes(b"")
    with pytest.raises(FormatError, match="checkpoint"):
        open_source(tmp_path / "ck-1")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_leave_to_read(tmp_path: Path):
    (tmp_path / "a.keras").write_bytes(STORE)
    os.chmod(tmp_path / "a.keras", 0)
    with pytest.raises(SourceError, match="Permission denied"):
        open_source(tmp_path / "a.keras")


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
