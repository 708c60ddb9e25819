from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.dtypes import DTYPES, array_of, same
from tests.readers.files import REAL, ZOO
from tests.readers.tensor_files import (
    FULL,
    entry,
    header,
    masked,
    message,
    number,
    opens_bundles,
    shape_proto,
    slice_key,
    stored_strings,
    write_bundle,
    write_raw,
)
from tests.zoo_maker.values import digest
from weightrepl.errors import FormatError
from weightrepl.model.tensor import take
from weightrepl.readers.flat_keys import Flat

TF = ZOO / "tf"


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    return tmp_path / "ck"


opened = pytest.fixture(opens_bundles)


def read_by_blocks(flat: Flat, max_nbytes: int = 24) -> np.ndarray:
    return np.concatenate(list(flat.tensor.blocks(max_nbytes)))


# -- what TensorFlow wrote --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("bundle_dtypes", "merged"),
        ("saver_v1_graph", "v2/model.ckpt"),
        ("saver_v1_graph", "v2_sharded/model.ckpt"),
    ],
)
def test_the_zoos_values_are_those_that_were_written(opened, case: str, name: str):
    oracle = json.loads((TF / case / "oracle.json").read_text())
    found = opened(TF / case / name)
    for row in oracle["weights"]:
        flat = found[row["keras_path"]]
        array = flat.tensor.read()
        assert (list(array.shape), str(array.dtype)) == (row["shape"], row["dtype"])
        assert digest(array) == row["sha256"]
        if array.size:
            assert read_by_blocks(flat).tobytes() == array.tobytes()


def test_the_zoos_strings_are_bytes(opened):
    found = opened(TF / "bundle_dtypes" / "merged")
    assert found["str/scalar"].tensor.read()[()] == b"hello"
    assert found["str/vec"].tensor.read().tolist() == [b"", b"a", b"b" * 300, "é".encode()]


def test_keys_in_many_blocks_come_in_order(opened):
    keys = list(opened(TF / "bundle_dtypes" / "many"))
    assert len(keys) == 5000
    assert keys == sorted(keys)


