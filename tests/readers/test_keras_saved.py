"""Models as people have them, saved on the spot by Keras: a file has what the live model has, under the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.files import layers_of, rows_of
from weightrepl.readers.keras_layers import NO_ORDER
from weightrepl.readers.registry import open_source

pytest.importorskip("tensorflow")
pytest.importorskip("tf_keras")
pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings("ignore")]

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402
from keras import layers, optimizers  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.backend.clear_session()


def addresses(thing: Any, system: bool = False) -> list[str]:
    """Return the addresses below the model, sorted: of the network, or of what is beside it."""
    with open_source(thing) as model:
        return sorted(row.address.partition("/")[2] for row in rows_of(model) if row.is_system is system)


def saved(model: Any, folder: Path, name: str) -> Path:
    path = folder / name
    (model.save_weights if "weights" in name else model.save)(path)
    return path


class Gan(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="gan")
        self.generator = keras.Sequential([layers.Input((2,)), layers.Dense(3)], name="generator")
        self.critic = keras.Sequential([layers.Input((3,)), layers.Dense(1)], name="critic")

    def call(self, x: Any) -> Any:
        return self.critic(self.generator(x))


@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5"])
def test_optimizers_in_attributes_are_no_layers(tmp_path: Path, name: str) -> None:
    model = Gan()
    model(np.zeros((1, 2), "f4"))
    model.c_optimizer, model.g_optimizer = optimizers.Adam(), optimizers.RMSprop()
    model.c_optimizer.build(model.critic.trainable_variables)
    path = saved(model, tmp_path, name)
    assert addresses(path) == addresses(model)
    assert {each.split("/")[1].split(":")[0] for each in addresses(path, system=True)} == {
        "c_optimizer",
        "g_optimizer",
    }


def test_one_optimizer_in_an_attribute_is_the_optimizer(tmp_path: Path) -> None:
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3, name="d")], name="m")
    model.opt = optimizers.Adam()
    model.opt.build(model.trainable_variables)
    assert addresses(saved(model, tmp_path, "m.keras"), system=True) == addresses(model, system=True)


def test_what_is_called_like_an_optimizer_and_counts_no_steps_is_a_layer(tmp_path: Path) -> None:
    model = keras.Sequential(name="m")
    model.options = layers.Dense(2, name="adam")
    model.options.build((None, 2))
    model.built = True
    assert addresses(saved(model, tmp_path, "m.weights.h5")) == ["adam:bias", "adam:kernel"]


@pytest.mark.parametrize("schedule", [False, True])
def test_an_optimizer_before_its_first_step(tmp_path: Path, schedule: bool) -> None:
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3, name="d")], name="m")
    rate = optimizers.schedules.ExponentialDecay(0.1, 10, 0.9) if schedule else 0.1
    model.compile(optimizers.Adam(rate), "mse")
    found = addresses(saved(model, tmp_path, "m.keras"), system=True)
    assert found == [".optimizer:iterations", *[".optimizer:learning_rate"] * (not schedule)]
    assert {*found} <= {*addresses(model, system=True)}


def test_an_optimizer_that_compile_wrapped_has_its_own_settings(tmp_path: Path) -> None:
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3, name="d")], name="m")
    model.dtype_policy = "mixed_float16"
    model.compile(optimizers.Adam(use_ema=True), "mse")
    model.optimizer.build(model.trainable_variables)
    missing = {*addresses(model, system=True)} - {*addresses(saved(model, tmp_path, "m.keras"), system=True)}
    assert "inner_optimizer" in vars(model.optimizer)
    assert {each for each in missing if each.startswith(".optimizer")} == set()


class Twins(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="twins")
        self.network = keras.Sequential([layers.Input((2,)), layers.Dense(3, name="d")], name="net")
        self.average = keras.models.clone_model(self.network)

    def call(self, x: Any) -> Any:
        return self.network(x)


def test_weights_in_layers_of_one_name_say_that_the_order_is_unknown(tmp_path: Path) -> None:
    model = Twins()
    model(np.zeros((1, 2), "f4"))
    with open_source(saved(model, tmp_path, "m.keras")) as opened:
        remarks = {path[1:]: layer.remark for path, layer in layers_of(opened)}
    assert remarks[("net", "d")] == NO_ORDER


@pytest.mark.parametrize("kind", ["ckpt", "saved_model", "export"])
def test_the_states_of_a_recurrent_layer_are_state(tmp_path: Path, kind: str) -> None:
    recurrent = layers.LSTM(3, stateful=True, name="lstm")
    model = keras.Sequential([layers.Input(batch_shape=(2, 5, 4)), recurrent], name="m")
    path = tmp_path / "m"
    if kind == "ckpt":
        tf.train.Checkpoint(model=model).write(str(path))
    elif kind == "export":
        model.export(str(path), verbose=False)
    else:
        tf.saved_model.save(model, str(path))
    assert addresses(path) == addresses(model)
    if kind != "export":
        states = {".state/lstm:states.0", ".state/lstm:states.1"}
        assert states <= {*addresses(model, system=True)} & {*addresses(path, system=True)}


def test_a_backward_layer_of_one_s_own_keeps_its_name(tmp_path: Path) -> None:
    forward, backward = layers.LSTM(2), layers.LSTM(2, go_backwards=True, name="back")
    both = layers.Bidirectional(forward, backward_layer=backward, name="both")
    model = keras.Sequential([layers.Input((5, 3)), both], name="m")
    assert addresses(model) == addresses(saved(model, tmp_path, "m.h5"))
    assert addresses(model) == addresses(saved(model, tmp_path, "m.keras"))


def test_layers_that_are_only_in_keras_s_applications_have_their_class(tmp_path: Path) -> None:
    from keras.src.applications.convnext import LayerScale

    model = keras.Sequential([layers.Input((3,)), LayerScale(1e-6, 3, name="scale")], name="m")
    with open_source(saved(model, tmp_path, "m.keras")) as opened:
        assert [layer.class_name for _, layer in layers_of(opened)][2:] == ["LayerScale"]


def test_tf_keras_calls_the_kernel_of_depthwise_layers_otherwise(tmp_path: Path) -> None:
    kept = tf_keras.layers.DepthwiseConv2D(2, name="d")
    model = tf_keras.Sequential([tf_keras.layers.Input((4, 4, 3)), kept], name="m")
    found = {name: addresses(saved(model, tmp_path, name)) for name in ("m.keras", "m.h5")}
    assert addresses(model) == ["d:bias", "d:depthwise_kernel"] == found["m.keras"] == found["m.h5"]
    ours = keras.Sequential([layers.Input((4, 4, 3)), layers.DepthwiseConv2D(2, name="d")], name="m")
    assert addresses(saved(ours, tmp_path, "ours.keras")) == ["d:bias", "d:kernel"] == addresses(ours)
