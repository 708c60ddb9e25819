"""Highlighting: the roles of the cases' pieces, and of any text pieces in order that leave nothing out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.samples import CASES, queries
from weightrepl.service.answers import Highlight
from weightrepl.service.highlight import highlight, highlight_file

GROUPS = json.loads((CASES / "highlight.json").read_text("utf-8"))
TEXTS = st.text(st.sampled_from("ab/*:?[]{}(),|!@#$~<>=.-\\'\" \n01") | st.characters(), max_size=40)


def told(text: str, pieces: tuple[Highlight, ...]) -> list[str]:
    return [f"{piece.role} {piece.span.of(text)}" for piece in pieces]


def check(text: str, pieces: tuple[Highlight, ...]) -> None:
    end = 0
    for piece in pieces:
        assert end <= piece.span.start < piece.span.end, told(text, pieces)
        end = piece.span.end
    assert end <= len(text)


def uncovered(text: str, pieces: tuple[Highlight, ...]) -> str:
    left = list(text)
    for piece in pieces:
        left[piece.span.start : piece.span.end] = " " * len(piece.span)
    return "".join(left).strip()


@pytest.mark.parametrize("case", [case for group in GROUPS["queries"].values() for case in group])
def test_a_query(case):
    assert told(case["q"], highlight(case["q"])) == case["roles"]


@pytest.mark.parametrize("case", GROUPS["files"])
def test_a_file(case):
    text = "\n".join(case["lines"])
    assert told(text, highlight_file(text)) == case["roles"]


def test_a_byte_order_mark_is_no_part_of_the_first_line():
    text = "\ufeff# a\n"
    assert told(text, highlight_file(text)) == ["comment # a"]


def test_every_sample_is_covered():
    for query in queries():
        pieces = highlight(query)
        check(query, pieces)
        assert uncovered(query, pieces) == "", query


def test_every_beginning_of_every_sample_is_covered():
    for query in queries()[::13]:
        for end in range(len(query)):
            pieces = highlight(query[:end])
            check(query[:end], pieces)
            assert uncovered(query[:end], pieces) == "", query[:end]


@given(TEXTS)
def test_any_text_is_covered(text: str):
    pieces = highlight(text)
    check(text, pieces)
    assert uncovered(text, pieces) == ""


@given(
    st.lists(TEXTS | st.sampled_from(["#: open a=b.keras", "#: let a = b:*", "#:", "#: expect none", "# a"]))
)
def test_any_file_has_its_pieces_in_order(lines: list[str]):
    text = "\n".join(lines)
    pieces = highlight_file(text)
    check(text, pieces)
    assert uncovered(text, pieces) in ("", "\ufeff")
