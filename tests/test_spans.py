"""Spans, caret pictures, positions, the nearest names."""

from __future__ import annotations

import pytest

from weightrepl.spans import (
    Span,
    excerpt,
    line_column,
    listed,
    nearest,
    visible,
    width,
)


def test_a_span_is_a_part_of_a_text() -> None:
    span = Span(2, 5)
    assert span.of("abcdefg") == "cde"
    assert len(span) == 3
    assert span.to(Span(6, 7)) == Span(2, 7)
    assert span.shifted(3) == Span(5, 8)
    assert sorted([Span(2, 3), Span(1, 9), Span(1, 2)]) == [Span(1, 2), Span(1, 9), Span(2, 3)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b", "a b"),
        ("é😀", "é😀"),
        ("a\x1b[2J", "a\\u{1b}[2J"),
        ("a\nb\x00", "a\\u{a}b\\u{0}"),
        ("a\u202eb", "a\\u{202e}b"),
    ],
)
def test_nothing_drives_the_terminal(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("abc", 3), ("é", 1), ("e\u0301", 1), ("漢字", 4), ("a\u200db", 2)]
)
def test_width_is_in_terminal_cells(text: str, cells: int) -> None:
    assert width(text) == cells


@pytest.mark.parametrize(
    ("text", "span", "line", "marks"),
    [
        ("abc", Span(1, 2), "abc", " ~"),
        ("abc", Span(3, 3), "abc", "   ^"),
        ("ab\ncde\nf", Span(4, 6), "cde", " ~~"),
        ("ab\ncde\nf", Span(4, 8), "cde", " ~~"),
        ("ab\ncde", Span(1, 2), "ab", " ~"),
        ("漢x", Span(1, 2), "漢x", "  ~"),
        ("\x1bx", Span(1, 2), "\\u{1b}x", "      ~"),
        ("", Span(0, 0), "", "^"),
    ],
)
def test_a_picture_marks_the_span(text: str, span: Span, line: str, marks: str) -> None:
    assert excerpt(text, span) == (line, marks)


def test_lines_and_columns() -> None:
    text = "ab\ncdé\n"
    assert [line_column(text, i) for i in (0, 2, 3, 5, 7)] == [(0, 0), (0, 2), (1, 0), (1, 2), (2, 0)]


@pytest.mark.parametrize(
    ("name", "names", "found"),
    [
        ("custom_modul", ["outer", "custom_module"], ("custom_module",)),
        ("Dense", ["dense", "other"], ("dense",)),
        ("my-layer", ["my_layer"], ("my_layer",)),
        ("dense", ["encoder_dense_1", "x"], ("encoder_dense_1",)),
        ("ab", ["xxaby"], ()),
        ("outer_dense", ["dense"], ("dense",)),
        ("zzz", ["a", "b"], ()),
        ("dens", ["dense_1", "dense_2", "dense_3", "dense_4"], ("dense_1", "dense_2", "dense_3")),
        ("a_b", ["a_b", "a-b", "A b"], ("a_b", "a-b", "A b")),
    ],
)
def test_the_nearest_names(name: str, names: list[str], found: tuple[str, ...]) -> None:
    assert nearest(name, names) == found


def test_names_are_listed() -> None:
    assert listed(["a", "b\x1b"]) == "'a', 'b\\u{1b}'"
    assert listed(list("abcdef"), 4) == "'a', 'b', 'c', 'd' and 2 more"


def test_among_very_many_names_a_beginning_is_enough():
    names = [f"block_{i}" for i in range(1000)]
    assert nearest("block_99", [n for n in names if n != "block_99"]) == (
        "block_990",
        "block_991",
        "block_992",
    )
    assert nearest("blok_99", names)[0] == "block_99"
