"""Each guard has a file that tries it, and each limit one that meets it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.readers import hostile, hostile_claims
from tests.readers.files import ZOO, entry, rows_of, sequential, store_bytes, write_archive
from tests.readers.hostile import CANARY, STORE
from tests.readers.hostile_checkpoints import HOSTILE
from weightrepl.errors import SourceError, UnsafeFileError
from weightrepl.frontends.session import limits_with
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.registry import open_source


def told_of(path: Path, limits: Limits = STANDARD) -> list[SourceError]:
    """Open a model, list and read all of it; return what went wrong."""
    try:
        model = open_source(path, limits=limits)
        with model:
            return [
                error for row in rows_of(model) if (error := _told_by(row.weight.tensor.read)) is not None
            ]
    except SourceError as error:
        return [error]


def _told_by(read: Callable[[], object]) -> SourceError | None:
    try:
        read()
    except SourceError as error:
        return error
    return None


@pytest.mark.parametrize("name", HOSTILE)
def test_every_guard_holds(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch):
    case, folder = HOSTILE[name], tmp_path / "model"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    path = case.make(folder)
    told = told_of(path)
    assert all(error.path for error in told)
    if case.error:
        (error,) = told
        assert type(error).__name__ == case.error
        assert re.search(case.told, str(error)), str(error)
    elif case.told:
        assert len(told) == 1
        assert re.search(case.told, str(told[0])), str(told[0])
    else:
        assert told == []
    assert not (tmp_path / CANARY).exists()


@pytest.mark.parametrize("name", [name for name in HOSTILE if "symbolic" in HOSTILE[name].guard])
def test_links_out_of_a_folder_are_followed_when_that_is_allowed(tmp_path: Path, name: str):
    (tmp_path / "model").mkdir()
    path = HOSTILE[name].make(tmp_path / "model")
    assert told_of(path, Limits(outside_links=1)) == []


def test_a_hugging_face_cache_is_read(tmp_path: Path):
    """Its snapshots link to `blobs` beside them, and nowhere else."""
    blobs, snapshot = (
        tmp_path / "models--a--b" / "blobs",
        tmp_path / "models--a--b" / "snapshots" / "0123abc" / "tf",
    )
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    index = {"weight_map": {"a.weight": "m-1.safetensors"}}
    files = {
        "m.safetensors.index.json": json.dumps(index).encode(),
        "m-1.safetensors": hostile.safetensors_bytes({"a.weight": hostile.F4}, b"1234"),
    }
    for name, content in files.items():
        (blobs / f"sha-{name}").write_bytes(content)
        (snapshot / name).symlink_to(Path("../../../blobs") / f"sha-{name}")
    assert told_of(snapshot / "m.safetensors.index.json") == []
    (snapshot / "m-1.safetensors").unlink()
    (tmp_path / "secret").write_bytes(files["m-1.safetensors"])
    (snapshot / "m-1.safetensors").symlink_to(tmp_path / "secret")
    (error,) = told_of(snapshot / "m.safetensors.index.json")
    assert isinstance(error, UnsafeFileError)
    blobs.rename(tmp_path / "elsewhere")
    blobs.symlink_to(tmp_path / "elsewhere")  # a cache whose blobs are a link themselves is none
    assert isinstance(told_of(snapshot / "m.safetensors.index.json")[0], UnsafeFileError)


def test_what_the_user_names_may_be_a_link(tmp_path: Path):
    (tmp_path / "m.keras").symlink_to(ZOO / "keras3" / "seq_dense" / "model.keras")
    assert told_of(tmp_path / "m.keras") == []


# ------------------------------------------------------------------ limits


def _chunks(folder: Path, size: int) -> Path:
    with h5py.File(folder / "m.h5", "w") as file:
        file.create_dataset("v", data=np.zeros(size, "f4"), chunks=(size,), compression="gzip")
    return folder / "m.h5"


def _spread_header(folder: Path) -> Path:
    """Attributes that are added one by one go to further blocks of the header."""
    with h5py.File(folder / "m.h5", "w") as file:
        for group in ("a", "b"):
            file.create_group(group)
        for i in range(40):
            file["a"].attrs[f"n{i}"] = np.arange(i)
        file["a/v"] = np.ones(2)
    return folder / "m.h5"


def _npz(folder: Path, save: Callable[..., None] = np.savez, count: int = 3) -> Path:
    save(folder / "m.npz", **{f"w{i}": np.zeros(1000) for i in range(count)})
    return folder / "m.npz"


def _keras(folder: Path, method: int = 0) -> Path:
    config = sequential("m", entry("Dense", "a"), {**entry("Dense", "b"), "shared_object_id": 3})
    return write_archive(folder / "m.keras", config, store_bytes(STORE), method)


def _deflated_config(folder: Path) -> Path:
    import zipfile

    whole = _keras(folder)
    with zipfile.ZipFile(whole) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in members.items():
            packed = zipfile.ZIP_DEFLATED if name == "config.json" else zipfile.ZIP_STORED
            archive.writestr(name, content, packed)
    return whole


def _saved(name: str) -> Callable[[Path], Path]:
    return lambda _: ZOO / name


MEETS: dict[str, tuple[Callable[[Path], Path], int]] = {
    "depth": (lambda folder: hostile_claims.safetensors_file(folder, {"a/b/c/d": hostile.F4}), 3),
    "json_nbytes": (_keras, 100),
    "json_expansion": (_deflated_config, 1),
    "config_nodes": (_keras, 2),
    "header_nbytes": (lambda folder: hostile_claims.safetensors_file(folder, {"a": hostile.F4}), 20),
    "array_header_nbytes": (
        lambda folder: hostile.npy_file(folder, "{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"),
        20,
    ),
    "rank": (
        lambda folder: hostile_claims.safetensors_file(folder, {"a": {**hostile.F4, "shape": [1, 1]}}),
        1,
    ),
    "tensors": (_npz, 2),
    "expansion": (lambda folder: _npz(folder, np.savez_compressed), 2),
    "unwritten_nbytes": (lambda folder: _chunks(folder, 30_000_000), 1000),
    "zip_directory_nbytes": (_npz, 100),
    "hdf5_messages": (_spread_header, 5),
    "hdf5_blocks": (_spread_header, 1),
    "outside_links": (hostile.shard_that_is_a_link, 0),
    "key_expansion": (_saved("keras3/seq_dense/ckpt/ck-1"), 0),
    "graph_nodes": (_saved("keras3/seq_dense/ckpt/ck-1"), 3),
    "graph_nbytes": (_saved("keras3/dup_names_same_parent/saved_model"), 10),
}
"""By the limit a file that meets it, and a value of the limit that is too low for that file."""


def test_every_limit_has_a_file_that_meets_it():
    assert set(MEETS) == set(STANDARD.names)


@pytest.mark.parametrize("limit", MEETS)
def test_a_limit_is_named_and_can_be_raised(tmp_path: Path, limit: str):
    """What the message tells to type opens the file."""
    make, low = MEETS[limit]
    (tmp_path / "model").mkdir()
    path = make(tmp_path / "model")
    if limit == "unwritten_nbytes":  # asks for the ratio only above it
        assert told_of(path, Limits(unwritten_nbytes=low, expansion=10))
        assert told_of(path, Limits(expansion=10, unwritten_nbytes=1 << 30)) == []
        return
    told = told_of(path, Limits(**{limit: low}))
    assert told
    while told:  # a file may claim several times, more each time
        (setting,) = re.findall(rf"--allow ({limit}=[0-9]+)", str(told[0]))
        assert f"limits=weightrepl.Limits({setting})" in str(told[0])
        told, before = told_of(path, limits_with([setting])), told
        assert str(told) != str(before)
