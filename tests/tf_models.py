"""Live models of tf_keras and tf.Modules, and what is to be found in them.

Needs TensorFlow and tf_keras: import this within tests that are marked so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tf_keras

import weightrepl
from tests import models
from tests.zoo_maker.values import digest
from weightrepl.readers.registry import open_source

ZOO = Path(__file__).parent / "zoo"


def addresses(thing: Any, query: str = "**:*") -> list[str]:
    return [row.address for row in weightrepl.select(thing, query)]


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
