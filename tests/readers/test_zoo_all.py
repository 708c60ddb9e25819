"""Every file of the zoo, whatever its format: each tensor is found once, with its bytes, and under no wrong name."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.readers import sources_page
from tests.readers.files import ZOO, oracle_of, rows_of
from tests.readers.zoo_files import ZooFile, files
from weightrepl.readers.registry import open_source

TIED = {"model_weights/sn/sn/sn_dense/kernel"}
"""A layer and the one around it have this weight, and the file has it once."""


def test_the_zoo_is_there():
    assert Counter(file.part for file in files()) == {"keras3": 94, "tf_keras": 32, "tf": 8}
    assert {sources_page.format_of(file) for file in files()} == sources_page.FORMATS.keys()


@pytest.mark.parametrize("file", files(), ids=repr)
def test_each_stored_tensor_is_found_once(file: ZooFile):
    found = {id(met.row.weight): file.stored_key(met.row) for met in file.met}
    assert {*found.values()} == file.keys.keys()
    assert {key for key, count in Counter(found.values()).items() if count > 1} <= TIED


@pytest.mark.parametrize("file", files(), ids=repr)
def test_each_is_what_the_live_model_had(file: ZooFile):
    for met in file.met:
        spec, address = met.row.weight.spec, met.row.address
        assert met.live or file.keys[file.stored_key(met.row)] is None, address
        for live in met.live[:1]:
            told = (spec.shape, spec.dtype, met.digest)
            assert told == (tuple(live["shape"]), live["dtype"], live["sha256"]), address


@pytest.mark.parametrize("file", files(), ids=repr)
def test_no_name_is_a_wrong_one(file: ZooFile):
    """Where a format does not record a name, that of the attribute or the key stands in its place."""
    assert [met.row.address for met in file.network if not met.is_right] == []
    layers = {tuple(each["layer_path"][1:]) for rows in file.live.values() for each in rows}
    assert [met.row.address for met in file.network if met.row.path[1:] in layers and not met.is_named] == []
    roots = {"".join(each["layer_path"][:1]) for rows in file.live.values() for each in rows}
    roots |= {file.path.name, file.path.name.partition(".")[0], *(key.partition("/")[0] for key in file.keys)}
    assert {met.row.path[0] for met in file.met} <= roots


@pytest.mark.parametrize("file", files(), ids=repr)
def test_what_is_trainable_is_never_told_wrong(file: ZooFile):
    for met in file.network:
        assert met.row.weight.trainable in (None, met.live[0]["trainable"]), met.row.address


def test_strings_and_thousands_of_tensors_are_read():
    folder, oracle = ZOO / "tf" / "bundle_dtypes", oracle_of("bundle_dtypes", "tf")
    with open_source(folder / "merged") as model:
        texts = {
            row.weight.key: row.weight.tensor for row in rows_of(model) if row.weight.spec.dtype == "string"
        }
        for key, expected in oracle["files"]["bundle"]["strings"].items():
            assert [text.decode("latin-1") for text in texts[key].read().reshape(-1)] == expected
    with open_source(folder / "many") as model:
        rows = rows_of(model)
        assert len(rows) == 5000
        assert all(row.weight.tensor.read() == int(row.path[-1]) for row in rows[::50])


def test_the_page_of_sources_says_what_is_so():
    """Where it does not: `python -m tests.readers.sources_page`, and read what changed."""
    assert sources_page.PAGE.read_text("utf-8") == sources_page.page()
