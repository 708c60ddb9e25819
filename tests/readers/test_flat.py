"""safetensors, npz and npy: what their writers wrote, what weightrepl itself wrote, and what does not add up."""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import save_file

import weightrepl
from tests.readers.files import ZOO, rows_of
from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.readers.registry import open_source

KERNEL = np.arange(6, dtype="f4").reshape(2, 3)


def addresses(path: Path) -> tuple[str, ...]:
    with open_source(path) as model:
        return model["**:*"].addresses  # type: ignore[no-any-return]


# ------------------------------------------------------------------ keys


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["a/b/kernel", "a/c/kernel"], ["a/b:kernel", "a/c:kernel"]),
        (["a/b/kernel", "c.d/bias"], ["file/a/b:kernel", "file/c.d:bias"]),
        (["model.l.10.w", "model.l.2.w"], ["model/l/2:w", "model/l/10:w"]),
        (["w", "v"], ["file:w", "file:v"]),
        (["dense/kernel:0", "dense/bias:0"], ["dense:kernel", "dense:bias"]),
        (["dense/kernel:0", "dense/kernel"], ["dense:kernel\\:0", "dense:kernel"]),
        (["m/d:kernel", "m/d#2:kernel", "m/.optimizer/m/d:kernel"], ["m/d:kernel", "m/d#2:kernel"]),
        ([r"m/a\:b:kernel", r"m/a\u{5b}b:kernel"], [r"m/a\:b:kernel", r"m/a\[b:kernel"]),
        (["m/d:kernel", "plain"], ["file/m:d\\:kernel", "file:plain"]),
    ],
)
def test_keys_are_ways_to_weights(tmp_path: Path, keys: list[str], expected: list[str]):
    np.savez(tmp_path / "file.npz", **{key: np.zeros(2, "f4") for key in keys})
    assert sorted(addresses(tmp_path / "file.npz")) == sorted(expected)


def test_system_layers_of_saved_addresses_are_that_again(tmp_path: Path):
    np.savez(tmp_path / "a.npz", **{"m/d:kernel": KERNEL, "m/.optimizer/m/d:kernel": KERNEL})
    with open_source(tmp_path / "a.npz") as model:
        assert model["**:*"].addresses == ("m/d:kernel",)
        assert model[".optimizer/**:*"].addresses == ("m/.optimizer/m/d:kernel",)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors", ".h5"])
def test_what_weightrepl_saved_has_the_same_addresses(tmp_path: Path, suffix: str):
    with open_source(ZOO / "keras3" / "weird_names" / "model.keras") as model:
        selection = model["**:*"]
        selection.save(tmp_path / f"out{suffix}")
        arrays = selection.arrays()
    with open_source(tmp_path / f"out{suffix}") as back:
        found = back["**:*"].arrays()
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[address], arrays[address]) for address in arrays)


# ------------------------------------------------------------------ what their writers wrote

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8"]
SMALL = [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2]


@pytest.mark.parametrize("dtype", [*DTYPES, *SMALL])
def test_safetensors_of_each_dtype(tmp_path: Path, dtype: Any):
    array = KERNEL.astype(dtype)
    save_file(
        {"a.w": array, "a.none": np.zeros((0, 3), array.dtype), "a.one": np.array(array[0, 0])},
        tmp_path / "x",
    )
    with open_source(tmp_path / "x") as model:
        found = model["**:*"].arrays()
    assert {key: (value.dtype, value.shape) for key, value in found.items()} == {
        "a:w": (array.dtype, (2, 3)), "a:none": (array.dtype, (0, 3)), "a:one": (array.dtype, ()),
    }  # fmt: skip
    assert np.array_equal(found["a:w"], array)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [*DTYPES, "c16", ">f4", ">i2"])
def test_npz_of_each_dtype_and_order(tmp_path: Path, save: Any, dtype: str):
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    save(tmp_path / "x.npz", c=array, f=np.asfortranarray(array), none=array[:0], one=array[0, 0, 0])
    native = array.astype(array.dtype.newbyteorder("="))
    with open_source(tmp_path / "x.npz") as model:
        for name in "cf":
            weight = model[f":{name}"].one()
            assert np.array_equal(weight.numpy(), native)
            assert weight.numpy().dtype == native.dtype
            assert weight.numpy().flags.c_contiguous
            assert np.array_equal(model[f":{name}[1, [2, 0], ::2]"].one().numpy(), native[1, [2, 0], ::2])
            blocks = [*model[f":{name}"].rows[0].tensor.blocks(5 * native.itemsize)]
            assert max(block.size for block in blocks) <= 5
            assert np.array_equal(np.concatenate(blocks), native.reshape(-1))
        assert model[":none"].one().numpy().shape == (0, 3, 4)
        assert model[":one"].one().numpy() == native[0, 0, 0]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy(tmp_path: Path, version: tuple[int, int]):
    with open(tmp_path / "vectors.npy", "wb") as file:
        np.lib.format.write_array(file, KERNEL, version)
    with open_source(tmp_path / "vectors.npy") as model:
        assert np.array_equal(model["vectors:0"].one().numpy(), KERNEL)


