"""A command in a pseudo-terminal, and the screen that somebody in front of it sees: keys go in, a picture comes out.

Nothing here sleeps: whoever waits, waits for something to be seen, and says what was seen instead if it does not come.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import pyte
import pytest

DEADLINE_S = 60.0
"""So long a wait may last, on the slowest machine: it ends with what it waits for, mostly within milliseconds."""

ENTER, TAB, ESCAPE, BACKSPACE = "\r", "\t", "\x1b", "\x7f"
UP, DOWN, RIGHT, END, F1 = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[F", "\x1bOP"

_CONTROLLED = """
import fcntl, os, signal, sys, termios
signal.signal(signal.SIGINT, signal.SIG_DFL)
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""Makes the terminal the one whose Ctrl-C is a signal to the command, also where the tests' own is ignored."""

_DRAWN = b"\x1b[?25h"
"""Who draws in steps hides the cursor meanwhile: when it is shown again, there is something to look at."""


class _Emulator(pyte.Screen):
    """A screen that answers what it is asked, and shows faint text in grey."""

    def __init__(self, columns: int, lines: int, answer: Callable[[str], None]) -> None:
        self._answer = answer
        super().__init__(columns, lines)

    def write_process_input(self, data: str) -> None:
        self._answer(data)

    def select_graphic_rendition(self, *attrs: int, **kwargs: Any) -> None:
        if kwargs.get("private"):
            return  # XTMODKEYS and the like, which pyte takes for colours
        if not {38, 48} & set(attrs):
            attrs = tuple({2: 90, 22: 39}.get(attr, attr) for attr in attrs)
        super().select_graphic_rendition(*attrs, **kwargs)


class Terminal:
    """A running command and its screen. Leaving the block kills the command if it is still there.

    controlling: whether Ctrl-C is a signal, as in any terminal; without it the command starts a little sooner.
    watch: is called with the terminal whenever a drawing is complete, so that what is seen only shortly is seen too.
    raw: all bytes that came out.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        controlling: bool = True,
    ) -> None:
        self.watch: Callable[[Terminal], None] = lambda terminal: None
        self.raw = self._outgoing = self._held_back = b""
        self._ours, self._theirs = pty.openpty()
        self._busy_s = time.monotonic()
        self.screen = _Emulator(columns, lines, self._answer)
        self._stream = pyte.ByteStream(self.screen)
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(self._theirs)
        trampoline = (sys.executable, "-I", "-S", "-c", _CONTROLLED) if controlling else ()
        self.process = subprocess.Popen(
            (*trampoline, *command),
            stdin=self._theirs, stdout=self._theirs, stderr=self._theirs,
            start_new_session=True, env=_environment(environment or {}), cwd=cwd,
        )  # fmt: skip

    # -- what goes in

    def send(self, keys: str) -> None:
        """Send keys as they are."""
        self._outgoing += keys.encode()
        self._busy_s = time.monotonic()
        self.wait(lambda terminal: not terminal._outgoing)

    def paste(self, text: str) -> None:
        """Send text in the way in which terminals tell that it is pasted."""
        self.send(f"\x1b[200~{text}\x1b[201~")

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size; the command hears of it."""
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    # -- what is seen

    def wait(self, condition: str | Callable[[Terminal], object]) -> None:
        """Read until a text is on the screen, or a condition holds of the terminal."""
        holds = (lambda terminal: condition in terminal.text) if isinstance(condition, str) else condition
        until = time.monotonic() + DEADLINE_S
        while not holds(self):
            gone = self.process.poll() is not None
            if time.monotonic() > until or (not self._exchange() and gone and not holds(self)):
                what = repr(condition) if isinstance(condition, str) else "what is waited for"
                pytest.fail(f"{what} was not seen, but{' at the end' if gone else ''}\n{self}")

    def end(self) -> int:
        """Read until the command has ended, and return its exit status."""
        self.wait(lambda terminal: terminal.process.poll() is not None)
        while self._exchange():
            pass
        return self.process.wait()

    @property
    def still_s(self) -> float:
        """So long no key was sent and nothing was drawn."""
        return time.monotonic() - self._busy_s

    def row(self, y: int) -> str:
        """A line of the screen, without the blanks that end it."""
        line = self.screen.buffer[y]
        return "".join(line[x].data for x in range(self.screen.columns)).rstrip()

    @property
    def rows(self) -> list[str]:
        """The lines of the screen."""
        return [self.row(y) for y in range(self.screen.lines)]

    @property
    def text(self) -> str:
        """The screen as text, without the empty lines that end it."""
        return "\n".join(self.rows).rstrip("\n")

    @property
    def line(self) -> str:
        """The line that the cursor is in."""
        return self.row(self.screen.cursor.y)

    def cells(self, text: str) -> list[pyte.screens.Char]:
        """The cells of the last place where a text is seen: their colours."""
        for y in reversed(range(self.screen.lines)):
            if (index := self.row(y).rfind(text)) >= 0:
                line = [self.screen.buffer[y][x] for x in range(self.screen.columns)]
                return [cell for cell in line if cell.data][index : index + len(text)]
        raise AssertionError(f"{text!r} is not on the screen:\n{self}")

    def __str__(self) -> str:
        edge = "+" + "-" * self.screen.columns + "+"
        return "\n".join((edge, *(f"|{row}" for row in self.rows), edge))

    # -- its life

    def hang_up(self) -> None:
        """Close the window: the command hears of it, and has no terminal any more."""
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)

    @property
    def modes_now(self) -> list[Any]:
        """The terminal's modes, to compare with `modes` from before the start."""
        return termios.tcgetattr(self._theirs)

    def _answer(self, text: str) -> None:
        self._outgoing += text.encode()

    def _exchange(self) -> bool:
        """Write what is to be sent and read what came, for at most 50 ms; return whether anything came."""
        waiting = [self._ours] if self._outgoing else []
        readable, writable, _ = select.select([self._ours], waiting, [], 0.05)
        if writable:
            self._outgoing = self._outgoing[os.write(self._ours, self._outgoing[:1024]) :]
        if readable:
            piece = os.read(self._ours, 65536)
            self.raw += piece
            self._busy_s = time.monotonic()
            self._draw(self._held_back + piece)
        return bool(readable)

    def _draw(self, piece: bytes) -> None:
        *drawings, rest = piece.split(_DRAWN)
        for drawing in drawings:
            self._stream.feed(drawing + _DRAWN)
            self.watch(self)
        begun = next(n for n in range(len(_DRAWN), -1, -1) if rest.endswith(_DRAWN[:n]))
        self._held_back = rest[len(rest) - begun :]
        self._stream.feed(rest[: len(rest) - begun])


