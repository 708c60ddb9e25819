"""A REPL with somebody in front of it who types, waits for what happens, and types on; no terminal, no sleeping."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread, Timer

from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from weightrepl.frontends.repl import converse
from weightrepl.frontends.repl_opening import Notices, Opening
from weightrepl.frontends.repl_output import Output
from weightrepl.frontends.repl_terminal import TerminalReader
from weightrepl.frontends.shell import Shell

DEADLINE_S = 30.0
"""So long somebody waits for what does not come; it comes within milliseconds."""

ENTER, TAB, ESCAPE, BACKSPACE, SHIFT_TAB = "\r", "\t", "\x1b", "\x7f", "\x1b[Z"
UP, DOWN, LEFT, RIGHT, F1, F4, F5 = "\x1b[A", "\x1b[B", "\x1b[D", "\x1b[C", "\x1bOP", "\x1bOS", "\x1b[15~"
CTRL_C, CTRL_D, CTRL_G, CTRL_R = "\x03", "\x04", "\x07", "\x12"


class Talk:
    """What happens at a prompt: `steps` are keys, and conditions that hold before the next keys are typed.

    out: what was shown. toolbar: what stands below the prompt now.
    """

    def __init__(
        self, shell: Shell, keys: PipeInput, models: list[tuple[str | None, str]] | None = None
    ) -> None:
        self.out = io.StringIO()
        self.notices = Notices()
        self.opening = Opening(shell.session, models or [], None, self.notices)
        self.output = Output(shell.settings, "never", self.out)
        self.shell, self._keys = shell, keys
        self.reader = TerminalReader(
            shell, self.output, self.opening, self.notices, input=keys, device=DummyOutput()
        )
        self._steps: Iterator[str | Callable[[Talk], object]] = iter(())
        self._waits: Callable[[Talk], object] | None = None
        self._late = False
        self.reader.prompt.app.after_render += lambda app: self._go_on()

    @property
    def text(self) -> str:
        """What is typed so far."""
        return self.reader.prompt.default_buffer.text

    @property
    def menu(self) -> list[str] | None:
        """The labels in the menu; None where it is not up."""
        state = self.reader.prompt.default_buffer.complete_state
        return None if state is None else [entry.display_text for entry in state.completions]

    @property
    def details(self) -> list[str]:
        """The details in the menu."""
        state = self.reader.prompt.default_buffer.complete_state
        return [] if state is None else [entry.display_meta_text for entry in state.completions]

    @property
    def toolbar(self) -> str:
        """What stands below the prompt."""
        return "".join(piece[1] for piece in self.reader.toolbar.fragments())

    @property
    def recalled(self) -> int:
        """How many lines of the history the prompt has by now."""
        return len(self.reader.prompt.default_buffer._working_lines) - 1

    def go(self, *steps: str | Callable[[Talk], object]) -> str:
        """Take the steps, then leave; return what was shown."""
        self._steps = iter((*steps, CTRL_C, CTRL_D))
        deadline = Timer(DEADLINE_S, self._give_up)
        deadline.start()
        try:
            converse(self.shell, self.reader, self.output, self.opening)
        finally:
            deadline.cancel()
            self.reader.close()
        if self._late:
            raise AssertionError(
                f"what is waited for does not come; typed: {self.text!r}, shown: {self.out.getvalue()}"
            )
        return self.out.getvalue()

    def _go_on(self) -> None:
        if self._waits is not None and not self._waits(self):
            return
        self._waits = None
        for step in self._steps:
            if callable(step):
                self._waits = step
                self.reader.prompt.app.invalidate()
                return
            typing = Thread(target=self._keys.send_text, args=(step,))
            typing.start()
            if len(step) < 10_000:  # what is more than a pipe holds has to be read meanwhile
                typing.join()
            if step in (ENTER, CTRL_C):
                return

    def _give_up(self) -> None:
        self._late, self._waits = True, None
        self._steps = iter(())
        self._keys.send_text(CTRL_C + CTRL_C + CTRL_D)


@contextmanager
def talk(shell: Shell, models: list[tuple[str | None, str]] | None = None) -> Iterator[Talk]:
    """Yield a REPL around a shell."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield Talk(shell, keys, models)
