"""What is entered at the prompt, in a real terminal: results, interrupts, leaving, files that change."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.terminal import DEMO, DOWN, ENTER, PROMPT, ROOT, UP, Terminal, at_prompt, ready, repl

CONTROL_C, CONTROL_D = "\x03", "\x04"
OTHER = ROOT / "tests" / "zoo" / "keras3" / "seq_dense" / "model.keras"  # `seq`, of 10 weights

SLOW = """
from threading import Event

import weightrepl
from tests.trees import ArraySource, model

class Slow(ArraySource):
    def blocks(self, max_nbytes):
        while True:
            print("a block", flush=True)
            Event().wait(0.2)
            yield self.array

net = model("net\\n  a @Dense\\n    :kernel (4,)")
weight = net.root.children[0].weights[0]
object.__setattr__(weight, "tensor", Slow(weight.tensor.array))
weightrepl.repl(net)
"""


seen = pytest.fixture(at_prompt)


def enter(terminal: Terminal, line: str, prompt: str = PROMPT) -> None:
    """Type a line and wait until it is answered."""
    terminal.send(line + ENTER)
    terminal.wait(lambda t: f"{prompt} {line}" in t.text and t.line == prompt)


def answer_to(terminal: Terminal, line: str, prompt: str = PROMPT) -> str:
    """The row below a line that was entered."""
    return terminal.row(next(n for n, row in enumerate(terminal.rows) if row == f"{prompt} {line}") + 1)


def replace_model(folder: Path) -> None:
    """Put another model in the place of the demo's, as training does."""
    new = folder / "new.keras"
    shutil.copyfile(OTHER, new)
    new.replace(folder / DEMO.name)


# -- results ----------------------------------------------------------------------------------------------------------


def test_a_query_is_answered_with_a_table_and_its_number(seen: Terminal):
    enter(seen, "**/*dense1:kernel")
    assert "larger_model/custom_module/inner_dense1:kernel" in seen.text
    assert "(10, 12)" in seen.text
    assert "$1" in seen.text


def test_a_mistake_is_marked_and_the_right_name_told(seen: Terminal):
    enter(seen, "custom_modul/*:kernel")
    assert "error[no-such-layer]" in seen.text
    assert "did you mean 'custom_module'?" in seen.text
    marked = next(i for i, row in enumerate(seen.rows) if "~~~~" in row)
    assert seen.row(marked).index("~") == seen.row(marked - 1).index("custom_modul")


def test_results_have_names(seen: Terminal):
    enter(seen, "**:kernel")
    enter(seen, "**:bias")
    enter(seen, "$1, $2 | count")
    assert answer_to(seen, "$1, $2 | count") == "6"
    enter(seen, "**/outer_dense:*")
    enter(seen, "$_ | count")
    assert answer_to(seen, "$_ | count") == "2"


def test_a_location_is_in_the_prompt(seen: Terminal):
    seen.send("%cd custom_module" + ENTER)
    ready(seen, "larger_model/custom_module>")
    enter(seen, "inner_dense1:bias", "larger_model/custom_module>")
    assert "inner_dense1:bias" in seen.text
    seen.send("%cd .." + ENTER)
    ready(seen)


def test_long_results_go_through_the_pager_in_colour(tmp_path: Path):
    if not shutil.which("less"):
        pytest.skip("there is no less here")
    with repl(tmp_path, lines=8) as seen:
        ready(seen)
        seen.send("**:* | where shape == (_, _) | stats" + ENTER)
        seen.wait(lambda t: t.row(7).startswith((":", "(END)")))
        seen.send("G")
        seen.wait("(END)")
        seen.send("q")
        ready(seen)
        assert seen.modes_now[3] != 0
        enter(seen, "%pwd")


def test_the_pager_is_the_one_that_is_asked_for(tmp_path: Path):
    pager = f"{sys.executable} -c \"import sys; print('paged', len(sys.stdin.readlines()), 'lines')\""
    with repl(tmp_path, lines=6, environment={"PAGER": pager}) as seen:
        ready(seen)
        seen.send("**:*" + ENTER)
        seen.wait(lambda t: "paged" in t.text and t.line == PROMPT)
        assert "inner_dense1" not in seen.text


# -- leaving and interrupting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keys", [CONTROL_D, "%quit" + ENTER])
def test_leaving_leaves_the_terminal_as_it_was(seen: Terminal, keys: str):
    seen.send(keys)
    assert seen.end() == 0
    assert seen.modes_now == seen.modes
    assert not seen.screen.cursor.hidden
    assert seen.raw.rfind(b"\x1b[?2004l") > seen.raw.rfind(b"\x1b[?2004h")


def test_being_ended_from_outside_leaves_it_too(seen: Terminal):
    ready(seen)
    os.kill(seen.process.pid, signal.SIGTERM)
    assert seen.end() != 0
    assert seen.modes_now == seen.modes
    assert not seen.screen.cursor.hidden
    assert "Traceback" not in seen.text


