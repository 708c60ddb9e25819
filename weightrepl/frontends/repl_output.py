"""What comes of a line, on its way to the screen: at once where it is short, through a pager where it is long."""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Lock, Timer
from typing import TYPE_CHECKING

from weightrepl.frontends.progress import Waiting
from weightrepl.render.text import Screen, lines, screen_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from weightrepl.frontends.settings import Settings
    from weightrepl.render.blocks import Block

HELD_S = 0.25
"""So long lines wait for more, which may then need a pager together."""


class Output:
    """The way to the screen.

    plain: whether it is only for lines, without colours and without a pager.
    waiting: shows what is going on until there are lines; nothing, unless somebody puts in one that does.
    """

    def __init__(self, settings: Settings, colour: str = "auto", stream: TextIO | None = None) -> None:
        self._settings, self._colour, self.plain = settings, colour, False
        self._stream = stream
        self.waiting = Waiting(shown=False)

    @property
    def stream(self) -> TextIO:
        """Where lines go: what standard output is now."""
        return self._stream or sys.stdout

    @property
    def colour(self) -> str:
        """`auto`, `always` or `never`: what the command line says, else the setting."""
        if self.plain:
            return "never"
        return self._colour if self._colour != "auto" else str(self._settings["colour"])

    @property
    def screen(self) -> Screen:
        """What the stream can show at this moment."""
        return screen_of(self.stream, self.colour)

    def show(self, blocks: Iterable[Block], live: bool = False) -> None:
        """Show blocks as they come.

        live: at once and never through a pager.

        Raises what making the blocks raises, when all before it is shown.
        """
        pager = None if live or self.plain else self._pager()
        always = self._settings["pager"] == "always"
        room = sys.maxsize if pager is None else 0 if always else _height(self.stream) - 1
        way = _Way(self.stream, pager, room, held=not live)
        try:
            for line in self.waiting.each(lines(blocks, self.screen), "" if live else "working"):
                if not way.put(line):
                    return
                if way.is_paged:
                    self.waiting.leave_alone()
        finally:
            way.end()

    def _pager(self) -> str | None:
        """Return the command of the pager that long results go through, if any."""
        if self._settings["pager"] == "never" or not self.stream.isatty():
            return None
        from shutil import which

        command = os.environ.get("PAGER", "less -R")
        program = command.split()[0] if command.split() else "cat"
        return command if program != "cat" and ("=" in program or which(program)) else None


class _Way:
    """Lines on their way: held for a moment, then to a pager if there is no room for them."""

    def __init__(self, stream: TextIO, pager: str | None, room: int, held: bool) -> None:
        self._stream, self._command = stream, pager
        self._room = room
        self._held: list[str] | None = [] if held else None
        self._pager: subprocess.Popen[str] | None = None
        self._lock = Lock()
        self._timer: Timer | None = None

    @property
    def is_paged(self) -> bool:
        """Whether a pager has the terminal."""
        return self._pager is not None

    def put(self, line: str) -> bool:
        """Take a line; return whether anybody wants more."""
        with self._lock:
            if self._pager is not None:
                return self._page(line)
            if self._held is None:
                self._stream.write(line + "\n")
                self._stream.flush()
                return True
            if not self._held:
                self._timer = Timer(HELD_S, self._release)
                self._timer.daemon = True
                self._timer.start()
            self._held.append(line)
            return len(self._held) <= self._room or self._start()

    def end(self) -> None:
        """Show what is held, and wait until the pager is left."""
        self._release()
        if self._timer is not None:
            self._timer.cancel()
        if self._pager is not None:
            _wait_for(self._pager)

    def _release(self) -> None:
        with self._lock:
            if self._held is not None and self._pager is None:
                self._stream.writelines(line + "\n" for line in self._held)
                self._stream.flush()
                self._held = None

    def _start(self) -> bool:
        """Let a pager show all that is held, and what comes."""
        assert self._held is not None
        environment = {"LESS": "FRX", "LV": "-c", **os.environ}
        self._stream.flush()
        self._pager = subprocess.Popen(
            self._command or "",
            shell=True,
            stdin=subprocess.PIPE,
            env=environment,
            encoding="utf-8",
            errors="replace",
        )
        return all(self._page(line) for line in self._held)

    def _page(self, line: str) -> bool:
        assert self._pager is not None
        assert self._pager.stdin is not None
        try:
            self._pager.stdin.write(line + "\n")
        except (BrokenPipeError, ValueError):
            return False
        return True


def _wait_for(pager: subprocess.Popen[str]) -> None:
    """Return when somebody has left the pager: Ctrl-C is its business, not ours; an end from outside waits for it."""
    leaving: SystemExit | None = None
    while pager.returncode is None:
        try:
            pager.communicate()
        except (BrokenPipeError, KeyboardInterrupt):
            pass
        except SystemExit as end:  # the pager has the terminal: it alone can leave it as it was
            leaving = end
    if leaving is not None:
        raise leaving


def _height(stream: TextIO) -> int:
    lines = os.environ.get("LINES", "")
    if lines.isdecimal() and int(lines) > 0:
        return int(lines)
    try:
        return os.get_terminal_size(stream.fileno()).lines or 24
    except (OSError, ValueError):
        return 24
