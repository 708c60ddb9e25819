"""Weights of named layers in a Sequential model: with Keras, then with weightrepl. Needs TensorFlow."""

import numpy as np
import tensorflow as tf

import weightrepl


def build() -> tf.keras.Model:
    return tf.keras.models.Sequential(
        [
            tf.keras.Input((784,)),
            tf.keras.layers.Dense(10, activation="relu", name="dense_layer_1"),
            tf.keras.layers.Dense(5, activation="softmax", name="dense_layer_2"),
        ]
    )


def main() -> None:
    model = build()

    # Keras: the layer by its name, then the weight by its place in a list that has copied all the layer's weights.
    kernel_1, bias_1 = model.get_layer("dense_layer_1").get_weights()
    kernel_2, bias_2 = model.get_layer("dense_layer_2").get_weights()

    # weightrepl: the weight by its name; nothing else is copied.
    kernel = weightrepl.select(model, "dense_layer_1:kernel").one()
    print("Shape of first layer weights:", kernel.shape)  # (784, 10)
    np.testing.assert_array_equal(kernel.numpy(), kernel_1)

    # or all of them at once, each under its address
    weights = weightrepl.select(model, "dense_layer_*:*")
    for weight, by_keras in zip(weights, (kernel_1, bias_1, kernel_2, bias_2), strict=True):
        print(weight.address, weight.shape)
        np.testing.assert_array_equal(weight.numpy(), by_keras)


if __name__ == "__main__":
    main()