@pytest.mark.skipif(not REAL.is_dir(), reason="the files of others are not here")
def test_the_files_of_others(opened):
    rows = [json.loads(line) for line in (REAL / "reference.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["file"].endswith(".index")]
    assert len(rows) > 4
    for row in rows:
        found = opened(REAL / row["file"].removesuffix(".index"))
        for tensor in row["tensors"]:
            if "sha256" in tensor:
                array = found[tensor["path"]].tensor.read()
                assert digest(array) == tensor["sha256"]


# -- written by hand --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("big_endian", [False, True])
def test_every_dtype_in_any_order_of_bytes(opened, prefix: Path, big_endian: bool, packed: bool):
    written = {dtype: array_of(dtype, 3, 5) for dtype in DTYPES}
    written |= {
        "empty": array_of("float32", 0, 4),
        "scalar": array_of("float64"),
        "long/name/of it": array_of("int8", 1),
    }
    found = opened(write_bundle(prefix, written, big_endian, packed=packed, per_block=4))
    assert list(found) == sorted(written)
    for key, array in written.items():
        flat = found[key]
        assert (flat.unread, flat.remark) == ("", None)
        assert (flat.spec.shape, flat.spec.dtype, flat.spec.nbytes) == (
            array.shape,
            str(array.dtype),
            array.nbytes,
        )
        assert same(flat.tensor.read(), array)
        if array.shape == (3, 5):
            assert same(flat.tensor.read((1, slice(4, None, -2))), take(array, (1, slice(4, None, -2))))
        if array.size:
            assert same(read_by_blocks(flat), array.reshape(-1))


@pytest.mark.parametrize(("dtype", "shown"), [("qint8", "int8"), ("quint8", "uint8"), ("qint32", "int32")])
def test_quantised_numbers_are_read_as_their_integers(opened, prefix: Path, dtype: str, shown: str):
    array = array_of(shown, 4)
    rows = {b"": header(), b"q": entry(dtype, (4,), 0, array.nbytes, masked(array.tobytes()))}
    flat = opened(write_raw(prefix, rows, array.tobytes()))["q"]
    assert flat.remark == f"stored as {dtype}"
    assert same(flat.tensor.read(), array)


def test_what_has_no_values_that_are_read_is_told(opened, prefix: Path):
    rows = {
        b"": header(),
        b"a": entry("variant", (2,), 0, 5),
        b"b": entry("resource", (), 5, 0),
        b"c": number(1, 99) + message(2, shape_proto((3,))),
        b"d": entry("float32", (), 5, 4),
    }
    found = opened(write_raw(prefix, rows, bytes(9)))
    assert [(each.spec.dtype, each.spec.shape) for each in found.values()][:3] == [
        ("variant", (2,)),
        ("resource", ()),
        ("number 99", (3,)),
    ]
    for key in "abc":
        assert found[key].unread == f"values of dtype {found[key].spec.dtype} are not read"
        with pytest.raises(FormatError, match="are not read"):
            found[key].tensor.read()
    assert found["d"].tensor.read() == 0


# -- strings ----------------------------------------------------------------------------------------------------------

STRINGS = [b"", b"plain", "ü".encode(), b"\xff\0\xfe", b"x" * 300]


@pytest.mark.parametrize("big_endian", [False, True])
def test_strings_keep_their_bytes(opened, prefix: Path, big_endian: bool):
    flat = opened(write_bundle(prefix, {"s": STRINGS, "none": []}, big_endian))["s"]
    assert (flat.spec.shape, flat.spec.dtype) == ((5,), "string")
    assert flat.tensor.read().tolist() == STRINGS
    assert flat.tensor.read((slice(4, 0, -2),)).tolist() == [b"x" * 300, "ü".encode()]
    assert flat.tensor.read(((1, 1),)).tolist() == [b"plain", b"plain"]
    assert flat.tensor.read((1,))[()] == b"plain"
    assert [each for block in flat.tensor.blocks(2) for each in block] == STRINGS


def test_no_strings(opened, prefix: Path):
    flat = opened(write_bundle(prefix, {"none": []}))["none"]
    assert flat.tensor.read().shape == (0,)
    assert list(flat.tensor.blocks(100)) == []


@pytest.mark.parametrize(
    ("at", "reason"),
    [(0, "don't add up|cut short"), (6, "strings' lengths doesn't"), (20, "its strings doesn't")],
)
def test_damaged_strings_are_refused(opened, prefix: Path, at: int, reason: str):
    raw, crc = stored_strings(STRINGS)
    wrong = bytearray(raw)
    wrong[at] ^= 1
    rows = {b"": header(), b"s": entry("string", (5,), 0, len(raw), crc)}
    flat = opened(write_raw(prefix, rows, bytes(wrong)))["s"]
    with pytest.raises(FormatError, match=reason) as caught:
        flat.tensor.read()
    assert f"{prefix}.data-00000-of-00001: s: " in str(caught.value)


@pytest.mark.parametrize("count", [1 << 40, 4, 6, 300])
def test_strings_of_another_number_are_refused(opened, prefix: Path, count: int):
    raw, crc = stored_strings(STRINGS)
    rows = {b"": header(), b"s": entry("string", (count,), 0, len(raw), crc)}
    with pytest.raises(FormatError):
        opened(write_raw(prefix, rows, raw))["s"].tensor.read()


# -- slices -----------------------------------------------------------------------------------------------------------

WHOLE = np.arange(6 * 8, dtype=np.float32).reshape(6, 8)


def cut(*boxes: tuple[slice, ...]) -> tuple[str, tuple[int, ...], dict]:
    """A tensor in slices, as `write_bundle` takes it."""
    parts = {}
    for box in boxes:
        extents = [FULL if each == slice(None) else (each.start, each.stop - each.start) for each in box]
        parts[tuple(extents)] = WHOLE[box]
    return "float32", WHOLE.shape, parts


ROWS = cut((slice(0, 1), slice(None)), (slice(1, 4), slice(None)), (slice(4, 6), slice(None)))
COLUMNS = cut((slice(None), slice(0, 3)), (slice(None), slice(3, 8)))
GRID = cut(*((slice(r, r + 3), slice(c, c + 4)) for r in (0, 3) for c in (0, 4)))
PINWHEEL = cut(
    (slice(0, 2), slice(0, 5)), (slice(0, 4), slice(5, 8)), (slice(4, 6), slice(3, 8)), (slice(2, 6), slice(0, 3)),
    (slice(2, 4), slice(3, 5)),
)  # fmt: skip
ONE = cut((slice(None), slice(None)))
LAYOUTS = {"rows": ROWS, "columns": COLUMNS, "grid": GRID, "pinwheel": PINWHEEL, "one": ONE}
INDICES = [
    (),
    (slice(0, 6, 1), slice(0, 8, 1)),
    (2, slice(0, 8, 1)),
    (5, 7),
    (slice(5, None, -1), slice(7, 0, -3)),
    (slice(1, 6, 3), slice(2, 7, 2)),
    ((5, 0, 0, 3), slice(0, 8, 1)),
    (slice(4, 1, -1), (7, 2, 4)),
    (slice(0, 0, 1), slice(0, 8, 1)),
    ((), 3),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_slices_are_one_tensor(opened, prefix: Path, layout: str, index):
    found = opened(write_bundle(prefix, {"w": LAYOUTS[layout], "other": WHOLE}))
    assert list(found) == ["other", "w"]
    assert found["w"].spec.shape == (6, 8)
    assert same(found["w"].tensor.read(index), take(WHOLE, index).copy())


@pytest.mark.parametrize("layout", LAYOUTS)
def test_slices_are_read_in_blocks(opened, prefix: Path, layout: str):
    flat = opened(write_bundle(prefix, {"w": LAYOUTS[layout]}))["w"]
    for max_nbytes in (1, 40, 100, 1 << 20):
        assert same(read_by_blocks(flat, max_nbytes), WHOLE.reshape(-1))


def test_only_the_slices_that_are_met_are_read(opened, prefix: Path):
    write_bundle(prefix, {"w": ROWS})
    data = Path(f"{prefix}.data-00000-of-00001")
    wrong = bytearray(data.read_bytes())
    wrong[-1] ^= 1  # the last slice's CRC is wrong now
    data.write_bytes(wrong)
    flat = opened(prefix)["w"]
    assert same(flat.tensor.read((slice(0, 4, 1), slice(0, 8, 1))), WHOLE[:4])
    with pytest.raises(FormatError, match="checksum"):
        flat.tensor.read()


def without(layout: tuple, count: int = 1) -> tuple:
    return (*layout[:2], dict(list(layout[2].items())[count:]))


def sliced(parts: list, shape: tuple[int, ...] = (6, 8)) -> tuple:
    return "float32", shape, {extents: np.zeros(size, np.float32) for extents, size in parts}


NO_COVER = [
    (without(ROWS), "hold 40 elements, and it has 48"),
    (without(PINWHEEL, 4), "hold 4 elements"),
    (sliced([(((0, 4), FULL), (4, 8)), (((3, 2), FULL), (2, 8))]), "overlap"),
    (sliced([(((0, 3), (0, 8)), (3, 8)), (((1, 3), FULL), (3, 8))]), "overlap"),
    (sliced([(((0, 3), (0, 4)), (3, 4)), (((2, 3), (0, 4)), (3, 4)), (((0, 6), (4, 4)), (6, 4))]), "overlap"),
    (sliced([(((0, 7), FULL), (7, 8))]), "outside"),
    (sliced([(((-1, 2), FULL), (2, 8))]), "outside"),
    (sliced([(((1 << 62, 2), FULL), (2, 8))]), "outside"),
    (sliced([((FULL,), (6,))]), "another rank"),
    (sliced([((FULL, FULL), (6, 7))]), "another dtype or shape"),
]


@pytest.mark.parametrize(("tensor", "reason"), NO_COVER)
def test_slices_that_are_no_whole_are_put_aside(opened, prefix: Path, tensor, reason: str):
    found = opened(write_bundle(prefix, {"w": tensor, "other": WHOLE}))
    assert reason in found["w"].unread
    assert same(found["other"].tensor.read(), WHOLE)


def test_a_slice_that_is_missing_or_nobodys_is_told(opened, prefix: Path):
    box = ((0, 6), (0, 8))
    rows = {
        b"": header(),
        slice_key("gone", box): entry("float32", (6, 8), 0, 192),
        b"w": entry("float32", (6, 8), 0, 0, None, 0, [box]),
    }
    found = opened(write_raw(prefix, rows, WHOLE.tobytes()))
    assert found.pop("w").unread == "a slice of it is not there"
    [nobodys] = found.values()
    assert "gone" in nobodys.key
    assert nobodys.unread == "a slice of a tensor that is not listed"


def test_many_slices_are_joined_at_once(opened, prefix: Path):
    count = 1500
    along = {((n, 1), FULL): np.full((1, 2), n, np.float32) for n in range(count)}
    across = {((n, 1), (m, 1)): np.full((1, 1), n, np.float32) for n in range(count) for m in range(2)}
    found = opened(
        write_bundle(prefix, {"w": ("float32", (count, 2), along), "x": ("float32", (count, 2), across)})
    )
    for key in "wx":
        assert found[key].tensor.read((count - 1, 1)) == count - 1


def test_slices_along_many_axes_are_put_aside(opened, prefix: Path):
    halves = {tuple((n, 1) for n in which): np.zeros((1,) * 9, np.float32) for which in np.ndindex(*(2,) * 9)}
    found = opened(write_bundle(prefix, {"w": ("float32", (2,) * 9, halves)}))
    assert found["w"].unread == "its slices are cut along more than 8 axes"


def test_strings_in_slices(opened, prefix: Path):
    parts = {((0, 2),): [b"a", b"\xff"], ((2, 1),): [b"c"]}
    found = opened(write_bundle(prefix, {"s": ("string", (3,), parts)}))
    assert found["s"].tensor.read().tolist() == [b"a", b"\xff", b"c"]
    assert found["s"].tensor.read((2,))[()] == b"c"
