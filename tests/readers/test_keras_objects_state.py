"""Optimizers, metrics and seeds of live Keras 3 models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from weightrepl.model.tree import Model
from weightrepl.readers.keras_objects import KerasObjectReader

pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers, optimizers  # noqa: E402

from tests import models  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.backend.clear_session()


def trained(optimizer: Any) -> Any:
    """Return a model of an embedding and two siblings of one name, with its optimizer's slots."""

    class Net(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="net")
            self.first = layers.Dense(4, name="same", trainable=False)
            self.second = layers.Dense(4, name="same")
            self.table = layers.Embedding(5, 4, name="embedding_table")
            self.drop = layers.Dropout(0.5, name="drop")

        def call(self, x: Any) -> Any:
            return self.drop(self.second(self.first(self.table(x))))

    model = Net()
    model(np.zeros((4, 3), "int32"))
    model.compile(optimizer, "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def below(model: Model, system: str) -> list[str]:
    return [
        "/".join(names[1:]) + ":" + weight.name
        for names, weight in models.rows(model)
        if names[1:2] == (system,)
    ]


def slots(*names: str) -> list[str]:
    weights = ("same#2:kernel", "same#2:bias", "embedding_table:embeddings")
    return [f".optimizer/{name}/{weight}" for name in names for weight in weights]


LOOSE = [".optimizer:iterations", ".optimizer:learning_rate"]
OPTIMIZERS = {
    "SGD": ({}, []),
    "SGD+momentum": ({"momentum": 0.9}, ["momentum"]),
    "Adam": ({}, ["momentum", "velocity"]),
    "Adam+amsgrad": ({"amsgrad": True}, ["momentum", "velocity", "velocity_hat"]),
    "Adam+ema": ({"use_ema": True}, ["average", "momentum", "velocity"]),
    "Adam+steps": ({"gradient_accumulation_steps": 2}, ["gradient_accumulator", "momentum", "velocity"]),
    "AdamW": ({}, ["momentum", "velocity"]),
    "Adamax": ({}, ["momentum", "norm"]),
    "Adadelta": ({}, ["accumulated_grad", "accumulated_delta_var"]),
    "Adagrad": ({}, ["accumulator"]),
    "Ftrl": ({}, ["accumulator", "linear"]),
    "Lamb": ({}, ["momentum", "velocity"]),
    "Lion": ({}, ["momentum"]),
    "RMSprop": ({"momentum": 0.5, "centered": True}, ["velocity", "momentum", "average_gradient"]),
    "ScheduleFreeAdamW": ({}, ["momentum", "velocity"]),
    "Adafactor": ({}, ["r", "c", "velocity"]),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_slots_hang_under_the_weights_that_they_belong_to(name: str) -> None:
    options, expected = OPTIMIZERS[name]
    model = trained(getattr(optimizers, name.partition("+")[0])(**options))
    assert below(KerasObjectReader().open(model), ".optimizer") == LOOSE + slots(*expected)


def test_a_slot_is_found_by_identity_and_is_the_optimizers_own_variable() -> None:
    model = trained("adam")
    opened = KerasObjectReader().open(model)
    found = {
        "/".join(names[2:]) + ":" + w.name: w for names, w in models.rows(opened) if names[1] == ".optimizer"
    }
    velocity = found["velocity/same#2:kernel"]
    np.testing.assert_array_equal(velocity.tensor.read(), np.asarray(model.optimizer._velocities[0]))
    assert velocity.trainable is False
    assert velocity.key == model.optimizer._velocities[0].path
    assert len(found) == len(model.optimizer.variables)


def test_nadam_has_a_product_of_its_own() -> None:
    found = below(KerasObjectReader().open(trained(optimizers.Nadam())), ".optimizer")
    assert found == [*LOOSE, ".optimizer:u_product", *slots("momentum", "velocity")]


def test_muon_has_a_velocity_only_where_it_is_adam() -> None:
    found = below(KerasObjectReader().open(trained(optimizers.Muon())), ".optimizer")
    velocities = [each for each in slots("velocity") if "same#2:kernel" not in each]
    assert found == LOOSE + slots("momentum") + velocities


def test_a_schedule_leaves_no_learning_rate() -> None:
    schedule = optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    assert below(KerasObjectReader().open(trained(optimizers.SGD(schedule))), ".optimizer") == LOOSE[:1]


def test_an_optimizer_within_another_hangs_below_it() -> None:
    model = trained(optimizers.LossScaleOptimizer(optimizers.SGD(momentum=0.9)))
    found = below(KerasObjectReader().open(model), ".optimizer")
    assert found[:4] == [*LOOSE, ".optimizer:step_counter", ".optimizer:dynamic_scale"]
    inner = [
        each.replace(".optimizer", ".optimizer/inner_optimizer", 1) for each in LOOSE + slots("momentum")
    ]
    assert found[4:] == inner


def test_several_optimizers_within_one_hang_below_it_by_their_names() -> None:
    def chosen(variable: Any) -> Any:
        return sgd if "kernel" in variable.path else adam

    sgd, adam = optimizers.SGD(momentum=0.5, name="first"), optimizers.Adam(name="second")
    found = below(KerasObjectReader().open(trained(optimizers.MultiOptimizer(chosen))), ".optimizer")
    assert ".optimizer/first/momentum/same#2:kernel" in found
    assert ".optimizer/second/velocity/same#2:bias" in found
    assert ".optimizer/second/momentum/same#2:kernel" not in found
    assert ".optimizer/second:iterations" in found


def test_what_a_users_optimizer_makes_is_placed_by_position_or_keeps_its_name() -> None:
    class Mine(optimizers.Optimizer):
        def __init__(self) -> None:
            super().__init__(learning_rate=0.1, name="mine")

        def build(self, variables: Any) -> None:
            super().build(variables)
            self.total = self.add_variable((), name="grand_total")
            self.my_traces = [self.add_variable(v.shape, name=f"t{i}") for i, v in enumerate(variables)]

        def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
            pass

    found = below(KerasObjectReader().open(trained(Mine())), ".optimizer")
    assert found == [*LOOSE, ".optimizer:grand_total", *slots("my_traces")]


def test_a_slot_of_a_weight_that_is_no_more_keeps_its_own_name() -> None:
    model = trained(optimizers.SGD(momentum=0.9))
    model._layers.remove(model.table)
    found = below(KerasObjectReader().open(model), ".optimizer")
    path = model.table._embeddings.path.replace("/", "_")
    assert f".optimizer:{path}_momentum" in found


def test_metrics_hang_under_the_layer_that_has_them() -> None:
    class Counting(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="counting")
            self.seen = keras.metrics.Mean(name="seen")

        def call(self, x: Any) -> Any:
            return x

    model = keras.Sequential([layers.Input((3,)), Counting(), layers.Dense(1, name="d")], name="m")
    model.compile("sgd", "mse", metrics=["mae", keras.metrics.Precision(name="p")])
    assert below(KerasObjectReader().open(model), ".metrics")[:2] == [
        ".metrics/counting/seen:total", ".metrics/counting/seen:count",
    ]  # fmt: skip
    model.fit(np.zeros((4, 3)), np.zeros((4, 1)), verbose=0)
    found = below(KerasObjectReader().open(model), ".metrics")
    assert found == [
        ".metrics/counting/seen:total", ".metrics/counting/seen:count", ".metrics/loss:total", ".metrics/loss:count",
        ".metrics/mae:total", ".metrics/mae:count", ".metrics/p:true_positives", ".metrics/p:false_positives",
    ]  # fmt: skip
    assert len(found) == len(model.metrics_variables)


def test_a_model_with_nothing_of_the_kind_has_no_such_layers() -> None:
    model = KerasObjectReader().open(models.func_nested_same_names())
    assert [layer.name for layer in model.root.children if layer.system] == []
    compiled = keras.Sequential([layers.Input((2,)), layers.Dense(1)])
    compiled.compile("adam")
    opened = KerasObjectReader().open(compiled)
    assert below(opened, ".optimizer") == [*LOOSE]


def test_variables_in_a_module_of_tensorflow_are_listed_as_unread_by_keras() -> None:
    class Module(tf.Module):
        pass

    model = keras.Sequential([layers.Dense(2, name="d")], name="m")
    model.module = Module()
    model.module.w = [tf.Variable([1.0])]
    model.module.below = {"a": Module()}
    model.module.below["a"].above = model.module
    model.module.below["a"].w = tf.Variable([2.0])
    weights = [w for names, w in models.rows(KerasObjectReader().open(model)) if ".unread" in names]
    assert [weight.name for weight in weights] == ["module.w.0", "module.below.a.w"]


def test_of_several_optimizers_each_is_under_its_attribute() -> None:
    model = keras.Sequential([layers.Input((2,)), layers.Dense(2, name="d")], name="gan")
    model.d_optimizer, model.g_optimizer = optimizers.SGD(0.1, momentum=0.9), optimizers.SGD(0.1)
    for optimizer in (model.d_optimizer, model.g_optimizer):
        optimizer.build(model.trainable_variables)
    found = ["/".join(names) + ":" + w.name for names, w in models.rows(KerasObjectReader().open(model))]
    below = "gan/.optimizer/"
    assert [address.removeprefix(below) for address in found if address.startswith(below)] == [
        "d_optimizer:iterations", "d_optimizer:learning_rate", "d_optimizer/momentum/d:kernel",
        "d_optimizer/momentum/d:bias", "g_optimizer:iterations", "g_optimizer:learning_rate",
    ]  # fmt: skip
