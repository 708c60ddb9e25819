"""The models of the zoo that are of tf_keras. Needs TensorFlow and tf_keras, and imports no Keras 3."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import tf_keras
from tf_keras import layers

from tests.zoo_maker.values import fill
from tests.zoo_maker.walk import TfKerasWalk


def built(name: str) -> Any:
    """Return a model of the zoo with the values that its files hold."""
    tf_keras.backend.clear_session()
    model = MODELS[name]()
    fill(f"tf_keras/{name}", TfKerasWalk(model).variables)
    return model


def seq_dense() -> Any:
    inner = [layers.Dense(5, activation="relu", name="dense_layer_1"), layers.BatchNormalization(name="bn")]
    rest = [layers.Dropout(0.5), layers.Dense(3, name="dense_layer_2")]
    return tf_keras.Sequential([layers.Input((6,)), *inner, *rest], name="seq")


@tf_keras.saving.register_keras_serializable("zoo")
class CustomModule(tf_keras.Model):
    def __init__(self, u1: int, u2: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.u = (u1, u2)
        self.dense1 = layers.Dense(u1, name="inner_dense1")
        self.dense2 = layers.Dense(u2, name="inner_dense2")

    def call(self, x: Any) -> Any:
        return self.dense2(self.dense1(x))

    def get_config(self) -> dict[str, Any]:
        return {"u1": self.u[0], "u2": self.u[1]}


@tf_keras.saving.register_keras_serializable("zoo")
class LargerModel(tf_keras.Model):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.module = CustomModule(12, 8, name="custom_module")
        self.dense_outer = layers.Dense(4, name="outer_dense")
        self.many = [layers.Dense(4, name="in_list"), layers.LayerNormalization(name="ln")]
        self.d = {"a": layers.Dense(4, name="in_dict")}

    def call(self, x: Any) -> Any:
        x = self.dense_outer(self.module(x))
        for layer in self.many:
            x = layer(x)
        return self.d["a"](x)

    def get_config(self) -> dict[str, Any]:
        return {}


def subclass_nested() -> Any:
    model = LargerModel(name="larger_model")
    model(np.zeros((1, 10), "float32"))
    return model


def rnns() -> Any:
    start = tf_keras.Input((5, 3))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="lstm"), name="bi")(start)
    cells = [layers.LSTMCell(3, name="c1"), layers.GRUCell(2)]
    x = layers.RNN(cells, return_sequences=True, name="stack")(x)
    x = layers.TimeDistributed(layers.Dense(3, name="inner"), name="td")(x)
    return tf_keras.Model(start, x, name="rnns")


def trained_optimizer() -> Any:
    start = tf_keras.Input((4,))
    hidden = layers.Dense(3, name="hidden")(start)
    model = tf_keras.Model(start, layers.Dense(2, name="out")(hidden), name="trained")
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((4, 4), "float32"), np.zeros((4, 2), "float32"), verbose=0)
    return model


WEIRD = (
    *("a/b", "a:b", "with space", "star*name", "dot.ted", "br[0]ack", "_under", "-dash", "ünï", "0digit"),
    *("UPPER", "kernel"),
)


def weird_names() -> Any:
    start = x = tf_keras.Input((3,))
    for name in WEIRD:
        with suppress(ValueError):  # TensorFlow refuses some as the name of a scope
            x = layers.Dense(3, name=name)(x)
    return tf_keras.Model(start, x, name="odd_names")


MODELS: dict[str, Callable[[], Any]] = {
    each.__name__: each for each in (seq_dense, subclass_nested, rnns, trained_optimizer, weird_names)
}
