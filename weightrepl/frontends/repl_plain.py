"""Lines in and lines out, and nothing else: for screen readers, dumb terminals and pipes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightrepl.render.blocks import Line

if TYPE_CHECKING:
    from weightrepl.frontends.repl_opening import Notices, Opening
    from weightrepl.frontends.repl_output import Output
    from weightrepl.frontends.shell import Shell


class PlainReader:
    """Reads lines as `input` does."""

    def __init__(self, shell: Shell, output: Output, opening: Opening, notices: Notices) -> None:
        self._shell, self._output, self._opening, self._notices = shell, output, opening, notices
        output.plain = True

    def read(self) -> str:
        """Return the next line, and those that go on with it."""
        from weightrepl.frontends.lines import goes_on

        if self._opening.path is not None:
            self._output.show([Line(f"opening {self._opening.path}")])
            self._opening.wait(self._output.show)
        self._output.show(self._notices.taken())
        text = self._line(f"{self._shell.prompt}> ")
        while goes_on(text) and not text.endswith("\n"):
            text += "\n" + self._line("... ")
        return text

    def close(self) -> None:
        """There is nothing to let go of."""

    def _line(self, prompt: str) -> str:
        try:
            return input(prompt)
        except (EOFError, KeyboardInterrupt):
            self._output.show([Line("")])
            raise
