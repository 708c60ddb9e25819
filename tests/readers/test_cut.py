"""A file that is cut anywhere, as a broken download or a full disk leaves it, is told to be cut short."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from tests.readers.files import ZOO, rows_of
from weightrepl.errors import SourceError
from weightrepl.readers.registry import open_source

CUTS = (1, 4, 7, 20, 0.2, 0.5, 0.8, 0.97, -1)
"""How much is left: so many bytes, or such a part, or all but one."""

KERAS, SEQ = "keras3/attention", "keras3/seq_dense"


class Whole(NamedTuple):
    """A file of the zoo that is cut, in a folder of which all is copied, and what is opened there."""

    folder: str
    cut: str
    opened: str


FILES = [
    *(Whole(KERAS, name, name) for name in ("model.keras", "model.weights.h5", "model.h5")),
    *(Whole(SEQ, name, name) for name in ("model.safetensors", "model.npz")),
    Whole(f"{SEQ}/sharded", "model.weights.json", "model.weights.json"),
    Whole(f"{SEQ}/sharded", "model_00001.weights.h5", "model.weights.json"),
    *(Whole(f"{SEQ}/unzipped", name, "") for name in ("config.json", "model.weights.h5")),
    *(Whole(f"{KERAS}/ckpt", name, "ck-1") for name in ("ck-1.index", "ck-1.data-00000-of-00001")),
    Whole(f"{KERAS}/saved_model", "saved_model.pb", ""),
    Whole(f"{KERAS}/saved_model", "variables/variables.index", ""),
    Whole(f"{KERAS}/saved_model", "variables/variables.data-00000-of-00001", ""),
    Whole("tf/saver_v1_graph/v1", "model.ckpt", "model.ckpt"),
]


@pytest.mark.parametrize("left", CUTS)
@pytest.mark.parametrize("whole", FILES, ids=lambda whole: f"{whole.folder}/{whole.cut}")
def test_what_is_cut_short_says_so(tmp_path: Path, whole: Whole, left: float):
    folder = ZOO / whole.folder
    if whole.opened == whole.cut:
        shutil.copy(folder / whole.cut, tmp_path)
    else:
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert any(
        "cut short" in reason for reason in reasons_of(tmp_path / whole.opened, tmp_path / whole.cut, left)
    )


@pytest.mark.parametrize("left", CUTS)
@pytest.mark.parametrize("name", ["a.npy", "a.npz", "deflated.npz"])
def test_so_are_arrays(tmp_path: Path, name: str, left: float):
    array = np.random.default_rng(0).random((100, 20))
    if name == "a.npy":
        np.save(tmp_path / name, array)
    else:
        (np.savez if name == "a.npz" else np.savez_compressed)(tmp_path / name, a=array)
    assert any("cut short" in reason for reason in reasons_of(tmp_path / name, tmp_path / name, left))


def reasons_of(path: Path, cut: Path, left: float) -> list[str]:
    """Return why a model, or any of its weights, can't be read once a file is cut."""
    content = cut.read_bytes()
    cut.write_bytes(content[: left if isinstance(left, int) else int(len(content) * left)])
    reasons = []
    try:
        with open_source(path) as model:
            for row in rows_of(model):
                try:
                    row.weight.tensor.read()
                except SourceError as error:
                    reasons.append(error.reason)
    except SourceError as error:
        reasons.append(error.reason)
    return reasons
