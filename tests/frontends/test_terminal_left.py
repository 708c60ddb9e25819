"""A terminal is left as it was found, whichever way the program ends."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal import DEADLINE_S, DEMO, ENTER, PROMPT, TAB, Terminal, at_prompt, ready, repl

CONTROL_C, CONTROL_D = "\x03", "\x04"
EDITED = "\x18\x05"
"""Ctrl-X Ctrl-E: the editor."""

SLOW = """
from threading import Event
import weightrepl
from weightrepl.frontends import progress
from tests.trees import ArraySource, model

progress.PATIENCE_S = 0

class Slow(ArraySource):
    def blocks(self, max_nbytes):
        while True:
            Event().wait(0.05)
            yield self.array

net = model("net\\n  a @Dense\\n    :kernel (4,)")
weight = net.root.children[0].weights[0]
object.__setattr__(weight, "tensor", Slow(weight.tensor.array))
from weightrepl.frontends import cli, session
session.Session.open = lambda self, *rest: setattr(self, "workspace", self.workspace.opened(net))
import sys
sys.argv = ["weightrepl", *{arguments!r}]
cli.main()
"""

BUG = """
from weightrepl.frontends import commands
def broken(shell, given):
    yield from ()
    raise KeyError("pwd")
commands.COMMANDS["pwd"] = commands.COMMANDS["pwd"].replace(run=broken)
import sys
sys.argv = ["weightrepl", "larger_model.keras"]
from weightrepl.frontends.cli import main
main()
"""

PRIVATE_MODE = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
USUALLY_ON = {7, 25}  # lines wrap, and the cursor is visible


seen = pytest.fixture(at_prompt)


def ended_as_found(seen: Terminal, status: int = 0) -> None:
    """Check that the command ended with a status and left the terminal as it was."""
    assert seen.end() == status, seen
    assert seen.modes_now == seen.modes
    on = set(USUALLY_ON)
    for numbers, switch in PRIVATE_MODE.findall(seen.raw):
        changed = set(map(int, numbers.split(b";")))
        on = on | changed if switch == b"h" else on - changed
    assert on == USUALLY_ON, "paste, mouse, the other screen, the cursor"
    shapes = re.findall(rb"\x1b\[(\d) q", seen.raw)
    assert not shapes or shapes[-1] == b"0", "the cursor has its shape again"
    assert seen.screen.cursor.attrs.fg == seen.screen.cursor.attrs.bg == "default"
    assert seen.screen.cursor.x == 0
    assert "Traceback" not in seen.text


@pytest.mark.parametrize(
    "keys", ["%quit" + ENTER, CONTROL_D, CONTROL_C + CONTROL_D, "custom" + CONTROL_C + CONTROL_D]
)
def test_by_keys(seen: Terminal, keys: str):
    seen.send(keys)
    ended_as_found(seen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("typed", ["", "custom_module/" + TAB])
def test_by_a_signal_at_the_prompt(seen: Terminal, number: signal.Signals, typed: str):
    seen.send(typed)
    seen.wait("inner_dense2" if typed else PROMPT)
    os.kill(seen.process.pid, number)
    ended_as_found(seen, 128 + number)


def sitting(folder: Path, code: str) -> Terminal:
    """A REPL that runs in code of its own, on a file that is there."""
    shutil.copyfile(DEMO, folder / DEMO.name)
    return repl(folder, code=code, environment={"WEIGHTREPL_DEBUG": None})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_by_a_signal_while_a_query_runs(tmp_path: Path, number: signal.Signals):
    with sitting(tmp_path, SLOW.format(arguments=[DEMO.name])) as seen:
        ready(seen, "net>")
        seen.send("**:* | stats" + ENTER)
        seen.wait("reading values")
        os.kill(seen.process.pid, number)
        ended_as_found(seen, 128 + number)
        assert "reading values" not in seen.text


def test_by_a_signal_though_something_holds_it_up(tmp_path: Path):
    code = SLOW.format(arguments=[DEMO.name])
    held_up = "import atexit, threading; atexit.register(threading.Event().wait)\n"
    with sitting(tmp_path, held_up + code) as seen:
        ready(seen, "net>")
        os.kill(seen.process.pid, signal.SIGTERM)
        ended_as_found(seen, 128 + signal.SIGTERM)


def test_after_a_query_was_interrupted(tmp_path: Path):
    with sitting(tmp_path, SLOW.format(arguments=[DEMO.name])) as seen:
        ready(seen, "net>")
        seen.send("**:* | stats" + ENTER)
        seen.wait("reading values")
        seen.send(CONTROL_C)
        seen.wait(lambda t: "interrupted" in t.text and t.line == "net>")
        assert "reading values" not in seen.text
        seen.send(CONTROL_D)
        ended_as_found(seen)


def test_a_command_that_is_interrupted(tmp_path: Path):
    with sitting(tmp_path, SLOW.format(arguments=[DEMO.name, "-q", "**:* | stats"])) as seen:
        seen.wait("reading values")
        seen.send(CONTROL_C)
        ended_as_found(seen, -signal.SIGINT)
        assert "reading values" not in seen.text


def test_after_a_bug(tmp_path: Path):
    with sitting(tmp_path, BUG) as seen:
        ready(seen)
        seen.send("%pwd" + ENTER)
        seen.wait(lambda t: "a bug in weightrepl: KeyError: 'pwd'" in t.text and t.line == PROMPT)
        seen.send(CONTROL_D)
        ended_as_found(seen)


@pytest.mark.parametrize(("status", "line"), [(0, PROMPT), (1, f"{PROMPT} outer")])
def test_after_an_editor(tmp_path: Path, status: int, line: str):
    """What it leaves is asked at once, unless it says that it failed."""
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\necho edited\nexit {status}\n")
    editor.chmod(0o755)
    with repl(tmp_path, environment={"EDITOR": str(editor), "VISUAL": None}) as seen:
        ready(seen)
        seen.send("outer" + EDITED)
        seen.wait(lambda t: "edited" in t.text and t.line == line)
        seen.send(CONTROL_C + CONTROL_D)
        ended_as_found(seen)


def test_with_mouse_and_vi_keys(tmp_path: Path):
    (tmp_path / "config.toml").write_text('mouse = true\nedit-mode = "vi"\n')
    with repl(tmp_path) as seen:
        ready(seen)
        assert b"\x1b[?1000h" in seen.raw
        seen.send("\x1b")
        seen.wait(lambda t: b"\x1b[2 q" in t.raw)
        seen.send("i" + CONTROL_D)
        ended_as_found(seen)


# -- with a pager -----------------------------------------------------------------------------------------------------


@pytest.fixture
def paged(tmp_path: Path) -> Iterator[Terminal]:
    """A REPL with a long result in less."""
    if not shutil.which("less"):
        pytest.skip("there is no less here")
    with repl(tmp_path, lines=8, environment={"LESS": "R"}) as terminal:  # on the other screen, unlike ours
        ready(terminal)
        terminal.send("**:* | stats" + ENTER)
        terminal.wait(lambda t: t.row(7).startswith((":", "(END)")))
        yield terminal


def test_after_a_pager(paged: Terminal):
    assert b"\x1b[?1049h" in paged.raw
    paged.send("q")
    ready(paged)
    paged.send(CONTROL_D)
    ended_as_found(paged)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_by_a_signal_while_a_pager_is_up(paged: Terminal, number: signal.Signals):
    os.kill(paged.process.pid, number)
    paged.send("q")  # it has the terminal, and is waited for
    ended_as_found(paged, 128 + number)


def test_after_a_pager_that_reads_nothing(tmp_path: Path):
    (tmp_path / "config.toml").write_text('pager = "always"\n')
    with repl(tmp_path, environment={"PAGER": f"{sys.executable} -c 1"}) as seen:
        ready(seen)
        seen.send("**:* | stats" + ENTER)
        seen.wait(lambda t: "stats" in t.text and t.line == PROMPT)
        seen.send(CONTROL_D)
        ended_as_found(seen)


def test_the_window_is_closed(tmp_path: Path):
    with repl(tmp_path) as seen:
        ready(seen)
        seen.hang_up()
        assert seen.process.wait(DEADLINE_S) != 0
