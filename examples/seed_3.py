"""A weight of a saved model: with Keras by loading it, then with weightrepl from the file alone. Needs TensorFlow."""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf

import weightrepl

QUERY = "dense_layer_1:kernel"


def build() -> tf.keras.Model:
    return tf.keras.models.Sequential(
        [
            tf.keras.Input((784,)),
            tf.keras.layers.Dense(10, activation="relu", name="dense_layer_1"),
            tf.keras.layers.Dense(5, activation="softmax", name="dense_layer_2"),
        ]
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "my_model.keras")
        weights_only = Path(folder, "my_model.weights.h5")
        legacy = Path(folder, "my_model.h5")
        model = build()
        model.save(archive)
        model.save_weights(weights_only)
        model.save(legacy)

        # Keras: the whole model has to be made again to look at one array. weights_only has no model in it, to
        # look into that one its model has to be built first.
        loaded = tf.keras.models.load_model(archive)
        kernel = loaded.get_layer("dense_layer_1").get_weights()[0]
        print("Shape of first layer weights from loaded model:", kernel.shape)  # (784, 10)

        # weightrepl: the same query as on the live model; from each file only the kernel's bytes are read.
        live = weightrepl.select(model, QUERY).one()
        np.testing.assert_array_equal(live.numpy(), kernel)
        for path in (archive, weights_only, legacy):
            with weightrepl.open(path) as opened:
                weight = weightrepl.select(opened, QUERY).one()
                print(path.name, weight.address, weight.shape)
                np.testing.assert_array_equal(weight.numpy(), kernel)


if __name__ == "__main__":
    main()