def test_shards(tmp_path: Path):
    """One is missing, and one lacks what the index says of it: both are listed, and say so when they are read."""
    save_file({"m.a.w": KERNEL}, tmp_path / "m-1.safetensors")
    shards = {"m.a.w": "m-1.safetensors", "m.b.w": "m-2.safetensors", "m.c.w": "m-1.safetensors"}
    (tmp_path / "m.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": shards}))
    for path in (tmp_path, tmp_path / "m.safetensors.index.json"):
        with open_source(path) as model:
            assert model["**:*"].addresses == ("m/a:w", "m/c:w", "m/b:w")
            assert np.array_equal(model["a:w"].one().numpy(), KERNEL)
            with pytest.raises(SourceError, match="a shard of the model can't be read: No such file"):
                model["b:w"].one().numpy()
            with pytest.raises(SourceError, match="not in the shard"):
                model["c:w"].one().numpy()


def test_a_folder_of_one_file(tmp_path: Path):
    save_file({"m.a.w": KERNEL}, tmp_path / "one.safetensors")
    assert addresses(tmp_path) == ("m/a:w",)
    save_file({"m.a.w": KERNEL}, tmp_path / "two.safetensors")
    with pytest.raises(SourceError, match=r"in it: 'one\.safetensors', 'two\.safetensors'"):
        open_source(tmp_path)


# ------------------------------------------------------------------ what is not read


def test_what_can_not_be_read_is_told_of(tmp_path: Path):
    odd = {
        "a": np.array([None]),
        "b": np.array(["x"]),
        "c": np.zeros(2, [("x", "f4")]),
        "d": np.zeros(2, "V2"),
    }
    np.savez(tmp_path / "x.npz", **odd)
    with zipfile.ZipFile(tmp_path / "x.npz", "a") as packed:
        packed.writestr("readme.txt", "hello")
    with open_source(tmp_path / "x.npz") as model:
        remarks = {row.weight.name: row.weight.remark or "" for row in rows_of(model)}
        for name, word in (("a", "pickle"), ("b", "no numbers"), ("c", "no numbers"), ("d", "raw bytes")):
            assert word in remarks[name]
            with pytest.raises(FormatError, match=word):
                model[f".unread:{name}"].one().numpy()
        assert remarks["readme.txt"] == "it is no array of NumPy's"


def test_dtypes_whose_elements_share_bytes_are_listed(tmp_path: Path):
    write_safetensors(tmp_path / "x", {"w": {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}}, b"12")
    with open_source(tmp_path / "x") as model:
        weight = model[".unread:w"].one()
        assert (weight.shape, weight.dtype, weight.nbytes) == ((4,), "f4", 2)


def write_safetensors(path: Path, header: Any, values: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + values)


F4 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


@pytest.mark.parametrize(
    ("header", "values", "told"),
    [
        ({"w": F4}, b"12345", "cut short, or damaged"),
        ({"w": F4}, b"123", "outside the file"),
        ({"w": {**F4, "data_offsets": [4, 8]}}, b"12345678", "gap or overlap"),
        ({"w": F4, "v": F4}, b"1234", "gap or overlap"),
        ({"w": {**F4, "shape": [2]}}, b"1234", "not the size"),
        ({"w": {**F4, "shape": [-1]}}, b"1234", "impossible shape|negative size"),
        ({"w": {**F4, "shape": [1] * 65}}, b"1234", "impossible shape|65 axes"),
        ({"w": {"dtype": "F32"}}, b"", "damaged"),
        ({"w": 3}, b"", "damaged"),
        (b'{"w": 1, "w": 2}', b"", "twice"),
        (b"{nonsense", b"", "JSON"),
    ],
)
def test_safetensors_that_do_not_add_up(tmp_path: Path, header: Any, values: bytes, told: str):
    write_safetensors(tmp_path / "x.safetensors", header, values)
    with pytest.raises((FormatError, UnsafeFileError), match=told):
        open_source(tmp_path / "x.safetensors")


