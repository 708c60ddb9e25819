"""The line below the prompt: what is wrong, what is matched, what a stage takes, what is under the cursor."""

from __future__ import annotations

from threading import Event

import pytest

from tests.frontends.repl_talks import (
    ENTER,
    ESCAPE,
    F1,
    LEFT,
    TAB,
    Talk,
)
from tests.frontends.test_repl_typing import seen, shell, sitting
from weightrepl.errors import Fix, Problem
from weightrepl.frontends import lines
from weightrepl.service.answers import (
    Hover,
    Matched,
    Parameter,
    Signature,
)
from weightrepl.spans import Span

__all__ = ["shell", "sitting"]


def test_a_problem_is_told_and_underlined(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        lines,
        "diagnose_line",
        lambda shell, line, offset=None: (
            Problem("x", "no layer 'hed'", Span(0, 3), Fix(Span(0, 3), "head")),
        ),
    )
    styles: list[str] = []

    def look(t: Talk) -> bool:
        control = t.reader.prompt.layout.current_control
        fragments = control.create_content(80, 1).get_line(0)
        styles[:] = [
            piece[0] for piece in fragments if piece[1] in "hed" and "class:problem.error" in piece[0]
        ]
        return len(styles) == 3

    sitting.go("hed:*", seen("toolbar", "error: no layer 'hed' · did you mean 'head'?"), look)


def test_the_problem_at_the_cursor_goes_first(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    problems = (Problem("x", "first", Span(0, 1)), Problem("y", "second", Span(4, 5), severity="note"))
    monkeypatch.setattr(lines, "diagnose_line", lambda shell, line, offset=None: problems)
    sitting.go("a, bc", seen("toolbar", "note: second"), LEFT, LEFT, LEFT, seen("toolbar", "error: first"))


def test_a_problem_before_what_is_typed_stays(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    asked, held = Event(), Event()

    def diagnose(shell: object, line: str, offset: int | None = None) -> tuple[Problem, ...]:
        if line == "ab":
            asked.set()
            assert held.wait(20)
        return (Problem("x", f"in {line}", Span(0, 1)), Problem("y", "end", Span(len(line), len(line) + 1)))

    monkeypatch.setattr(lines, "diagnose_line", diagnose)
    sitting.go(
        "a", seen("toolbar", "error: in a"), "b", lambda t: asked.is_set() and t.toolbar == "error: in a",
        lambda t: held.set() or t.toolbar == "error: end",
    )  # fmt: skip


def test_what_a_stage_takes_and_how_much_is_matched(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    signature = Signature("top N COLUMN", "", (Parameter(Span(4, 5), ""), Parameter(Span(6, 12), "")), 1)
    monkeypatch.setattr(lines, "signature_line", lambda line, offset: signature)
    monkeypatch.setattr(lines, "matched_line", lambda shell, line: Matched(12, "weights", 3_400_000))
    sitting.go("a | top 5 ", seen("toolbar", "top N COLUMN   12 weights · 3.4 M params"), look_active, "x")


def test_a_slow_count_is_not_shown_until_it_is_done(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    held = Event()

    def matched(shell: object, line: str) -> Matched:
        assert line != "ab" or held.wait(20)
        return Matched(len(line), "layers")

    monkeypatch.setattr(lines, "matched_line", matched)
    sitting.go(
        "a", seen("toolbar", "1 layer"), "b", seen("text", "ab"), lambda t: t.toolbar.startswith("Tab completes"),
        lambda t: held.set() or t.toolbar == "2 layers",
    )  # fmt: skip


def look_active(t: Talk) -> bool:
    return ("class:toolbar.active", "COLUMN") in t.reader.toolbar.fragments()


@pytest.mark.parametrize(
    ("matched", "told"),
    [
        (Matched(1, "weights", 272), "1 weight · 272 params"),
        (Matched(1234, "layers", None), "1,234 layers"),
        (Matched(2, "rows", 7_000_000_000), "2 rows · 7.0 G params"),
        (None, "Tab completes · F1 explains · Ctrl-R searches · %help · Ctrl-D leaves"),
    ],
)
def test_how_much_is_matched(
    matched: Matched | None, told: str, sitting: Talk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(lines, "matched_line", lambda shell, line: matched)
    sitting.go("a", seen("toolbar", told))


def test_what_is_under_the_cursor_is_explained(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    hover = Hover(Span(0, 1), "m/a", (("class", "Dense"), ("shape", "(3,)")), "A `layer`.")
    monkeypatch.setattr(lines, "hover_line", lambda shell, line, offset: hover)
    told = "m/a\nclass  Dense\nshape  (3,)\nA layer."
    keys = lambda t: t.toolbar.startswith("Tab completes")  # noqa: E731
    sitting.go("a", F1, seen("toolbar", told), "b", keys, F1, seen("toolbar", told), ESCAPE, keys, "c", ENTER)
    assert sitting.shell.entered == ["abc"]


def test_a_long_explanation_is_cut(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    hover = Hover(Span(0, 1), "m/a", text="\n".join(["x" * 100 + "\n"] * 50))
    monkeypatch.setattr(lines, "hover_line", lambda shell, line, offset: hover)
    sitting.go(
        "a",
        F1,
        lambda t: len(t.toolbar.split("\n")) == 12 and t.toolbar.split("\n")[1:4] == ["x" * 80, "x" * 20, ""],
    )


def test_where_nothing_is_known_that_is_said(sitting: Talk):
    sitting.go("a", F1, seen("toolbar", "nothing is known of what is here"))


@pytest.mark.parametrize("name", [name for name in vars(lines) if name.endswith("_line")])
def test_a_bug_behind_the_line_is_seen(name: str, sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    working = getattr(lines, name)
    monkeypatch.setattr(lines, name, lambda *given, **options: 1 / 0)
    key = {"complete_line": TAB, "hover_line": F1}.get(name, "")
    sitting.go(
        "a",
        key,
        seen("toolbar", "a bug in weightrepl: ZeroDivisionError: division by zero"),
        lambda t: monkeypatch.setattr(lines, name, working) or True,
        "b",
        lambda t: "bug" not in t.toolbar,
        ENTER,
    )
    assert sitting.shell.entered == ["ab"]
