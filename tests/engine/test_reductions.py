"""`reduce` against NumPy in float64, whatever the dtype, the axes and the size of the pieces; and what it reads."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests import trees
from weightrepl import writers
from weightrepl.engine import reductions
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.previews import preview
from weightrepl.errors import QueryError
from weightrepl.model.tensor import TensorSpec, numpy_dtype
from weightrepl.model.tree import Content, Layer, Model, Site, Weight

REDUCTIONS = ("min", "max", "mean", "sum", "std", "norm", "absmax")
FLOATS = ("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2")
INTEGERS = ("int64", "int8", "uint8", "uint64", "int4", "uint4", "bool")
SHAPE = (3, 4, 5)
AXES = [None, 0, -1, (0, 1), (0, 2), (-1, 1), (0, 1, 2)]


def tree(values: np.ndarray, dtype: str | None = None) -> tuple[Any, trees.ArraySource]:
    """Return the workspace of one layer with the weight `w`, and the source that counts its reads."""
    source = trees.ArraySource(values)
    weight = Weight("w", TensorSpec(values.shape, dtype or values.dtype.name), source)
    root = Layer("m", Content((), (Layer("a", Content((weight,)), class_name="Dense"),)))
    return trees.workspace(Model(root, ("m",))), source


def reduce(
    values: np.ndarray, name: str, axis: Any = None, before: str = "", dtype: str | None = None
) -> Any:
    """Return what a query reduces a weight of these values to; shape and dtype are what was said of it."""
    text = f"a:w{before} | reduce {name}" + ("" if axis is None else f" axis={axis}")
    weight = evaluate(text, tree(values, dtype)[0]).one()
    reduced = weight.numpy()
    assert isinstance(reduced, np.ndarray)
    assert (reduced.shape, reduced.dtype.name) == (weight.shape, weight.dtype)
    return reduced


def by_numpy(values: np.ndarray, name: str, axis: Any) -> np.ndarray:
    """Return what NumPy says."""
    match name:
        case "absmax":
            return np.abs(values).max(axis)
        case "norm":
            return np.sqrt((np.abs(values) ** 2).sum(axis))
    return getattr(values, name)(axis)


def drawn(dtype: str, shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """Return values of a dtype, the same at each time."""
    normal = np.random.default_rng(3).normal(0, 3, shape)
    if dtype.startswith("complex"):
        normal = normal + 1j * normal[::-1]
    return (abs(normal) if dtype[0] in "ub" else normal).astype(numpy_dtype(dtype))


@pytest.fixture(params=[1, 7, 25, 1000])
def piece(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """The most values that are in memory at a time."""
    monkeypatch.setattr(reductions, "PIECE", request.param)
    return request.param


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_all_dtypes_and_axes_as_numpy_has_them(name: str, dtype: str, piece: int) -> None:
    """Exact for the least and largest, to twelve digits for sums."""
    values = drawn(dtype)
    for axis in AXES:
        expected = by_numpy(values.astype("f8"), name, axis)
        reduced = reduce(values, name, axis)
        if name in ("min", "max", "absmax"):
            np.testing.assert_array_equal(reduced.astype("f8"), expected)
        else:
            np.testing.assert_allclose(reduced.astype("f8"), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["mean", "sum", "std", "norm", "absmax"])
@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers(name: str, dtype: str, piece: int) -> None:
    """Their size is what counts for all but sum and mean."""
    values = drawn(dtype)
    for axis in AXES:
        expected = by_numpy(values.astype("c16"), name, axis)
        np.testing.assert_allclose(reduce(values, name, axis), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    {
        "float32": "float32 float32 float64 float64 float64 float64 float32",
        "bfloat16": "bfloat16 bfloat16 float64 float64 float64 float64 bfloat16",
        "int8": "int8 int8 float64 int64 float64 float64 uint8",
        "int4": "int4 int4 float64 int64 float64 float64 uint4",
        "uint16": "uint16 uint16 float64 uint64 float64 float64 uint16",
        "bool": "bool bool float64 int64 float64 float64 bool",
    }.items(),
)
def test_dtypes(dtype: str, expected: str) -> None:
    assert [reduce(drawn(dtype), name, 0).dtype.name for name in REDUCTIONS] == expected.split()


def test_dtypes_of_complex_numbers() -> None:
    names = {
        name: [reduce(drawn(dtype), name).dtype.name for dtype in ("complex64", "complex128")]
        for name in REDUCTIONS[2:]
    }
    assert names == {
        "mean": ["complex128", "complex128"],
        "sum": ["complex128", "complex128"],
        "std": ["float64", "float64"],
        "norm": ["float64", "float64"],
        "absmax": ["float32", "float64"],
    }


def test_the_absmax_of_the_least_integer_is_no_negative_number() -> None:
    for dtype, expected in {"int8": 128, "int64": 2**63, "int4": 8}.items():
        least = np.array([-expected, 1]).astype(numpy_dtype(dtype))
        assert int(reduce(least, "absmax")) == expected


def test_integers_are_summed_exactly() -> None:
    assert (
        int(reduce(np.full(5, 2**61 + 1), "sum", 0)) == 5 * (2**61 + 1) - 2**64
    )  # as NumPy, around the corner
    assert int(reduce(np.full(3, 2**53 + 1), "sum", 0)) == 3 * (2**53 + 1)


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_nan_and_infinities_go_through(name: str, odd: float, piece: int) -> None:
    """Unlike `stats`, which is of the finite values."""
    values = drawn("float32")
    values[1, 2, 3] = odd
    with np.errstate(all="ignore"):
        for axis in AXES:
            expected = by_numpy(values.astype("f8"), name, axis)
            np.testing.assert_allclose(reduce(values, name, axis), expected, rtol=1e-6)


def test_a_deviation_far_from_zero_keeps_its_digits(piece: int) -> None:
    values = 1e6 + drawn("float64")
    np.testing.assert_allclose(reduce(values, "std"), values.std(), rtol=1e-9)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (0, 0), ()])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_no_values_and_no_axes(name: str, shape: tuple[int, ...]) -> None:
    """The least of nothing is an error, the mean of nothing NaN, the sum of nothing 0."""
    for axis in [None, *range(len(shape))]:
        over = range(len(shape)) if axis is None else (axis,)
        of_nothing = any(shape[i] == 0 for i in over)
        if of_nothing and name in ("min", "max", "absmax"):
            with pytest.raises(QueryError, match=r"bad-axis.*no values"):
                reduce(np.ones(shape), name, axis)
            continue
        expected = {"sum": 0, "norm": 0}.get(name, np.nan) if of_nothing else name != "std"
        kept = tuple(size for i, size in enumerate(shape) if i not in over)
        np.testing.assert_array_equal(reduce(np.ones(shape), name, axis), np.full(kept, expected, "f8"))


def test_slices_before_and_reductions_after() -> None:
    values = drawn("float32")
    np.testing.assert_allclose(reduce(values, "sum", 1, "[1:, 2, [0, 4]]"), values[1:, 2][:, [0, 4]].sum(1))
    workspace, _source = tree(values)
    twice = evaluate("a:w | reduce norm axis=0 | reduce max axis=1", workspace).one()
    np.testing.assert_allclose(twice.numpy(), np.sqrt((values.astype("f8") ** 2).sum(0)).max(1))
    stats = evaluate("a:w | reduce sum axis=0 | stats", workspace).table(["min", "max"]).rows[0]
    np.testing.assert_allclose(stats, [values.sum(0).min(), values.sum(0).max()], rtol=1e-6)


def test_nothing_is_read_before_it_is_asked_for_and_then_once() -> None:
    workspace, source = tree(drawn("float32"))
    found = evaluate("a:w | reduce norm axis=0 | where size > 3 | show address", workspace)
    assert (found.table(["shape", "dtype"]).rows, source.reads) == ((((4, 5), "float64"),), [])
    weight = found.one()
    assert weight[1, 2].tolist() == weight.numpy()[1, 2]
    assert len(source.reads) == 1


def test_who_watches_is_told_what_is_read_for_it() -> None:
    told: list[int] = []
    watcher = SimpleNamespace(begin=told.append, advance=told.append, end=lambda: told.append(-1))
    evaluate("a:w | reduce max axis=0", tree(drawn("float32"))[0], watcher=watcher)
    assert told == [240, 240, -1]


def test_what_is_read_is_the_callers_own(piece: int) -> None:
    values = drawn("float32")
    (site,) = evaluate("a:w | reduce max axis=0", tree(values)[0]).rows
    site.tensor.read()[:] = 7
    site.tensor.read((0, slice(0, 5, 1)))[:] = 7
    for nbytes in (1, 8, 1000):
        blocks = list(site.tensor.blocks(nbytes))
        assert max(map(len, blocks)) == min(20, max(1, nbytes // 4))
        np.testing.assert_array_equal(np.concatenate(blocks), values.max(0).reshape(-1))


def test_it_is_written_as_it_is(tmp_path: Any) -> None:
    values = drawn("float32")
    found = evaluate("a:w | reduce norm axis=(0, 1)", tree(values)[0])
    for suffix in ("npz", "csv"):
        writers.write(list(found), str(tmp_path / f"x.{suffix}"))
    with np.load(tmp_path / "x.npz") as written:
        np.testing.assert_array_equal(written["m/a:w"], found.one().numpy())
    lines = (tmp_path / "x.csv").read_text().split()
    np.testing.assert_array_equal(np.array(lines, "f8"), found.one().numpy())


# -- the column `values` ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.float32(0.1), "0.1"),
        (np.arange(8.0), "[0, 1, 2, 3, 4, 5, 6, 7]"),
        (np.arange(9) / 7, "[0, 0.1429, 0.2857, 0.4286, … 0.7143, 0.8571, 1, 1.143]"),
        (np.arange(4).reshape(2, 2), "[[0, 1], [2, 3]]"),
        (np.arange(12).reshape(2, 6), "[[0, 1, … 4, 5], [6, 7, … 10, 11]]"),
        (np.arange(30).reshape(5, 3, 2), "[[[0, 1], … [4, 5]], … [[24, 25], … [28, 29]]]"),
        (np.arange(48).reshape(2, 2, 3, 4), "[[[[0, … 3], …], [[12, … 15], …]], [[[24, … 27], …], [[36, … 39], …]]]"),
        (np.array([np.nan, -np.inf, -0.0]), "[nan, -inf, -0]"),
        (np.array([True, False]), "[true, false]"),
        (np.array([1 + 2j]), "[1+2j]"),
        (np.array(["a", "b" * 30], object), f'["a", "{"b" * 24}…"]'),
        (np.array([b"a"], object), '["a"]'),
        (np.zeros((3, 0)), "[]"),
        (drawn("int4", (2,)), "[6, -7]"),
        (np.array([1.5], numpy_dtype("bfloat16")), "[1.5]"),
    ],
)  # fmt: skip
def test_values_are_shown_in_short(values: Any, shown: str) -> None:
    assert evaluate("a:w | show values", tree(np.asarray(values))[0]).table().rows == ((shown,),)


def test_only_the_values_that_are_shown_are_read_and_that_once() -> None:
    workspace, source = tree(np.zeros((1000, 1000), "f4"))
    evaluate("a:w | show values", workspace).table()
    assert source.reads == [(0, (0, 1, 998, 999)), (999, (0, 1, 998, 999))]


def test_values_of_no_known_shape_are_unknown() -> None:
    weight = Weight("w", TensorSpec(None, "float32"), trees.ArraySource(np.zeros(3)))
    model = Model(Layer("m", Content((weight,))), ("m",))
    assert preview(Site(model.place, weight)) is None
