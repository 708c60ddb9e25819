"""Writes weightrepl/demo/larger_model.keras, the model of `weightrepl --demo`. Needs TensorFlow.

    python tests/make_demo_model.py

The values are those of a fixed seed, and the archive's times are fixed, so running it again changes no byte as long as
Keras writes the same.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import keras
import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "weightrepl" / "demo" / "larger_model.keras"


def recorded(layer: keras.layers.Layer) -> dict[str, object]:
    """Return what a config says of a layer. Keras's own way for a layer that another is made of."""
    return keras.saving.serialize_keras_object(layer)


@keras.saving.register_keras_serializable("demo")
class CustomModule(keras.Model):
    """Two dense layers, the inner part."""

    def __init__(self, units1: int, units2: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.dense1 = keras.layers.Dense(units1, activation="relu", name="inner_dense1")
        self.dense2 = keras.layers.Dense(units2, activation="softmax", name="inner_dense2")

    def call(self, inputs: object) -> object:
        return self.dense2(self.dense1(inputs))

    def get_config(self) -> dict[str, object]:
        return {"name": self.name, "dense1": recorded(self.dense1), "dense2": recorded(self.dense2)}


@keras.saving.register_keras_serializable("demo")
class LargerModel(keras.Model):
    """The inner part and a dense layer on top."""

    def __init__(self, units_inner1: int, units_inner2: int, units_outer: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.module = CustomModule(units_inner1, units_inner2, name="custom_module")
        self.dense_outer = keras.layers.Dense(units_outer, name="outer_dense")

    def call(self, inputs: object) -> object:
        return self.dense_outer(self.module(inputs))

    def get_config(self) -> dict[str, object]:
        return {
            "name": self.name,
            "module": recorded(self.module),
            "dense_outer": recorded(self.dense_outer),
        }


def made() -> keras.Model:
    """Return the model, built, with the values of a fixed seed."""
    model = LargerModel(12, 8, 4, name="larger_model")
    model(np.zeros((1, 10), "float32"))
    random = np.random.default_rng(0)
    for variable in model.variables:
        values = random.normal(scale=0.3, size=variable.shape) if len(variable.shape) > 1 else 0
        variable.assign(np.broadcast_to(np.round(values, 3), variable.shape).astype("float32"))
    return model


def main() -> None:
    """Write the archive, with its members as they are but their times."""
    made().save(TARGET)
    with zipfile.ZipFile(TARGET) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in members.items():
            if name == "metadata.json":
                content = content.split(b', "date_saved"')[0] + b"}"
            archive.writestr(zipfile.ZipInfo(name), content)
    TARGET.write_bytes(packed.getvalue())


if __name__ == "__main__":
    main()
