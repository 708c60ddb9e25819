"""The service for whole lines, commands included: what is a query's part goes to it, offsets moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightrepl.frontends.commands import COMMANDS, command_span, unknown_command
from weightrepl.frontends.commands_words import word_at
from weightrepl.frontends.session import shifted
from weightrepl.frontends.shell import Given
from weightrepl.service.answers import (
    Completion,
    Completions,
    Highlight,
    Hover,
    Matched,
    Parameter,
    Signature,
)
from weightrepl.spans import Span
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.engine.selectors import Kind
    from weightrepl.errors import Problem
    from weightrepl.frontends.commands import Command
    from weightrepl.frontends.shell import Shell

_WANTED: dict[str, Kind] = {"layers": "layers", "weights": "weights", "hist": "weights", "save": "weights"}
"""Commands whose query is of layers or weights, whatever it is by itself."""


class Parts(Value):
    """What a line is made of.

    name: where its command stands, without the `%`; None in a query. command: None where there is no such.
    query: where its query begins; None where it takes none.
    """

    name: Span | None
    command: Command | None
    query: int | None

    @property
    def want(self) -> Kind | None:
        """What the query selects, if the command says so."""
        return _WANTED.get(self.command.name) if self.command is not None else None


def parts_of(line: str) -> Parts:
    """Return what a line is made of."""
    if not line.lstrip().startswith("%"):
        return Parts(None, None, 0)
    name = command_span(line)
    command = COMMANDS.get(name.of(line))
    if command is None:
        return Parts(name, None, None)
    return Parts(name, command, _query_start(command, Given(line, name.end).behind(0)))


def _query_start(command: Command, given: Given) -> int | None:
    """Return where the query of a command begins, behind options and other arguments."""
    if not {"query", "layer"} & set(command.arguments):
        return None
    word = word_at(given)
    while word.text in command.options:
        given = word_at(word.rest).rest if word.text == "--labels" else word.rest
        word = word_at(given)
    for argument in command.arguments:
        if argument in ("query", "layer"):
            return given.start
        given = word_at(given).rest
    return given.start


# ------------------------------------------------------------------ what is wrong, how much it is, what it is


def diagnose_line(shell: Shell, line: str, offset: int | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with a line; with the cursor's offset, even if somebody types on there.

    Raises:
        NotReadYetError: within `model.tree.without_reading()`, where something has to be read first.
    """
    from weightrepl.service.diagnose import diagnose

    parts, session = parts_of(line), shell.session
    if parts.name is not None and parts.command is None:
        problem = unknown_command(line)
        return () if offset is not None and _may_become_right(parts.name, line, offset) else (problem,)
    start, end = parts.query, len(line)
    if start is None or not line[start:].strip() or not session.workspace.models:
        return ()
    problems = diagnose(
        line[start:end],
        session.workspace,
        location=session.location,
        named=session.named,
        want=parts.want,
        offset=None if offset is None else max(0, offset - start),
    )
    return tuple(shell.explained(shifted(problem, start), line) for problem in problems)


def _may_become_right(name: Span, line: str, offset: int) -> bool:
    typed = name.of(line)
    return offset == name.end and any(command.startswith(typed) for command in COMMANDS)


def matched_line(shell: Shell, line: str) -> Matched | None:
    """Return how much the query of a line matches; None where it has none, or that can't be told.

    Raises:
        NotReadYetError: within `model.tree.without_reading()`, where something has to be read first.
    """
    from weightrepl.service.matched import matched

    parts, session = parts_of(line), shell.session
    if parts.query is None or not line[parts.query :].strip():
        return None
    return matched(
        line[parts.query :],
        session.workspace,
        location=session.location,
        named=session.named,
        want=parts.want,
    )


def complete_line(shell: Shell, line: str, offset: int, wait: bool = True) -> Completions:
    """Return what may stand at `offset` of a line: commands, their arguments, files, and all that a query may hold."""
    from weightrepl.service.complete import complete

    parts, session = parts_of(line), shell.session
    if parts.name is not None and offset <= parts.name.end:
        return _commands(parts.name, line, offset)
    if parts.query is None or offset < parts.query:
        return Completions()
    start = parts.query
    found = complete(
        line[start:],
        offset - start,
        session.workspace,
        location=session.location,
        named=session.named,
        wait=wait,
    )
    return found.replace(items=tuple(i.replace(span=i.span.shifted(start)) for i in found.items))


def _commands(name: Span, line: str, offset: int) -> Completions:
    begun = line[name.start : offset]
    return Completions(
        tuple(
            Completion(c.name, name, "keyword", f"%{c.name}", c.summary, c.text)
            for c in COMMANDS.values()
            if c.name.startswith(begun)
        )
    )


def highlight_line(line: str) -> tuple[Highlight, ...]:
    """Return the roles of the pieces of a line."""
    from weightrepl.service.highlight import highlight

    parts = parts_of(line)
    pieces = []
    if parts.name is not None:
        name = Span(line.index("%"), parts.name.end)
        pieces.append(Highlight(name, "error" if parts.command is None else "keyword"))
    if parts.query is not None:
        start = parts.query
        pieces += [piece.replace(span=piece.span.shifted(start)) for piece in highlight(line[start:])]
    return tuple(pieces)


def hover_line(shell: Shell, line: str, offset: int) -> Hover | None:
    """Return what is known of what stands at `offset` of a line."""
    from weightrepl.service.hover import hover

    parts, session = parts_of(line), shell.session
    if parts.name is not None and parts.command is not None and offset <= parts.name.end:
        command = parts.command
        title = f"%{command.name} {command.usage}".rstrip()
        return Hover(parts.name, title, (), f"{command.summary}.\n{command.text}".strip())
    if parts.query is None or offset < parts.query:
        return None
    start = parts.query
    found = hover(
        line[start:], offset - start, session.workspace, location=session.location, named=session.named
    )
    return None if found is None else found.replace(span=found.span.shifted(start))


def signature_line(line: str, offset: int) -> Signature | None:
    """Return what the stage or the command at `offset` of a line takes."""
    from weightrepl.service.signature import signature

    parts = parts_of(line)
    if parts.query is not None and offset >= parts.query:
        found = signature(line[parts.query :], offset - parts.query)
        if found is not None or parts.command is None:
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

    start = parts_of(line).query
    if start is None or not line[start:].strip():
        return False
    text = line[start:].rstrip()
    return any(
        p.code in _OPEN or (p.code.startswith("missing-") and p.span is not None and p.span.end >= len(text))
        for p in parse(text).problems
    )
