"""Write the TensorFlow.js models that test `examples/reader_plugin`.

    pip download --no-deps tensorflowjs && unzip -d tfjs tensorflowjs-*.whl
    : > tfjs/tensorflowjs/__init__.py; : > tfjs/tensorflowjs/converters/__init__.py    # they import much else
    PYTHONPATH=tfjs python tests/zoo/tfjs/make_tfjs.py

What is here was written with tensorflowjs 4.22.0 and tf_keras 2.21. Element i of weight w is i / 8 - w. The shards of
`plain` have 400 bytes, so that a kernel lies in two of them; the kernels of `quantized` have a byte an element.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import h5py
import numpy as np
import tf_keras
from tensorflowjs.converters import keras_h5_conversion

HERE = Path(__file__).parent


def built() -> tf_keras.Model:
    layers = tf_keras.layers
    inner = [layers.Dense(12, name="inner_dense1"), layers.BatchNormalization(name="norm")]
    outer = layers.Dense(4, name="outer_dense")
    model = tf_keras.Sequential(
        [tf_keras.Input((10,)), tf_keras.Sequential(inner, name="inner"), outer], name="larger_model"
    )
    for number, weight in enumerate(model.weights):
        weight.assign(np.arange(weight.shape.num_elements()).reshape(weight.shape) / 8 - number)
    return model


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        built().save(f"{folder}/model.h5")
        for name, options in (
            ("plain", {"weight_shard_size_bytes": 400}),
            ("quantized", {"quantization_dtype_map": {"uint8": "*/kernel"}}),
        ):
            (HERE / name).mkdir(exist_ok=True)
            with h5py.File(f"{folder}/model.h5") as file:
                topology, groups = keras_h5_conversion.h5_merged_saved_model_to_tfjs_format(file)
            keras_h5_conversion.write_artifacts(topology, groups, HERE / name, **options)


if __name__ == "__main__":
    main()
