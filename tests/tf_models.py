"""Live models of tf_keras and tf.Modules, and what is to be found in them.

Needs TensorFlow and tf_keras: import this within tests that are marked so.
"""

from __future__ import annotations

import hashlib
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

import weightrepl
from tests import models
from weightrepl.readers.registry import open_source

ZOO = Path(__file__).parent / "zoo"
MAKER = runpy.run_path(str(ZOO / "make_zoo.py"))
"""What made the files of the zoo."""
CASES = {case["name"]: case["fn"] for case in MAKER["CASES"]["tf_keras"]}


class Linear(tf.Module):
    def __init__(self, inputs: int, outputs: int, name: str | None = None) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.w = tf.Variable(tf.zeros([inputs, outputs]), name="w")
            self.b = tf.Variable(tf.zeros([outputs]), name="bias_variable")


class Mlp(tf.Module):
    def __init__(self) -> None:
        super().__init__(name="mlp")
        self.blocks = [Linear(4, 4, "lin"), Linear(4, 4, "lin")]
        self.heads = {"cls": Linear(4, 3, "cls"), "reg": Linear(4, 1)}
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.tied = self.blocks[0]


def zoo_model(name: str) -> Any:
    """Return a model of tf_keras with the values that its files hold."""
    model = CASES[name]()
    _, found = MAKER["tfk_walk"](model)
    MAKER["fill"]("tf_keras", name, list({row["var_id"]: row["_var"] for row in found}.values()))
    return model


def addresses(thing: Any, query: str = "**:*") -> list[str]:
    return [row.address for row in weightrepl.select(thing, query)]


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def facts(thing: Any) -> list[tuple[Any, ...]]:
    """Return names from the root, name, shape, dtype, trainable and digest of each weight on each way."""
    return [
        (names, w.name, w.spec.shape, w.spec.dtype, w.trainable, digest(w.tensor.read()))
        for names, w in models.rows(open_source(thing))
    ]


def recorded(rows: list[dict[str, Any]], kind: str = "weight") -> list[tuple[Any, ...]]:
    return [
        (tuple(r["layer_path"]), r["name"], tuple(r["shape"]), r["dtype"], r["trainable"], r["sha256"])
        for r in rows
        if r["kind"] == kind
    ]


def trained(optimizer: Any) -> Any:
    inputs = tf_keras.Input((3,))
    hidden = tf_keras.layers.Dense(2, name="dense")(inputs)
    inner = tf_keras.Sequential([tf_keras.layers.Dense(2, name="dense")], name="inner")
    model = tf_keras.Model(inputs, inner(hidden), name="net")
    model.compile(optimizer, "mse", metrics=["mae"])
    model.fit(np.zeros((4, 3)), np.zeros((4, 2)), verbose=0)
    return model
