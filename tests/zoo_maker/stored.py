"""What lies in the files that were written, read with the libraries whose formats they are: keys and digests."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from safetensors import safe_open

from tests.zoo_maker.values import digest

Digests = dict[str, str]


@dataclass(frozen=True, slots=True)
class Stored:
    """A file of a case: its path in the case's folder, the digest under each key, and what else the oracle says."""

    path: str
    digests: Digests | None = None
    more: dict[str, Any] = field(default_factory=dict)


def archive(folder: Path, path: str) -> Stored:
    """Return what the store within a `.keras` archive holds."""
    with zipfile.ZipFile(folder / path) as members:
        return Stored(path, hdf5_digests(io.BytesIO(members.read("model.weights.h5"))))


def hdf5(folder: Path, path: str) -> Stored:
    """Return what an HDF5 file holds."""
    return Stored(path, hdf5_digests(folder / path))


def hdf5_digests(file: Any) -> Digests:
    """Return the digest of every dataset."""
    found = {}

    def visit(key: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            found[key] = digest(node[()])

    with h5py.File(file) as opened:
        opened.visititems(visit)
    return found


def checkpoint(folder: Path, prefix: str) -> Stored:
    """Return what a checkpoint holds."""
    return Stored(prefix, checkpoint_digests(folder / prefix))


def saved_checkpoint(objects: Any, folder: Path) -> Stored:
    """Save a tf.train.Checkpoint, which adds a number and a counter; return what the files hold."""
    prefix = objects.save(str(folder / "ckpt" / "ck"))
    return checkpoint(folder, Path(prefix).relative_to(folder).as_posix())


def saved_model(folder: Path, path: str) -> Stored:
    """Return what the variables of a SavedModel hold."""
    return Stored(path, checkpoint_digests(folder / path / "variables" / "variables"))


def checkpoint_digests(prefix: Path) -> Digests:
    """Return the digest of every tensor; "str" stands for that of strings."""
    import tensorflow as tf

    reader, found = tf.train.load_checkpoint(str(prefix)), {}
    for key, dtype in reader.get_variable_to_dtype_map().items():
        try:
            tensor = reader.get_tensor(key)
        except tf.errors.UnimplementedError:  # a variable in parts, in a checkpoint of TensorFlow 1
            (tensor,) = tf.raw_ops.RestoreV2(
                prefix=str(prefix), tensor_names=[key], shape_and_slices=[""], dtypes=[dtype]
            )
        found[key] = "str" if dtype == tf.string else digest(tensor)
    return found


def npz(folder: Path, path: str) -> Stored:
    """Return what the arrays of an `.npz` hold."""
    with np.load(folder / path) as arrays:
        digests = {key: digest(arrays[key]) for key in arrays.files}
    return Stored(path, digests, {"note": "keys are layer_path/name; written by numpy, not by Keras"})


def safetensors(folder: Path, path: str) -> Stored:
    """Return what a safetensors file holds."""
    with safe_open(folder / path, framework="numpy") as tensors:
        return Stored(path, {key: digest(tensors.get_tensor(key)) for key in tensors.keys()})  # noqa: SIM118
