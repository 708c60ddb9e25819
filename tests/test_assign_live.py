"""Values assigned to real variables: of Keras 3, tf_keras, and modules of TensorFlow."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightrepl
from weightrepl.errors import ChangedError, OutputError

pytest.importorskip("tensorflow")
pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402


def net(name: str = "net", units: int = 3, **options: Any) -> Any:
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(units, name="hidden", activation="relu", **options)(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="head", **options)(hidden), name=name)


def same(left: Any, right: Any) -> bool:
    pairs = zip(left.get_weights(), right.get_weights(), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_live_model_gets_the_values_of_a_file(tmp_path: Path) -> None:
    base, live = net("base"), net()
    base.save(tmp_path / "base.keras")
    before = live.get_weights()
    done = weightrepl.select(live, "**:*").assign(weightrepl.select(tmp_path / "base.keras", "**:*"))
    assert same(live, base)
    assert done.report.rows[0] == ("net/hidden:kernel", "base/hidden:kernel", (4, 3), "float32", True)
    done.undo()
    assert all(np.array_equal(a, b) for a, b in zip(live.get_weights(), before, strict=True))


def test_what_is_assigned_is_what_the_model_computes_with() -> None:
    live = net()
    weightrepl.select(live, "**:kernel").assign(0)
    weightrepl.select(live, "head:bias").assign([1, -2])
    np.testing.assert_array_equal(live(np.ones((1, 4), "f4")), [[1, -2]])


def test_a_file_of_other_shapes_changes_nothing(tmp_path: Path) -> None:
    net("base", units=5).save(tmp_path / "base.keras")
    live = net()
    before = live.get_weights()
    with pytest.raises(
        OutputError, match=r"net/hidden:kernel: its shape is \(4, 3\), that of the values \(4, 5\)"
    ):
        weightrepl.select(live, "**:*").assign(weightrepl.select(tmp_path / "base.keras", "**:*"))
    assert all(np.array_equal(a, b) for a, b in zip(live.get_weights(), before, strict=True))


def test_variables_are_those_that_tensorflow_holds() -> None:
    live = net()
    found = weightrepl.select(live, "**:*").variables()
    assert all(isinstance(variable, tf.Variable) for variable in found.values())
    found["net/head:bias"].assign([3.0, 4.0])
    np.testing.assert_array_equal(live.layers[-1].bias, [3, 4])
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(live(np.ones((1, 4), "f4")))
    gradients = tape.gradient(loss, [*found.values()])
    assert [gradient.shape for gradient in gradients] == [variable.shape for variable in found.values()]


@pytest.mark.parametrize(
    "given", [lambda live: live.layers[1].kernel, lambda live: tf.ones((4, 3)), lambda live: np.ones((4, 3))]
)
def test_tensors_and_variables_are_arrays(given: Any) -> None:
    live, other = net(), net()
    weightrepl.select(live, "hidden:kernel").assign(given(other))
    np.testing.assert_array_equal(live.layers[1].kernel, given(other))


@pytest.mark.parametrize("policy", ["bfloat16", "float16", "mixed_bfloat16", "float64"])
def test_a_policy_decides_what_is_stored(policy: str) -> None:
    live = net(dtype=policy)
    weightrepl.select(live, "**:kernel").assign(lambda w: np.full(w.shape, 1.5))
    weightrepl.select(live, "hidden:kernel[0, ::2]").assign(0.25)
    kernel = live.layers[1].kernel
    assert keras.backend.standardize_dtype(kernel.dtype) == policy.removeprefix("mixed_").replace(
        "bfloat16", "float32" if policy.startswith("mixed") else "bfloat16"
    )
    stored = keras.ops.convert_to_numpy(keras.ops.cast(kernel, "float32"))
    np.testing.assert_array_equal(stored[0], [0.25, 1.5, 0.25])


def test_quantised_weights_take_what_is_stored() -> None:
    live = net()
    live.layers[1].quantize("int8")
    kernel = weightrepl.select(live, "hidden:kernel")
    with pytest.raises(OutputError, match="it is int8, and the values are float32"):
        kernel.assign(np.ones((4, 3), "f4"))
    with pytest.raises(OutputError, match="300 is too large"):
        kernel.assign(300)
    kernel.assign(lambda w: -w)
    assert kernel.one().dtype == "int8"


def test_a_shared_layer_is_written_once() -> None:
    inputs, shared = keras.Input((4,)), keras.layers.Dense(4, name="shared")
    inner = keras.Model(inputs, shared(inputs), name="inner")
    live = keras.Model(inputs, keras.layers.Add()([inner(inputs), shared(inputs)]), name="siamese")
    done = weightrepl.select(live, "inner/shared:kernel, shared:kernel").assign(2)
    assert {address.rpartition("/")[2] for address in done.old} == {"shared:kernel"}
    np.testing.assert_array_equal(shared.kernel, np.full((4, 4), 2))
    assert done.report.notes[0].message.startswith("1 variable written")


def test_the_state_of_an_optimizer_is_assigned_too() -> None:
    live = net()
    live.compile("adam", "mse")
    live.fit(np.ones((2, 4)), np.ones((2, 2)), verbose=0)
    state = weightrepl.select(live, ".optimizer/**:iterations")
    state.assign(100)
    assert int(live.optimizer.iterations) == 100


def test_a_deleted_model_is_told_of() -> None:
    live = net()
    model = weightrepl.open(live)
    selection = model["**:*"]
    assert model.live is not None
    model.live.loosen()
    reference = weakref.ref(live)
    del live
    keras.backend.clear_session()
    gc.collect()
    assert reference() is None
    for ask in (selection.variables, lambda: selection.assign(0)):
        with pytest.raises(ChangedError, match="deleted"):
            ask()


def test_tf_keras() -> None:
    tf_keras = pytest.importorskip("tf_keras")
    live = tf_keras.Sequential([tf_keras.layers.Dense(3, name="hidden", input_shape=(4,))], name="old")
    before = live.get_weights()
    done = weightrepl.select(live, "**:*").assign(lambda w: w + 1)
    for now, then in zip(live.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, then + 1)
    done.undo()
    np.testing.assert_array_equal(live.get_weights()[0], before[0])
    assert isinstance(weightrepl.select(live, "hidden:bias").variables()["old/hidden:bias"], tf.Variable)


class Module(tf.Module):  # type: ignore[misc]
    """A module with variables of all kinds."""

    def __init__(self) -> None:
        super().__init__("module")
        self.w = tf.Variable(tf.ones((2, 2)))
        self.steps = tf.Variable(3)
        self.names = tf.Variable(["a", "b"])
        self.rows = tf.Variable(tf.zeros((2,)), shape=tf.TensorShape([None]))


def test_a_module_of_tensorflow() -> None:
    live = Module()
    weightrepl.select(live, ":w[:, 0]").assign(-1)
    np.testing.assert_array_equal(live.w, [[-1, 1], [-1, 1]])
    weightrepl.select(live, ":steps").assign(4)
    assert int(live.steps) == 4
    done = weightrepl.select(live, ":names").assign(np.array(["x", "y"]))
    assert live.names.numpy().tolist() == [b"x", b"y"]
    done.undo()
    assert live.names.numpy().tolist() == [b"a", b"b"]
    assert weightrepl.select(live, ":steps, :w").variables()["module:w"] is live.w


def test_a_variable_of_any_length_keeps_the_present_one() -> None:
    live = Module()
    rows = weightrepl.select(live, ":rows")
    rows.assign([1, 2])
    np.testing.assert_array_equal(live.rows, [1, 2])
    with pytest.raises(OutputError, match=r"its shape is \(2,\), that of the values \(3,\)"):
        rows.assign([1, 2, 3])
