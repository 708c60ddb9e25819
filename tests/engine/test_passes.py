"""One pass over a weight's values, in blocks and by threads: as of all values at once, and no thread stays."""

from __future__ import annotations

import os
import threading

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.test_statistics import EVERY_NEED, HARD, MIXED, dtype_of, figures_of, small_blocks
from tests.trees import ArraySource
from weightrepl.engine import passes
from weightrepl.engine.figures import FIGURES
from weightrepl.engine.statistics import (
    Room,
    Tally,
    figure,
    measured,
    merged,
    tallied,
)
from weightrepl.errors import FormatError
from weightrepl.model.tensor import TensorSpec

__all__ = ["small_blocks"]


@pytest.mark.parametrize("cut", [0, 1, 6, 64, 130, 999, 1000])
def test_merged_tallies_are_as_of_all_values_at_once(cut: int):
    room = Room()
    a, b, whole = (tallied(part, EVERY_NEED, room) for part in (MIXED[:cut], MIXED[cut:], MIXED))
    for name in FIGURES:
        at_once, in_parts = (figure(name, tally, "float64") for tally in (whole, merged(a, b)))
        assert in_parts == (pytest.approx(at_once, rel=1e-13) if isinstance(at_once, float) else at_once)


@given(
    st.lists(st.floats(width=32), max_size=12), st.integers(0, 12), st.sampled_from(["float64", "complex128"])
)
def test_tallies_of_any_split_merge_to_the_whole(values: list[float], cut: int, dtype: str):
    array = np.array(values).astype(dtype)
    whole, a, b = (tallied(part, EVERY_NEED, Room()) for part in (array, array[:cut], array[cut:]))
    for name in FIGURES:
        at_once, in_parts = (figure(name, tally, dtype) for tally in (whole, merged(a, b)))
        if isinstance(at_once, float):
            at_once = pytest.approx(at_once, rel=1e-7, abs=1e-12 * whole.absmax, nan_ok=True)
        assert in_parts == at_once


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "bfloat16", "float16"])
def test_blocks_and_threads_change_nothing(dtype: str, small_blocks):
    values = MIXED.astype(dtype_of(dtype))
    told: list[int] = []
    found = measured(ArraySource(values), TensorSpec(values.shape, dtype), FIGURES, told.append)
    at_once = {name: figure(name, tallied(values, EVERY_NEED, Room()), dtype) for name in FIGURES}
    for name in FIGURES:
        expected = at_once[name]
        assert found[name] == (
            pytest.approx(expected, rel=1e-12) if isinstance(expected, float) else expected
        )
    assert sum(told) == values.nbytes
    assert len(told) == 16


def test_the_figures_are_the_same_in_every_run(small_blocks):
    assert len({tuple(figures_of(HARD["alternating signs"]).values()) for _ in range(20)}) == 1


def test_only_what_is_asked_for_is_computed():
    values = np.array([0.0, 3.0, 4.0])
    nothing = Tally()
    zeros = tallied(values, frozenset({"zeros"}), Room())
    assert (zeros.zeros, zeros.low, zeros.norm) == (1, nothing.low, nothing.norm)
    ends = tallied(values, frozenset({"ends"}), Room())
    assert (ends.high, ends.zeros, ends.norm, ends.std) == (4.0, 0, 0.0, 0.0)
    norm = tallied(values, frozenset({"norm"}), Room())
    assert (norm.norm, norm.mean, norm.std) == (5.0, 0.0, 0.0)


def test_parts_of_a_byte_are_told_as_the_bytes_that_they_take(small_blocks):
    told: list[int] = []
    values = np.zeros(1000, ml_dtypes.int4)
    measured(ArraySource(values), TensorSpec((1000,), "int4"), ["max"], told.append)
    assert sum(told) == 500


def test_small_weights_are_read_by_the_one_who_asks(monkeypatch):
    monkeypatch.setattr(passes, "_cores", lambda: 1 / 0)
    assert figures_of(np.arange(1000.0), "max") == {"max": 999.0}


def test_there_are_cores_also_where_a_system_does_not_say_which_are_ours(monkeypatch):
    assert passes._cores() >= 1
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert passes._cores() >= 1


class Failing(ArraySource):
    """Fails after some blocks."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(np.zeros(64))
        self.error, self.given = error, 0

    def blocks(self, max_nbytes: int):
        for self.given in range(1, 11):
            yield self.array
        raise self.error


@pytest.mark.parametrize("error", [FormatError("cut short"), KeyboardInterrupt()])
def test_an_error_of_reading_is_raised_once_and_no_thread_stays(error: BaseException, small_blocks):
    before = threading.active_count()
    with pytest.raises(type(error)) as raised:
        measured(Failing(error), TensorSpec((6400,), "float64"), FIGURES)
    assert raised.value is error
    assert threading.active_count() == before


def test_after_an_error_no_more_is_read(small_blocks):
    source = Failing(FormatError("never reached"))

    def advance(nbytes: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        measured(source, TensorSpec((6400,), "float64"), ["max"], advance)
    assert source.given <= 3  # one for each thread


def test_an_interrupt_while_others_still_work_stops_them(small_blocks, monkeypatch):
    interrupted = []
    join = threading.Thread.join

    def impatient(self, timeout=None):
        if not interrupted:
            interrupted.append(self)
            raise KeyboardInterrupt
        join(self, timeout)

    before = threading.active_count()
    monkeypatch.setattr(threading.Thread, "join", impatient)
    with pytest.raises(KeyboardInterrupt):
        figures_of(np.zeros(6400), "max")
    assert threading.active_count() == before


def test_a_thread_that_can_not_be_started_is_told_and_none_stays(small_blocks, monkeypatch):
    started = []
    start = threading.Thread.start

    def only_once(self):
        if started:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    before = threading.active_count()
    monkeypatch.setattr(threading.Thread, "start", only_once)
    with pytest.raises(RuntimeError, match="can't start"):
        figures_of(np.zeros(6400), "max")
    assert threading.active_count() == before
