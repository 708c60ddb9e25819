"""What is written is read back by each format's own library, whole or not at all."""

from __future__ import annotations

import json
import os
import resource
import stat
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open

from tests import leave
from weightrepl.engine.table import Table
from weightrepl.errors import FormatError, OutputError
from weightrepl.writers import check, write, write_table


@dataclass
class Held:
    """A weight as the writers see it. `reads` counts how often its values were asked for."""

    address: str
    values: np.ndarray
    reads: list[str] = field(default_factory=list)

    @property
    def shape(self):
        return self.values.shape

    @property
    def dtype(self):
        return self.values.dtype.name

    def numpy(self):
        self.reads.append(self.address)
        return self.values


KERNEL = Held("m/a:kernel", np.arange(12, dtype="f4").reshape(3, 4) / 10)
BIAS = Held("m/a:bias", np.array([1, -2, 3], "i8"))
SCALAR = Held("m/层/x\\:y:0", np.array(0.5, "f8"))
FORTRAN = Held("m/b:kernel", np.asfortranarray(np.arange(6, dtype="f2").reshape(2, 3)))
FLAGS = Held("m/b:mask", np.array([True, False]))
COMPLEX = Held("m/c:z", np.array([1 + 2j], "c8"))
EMPTY = Held("m/c:none", np.zeros((0, 4), "f4"))
SLICED = Held("m/a:kernel[0, :]", np.arange(4, dtype="f4"))
PLAIN = [KERNEL, BIAS, SCALAR, FORTRAN, FLAGS, COMPLEX, EMPTY, SLICED]


def odd(dtype: str) -> Held:
    return Held(f"m/odd:{dtype}", np.array([[0, 1], [-1, 1]], getattr(ml_dtypes, dtype)))


ODD = [odd(name) for name in ("bfloat16", "float8_e4m3fn", "float8_e5m2", "int4")]


def same(read: np.ndarray, held: Held) -> bool:
    return read.dtype == held.values.dtype and read.shape == held.shape and np.array_equal(read, held.values)


# ------------------------------------------------------------------ each format, read back


def test_npz_gives_back_every_weight_under_its_address(tmp_path: Path):
    path = tmp_path / "out.npz"
    assert write(PLAIN, str(path)) == ()
    with np.load(path) as read:
        assert read.files == [h.address for h in PLAIN]
        assert all(same(read[h.address], h) for h in PLAIN)


def test_npz_holds_raw_bytes_where_numpy_has_no_name_and_says_so(tmp_path: Path):
    path = str(tmp_path / "out.npz")
    notes = write([*ODD, KERNEL], path)
    assert [n.code for n in notes] == ["raw-bytes"] * 4
    assert notes[0].hint == "read it with array.view(ml_dtypes.bfloat16)"
    with np.load(path) as read:
        for held in ODD:
            assert same(read[held.address].view(getattr(ml_dtypes, held.dtype)), held)


@pytest.mark.parametrize("held", PLAIN, ids=lambda h: h.address)
def test_npy_gives_back_the_one_weight(held: Held, tmp_path: Path):
    path = tmp_path / "out.npy"
    write([held], str(path))
    assert same(np.load(path), held)


def test_safetensors_is_read_by_its_library(tmp_path: Path):
    path = tmp_path / "out.safetensors"
    held = [h for h in PLAIN if h is not COMPLEX]
    assert write([*held, *ODD[:3]], str(path)) == ()
    with safe_open(path, "np") as file:
        assert all(same(file.get_tensor(h.address), h) for h in held)
        assert [file.get_slice(h.address).get_dtype() for h in ODD[:3]] == ["BF16", "F8_E4M3", "F8_E5M2"]
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    for h in [*held, *ODD[:3]]:
        start, end = header[h.address]["data_offsets"]
        assert raw[8 + size + start : 8 + size + end] == h.values.tobytes()
        assert (8 + size + start) % h.values.dtype.itemsize == 0


def test_safetensors_refuses_what_it_has_no_name_for(tmp_path: Path):
    with pytest.raises(
        OutputError, match=r"m/odd:int4 is int4, which \.safetensors can't hold; \.npz and \.h5 can"
    ):
        write([KERNEL, ODD[3]], str(tmp_path / "out.safetensors"))
    assert os.listdir(tmp_path) == []


def test_h5_holds_layers_as_groups(tmp_path: Path):
    path = tmp_path / "out.h5"
    assert write([*PLAIN, *ODD], str(path)) == ()
    with h5py.File(path) as read:
        assert {"a:kernel", "a:kernel[0, :]", "层", "odd:int4"} < set(read["m"])
        assert all(same(read[h.address][()], h) for h in PLAIN)
        for held in ODD:
            dataset = read[held.address]
            assert dataset.attrs["dtype"] == held.dtype
            assert same(dataset[()].view(getattr(ml_dtypes, held.dtype)), held)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
@pytest.mark.parametrize(
    "held", [KERNEL, BIAS, SCALAR, FORTRAN, FLAGS, SLICED, *ODD], ids=lambda h: h.address
)
def test_text_holds_the_numbers_exactly(held: Held, suffix: str, tmp_path: Path):
    path = tmp_path / f"out{suffix}"
    write([held], str(path))
    read = np.loadtxt(path, delimiter="," if suffix == ".csv" else "\t", dtype="f8", ndmin=2)
    assert np.array_equal(read.reshape(held.shape).astype(held.values.dtype), held.values)
    assert len(read) == (held.shape[0] if held.shape else 1)


def test_text_is_as_short_as_the_value(tmp_path: Path):
    path = tmp_path / "out.csv"
    write([Held("m:k", np.array([[0.1, 2]], "f4"))], str(path))
    assert path.read_text() == "0.1,2.0\n"


