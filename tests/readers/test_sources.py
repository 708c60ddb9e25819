from __future__ import annotations

import os
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.dtypes import DTYPES, array_of, dtype_of
from tests.readers.files import cut, replaced, written
from weightrepl.errors import ChangedError, FormatError, SourceError
from weightrepl.model.tensor import AxisIndex, TensorSpec, indexed_shape, take
from weightrepl.readers import gathering
from weightrepl.readers.sources import ByteSource


def write(path: Path, array: np.ndarray, offset: int = 3) -> ByteSource:
    """Write an array behind some bytes, so that it lies unaligned."""
    path.write_bytes(b"\xff" * offset + array.tobytes() + b"\xff" * 5)
    return ByteSource(str(path))


def axis_index(size: int) -> st.SearchStrategy[AxisIndex]:
    options = [st.slices(size).map(lambda s: slice(*s.indices(size)) if (s.step or 1) > 0 else slice(None))]
    if size:
        position = st.integers(0, size - 1)
        options += [position, st.lists(position, max_size=5).map(tuple)]
    return st.one_of(options)


@st.composite
def indexed(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[AxisIndex, ...]]:
    shape = tuple(draw(st.lists(st.integers(0, 6), max_size=4)))
    index = [draw(axis_index(size)) for size in shape]
    lists = [i for i, each in enumerate(index) if isinstance(each, tuple)]
    for i in lists[1:]:
        index[i] = slice(None)
    return shape, tuple(index)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("big_endian", [False, True])
def test_every_dtype_in_both_byte_orders(tmp_path: Path, dtype: str, big_endian: bool):
    array = array_of(dtype, 3, 4)
    stored = array.view("u1" if array.itemsize == 1 else array.dtype)
    if big_endian and array.itemsize > 1:
        part = array.itemsize // (2 if dtype.startswith("complex") else 1)
        stored = array.view(f"u{part}").byteswap()
    source = write(tmp_path / "a", stored)
    tensor = source.tensor(TensorSpec((3, 4), dtype), 3, big_endian=big_endian)
    for index in ((), (1, slice(None)), (slice(0, 3, 2), 2), (slice(None), (3, 0, 3))):
        found = tensor.read(index)
        assert found.dtype == dtype_of(dtype)
        assert found.dtype.isnative
        assert found.flags.aligned
        assert found.flags.owndata or found.base is not None
        assert found.tobytes() == np.ascontiguousarray(take(array, index)).tobytes()
    assert np.concatenate(list(tensor.blocks(8))).tobytes() == array.tobytes()


@given(indexed())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_slices_equal_numpy_s(tmp_path: Path, case: tuple[tuple[int, ...], tuple[AxisIndex, ...]]):
    shape, index = case
    array = array_of("int32", *shape)
    source = write(tmp_path / "a", array)
    found = source.tensor(TensorSpec(shape, "int32"), 3).read(index)
    assert found.shape == indexed_shape(shape, index)
    np.testing.assert_array_equal(found, take(array, index))
    source.close()


@pytest.mark.parametrize(
    ("index", "ranges", "read"),
    [
        ((), 1, 4_800_000),
        ((slice(0, 300), slice(10, 20)), 1, 3_588_040),  # rows of 12 kB: to read on is quicker
        ((slice(0, 200, 2), slice(None)), 1, 2_388_000),
        (((300, 2, 300), slice(None)), 2, 24_000),  # far apart, and the one that is wanted twice is read once
        ((slice(None, None, -100), (7, 5)), 4, 48),
        ((3, slice(None)), 1, 12_000),
        ((3, 5), 1, 4),
    ],
)
def test_what_lies_far_apart_is_read_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: tuple[AxisIndex, ...], ranges: int, read: int
):
    array = array_of("float32", 400, 3000)
    source = write(tmp_path / "a", array)
    asked: list[tuple[int, int]] = []
    plain = ByteSource.read_parts
    monkeypatch.setattr(
        ByteSource,
        "read_parts",
        lambda self, at, nbytes, into: (asked.append((len(at), nbytes)), plain(self, at, nbytes, into))[1],
    )
    found = source.tensor(TensorSpec((400, 3000), "float32"), 3).read(index)
    np.testing.assert_array_equal(found, take(array, index))
    assert (sum(count for count, _ in asked), sum(count * nbytes for count, nbytes in asked)) == (
        ranges,
        read,
    )


