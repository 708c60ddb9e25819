"""The numbers and verdicts of two tensors against NumPy in float64, whatever the dtypes and the blocks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests import trees
from tests.dtypes import dtype_of
from weightrepl.engine import passes
from weightrepl.engine.comparison import Difference, difference, in_step
from weightrepl.model.tensor import TensorSpec

NAN, INF = math.nan, math.inf
DTYPES = (
    *("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int4", "uint8", "int16"),
    *("int32", "uint32", "int64", "uint64", "complex64", "complex128"),
)


def compare(left: Any, right: Any, *, mean: bool = True) -> Difference:
    """Return the difference of two arrays."""
    left, right = np.asarray(left), np.asarray(right)
    specs = TensorSpec(left.shape, left.dtype.name), TensorSpec(right.shape, right.dtype.name)
    return difference(trees.ArraySource(left), trees.ArraySource(right), specs, mean=mean)


def drawn(dtype: str, shape: tuple[int, ...] = (7, 30), seed: int = 3) -> np.ndarray:
    """Return values that every dtype can hold."""
    random = np.random.default_rng(seed)
    values = random.integers(0, 7, shape) + random.integers(0, 2, shape) * 0.5
    return values.astype(dtype_of(dtype)) + (1j * values[::-1] if dtype.startswith("complex") else 0)


def by_numpy(left: np.ndarray, right: np.ndarray) -> tuple[float, float, float, float]:
    """Return what the columns are to show of finite values."""
    wide = "c16" if left.dtype.kind == "c" else "f8"
    a, b = left.astype(wide).ravel(), right.astype(wide).ravel()
    gap, norms = np.abs(b - a), (float(np.linalg.norm(a)), float(np.linalg.norm(b)))
    cosine = float(np.vdot(a, b).real) / (norms[0] * norms[1])
    return float(gap.max()), float(gap.mean()), float(np.linalg.norm(gap)) / norms[0], cosine


def numbers(found: Difference) -> tuple[Any, ...]:
    return found.maxabs, found.meanabs, found.rel, found.cosine


# ------------------------------------------------------------------ numbers


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("block", [8, 1 << 18])
def test_the_numbers_are_numpys(dtype: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "BLOCK_SIZE", block)
    left, right = drawn(dtype), drawn(dtype, seed=4)
    found = compare(left, right)
    assert found.verdict == "changed"
    assert numbers(found) == pytest.approx(by_numpy(left, right), rel=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_equal_values_are_the_same(dtype: str) -> None:
    assert compare(drawn(dtype), drawn(dtype)) == Difference("same", 0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("scale", [1e-30, 1e-22, 1e-12, 1.0, 1e15, 1e25, 3e37])
def test_squares_beyond_float32_count_too(scale: float) -> None:
    random = np.random.default_rng(1)
    left = (random.standard_normal(1000) * scale).astype("f4")
    right = left + (random.standard_normal(1000) * scale * 1e-3).astype("f4")
    assert numbers(compare(left, right)) == pytest.approx(by_numpy(left, right), rel=1e-5)
    equal = compare(left, left.copy())
    assert (equal.verdict, equal.rel, equal.cosine) == ("same", 0.0, 1.0)


def test_many_float32_keep_six_digits() -> None:
    random = np.random.default_rng(2)
    left = np.abs(random.standard_normal(3 << 18, dtype="f4"))
    right = left * np.float32(1.01) + np.float32(1e-3)
    assert numbers(compare(left, right)) == pytest.approx(by_numpy(left, right), rel=1e-6)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([3, 4], [3, 4.5], (0.5, 0.25, 0.1, None)),
        ([0, 0], [0, 2], (2, 1, INF, NAN)),
        ([0, 2], [0, 0], (2, 1, 1, NAN)),
        ([1, 0], [0, 1], (1, 1, math.sqrt(2), 0)),
        ([1, 2], [-1, -2], (4, 3, 2, -1)),
        ([1e-9, 0], [0, 1e-9], (1e-9, 1e-9, math.sqrt(2), 0)),
    ],
)
def test_by_hand(left: list[float], right: list[float], expected: tuple[Any, ...]) -> None:
    found = numbers(compare(left, right))
    assert [a for a, b in zip(found, expected, strict=True) if b is not None] == pytest.approx(
        [b for b in expected if b is not None], nan_ok=True
    )


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
@pytest.mark.parametrize(
    ("left", "right", "verdict", "expected"),
    [
        ([1, NAN, INF, -INF, 0.0], [1, NAN, INF, -INF, -0.0], "same", (0, 0, 0, 1)),
        ([3, NAN, 4, INF], [3, NAN, 4.5, INF], "changed", (0.5, 0.125, 0.1, None)),
        ([1, 2, 5], [1, NAN, 6], "changed", (NAN, NAN, NAN, NAN)),
        ([NAN, 2], [INF, 2], "changed", (NAN, NAN, NAN, NAN)),
        ([1, 2], [1, INF], "changed", (INF, INF, INF, NAN)),
        ([INF, 2], [1, 2], "changed", (INF, INF, INF, NAN)),
        ([0, INF], [0, -INF], "changed", (INF, INF, INF, NAN)),
        ([0, 1], [0, NAN], "changed", (NAN, NAN, NAN, NAN)),
        ([0, 0], [0, NAN], "changed", (NAN, NAN, NAN, NAN)),
    ],
)
def test_what_is_not_finite(
    dtype: str, left: list[float], right: list[float], verdict: str, expected: tuple[Any, ...]
) -> None:
    found = compare(np.array(left, dtype_of(dtype)), np.array(right, dtype_of(dtype)))
    assert found.verdict == verdict
    for number, wanted in zip(numbers(found), expected, strict=True):
        assert wanted is None or number == pytest.approx(wanted, nan_ok=True)


def test_a_nan_in_an_earlier_block_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "BLOCK_SIZE", 2)
    found = compare(np.array([1, 2, 3, 4], "f4"), np.array([1, NAN, 3, 5], "f4"))
    assert all(map(math.isnan, numbers(found)))


@pytest.mark.parametrize(
    ("left", "right", "dtype", "gap"),
    [
        (2**53, 2**53 + 1, "int64", 1),
        (-(2**53), -(2**53) - 1, "int64", 1),
        (2**64 - 1, 2**64 - 2, "uint64", 1),
        (-(2**63), 2**63 - 1, "int64", 2**64),
        (0, 2**64 - 1, "uint64", 2**64),
    ],
)
def test_integers_are_compared_exactly(left: int, right: int, dtype: str, gap: float) -> None:
    found = compare(np.array([left, 5], dtype), np.array([right, 5], dtype))
    assert (found.verdict, found.maxabs) == ("changed", gap)


def test_a_scalar_and_what_is_empty() -> None:
    assert compare(np.float32(2), np.float32(3)) == Difference("changed", 1.0, 1.0, 0.5, 1.0)
    assert compare(np.zeros((0, 3)), np.zeros((0, 3))) == Difference("same", 0.0, 0.0, 0.0, 1.0)
    assert compare(np.zeros(0, "f4"), np.zeros(0, "i8")).verdict == "cast"


def test_the_mean_is_left_out_where_nobody_asks() -> None:
    assert compare([1.0], [2.0], mean=False).meanabs is None


def test_other_shapes_are_not_read() -> None:
    assert compare(np.zeros((2, 3)), np.zeros((3, 2))) == Difference("shape")


# ------------------------------------------------------------------ dtypes


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        (np.array([0.1, 3, NAN], "f4"), np.array([0.1, 3, NAN], "f2"), "cast"),
        (np.array([0.1, 3], "f4"), np.array([0.1, 3.01], "f2"), "changed"),
        (np.array([0.1, 3], "f2").astype("f4"), np.array([0.1, 3], "f2"), "cast"),
        (np.array([0.1, 3], "f4"), np.array([0.1, 3], ml_dtypes.bfloat16), "cast"),
        (np.array([0.1, 3], ml_dtypes.bfloat16), np.array([0.1, 3], "f4"), "cast"),
        (np.array([0.1, 3.01], ml_dtypes.bfloat16), np.array([0.1, 3.2], "f4"), "changed"),
        (np.array([0.1, 3], "f4"), np.array([0.1, 3], ml_dtypes.float8_e5m2), "cast"),
        (np.array([1e9, 1], "f4"), np.array([INF, 1], "f2"), "cast"),
        (np.array([1, 2], "f4"), np.array([1, 2], "i4"), "cast"),
        (np.array([1.5, 2], "f4"), np.array([1, 2], "i4"), "changed"),
        (np.array([1, 0], bool), np.array([1, 0], "u1"), "cast"),
        (np.array([1, 2], "i1"), np.array([1, 2], ml_dtypes.int4), "cast"),
        (np.array([300], "i4"), np.array([44], "i1"), "changed"),
        (np.array([2**53 + 1], "i8"), np.array([2**53 + 1], "u8"), "cast"),
        (np.array([2**53 + 1], "i8"), np.array([2**53], "u8"), "changed"),
        (np.array([-1], "i8"), np.array([2**64 - 1], "u8"), "changed"),
        (np.array([2**53 + 1], "i8"), np.array([2.0**53], "f8"), "cast"),
        (np.array([1 + 1j], "c16"), np.array([1], "f8"), "changed"),
        (np.array([1 + 0j], "c16"), np.array([1], "f8"), "cast"),
        (np.array(["a"]), np.array([1], "f4"), "changed"),
    ],
)  # fmt: skip
def test_casts(left: np.ndarray, right: np.ndarray, verdict: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in (1, 1 << 18):
        monkeypatch.setattr(passes, "BLOCK_SIZE", block)
        assert compare(left, right).verdict == verdict
        assert compare(right, left).verdict == verdict


def test_what_a_cast_loses_is_told() -> None:
    left = np.array([0.1, 3], "f8")
    found = compare(left, left.astype("f4"))
    assert found.verdict == "cast"
    assert numbers(found) == pytest.approx(by_numpy(left, left.astype("f4")), rel=1e-6)


def test_texts_are_equal_or_not_and_have_no_numbers() -> None:
    assert compare(["a", "bc"], ["a", "bc"]) == Difference("same")
    assert compare(["a", "bc"], ["a", "bd"]) == Difference("changed")


def test_a_shape_that_only_reading_tells() -> None:
    arrays = np.array(["a", "b"]), np.array(["a", "b"]), np.array(["a"])
    unknown = TensorSpec(None, "string")
    ours, theirs, shorter = map(trees.ArraySource, arrays)
    assert difference(ours, theirs, (unknown, unknown)) == Difference("same")
    assert difference(ours, shorter, (unknown, TensorSpec((1,), "string"))) == Difference("shape")


def test_blocks_that_are_cut_elsewhere_go_in_step() -> None:
    values = np.arange(10)

    def cut(*sizes: int) -> Iterator[np.ndarray]:
        yield from np.split(values, np.cumsum(sizes))

    pairs = list(in_step(cut(3, 3, 2), cut(1, 6)))
    assert [len(a) for a, _ in pairs] == [1, 2, 3, 1, 1, 2]
    assert all((a == b).all() for a, b in pairs)


def test_what_differs_late_is_read_again_and_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "BLOCK_SIZE", 2)
    left, right, told = np.array([3, 4, 0, 1], "f4"), np.array([3, 4, 0, 2], "f4"), list[int]()
    specs = TensorSpec((4,), "float32"), TensorSpec((4,), "float32")
    found = difference(trees.ArraySource(left), trees.ArraySource(right), specs, advance=told.append)
    assert found.verdict == "changed"
    assert numbers(found) == pytest.approx(by_numpy(left, right))
    assert sum(told) == left.nbytes + right.nbytes
