"""The line below the prompt: what is being opened, what is wrong, what a stage takes, how much is matched, keys."""

from __future__ import annotations

import asyncio
from textwrap import wrap
from time import monotonic
from typing import TYPE_CHECKING

from prompt_toolkit.application.current import get_app

from weightrepl.frontends.repl_typed import LONGEST, SLOW_S
from weightrepl.quantities import human_count, numbered
from weightrepl.spans import visible, width

if TYPE_CHECKING:
    from prompt_toolkit.buffer import Buffer
    from prompt_toolkit.formatted_text import StyleAndTextTuples

    from weightrepl.errors import Problem
    from weightrepl.frontends.repl_menu import Menu
    from weightrepl.frontends.repl_opening import Opening
    from weightrepl.frontends.repl_typed import Typed
    from weightrepl.frontends.shell import Shell
    from weightrepl.service.answers import Hover, Matched, Signature

_KEYS = ("Tab completes", "F1 explains", "Ctrl-R searches", "%help", "Ctrl-D leaves")
_SPINNER = "|/-\\"
_BAR = 10
_HOVER_LINES = 12


class Toolbar:
    """What stands below the prompt. hovering: text and offset of what is explained at the moment."""

    def __init__(self, shell: Shell, buffer: Buffer, typed: Typed, menu: Menu, opening: Opening) -> None:
        self._shell, self._buffer, self._typed, self._menu = shell, buffer, typed, menu
        self._opening = opening
        self.hovering: tuple[str, int] | None = None

    def hover(self) -> None:
        """Explain what is under the cursor."""
        self.hovering = self._buffer.text, self._buffer.cursor_position

    def fragments(self) -> StyleAndTextTuples:
        """Return what stands there now."""
        rows, columns = get_app().output.get_size()
        if (failure := self._typed.failure) is not None:
            told = f"a bug in weightrepl: {type(failure).__name__}: {failure}"
            return cut([("class:toolbar.error", visible(told))], columns)
        if self.hovering == (self._buffer.text, self._buffer.cursor_position):
            return self._hover(columns, max(2, min(_HOVER_LINES, rows - 3)))
        self.hovering = None
        return cut(self._line(columns), columns)

    def _line(self, columns: int) -> StyleAndTextTuples:
        text, offset = self._buffer.text, self._buffer.cursor_position
        if (path := self._opening.path) is not None:
            return _opening(path, self._opening.number, self._opening.count)
        if self._menu.reading:
            return [("class:toolbar.dim", "reading …")]
        if len(text) > LONGEST:
            return [("class:toolbar.dim", f"{len(text):,} characters: too long to be checked while typing")]
        problems = self._typed.problems(text, offset)
        if problems:
            at = [p for p in problems if p.span is not None and p.span.start <= offset <= p.span.end]
            return _problem((at or problems)[0], text)
        signature = self._typed.signature(text, offset)
        matched = self._typed.matched(text) if self._shell.settings["matched"] else None
        if matched is not None and self._typed.is_counting:
            asyncio.get_running_loop().call_later(SLOW_S, get_app().invalidate)
        parts = [_signature(signature)] if signature is not None else []
        if matched is not None:
            parts.append([("", _matched(matched))])
        if not parts:
            return [("class:toolbar.dim", _keys(columns))]
        return [piece for n, part in enumerate(parts) for piece in ([("", "   ")] if n else []) + part]

    def _hover(self, columns: int, most: int) -> StyleAndTextTuples:
        assert self.hovering is not None
        known = self._typed.hover(*self.hovering)
        if known is None:
            return [("class:toolbar.dim", "reading …")]
        if known[0] is None:
            return [("class:toolbar.dim", "nothing is known of what is here")]
        lines = _explained(known[0], columns)
        if len(lines) > most:
            lines = [*lines[: most - 1], [("class:toolbar.dim", "…")]]
        cuts = [cut(line, columns) for line in lines]
        return [piece for n, line in enumerate(cuts) for piece in ([("", "\n")] if n else []) + line]


def _opening(path: str, number: int, count: int) -> StyleAndTextTuples:
    tick = int(monotonic() * 8)
    if count > 1:
        done = _BAR * (number - 1) // count
        bar = "#" * done + _SPINNER[tick % 4] + "-" * (_BAR - done - 1)
        return [("class:toolbar.dim", f"opening {visible(path)} … [{bar}] {number} of {count}")]
    return [("class:toolbar.dim", f"opening {visible(path)} … {_SPINNER[tick % 4]}")]


def _problem(problem: Problem, text: str) -> StyleAndTextTuples:
    advice = "; ".join(problem.advice(text)[:1])
    rest = f" {problem.message}" + (f" · {advice}" if advice else "")
    return [(f"class:toolbar.{problem.severity}", f"{problem.severity}:"), ("", visible(rest))]


def _signature(signature: Signature) -> StyleAndTextTuples:
    label, active = signature.label, signature.active
    if active is None or active >= len(signature.parameters):
        return [("", label)]
    span = signature.parameters[active].span
    return [("", label[: span.start]), ("class:toolbar.active", span.of(label)), ("", label[span.end :])]


def _matched(matched: Matched) -> str:
    params = "" if matched.params is None else f" · {human_count(matched.params)} params"
    return f"{numbered(matched.count, matched.noun.removesuffix('s'))}{params}"


def _keys(columns: int) -> str:
    text = _KEYS[0]
    for key in _KEYS[1:]:
        if len(text) + len(key) + 3 <= columns:
            text += f" · {key}"
    return text


def _explained(hover: Hover, columns: int) -> list[StyleAndTextTuples]:
    lines: list[StyleAndTextTuples] = [[("class:toolbar.title", visible(hover.title))]]
    room = max((len(label) for label, _ in hover.facts), default=0)
    lines += [
        [("class:toolbar.dim", f"{label:{room}}  "), ("", visible(value))] for label, value in hover.facts
    ]
    text = [part for line in hover.text.replace("`", "").splitlines() for part in wrap(line, columns) or [""]]
    return lines + [[("", visible(line))] for line in text]


# ------------------------------------------------------------------ what fits


def cut(pieces: StyleAndTextTuples, columns: int) -> StyleAndTextTuples:
    """Return the pieces as far as they fit a line, with `…` in place of the rest."""
    if sum(width(piece[1]) for piece in pieces) <= columns:
        return pieces
    kept: StyleAndTextTuples = []
    room = columns - 1
    for piece in pieces:
        text = _head(piece[1], room)
        kept.append((piece[0], text))
        room -= width(text)
        if len(text) < len(piece[1]):
            break
    return [*kept, ("", "…")]


def shortened(address: str, room: int) -> str:
    """Return an address in so many cells, with `…` in the middle where it is longer.

    >>> shortened("larger_model/custom_module/inner_dense1", 20)
    'larger_mod…er_dense1'
    """
    address = visible(address)
    if width(address) <= room:
        return address
    tail = _head(address[::-1], (room - 1) // 2)[::-1]
    return f"{_head(address, room - 1 - width(tail))}…{tail}"


def _head(text: str, room: int) -> str:
    """Return as much of the beginning of a text as so many cells take."""
    for end, character in enumerate(text):
        room -= width(character)
        if room < 0:
            return text[:end]
    return text
