"""Weights inside a custom sub-module of a subclassed model: with Keras, then with weightrepl. Needs TensorFlow."""

import numpy as np
import tensorflow as tf

import weightrepl


class CustomModule(tf.keras.Model):
    def __init__(self, units1, units2, **kwargs):
        super().__init__(**kwargs)
        self.dense1 = tf.keras.layers.Dense(units1, activation="relu", name="inner_dense1")
        self.dense2 = tf.keras.layers.Dense(units2, activation="softmax", name="inner_dense2")

    def call(self, inputs):
        return self.dense2(self.dense1(inputs))


class LargerModel(tf.keras.Model):
    def __init__(self, units_inner1, units_inner2, units_outer, **kwargs):
        super().__init__(**kwargs)
        self.module = CustomModule(units_inner1, units_inner2, name="custom_module")
        self.dense_outer = tf.keras.layers.Dense(units_outer, name="outer_dense")

    def call(self, inputs):
        return self.dense_outer(self.module(inputs))


def build() -> tf.keras.Model:
    model = LargerModel(12, 8, 4, name="larger_model")
    model(tf.random.normal((1, 10)))  # the layers make their weights when they first see an input
    return model


def main() -> None:
    model = build()

    # Keras: one get_layer per level, since get_layer sees only the layers directly below.
    inner = model.get_layer("custom_module").get_layer("inner_dense1").get_weights()[0]
    outer = model.get_layer("outer_dense").get_weights()[0]

    # weightrepl: one path, from the model's name on or below it; or wherever the layer is.
    by_path = weightrepl.select(model, "larger_model/custom_module/inner_dense1:kernel").one()
    below = weightrepl.select(model, "custom_module/*dense1:kernel").one()
    anywhere = weightrepl.select(model, "**/inner_dense1:kernel").one()
    for weight in (by_path, below, anywhere):
        print(weight.address, weight.shape)  # larger_model/custom_module/inner_dense1:kernel (10, 12)
        assert weight.address == by_path.address
        np.testing.assert_array_equal(weight.numpy(), inner)

    kernels = weightrepl.select(model, "**:kernel")
    print("Shape of outer dense weights:", kernels["larger_model/outer_dense:kernel"].shape)  # (8, 4)
    np.testing.assert_array_equal(kernels.arrays()["larger_model/outer_dense:kernel"], outer)


if __name__ == "__main__":
    main()
