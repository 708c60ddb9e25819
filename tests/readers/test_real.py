"""Files that other people wrote, with old and new libraries: each tensor is found once, and its bytes are theirs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.files import REAL, rows_of
from tests.zoo_maker.values import digest
from weightrepl.errors import FormatError, SourceError, UnknownFormatError, UnsafeFileError
from weightrepl.model.tree import Model
from weightrepl.readers.registry import open_source

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="no folder of real files beside the checkout")
FILES = REAL / "files"

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
"""No tensor but the graph of the checkpoint's objects: it is read for its names, and not counted as found."""

REFUSED = {
    "h5-empty-rlcar/164-150-400-50000-25000.h5": (FormatError, "saving the model broke off"),
    "h5-odd-links/external_link.hdf5": (UnsafeFileError, "links are not followed"),
    "h5-odd-links/test_attribute_latest.hdf5": (UnsafeFileError, "links are not followed"),
    "st-lfs-pointers/model-00002-of-00002.safetensors": (UnknownFormatError, "git lfs pull"),
    "st-lfs-pointers/model.safetensors": (UnknownFormatError, "git lfs pull"),
}
"""What is not opened, and what is said of it."""

UNREAD = {
    "npz-pickled/py2-objarr.npz": {"x": "a pickle"},
    "npz-pickled/py3-objarr.npz": {"x": "a pickle"},
    "h5-odd-links/test_file.hdf5": {"links_group": "links are not followed"},
    "h5-odd-links/test_file2.hdf5": {"links_group": "links are not followed"},
}
"""What is listed under `.unread` and can't be read: by its key, why."""

_SAFETENSORS = {"U": "u", "I": "i", "F": "f"}


def references() -> list[dict[str, Any]]:
    if not REAL.is_dir():
        return []
    return [json.loads(line) for line in (REAL / "reference.jsonl").read_text("utf-8").splitlines()]


def named(reference: dict[str, Any]) -> str:
    return str(reference["file"]).removeprefix("files/")


OPENED = [each for each in references() if named(each) not in REFUSED]


def ways_to_open(name: str) -> Iterator[Path]:
    """Yield the paths that lead to the model of a line: an index of a checkpoint is not the only one."""
    path = FILES / name
    yield path
    if path.suffix == ".index":
        yield path.with_suffix("")
    if name.endswith("variables/variables.index"):
        yield path.parent.parent
    if (path.parent / "checkpoint").is_file():
        yield path.parent / "checkpoint"
        yield path.parent


def dtype_of(written: str) -> str:
    """Return the name of a dtype that the reference spells as NumPy or safetensors does."""
    if written[0] in _SAFETENSORS:
        written = f"<{_SAFETENSORS[written[0]]}{int(written[1:]) // 8}"
    return str(np.dtype(written))


def test_all_lines_of_the_reference_are_here():
    assert len(references()) == 64
    assert {named(each) for each in references()} >= REFUSED.keys() | UNREAD.keys()


@pytest.mark.parametrize("reference", OPENED, ids=named)
def test_each_tensor_is_found_once_and_equal(reference: dict[str, Any]):
    wanted = Counter(
        (each["path"], tuple(each["shape"]), dtype_of(each["dtype"]), each["sha256"])
        for each in reference["tensors"]
        if each["path"] != GRAPH and "error" not in each
    )
    for path in ways_to_open(named(reference)):
        with open_source(path) as model:
            met, unread = read_all(model)
        assert met == wanted, path
        assert unread.keys() == UNREAD.get(named(reference), {}).keys()
        for key, word in UNREAD.get(named(reference), {}).items():
            assert word in unread[key]


def read_all(model: Model) -> tuple[Counter[tuple[object, ...]], dict[str, str]]:
    """Return key, shape, dtype and bytes of all that can be read, and by key why the rest can't."""
    met: Counter[tuple[object, ...]] = Counter()
    unread: dict[str, str] = {}
    for row in rows_of(model):
        key, spec = str(row.weight.key), row.weight.spec
        try:
            array = row.weight.tensor.read()
        except SourceError as error:
            assert row.path[1:2] == (".unread",)
            assert row.weight.remark
            unread[key] = error.reason
            continue
        assert (array.shape, str(array.dtype)) == (spec.shape, spec.dtype)
        met[key, spec.shape, spec.dtype, digest(array)] += 1
    return met, unread


@pytest.mark.parametrize(("name", "error"), REFUSED.items(), ids=REFUSED)
def test_what_is_refused_says_why(name: str, error: tuple[type[SourceError], str]):
    with pytest.raises(error[0], match=error[1]) as caught:
        open_source(FILES / name)
    assert caught.value.path == str(FILES / name)


def test_a_model_in_shards_is_one():
    shards = [each for each in references() if "st-sharded-mlx" in each["file"]]
    keys = {tensor["path"] for each in shards for tensor in each["tensors"]}
    for path in (FILES / "st-sharded-mlx", FILES / "st-sharded-mlx" / "model.safetensors.index.json"):
        with open_source(path) as model:
            assert {row.weight.key for row in rows_of(model)} == keys
            assert len(keys) == 5


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        *(("orbax-v1-composite", "Orbax"), ("orbax-v1-composite/state", "Orbax")),
        ("sm-two-versions", "'00000123', '00000124'"),
        ("npz-dl4j", "'float16.npz'"),
    ],
)
def test_folders_that_are_no_one_model(folder: str, told: str):
    with pytest.raises(UnknownFormatError, match=told):
        open_source(FILES / folder)
