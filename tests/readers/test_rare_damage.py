"""What is rarely wrong with a file: each is told with path, place and reason, and never in Python's words."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import weightrepl
from tests.readers.tensor_files import FULL, write_v1
from weightrepl.errors import FormatError, SourceError, UnknownFormatError
from weightrepl.frontends.session import Question, Session
from weightrepl.readers import hdf5_library
from weightrepl.readers.checkpoint_files import files_of
from weightrepl.readers.registry import open_source


def told_of(path: Path) -> str:
    """What is said when a model is opened, listed and read to the end."""
    with pytest.raises(SourceError) as raised:
        read_all(path)
    assert "Error" not in str(raised.value), "the name of an exception tells nobody what is wrong"
    return str(raised.value).replace(str(path), path.name)


def read_all(path: Path) -> None:
    with open_source(path) as model:
        for site in model.place.weights_below:
            site.weight.tensor.read()


# -- safetensors ------------------------------------------------------------------------------------------------------


def safetensors(header: object) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(8)


F4 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ({"w": []}, "m.safetensors: header: damaged or cut short"),
        ({"w": {**F4, "dtype": ["F32"]}}, "m.safetensors: w: its dtype is no text"),
        ({"w": {**F4, "data_offsets": [1, 8]}}, "m.safetensors: w: its values leave a gap or overlap others"),
        (
            {"w": {**F4, "shape": [3]}},
            "m.safetensors: w: it has 8 bytes, which is not the size of float32 (3,)",
        ),
    ],
)
def test_headers_of_safetensors(tmp_path: Path, header: object, told: str):
    path = tmp_path / "m.safetensors"
    path.write_bytes(safetensors(header))
    assert told_of(path) == told


def test_a_shard_of_safetensors_that_is_none(tmp_path: Path):
    path = tmp_path / "m.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"w": "m-1.safetensors"}}))
    (tmp_path / "m-1.safetensors").write_bytes(safetensors([]))
    assert "a shard of the model can't be read: its header is no JSON object" in told_of(path)


# -- archives ---------------------------------------------------------------------------------------------------------


def npz(
    method: int = zipfile.ZIP_DEFLATED,
    values: int = 2000,
    more: bytes = b"",
    before: bool = False,
    level: int | None = None,
) -> bytearray:
    """An archive of one array, or of another before it; `more` stands behind the array in its member."""
    array, whole = io.BytesIO(), io.BytesIO()
    np.save(array, np.arange(values, dtype="f4"))
    with zipfile.ZipFile(whole, "w", method, compresslevel=level) as archive:
        if before:
            archive.writestr("a/v.npy", array.getvalue())
        archive.writestr("a/w.npy", array.getvalue() + more)
    return bytearray(whole.getvalue())


def put(content: bytearray, signature: bytes, offset: int, value: bytes) -> bytearray:
    """Overwrite a piece that stands so far behind the last place of a signature."""
    start = content.rindex(signature) + offset
    content[start : start + len(value)] = value
    return content


def both(content: bytearray, field: int, value: bytes) -> bytearray:
    """Overwrite a field of the member's header and of the directory, which has it two bytes further on."""
    return put(put(content, LOCAL, field, value), CENTRAL, field + 2, value)


def with_zip64_locator(content: bytearray) -> bytearray:
    end = content.rindex(END)
    content[end:end] = LOCATOR + bytes(4) + (5).to_bytes(8, "little") + (1).to_bytes(4, "little")
    return put(content, END, 10, b"\xff\xff")


def with_no_last_block(content: bytearray) -> bytearray:
    """Change the last of the blocks that deflate copies at level 0 to one of a kind that there is not."""
    block = content.index(LOCAL) + 30 + len("a/w.npy")
    while content[block] == 0:
        block += 5 + int.from_bytes(content[block + 1 : block + 3], "little")
    content[block] = 7
    return content


LOCAL, CENTRAL, END, LOCATOR = b"PK\3\4", b"PK\1\2", b"PK\5\6", b"PK\6\7"
FLAGS, CHECKSUM, SIZE, EXTRA_LENGTH = 6, 14, 22, 28
HEADER_NBYTES = 128  # of the array, so that its values follow


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (put(npz(), LOCAL, 60, b"\xff" * 200), "a/w.npy: damaged: it can't be unpacked"),
        (both(npz(), CHECKSUM, bytes(4)), "a/w.npy: damaged: its checksum (CRC) doesn't match"),
        (
            both(npz(more=bytes(99)), SIZE, (HEADER_NBYTES + 8000).to_bytes(4, "little")),
            "a/w.npy: damaged: it unpacks to more than it claims",
        ),
        (both(npz(), FLAGS, b"\1"), "a/w.npy: encrypted, which is not read; unzip the archive"),
        (
            npz(zipfile.ZIP_BZIP2),
            "a/w.npy: packed by zip's method 12, which is not read; unzip the archive",
        ),
        (with_no_last_block(npz(values=20_000, level=0)), "a/w.npy: damaged: it can't be unpacked"),
        (put(npz(before=True), LOCAL, 0, b"XX"), "a/w.npy: its header is missing"),
        (
            put(npz(), LOCAL, EXTRA_LENGTH, b"\xff\xff"),
            "a/w.npy: cut short: its end lies outside the archive",
        ),
        (put(npz(), END, 12, b"\xff" * 4), "the directory lies outside the file"),
        (with_zip64_locator(npz()), "zip64's directory is missing"),
    ],
)
def test_members_of_archives(tmp_path: Path, content: bytearray, told: str):
    path = tmp_path / "m.npz"
    path.write_bytes(content)
    assert told_of(path) == f"m.npz: {told}"


