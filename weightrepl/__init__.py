"""A query language over the layers and weights of Keras models and weight files."""

__version__ = "0.1.0"
