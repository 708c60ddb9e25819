"""The service for whole lines, commands included: what is a query's part goes to it, offsets moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from weightrepl.frontends.commands import COMMANDS, command_span, unknown_command
from weightrepl.frontends.commands_words import Word, seconds_in, sides_of, word_at
from weightrepl.frontends.lines_arguments import arguments, commands
from weightrepl.frontends.shell import Given
from weightrepl.service.answers import Completions, Highlight, Hover, Matched, Parameter, Signature
from weightrepl.spans import Span
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.engine.selectors import Kind
    from weightrepl.errors import Problem
    from weightrepl.frontends.commands import Command
    from weightrepl.frontends.shell import Shell

_WANTED: dict[str, Kind] = {
    "layers": "layers", "cd": "layers", "weights": "weights", "hist": "weights", "save": "weights",
}  # fmt: skip
"""Commands whose query is of layers or weights, whatever it is by itself."""

_QUERIES = ("query", "layer", "sides")

_OF_LAYERS = frozenset(("model", "layer", "attribute", "system", "class", "reference", "pattern"))
"""What completes where a layer is wanted, and nothing that it holds."""


class Asked(Value):
    """The query in a line, as the service is asked about it.

    start: where it begins in the line. text: itself. added: what the command puts into it at the offset `at`.
    """

    start: int
    text: str
    at: int = 0
    added: str = ""

    @property
    def whole(self) -> str:
        """The query with what the command puts into it."""
        return self.text[: self.at] + self.added + self.text[self.at :]

    def offset(self, offset: int) -> int:
        """Return where a place of the line is in the whole query."""
        inner = max(0, offset - self.start)
        return inner + len(self.added) if inner >= self.at else inner

    def span(self, span: Span) -> Span:
        """Return where a piece of the whole query stands in the line."""
        ends = [min(n, max(n - len(self.added), self.at)) for n in (span.start, span.end)]
        return Span(*ends).shifted(self.start)


class Parts(Value):
    """What a line is made of.

    name: where its command stands, without the `%`; None in a query. command: None where there is no such.
    asked: its query; None where it has none.
    """

    name: Span | None
    command: Command | None
    asked: Asked | None

    @property
    def want(self) -> Kind | None:
        """What the query selects, if the command says so."""
        return _WANTED.get(self.command.name) if self.command is not None else None

    @property
    def usage(self) -> str:
        """How the command is written."""
        return "" if self.command is None else f"%{self.command.name} {self.command.usage}".rstrip()


def parts_of(line: str) -> Parts:
    """Return what a line is made of."""
    if not line.lstrip().startswith("%"):
        return Parts(None, None, Asked(0, line))
    name = command_span(line)
    command = COMMANDS.get(name.of(line))
    asked = None if command is None else _asked(command, Given(line, name.end).behind(0))
    return Parts(name, command, asked)


def _asked(command: Command, given: Given) -> Asked | None:
    """Return the query of a command, which stands behind options and other arguments; None before these are typed."""
    for argument in command.arguments:
        word = word_at(given)
        while word.text in command.options:
            if word.text == "-d" or not _is_done(word := _last_of(word)):
                return None
            given, word = word.rest, word_at(word.rest)
        if argument == "sides":
            return _compared(given)
        if argument in _QUERIES:
            return Asked(given.start, given.text)
        if argument != "seconds" or seconds_in(word.text) is not None:
            if not _is_done(word):
                return None
            given = word.rest
        if argument == "alias" and given.text.startswith("="):
            given = given.behind(1)
    return None


def _last_of(option: Word) -> Word:
    """Return the last word of an option: its value if it has one."""
    return word_at(option.rest) if option.text == "--labels" else option


def _is_done(word: Word) -> bool:
    """Return whether somebody types behind a word by now."""
    return bool(word.text) and word.rest.start > word.span.end


def _compared(given: Given) -> Asked:
    """Return the sides of a comparison as the query that they make."""
    sides, text = sides_of(given.text), given.text
    if len(sides) > 1:
        return Asked(given.start, text, sides[1].start, "| diff ")
    if sides and text != text.rstrip():
        return Asked(given.start, text, len(text), "| diff ")
    return Asked(given.start, text)


def _scope(shell: Shell) -> dict[str, Any]:
    session = shell.session
    return {"workspace": session.workspace, "location": session.location, "named": session.named}


# ------------------------------------------------------------------ what may come, what is wrong, how much it is


def complete_line(shell: Shell, line: str, offset: int, wait: bool = True) -> Completions:
    """Return what may stand at `offset` of a line: commands, their arguments, files, and all that a query may hold.

    wait: whether files are looked at, now.
    """
    from weightrepl.service.complete import complete

    parts = parts_of(line)
    asked, command = parts.asked, parts.command
    if parts.name is not None and offset <= parts.name.end:
        return commands(parts.name, line, offset)
    if asked is None or offset < asked.start:
        given = Given(line, parts.name.end if parts.name else 0)
        return Completions() if command is None else arguments(shell, command, given, offset, wait)
    found = complete(asked.whole, asked.offset(offset), wait=wait, **_scope(shell))
    of_layers = command is not None and "layer" in command.arguments
    items = (i for i in found.items if not of_layers or i.kind in _OF_LAYERS)
    return found.replace(items=tuple(i.replace(span=asked.span(i.span)) for i in items))


def diagnose_line(shell: Shell, line: str, offset: int | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with a line; with the cursor's offset, even if somebody types on there.

    Raises:
        NotReadYetError: within `model.reading.without_reading()`, where something has to be read first.
    """
    from weightrepl.errors import Fix
    from weightrepl.service.diagnose import diagnose

    parts = parts_of(line)
    if parts.name is not None and parts.command is None:
        begun = offset == parts.name.end and any(c.startswith(parts.name.of(line)) for c in COMMANDS)
        return () if begun else (unknown_command(line),)
    asked = parts.asked
    if asked is None or not asked.text.strip() or not shell.session.workspace.models:
        return ()
    at = None if offset is None else asked.offset(offset)
    found = []
    for problem in diagnose(asked.whole, want=parts.want, offset=at, **_scope(shell)):
        span, fix = problem.span, problem.fix
        span = None if span is None else asked.span(span)
        fix = None if fix is None else Fix(asked.span(fix.span), fix.text)
        found.append(shell.explained(problem.replace(span=span, fix=fix), line, shell.inputs))
    return tuple(found)


