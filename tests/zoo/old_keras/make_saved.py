"""Write `saved_3.3.3` and `export_3.3.3` beside this file: one model, saved in two ways by an old Keras 3.

python make_saved.py  # with keras 3.3.3 and TensorFlow 2.21
"""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

HERE = Path(__file__).resolve().parent


class Inner(keras.layers.Layer):
    """Two layers in attributes whose names are not theirs."""

    def __init__(self, **options):
        super().__init__(**options)
        self.d, self.n = keras.layers.Dense(4, name="deep"), keras.layers.LayerNormalization(name="norm")

    def call(self, x):
        """Return what the normalization makes of the dense layer's output."""
        return self.n(self.d(x))


class Outer(keras.Model):
    """A layer in an attribute, two in a list."""

    def __init__(self):
        super().__init__(name="outer")
        self.a, self.b = Inner(name="in_a"), [Inner(name="in_b_1"), keras.layers.Dense(3, name="tail")]

    def call(self, x):
        """Return what one layer after the other makes of `x`."""
        return self.b[1](self.b[0](self.a(x)))


if __name__ == "__main__":
    model = Outer()
    model(np.zeros((2, 4), "float32"))
    tf.saved_model.save(model, str(HERE / f"saved_{keras.__version__}"))
    model.export(str(HERE / f"export_{keras.__version__}"))
