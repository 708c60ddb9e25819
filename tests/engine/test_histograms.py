"""The stage `hist` counts as NumPy does, once, and says what it left out."""

from __future__ import annotations

import numpy as np
import pytest

from tests.held import selected
from weightrepl.engine.histograms import DEFAULT_BINS
from weightrepl.engine.table import Histogram


def histogram(values: np.ndarray, stage: str = "hist") -> Histogram:
    ((value,),) = selected(f"a:kernel | {stage}", values).table(["hist"]).rows
    assert isinstance(value, Histogram)
    return value


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=1000),
        RNG.normal(size=(20, 30)).astype("f4"),
        np.array([-3e38, -1.0, 0.0, 3e38], "f4"),
        np.array([0.0, 1e-45, 3e-45, 1e-44], "f4"),
        np.linspace(-1, 1, 21),  # on the edges
        np.arange(0, 1.05, 0.05),
        np.array([-0.0, 0.0, 1.0]),
        np.array([1e300, 1e300 * (1 + 1e-12)]),
        RNG.integers(-1000, 1000, 500),
    ],
    ids=["float64", "float32", "large", "subnormal", "edges", "steps", "zeros", "close", "integers"],
)
@pytest.mark.parametrize("bins", [1, 2, 7, 20, 128])
def test_bins_are_those_of_numpy(values: np.ndarray, bins: int):
    counted = histogram(values, f"hist bins={bins}")
    counts, edges = np.histogram(values.astype(np.float64), bins)
    assert counted == Histogram(float(edges[0]), float(edges[-1]), tuple(counts.tolist()))


def test_there_are_twenty_bins_where_none_are_asked_for():
    assert len(histogram(RNG.normal(size=50)).counts) == DEFAULT_BINS == 20


def test_what_is_not_finite_is_outside():
    assert histogram(np.array([np.nan, 1, np.inf, 2, -np.inf]), "hist bins=2") == Histogram(1, 2, (1, 1), 3)


def test_equal_values_lie_in_the_middle():
    counted = histogram(np.full(6, 3.5), "hist bins=3")
    assert counted.counts == (0, 6, 0)
    assert counted.low < 3.5 < counted.high


def test_integers_that_are_few_have_a_bin_each():
    assert histogram(np.array([3, 5, 5])).counts == (1, 0, 2)
    assert histogram(np.array([True, True])).counts == (0, 2)


def test_a_weight_is_counted_once():
    found = selected("a:kernel | hist", np.arange(6.0))
    source = found.rows[0].weight.tensor
    once = len(source.reads)
    found.table(["hist"])
    found.picture()
    assert len(source.reads) == once


def test_a_histogram_as_text_is_json():
    import json

    counted = Histogram(-0.5, 1e-9, (3, 0), 1)
    assert json.loads(str(counted)) == {"low": -0.5, "high": 1e-9, "counts": [3, 0], "outside": 1}
