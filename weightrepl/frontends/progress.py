"""A bar on standard error for readings that last: nothing is shown in the first second, nothing stays behind."""

from __future__ import annotations

from threading import Lock
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE_S = 1.0
"""So long nobody needs to be told that something is going on."""


class ReadingBar:
    """Shows on standard error how much of the values has been read: a Watcher, for terminals only."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._depth = self._total = self._done = 0
        self._began = 0.0
        self._shown: tuple[Progress, TaskID] | None = None

    def begin(self, nbytes: int) -> None:
        """Expect so many bytes more."""
        with self._lock:
            if self._depth == 0:
                self._total, self._done, self._began = 0, 0, monotonic()
            self._depth += 1
            self._total += nbytes

    def advance(self, nbytes: int) -> None:
        """Count bytes that were read, and show them if it takes long."""
        with self._lock:
            self._done += nbytes
            if self._shown is None and self._depth and monotonic() - self._began > PATIENCE_S:
                self._shown = _started()
            if self._shown is not None:
                progress, task = self._shown
                progress.update(task, completed=self._done, total=max(self._total, self._done))

    def end(self) -> None:
        """Take the bar away, if nothing else is being read."""
        with self._lock:
            self._depth -= 1
            shown = None if self._depth else self._shown
            if shown is not None:
                self._shown = None
        if shown is not None:
            shown[0].stop()


def _started() -> tuple[Progress, TaskID]:
    """Return a bar that is on the screen."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("reading values"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    task = progress.add_task("reading", total=None)
    progress.start()
    return progress, task
