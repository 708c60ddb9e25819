"""How blocks look as text: nothing is cut, columns stand below each other, trees hang together."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightrepl.errors import Fix, Problem
from weightrepl.render.blocks import Cell, Heading, Line, ProblemBlock, TableBlock, TreeBlock, TreeRow
from weightrepl.render.text import Screen, lines, screen_of
from weightrepl.spans import Span, width

SGR = re.compile(r"\x1b\[[0-9;]*m")


PIPE = Screen()


def drawn(*blocks, screen: Screen = PIPE) -> str:
    return "\n".join(lines(blocks, screen))


TABLE = TableBlock(
    ("address", "shape", "dtype", "bytes"),
    (
        (Cell("m/a:kernel", "name"), Cell("(10, 12)", "shape"), Cell("float32"), Cell("480 B", "number")),
        (Cell("m/层:k", "name"), Cell("?", "unknown"), Cell("int8"), Cell("?", "unknown")),
        (Cell("m/custom:kernel", "name"), Cell("()", "shape"), Cell("bfloat16"), Cell("1.2 MB", "number")),
    ),
)


def test_a_table_that_fits_has_a_line_for_each_row():
    assert drawn(TABLE).splitlines() == [
        "address          shape     dtype      bytes",
        "m/a:kernel       (10, 12)  float32    480 B",
        "m/层:k           ?         int8           ?",
        "m/custom:kernel  ()        bfloat16  1.2 MB",
    ]
    assert drawn(TABLE, screen=Screen(43)) == drawn(TABLE)


def test_a_table_that_does_not_fit_puts_all_but_the_first_column_below():
    assert drawn(TABLE, screen=Screen(42)).splitlines() == [
        "address",
        "  shape     dtype      bytes",
        "m/a:kernel",
        "  (10, 12)  float32    480 B",
        "m/层:k",
        "  ?         int8           ?",
        "m/custom:kernel",
        "  ()        bfloat16  1.2 MB",
    ]


def test_what_is_too_wide_still_goes_to_further_lines():
    assert drawn(TABLE, screen=Screen(12)).splitlines()[:6] == [
        "address",
        "  shape",
        "  dtype",
        "   bytes",
        "m/a:kernel",
        "  (10, 12)",
    ]


def row(depth: int, name: str, params: str, *weights: str) -> TreeRow:
    return TreeRow(
        depth, (Cell(name, "name"), Cell(params, "number"), Cell("  ".join(weights), "list", weights))
    )


TREE = TreeBlock(
    (
        row(0, "m", "100"),
        row(1, "a", "50"),
        row(2, "b", "1,000", "kernel (10, 12)", "bias (12,)"),
        row(2, "c", "3"),
        row(3, "d", "3", "w (3,)"),
        row(1, "e", "9", *(f"w{i} (3,)" for i in range(4))),
        row(0, "n", "1"),
    )
)


def test_a_tree_hangs_together():
    assert drawn(TREE).splitlines() == [
        "m                100",
        "├── a             50",
        "│   ├── b      1,000  kernel (10, 12)  bias (12,)",
        "│   └── c          3",
        "│       └── d      3  w (3,)",
        "└── e              9  w0 (3,)  w1 (3,)  w2 (3,)  w3 (3,)",
        "n                  1",
    ]


def test_a_list_of_weights_goes_on_below_itself():
    assert drawn(TREE, screen=Screen(42)).splitlines() == [
        "m                100",
        "├── a             50",
        "│   ├── b      1,000  kernel (10, 12)",
        "│   │                 bias (12,)",
        "│   └── c          3",
        "│       └── d      3  w (3,)",
        "└── e              9  w0 (3,)  w1 (3,)",
        "                      w2 (3,)  w3 (3,)",
        "n                  1",
    ]


def test_a_list_without_room_beside_goes_below_the_row_and_the_tree_goes_on_beside_it():
    assert drawn(TREE, screen=Screen(30, unicode=False)).splitlines() == [
        "m                100",
        "|-- a             50",
        "|   |-- b      1,000",
        "|   |           kernel (10, 12)",
        "|   |           bias (12,)",
        "|   `-- c          3",
        "|       `-- d      3",
        "|               w (3,)",
        "`-- e              9",
        "                w0 (3,)",
        "                w1 (3,)",
        "                w2 (3,)",
        "                w3 (3,)",
        "n                  1",
    ]


@pytest.mark.parametrize("block", [TableBlock((), ()), TreeBlock(())])
def test_what_is_empty_has_no_lines(block):
    assert drawn(block) == ""


def test_colours_are_put_around_the_text_alone():
    coloured = drawn(Heading("q"), TABLE, TREE, Line("6 weights", "dim"), screen=Screen(42, colour=True))
    plain = drawn(Heading("q"), TABLE, TREE, Line("6 weights", "dim"), screen=Screen(42))
    assert "\x1b[36m(10, 12)\x1b[0m" in coloured
    assert coloured.endswith("\x1b[2m6 weights\x1b[0m")
    assert SGR.sub("", coloured) == plain


PROBLEM = Problem("no-such-layer", "no layer 'b'", Span(2, 3), Fix(Span(2, 3), "c"))


def test_a_picture_is_that_of_the_problem():
    assert drawn(ProblemBlock(PROBLEM, "a/b:*")) == PROBLEM.picture("a/b:*")
    assert drawn(ProblemBlock(PROBLEM, "a/b:*", "x.wq:3:5")) == "x.wq:3:5: " + PROBLEM.picture("a/b:*")


def test_a_picture_has_colours():
    first, line, marks, advice = drawn(
        ProblemBlock(PROBLEM, "a/b:*"), screen=Screen(colour=True)
    ).splitlines()
    assert first == "\x1b[1;31merror[no-such-layer]:\x1b[0m \x1b[1mno layer 'b'\x1b[0m"
    assert (line, marks) == ("  a/b:*", "  \x1b[31m  ~\x1b[0m")
    assert advice == "  \x1b[32mdid you mean 'c'?\x1b[0m"


def test_advice_does_not_drive_the_terminal():
    fix = Fix(Span(0, 1), "\x1b[2J\nb")
    assert drawn(ProblemBlock(Problem("x", "y", Span(1, 2), fix), "ab")).splitlines()[-2:] == [
        "  type instead: \\u{1b}[2J",
        "  bb",
    ]


NAMES = st.text("ab层é́ ", min_size=1, max_size=12).filter(lambda s: s.strip() == s)
ROWS = st.lists(st.tuples(NAMES, NAMES, st.integers(0, 10**6).map(str)), min_size=1, max_size=5)


@given(ROWS, st.integers(1, 60))
def test_nothing_is_ever_lost_and_nothing_wider_than_it_must_be(rows, columns):
    cells = tuple((Cell(name, "name"), Cell(word), Cell(number, "number")) for name, word, number in rows)
    text = drawn(TableBlock(("x", "y", "z"), cells), screen=Screen(columns)).splitlines()
    joined = "\n".join(text)
    assert all(joined.count(part) >= 1 for row in rows for part in row)
    widest = max(width(part) for row in rows for part in row)
    assert max(map(width, text)) <= max(columns, widest + 2)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30))
def test_every_row_of_a_tree_hangs_below_the_last_less_deep_one(steps):
    depths = [0]
    for step in steps:
        depths.append(min(step, depths[-1] + 1))
    shown = drawn(
        TreeBlock(tuple(TreeRow(d, (Cell(f"n{i}", "name"),)) for i, d in enumerate(depths)))
    ).splitlines()
    for i, (depth, line) in enumerate(zip(depths, shown, strict=True)):
        assert line.index("n") == 4 * depth
        if depth:
            at = 4 * (depth - 1)
            parent = max(j for j in range(i) if depths[j] < depth)
            assert all(line[at] in "├└" and shown[j][at] in "├│" for j in range(parent + 1, i))
            is_last = (
                depth
                not in depths[i + 1 : next((j for j in range(i + 1, len(depths)) if depths[j] < depth), None)]
            )
            assert line[at] == ("└" if is_last else "├")


# ------------------------------------------------------------------ what a stream can show


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("environment", "choice", "terminal", "coloured"),
    [
        ({}, "auto", True, True),
        ({}, "auto", False, False),
        ({"TERM": "dumb"}, "auto", True, False),
        ({"NO_COLOR": "1"}, "auto", True, False),
        ({"NO_COLOR": ""}, "auto", True, True),
        ({"FORCE_COLOR": "1"}, "auto", False, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, "auto", True, False),
        ({"NO_COLOR": "1"}, "always", False, True),
        ({"FORCE_COLOR": "1"}, "never", True, False),
    ],
)
def test_who_decides_on_colours(environment, choice, terminal, coloured, monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert screen_of(Terminal() if terminal else io.StringIO(), choice).colour is coloured


@pytest.mark.parametrize(("columns", "wide"), [("60", 60), ("0", None), ("wide", None), (None, None)])
def test_columns_is_obeyed_also_without_a_terminal(columns, wide, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert screen_of(io.StringIO()).width == wide


def test_boxes_are_drawn_only_where_they_can_be():
    assert screen_of(io.TextIOWrapper(io.BytesIO(), "utf-8")).unicode
    assert not screen_of(io.TextIOWrapper(io.BytesIO(), "ascii")).unicode


def test_no_message_drives_the_terminal():
    assert drawn(ProblemBlock(Problem("x", "a\x1b[2Jb"))) == "error[x]: a\\u{1b}[2Jb"
