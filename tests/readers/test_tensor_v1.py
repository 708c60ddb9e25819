from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from tests.dtypes import COMMON, dtype_of, same
from tests.readers.files import REAL, ZOO
from tests.readers.tensor_files import (
    FULL,
    message,
    number,
    shape_proto,
    slice_key,
    slice_proto,
    table,
    write_v1,
)
from tests.zoo_maker.values import digest
from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.model.tensor import take
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_bundle import Bundle
from weightrepl.readers.tensor_table import Table
from weightrepl.readers.tensor_v1 import open_bundle_v1

Opens = Callable[..., Mapping[str, Flat]]
V1 = ZOO / "tf" / "saver_v1_graph" / "v1" / "model.ckpt"
WHOLE = np.arange(6 * 8, dtype=np.float32).reshape(6, 8)


@pytest.fixture
def opened() -> Iterator[Opens]:
    """Opens the files of a checkpoint, gives its tensors by key, and closes it in the end."""
    bundles: list[Bundle] = []

    def open_(*paths: Path, limits: Limits = STANDARD) -> Mapping[str, Flat]:
        bundles.append(open_bundle_v1([str(path) for path in paths], limits))
        return {each.key: each for each in bundles[-1].tensors}

    yield open_
    for bundle in bundles:
        bundle.close()


def array_of(dtype: str, *shape: int) -> np.ndarray:
    """Numbers to the ends of the dtype, so that some take many bytes."""
    kind = dtype_of(dtype)
    values = np.arange(int(np.prod(shape)))
    if kind.kind in "iu":
        info = np.iinfo(kind)
        return np.array([(info.min, info.max, 0, 1, 100, 5)[i % 6] for i in values], kind).reshape(shape)
    return (values % 2 if dtype == "bool" else values - 3).astype(kind).reshape(shape)


