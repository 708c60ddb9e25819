"""Lines typed at a prompt with all that a terminal can show: colours, completions, problems, suggestions, history."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import DummyCompleter
from prompt_toolkit.cursor_shapes import ModalCursorShapeConfig
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition
from prompt_toolkit.input import Input
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output import Output as Device

from weightrepl.frontends.repl_history import kept_history
from weightrepl.frontends.repl_keys import bindings
from weightrepl.frontends.repl_menu import Menu
from weightrepl.frontends.repl_opening import Watch
from weightrepl.frontends.repl_style import Highlighting, Underlining, style
from weightrepl.frontends.repl_toolbar import Toolbar, shortened
from weightrepl.frontends.repl_typed import Typed
from weightrepl.frontends.settings import history_path

if TYPE_CHECKING:
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from weightrepl.frontends.repl_opening import Notices, Opening
    from weightrepl.frontends.repl_output import Output
    from weightrepl.frontends.shell import Shell


SWITCH_S = 0.0005
"""So often threads take turns while somebody types, so that a key waits for none of them."""


class TerminalReader:
    """Reads lines at a prompt."""

    def __init__(
        self,
        shell: Shell,
        output: Output,
        opening: Opening,
        notices: Notices,
        *,
        input: Input | None = None,
        device: Device | None = None,
    ) -> None:
        self._shell, self._output, self._opening, self._notices = shell, output, opening, notices
        self._edit_mode = "emacs"
        self._loop: asyncio.AbstractEventLoop | None = None
        self.typed = Typed(shell, self._redraw, lambda: opening.path is not None)
        self.watch = Watch(shell.session, notices)
        self.prompt = self._session(input, device)
        buffer = self.prompt.default_buffer
        self.menu = Menu(buffer, self.typed, lambda: self._is_set("complete-while-typing"))
        buffer.on_text_changed += self._forget_failure
        self.toolbar = Toolbar(shell, buffer, self.typed, self.menu, opening)
        self.prompt.bottom_toolbar = self.toolbar.fragments
        self.prompt.key_bindings = bindings(self)
        self.prompt.input_processors = [Underlining(self.typed)]
        self.prompt.app.before_render += lambda app: self._before_drawing()
        self.prompt.app.after_render += lambda app: self.typed.make_ready()
        self.prompt.app.ttimeoutlen = 0.1  # a single Esc is one after so many seconds

    def read(self) -> str:
        """Return what was typed."""
        self._output.show(self._notices.taken())
        self.watch.note()
        self.menu.close()
        self.toolbar.hovering = self.typed.failure = None
        self._apply_settings()
        self._notices.wake = self._woken
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            text: str = self.prompt.prompt(
                set_exception_handler=False, in_thread=_is_loop_running(), pre_run=self._started
            )
            return text
        except SystemExit:
            self.prompt.app.renderer.erase()  # the library leaves a first drawing that was broken off as it is
            raise
        finally:
            sys.setswitchinterval(interval)
            self._loop, self._notices.wake = None, lambda: None

    def close(self) -> None:
        """Let all threads end."""
        self.watch.stop()
        self.typed.stop()

    def toggle_editing_mode(self) -> None:
        """Go from Emacs keys to vi keys, or back."""
        self._edit_as(EditingMode.EMACS if self.prompt.editing_mode == EditingMode.VI else EditingMode.VI)

    # -- how the prompt is made

    def _session(self, input: Input | None, device: Device | None) -> PromptSession[str]:
        return PromptSession(
            self._message,
            prompt_continuation=lambda width, line, wraps: "" if wraps else [("class:prompt", "... ")],
            lexer=Highlighting(self.typed),
            style=style(),
            include_default_pygments_style=False,
            completer=DummyCompleter(),  # the menu is ours; with one there is room for it
            complete_while_typing=False,
            history=kept_history(history_path(), self._notices),
            auto_suggest=AutoSuggestFromHistory(),
            mouse_support=Condition(lambda: self._is_set("mouse")),
            enable_open_in_editor=True,
            enable_suspend=True,
            tempfile_suffix=".wq",
            input=input,
            output=device,
        )

    def _message(self) -> StyleAndTextTuples:
        columns = self.prompt.app.output.get_size().columns
        where = shortened(self._shell.prompt, max(12, columns // 3))
        return [("class:prompt.location", where), ("class:prompt", "> ")]

    def _is_set(self, name: str) -> bool:
        return bool(self._shell.settings[name])

    def _edit_as(self, mode: EditingMode) -> None:
        self.prompt.editing_mode = mode
        self.prompt.cursor = ModalCursorShapeConfig() if mode == EditingMode.VI else None

    def _apply_settings(self) -> None:
        wanted = self._shell.settings["edit-mode"]
        if wanted != self._edit_mode:  # else what F4 made of it stays
            self._edit_mode = wanted
            self._edit_as(EditingMode.VI if wanted == "vi" else EditingMode.EMACS)
        self.prompt.auto_suggest = AutoSuggestFromHistory() if self._is_set("hints") else None
        never = self._output.colour == "never" or os.environ.get("NO_COLOR")
        self.prompt.color_depth = ColorDepth.DEPTH_1_BIT if never else None

    # -- while somebody types

    def _started(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._opening.path is not None:
            self.prompt.app.create_background_task(self._animate())
        self._woken()

    async def _animate(self) -> None:
        while self._opening.path is not None:
            await asyncio.sleep(0.1)
            self.prompt.app.invalidate()

    def _forget_failure(self, buffer: Buffer) -> None:
        self.typed.failure = None

    def _before_drawing(self) -> None:
        rows = self.prompt.app.output.get_size().rows
        self.prompt.reserve_space_for_menu = max(0, min(8, rows - 3))
        if not self.prompt.app.is_done:
            self.menu.update()

    def _redraw(self) -> None:
        with suppress(RuntimeError):  # the loop may be closed by now
            self.prompt.app.invalidate()

    def _woken(self) -> None:
        """Show what there is to tell above the prompt; in any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self.watch.note()
        if self._notices.any and not self.prompt.app.is_done:
            run_in_terminal(lambda: self._output.show(self._notices.taken(), live=True))
        self.prompt.app.invalidate()


def _is_loop_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
