"""Random nested models: what is read of the live model is what is read of each of its files.

A file may know less than the live model, never something else. A role that it does not tell is a digit; a layer that
lies on several ways is stored on one; of layers of one name in an attribute-built model the order may be lost.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from weightrepl.model.tree import Model, Place, Weight
from weightrepl.readers.keras_roles import roles
from weightrepl.readers.registry import open_source

pytest.importorskip("keras")
pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

from tests import models  # noqa: E402
from tests.random_models import random_model  # noqa: E402

LONG = os.environ.get("WEIGHTREPL_LONG") == "1"
SEEDS = range(300 if LONG else 15)


class Row(NamedTuple):
    """A weight on one way: names from the model down, without ordinals where the file does not know the order.

    part: `network`, or the name of the system's layer that it is in.
    """

    part: str
    names: tuple[str, ...]
    weight: Weight
    facts: tuple[Any, ...]


def rows_of(model: Model, unordered: bool) -> Iterator[Row]:
    for place in models.places(model):
        part = next((each.layer.name for each in place.ancestry if each.layer.system), "network")
        names = tuple(spelled(each, unordered) for each in place.ancestry[1:])
        for weight in place.layer.weights:
            values = weight.tensor.read()
            yield Row(part, names, weight, (weight.spec.shape, weight.spec.dtype, values.tobytes()))


def spelled(place: Place, unordered: bool) -> str:
    return f"{place.layer.name}#{place.ordinal}" if place.ordinal > 1 and not unordered else place.layer.name


def is_unordered(model: Model) -> bool:
    return any("order" in (place.layer.remark or "") for place in models.places(model))


def of(part: str, rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.part == part]


@pytest.fixture(scope="module", params=SEEDS)
def live(request: pytest.FixtureRequest) -> Any:
    return random_model(request.param)


def saved(model: Any, folder: Path, name: str) -> Path:
    """Return the file in which Keras keeps a model, in the format that the name tells."""
    path = folder / name
    if name.endswith(".json"):
        largest = max((variable.numpy().nbytes for variable in model.variables), default=8)
        model.save_weights(path, max_shard_size=4 * largest / 1024**3)
    elif "weights" in name:
        model.save_weights(path)
    else:
        model.save(path)
    return path


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "m.weights.json"])
def test_a_store_has_the_addresses_and_bytes_of_the_live_model(live: Any, name: str, tmp_path: Path) -> None:
    with open_source(saved(live, tmp_path, name)) as stored:
        compared(open_source(live), stored, name, len(live.weights))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_legacy_file_has_the_addresses_and_bytes_of_the_live_model(seed: int, tmp_path: Path) -> None:
    """Of models in which no two layers have one name: of others a legacy file does not tell which is meant."""
    model = random_model(seed, distinct=True)
    try:
        path = saved(model, tmp_path, "m.h5")
    except ValueError:
        pytest.skip("Keras writes no model so in which two variables have one path")
    with open_source(path) as stored:
        compared(open_source(model), stored, path.name, len(model.weights))


def compared(live: Model, stored: Model, name: str, count: int) -> None:
    unordered = is_unordered(stored)
    ours, theirs = list(rows_of(live, unordered)), list(rows_of(stored, unordered))
    if count or not name.endswith(".json"):  # an index of nothing leads to no file, so to no name
        assert stored.names[0] == live.names[0]
    assert_same(of("network", ours), of("network", theirs), name)
    met = {row.facts for row in of("network", theirs)}
    lost = {id(row.weight): row for row in of("network", ours) if row.facts not in met}
    assert not lost, (name, [row.names for row in lost.values()])
    assert len({id(row.weight) for row in of("network", ours)}) == count
    nested = any("inner_optimizer" in row.names for row in ours)
    if name != "m.h5" or not nested:  # a legacy file does not tell an inner optimizer from the outer one
        assert_same(of(".optimizer", ours), of(".optimizer", theirs), name)
    assert_named(stored)


def assert_same(ours: list[Row], theirs: list[Row], name: str) -> None:
    """Fail unless each row of the file is one of the live model's, with a digit for a name at the worst."""
    known: dict[tuple[Any, ...], set[str]] = {}
    for row in ours:
        known.setdefault((row.names, row.facts), set()).add(row.weight.name)
    for row in theirs:
        names = known.get((row.names, row.facts))
        if names is None and row.part == ".optimizer" and (row.weight.name.isdigit() or row.weight.remark):
            continue  # a variable of which the file does not tell the slot, or the weight
        if names is None and "between" in (row.weight.remark or ""):
            continue  # a weight of which the file does not tell all layers above
        assert names is not None, (name, row.names, row.weight.name, row.weight.key, row.weight.spec)
        assert row.weight.name in names or row.weight.name.isdigit(), (name, row.names, row.weight.name)


def assert_named(stored: Model) -> None:
    """Fail where a weight has a digit for a name although the class alone, which is known, tells more."""
    for place in models.places(stored):
        weights = place.layer.weights
        if place.layer.class_name is not None and any(weight.name.isdigit() for weight in weights):
            shapes = [weight.spec.shape or () for weight in weights]
            told = roles(place.layer.class_name, None, shapes, [weight.spec.dtype for weight in weights])
            assert told is None, (place, told)