def matched_line(shell: Shell, line: str) -> Matched | None:
    """Return how much the query of a line matches; None where it has none, or that can't be told.

    Raises:
        NotReadYetError: within `model.reading.without_reading()`, where something has to be read first.
    """
    from weightrepl.service.matched import matched

    parts = parts_of(line)
    if parts.asked is None or not parts.asked.text.strip():
        return None
    return matched(parts.asked.whole, want=parts.want, **_scope(shell))


# ------------------------------------------------------------------ what it is


def highlight_line(line: str) -> tuple[Highlight, ...]:
    """Return the roles of the pieces of a line."""
    from weightrepl.service.highlight import highlight

    parts, pieces = parts_of(line), []
    if parts.name is not None:
        begun = any(name.startswith(parts.name.of(line)) for name in COMMANDS)
        pieces.append(Highlight(Span(line.index("%"), parts.name.end), "keyword" if begun else "error"))
    if parts.asked is not None:
        for piece in highlight(parts.asked.whole):
            span = parts.asked.span(piece.span)
            pieces += [Highlight(span, piece.role)] if len(span) else []
    return tuple(pieces)


def hover_line(shell: Shell, line: str, offset: int) -> Hover | None:
    """Return what is known of what stands at `offset` of a line."""
    from weightrepl.service.hover import hover

    parts = parts_of(line)
    if parts.name is not None and parts.command is not None and offset <= parts.name.end:
        text = f"{parts.command.summary}.\n{parts.command.text}".strip()
        return Hover(parts.name, parts.usage, (), text)
    asked = parts.asked
    if asked is None or offset < asked.start:
        return None
    found = hover(asked.whole, asked.offset(offset), **_scope(shell))
    return None if found is None else found.replace(span=asked.span(found.span))


def signature_line(line: str, offset: int) -> Signature | None:
    """Return what the stage or the command at `offset` of a line takes."""
    from weightrepl.service.signature import signature

    parts = parts_of(line)
    if parts.asked is not None and offset >= parts.asked.start:
        found = signature(parts.asked.whole, parts.asked.offset(offset))
        if parts.command is None or (found is not None and "|" in parts.asked.text):
            return found
    return None if parts.command is None else _usage(parts.command)


def _usage(command: Command) -> Signature:
    label = f"%{command.name}"
    parameters = []
    for word in command.usage.split():
        parameters.append(Parameter(Span(len(label) + 1, len(label) + 1 + len(word)), word))
        label += f" {word}"
    return Signature(label, command.summary, tuple(parameters))


_OPEN = ("unclosed-bracket", "unclosed-brace", "unclosed-paren")


def goes_on(line: str) -> bool:
    """Return whether a line is not finished, since a bracket is open, or a `|`, `,` or operator ends it."""
    from weightrepl.query.parser import parse

    asked = parts_of(line).asked
    if asked is None or not asked.text.strip():
        return False
    text = asked.text.rstrip()
    return any(
        p.code in _OPEN or (p.code.startswith("missing-") and p.span is not None and p.span.end >= len(text))
        for p in parse(text).problems
    )