def test_a_key_may_not_be_endless(tmp_path: Path):
    write_safetensors(tmp_path / "x.safetensors", {"/".join("a" * 300): F4}, b"1234")
    with pytest.raises(UnsafeFileError, match=r"[0-9,]+ parts of a key, and depth is limited to 200"):
        open_source(tmp_path / "x.safetensors")


def test_files_without_tensors(tmp_path: Path):
    write_safetensors(tmp_path / "x.safetensors", {"__metadata__": {"format": "pt"}}, b"")
    np.savez(tmp_path / "y.npz")
    for name in ("x.safetensors", "y.npz"):
        assert addresses(tmp_path / name) == ()


def test_a_folder_that_nobody_may_look_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.listdir", refuse)
    with pytest.raises(SourceError, match="Permission denied"):
        open_source(tmp_path)


def test_an_index_may_not_lead_out_of_its_folder(tmp_path: Path):
    index = {"weight_map": {"w": "../x.safetensors"}}
    (tmp_path / "m.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UnsafeFileError, match="leads out of the folder"):
        open_source(tmp_path / "m.safetensors.index.json")


def npy(array: Any = KERNEL, **changes: Any) -> bytes:
    header = repr({"descr": "<f4", "fortran_order": False, "shape": (2, 3), **changes}).encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + array.tobytes()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (npy()[:-1], "not the size"),
        (npy(shape=(1 << 60, 1 << 60)), "not the size"),
        (npy(shape=(-1,)), "negative size"),
        (npy(shape=(1,) * 65), "65 axes, and rank is limited to 64"),
        (npy(shape="x"), "damaged"),
        (b"\x93NUMPY\1\0\xff\xff{", "65,545 bytes of a header, and array_header_nbytes is limited"),
        (b"\x93NUMPY\1\0\x04\0f(1)", "damaged"),
        (b"\x93NUMPY\1\0\x06\0f(1, 2", "its header is damaged"),
        (b"\x93NUMPY\1\0", "cut short"),
    ],
)
def test_arrays_that_do_not_add_up(tmp_path: Path, content: bytes, told: str):
    (tmp_path / "x.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as packed:
        packed.writestr("w.npy", content)
    with zipfile.ZipFile(tmp_path / "y.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("w.npy", content)
    for name in ("x.npy", "x.npz", "y.npz"):
        with pytest.raises((FormatError, UnsafeFileError), match=told):
            open_source(tmp_path / name)


def test_a_deflated_array_is_no_bomb(tmp_path: Path):
    """Its directory claims more than deflating can have made so small."""
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("w.npy", npy(np.zeros(6, "f4")))
    content = (tmp_path / "x.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "x.npz") as packed:
        size = packed.getinfo("w.npy").file_size
    (tmp_path / "x.npz").write_bytes(content.replace(struct.pack("<I", size), struct.pack("<I", 1 << 31)))
    with pytest.raises(
        UnsafeFileError, match="bytes of values for each packed byte, and expansion is limited to 1,100"
    ):
        open_source(tmp_path / "x.npz")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_damaged_array_is_told_when_it_is_read_whole(tmp_path: Path, save: Any, order: Any):
    save(tmp_path / "x.npz", w=np.asarray(np.random.default_rng(0).random((50, 20)), order=order))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[4000] ^= 1
    (tmp_path / "x.npz").write_bytes(content)
    with open_source(tmp_path / "x.npz") as model:
        weight, tensor = model["x:w"].one(), model["x:w"].rows[0].tensor
        with pytest.raises(FormatError, match="damaged") as told:
            weight.numpy()
        assert str(tmp_path / "x.npz: w") in str(told.value)
        if (save, order) == (np.savez, "C"):
            with pytest.raises(FormatError, match="damaged"):
                list(tensor.blocks(1000))
            assert tensor.read((0, slice(None))).shape == (20,)  # of a part no checksum is known


def test_a_live_model_and_its_arrays_are_compared(tmp_path: Path):
    with open_source(ZOO / "keras3" / "seq_dense" / "model.keras") as model:
        model["**:*"].save(tmp_path / "seq.safetensors")
        with open_source(tmp_path / "seq.safetensors", "saved") as saved:
            found = weightrepl.evaluate(
                {"m": model, "saved": saved}, "m/**:* | diff saved | where verdict != same | count"
            )
    assert isinstance(found, weightrepl.Count)
    assert found.value == 0
