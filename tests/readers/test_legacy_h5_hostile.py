"""Damaged and hostile legacy h5 files end in a named error, or are read; nothing else comes out of them."""

from __future__ import annotations

import random
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.readers.files import ZOO, rows_of
from tests.readers.legacy_files import addresses, entry, listing, write
from weightrepl.errors import SourceError
from weightrepl.readers.legacy_h5 import LegacyH5Reader

MUTATED = (
    ZOO / "keras3" / "trained_optimizer" / "model.h5",
    ZOO / "keras3" / "attention" / "model.h5",
    ZOO / "tf_keras" / "rnns" / "legacy_weights.h5",
)


def read_all(path: Path) -> int:
    """Read whatever opens, and return how many weights have values. No error but a SourceError is let pass."""
    read, errors = 0, []
    try:
        with LegacyH5Reader().open(str(path)) as model:
            for row in rows_of(model):
                try:
                    row.weight.tensor.read()
                    read += 1
                except SourceError as error:
                    errors.append(error)
    except SourceError as error:
        errors.append(error)
    assert all(error.path == str(path) and error.reason for error in errors)
    return read


@pytest.mark.parametrize("source", MUTATED, ids=lambda path: path.parent.name)
def test_mutated_files_end_in_a_named_error(source: Path, tmp_path: Path):
    original, chance = source.read_bytes(), random.Random(source.parent.name)
    target = tmp_path / "m.h5"
    outcomes = set()
    for _ in range(120):
        changed = bytearray(original)
        for _ in range(chance.choice((1, 3, 20))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        target.write_bytes(changed)
        outcomes.add(read_all(target))
    assert len(outcomes) > 1  # some were read, of some less was left


@pytest.mark.parametrize("source", MUTATED, ids=lambda path: path.parent.name)
def test_files_cut_short_end_in_a_named_error(source: Path, tmp_path: Path):
    original = source.read_bytes()
    for keep in range(0, len(original), len(original) // 40):
        (tmp_path / "m.h5").write_bytes(original[:keep])
        read_all(tmp_path / "m.h5")


@pytest.mark.parametrize("name", ["layer_names", "weight_names", "keras_version", "nb_layers"])
@pytest.mark.parametrize("value", [7, 1.5, "a", b"\xff", [1, 2], [b"a", b"\xff"], [], True])
def test_attributes_of_the_wrong_kind(tmp_path: Path, name: str, value: object):
    path = write(tmp_path / "m.h5", {"a": ["a/w"]})
    with h5py.File(path, "r+") as file:
        (file["a"] if name == "weight_names" else file).attrs[name] = value
    assert read_all(tmp_path / "m.h5") == 1  # unlisted, it is put aside, and can be read


@pytest.mark.parametrize(
    "name", ["..", ".", "", "/", "a//w", "/a/w", "a/w/x", "../a/w", "a/../w", "x" * 9000]
)
def test_names_that_lead_elsewhere_lead_nowhere(tmp_path: Path, name: str):
    path = write(tmp_path / "m.h5", {"a": ["a/w"]})
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = [b"a", name.encode()]
        file["a"].attrs["weight_names"] = [b"a/w", name.encode()]
    read = [each for each in addresses(path) if not each.startswith(".unread")]
    assert read == ["a:w"]


def test_a_name_listed_twice_is_one(tmp_path: Path):
    path = write(tmp_path / "m.h5", {"a": ["a/w"]})
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = [b"a", b"a"]
        file["a"].attrs["weight_names"] = [b"a/w", b"a/w"]
    assert addresses(path) == ["a:w"]


def test_links_to_elsewhere_are_put_aside(tmp_path: Path):
    path = write(tmp_path / "m.h5", {"a": ["a/w"], "b": ["b/w"]})
    with h5py.File(path, "r+") as file:
        file["b"]["passwd"] = h5py.ExternalLink("secret.h5", "/x")
    found = addresses(path)
    assert found[0] == "a:w"
    assert [each for each in found if each.startswith(".unread:b")]


def test_configurations_that_nest_deep_or_repeat(tmp_path: Path):
    config = entry("Dense", "a")
    for i in range(90):
        config = listing("Functional", f"m{i}", config)
    deep = write(tmp_path / "deep.h5", {"m88": ["a/kernel"]}, config)
    assert [each.partition(":")[0].split("/")[0] for each in addresses(deep)] == ["m88"]
    same = listing("Functional", "m", *[entry("Dense", "a")] * 50)
    assert len(addresses(write(tmp_path / "same.h5", {"a": ["a/kernel"]}, same))) == 1


def test_ten_thousand_weights_in_one_group_take_no_square_of_the_time(tmp_path: Path):
    count = 10_000
    inner = listing("Functional", "inner", *(entry("Dense", f"d{i}") for i in range(count)))
    path = write(tmp_path / "m.h5", {"inner": []}, listing("Functional", "m", inner))
    with h5py.File(path, "r+") as file:
        group = file["model_weights/inner"]
        names = [f"d{i}/kernel".encode() for i in range(count)]
        for i, piece in enumerate(np.array_split(np.array(names), 10)):
            group.attrs[f"weight_names{i}"] = piece
        del group.attrs["weight_names"]
        for name in names[:100]:
            group[name] = np.zeros(1, "int8")
    with LegacyH5Reader().open(path) as model:
        inner_layer = model.root.children[0]
        assert len(inner_layer.children) == count
        assert sum(len(layer.weights) for layer in inner_layer.children) == 100
        assert len(model.root.children[-1].weights) == count - 100
