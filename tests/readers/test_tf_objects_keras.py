"""Live models of tf_keras."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weightrepl.readers.registry import open_source

pytest.importorskip("tensorflow")
pytest.importorskip("tf_keras")
pytestmark = pytest.mark.tensorflow

import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402

from tests import models  # noqa: E402
from tests.tf_models import ZOO, addresses, facts, recorded, trained  # noqa: E402
from tests.zoo_maker.part_tf import Linear  # noqa: E402
from tests.zoo_maker.tf_keras_models import MODELS, built  # noqa: E402
from tests.zoo_maker.values import digest  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    tf_keras.backend.clear_session()


@pytest.mark.parametrize("name", MODELS)
def test_a_live_tf_keras_model_is_what_its_oracle_says(name: str) -> None:
    oracle = json.loads((ZOO / "tf_keras" / name / "oracle.json").read_text())
    model = built(name)
    found = [
        row for row in facts(model) if not row[0][1:2] or not row[0][1].startswith((".optimizer", ".metrics"))
    ]
    assert found == recorded(oracle["weights"])
    layers = [
        ([p.layer.name for p in place.ancestry], place.layer.class_name, place.layer.built)
        for place in models.places(open_source(model))
        if not any(p.layer.system for p in place.ancestry)
    ]
    assert layers == [(layer["path"], layer["class"], layer["built"]) for layer in oracle["layers"]]


def test_slots_of_an_optimizer_hang_below_the_weights_that_they_belong_to() -> None:
    oracle = json.loads((ZOO / "tf_keras" / "trained_optimizer" / "oracle.json").read_text())
    expected = {row["keras_path"]: row["sha256"] for row in oracle["weights"] if row["kind"] == "optimizer"}
    found = {}
    for names, weight in models.rows(open_source(built("trained_optimizer"))):
        if names[1] == ".optimizer":
            path = "/".join((*(("Adam", *names[2:]) if names[2:] else ()), weight.name))
            found[path.replace("iterations", "iteration") + ":0"] = digest(weight.tensor.read())
    assert {key: found.pop(key) for key in expected} == expected
    assert list(found) == ["learning_rate:0"]


@pytest.mark.parametrize(("make", "own", "slot"), [
    (lambda: tf_keras.optimizers.SGD(momentum=0.9), {"iterations", "learning_rate"}, "m"),
    (lambda: tf_keras.optimizers.legacy.SGD(momentum=0.9),
     {"iterations", "learning_rate", "decay", "momentum"}, "momentum"),
])  # fmt: skip
def test_new_and_old_optimizers_have_their_slots(make: Any, own: set[str], slot: str) -> None:
    model = trained(make())
    found = addresses(model, ".optimizer/**:*")
    below = [address.removeprefix("net/") for address in addresses(model)]
    assert [a for a in found if a.count("/") > 1] == [f"net/.optimizer/{slot}/{address}" for address in below]
    assert {a.removeprefix("net/.optimizer:") for a in found if a.count("/") == 1} == own


def test_a_slot_that_is_called_like_another_is_called_by_its_list() -> None:
    model = trained(tf_keras.optimizers.Adafactor())
    names = {v.name for v in model.optimizer._c}
    assert any("r/" in name for name in names)  # of a bias
    below = [address.removeprefix("net/") for address in addresses(model)]
    found = [address for address in addresses(model, ".optimizer/**:*") if address.count("/") > 1]
    assert found == [f"net/.optimizer/{slot}/{address}" for slot in "rcv" for address in below]


def test_an_optimizer_within_another_and_what_the_outer_one_counts() -> None:
    outer = tf_keras.mixed_precision.LossScaleOptimizer(tf_keras.optimizers.SGD(momentum=0.9))
    found = addresses(trained(outer), ".optimizer/**:*")
    assert found[:2] == ["net/.optimizer:current_loss_scale", "net/.optimizer:counter"]
    assert "net/.optimizer/optimizer/m/inner/dense:kernel" in found


def test_of_several_optimizers_each_is_under_its_attribute() -> None:
    model = trained("sgd")
    model.second = tf_keras.optimizers.SGD(momentum=0.9)
    model.second.build(model.trainable_variables)
    found = addresses(model, ".optimizer/**:*")
    assert found[0] == "net/.optimizer/optimizer:iterations"
    assert found[-1] == "net/.optimizer/second/m/inner/dense:bias"
    assert [layer.name for layer in open_source(model).root.children if layer.system] == [
        ".optimizer",
        ".metrics",
    ]


def test_metrics_of_a_model_and_of_its_layers_are_a_systems_layer() -> None:
    model = trained("sgd")
    model.add_metric(tf.reduce_mean(model.outputs[0]), name="spread")
    metrics = ("loss", "mae", "add_metric/spread")
    found = [f"net/.metrics/{name}:{part}" for name in metrics for part in ("count", "total")]
    assert sorted(addresses(model, ".metrics/**:*")) == sorted(found)


def test_states_and_random_generators_are_state() -> None:
    tf_keras.backend.experimental.enable_tf_random_generator()
    try:
        layers = [
            tf_keras.layers.LSTM(2, stateful=True, name="rnn"),
            tf_keras.layers.Dropout(0.5, name="drop"),
        ]
        model = tf_keras.Sequential([tf_keras.layers.Input((3, 2), batch_size=1), *layers], name="m")
    finally:
        tf_keras.backend.experimental.disable_tf_random_generator()
    assert addresses(model, ".state/**:*") == [
        "m/.state/rnn:_states.0", "m/.state/rnn:_states.1", "m/.state/rnn:_random_generator._generator._state_var",
        "m/.state/rnn/lstm_cell:_random_generator._generator._state_var",
        "m/.state/drop:_random_generator._generator._state_var",
    ]  # fmt: skip


def test_a_layer_that_is_not_trained_says_so_with_all_below() -> None:
    model = built("subclass_nested")
    model.module._trainable = False  # and not what lies below
    now = {id(variable) for variable in model.trainable_variables}
    by_digest = {digest(v.numpy()): id(v) in now for v in model.variables}
    for row in facts(model):
        if row[0][1:2] != (".state",):
            assert row[4] is by_digest[row[5]], row


def test_attributes_are_all_the_names_under_which_a_parent_holds_a_layer() -> None:
    model = built("subclass_nested")
    model.again = model.dense_outer
    root = open_source(model).root
    assert {layer.name: layer.attributes for layer in root.children if not layer.system} == {
        "custom_module": ("module",), "outer_dense": ("dense_outer", "again"), "in_list": ("many.0",),
        "ln": ("many.1",), "in_dict": ("d.a",),
    }  # fmt: skip
    sequential = open_source(built("seq_dense")).root.children
    assert [layer.attributes for layer in sequential][:3] == [(), ("layers.0",), ("layers.1",)]


def test_variables_and_modules_in_a_layer_of_tf_keras_are_its_own() -> None:
    class Odd(tf_keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="odd")
            self.scale = tf.Variable([1.0])
            self.named = tf.Variable([1.0], name="gain")
            self.many = [tf.Variable([1.0]), tf.Variable([2.0])]
            self.module = Linear(1, 1)
            self.modules = [Linear(1, 1)]

    found = addresses(Odd())
    assert found == [
        "odd:scale", "odd:gain", "odd:many.0", "odd:many.1", "odd/module:w", "odd/module:b", "odd/modules/0:w",
        "odd/modules/0:b",
    ]  # fmt: skip


def test_a_model_that_was_never_built_says_so_with_the_line_that_builds_it() -> None:
    class Never(tf_keras.Model):
        def __init__(self) -> None:
            super().__init__(name="never")
            self.d = tf_keras.layers.Dense(2, name="d")
            self.flat = tf_keras.layers.Flatten(name="flat")

    dense, flat = open_source(Never()).root.children[:2]
    line = "never(np.zeros(input_shape))  # a batch such as your data"
    assert (dense.built, dense.build_line) == (False, line)
    assert (flat.built, flat.build_line) == (True, None)


@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_a_vocabulary_that_was_adapted_is_no_weight(name: str) -> None:
    layer = getattr(tf_keras.layers, name)(name="words")
    layer.adapt([[1], [2]] if name == "IntegerLookup" else [["a"], ["b"]])
    words = tf_keras.Input((1,), dtype="int64" if name == "IntegerLookup" else "string")
    table = tf_keras.layers.Embedding(5, 2, name="table")
    assert addresses(tf_keras.Model(words, table(layer(words)), name="m")) == ["m/table:embeddings"]
