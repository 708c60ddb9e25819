"""Figures of values are NumPy's in float64, whatever the dtype, the blocks and the threads."""

from __future__ import annotations

import math
import os
import threading
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import trees
from tests.trees import ArraySource
from weightrepl.engine import passes
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.figures import FIGURES
from weightrepl.engine.statistics import (
    Room,
    Tally,
    added,
    counted,
    figure,
    histogram,
    measured,
    merged,
    tallied,
)
from weightrepl.engine.table import Histogram
from weightrepl.errors import FormatError
from weightrepl.model.tensor import TensorSpec

FLOATS = [
    *("float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz"),
    *("float8_e5m2fnuz", "float8_e4m3b11fnuz", "float8_e3m4", "float8_e8m0fnu", "float4_e2m1fn"),
]
INTEGERS = [
    *(
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "int4",
        "uint4",
        "int2",
        "uint2",
    ),
    "bool",
]
COMPLEX = ["complex64", "complex128"]
THERE = [d for d in FLOATS if hasattr(ml_dtypes, d) or d in ("float16", "float32", "float64")]
EVERY_NEED = frozenset({"zeros", "ends", "norm", "moments"})


def dtype_of(name: str) -> np.dtype:
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def figures_of(array: np.ndarray, *names: str, dtype: str | None = None) -> dict:
    spec = TensorSpec(array.shape, dtype or array.dtype.name)
    return measured(ArraySource(array), spec, names or FIGURES)


def plainly(array: np.ndarray) -> dict:
    """What plain NumPy says of the values of floats and integers, in float64."""
    values = array.astype(np.float64).reshape(-1)
    finite = values[np.isfinite(values)]
    some = finite.size > 0
    return {
        "min": finite.min() if some else math.nan,
        "max": finite.max() if some else math.nan,
        "mean": finite.mean() if some else math.nan,
        "std": finite.std() if some else math.nan,
        "norm": np.linalg.norm(finite),
        "absmax": np.abs(finite).max() if some else math.nan,
        "zeros": (values == 0).sum(),
        "nans": np.isnan(values).sum(),
        "infs": np.isinf(values).sum(),
        "sparsity": (values == 0).mean() if values.size else math.nan,
    }