def _environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """A terminal's own variables and those that are the same for everybody, changed; None takes one away."""
    own = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "PAGER", "LESS", "EDITOR", "VISUAL", "TERM_PROGRAM")
    kept = {name: value for name, value in os.environ.items() if name not in own}
    kept |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONIOENCODING": "utf-8"}
    return {name: value for name, value in (kept | changes).items() if value is not None}


ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "weightrepl" / "demo" / "larger_model.keras"
PROMPT = "larger_model>"


def repl(
    folder: Path,
    *arguments: str,
    code: str | None = None,
    columns: int = 80,
    lines: int = 24,
    environment: Mapping[str, str | None] | None = None,
) -> Terminal:
    """Return a terminal in which weightrepl runs in a folder, where its settings and its history are too.

    arguments: of the command; none: a copy of the demo's model. code: Python to run instead of the command.
    """
    if not arguments and code is None and not (folder / DEMO.name).exists():
        shutil.copyfile(DEMO, folder / DEMO.name)
    own = {
        "PYTHONPATH": str(ROOT),
        "WEIGHTREPL_CONFIG": str(folder / "config.toml"),
        "WEIGHTREPL_HISTORY": str(folder / "history"),
        "WEIGHTREPL_PLAIN": None,
        "WEIGHTREPL_DEBUG": "1",
    }
    what = ("-m", "weightrepl", *(arguments or (DEMO.name,))) if code is None else ("-c", code)
    return Terminal(
        (sys.executable, *what),
        columns=columns, lines=lines, environment=own | dict(environment or {}), cwd=folder,
    )  # fmt: skip


def ready(terminal: Terminal, prompt: str = PROMPT) -> None:
    """Wait for an empty prompt."""
    terminal.wait(lambda t: t.line == prompt)


def at_prompt(tmp_path: Path) -> Iterator[Terminal]:
    """What a fixture gives: a REPL on the demo's model, at its prompt."""
    with repl(tmp_path) as terminal:
        ready(terminal)
        yield terminal
