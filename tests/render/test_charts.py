"""Histograms in characters: nothing that is there is blank, and ASCII is enough."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.held import selected
from weightrepl.engine.table import Histogram
from weightrepl.render.blocks import Cell
from weightrepl.render.charts import HEIGHTS, chart, edges_of, in_ascii, numbers, spark
from weightrepl.render.formats import Answer, Style, rendered
from weightrepl.render.text import Screen


def test_a_cell_has_a_character_for_each_bin():
    assert spark(Histogram(-1.0, 0.5, (0, 1, 4, 8))).text == "        -1  ▁▄█ 0.5"


def test_one_value_among_many_is_seen():
    assert spark(Histogram(0.0, 1.0, (10**9, 1, 0))).text == "         0 █▁  1"
    lines = list(chart(Histogram(0.0, 1.0, (10**9, 1, 0)), 80))
    assert [("█" in line, "▏" in line) for line in lines[1:]] == [
        (True, False),
        (False, True),
        (False, False),
    ]


def test_what_is_left_out_is_told():
    assert spark(Histogram(0.0, 1.0, (1, 1), 3)).text == "         0 ██ 1  +3 NaN or inf"
    assert spark(Histogram(0.0, 1.0, (0, 0), 3)).text == "           no finite values  +3 NaN or inf"
    assert list(chart(Histogram(0.0, 1.0, (1, 1), 3), 80))[-1] == "3 NaN or infinite values are in no bin"
    assert list(chart(Histogram(0.0, 1.0, (1, 1), 1), 80))[-1] == "1 NaN or infinite value is in no bin"
    assert list(chart(Histogram(0.0, 1.0, (0, 0), 2), 80)) == ["no finite values; 2 NaN or infinite"]
    assert list(chart(Histogram(0.0, 1.0, (0, 0)), 80)) == ["no values"]


def test_a_chart_fits_the_screen():
    drawn = Histogram(-1.0, 1.0, (3, 12, 6, 0))
    assert list(chart(drawn, 40)) == [
        "      value                        count",
        "  -1 … -0.5 │ █████                    3",
        "-0.5 …    0 │ ████████████████████    12",
        "   0 …  0.5 │ ██████████               6",
        " 0.5 …    1 │                          0",
    ]
    assert {len(line) for line in chart(drawn, 79)} == {79}
    assert {len(line) for line in chart(drawn, 200)} == {len(line) for line in chart(drawn, None)} == {80}
    assert {len(line) for line in chart(drawn, 5)} == {28}  # what is too narrow for it is not heeded


def test_ascii_is_enough():
    lines = list(chart(Histogram(0.0, 1.0, (1, 1000)), 40, unicode=False))
    assert lines[1] == "  0 .. 0.5 | #                         1"
    assert lines[2] == "0.5 ..   1 | ##################### 1,000"
    assert all(line.isascii() for line in lines)
    cell = in_ascii(spark(Histogram(0.0, 1.0, tuple(range(9)))))
    assert cell.text == "         0  .:-=+*%@ 1"
    assert in_ascii(Cell("▁")) == Cell("▁")  # a name is left alone


def test_numbers_are_told_apart():
    assert numbers([0.1, 0.10000001]) == ["0.1", "0.10000001"]
    assert numbers([2.0, 2.0]) == ["2", "2"]
    assert numbers([1e300, math.nextafter(1e300, 2e300)]) == [
        "1.0000000000000001e+300",
        "1.0000000000000002e+300",
    ]


@pytest.mark.parametrize(("low", "high"), [(-1.5e308, 1.5e308), (0.0, 1e-323), (-0.7, 0.7), (5.0, 6.0)])
def test_edges_go_from_end_to_end(low: float, high: float):
    edges = edges_of(Histogram(low, high, (1,) * 7))
    assert (edges[0], edges[-1]) == (low, high)
    assert edges == sorted(edges)


def test_the_middle_of_symmetric_edges_is_zero():
    assert edges_of(Histogram(-0.7, 0.7, (1,) * 14))[7] == 0.0


def shown(query: str, *values: np.ndarray, unicode: bool = True, format: str = "table") -> list[str]:
    found = selected(query, *values)
    return list(rendered([Answer(query, found)], Style(format, Screen(80, unicode=unicode))))


def test_several_weights_are_cells_and_one_is_a_chart():
    values = np.array([0.0, 1.0, 1.0])
    assert shown("**:kernel | hist bins=2", values, -values) == [
        "address     hist",
        "m/a:kernel           0 ▄█ 1",
        "m/b:kernel          -1 █▄ 0",
    ]
    assert shown("a:kernel | hist bins=2", values)[:2] == ["address", "m/a:kernel"]
    assert shown("a:kernel | hist bins=2", values)[3].startswith("  0 … 0.5 │ █")
    assert all(map(str.isascii, shown("**:kernel | hist bins=2", values, -values, unicode=False)))
    assert all(map(str.isascii, shown("a:kernel | hist bins=2", values, unicode=False)))


def test_one_weight_without_numbers_is_a_row():
    assert shown("a:kernel | hist", np.array(["x"])) == ["address     hist", "m/a:kernel     ?"]


def test_columns_beside_the_chart_stay():
    assert shown("a:kernel | show size, address | hist", np.zeros(2))[:2] == [
        "size  address",
        "   2  m/a:kernel",
    ]


def test_csv_and_json_have_the_numbers():
    values = np.array([0.0, 1.0, np.nan])
    exact = '{"low": 0.0, "high": 1.0, "counts": [1, 1], "outside": 1}'
    assert shown("a:kernel | hist bins=2", values, format="csv")[1] == f'm/a:kernel,"{exact}"'.replace(
        exact, exact.replace('"', '""')
    )
    assert f'"hist": {exact}' in "".join(shown("a:kernel | hist bins=2", values, format="json"))


def test_every_height_is_a_character_of_its_own():
    assert len(set(HEIGHTS)) == len(HEIGHTS) == 9
