"""What keys do at the prompt, beside those that every such prompt has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_completions, has_focus
from prompt_toolkit.key_binding import KeyBindings

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPressEvent

    from weightrepl.frontends.repl_terminal import TerminalReader


def bindings(reader: TerminalReader) -> KeyBindings:
    """Return the keys of a prompt."""
    keys = KeyBindings()
    typing = has_focus(DEFAULT_BUFFER)
    menu, toolbar, buffer = reader.menu, reader.toolbar, reader.prompt.default_buffer
    hovering = Condition(lambda: toolbar.hovering is not None)

    @keys.add("enter", filter=typing)
    def _enter(event: KeyPressEvent) -> None:
        state = buffer.complete_state
        if state is not None and state.complete_index is not None:
            menu.close()
        elif reader.typed.goes_on(buffer.text):
            buffer.newline(copy_margin=False)
        else:
            menu.close()
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=typing)
    def _newline(event: KeyPressEvent) -> None:
        buffer.newline(copy_margin=False)

    @keys.add("tab", filter=typing)
    def _tab(event: KeyPressEvent) -> None:
        menu.tab()

    @keys.add("s-tab", filter=typing & has_completions)
    def _back(event: KeyPressEvent) -> None:
        buffer.complete_previous()

    @keys.add("escape", filter=typing & has_completions, eager=True)
    @keys.add("c-g", filter=typing & has_completions, eager=True)
    def _cancel(event: KeyPressEvent) -> None:
        menu.cancel()

    @keys.add("f1", filter=typing)
    @keys.add("escape", "h", filter=typing)
    def _hover(event: KeyPressEvent) -> None:
        toolbar.hover()

    @keys.add("escape", filter=typing & hovering & ~has_completions, eager=True)
    def _no_hover(event: KeyPressEvent) -> None:
        toolbar.hovering = None

    @keys.add("f4")
    def _mode(event: KeyPressEvent) -> None:
        reader.toggle_editing_mode()

    @keys.add("f5", filter=typing & Condition(lambda: reader.watch.changed is not None))
    def _reopen(event: KeyPressEvent) -> None:
        buffer.text = f"%open {reader.watch.changed}"
        buffer.validate_and_handle()

    return keys
