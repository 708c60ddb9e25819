"""Weights that hold given arrays, as a query finds them."""

from __future__ import annotations

import numpy as np

from tests.trees import ArraySource
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.selection import Selection
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.model.workspace import Workspace


def matrix(rows: int, columns: int) -> np.ndarray:
    """Return a matrix of values between -1 and 1."""
    return np.sin(np.arange(rows * columns) * 0.7).reshape(rows, columns).round(3)


def held(values: np.ndarray, name: str = "kernel") -> Weight:
    """Return a weight of these values."""
    dtype = "string" if values.dtype.kind == "U" else values.dtype.name
    return Weight(name, TensorSpec(values.shape, dtype), ArraySource(values))


def selected(
    query: str, *values: np.ndarray, class_name: str | None = "Dense", name: str = "kernel"
) -> Selection:
    """Return what a query finds in the model `m`: layers `a`, `b`, … with a weight of these values each."""
    layers = (
        Layer(letter, Content((held(array, name),)), class_name=class_name)
        for letter, array in zip("abcdefghijklmnopqrstuvwxyz", values, strict=False)
    )
    found = evaluate(query, Workspace((Model(Layer("m", Content((), tuple(layers))), ("m",)),)))
    assert isinstance(found, Selection)
    return found
