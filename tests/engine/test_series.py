"""Names that count up: which do, and what pattern selects them. What it selects: tests/render/test_folding.py."""

from __future__ import annotations

import pytest

from weightrepl.engine.series import series_of


@pytest.mark.parametrize(
    ("first", "second", "pattern"),
    [
        ("block_0", "block_1", "block_{0..2}"),
        ("conv2_block9_1", "conv2_block10_1", "conv2_block{9..11}_1"),
        ("dense", "dense_1", "dense{,_{1..2}}"),
        ("dense_1", "dense_1_1", "dense_1{,_{1..2}}"),
        ("x00", "x01", "x{00..02}"),
        ("a b.1:", "a b.2:", r"a\ b.{1..3}\:"),
        (".1", ".2", r"\.{1..3}"),
    ],
)
def test_the_pattern_of_three(first: str, second: str, pattern: str):
    series = series_of(first, second)
    assert series is not None
    assert (series.name(0), series.name(1), series.pattern(3)) == (first, second, pattern)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "b"),
        ("b_1", "b_0"),
        ("b_0", "b_2"),
        ("b_1_1", "b_2_2"),
        ("b_9", "b_010"),
        ("x99", "x0100"),
        ("n٠", "n١"),
        ("1" + "0" * 18, "1" + "0" * 17 + "1"),
    ],
)
def test_these_begin_none(first: str, second: str):
    assert series_of(first, second) is None


def test_a_width_is_not_outgrown():
    series = series_of("x08", "x09")
    assert series is not None
    assert [series.name(i) for i in (2, 91, 92)] == ["x10", "x99", None]
