"""A line on standard error for work that lasts: nothing is shown in the first second, nothing stays behind."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import contextmanager
from threading import Event, Lock, Thread
from time import monotonic

from weightrepl.quantities import human_bytes
from weightrepl.spans import visible

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PATIENCE_S = 1.0
"""So long nobody needs to be told that something is going on."""

_STEP_S = 0.1
_BAR = 20
_CLEARED = "\r\x1b[K"


class Waiting:
    """Shows on standard error what is going on, how far it is and for how long: a Watcher.

    shown: whether anything is: only on a terminal. Whoever else writes to it meanwhile calls `clear` first.
    """

    def __init__(self, shown: bool) -> None:
        self.shown = shown
        self._lock = Lock()
        self._going_on: list[str] = []
        self._drawn = self._left_alone = False
        self._began = self._since = 0.0
        self._readings = self._total = self._done = 0

    @contextmanager
    def on(self, words: str) -> Iterator[None]:
        """Show what is going on until it is over; without words only how much of the values has been read."""
        over, first = Event(), not self._going_on
        thread = Thread(target=self._draw_until, args=(over,), daemon=True)
        self._going_on.append(visible(words))
        if first:
            self._left_alone, self._began = False, monotonic()
        self.clear()
        if first and self.shown:
            thread.start()
        try:
            yield
        finally:
            over.set()
            self.clear()
            self._going_on.pop()

    def each(self, lines: Iterable[str], words: str = "working") -> Iterator[str]:
        """Yield lines, and show something only while the next one is waited for."""
        if not self.shown:
            yield from lines
            return
        with self.on(words):
            for line in lines:
                self.clear(busy=False)
                yield line
                self.clear()

    def clear(self, busy: bool = True) -> None:
        """Take away what is shown, since something else is going to be; it comes again only while we are busy."""
        with self._lock:
            if self._drawn:
                sys.stderr.write(_CLEARED)
                sys.stderr.flush()
            self._drawn, self._since = False, monotonic() if busy else float("inf")

    def leave_alone(self) -> None:
        """Show nothing more of what is going on: a pager has the terminal."""
        self._left_alone = True
        self.clear()

    # -- a Watcher

    def begin(self, nbytes: int) -> None:
        """Expect so many bytes more."""
        with self._lock:
            if self._readings == 0:
                self._total = self._done = 0
            self._readings += 1
            self._total += nbytes

    def advance(self, nbytes: int) -> None:
        """Count bytes that were read."""
        with self._lock:
            self._done += nbytes

    def end(self) -> None:
        """Expect no more of these."""
        with self._lock:
            self._readings -= 1

    # -- what is shown

    def _draw_until(self, over: Event) -> None:
        while not over.wait(_STEP_S):
            with self._lock:
                if (line := self._line(monotonic())) and not over.is_set():
                    sys.stderr.write(_CLEARED + line[: _columns() - 1])
                    sys.stderr.flush()
                    self._drawn = True

    def _line(self, now: float) -> str:
        """Return what there is to show; nothing where nobody has to be told."""
        if self._left_alone or now - self._since < PATIENCE_S:
            return ""
        lasting = f"{now - self._began:.0f} s, Ctrl-C cancels"
        if self._readings:
            share = min(1.0, self._done / max(1, self._total))
            bar = ("#" * round(_BAR * share)).ljust(_BAR, ".")
            amount = f"{human_bytes(self._done)} of {human_bytes(self._total)}"
            return f"reading values [{bar}] {amount}, {lasting}"
        return f"{self._going_on[-1]}: {lasting}" if any(self._going_on[-1:]) else ""


def can_show_progress() -> bool:
    """Return whether standard error is a terminal that can take a line away again."""
    return sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def piped_on() -> bool:
    """Return whether standard output is a pipe: what reads it may be a pager, which has the terminal."""
    try:
        return stat.S_ISFIFO(os.fstat(1).st_mode)
    except OSError:  # closed
        return False


def _columns() -> int:
    try:
        return os.get_terminal_size(2).columns or 80
    except OSError:
        return 80