def test_a_table_is_written_under_its_columns(tmp_path: Path):
    path = tmp_path / "out.csv"
    write_table(Table(("class", "params", "rel"), (("Dense, big", 3, None), ("层", 1, 0.1))), str(path))
    assert path.read_text() == 'class,params,rel\n"Dense, big",3,\n层,1,0.1\n'
    with pytest.raises(OutputError, match=r"a table, which goes to \.csv or \.tsv"):
        write_table(Table((), ()), str(tmp_path / "out.npz"))


# ------------------------------------------------------------------ what is refused


@pytest.mark.parametrize(
    ("held", "name", "reason"),
    [
        ([KERNEL, BIAS], "out.npy", "holds exactly one weight, and 2 are selected"),
        ([KERNEL, BIAS], "out.csv", "holds exactly one weight, and 2 are selected"),
        ([Held("m:k", np.zeros((2, 2, 2)))], "out.tsv", "m:k has 3 axes"),
        ([Held("m:text", np.array(["a"], object))], "out.npz", "m:text holds object, not numbers"),
        (
            [KERNEL],
            "out.pkl",
            r"unknown format '\.pkl'; known are \.npz, \.npy, \.safetensors, \.h5, \.csv, \.tsv",
        ),
        ([KERNEL], "out", "a name without a suffix tells no format"),
        ([KERNEL], "no/where/out.npz", "there is no folder .*no/where"),
        ([], "out.npz", "nothing is selected"),
    ],
)
def test_what_does_not_fit_is_refused(held: list[Held], name: str, reason: str, tmp_path: Path):
    with pytest.raises(OutputError, match=reason):
        write(held, str(tmp_path / name))
    assert os.listdir(tmp_path) == []


def test_where_labels_go_is_told_before_anything_is_read(tmp_path: Path):
    with pytest.raises(OutputError, match=r"labels go to \.tsv, for TensorBoard's projector, or \.txt"):
        check(str(tmp_path / "a.npz"), labelled=True)
    with pytest.raises(OutputError, match="word2vec's form needs a label for each row: --labels FILE"):
        check(str(tmp_path / "a.txt"))


def test_a_folder_is_not_overwritten(tmp_path: Path):
    (tmp_path / "out.npz").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write([KERNEL], str(tmp_path / "out.npz"), force=True)


def test_a_file_is_overwritten_by_force_only(tmp_path: Path):
    path = tmp_path / "out.npy"
    path.write_text("precious")
    with pytest.raises(OutputError, match=r"exists already; --force"):
        write([KERNEL], str(path))
    with pytest.raises(OutputError, match="exists already"):
        check(str(path))
    assert path.read_text() == "precious"
    assert KERNEL.reads.count("") == 0
    write([KERNEL], str(path), force=True)
    assert same(np.load(path), KERNEL)
    assert os.listdir(tmp_path) == ["out.npy"]


def test_a_link_stays_a_link(tmp_path: Path):
    real, link = tmp_path / "real.npy", tmp_path / "link.npy"
    real.write_text("old")
    link.symlink_to(real)
    write([KERNEL], str(link), force=True)
    assert link.is_symlink()
    assert same(np.load(real), KERNEL)


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path):
    path = tmp_path / "out.npy"

    class Slow(Held):
        def numpy(self):
            path.write_text("precious")
            return self.values

    with pytest.raises(OutputError, match="exists already"):
        write([Slow("m:k", np.zeros(3))], str(path))
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["out.npy"]


def test_a_new_file_has_the_usual_permissions(tmp_path: Path):
    before = os.umask(0o027)
    try:
        write([KERNEL], str(tmp_path / "out.npz"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.npz").stat().st_mode) == 0o640


@pytest.mark.parametrize("name", ["out.npz", "out.npy", "out.safetensors", "out.h5", "out.csv"])
def test_a_failing_source_leaves_nothing_and_its_error_alone(name: str, tmp_path: Path):
    class Damaged(Held):
        def numpy(self):
            raise FormatError("cut short", "m.keras", "layers/a")

    with pytest.raises(FormatError, match="cut short"):
        write([Damaged("m:k", np.zeros(3))], str(tmp_path / name))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["out.npz", "out.npy", "out.safetensors", "out.h5", "out.csv"])
def test_a_full_disk_is_told_and_leaves_nothing(name: str, tmp_path: Path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    big = Held("m:k", np.zeros(200_000))
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises(OutputError, match=f"{name}: .*[Ff]ile too large"):
            write([big], str(tmp_path / name))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert os.listdir(tmp_path) == []


def test_a_weight_that_is_not_what_it_was_said_to_be_is_not_written(tmp_path: Path):
    class Grown(Held):
        shape = (2, 2)

    with pytest.raises(OutputError, match=r"m/a:kernel was said to be \(2, 2\), and is \(3, 4\)"):
        write([Grown(KERNEL.address, KERNEL.values)], str(tmp_path / "a.safetensors"))
    assert list(tmp_path.iterdir()) == []


@leave.NEEDED
def test_a_folder_that_may_not_be_written(tmp_path: Path):
    write([KERNEL], str(tmp_path / "out.npz"))
    with (
        leave.without_leave(tmp_path, 0o500) as folder,
        pytest.raises(OutputError, match="Permission denied"),
    ):
        write([KERNEL], str(folder / "new.npz"))


def test_one_weight_at_a_time_is_in_memory(tmp_path: Path):
    import tracemalloc

    class Made(Held):
        def numpy(self):
            return np.zeros(1_000_000, "f4")

        shape, dtype = (1_000_000,), "float32"

    for name in ("out.npz", "out.safetensors", "out.h5"):
        weights = [Made(f"m/{i}:k", KERNEL.values) for i in range(8)]
        tracemalloc.start()
        write(weights, str(tmp_path / name))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 13_000_000, name
