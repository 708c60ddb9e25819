"""A file that changes while it is open gives a ChangedError, whatever it is part of, and never ends the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests import leave
from tests.readers.files import ZOO, cut, replaced, rows_of, write_archive, written
from weightrepl.errors import ChangedError
from weightrepl.model.tree import Weight
from weightrepl.readers.registry import open_source

SHAPE = (400, 300)
VALUES = np.arange(120_000, dtype="f4").reshape(SHAPE)


def safetensors(folder: Path) -> tuple[str, str]:
    from safetensors.numpy import save_file

    save_file({"a.kernel": VALUES}, folder / "m.safetensors")
    return "m.safetensors", "m.safetensors"


def npz(folder: Path) -> tuple[str, str]:
    np.savez(folder / "m.npz", kernel=VALUES)
    return "m.npz", "m.npz"


def packed_npz(folder: Path) -> tuple[str, str]:
    np.savez_compressed(folder / "m.npz", kernel=VALUES)
    return "m.npz", "m.npz"


def hdf5(folder: Path) -> tuple[str, str]:
    with h5py.File(folder / "m.h5", "w") as file:
        file["a/kernel"] = VALUES
    return "m.h5", "m.h5"


def hdf5_in_chunks(folder: Path) -> tuple[str, str]:
    with h5py.File(folder / "m.h5", "w") as file:
        file.create_dataset("a/kernel", data=VALUES, chunks=(10, 300), compression="gzip")
    return "m.h5", "m.h5"


def keras(folder: Path) -> tuple[str, str]:
    from tests.readers.files import entry, sequential, store_bytes

    store = store_bytes({"layers/dense": ("a", [VALUES])})
    write_archive(folder / "m.keras", sequential("m", entry("Dense", "a")), store)
    return "m.keras", "m.keras"


def sharded(folder: Path) -> tuple[str, str]:
    shutil.copytree(ZOO / "keras3" / "seq_dense" / "sharded", folder, dirs_exist_ok=True)
    return "model.weights.json", sorted(path.name for path in folder.glob("*.h5"))[0]


def checkpoint(folder: Path) -> tuple[str, str]:
    for path in (ZOO / "keras3" / "seq_dense" / "ckpt").iterdir():
        shutil.copy(path, folder)
    return "ck-1", "ck-1.data-00000-of-00001"


def checkpoint_in_shards(folder: Path) -> tuple[str, str]:
    for path in (ZOO / "tf" / "saver_v1_graph" / "v2_sharded").iterdir():
        shutil.copy(path, folder)
    return "model.ckpt", "model.ckpt.data-00000-of-00002"


def saved_model(folder: Path) -> tuple[str, str]:
    shutil.copytree(ZOO / "keras3" / "seq_dense" / "saved_model", folder, dirs_exist_ok=True)
    return ".", "variables/variables.data-00000-of-00001"


KINDS = [
    *(safetensors, npz, packed_npz, hdf5, hdf5_in_chunks, keras),
    *(sharded, checkpoint, checkpoint_in_shards, saved_model),
]


def appended(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def moved(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


CHANGES = [cut, appended, written, replaced, moved, os.remove]


def uses_of(weight: Weight) -> Iterator[Callable[[], object]]:
    shape = weight.spec.shape or ()
    yield weight.tensor.read
    yield lambda: weight.tensor.read(tuple(slice(0, size, 2) for size in shape))
    yield lambda: list(weight.tensor.blocks((weight.spec.nbytes or 0) // 100))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("make", KINDS)
def test_a_changed_file_is_told_of(tmp_path: Path, make: Callable[[Path], tuple[str, str]], change):
    opened, file = make(tmp_path)
    with open_source(tmp_path / opened) as model:
        rows = [
            row for row in rows_of(model) if row.weight.source.endswith(Path(file).name) or opened == file
        ]
        weight = next(row.weight for row in rows if row.weight.spec.shape and row.weight.key != "metadata")
        begun = weight.tensor.blocks(16)
        first = next(begun)
        kept = first.copy()
        change(tmp_path / file)
        for use in uses_of(weight):
            with pytest.raises(ChangedError, match="changed since it was opened"):
                use()
        if len(VALUES) and weight.spec.nbytes and weight.spec.nbytes > 16 and make is not packed_npz:
            with pytest.raises(ChangedError):
                list(begun)
        assert first.tobytes() == kept.tobytes()


@leave.NEEDED
def test_what_was_open_stays_readable(tmp_path: Path):
    """Leave to read a file is asked for when it is opened; taken away later it changes nothing."""
    opened, file = safetensors(tmp_path)
    open_source(tmp_path / opened)
    with leave.without_leave(tmp_path, 0o700) as folder, open_source(folder / opened) as model:
        (folder / file).chmod(0)
        assert rows_of(model)[0].weight.tensor.read().sum() == VALUES.sum()


CUTTER = """
import os, random, sys, time
path = sys.argv[1]
whole = open(path, "rb").read()
print("ready", flush=True)
sys.stdin.readline()
while True:
    os.truncate(path, 200)
    time.sleep(0.0005)
    with open(path, "r+b") as file:
        file.write(whole)
    os.utime(path, ns=(1, 1))
    time.sleep(0.03 * random.random())
"""


@pytest.mark.parametrize("make", [safetensors, keras, hdf5, npz])
def test_a_file_that_is_cut_again_and_again_never_ends_the_process(
    tmp_path: Path, make, monkeypatch: pytest.MonkeyPatch
):
    """Another process cuts the file and makes it whole again, as it was, while this one reads in every way it can.

    Reading from a map dies of SIGBUS here within a few rounds: between any check and the access the file can go.
    """
    monkeypatch.setattr(f"{__name__}.VALUES", np.arange(4_000_000, dtype="f4").reshape(4000, 1000))
    opened, file = make(tmp_path)
    os.utime(tmp_path / file, ns=(1, 1))
    reader = f"""
import sys
from tests.readers.files import rows_of
from tests.readers.test_hostile_changes import uses_of
from weightrepl.errors import SourceError
from weightrepl.readers.registry import open_source
model = open_source({str(tmp_path / opened)!r})
weight = rows_of(model)[0].weight
wanted = weight.tensor.read().tobytes()
print("ready", flush=True)
sys.stdin.readline()
outcomes = {{"read": 0, "refused": 0}}
while min(outcomes.values()) < 30 and sum(outcomes.values()) < 3000:
    for use in uses_of(weight):
        try:
            use()
            outcomes["read"] += 1
        except SourceError:
            outcomes["refused"] += 1
print("alive", outcomes["refused"] > 0, flush=True)
"""
    root = Path(__file__).resolve().parents[2]
    arguments = {"cwd": root, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen([sys.executable, "-c", reader], **arguments) as reading,
        subprocess.Popen(
            [sys.executable, "-c", CUTTER, str(tmp_path / file)],
            **arguments,
        ) as cutting,
    ):
        for process in (reading, cutting):
            assert process.stdout.readline() == "ready\n"
        for process in (cutting, reading):
            process.stdin.write("go\n")
            process.stdin.flush()
        told = reading.stdout.readline()
        cutting.kill()
        assert (told, reading.wait()) == ("alive True\n", 0)


def test_no_file_is_mapped():
    """What a test can't wait for, it looks for: a map is what SIGBUS comes from."""
    package = Path(__file__).resolve().parents[2] / "weightrepl"
    assert [
        path.name
        for path in package.rglob("*.py")
        if "import mmap" in path.read_text() or "memmap" in path.read_text()
    ] == []