def test_the_zoos_values_are_those_that_were_written(opened: Opens):
    found = opened(V1)
    oracle = json.loads((ZOO / "tf" / "saver_v1_graph" / "oracle.json").read_text())
    assert sorted(found) == sorted(row["keras_path"] for row in oracle["weights"])
    for row in oracle["weights"]:
        array = found[row["keras_path"]].tensor.read()
        assert (list(array.shape), str(array.dtype)) == (row["shape"], row["dtype"])
        assert digest(array) == row["sha256"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the files of others are not here")
def test_the_file_of_others(opened: Opens):
    found = opened(REAL / "files/ck1-half-plus-two/half_plus_two/00000123/export-00000-of-00001")
    assert {key: float(flat.tensor.read()) for key, flat in found.items()} == {"a": 0.5, "b": 2.0}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", COMMON)
def test_every_dtype(opened: Opens, tmp_path: Path, dtype: str, packed: bool):
    arrays = {"w": array_of(dtype, 3, 5), "scalar": array_of(dtype), "empty": array_of(dtype, 2, 0)}
    found = opened(write_v1(tmp_path / "ck", arrays, packed=packed, per_block=2))
    for key, array in arrays.items():
        flat = found[key]
        assert (flat.spec.shape, flat.spec.dtype, flat.unread) == (array.shape, dtype, "")
        assert same(flat.tensor.read(), array)
    index = (slice(2, None, -1), (4, 0))
    assert same(found["w"].tensor.read(index), take(arrays["w"], index).copy())
    assert same(np.concatenate(list(found["w"].tensor.blocks(16))), arrays["w"].reshape(-1))


def test_strings_keep_their_bytes(opened: Opens, tmp_path: Path):
    written = [b"", b"\xff\0", "ü".encode()]
    found = opened(write_v1(tmp_path / "ck", {"s": ("string", (3,), {(FULL,): written})}))
    assert found["s"].spec.dtype == "string"
    assert found["s"].tensor.read().tolist() == written
    assert found["s"].tensor.read((1,))[()] == b"\xff\0"
    assert [each for block in found["s"].tensor.blocks(9) for each in block] == written


def test_numbers_that_are_not_packed(opened: Opens, tmp_path: Path):
    """A TensorProto may have its values one by one, each behind its own tag."""
    meta = message(1, b"w") + message(2, shape_proto((3,))) + number(3, 9) + message(4, slice_proto([FULL]))
    proto = b"".join(number(10, value) for value in (-1, 5, 1 << 40))
    saved = message(1, b"w") + message(2, slice_proto([FULL])) + message(3, proto)
    rows = [(b"", message(1, message(1, meta))), (slice_key("w", [FULL]), message(2, saved))]
    (tmp_path / "ck").write_bytes(table(rows))
    assert opened(tmp_path / "ck")["w"].tensor.read().tolist() == [-1, 5, 1 << 40]


# -- slices and shards ------------------------------------------------------------------------------------------------

TOP, BOTTOM = ((0, 2), FULL), ((2, 4), FULL)


def test_slices_are_one_tensor(opened: Opens, tmp_path: Path):
    parts = {TOP: WHOLE[:2], BOTTOM: WHOLE[2:]}
    flat = opened(write_v1(tmp_path / "ck", {"w": ("float32", (6, 8), parts)}))["w"]
    assert same(flat.tensor.read(), WHOLE)
    assert same(flat.tensor.read((3, slice(0, 8, 2))), WHOLE[3, ::2].copy())


def test_slices_may_lie_in_several_files(opened: Opens, tmp_path: Path):
    one = write_v1(tmp_path / "ck-00000-of-00002", {"a": WHOLE, "w": ("float32", (6, 8), {TOP: WHOLE[:2]})})
    two = write_v1(
        tmp_path / "ck-00001-of-00002", {"b": WHOLE, "w": ("float32", (6, 8), {BOTTOM: WHOLE[2:]})}
    )
    found = opened(one, two)
    assert list(found) == ["a", "w", "b"]
    assert [found[key].file for key in "ab"] == [str(one), str(two)]
    assert same(found["w"].tensor.read(), WHOLE)
    alone = opened(two)
    assert same(alone["b"].tensor.read(), WHOLE)
    assert "hold 32 elements, and it has 48" in alone["w"].unread
    assert "1 of 2 shards are there" in alone["ck-?????-of-00002"].unread


def test_a_shard_that_is_a_link_out_of_the_folder_is_refused(opened: Opens, tmp_path: Path):
    (tmp_path / "in").mkdir()
    one, two = (tmp_path / "in" / f"ck-0000{n}-of-00002" for n in (0, 1))
    write_v1(one, {"a": WHOLE})
    two.symlink_to(write_v1(tmp_path / "secret", {"b": WHOLE}))
    with pytest.raises(UnsafeFileError, match="leads out of the folder"):
        open_bundle_v1([str(one), str(two)])
    assert list(opened(one, two, limits=Limits(outside_links=1))) == ["a", "b"]
    assert "b" in opened(two)


# -- wrong ones -------------------------------------------------------------------------------------------------------


def meta_of(dtype: int, shape: bytes, *slices: bytes) -> bytes:
    meta = message(1, b"w") + message(2, shape) + number(3, dtype)
    return message(1, message(1, meta + b"".join(message(4, each) for each in slices)))


WRONG = [
    # what the file says of the tensor, the reason
    (meta_of(1, shape_proto((4,)), slice_proto([(0, 3)])), "hold 3 elements, and it has 4"),
    (meta_of(1, shape_proto((4,)), slice_proto([FULL]), slice_proto([FULL])), "hold 8 elements"),
    (meta_of(1, shape_proto((4,)), slice_proto([(0, 3), FULL])), "another rank"),
    (meta_of(1, shape_proto((4,)), slice_proto([(3, 3)])), "outside"),
    (meta_of(1, shape_proto((4,))), "hold 0 elements"),
    (meta_of(21, shape_proto((4,)), slice_proto([FULL])), "values of dtype variant are not read"),
    (meta_of(77, shape_proto((4,)), slice_proto([FULL])), "values of dtype number 77 are not read"),
    (meta_of(1, shape_proto((1,) * 65), slice_proto([FULL] * 65)), "65 axes, and rank is limited to 64"),
]


@pytest.mark.parametrize(("told", "reason"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_tensor_is_put_aside(opened: Opens, tmp_path: Path, told: bytes, reason: str):
    (tmp_path / "ck").write_bytes(table([(b"", told)]))
    flat = opened(tmp_path / "ck")["w"]
    assert reason in flat.unread
    with pytest.raises(FormatError, match="ck: w: "):
        flat.tensor.read()


VALUES = [
    # the SavedTensorSlices with the values, the reason
    (b"", "no values"),
    (message(2, b""), "no values"),
    (message(2, message(3, message(5, b"abc"))), "buffer size"),
    (message(2, message(3, message(5, b"abcd"))), "1 values"),
    (message(2, message(3, message(5, bytes(20)))), "5 values"),
    (message(2, message(3, message(6, bytes(16)))), "0 values"),
    (b"\xff", "cut short"),
]


@pytest.mark.parametrize(("value", "reason"), VALUES, ids=range(len(VALUES)))
def test_wrong_values_are_named(opened: Opens, tmp_path: Path, value: bytes, reason: str):
    told = meta_of(1, shape_proto((4,)), slice_proto([FULL]))
    (tmp_path / "ck").write_bytes(table([(b"", told), (slice_key("w", [FULL]), value)]))
    with pytest.raises(FormatError, match=f"ck: w: .*{reason}"):
        opened(tmp_path / "ck")["w"].tensor.read()


@pytest.mark.parametrize("packed", [b"\x80", b"\x01\x80", b"\x80" * 11 + b"\1"])
def test_numbers_that_are_cut_short_are_named(opened: Opens, tmp_path: Path, packed: bytes):
    told = meta_of(3, shape_proto((1,)), slice_proto([FULL]))
    value = message(2, message(3, message(7, packed)))
    (tmp_path / "ck").write_bytes(table([(b"", told), (slice_key("w", [FULL]), value)]))
    with pytest.raises(FormatError, match=r"cut short|64 bits"):
        opened(tmp_path / "ck")["w"].tensor.read()


def test_a_slice_that_is_not_there_is_named(opened: Opens, tmp_path: Path):
    (tmp_path / "ck").write_bytes(table([(b"", meta_of(1, shape_proto((4,)), slice_proto([FULL])))]))
    with pytest.raises(FormatError, match=r"ck: w: .*a slice of it is not there"):
        opened(tmp_path / "ck")["w"].tensor.read()


@pytest.mark.parametrize(
    "content", [b"", b"x" * 99, table([]), table([(b"", number(1, 1))]), table([(b"a", b"b")])]
)
def test_no_checkpoint_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "ck").write_bytes(content)
    with pytest.raises(FormatError, match="no checkpoint") as caught:
        open_bundle_v1([str(tmp_path / "ck")])
    assert str(tmp_path / "ck") in str(caught.value)


def test_the_number_of_tensors_is_limited(tmp_path: Path):
    path = write_v1(tmp_path / "ck", {"a": WHOLE, "b": WHOLE, "c": WHOLE})
    with pytest.raises(UnsafeFileError, match="3 tensors, and tensors is limited to 2"):
        open_bundle_v1([str(path)], Limits(tensors=2))


def test_changed_values_are_noticed_where_they_lie(opened: Opens, tmp_path: Path):
    path = write_v1(tmp_path / "ck", {"a": WHOLE, "b": WHOLE}, per_block=2)
    content = bytearray(path.read_bytes())
    content[content.rindex(WHOLE[-1].tobytes())] ^= 1
    path.write_bytes(content)
    found = opened(path)
    assert same(found["a"].tensor.read(), WHOLE)
    with pytest.raises(FormatError, match=r"ck: .*checksum"):
        found["b"].tensor.read()


def test_a_closed_or_changed_checkpoint_is_named(tmp_path: Path):
    path = write_v1(tmp_path / "ck", {"a": WHOLE})
    for change in (lambda bundle: bundle.close(), lambda _: path.write_bytes(b"other")):
        bundle = open_bundle_v1([str(path)])
        change(bundle)
        with pytest.raises(ChangedError, match=str(path)):
            bundle.tensors[0].tensor.read()
        bundle.close()


@pytest.mark.parametrize("seed", range(26))
def test_a_mutated_checkpoint_ends_in_a_result_or_a_named_error(tmp_path: Path, seed: int):
    """Rows of the table are mutated and the table made anew, so that its checksums don't hide what comes behind."""
    chance = random.Random(seed)
    parts = {TOP: WHOLE[:2], BOTTOM: WHOLE[2:]}
    arrays = {
        "i": array_of("int64", 3),
        "w": ("float32", (6, 8), parts),
        "s": ("string", (1,), {(FULL,): [b"x"]}),
    }
    rows = dict(rows_of(write_v1(tmp_path / "ck", arrays)))
    for _ in range(40):
        mutated = dict(rows)
        for key in chance.sample(sorted(rows), 2):
            value = bytearray(mutated[key])
            for _ in range(chance.randint(1, 3)):
                value[chance.randrange(min(60, len(value)))] = chance.choice(
                    (0, 1, 0x7F, 0xFF, chance.randrange(256))
                )
            mutated[key] = bytes(value)
        (tmp_path / "ck").write_bytes(table(sorted(mutated.items())))
        with suppress(SourceError):
            bundle = open_bundle_v1([str(tmp_path / "ck")])
            for flat in bundle.tensors:
                with suppress(SourceError):
                    flat.tensor.read()
                    assert not flat.unread
            bundle.close()


def rows_of(path: Path) -> list[tuple[bytes, bytes]]:
    source = ByteSource(str(path))
    rows = list(Table(source).entries())
    source.close()
    return rows