def test_a_long_range_of_which_parts_are_kept_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(gathering, "_PIECE_NBYTES", 1000)
    array = array_of("int32", 3, 5, 700)
    source = write(tmp_path / "a", array)
    tensor = source.tensor(TensorSpec((3, 5, 700), "int32"), 3)
    for index in (
        (slice(None), slice(0, 5, 2), slice(0, 700, 3)),
        (slice(None), 1, slice(5, None, 2)),
        ((2, 0), slice(None), slice(None, None, -1)),
        (slice(0, 3, 2), (4, 0, 4), 699),
    ):
        np.testing.assert_array_equal(tensor.read(index), take(array, index))


def test_a_platform_without_preadv_reads_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delattr(os, "preadv", raising=False)
    array = array_of("float32", 4, 5)
    source = write(tmp_path / "a", array)
    np.testing.assert_array_equal(source.tensor(TensorSpec((4, 5), "float32"), 3).read(), array)
    source.close()


def test_blocks_are_no_larger_than_asked(tmp_path: Path):
    array = array_of("float64", 7, 9)
    source = write(tmp_path / "a", array)
    tensor = source.tensor(TensorSpec((7, 9), "float64"), 3)
    assert {block.nbytes for block in tensor.blocks(80)} == {80, 63 * 8 % 80}
    assert [block.size for block in tensor.blocks(1)] == [1] * 63
    assert list(source.tensor(TensorSpec((0, 9), "float64"), 3).blocks(80)) == []


def test_one_weight_costs_one_weight(tmp_path: Path):
    shape = (2048, 1024)
    source = write(tmp_path / "a", np.ones(shape, "float32"))
    tensor = source.tensor(TensorSpec(shape, "float32"), 3)
    tensor.read((slice(0, 1), slice(None)))
    tracemalloc.start()
    found = tensor.read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < found.nbytes * 1.1


def test_what_lies_outside_is_refused_before_reading(tmp_path: Path):
    source = write(tmp_path / "a", np.ones(4, "float32"))
    with pytest.raises(FormatError):
        source.tensor(TensorSpec((1 << 40,), "float32"), 0)
    with pytest.raises(FormatError):
        source.tensor(TensorSpec((1,), "float32"), -4)
    with pytest.raises(FormatError):
        source.read(10, 1000)


def test_what_has_no_size_is_not_read(tmp_path: Path):
    source = write(tmp_path / "f", np.arange(9.0))
    with pytest.raises(FormatError, match="f: layers/a: no values of dtype string can be read"):
        source.tensor(TensorSpec((2,), "string", 0), 0, place="layers/a")


def test_a_closed_source_says_so(tmp_path: Path):
    source = write(tmp_path / "a", np.ones((4, 4), "float32"))
    tensor = source.tensor(TensorSpec((4, 4), "float32"), 3)
    kept = tensor.read()
    source.close()
    source.close()
    for use in (tensor.read, lambda: tensor.read((slice(None), 1)), lambda: next(tensor.blocks(4))):
        with pytest.raises(ChangedError, match="closed"):
            use()
    assert kept.sum() == 16


@pytest.mark.parametrize("change", [cut, written, replaced, os.remove])
def test_a_changed_file_is_not_read(tmp_path: Path, change):
    source = write(tmp_path / "a", np.ones((4, 4), "float32"))
    tensor = source.tensor(TensorSpec((4, 4), "float32"), 3)
    tensor.read((slice(None), 1))
    change(tmp_path / "a")
    for index in ((), (1, slice(None)), (slice(None), 1)):
        with pytest.raises(ChangedError, match="changed since it was opened"):
            tensor.read(index)


