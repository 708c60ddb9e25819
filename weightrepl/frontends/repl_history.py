"""What was typed before, in a file that several REPLs share."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from weightrepl.render.blocks import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from weightrepl.frontends.repl_opening import Notices


def kept_history(path: str, notices: Notices) -> History:
    """Return the history that lies in a file, or one of this session only where that can't be."""
    try:
        if folder := os.path.dirname(path):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError as error:
        notices.tell(Line(f"no history is kept: {path}: {error.strerror}", "hint"))
        return InMemoryHistory()
    return KeptHistory(path, notices)


class KeptHistory(FileHistory):
    """History in a file to which each line is added at once and in one piece, so that two REPLs lose nothing."""

    def __init__(self, path: str, notices: Notices) -> None:
        super().__init__(path)
        self._path, self._notices = path, notices

    def load_history_strings(self) -> Iterable[str]:
        """Yield what was typed, the last first."""
        try:
            yield from super().load_history_strings()
        except OSError as error:
            self._notices.tell(Line(f"the history can't be read: {self._path}: {error.strerror}", "hint"))

    def store_string(self, string: str) -> None:
        """Add what was typed."""
        lines = "".join(f"+{line}\n" for line in string.split("\n"))
        entry = f"\n# {datetime.now()}\n{lines}".encode("utf-8", "replace")
        try:
            with open(self._path, "ab", buffering=0) as file:
                file.write(entry)
        except OSError as error:
            self._notices.tell(Line(f"the history can't be kept: {self._path}: {error.strerror}", "hint"))