def check(array: np.ndarray) -> None:
    found = figures_of(array)
    found.pop("flags")
    assert found == pytest.approx(plainly(array), rel=1e-12, abs=0, nan_ok=True)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 64 elements, and three threads for whatever is larger than one."""
    monkeypatch.setattr(passes, "BLOCK_SIZE", 64)
    monkeypatch.setattr(passes, "_ALONE_SIZE", 64)
    monkeypatch.setattr(passes, "_cores", lambda: 3)


# ------------------------------------------------------------------ every dtype


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1],
        [0],
        [-0.0],
        [1, 2, 4, 0],
        [math.nan],
        [math.inf],
        [1, math.nan, -2],
        [-math.inf, 3, math.inf, math.nan],
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", THERE)
def test_floats(dtype: str, values: list[float]):
    with np.errstate(all="ignore"):
        array = np.array(values, np.float32).astype(dtype_of(dtype))  # what a dtype has not, it rounds
    check(array)


@pytest.mark.parametrize("dtype", [dtype for dtype in THERE if dtype_of(dtype).itemsize <= 2])
def test_every_pattern_of_a_small_float_is_what_its_dtype_says(dtype: str):
    kind = dtype_of(dtype)
    bits = 4 if "float4" in dtype else 8 * kind.itemsize
    with np.errstate(all="ignore"):
        check(np.arange(1 << bits, dtype=f"u{kind.itemsize}").view(kind))


@pytest.mark.parametrize(
    "dtype", [d for d in INTEGERS if hasattr(np, d) or hasattr(ml_dtypes, d) or d == "bool"]
)
def test_integers_are_exact(dtype: str):
    kind = dtype_of(dtype)
    info = None if dtype == "bool" else ml_dtypes.iinfo(kind)
    low, high = (0, 1) if info is None else (int(info.min), int(info.max))
    array = np.array([0, low, high, 1], np.object_ if high > 2**62 else np.int64).astype(kind)
    found = figures_of(array)
    assert [found["min"], found["max"], found["absmax"]] == [low, high, max(-low, high)]
    assert {type(found[name]) for name in ("min", "max", "absmax", "zeros", "nans")} == {int}
    assert found["flags"] == ""
    check(array)
    check(array[:0])
    check(array.reshape(2, 2)[0, 1])
    assert figures_of(array[:1])["flags"] == "dead"


@pytest.mark.parametrize("dtype", COMPLEX)
def test_complex_values_have_magnitudes_and_a_spread(dtype: str):
    array = np.array([3 + 4j, 0, 1 - 1j, -5j], dtype)
    found = figures_of(array)
    assert (found["min"], found["max"], found["mean"]) == (None, None, None)
    assert found["absmax"] == 5
    assert found["zeros"] == 1
    assert found["std"] == pytest.approx(np.std(array.astype(np.complex128)), rel=1e-12)
    assert found["norm"] == pytest.approx(np.linalg.norm(array.astype(np.complex128)), rel=1e-12)
    assert found["flags"] == ""


@pytest.mark.parametrize("dtype", COMPLEX)
def test_a_complex_value_is_nan_if_a_part_is_else_infinite_if_a_part_is(dtype: str):
    nan, inf = math.nan, math.inf
    odd = [complex(nan, 1), complex(1, nan), complex(nan, inf), complex(inf, 1), complex(0, -inf)]
    found = figures_of(np.array([*odd, 3 + 4j], dtype))
    assert (found["nans"], found["infs"], found["absmax"], found["std"]) == (3, 2, 5, 0)
    assert found["flags"] == "nan inf"
    found = figures_of(np.array(odd, dtype))
    assert found["norm"] == 0
    assert math.isnan(found["absmax"])
    assert found["min"] is None


def test_complex_values_as_large_as_can_be():
    found = figures_of(np.array([complex(1e308, -1e308), complex(-1e308, 1e308)]))
    assert found["absmax"] == pytest.approx(math.sqrt(2) * 1e308)
    assert found["std"] == pytest.approx(math.sqrt(2) * 1e308)
    assert found["infs"] == 0


@pytest.mark.parametrize(
    ("dtype", "shape"), [("string", (3,)), ("variant", ()), ("float32", None), ("string", None)]
)
def test_what_is_no_number_or_has_no_shape_has_no_figures_and_is_not_read(
    dtype: str, shape: tuple[int, ...] | None
):
    spec = TensorSpec(shape, dtype)
    assert measured(None, spec, FIGURES) == dict.fromkeys(FIGURES)  # type: ignore[arg-type]
    assert histogram(None, spec, 3) is None  # type: ignore[arg-type]


def test_long_doubles_are_of_the_field_too():
    array = np.array([1, 2, np.nan], np.longdouble)
    assert figures_of(array, "max", "nans", dtype="float64") == {"max": 2.0, "nans": 1}


# ------------------------------------------------------------------ flags


@pytest.mark.parametrize(
    ("values", "dtype", "flags"),
    [
        ([], "float32", ""),
        ([0], "float32", "dead"),
        ([0, -0.0], "float32", "dead"),
        ([0, 0], "complex64", "dead"),
        ([0, math.nan], "float32", "nan"),
        ([2], "float32", ""),
        ([2, 2], "float32", "constant"),
        ([1j, 1j], "complex64", "constant"),
        ([1j, 1], "complex64", ""),
        ([1, 1], "bool", "constant"),
        ([2, 2, math.inf], "float32", "inf"),
        ([math.nan, -math.inf], "float32", "nan inf"),
        ([65504, 1], "float32", ""),
        ([-65505, 1], "float32", "overflow-risk"),
        ([-65505, 1], "float64", "overflow-risk"),
        ([70000, 1], "int32", ""),
        ([70000, 1], "complex64", ""),
        ([32752, 1], "float16", "overflow-risk"),
        ([32736, 1], "float16", ""),
        ([1e38, 1], "bfloat16", ""),
        ([2e38, 1], "bfloat16", "overflow-risk"),
        ([448, 1], "float8_e4m3fn", ""),
        ([57344, 1], "float8_e5m2", ""),
        ([70000, 70000, math.nan, math.inf], "float32", "nan inf overflow-risk"),
        ([70000, 70000], "float32", "constant overflow-risk"),
    ],
)
def test_flags(values: list[complex], dtype: str, flags: str):
    assert figures_of(np.array(values).astype(dtype_of(dtype)), "flags") == {"flags": flags}


# ------------------------------------------------------------------ hard inputs, against exact sums


def exactly(values: np.ndarray) -> tuple[float, float, float]:
    """Mean, standard deviation and norm in exact fractions, rounded once at the end."""
    parts = [Fraction(v) for v in values.astype(np.float64).tolist()]
    mean = sum(parts) / len(parts)
    return (
        float(mean),
        root(sum((v - mean) ** 2 for v in parts) / len(parts)),
        root(sum(v * v for v in parts)),
    )


def root(square: Fraction) -> float:
    """The square root, also where the square is no float64."""
    shift = (square.numerator.bit_length() - square.denominator.bit_length()) // 2 * 2
    return math.ldexp(math.sqrt(square / Fraction(2) ** shift), shift // 2) if square else 0.0


NOISE = np.random.default_rng(0)
HARD = {
    "tiny noise on a large offset": (1e4 + NOISE.standard_normal(1000) * 1e-2).astype(np.float32),
    "float64 far from zero": 1e8 + NOISE.standard_normal(1000) * 1e-2,
    "an outlier first": np.r_[1e30, NOISE.standard_normal(999)].astype(np.float32),
    "alternating signs": np.tile([1.0, -1.0], 500) * 1e20 + np.repeat([0.0, 1e6], 500),
    "float32 at its end": (NOISE.uniform(-1, 1, 1000) * 3.4e38).astype(np.float32),
    "float64 whose squares overflow": NOISE.uniform(-1, 1, 1000) * 1e300,
    "float64 at its end": np.tile([1.7e308, -1.7e308, 1.7e308, 1.6e308], 250) * 0.03,
    "float64 whose squares vanish": NOISE.uniform(-1, 1, 1000) * 1e-300,
    "subnormal float32": (NOISE.uniform(-1, 1, 1000) * 1e-40).astype(np.float32),
    "subnormal float64": np.arange(1000) * 5e-324,
    "large and small side by side": np.r_[NOISE.uniform(-1, 1, 500) * 1e250, NOISE.uniform(-1, 1, 500)],
    "large integers": NOISE.integers(2**62, 2**63 - 1, 1000),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("several_blocks", [False, True])
def test_hard_inputs_keep_their_digits(name: str, several_blocks: bool, monkeypatch):
    if several_blocks:
        monkeypatch.setattr(passes, "BLOCK_SIZE", 64)
    values = HARD[name]
    found = figures_of(values)
    mean, std, norm = exactly(values)
    assert found["std"] == pytest.approx(std, rel=1e-7)
    assert found["norm"] == pytest.approx(norm, rel=1e-12)
    assert found["mean"] == pytest.approx(mean, rel=1e-12, abs=1e-15 * found["absmax"])


@pytest.mark.parametrize("value", [0.1, -1e300, 1e-300, 3.3e38, 5e-324, 1 / 3, 2**60 + 1])
def test_equal_values_have_no_deviation_and_their_own_mean(value: float, small_blocks):
    array = np.full(1001, value)
    found = figures_of(array)
    assert (found["std"], found["mean"], found["flags"].split()[0]) == (0, float(value), "constant")
    assert found["norm"] == pytest.approx(abs(value) * math.sqrt(1001))


def test_a_norm_of_whole_numbers_is_whole():
    assert figures_of(np.array([3.0, 4.0]), "norm") == {"norm": 5.0}


@pytest.mark.slow
def test_a_thousand_million_float32_keep_six_digits():
    """As the sum of the merges of 2,000 blocks that all hold the same, for which the answer is known; short: of 20."""
    blocks = 2000 if os.environ.get("WEIGHTREPL_LONG") else 20
    block = (1000 + np.random.default_rng(1).standard_normal(passes.BLOCK_SIZE)).astype(np.float32)

    class Repeated(ArraySource):
        def blocks(self, max_nbytes: int):
            return iter([self.array] * blocks)

    found = measured(Repeated(block), TensorSpec((blocks, block.size), "float32"), FIGURES)
    once = plainly(block)
    for name in ("mean", "std", "min", "max"):
        assert found[name] == pytest.approx(once[name], rel=1e-9)
    assert found["norm"] == pytest.approx(once["norm"] * math.sqrt(blocks), rel=1e-9)


# ------------------------------------------------------------------ one pass, in blocks, by threads

MIXED = np.random.default_rng(2).standard_normal(1000)
MIXED[[5, 700]], MIXED[[6, 64]], MIXED[10:20], MIXED[128:192] = np.nan, -np.inf, 0, np.nan


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


# ------------------------------------------------------------------ histograms


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


# ------------------------------------------------------------------ what a query reads


def reads_of(query: str) -> list[int]:
    """How many blocks each of four weights was asked for, of which one has more than a million elements."""
    outline = ["net", "  :a (1001, 1000)", "  :b (10,) =NaN", "  :c (10,)", "  :d () float16"]
    model = trees.model(outline)
    evaluate(query, trees.workspace(model)).table()
    sources = [weight.tensor for weight in model.root.weights]
    assert [source.reads for source in sources] == [[], [], [], []]
    return [source.blocks_read for source in sources]


@pytest.mark.parametrize(
    ("query", "blocks"),
    [
        (":* | where size > 1M", [0, 0, 0, 0]),
        (":* | sort size desc | top 2 bytes | show address, dtype, shape", [0, 0, 0, 0]),
        (":* | where nans > 0 and size > 1M", [2, 0, 0, 0]),
        (":* | where size <= 1M and nans > 0", [0, 1, 1, 1]),
        (":* | where size > 1M or nans > 0", [0, 1, 1, 1]),
        (":* | where nans > 0 or infs > 0", [2, 1, 1, 1]),
        (":* | where min < 0 or max / std > 3 | sort norm | stats", [2, 1, 1, 1]),
        (":* | stats | head 1", [2, 0, 0, 0]),
        (":b, :c, :d | sort nans desc | head 1 | show std, flags", [0, 1, 1, 1]),
    ],
)
def test_no_more_is_read_than_a_query_needs_and_each_weight_once(query: str, blocks: list[int]):
    assert reads_of(query) == blocks


class Listening:
    """A Watcher that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def begin(self, nbytes: int) -> None:
        self.told.append(("begin", nbytes))

    def advance(self, nbytes: int) -> None:
        self.told.append(("advance", nbytes))

    def end(self) -> None:
        self.told.append(("end", 0))


def test_who_watches_is_told_what_is_read_and_only_then():
    watcher = Listening()
    models = trees.workspace(trees.model(["net", "  :a (10,)", "  :b (3,) float16"]))
    evaluate(":* | where size > 1 | show dtype", models, watcher=watcher).table()
    assert watcher.told == []
    evaluate(":* | where nans > 0", models, watcher=watcher)
    assert watcher.told == [("begin", 46), ("advance", 40), ("advance", 6), ("end", 0)]
