"""Histograms of any values: each is counted once, over bins that hold, also of the widest and narrowest ranges."""

from __future__ import annotations

import numpy as np
import pytest

from tests.engine.test_statistics import HARD, MIXED, small_blocks
from tests.trees import ArraySource
from weightrepl.engine.statistics import (
    Room,
    added,
    counted,
    histogram,
)
from weightrepl.engine.table import Histogram
from weightrepl.model.tensor import TensorSpec

__all__ = ["small_blocks"]


def histogram_of(array: np.ndarray, bins: int = 10) -> Histogram:
    found = histogram(ArraySource(array), TensorSpec(array.shape, array.dtype.name), bins)
    assert found is not None
    return found


@pytest.mark.parametrize("bins", [1, 10, 128])
@pytest.mark.parametrize("name", [n for n in HARD if n not in ("float64 at its end", "subnormal float64")])
def test_a_histogram_counts_as_numpy(name: str, bins: int, small_blocks):
    values = HARD[name].astype(np.float64)
    counts, edges = np.histogram(values, bins)
    found = histogram_of(HARD[name], bins)
    assert found == Histogram(edges[0], edges[-1], tuple(counts.tolist()))


def test_values_at_the_edges_belong_to_the_bin_above_and_the_last_to_the_last():
    assert histogram_of(np.array([0, 0.1, 0.2, 0.9, 1.0])).counts == (1, 1, 1, 0, 0, 0, 0, 0, 0, 2)


def test_what_is_not_finite_lies_outside(small_blocks):
    found = histogram_of(MIXED)
    finite = MIXED[np.isfinite(MIXED)]
    assert found.counts == tuple(np.histogram(finite, 10)[0].tolist())
    assert found.outside == MIXED.size - finite.size
    assert histogram_of(np.array([np.nan])) == Histogram(0, 1, (0,) * 10, 1)
    assert histogram_of(np.zeros(0)) == Histogram(0, 1, (0,) * 10, 0)


def test_few_integers_have_a_bin_each():
    assert histogram_of(np.array([-1, 2, 2], np.int8)) == Histogram(-1.5, 2.5, (1, 0, 0, 2))
    assert histogram_of(np.array([7, 7], np.uint64)) == Histogram(6.5, 7.5, (2,))
    assert histogram_of(np.array([0, 100], np.int64)).counts == (1, 0, 0, 0, 0, 0, 0, 0, 0, 1)
    assert histogram_of(np.array([True, True])) == Histogram(-0.5, 1.5, (0, 2))


@pytest.mark.parametrize("value", [0.0, 3.5, 1e-30, 1e100, 1.7e308, -1.7e308])
def test_equal_values_lie_in_the_middle(value: float):
    found = histogram_of(np.full(9, value), 3)
    assert found.counts == (0, 9, 0)
    assert found.low < value < found.high


def test_the_widest_and_the_narrowest_ranges_have_bins():
    assert histogram_of(np.array([-1.7e308, 0, 1.7e308]), 2).counts == (1, 2)
    assert sum(histogram_of(np.arange(4) * 5e-324).counts) == 4
    assert sum(histogram_of(np.array([1, np.nextafter(1, 2)])).counts) == 2


def test_complex_values_count_by_their_magnitude():
    assert histogram_of(np.array([3 + 4j, 1, -1j]), 4) == Histogram(1, 5, (2, 0, 0, 1))


def test_histograms_over_the_same_bins_add_up():
    bins = Histogram(0.0, 1.0, (0, 0))
    a, b = (counted(bins, np.array(values), Room()) for values in ([0.1, np.nan], [0.7, 1.0, 0.2]))
    assert added(a, b) == Histogram(0, 1, (2, 2), 1)


def test_a_histogram_tells_of_all_bytes_once(small_blocks):
    told: list[int] = []
    histogram(ArraySource(MIXED), TensorSpec(MIXED.shape, "float64"), 3, told.append)
    assert sum(told) == MIXED.nbytes
