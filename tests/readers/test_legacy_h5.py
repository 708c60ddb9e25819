"""Legacy h5 files: every case of the zoo equals its oracle, every real file its reference."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.readers.files import REAL, ZOO, layers_of, oracle_of, rows_of
from tests.zoo_maker.values import digest
from weightrepl.readers.registry import open_source

KINDS = {"model.h5": "h5", "legacy_weights.h5": "weights_h5"}
FILES = [
    (part, case.name, name)
    for part in ("keras3", "tf_keras")
    for case in sorted((ZOO / part).iterdir())
    for name in KINDS
    if (case / name).exists()
]
MODELS = [(part, case) for part, case, name in FILES if name == "model.h5"]

# TimeDistributed of tf_keras leaves the name of its layer out, and a file of weights alone has no configuration
UNTOLD = {("tf_keras", "rnns", "legacy_weights.h5"): {("td", "kernel"), ("td", "bias")}}
# built by the layer itself under a name that is counted, without weights: nothing in the file tells of them
UNSEEN = {("mha", "softmax"), ("mha", "dropout"), ("gqa", "softmax_1"), ("gqa", "dropout_1")}


def path_of(part: str, case: str, name: str) -> Path:
    return ZOO / part / case / name


def live_weights(part: str, case: str, name: str) -> list[dict[str, Any]]:
    oracle = oracle_of(case, part)
    missing = oracle["files"][KINDS[name]]["missing"]
    return [r for r in oracle["weights"] if r["kind"] == "weight" and r["var_id"] not in missing]


def test_the_zoo_is_there():
    assert Counter(part for part, _, _ in FILES) == {"keras3": 14, "tf_keras": 9}


@pytest.mark.parametrize(("part", "case", "name"), FILES)
def test_weights_equal_the_oracle(part: str, case: str, name: str):
    wanted = Counter(
        (tuple(row["layer_path"][1:]), row["name"], tuple(row["shape"]), row["dtype"], row["sha256"])
        for row in live_weights(part, case, name)
    )
    with open_source(path_of(part, case, name)) as model:
        rows = [row for row in rows_of(model) if not row.is_system]
        found = Counter(
            (row.path[1:], w.name, w.spec.shape, w.spec.dtype, digest(w.tensor.read()))
            for row in rows
            for w in [row.weight]
        )
    untold = UNTOLD.get((part, case, name), set())
    assert {(key[0][0], key[1]) for key in found - wanted} == untold
    assert (wanted - found).total() == len(untold)
    assert all(row.weight.remark is None for row in rows)


@pytest.mark.parametrize(("part", "case", "name"), FILES)
def test_each_stored_tensor_is_met_once(part: str, case: str, name: str):
    tied = case == "norms"  # SpectralNormalization and its layer have one kernel
    keys = Counter(list(oracle_of(case, part)["files"][KINDS[name]]["keys"]))
    with open_source(path_of(part, case, name)) as model:
        met = Counter(row.weight.key for row in rows_of(model))
        assert not any(layer.name == ".unread" for layer in model.root.children)
    assert met - keys == Counter({"model_weights/sn/sn/sn_dense/kernel": 1} if tied else {})
    assert not keys - met


@pytest.mark.parametrize(("part", "case"), MODELS)
def test_layers_and_classes_equal_the_oracle(part: str, case: str):
    live = {tuple(row["path"]): row["class"] for row in oracle_of(case, part)["layers"]}
    expected = [path for path in live if path[1:] not in UNSEEN]
    with open_source(path_of(part, case, "model.h5")) as model:
        found = layers_of(model)
        assert model.names == tuple(dict.fromkeys((expected[0][0], "model")))
    assert [path for path, _ in found] == expected
    for path, layer in found:
        assert layer.class_name in (None, live[path])
        if layer.class_name is None:  # within a class of the user's
            assert case in ("custom_layer_in_functional", "subclass_nested")


@pytest.mark.parametrize(("part", "case"), MODELS)
def test_trainable_is_told_where_the_class_is_known(part: str, case: str):
    live = {(tuple(r["layer_path"]), r["name"]): r["trainable"] for r in oracle_of(case, part)["weights"]}
    with open_source(path_of(part, case, "model.h5")) as model:
        for row in rows_of(model):
            if row.is_system:
                continue
            told = row.weight.trainable
            assert told in (None, live[row.path, row.weight.name])
            if told is None:
                assert row.way[-1].class_name in (None, "Block") or row.weight.name.startswith("lora_")


def test_attributes_are_the_models_own_indices():
    with open_source(path_of("keras3", "seq_dense", "model.h5")) as model:
        found = {layer.name: layer.attributes for layer in model.root.children}
    assert found["input_layer"] == ()  # no member of a Sequential's `layers`
    assert found["dense_layer_1"] == ("layers.0",)
    assert found["dense"] == ("layers.4",)
    with open_source(path_of("keras3", "bidirectional", "model.h5")) as model:
        forward, backward = model.root.children[1].children
    assert (forward.attributes, backward.attributes) == (("forward_layer",), ("backward_layer",))


def test_optimizer_slots_stand_below_their_weights_address():
    slots = {
        "keras3": ("momentum", "velocity", {"iterations", "learning_rate"}),
        "tf_keras": ("m", "v", {"iterations"}),
    }
    for part, (first, second, loose) in slots.items():
        with open_source(path_of(part, "trained_optimizer", "model.h5")) as model:
            optimizer = model.root.children[-1]
            rows = [row for row in rows_of(model) if row.is_system]
            hidden = next(row for row in rows if row.address.endswith(f"{second}/hidden:bias"))
            values = hidden.weight.tensor.read()
        assert (optimizer.name, optimizer.system, optimizer.class_name) == (".optimizer", True, "Adam")
        assert {weight.name for weight in optimizer.weights} == loose
        wanted = {
            f"trained/.optimizer/{slot}/{layer}:{name}"
            for slot in (first, second)
            for layer in ("hidden", "out")
            for name in ("kernel", "bias")
        }
        assert {row.address for row in rows if row.way[-1] is not optimizer} == wanted
        assert all(row.weight.remark is None for row in rows)
        live = oracle_of("trained_optimizer", part)["weights"]
        key = {"keras3": "adam/hidden_bias_velocity", "tf_keras": "Adam/v/hidden/bias:0"}[part]
        assert digest(values) == next(r["sha256"] for r in live if r["keras_path"] == key)


@pytest.mark.skipif(not REAL.exists(), reason="the real files are not here")
def test_real_files_have_todays_names_where_they_are_certain():
    def names(file: str) -> dict[str, set[str]]:
        with open_source(REAL / "files" / file) as model:
            return {row.path[-1]: {w.name for w in row.way[-1].weights} for row in rows_of(model)}

    old = names("k11-dl4j/cnn_tf_model.h5")
    layers = ("convolution2d_1", "convolution2d_2", "dense_1", "dense_2")
    assert old == {layer: {"kernel", "bias"} for layer in layers}
    assert names("k11-dl4j/cnn_tf_weights.h5") == {layer: {"W", "b"} for layer in layers}  # no classes
    gates = {f"{kind}_{gate}" for kind in "WUb" for gate in "icfo"}
    assert names("k11-dl4j/lstm_tf_model.h5")["lstm_1"] == gates
    assert names("k03-rlcar-small/20-20-400-50000-2382.h5")["layer_3"] == {"param_0", "param_1"}
    slots = names("mlperf-resnet-24/pretrainedResnet.h5")
    assert slots["batch_normalization"] == {"gamma", "beta"}  # the optimizer's copies come last
    assert ".unread" not in slots
    assert slots[".optimizer"] == {"iterations"}
