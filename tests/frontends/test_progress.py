"""What is shown on a real terminal while work lasts, and what stays of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.terminal import DEMO, ROOT, Terminal

CLEARED = "\r\x1b[K"

BAR = """
import sys
from weightrepl.frontends import progress

progress.PATIENCE_S = {patience}
waiting = progress.Waiting(True)

def until_shown(): # a bar of no patience draws in its own time
    while not waiting._drawn: pass

{code}
"""

SLOW = """
import sys
from threading import Event
from tests.trees import ArraySource, model
from weightrepl.frontends import cli, progress, session

progress.PATIENCE_S = 0
shown = Event()
draw = progress.Waiting._line

def drawn(self, now):
    line = draw(self, now)
    if line.startswith({words!r}): shown.set()
    return line

progress.Waiting._line = drawn

class Slow(ArraySource):
    def blocks(self, max_nbytes):
        shown.wait()
        yield self.array.reshape(-1)

    def read(self, slices=None):
        shown.wait()
        return super().read(slices)

net = model("net\\n  a @Dense\\n    :kernel (4,)")
weight = net.root.children[0].weights[0]
object.__setattr__(weight, "tensor", Slow(weight.tensor.array))
session.Session.open = lambda self, *rest: setattr(self, "workspace", self.workspace.opened(net))
sys.argv = ["weightrepl", "net", *{arguments!r}]
cli.main()
"""
"""The command on a model whose values are not read before something is shown."""


def on_a_terminal(code: str, **terminal: object) -> Terminal:
    """What Python code shows in a terminal, when it has ended well."""
    with Terminal((sys.executable, "-c", code), cwd=ROOT, **terminal) as seen:  # type: ignore[arg-type]
        assert seen.end() == 0, seen
        return seen


def told(seen: Terminal) -> list[str]:
    """The lines that were drawn and taken away."""
    return [part for part in seen.raw.decode().split(CLEARED) if part]


READING = """
with waiting.on("working"):
    waiting.begin(4_000_000)
    waiting.begin(4_000_000)
    waiting.advance(2_000_000)
    until_shown()
    waiting.end()
    waiting.end()
print("done")
"""


def test_a_long_reading_shows_how_far_it_is_and_leaves_nothing():
    seen = on_a_terminal(BAR.format(patience=0, code=READING))
    assert "reading values [#####...............] 2.0 MB of 8.0 MB, 0 s, Ctrl-C cancels" in told(seen)
    assert seen.text == "done"
    assert b"\x1b[?25" not in seen.raw, "the cursor stays visible, so that nothing can leave it hidden"


def test_what_is_short_shows_nothing():
    code = BAR.format(patience=60, code="with waiting.on('working'): waiting.begin(8)\nprint('done')")
    assert on_a_terminal(code).raw == b"done\r\n"


def test_lines_are_shown_alone():
    code = """
def lines():
    until_shown()
    yield "one"
    until_shown()
    yield "two"
for line in waiting.each(lines()): print(line, flush=True)
"""
    seen = on_a_terminal(BAR.format(patience=0, code=code))
    assert seen.rows[:3] == ["one", "two", ""]
    assert "working: 0 s, Ctrl-C cancels" in told(seen)


def test_a_pager_is_not_drawn_over():
    code = """
from threading import Event
with waiting.on("working"):
    until_shown()
    waiting.leave_alone()
    line = waiting._line(float("inf"))
print(repr(line))
"""
    assert on_a_terminal(BAR.format(patience=0, code=code)).text == "''"


def test_it_is_not_wider_than_the_terminal():
    code = "with waiting.on('w' * 200):\n    until_shown()"
    assert "w" * 39 in told(on_a_terminal(BAR.format(patience=0, code=code), columns=40))


def test_a_name_can_not_move_the_cursor():
    code = "with waiting.on('writing \\x1b[2J.npz'):\n    until_shown()"
    assert "\x1b[2J" not in on_a_terminal(BAR.format(patience=0, code=code)).raw.decode()


@pytest.mark.parametrize(
    ("words", "arguments", "end"),
    [
        ("reading values", ["-q", "**:* | stats", "--format", "paths"], "net/a:kernel"),
        (
            ("working", "reading values"),
            ["-q", "**:* | reduce norm | show values", "--format", "csv"],
            "values",
        ),
        ("writing out.npz", ["-q", "**:*", "-o", "out.npz"], ""),
    ],
)
def test_commands_that_last_show_it(
    words: str | tuple[str, ...], arguments: list[str], end: str, tmp_path: Path
):
    code = SLOW.format(words=words, arguments=arguments)
    environment = {"PYTHONPATH": str(ROOT)}
    with Terminal((sys.executable, "-c", code), cwd=tmp_path, environment=environment) as seen:
        assert seen.end() == 0, seen
        assert any(part.startswith(words) for part in told(seen)), seen.raw
        assert seen.row(0) == end


def test_what_is_quick_shows_nothing():
    command = (sys.executable, "-m", "weightrepl", str(DEMO), "-q", "**:* | stats", "--color", "never")
    with Terminal(command, cwd=ROOT) as seen:
        assert seen.end() == 0
        assert b"\x1b" not in seen.raw


@pytest.mark.parametrize("term", ["dumb", None])
def test_only_a_terminal_that_can_take_it_away_shows_it(term: str | None):
    code = SLOW.format(words="reading values", arguments=["-q", "**:* | stats"]).replace(
        "shown = Event()", "shown = Event(); shown.set()"
    )
    if term is None:
        done = subprocess.run(
            (sys.executable, "-c", code), cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
    else:
        assert CLEARED not in on_a_terminal(code, environment={"TERM": term}).raw.decode()


def test_what_a_pipe_reads_may_be_a_pager():
    code = "from weightrepl.frontends.progress import piped_on; print(piped_on())"
    done = subprocess.run((sys.executable, "-c", code), cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert on_a_terminal(code).text == "False"
