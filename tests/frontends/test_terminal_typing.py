"""What is seen while somebody types, in a real terminal: colours, the menu, problems, counts, history."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.terminal import (
    BACKSPACE,
    DOWN,
    END,
    ENTER,
    ESCAPE,
    F1,
    PROMPT,
    RIGHT,
    TAB,
    Terminal,
    at_prompt,
    ready,
    repl,
)

CONTROL_C, CONTROL_R, CONTROL_X, CONTROL_E = "\x03", "\x12", "\x18", "\x05"


seen = pytest.fixture(at_prompt)


def toolbar(terminal: Terminal) -> str:
    """The line at the bottom."""
    return terminal.row(terminal.screen.lines - 1)


# -- the menu ---------------------------------------------------------------------------------------------------------


def test_tab_shows_what_may_come_next_and_what_it_is(seen: Terminal):
    seen.send("custom_module/" + TAB)
    seen.wait(lambda t: "inner_dense1" in t.text and "inner_dense2" in t.text)
    seen.wait("Dense · 2 weights · 132 params")


def test_an_item_is_chosen_with_keys_and_accepted_without_running(seen: Terminal):
    seen.send("custom_module/" + TAB)
    seen.wait("Dense · 2 weights")
    seen.send(DOWN)
    seen.wait(lambda t: "custom_module/inner_dense" in t.line)
    chosen = seen.line
    seen.send(ENTER)
    seen.wait(lambda t: "Dense · 2 weights" not in t.text)
    assert seen.line == chosen
    assert "$1" not in seen.text


def test_a_sole_completion_is_put_in(seen: Terminal):
    seen.send("outer_dense:k" + TAB)
    seen.wait(f"{PROMPT} outer_dense:kernel")


def test_the_menu_stays_up_while_typing_goes_on(seen: Terminal):
    seen.send("custom_module/" + TAB)
    seen.wait("Dense · 2 weights")
    frames = []
    seen.watch = lambda t: frames.append(str(t))
    for n, key in enumerate("inner_dense", 1):
        seen.send(key)
        seen.wait(lambda t, n=n: t.line.endswith("custom_module/inner_dense"[: 14 + n]))
    seen.wait(lambda t: "inner_dense1" in t.text and "inner_dense2" in t.text)
    gone = [frame for frame in frames if frame.count("inner_dense2") == 0]
    assert not gone, gone[0]


def test_the_menu_comes_while_typing_if_that_is_wanted(tmp_path: Path):
    (tmp_path / "config.toml").write_text("complete-while-typing = true\n", encoding="utf-8")
    with repl(tmp_path) as seen:
        ready(seen)
        seen.send("custom_module/in")
        seen.wait(lambda t: "inner_dense1" in t.text and "inner_dense2" in t.text)
        frames = []
        seen.watch = lambda t: frames.append(str(t))
        for n, key in enumerate("ner_dense", 1):
            seen.send(key)
            seen.wait(lambda t, n=n: t.line.endswith("custom_module/inner_dense"[: 16 + n]))
        gone = [frame for frame in frames if frame.count("inner_dense2") == 0]
        assert not gone, gone[0]


def test_a_resize_while_the_menu_is_up_redraws_it(seen: Terminal):
    seen.send("custom_module/" + TAB)
    seen.wait("Dense · 2 weights")
    seen.resize(40, 12)
    seen.wait(lambda t: "inner_dense1" in t.text and t.screen.columns == 40)
    seen.send(ESCAPE)
    seen.send(END + CONTROL_C)
    ready(seen)


# -- colours, problems, counts ----------------------------------------------------------------------------------------


def test_what_is_typed_has_colours(seen: Terminal):
    seen.send("outer_dense:kernel | where size > 10")
    seen.wait("where size > 10")
    seen.wait(lambda t: t.cells("where")[0].fg != t.cells("outer_dense")[0].fg)
    assert len({cell.fg for cell in seen.cells("where")}) == 1


def test_a_problem_is_underlined_and_told_below(seen: Terminal):
    seen.send("custom_modul/*:kernel")
    seen.wait(lambda t: "no layer 'custom_modul'" in toolbar(t))
    seen.wait(lambda t: all(cell.underscore for cell in t.cells("custom_modul/")[:-1]))
    assert not any(cell.underscore for cell in seen.cells(":kernel"))


def test_what_is_only_unfinished_is_not_underlined(seen: Terminal):
    for text in ("custom_module/inn", "**:ker"):
        seen.send(text)
        seen.wait(f"{PROMPT} {text}")
        assert not any(cell.underscore for cell in seen.cells(text))
        seen.send(CONTROL_C)
        ready(seen)


def test_how_much_matches_is_told_as_one_types(seen: Terminal):
    seen.send("**:kernel")
    seen.wait(lambda t: "3 weights" in toolbar(t))
    seen.send(BACKSPACE * len("kernel") + "*")
    seen.wait(lambda t: "6 weights" in toolbar(t) and "272 params" in toolbar(t))


def test_what_is_at_the_cursor_is_explained(seen: Terminal):
    seen.send("outer_dense:kernel" + F1)
    seen.wait(lambda t: "(8, 4)" in t.text and "float32" in t.text)
    seen.send(" | stats" + F1)
    seen.wait(lambda t: "(8, 4)" not in t.text and "sparsity" in t.text)
    seen.send(ESCAPE)
    seen.wait(lambda t: "sparsity" not in t.text)


# -- history, lines, editing ------------------------------------------------------------------------------------------


def test_history_suggests_and_is_searched(seen: Terminal):
    seen.send("**/outer_dense:bias" + ENTER)
    seen.wait(lambda t: "$1" in t.text and t.line == PROMPT)
    seen.send("**/ou")
    seen.wait(lambda t: t.line == f"{PROMPT} **/outer_dense:bias")
    seen.send(RIGHT)
    seen.wait(lambda t: t.screen.cursor.x == len(f"{PROMPT} **/outer_dense:bias"))
    seen.send(CONTROL_C)
    ready(seen)
    seen.send(CONTROL_R + "outer")
    seen.wait("search")
    seen.wait("**/outer_dense:bias")
    seen.send(ENTER)
    seen.wait(lambda t: "**/outer_dense:bias" in t.line)


def test_a_line_goes_on_in_an_open_bracket(seen: Terminal):
    seen.send("outer_dense:kernel[[0, 1]," + ENTER)
    seen.wait(lambda t: t.line.startswith("...") or t.line.strip() == "")
    assert "$1" not in seen.text
    seen.send(":2]" + ENTER)
    seen.wait(lambda t: "$1" in t.text and t.line == PROMPT)
    assert "(2, 2)" in seen.text


def test_vi_keys(tmp_path: Path):
    (tmp_path / "config.toml").write_text('edit-mode = "vi"\n', encoding="utf-8")
    with repl(tmp_path) as seen:
        ready(seen)
        seen.send("xx outer_dense:bias")
        seen.wait("xx outer_dense:bias")
        seen.send(ESCAPE)
        seen.send("0dw")
        seen.wait(f"{PROMPT} outer_dense:bias")
        seen.send(ENTER)
        seen.wait(lambda t: "$1" in t.text and t.line == PROMPT)


def test_an_editor_edits_the_line(tmp_path: Path):
    editor = f"{sys.executable} -c \"import sys; open(sys.argv[1], 'a').write(':bias')\""
    with repl(tmp_path, environment={"EDITOR": editor}) as seen:
        ready(seen)
        seen.send("outer_dense")
        seen.wait("outer_dense")
        seen.send(CONTROL_X + CONTROL_E)
        seen.wait("outer_dense:bias")


def test_what_is_pasted_appears_and_runs_nothing(seen: Terminal):
    seen.paste("**:kernel\n**:bias\n")
    seen.wait("**:bias")
    assert "$1" not in seen.text
    seen.send(CONTROL_C)
    ready(seen)


def test_a_very_long_paste_is_taken(seen: Terminal):
    seen.paste("outer_dense:kernel, " * 5_000 + "outer_dense:bias")
    seen.wait("outer_dense:bias")
    seen.send(CONTROL_C)
    ready(seen)
    seen.send("outer_dense:bias" + ENTER)
    seen.wait(lambda t: "$" in t.text and t.line == PROMPT)
