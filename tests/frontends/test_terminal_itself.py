"""The terminal of the tests shows what a terminal shows, so that what is seen in it is worth something."""

from __future__ import annotations

import sys
import termios

import pytest

from tests import terminal
from tests.terminal import ENTER, Terminal

ASKING = (sys.executable, "-c", "print('you said', repr(input('say: ')))")


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_what_is_typed_is_read_and_what_is_printed_is_seen():
    with Terminal(ASKING) as seen:
        seen.wait("say:")
        seen.send("héllo" + ENTER)
        assert seen.end() == 0
        assert seen.rows[:2] == ["say: héllo", "you said 'héllo'"]


def test_what_does_not_come_is_told_with_the_screen(monkeypatch):
    monkeypatch.setattr(terminal, "DEADLINE_S", 0.5)
    with (
        Terminal(ASKING) as seen,
        pytest.raises(pytest.fail.Exception, match=r"(?s)'nothing' was not seen.*say:"),
    ):
        seen.wait("nothing")


def test_a_command_that_ends_is_not_waited_for():
    with Terminal(python("print('bye')")) as seen, pytest.raises(pytest.fail.Exception, match="at the end"):
        seen.wait("nothing")
    assert seen.process.returncode == 0


def test_control_c_is_a_signal():
    code = """
import time
try:
    print("ready", flush=True)
    while True: time.sleep(0.01)  # input() may not hear of a signal that comes just before it reads
except KeyboardInterrupt:
    print(" interrupted")
"""
    with Terminal(python(code)) as seen:
        seen.wait("ready")
        seen.send("\x03")
        seen.wait("interrupted")
        assert seen.end() == 0


def test_colours_and_cells_of_two_columns():
    with Terminal(python(r"print('\x1b[2mdim\x1b[0m \x1b[31mred\x1b[0m 日本!')")) as seen:
        seen.end()
        assert seen.row(0) == "dim red 日本!"
        assert [cell.fg for cell in seen.cells("dim")] == ["brightblack"] * 3
        assert {cell.fg for cell in seen.cells("red")} == {"red"}
        assert seen.screen.buffer[0][12].data == "!"


def test_the_size_is_told_and_told_again():
    code = """
import os, signal, time
tell = lambda *_: print(os.get_terminal_size(), flush=True)
signal.signal(signal.SIGWINCH, tell)
tell()
while True: time.sleep(0.01)
"""
    with Terminal(python(code), columns=40, lines=12) as seen:
        seen.wait("columns=40, lines=12")
        seen.resize(50, 10)
        seen.wait("columns=50, lines=10")


def test_each_complete_drawing_is_seen():
    code = r"for t in 'abc': print('\x1b[?25l\r' + t, end='', flush=True); print(t + '\x1b[?25h', end='', flush=True)"
    drawings = []
    with Terminal(python(code)) as seen:
        seen.watch = lambda terminal: drawings.append(terminal.text)
        seen.end()
    assert drawings == ["aa", "bb", "cc"]


def test_a_question_for_the_cursor_is_answered():
    code = r"""
import sys, termios, tty
tty.setcbreak(0)
print('ab\x1b[6n', end='', flush=True)
answer = ''
while not answer.endswith('R'):
    answer += sys.stdin.read(1)
print(repr(answer))
"""
    with Terminal(python(code)) as seen:
        seen.wait("[1;3R")


def test_modes_that_a_command_leaves_changed_are_seen():
    with Terminal(python("import tty; tty.setraw(0)")) as seen:
        seen.end()
        assert seen.modes_now != seen.modes
        assert not seen.modes_now[3] & termios.ECHO


def test_more_than_a_terminal_holds_is_sent():
    code = """
import sys, tty
tty.setcbreak(0)
print('ready', flush=True)
n = 0
while n < 100_000:
    n += len(sys.stdin.read(1))
    if n % 1000 == 0: print('x' * 500, end='', flush=True)
print('all')
"""
    with Terminal(python(code)) as seen:
        seen.wait("ready")
        seen.send("y" * 100_000)
        seen.wait("all")


def test_prompt_toolkit_finds_what_it_needs():
    code = "from prompt_toolkit import PromptSession; print(PromptSession().prompt('> ', bottom_toolbar='below'))"
    with Terminal(python(code), columns=40, lines=12) as seen:
        seen.wait("below")
        seen.send("wörd")
        seen.wait("> wörd")
        assert seen.row(11) == "below"
        seen.send(ENTER)
        seen.wait("\nwörd")
        assert seen.end() == 0
        assert seen.modes_now == seen.modes
        assert "CPR" not in seen.text
