"""Statistics of values: one pass over blocks, mergeable."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from weightrepl.engine.table import Histogram, Value
from weightrepl.model.tensor import TensorSource, TensorSpec


def measured(
    tensor: TensorSource,
    spec: TensorSpec,
    names: Iterable[str],
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, Value]:
    """Return the figures of these names, of all values of a tensor."""
    values = tensor.read().astype(np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    nan = float("nan")
    figures: dict[str, Value] = {
        "min": float(finite.min()) if finite.size else nan,
        "max": float(finite.max()) if finite.size else nan,
        "mean": float(finite.mean()) if finite.size else nan,
        "std": float(finite.std()) if finite.size else nan,
        "norm": float(np.linalg.norm(finite)),
        "absmax": float(abs(finite).max()) if finite.size else nan,
        "zeros": int((values == 0).sum()),
        "nans": int(np.isnan(values).sum()),
        "infs": int(np.isinf(values).sum()),
        "sparsity": float((values == 0).mean()) if values.size else nan,
        "flags": "dead" if values.size and not values.any() else "",
    }
    return {name: figures[name] for name in names}


def histogram(
    tensor: TensorSource,
    spec: TensorSpec,
    bins: int,
    advance: Callable[[int], None] = lambda n: None,
) -> Histogram:
    """Return how often the values of a tensor fall in each of `bins` equal bins from the smallest to the largest."""
    values = tensor.read().astype(np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    counts, edges = np.histogram(finite, bins)
    return Histogram(
        float(edges[0]), float(edges[-1]), tuple(map(int, counts)), int(values.size - finite.size)
    )