@pytest.mark.parametrize("change", [cut, written, replaced])
def test_headers_of_a_changed_file_are_not_read(tmp_path: Path, change):
    source = write(tmp_path / "a", np.ones((400, 400), "float32"))
    assert source.header(0, 4) == b"\xff\xff\xff\0"
    change(tmp_path / "a")
    for use in (lambda: source.header(100_000, 4), lambda: source.header(0, 100_000)):
        with pytest.raises(ChangedError):
            use()


def test_headers_are_read_across_blocks_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content = np.random.default_rng(0).integers(0, 256, 70_000, "u1").tobytes()
    (tmp_path / "a").write_bytes(content)
    source = ByteSource(str(tmp_path / "a"))
    read: list[int] = []
    plain = ByteSource.read
    monkeypatch.setattr(ByteSource, "read", lambda self, at, n: (read.append(at), plain(self, at, n))[1])
    for start in (0, 10, 16_000, 16_380, 69_990, 65_000):
        for nbytes in (0, 1, 10, 700):
            if start + nbytes <= len(content):
                assert source.header(start, nbytes) == content[start : start + nbytes]
    assert sorted(read) == [0, 16_000, 16_380, 16_380, 49_152, 65_000, 65_536]
    for start, nbytes in ((69_999, 2), (80_000, 1), (1 << 60, 8)):
        with pytest.raises(FormatError):
            source.header(start, nbytes)


def test_few_blocks_of_headers_are_kept(tmp_path: Path):
    with open(tmp_path / "a", "wb") as file:
        file.truncate(100 << 20)
    source = ByteSource(str(tmp_path / "a"))
    tracemalloc.start()
    for offset in range(0, 100 << 20, 16384):
        source.header(offset, 8)
    assert tracemalloc.get_traced_memory()[1] < 6 << 20
    tracemalloc.stop()


def test_a_file_that_is_not_there():
    with pytest.raises(SourceError, match="No such file"):
        ByteSource("not there")


def test_what_the_system_can_not_read_is_told_with_the_place(tmp_path: Path):
    source = write(tmp_path / "f", np.arange(9.0))
    cannot_read = os.open(tmp_path / "f", os.O_WRONLY)
    os.dup2(cannot_read, source._number)
    os.close(cannot_read)
    with pytest.raises(SourceError, match="f: byte 11: Bad file descriptor"):
        source.read(11, 8)


def test_threads_read_what_is_there(tmp_path: Path):
    array = array_of("int64", 64, 64)
    source = write(tmp_path / "a", array)
    tensor = source.tensor(TensorSpec((64, 64), "int64"), 3)
    wrong: list[object] = []

    def read(start: int) -> None:
        for i in range(200):
            row = (start + i) % 64
            for index in ((row, slice(None)), (slice(None), row)):
                if not np.array_equal(tensor.read(index), take(array, index)):
                    wrong.append(index)

    threads = [threading.Thread(target=read, args=(8 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_closing_while_others_read_never_mixes_files(tmp_path: Path):
    """A number that the system gives to the next file must not be read from."""
    array = np.full((256, 256), 7, "int32")
    (tmp_path / "b").write_bytes(b"\x09" * array.nbytes)
    for _ in range(30):
        source = write(tmp_path / "a", array)
        tensor = source.tensor(TensorSpec((256, 256), "int32"), 3)
        started, seen = threading.Event(), set[int]()

        def read(tensor=tensor, started=started, seen=seen) -> None:
            try:
                while True:
                    seen.update(np.unique(tensor.read()).tolist())
                    started.set()
            except ChangedError:
                started.set()

        thread = threading.Thread(target=read)
        thread.start()
        started.wait()
        source.close()
        other = ByteSource(str(tmp_path / "b"))
        thread.join()
        other.close()
        assert seen <= {7}
