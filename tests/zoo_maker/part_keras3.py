"""Makes the cases of Keras 3, whose models are in `tests/models.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tests import models
from tests.zoo_maker import oracle, stored
from tests.zoo_maker.cases import Case
from tests.zoo_maker.stored import Stored
from tests.zoo_maker.walk import Keras3Walk


def make(case: Case, folder: Path) -> None:
    """Write the files of a case and its oracle."""
    keras.utils.set_random_seed(7)
    model = models.built(case.name)
    walk = Keras3Walk(model)
    weights = [
        oracle.weight_row(
            row, array_of(variable), keras.backend.standardize_dtype(variable.dtype), variable.trainable
        )
        for variable, row in walk.found
    ]
    files = oracle.written(case, WRITERS, model, folder)
    oracle.write(folder, case, (keras, tf, np), oracle.model_facts(model, walk, weights), files)


def array_of(variable: Any) -> np.ndarray:
    """Return the values of a variable."""
    return np.asarray(keras.ops.convert_to_numpy(variable))


def write_keras(model: Any, folder: Path) -> Stored:
    model.save(folder / "model.keras")
    return stored.archive(folder, "model.keras")


def write_dir(model: Any, folder: Path) -> Stored:
    model.save(folder / "unzipped", zipped=False)
    store = stored.hdf5(folder, "unzipped/model.weights.h5")
    return Stored("unzipped", store.digests)


def write_weights(model: Any, folder: Path) -> Stored:
    model.save_weights(folder / "model.weights.h5")
    return stored.hdf5(folder, "model.weights.h5")


def write_sharded(model: Any, folder: Path) -> Stored:
    """Write about four shards, each with room for the largest weight."""
    sizes = [8 * int(np.prod(weight.shape)) for weight in model.weights]
    most_nbytes = max(sum(sizes) / 4, max(sizes) + 1)
    (folder / "sharded").mkdir()
    model.save_weights(folder / "sharded/model.weights.json", max_shard_size=most_nbytes / 2**30)
    digests = {}
    for shard in sorted((folder / "sharded").glob("*.h5")):
        held = stored.hdf5_digests(shard)
        digests.update({f"{shard.name}::{key}": each for key, each in held.items()})
    return Stored("sharded/model.weights.json", digests)


def write_h5(model: Any, folder: Path) -> Stored:
    model.save(folder / "model.h5")
    return stored.hdf5(folder, "model.h5")


def write_export(model: Any, folder: Path) -> Stored:
    model.export(str(folder / "export"), verbose=False)
    return stored.saved_model(folder, "export")


def write_saved_model(model: Any, folder: Path) -> Stored:
    tf.saved_model.save(model, str(folder / "saved_model"))
    return stored.saved_model(folder, "saved_model")


def write_checkpoint(model: Any, folder: Path) -> Stored:
    return stored.saved_checkpoint(tf.train.Checkpoint(model=model), folder)


def flat(model: Any) -> dict[str, np.ndarray]:
    """Return the weights by path and name; a prime tells one from another of that name."""
    arrays: dict[str, np.ndarray] = {}
    for variable, row in Keras3Walk(model).found:
        if row["kind"] == "weight":
            key = "/".join((*row["layer_path"], row["name"]))
            while key in arrays:
                key += "'"
            arrays[key] = array_of(variable)
    return arrays


def write_npz(model: Any, folder: Path) -> Stored:
    np.savez(folder / "model.npz", **flat(model))
    return stored.npz(folder, "model.npz")


def write_safetensors(model: Any, folder: Path) -> Stored:
    """Write float32 in the model's order: safetensors's own writer sorts by name."""
    header: dict[str, Any] = {"__metadata__": {"format": "tf"}}
    values = b""
    for key, array in flat(model).items():
        offsets = [len(values), len(values) + array.nbytes]
        header[key] = {
            "dtype": {"float32": "F32"}[array.dtype.name],
            "shape": array.shape,
            "data_offsets": offsets,
        }
        values += array.tobytes()
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 8)
    (folder / "model.safetensors").write_bytes(len(told).to_bytes(8, "little") + told + values)
    return stored.safetensors(folder, "model.safetensors")


WRITERS = {
    "keras": write_keras,
    "dir": write_dir,
    "weights": write_weights,
    "sharded": write_sharded,
    "h5": write_h5,
    "export": write_export,
    "saved_model": write_saved_model,
    "ckpt": write_checkpoint,
    "npz": write_npz,
    "safetensors": write_safetensors,
}
