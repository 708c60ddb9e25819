"""Figures for a display: the right ones, in time, of the small weights first."""

from __future__ import annotations

import math
from collections.abc import Iterator

import ml_dtypes
import numpy as np
import pytest

from tests import trees
from tests.held import selected
from weightrepl.engine.figures import FIGURES
from weightrepl.engine.selection import Selection
from weightrepl.engine.shown_figures import SAMPLE, Figured, figures_within
from weightrepl.engine.table import Histogram
from weightrepl.errors import FormatError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Site, Weight

AMPLE = 60.0
RNG = np.random.default_rng(0)


def shown(selection: Selection, seconds: float = AMPLE) -> list[Figured | None]:
    return figures_within(selection.rows, seconds)


def same(found: Figured | None, selection: Selection) -> bool:
    """Whether it is what `stats` and `hist` say of the one weight, to the last bit."""
    assert found is not None
    (expected,) = selection.table([*FIGURES, "hist"]).to_dicts()
    return repr({**found.figures, "hist": found.histogram}) == repr(expected)


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(size=(20, 30)).astype("f4"),
        RNG.normal(size=SAMPLE),
        np.array([1, np.nan, -np.inf, 2], "f4"),
        np.full(3, np.nan),
        np.zeros((4, 0)),
        np.array(3.5),
        RNG.integers(-1000, 1000, 500),
        np.array([True, True]),
        np.array([3 + 4j, 6 + 8j, np.nan]),
        RNG.normal(size=100).astype(ml_dtypes.bfloat16),
        np.array([0.5, 448], ml_dtypes.float8_e4m3fn),
        np.array([-8, 7], ml_dtypes.int4),
        np.array(["a", "b"]),
    ],
    ids=lambda values: f"{values.dtype}{values.shape}",
)
def test_they_are_those_of_stats_and_hist(values: np.ndarray):
    (found,) = shown(selected("a:kernel", values))
    assert same(found, selected("a:kernel | hist", values))


def test_those_of_a_slice_are_of_the_slice():
    values = RNG.normal(size=(5, 6))
    (found,) = shown(selected("a:kernel[1:3]", values))
    assert same(found, selected("a:kernel[1:3] | hist", values))


def test_those_of_computed_values_are_of_these():
    values = RNG.normal(size=(5, 6))
    (found,) = shown(selected("a:kernel | reduce norm axis=0", values))
    assert same(found, selected("a:kernel | reduce norm axis=0 | hist", values))


def test_a_large_weight_is_read_once_and_its_histogram_is_of_a_sample():
    values = RNG.normal(size=(1024, 1024 + 512)).astype("f4")
    selection = selected("a:kernel", values)
    (found,) = shown(selection)
    assert found is not None
    assert source_of(selection).blocks_read == 3
    assert found.figures == selection.one().stats()
    histogram = found.histogram
    assert histogram is not None
    assert (histogram.low, histogram.high) == (values.min(), values.max())
    assert SAMPLE * 0.9 < sum(histogram.counts) <= SAMPLE
    exact = np.histogram(values, 20)[0] / values.size
    np.testing.assert_allclose(np.array(histogram.counts) / sum(histogram.counts), exact, atol=0.02)


def test_the_sample_is_of_all_columns():
    (found,) = shown(selected("a:kernel", np.tile(np.arange(3), (SAMPLE, 1))))
    assert found is not None
    assert found.histogram is not None
    assert max(found.histogram.counts) - min(found.histogram.counts) <= 1


def source_of(selection: Selection) -> trees.ArraySource:
    tensor = selection.rows[0].weight.tensor
    assert isinstance(tensor, trees.ArraySource)
    return tensor


class Endless(trees.ArraySource):
    """Values of which there is no end."""

    def __init__(self) -> None:
        super().__init__(np.ones(1 << 16, "f4"))

    def blocks(self, max_nbytes: int) -> Iterator[np.ndarray]:
        while True:
            yield self.array


class Broken(trees.ArraySource):
    """Values that can't be read."""

    def __init__(self) -> None:
        super().__init__(np.ones(3, "f4"))

    def blocks(self, max_nbytes: int) -> Iterator[np.ndarray]:
        raise FormatError("cut short", "m.h5", "vars/0")


def rows_of(*sources: trees.ArraySource) -> tuple[Site, ...]:
    weights = tuple(
        Weight(
            f"w{i}",
            TensorSpec((1 << 40,) if isinstance(each, Endless) else each.array.shape, "float32"),
            each,
        )
        for i, each in enumerate(sources)
    )
    return Model(Layer("m", Content(weights)), ("m",)).place.weights_below


def test_what_is_too_large_for_the_time_is_left_out_and_nothing_else():
    ones = trees.ArraySource(np.ones(3, "f4"))
    endless, small = figures_within(rows_of(Endless(), ones), AMPLE)
    assert endless is None
    assert small is not None
    assert small.figures["mean"] == 1


def test_the_clock_starts_with_the_first_values():
    small, large = figures_within(rows_of(*(trees.ArraySource(np.ones(n, "f4")) for n in (3, 4))), 1e-9)
    assert small is not None
    assert large is None


def test_without_time_nothing_is_read():
    selection = selected("a:kernel", np.ones(3))
    assert shown(selection, 0) == [None]
    assert source_of(selection).blocks_read == 0


def test_what_can_not_be_read_says_why_and_the_others_are_there():
    broken, fine = figures_within(rows_of(Broken(), trees.ArraySource(np.ones(3, "f4"))), AMPLE)
    assert broken == Figured({}, reason="m.h5: vars/0: cut short")
    assert fine is not None
    assert fine.figures["norm"] == math.sqrt(3)


def test_of_a_file_they_are_remembered_of_a_live_model_not():
    file, live = (trees.model("m\n  a\n    :w (3,)", source=source) for source in ("m.keras", ""))
    for model, known in ((file, True), (live, False)):
        rows = model.place.weights_below
        (first,) = figures_within(rows, AMPLE)
        assert first is not None
        assert isinstance(first.histogram, Histogram)
        assert figures_within(rows, 0) == [Figured(first.figures) if known else None]
