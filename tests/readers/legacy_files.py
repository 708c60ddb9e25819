"""Legacy h5 files that tests write, and what is read out of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tests.readers.files import rows_of
from weightrepl.readers.registry import open_source

Groups = Mapping[str, Sequence[str]]
SHAPE = (2, 3)


def entry(class_name: str, name: str | None = None, **config: Any) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    return {"class_name": class_name, "config": {**named, "trainable": True, **config}}


def listing(class_name: str, name: str, *layers: Any, **config: Any) -> dict[str, Any]:
    return entry(class_name, name, layers=list(layers), **config)


def write(
    path: Path,
    groups: Groups,
    config: Any = None,
    version: str | None = "3.15.1",
    optimizer: Sequence[str] = (),
    training: Any = None,
) -> str:
    """Write a file: layer -> the names of its weights. Each weight holds its own number, counted from 0."""
    with h5py.File(path, "w") as file:
        stored = file if config is None else file.create_group("model_weights")
        stored.attrs["layer_names"] = [name.encode() for name in groups if name != "top_level_model_weights"]
        if version is not None:
            stored.attrs["keras_version"] = version
        if config is not None:
            file.attrs["model_config"] = json.dumps(config)
        if training is not None:
            file.attrs["training_config"] = json.dumps(training)
        number = 0
        for layer, names in groups.items():
            number = fill(stored.create_group(layer), names, number)
        if optimizer:
            fill(file.create_group("optimizer_weights"), optimizer, number)
    return str(path)


def fill(group: h5py.Group, names: Sequence[str], number: int) -> int:
    group.attrs["weight_names"] = [name.encode() for name in names]
    for name in names:
        scalar = name.split("/")[-1].split(":")[0] in ("iteration", "iter", "learning_rate")
        group[name] = np.float32(number) if scalar else np.full(SHAPE, number, "float32")
        number += 1
    return number


def told(path: str) -> dict[str, str]:
    """Return the addresses below the model by key; where a remark is made, it follows a bar."""
    with open_source(path) as model:
        found = {}
        for row in rows_of(model):
            remark = "" if row.weight.remark is None else f" | {row.weight.remark}"
            found[str(row.weight.key)] = f"{'/'.join(row.path[1:])}:{row.weight.name}{remark}"
        return found


def addresses(path: str) -> list[str]:
    return list(told(path).values())
