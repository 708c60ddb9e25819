"""Every Keras 3 case of the zoo, in every format of the store, equals its oracle."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.readers.files import ZOO, Row, layers_of, oracle_of, rows_of
from tests.zoo_maker.values import digest
from weightrepl.readers import keras_roles
from weightrepl.readers.registry import open_source

FORMATS = ("model.keras", "unzipped", "model.weights.h5", "sharded/model.weights.json")
FILES = [
    (case.name, name)
    for case in sorted((ZOO / "keras3").iterdir())
    for name in FORMATS
    if (case / name).exists()
]
# the order of a custom class's attributes is not recorded
UNORDERED = {"subclass_nested", "subclass_unbuilt", "custom_layer_in_functional"}


def path_of(case: str, name: str) -> Path:
    return ZOO / "keras3" / case / name


def test_the_zoo_is_there():
    assert len(FILES) == 38
    assert {name for _, name in FILES} == set(FORMATS)


@pytest.mark.parametrize(("case", "name"), FILES)
def test_weights_equal_the_oracle(case: str, name: str):
    wanted = {}
    for row in oracle_of(case)["weights"]:
        if row["kind"] == "weight":
            wanted.setdefault((tuple(row["layer_path"]), row["sha256"]), []).append(row)
    merged = {"tuned", "emb"} if case == "lora" else set()
    met = Counter()
    with open_source(path_of(case, name)) as model:
        for row in rows_of(model):
            if row.is_system:
                continue
            spec = row.weight.spec
            if row.path[-1] in merged and row.weight.name in ("kernel", "embeddings"):
                assert name == "model.weights.h5" or "LoRA" in row.weight.remark
                continue
            live = wanted[row.path, digest(row.weight.tensor.read())]
            met[row.path, digest(row.weight.tensor.read())] += 1
            assert [tuple(each["shape"]) for each in live] == [spec.shape] * len(live)
            assert {each["dtype"] for each in live} == {spec.dtype}
            if row.weight.name.isdigit():
                assert row.weight.remark
            else:
                assert row.weight.name in [each["name"] for each in live]
            if row.weight.trainable is not None:
                assert row.weight.trainable is live[0]["trainable"]
    absent = {key for key, rows in wanted.items() if rows[0]["layer_path"][-1] not in merged} - set(met)
    assert absent == set()


@pytest.mark.parametrize(("case", "name"), FILES)
def test_each_stored_tensor_is_met_once(case: str, name: str):
    kind = {"model.keras": "keras", "unzipped": "dir", "model.weights.h5": "weights"}.get(name, "sharded")
    keys = oracle_of(case)["files"][kind]["keys"]
    with open_source(path_of(case, name)) as model:
        met = Counter(stored_key(row, kind) for row in rows_of(model))
    assert met == Counter(list(keys))


def stored_key(row: Row, kind: str) -> str:
    return f"{Path(row.weight.source).name}::{row.weight.key}" if kind == "sharded" else str(row.weight.key)


@pytest.mark.parametrize(("case", "name"), FILES)
def test_layers_equal_the_oracle(case: str, name: str):
    with_config = name in ("model.keras", "unzipped")
    live = {tuple(row["path"]): row for row in oracle_of(case)["layers"]}
    with open_source(path_of(case, name)) as model:
        found = layers_of(model)
    paths = [path for path, _ in found]
    inputs = {path for path, row in live.items() if row["class"] == "InputLayer" and not with_config}
    every = [tuple(row["path"]) for row in oracle_of(case)["layers"]]
    expected = [path for path in every if path in paths or path not in inputs]
    assert Counter(paths) == Counter(expected)
    assert paths == expected or case in UNORDERED
    for path, layer in found:
        assert layer.class_name in (None, live[path]["class"])
        assert layer.built in (None, live[path]["built"])
        assert layer.class_name is not None or not with_config or case in UNORDERED


@pytest.mark.parametrize("case", sorted({case for case, _ in FILES}))
def test_only_custom_classes_have_weights_without_names(case: str):
    """With a configuration every weight of Keras's own classes has its name."""
    if not path_of(case, "model.keras").exists():
        pytest.skip("no archive")
    with open_source(path_of(case, "model.keras")) as model:
        unnamed = {row.way[-1].class_name for row in rows_of(model) if row.weight.name.isdigit()}
    assert not any(keras_roles.is_builtin(name) for name in unnamed if name)


def test_an_optimizer_s_slots_hang_below_their_weights():
    with open_source(path_of("trained_optimizer", "model.keras")) as model:
        found = {row.address: row.weight for row in rows_of(model) if row.is_system}
    slots = [
        f"{s}/{w}"
        for s in ("momentum", "velocity")
        for w in ("hidden:kernel", "hidden:bias", "out:kernel", "out:bias")
    ]
    assert list(found) == [
        "trained/.optimizer:iterations",
        "trained/.optimizer:learning_rate",
        *(f"trained/.optimizer/{slot}" for slot in slots),
    ]
    live = {
        row["name"]: row["sha256"]
        for row in oracle_of("trained_optimizer")["weights"]
        if row["kind"] == "optimizer"
    }
    with open_source(path_of("trained_optimizer", "model.keras")) as model:
        slot = next(row for row in rows_of(model) if row.address == "trained/.optimizer/velocity/out:kernel")
        assert digest(slot.weight.tensor.read()) == live["out_kernel_velocity"]


def test_without_a_configuration_the_optimizer_s_name_tells_its_class():
    """The store of weights records the name `adam`; what it says of the slots is what the archive says."""
    met = []
    for file in ("model.weights.h5", "model.keras"):
        with open_source(path_of("trained_optimizer", file)) as model:
            rows = [row for row in rows_of(model) if row.is_system]
            met.append([(row.address, row.weight.tensor.read().tobytes()) for row in rows])
    assert len(met[0]) == 10
    assert met[0] == met[1]


def test_an_unbuilt_model_lists_its_layers():
    with open_source(path_of("subclass_unbuilt", "model.keras")) as model:
        assert [layer.built for _, layer in layers_of(model)] == [False] * 5
        assert all(layer.build_line for _, layer in layers_of(model))
        assert rows_of(model) == []


def test_names_of_layers_are_recorded_since_keras_3_6():
    with open_source(ZOO / "old_keras" / "kv_3.12.0.weights.h5") as model:
        assert [path for path, _ in layers_of(model)][:2] == [("seq",), ("seq", "d1")]
    with open_source(ZOO / "old_keras" / "kv_3.3.3.weights.h5") as model:
        layers = dict(layers_of(model))
        assert model.names == ("kv_3",)
        assert layers["kv_3", "sub", "a"].remark
    with open_source(ZOO / "old_keras" / "kv_3.3.3.keras") as model:
        layers = dict(layers_of(model))
        assert layers["seq", "d1"].class_name == "Dense"
        assert layers["seq", "d1"].remark is None
