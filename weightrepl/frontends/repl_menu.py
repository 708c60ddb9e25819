"""The menu of completions: up at once with what is known, filled in as more is read, up while somebody types on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.buffer import Buffer, CompletionState
from prompt_toolkit.completion import Completion as Entry
from prompt_toolkit.document import Document

from weightrepl.frontends.repl_typed import Typed, common_beginning
from weightrepl.service.answers import Completion, Completions
from weightrepl.spans import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROWS = 16
"""So many rows the menu has at most."""


class State(CompletionState):
    """A menu of completions that each say which part of the text they take the place of."""

    def __init__(self, document: Document, items: Sequence[Completion], entries: list[Entry]) -> None:
        super().__init__(document, entries)
        self.items = items

    def new_text_and_position(self) -> tuple[str, int]:
        """Return the text with the selected completion in it, and where the cursor is then."""
        if self.complete_index is None:
            return self.original_document.text, self.original_document.cursor_position
        return inserted(self.original_document.text, self.items[self.complete_index])


def inserted(text: str, item: Completion) -> tuple[str, int]:
    """Return the text with a completion in it, and the offset of the completion's end."""
    head = text[: item.span.start] + item.text
    return head + text[item.span.end :], len(head)


def useful(found: Completions, text: str) -> Completions:
    """Return those completions that change the text."""
    return found.replace(items=tuple(item for item in found.items if inserted(text, item)[0] != text))


class Menu:
    """The menu of a buffer.

    reading: whether somebody waits for completions that have to be read first.
    """

    def __init__(self, buffer: Buffer, typed: Typed, while_typing: Callable[[], bool]) -> None:
        self._buffer, self._typed, self._while_typing = buffer, typed, while_typing
        self._resolved: dict[tuple[str, str, str], Completion] = {}
        self._up = self._inserted = self.reading = self._tabbed = False
        self._document = Document()
        buffer.on_text_insert += lambda buffer: setattr(self, "_inserted", True)

    @property
    def _state(self) -> State | None:
        state = self._buffer.complete_state
        return state if isinstance(state, State) else None

    def close(self) -> None:
        """Take the menu away; what is selected stays in the text."""
        self._buffer.complete_state = None
        self._up = self.reading = self._tabbed = self._inserted = False
        self._resolved.clear()

    def cancel(self) -> None:
        """Take the menu away, and what is selected out of the text."""
        self._buffer.cancel_completion()
        self.close()

    def tab(self) -> None:
        """Put in what all completions begin with, or the only one; else show them, or go on to the next."""
        if self._state is not None:
            self._buffer.complete_next()
            return
        found = self._found()
        self._tabbed = found.coming
        if not self._put_in(found) or found.coming:
            self._show(found)

    def update(self) -> None:
        """Bring the menu in line with the text, before all is drawn."""
        document = self._buffer.document
        if self._state is None and (self._up or self.reading):
            if document.text and document.text != self._document.text:
                self._show(self._found())
            elif self._up or document != self._document:  # the cursor is somewhere else now
                self.close()
        elif self._state is None and self._inserted and self._while_typing():
            self._show(self._found())
        self._inserted = False
        self._fill_in()
        self._document = self._buffer.document
        self._resolve()

    # -- what may stand at the cursor

    def _found(self) -> Completions:
        """Return what may stand at the cursor, as far as it is known."""
        document = self._buffer.document
        return useful(self._typed.completions(document.text, document.cursor_position), document.text)

    def _put_in(self, found: Completions) -> bool:
        """Put in what can be, without a menu; return whether that was all."""
        document = self._buffer.document
        if len(found.items) == 1 and not found.coming:
            self._buffer.document = Document(*inserted(document.text, found.items[0]))
            self.close()
            return True
        before = document.text_before_cursor
        heads = [i.text for i in found.items if (document.text[: i.span.start] + i.text).startswith(before)]
        starts = {i.span.start for i in found.items}
        if heads and len(starts) == 1 and not found.cut and not found.coming:
            missing = (before[: min(starts)] + common_beginning(heads))[len(before) :]
            if missing and not document.text_after_cursor.startswith(missing):
                self._buffer.insert_text(missing, fire_event=False)
                self._show(self._found())
                return True
        return not found.items and not found.coming

    def _show(self, found: Completions, keep: str | None = None) -> None:
        """Show what was found, with the completion of this text selected if it is among that."""
        self._up, self.reading = bool(found.items), found.coming
        self._document = self._buffer.document
        if not found.items:
            self._buffer.complete_state = None
            return
        state = State(self._buffer.document, found.items, list(map(self._entry, found.items)))
        state.complete_index = next((n for n, i in enumerate(found.items) if i.text == keep), None)
        self._buffer.complete_state = state

    def _fill_in(self) -> None:
        """Show what has been read meanwhile."""
        if not self.reading:
            return
        state = self._state
        document = state.original_document if state is not None else self._buffer.document
        read = self._typed.read_completions(document.text, document.cursor_position)
        if read is None:
            return
        found = useful(read, document.text)
        self.reading, tabbed = False, self._tabbed
        self._tabbed = False
        if state is None:
            if not (tabbed and self._put_in(found)):
                self._show(found)
            return
        chosen = state.current_completion
        refilled = State(document, found.items, list(map(self._entry, found.items)))
        texts = [item.text for item in found.items]
        if chosen is not None and chosen.text in texts:
            refilled.complete_index = texts.index(chosen.text)
        elif chosen is not None:
            return
        self._buffer.complete_state = refilled

    # -- details of what is seen

    def _entry(self, item: Completion) -> Entry:
        return Entry(
            item.text,
            display=visible(item.label),
            display_meta=lambda: visible(self._resolved.get(_key(item), item).detail),
            style=f"class:{item.kind}",
        )

    def _resolve(self) -> None:
        """Ask for what a row in sight still lacks."""
        state = self._state
        if state is None:
            return
        first = max(0, (state.complete_index or 0) - ROWS)
        for item in state.items[first : first + 2 * ROWS]:
            if item.address and _key(item) not in self._resolved:
                known = self._typed.in_full(item)
                if known is None:
                    return
                self._resolved[_key(item)] = known


def _key(item: Completion) -> tuple[str, str, str]:
    return item.address, item.text, item.detail
