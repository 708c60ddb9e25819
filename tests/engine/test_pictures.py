"""Pictures are bounded, say what they left out, and show the values that are there."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from tests.held import selected
from tests.trees import ArraySource
from weightrepl.engine.pictures import Bars, HeatMap, Panel
from weightrepl.engine.table import Histogram

RNG = np.random.default_rng(0)


def panel(values: np.ndarray, class_name: str | None = None, query: str = "a:kernel") -> Panel:
    (drawn,) = selected(query, values, class_name=class_name).picture().panels
    return drawn


def same(cells: object, values: np.ndarray) -> bool:
    return np.array_equal(np.array(cells, dtype=float), values, equal_nan=True)


# ------------------------------------------------------------------ matrices


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int8", "uint16", "int64", "bool", "bfloat16", "float8_e4m3fn"]
)
def test_a_small_matrix_is_shown_as_it_is(dtype: str):
    values = RNG.integers(-3, 4, (5, 7)).astype(getattr(ml_dtypes, dtype, dtype))
    drawn = panel(values, "Dense")
    assert isinstance(drawn.drawing, HeatMap)
    assert same(drawn.drawing.cells, values.astype(float))
    assert (drawn.drawing.down, drawn.drawing.across) == ("inputs 0…4", "units 0…6")
    assert (drawn.address, drawn.shape, drawn.dtype, drawn.remarks) == ("m/a:kernel", (5, 7), dtype, ())


def pooled(values: np.ndarray, high: int, wide: int) -> np.ndarray:
    """The definition, spelled out: of each cell the value of largest magnitude, the positive one of two."""
    rows, columns = (math.ceil(n / by) for n, by in zip(values.shape, (high, wide), strict=True))
    cells = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            cell = values[i * high : (i + 1) * high, j * wide : (j + 1) * wide].astype(float).ravel()
            order = sorted(cell, key=lambda v: (math.isnan(v), abs(v), v))
            cells[i, j] = order[-1]
    return cells


@pytest.mark.parametrize("shape", [(768, 100), (100, 768), (3, 4001), (501, 9), (130, 129)])
def test_a_large_matrix_is_pooled(shape: tuple[int, int]):
    values = RNG.normal(size=shape).astype("f4")
    values[1, 2], values[2, 5], values[0, 8] = np.nan, np.inf, -np.inf
    drawn = panel(values)
    assert isinstance(drawn.drawing, HeatMap)
    (remark,) = drawn.remarks
    high, wide = (
        int(number) for number in remark.split("magnitude of ")[1].removesuffix(" values").split(" × ")
    )
    assert high * wide > 1
    assert same(drawn.drawing.cells, pooled(values, high, wide))


@pytest.mark.parametrize("repeats", [1, 2])
@pytest.mark.parametrize(
    "shape",
    [
        (128,),
        (129,),
        (100_000,),
        (63, 63),
        (64, 63),
        (2, 100_000),
        (100_000, 2),
        (1999, 2),
        (500, 501),
        (2, 3, 9999),
    ],
)
def test_pictures_are_bounded(shape: tuple[int, ...], repeats: int):
    values = np.zeros(shape, "i1")
    found = selected("**:kernel", *[values] * repeats).picture()
    for drawn in found.panels:
        match drawn.drawing:
            case HeatMap(cells):
                assert len(cells) * len(cells[0]) <= (4000 if repeats == 1 else 1000)
            case Bars(bars):
                assert len(bars) <= 128


def test_blocks_may_begin_and_end_within_a_row(monkeypatch):
    values = RNG.normal(size=(150, 40))
    whole, blocks = panel(values).drawing, ArraySource.blocks
    for items in (1, 17, 40, 41, 90):
        with monkeypatch.context() as context:
            context.setattr(ArraySource, "blocks", lambda self, most, n=items: blocks(self, n * 8))
            assert panel(values).drawing == whole


def test_the_whole_weight_is_never_in_memory():
    found = selected("a:kernel", np.zeros((3000, 3000), "f4"))
    found.picture()
    assert found.rows[0].weight.tensor.reads == []


def test_further_axes_are_flattened():
    values = RNG.normal(size=(3, 4, 5))
    drawn = panel(values)
    assert isinstance(drawn.drawing, HeatMap)
    assert same(drawn.drawing.cells, values.reshape(12, 5))
    assert (drawn.drawing.down, drawn.drawing.across) == ("axes 0 × 1: 0…11", "axis 2: 0…4")
    assert drawn.remarks == ("rows: axes 0 × 1, flattened",)
    drawn = panel(RNG.normal(size=(70, 70, 2, 3)), "Conv2D")
    assert isinstance(drawn.drawing, HeatMap)
    assert drawn.drawing.down == "height × width × inputs 0…9799"


# ------------------------------------------------------------------ one axis, or none


@pytest.mark.parametrize("shape", [(6,), (6, 1), (1, 6, 1), (1, 1, 1, 6)])
def test_values_along_one_axis_are_bars(shape: tuple[int, ...]):
    values = np.array([1.0, -2.0, np.nan, np.inf, 0.0, 0.5])
    drawn = panel(values.reshape(shape)).drawing
    assert isinstance(drawn, Bars)
    assert same(drawn.values, values)
    assert drawn.across == f"axis {max(range(len(shape)), key=lambda i: shape[i])}: 0…5"


def test_many_bars_are_pooled():
    values = RNG.normal(size=1000)
    drawn = panel(values)
    assert isinstance(drawn.drawing, Bars)
    assert drawn.remarks == ("each bar: the largest magnitude of 8 values",)
    assert same([drawn.drawing.values], pooled(values[None], 1, 8))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.array(0.25), "0.25"),
        (np.array(12345678), "12,345,678"),
        (np.array(True), "1"),
        (np.array(1 - 2j), "1-2j"),
        (np.array(0.5, ml_dtypes.bfloat16), "0.5"),
        (np.zeros((0, 3)), "no values"),
        (np.array(["a"]), "no numbers to draw"),
    ],
)
def test_what_has_no_picture_is_told(values: np.ndarray, text: str):
    assert panel(values).drawing == text


def test_one_value_in_axes_is_a_bar():
    assert panel(np.full((1, 1), 3.0)).drawing == Bars((3.0,), "axis 0: 0")


def test_complex_values_are_drawn_as_magnitudes():
    drawn = panel(np.array([3 + 4j, -1, complex("inf"), complex(0, math.nan)], "c8"))
    assert isinstance(drawn.drawing, Bars)
    assert same(drawn.drawing.values, np.array([5, 1, np.inf, np.nan]))
    assert drawn.remarks == ("magnitudes of complex values",)


# ------------------------------------------------------------------ filters


def test_a_kernel_is_a_grid_of_filters():
    values = RNG.normal(size=(3, 2, 4, 5))
    drawn = panel(values, "Conv2D")
    assert isinstance(drawn.drawing, HeatMap)
    assert drawn.drawing.tile == (3, 2)
    assert same(drawn.drawing.cells, np.block([[values[:, :, i, o] for o in range(5)] for i in range(4)]))
    assert (drawn.drawing.down, drawn.drawing.across) == ("inputs 0…3", "filters 0…4")
    assert drawn.remarks == ("each tile: height 3 × width 2",)


def test_rows_are_inputs_in_a_transposed_convolution_too():
    values = RNG.normal(size=(2, 2, 3, 4))
    drawn = panel(values, "Conv2DTranspose").drawing
    assert isinstance(drawn, HeatMap)
    assert same(drawn.cells, np.block([[values[:, :, o, i] for o in range(3)] for i in range(4)]))
    assert (drawn.down, drawn.across) == ("inputs 0…3", "filters 0…2")


def test_planes_of_three_axes_are_stacked():
    values = RNG.normal(size=(2, 3, 4, 2, 2))
    drawn = panel(values, "Conv3D").drawing
    assert isinstance(drawn, HeatMap)
    assert drawn.tile == (6, 4)
    tiles = [[values[..., i, o].reshape(6, 4) for o in range(2)] for i in range(2)]
    assert same(drawn.cells, np.block(tiles))


def test_many_filters_are_cut():
    values = RNG.normal(size=(3, 3, 64, 128))
    drawn = panel(values, "Conv2D")
    assert isinstance(drawn.drawing, HeatMap)
    assert drawn.remarks == (
        "each tile: height 3 × width 3",
        "first 42 of 128 filters",
        "first 10 of 64 inputs",
    )
    assert same(drawn.drawing.cells[:3], np.hstack([values[:, :, 0, o] for o in range(42)]))


def test_a_grid_is_no_higher_than_wide():
    drawn = panel(RNG.normal(size=(3, 3, 500, 4)), "Conv2D")
    assert isinstance(drawn.drawing, HeatMap)
    assert (len(drawn.drawing.cells), len(drawn.drawing.cells[0])) == (126, 12)
    assert drawn.remarks[1:] == ("first 42 of 500 inputs",)


def test_a_cut_kernel_is_not_read_whole():
    found = selected("a:kernel", np.zeros((3, 3, 512, 512), "f4"), class_name="Conv2D")
    found.picture()
    (index,) = found.rows[0].weight.tensor.reads
    assert index == (slice(0, 3, 1), slice(0, 3, 1), slice(0, 10, 1), slice(0, 42, 1))


@pytest.mark.parametrize(
    ("shape", "class_name", "label"),
    [((3, 3, 1, 9), "Conv2D", "filters 0…8"), ((3, 3, 9, 1), "DepthwiseConv2D", "inputs 0…8")],
)
def test_filters_in_one_line_go_on_from_row_to_row(shape: tuple[int, ...], class_name: str, label: str):
    values = RNG.normal(size=shape)
    tiles = values.reshape(3, 3, 9).transpose(2, 0, 1)
    drawn = panel(values, class_name).drawing
    assert isinstance(drawn, HeatMap)
    assert (drawn.across, drawn.down) == (label, "")
    assert same(drawn.cells, np.hstack(list(tiles)))
    many = panel(np.tile(values, 5 if shape[3] == 9 else (5, 1)), class_name).drawing
    assert isinstance(many, HeatMap)
    assert [len(row) for row in many.cells] == [69] * 6  # 45 tiles in rows of 23
    assert many.cells[3][66:] == (None,) * 3
    assert many.cells[3][0] == values.reshape(3, 3, 9)[0, 0, 23 % 9]


def test_a_slice_of_a_kernel_is_one_of_filters_still():
    values = RNG.normal(size=(3, 3, 4, 5))
    drawn = panel(values, "Conv2D", "a:kernel[..., 0, 2]").drawing
    assert isinstance(drawn, HeatMap)
    assert same(drawn.cells, values[:, :, 0, 2])


@pytest.mark.parametrize(("shape", "rows"), [((1, 1, 6, 4), 6), ((70, 70, 2, 3), 98)])
def test_kernels_without_a_plane_or_with_a_huge_one_are_matrices(shape: tuple[int, ...], rows: int):
    drawn = panel(RNG.normal(size=shape), "Conv2D").drawing
    assert isinstance(drawn, HeatMap)
    assert drawn.tile is None
    assert len(drawn.cells[0]) in (3, 4)


def test_large_planes_leave_room_for_one_filter():
    drawn = (
        selected("**:kernel", *[RNG.normal(size=(25, 25, 3, 3))] * 2, class_name="Conv2D").picture().panels[0]
    )
    assert drawn.remarks[1:] == ("first 1 of 3 filters", "first 1 of 3 inputs")


# ------------------------------------------------------------------ histograms, and several


def test_after_hist_histograms_are_drawn():
    found = selected("a:kernel | hist bins=3", np.array([0.0, 1.0, 3.0, np.nan]))
    (drawn,) = found.picture().panels
    assert drawn.drawing == Histogram(0.0, 3.0, (1, 1, 1), 1)
    assert drawn.remarks == ("3 values in 3 bins from 0 to 3", "1 NaN or infinite, in no bin")
    assert isinstance(found.picture("heatmap").panels[0].drawing, Bars)


def test_a_histogram_may_be_asked_for():
    found = selected("a:kernel", np.array([2.0]))
    drawn = found.picture("histogram").panels[0]
    assert isinstance(drawn.drawing, Histogram)
    assert len(drawn.drawing.counts) == 20
    assert drawn.remarks[0].startswith("1 value in 20 bins from ")
    assert found.one().picture("histogram") == found.picture("histogram")
    assert found.one().picture() == found.picture()


@pytest.mark.parametrize("values", [np.full(3, np.nan), np.full(2, -np.inf)])
def test_of_nothing_finite_there_is_no_histogram(values: np.ndarray):
    (drawn,) = selected("a:kernel | hist", values).picture().panels
    assert drawn.drawing == "no finite values"
    assert drawn.remarks == (f"{values.size} NaN or infinite, in no bin",)


def test_sixty_are_drawn_and_the_rest_is_counted():
    found = selected("**:kernel, **:kernel[0], **:kernel[1], **:kernel[2]", *[np.arange(3.0)] * 20)
    picture = found.picture()
    assert (len(found), len(picture.panels), picture.hidden) == (80, 60, 20)


def test_nothing_and_no_such_kind():
    with pytest.raises(ValueError, match="nothing is selected"):
        selected("**:bias*", np.zeros(3)).picture()
    with pytest.raises(ValueError, match="'heatmap' or a 'histogram', not 'pie'"):
        selected("a:kernel", np.zeros(3)).picture("pie")


def test_who_watches_is_told():
    told = []

    class Watcher:
        def begin(self, nbytes: int) -> None:
            told.append(nbytes)

        def advance(self, nbytes: int) -> None:
            told.append(-nbytes)

        def end(self) -> None:
            told.append(0)

    found = selected("a:kernel", np.zeros((10, 10), "f4"))
    found._given.figures.watcher = Watcher()
    found.picture()
    assert told == [400, -400, 0]
