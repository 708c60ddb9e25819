"""Figures of values are NumPy's in float64, whatever the dtype, the blocks and the threads."""

from __future__ import annotations

import math
import os
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest

from tests import trees
from tests.dtypes import dtype_of
from tests.trees import ArraySource
from weightrepl.engine import passes
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.figures import FIGURES
from weightrepl.engine.statistics import (
    histogram,
    measured,
)
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


MIXED = np.random.default_rng(2).standard_normal(1000)
MIXED[[5, 700]], MIXED[[6, 64]], MIXED[10:20], MIXED[128:192] = np.nan, -np.inf, 0, np.nan


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