def test_who_meets_a_damaged_weight_is_told_how_to_go_on(tmp_path: Path):
    path = tmp_path / "m.npz"
    path.write_bytes(both(npz(), CHECKSUM, bytes(4)))
    with Session() as session:
        session.open(str(path))
        (problem,) = session.answer(Question("**:* | stats")).problems
    assert problem.picture("").splitlines() == [
        f"error[unreadable]: {path}: a/w.npy: damaged: its checksum (CRC) doesn't match",
        "  '!' leaves out what can't be read: **:*, !layer:weight",
    ]


# -- HDF5, checkpoints, objects ---------------------------------------------------------------------------------------


def test_the_library_s_process_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = packed_file(tmp_path / "m.weights.h5")
    started = hdf5_library.Fallback._started

    def ended(self: Any) -> Any:
        process = started(self)
        process.kill()
        process.wait()
        return process

    monkeypatch.setattr(hdf5_library.Fallback, "_started", ended)
    assert "damaged: HDF5's library, asked for it in a process of its own, broke off" in told_of(path)


def test_a_file_called_checkpoint_that_is_none(tmp_path: Path):
    path = tmp_path / "checkpoint"
    path.write_bytes(b"hello")
    with pytest.raises(FormatError, match="it names no latest checkpoint; open one by"):
        files_of(str(path))
    with pytest.raises(SourceError, match="no such checkpoint"):
        files_of(str(path) + "s")


def test_shards_that_disagree(tmp_path: Path):
    rows = {"w": ("float32", (2, 2), {((0, 1), FULL): np.ones((1, 2), "f4")})}
    others = {"w": ("float32", (2, 3), {((1, 1), FULL): np.ones((1, 3), "f4")})}
    for number, each in enumerate((rows, others)):
        write_v1(tmp_path / f"ck-{number:05d}-of-00002", each)
    with open_source(tmp_path / "ck") as model:
        (unread,) = model.place.layer.children
        assert {w.remark for w in unread.weights} == {"the shards disagree about its dtype or shape"}


def packed_file(path: Path) -> Path:
    """What only HDF5's own library reads."""
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", data=np.ones((2, 2), "f4"), compression="gzip")
    return path


@pytest.mark.parametrize(
    "answers", ["memoryview(b'fewer')", "os.write(1, b'{\"nbytes\": 16}\\nfewer') and os._exit(0)"]
)
def test_the_library_s_process_gives_fewer_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str
):
    wrong = f"import os; from weightrepl.readers import hdf5_h5py as h; h._Library.read = lambda *_: {answers}; serve()"
    monkeypatch.setattr(hdf5_library, "PROGRAM", hdf5_library.PROGRAM.replace("serve()", wrong))
    told = told_of(packed_file(tmp_path / "m.weights.h5"))
    assert "damaged: HDF5's library, asked for it in a process of its own, broke off" in told


def test_who_interrupts_a_read_by_the_library_can_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with open_source(packed_file(tmp_path / "m.weights.h5")) as model:
        (site,) = model.place.weights_below
        with monkeypatch.context() as patched:
            patched.setattr(hdf5_library, "_answer", interrupted)
            with pytest.raises(KeyboardInterrupt):
                site.weight.tensor.read()
        assert site.weight.tensor.read().tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("index", ["m.safetensors.index.json", "m.weights.json"])
def test_a_shard_that_leads_out_of_the_folder(tmp_path: Path, index: str):
    (tmp_path / index).write_text(json.dumps({"weight_map": {"w": "../other"}}))
    assert "'../other' is no name of a file beside it, or leads out of the folder" in told_of(
        tmp_path / index
    )


def test_a_pytorch_module_is_told_as_such():
    linear = type("Linear", (), {"__module__": "torch.nn.modules.linear"})()
    with pytest.raises(
        UnknownFormatError, match="Linear is a PyTorch module, which weightrepl does not read"
    ):
        weightrepl.open(linear)


@pytest.mark.tensorflow
def test_objects_that_are_no_models():
    import keras

    for thing, told in (
        (
            keras.optimizers.Adam(),
            "is an optimizer; open the model that it trains, which has it as .optimizer",
        ),
        (keras.initializers.Zeros(), "is no model: models of Keras and tf_keras, tf.Modules and"),
        (object(), "is neither a Keras model nor the path of a file"),
    ):
        with pytest.raises(UnknownFormatError) as raised:
            weightrepl.open(thing)
        assert told in str(raised.value)
