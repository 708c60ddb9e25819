"""The files on which checkpoints, safetensors and SavedModels are measured, written once by their own libraries.

`python -m tests.bench.source_files FOLDER SIZE` writes them; it needs TensorFlow.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHAPES = {"full": (1000, (320, 312), 100_000, 2048), "quick": (10, (8, 6), 100, 16)}
"""Layers and the shape of each one's kernel; tiny variables; the side of the one large matrix."""

KEY = "model/dense/kernel"
"""The large matrix."""


@dataclass(frozen=True, slots=True)
class SourceFiles:
    """Where they are: of checkpoints what their files begin with."""

    folder: Path

    @property
    def checkpoints(self) -> dict[str, Path]:
        return {name: self.folder / name for name in ("big", "many", "one")}

    @property
    def safetensors(self) -> dict[str, Path]:
        return {name: self.folder / f"{name}.safetensors" for name in ("big", "many", "one")}

    @property
    def saved_model(self) -> Path:
        return self.folder / "saved_model"

    @property
    def written(self) -> tuple[Path, ...]:
        """All files, for the page cache."""
        return tuple(path for path in sorted(self.folder.rglob("*")) if path.is_file())

    @property
    def are_there(self) -> bool:
        return (self.folder / "complete").exists()

    @classmethod
    def of(cls, cache: Path, size: str) -> SourceFiles:
        return cls(cache / f"sources-{size}")


def write_files(folder: Path, size: str) -> None:
    """Write all files; a last one says that they are complete."""
    files = SourceFiles(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, arrays in _arrays(size).items():
        _save_checkpoint(files.checkpoints[name], arrays)
        _save_safetensors(files.safetensors[name], arrays)
    _save_model(files.saved_model, size)
    (folder / "complete").touch()


def _arrays(size: str) -> dict[str, dict[str, Any]]:
    """Return what is in the files: many layers, very many scalars, one large matrix."""
    import numpy as np

    layers, shape, scalars, side = SHAPES[size]
    random = np.random.default_rng(5)
    big: dict[str, Any] = {}
    for n in range(layers):
        big[f"model/block_{n // 50}/dense_{n}/kernel"] = random.standard_normal(shape, np.float32)
        big[f"model/block_{n // 50}/dense_{n}/bias"] = random.standard_normal(shape[1], np.float32)
    many = {f"model/block_{n // 1000}/part_{n // 10}/scale_{n}": np.float32(n) for n in range(scalars)}
    one = {KEY: random.standard_normal((side, side), np.float32)}
    return {"big": big, "many": many, "one": one}


def _save_checkpoint(prefix: Path, arrays: Mapping[str, Any]) -> None:
    import tensorflow as tf

    whole = [""] * len(arrays)
    tf.raw_ops.SaveV2(
        prefix=str(prefix), tensor_names=list(arrays), shape_and_slices=whole, tensors=list(arrays.values())
    )


def _save_safetensors(path: Path, arrays: Mapping[str, Any]) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    save_file({key: np.asarray(array) for key, array in arrays.items()}, path)


def _save_model(folder: Path, size: str) -> None:
    import keras
    import tensorflow as tf

    units = SHAPES[size][3] // 2
    inputs = outputs = keras.Input((units,))
    for n in range(24):
        outputs = keras.layers.Dense(units, name=f"dense_{n}")(outputs)
    tf.saved_model.save(keras.Model(inputs, outputs, name="model"), str(folder))


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), sys.argv[2])
