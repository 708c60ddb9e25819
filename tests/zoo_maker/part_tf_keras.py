"""Makes the cases of tf_keras, whose models are in `tf_keras_models.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras

from tests.zoo_maker import oracle, stored
from tests.zoo_maker.cases import Case
from tests.zoo_maker.stored import Stored
from tests.zoo_maker.tf_keras_models import built
from tests.zoo_maker.walk import TfKerasWalk


def make(case: Case, folder: Path) -> None:
    """Write the files of a case and its oracle."""
    tf_keras.utils.set_random_seed(7)
    model = built(case.name)
    walk = TfKerasWalk(model)
    weights = [
        oracle.weight_row(row, variable.numpy(), variable.dtype.name, variable.trainable)
        for variable, row in walk.found
    ]
    files = oracle.written(case, WRITERS, model, folder)
    oracle.write(folder, case, (tf_keras, tf, np), oracle.model_facts(model, walk, weights), files)


def write_keras(model: Any, folder: Path) -> Stored:
    model.save(str(folder / "model.keras"), save_format="keras")
    return stored.archive(folder, "model.keras")


def write_h5(model: Any, folder: Path) -> Stored:
    model.save(str(folder / "model.h5"), save_format="h5")
    return stored.hdf5(folder, "model.h5")


def write_weights(model: Any, folder: Path) -> Stored:
    model.save_weights(str(folder / "model.weights.h5"))
    return stored.hdf5(folder, "model.weights.h5")


def write_weights_h5(model: Any, folder: Path) -> Stored:
    model.save_weights(str(folder / "legacy_weights.h5"), save_format="h5")
    return stored.hdf5(folder, "legacy_weights.h5")


def write_weights_tf(model: Any, folder: Path) -> Stored:
    model.save_weights(str(folder / "weights_tf/w"), save_format="tf")
    return stored.checkpoint(folder, "weights_tf/w")


def write_saved_model(model: Any, folder: Path) -> Stored:
    """Write a SavedModel; that of RNNs without the functions that were traced."""
    model.save(str(folder / "saved_model"), save_format="tf", save_traces=model.name != "rnns")
    return stored.saved_model(folder, "saved_model")


def write_export(model: Any, folder: Path) -> Stored:
    model.export(str(folder / "export"))
    return stored.saved_model(folder, "export")


def write_checkpoint(model: Any, folder: Path) -> Stored:
    return stored.saved_checkpoint(tf.train.Checkpoint(model=model), folder)


WRITERS = {
    "keras": write_keras,
    "h5": write_h5,
    "weights": write_weights,
    "weights_h5": write_weights_h5,
    "weights_tf": write_weights_tf,
    "saved_model": write_saved_model,
    "export": write_export,
    "ckpt": write_checkpoint,
}