def test_control_c_cancels_the_line(seen: Terminal):
    seen.send("custom_module/in")
    seen.wait("custom_module/in")
    seen.send(CONTROL_C)
    ready(seen)
    assert "Traceback" not in seen.text
    enter(seen, "%pwd")


def test_control_d_in_a_line_does_not_leave(seen: Terminal):
    seen.send("custom")
    seen.wait(f"{PROMPT} custom")
    seen.send(CONTROL_D + "_module")
    seen.wait(f"{PROMPT} custom_module")


def test_control_c_cancels_a_running_query_and_nothing_else(tmp_path: Path):
    with repl(tmp_path, code=SLOW) as seen:
        ready(seen, "net>")
        seen.send("**:* | stats" + ENTER)
        seen.wait("a block")
        seen.send(CONTROL_C)
        seen.wait(lambda t: "interrupted" in t.text and t.line == "net>")
        assert "Traceback" not in seen.text
        enter(seen, "**:* | count", "net>")
        seen.send(CONTROL_D)
        assert seen.end() == 0


def test_a_watch_shows_what_changes_until_control_c(seen: Terminal, tmp_path: Path):
    seen.send("%watch **:* | count" + ENTER)
    seen.wait(lambda t: "6" in t.rows)
    replace_model(tmp_path)
    seen.wait(lambda t: "10" in t.rows)
    seen.send(CONTROL_C)
    seen.wait(lambda t: t.line.endswith(">"))
    assert "Traceback" not in seen.text
    seen.send("%pwd" + ENTER)
    seen.wait(lambda t: "%pwd" in t.text and t.line.endswith(">"))


# -- beginning --------------------------------------------------------------------------------------------------------


def test_without_a_model_there_is_a_prompt_and_a_way_on(tmp_path: Path):
    shutil.copyfile(DEMO, tmp_path / DEMO.name)
    with repl(tmp_path, code="from weightrepl.frontends.cli import main; main()") as seen:
        seen.wait(lambda t: t.line.strip(" /") == ">")
        seen.send("**:kernel" + ENTER)
        seen.wait("%open")
        seen.send(f"%open {DEMO.name} as net" + ENTER)
        ready(seen, "net>")


def test_the_demo_ends_at_the_prompt(tmp_path: Path):
    with repl(tmp_path, "--demo") as seen:
        ready(seen)
        assert "Your turn" in seen.text
        enter(seen, "**:* | count")


def test_a_location_may_be_given(tmp_path: Path):
    shutil.copyfile(DEMO, tmp_path / DEMO.name)
    with repl(tmp_path, DEMO.name, "-m", "custom_module") as seen:
        ready(seen, "larger_model/custom_module>")


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_that_is_not_there_is_told_before_any_prompt(tmp_path: Path):
    with repl(tmp_path, "nothing.keras") as seen:
        assert seen.end() == 2
        assert seen.text.strip() == "error: nothing.keras: no such file"


def test_opening_what_is_not_there_is_a_message(seen: Terminal):
    enter(seen, "%open nothing.keras")
    assert "nothing.keras" in seen.text.split("%open nothing.keras", 1)[1]
    assert "Traceback" not in seen.text


def test_a_broken_file_is_told_and_the_prompt_comes(tmp_path: Path):
    (tmp_path / "broken.keras").write_bytes(b"PK\x03\x04 and no more")
    with repl(tmp_path, "broken.keras") as seen:
        seen.wait(lambda t: "broken.keras" in t.text and t.line.endswith(">"))
        assert "Traceback" not in seen.text
        seen.send(CONTROL_D)
        assert seen.end() == 0


def test_a_file_that_changes_is_noticed(seen: Terminal, tmp_path: Path):
    enter(seen, "**:* | count")
    replacement = tmp_path / "new.keras"
    shutil.copyfile(
        DEMO.parent.parent.parent / "tests" / "zoo" / "keras3" / "seq_dense" / "model.keras", replacement
    )
    replacement.replace(tmp_path / DEMO.name)
    seen.wait("changed on disk")
    seen.send(f"%open {DEMO.name}" + ENTER)
    seen.wait("seq>")


def test_two_at_once_lose_no_history(tmp_path: Path):
    with repl(tmp_path) as one, repl(tmp_path) as other:
        for terminal, line in ((one, "**:kernel | head 1"), (other, "**:bias | head 1")):
            ready(terminal)
            enter(terminal, line)
        for terminal in (one, other):
            terminal.send(CONTROL_D)
            assert terminal.end() == 0
    with repl(tmp_path) as seen:
        ready(seen)
        seen.send(UP)
        seen.wait(f"{PROMPT} **:bias | head 1")
        seen.send(UP)
        seen.wait(f"{PROMPT} **:kernel | head 1")
        seen.send(DOWN)
        seen.wait(f"{PROMPT} **:bias | head 1")


def test_a_broken_configuration_is_told_and_the_prompt_comes(tmp_path: Path):
    (tmp_path / "config.toml").write_text("this is = = no toml", encoding="utf-8")
    with repl(tmp_path) as seen:
        seen.wait(lambda t: "config.toml" in t.text and t.line == PROMPT)
        assert "Traceback" not in seen.text
