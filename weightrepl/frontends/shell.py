"""A session as somebody uses it by hand, line by line: numbered inputs and their results, commands, aliases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from weightrepl.errors import Problem, QueryError, WeightreplError
from weightrepl.frontends.session import Question
from weightrepl.render.blocks import Line, ProblemBlock, TreeBlock
from weightrepl.spans import Span, visible
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.engine.evaluate import Result
    from weightrepl.engine.scope import Named
    from weightrepl.engine.selectors import Kind
    from weightrepl.frontends.session import Session
    from weightrepl.frontends.settings import Settings
    from weightrepl.model.tree import Model, Place
    from weightrepl.render.blocks import Block
    from weightrepl.render.formats import Answer

_NUMBERED = re.compile(r"\$(\d+|_)\Z")


class Leave(Exception):  # noqa: N818
    """Somebody wants to go: raised by `%quit`."""


class Given(Value):
    """What somebody gave a command, or the whole line of a query.

    line: as it was typed. start: where the part begins that is meant.
    """

    line: str
    start: int = 0

    @property
    def text(self) -> str:
        """The part that is meant."""
        return self.line[self.start :]

    def behind(self, offset: int) -> Given:
        """Return what stands so many characters later, without the white space before it."""
        start = self.start + offset
        return Given(self.line, start + len(self.line[start:]) - len(self.line[start:].lstrip()))

    def pictures(self, problems: Iterable[Problem]) -> Iterator[ProblemBlock]:
        """Yield the pictures of problems whose spans count in the text, as they are in the line."""
        for problem in problems:
            yield ProblemBlock(problem.shifted(self.start), self.line)

    @contextmanager
    def at_fault(self) -> Iterator[None]:
        """Let errors in a query that is the text be errors in the line."""
        try:
            yield
        except QueryError as error:
            raise QueryError(self.line, [p.shifted(self.start) for p in error.problems]) from None


class Shell:
    """What a line means, whoever reads it from whatever: a terminal now, a notebook as well.

    inputs: how many lines were entered. $N and $_ are in `session.named`, and so are aliases.
    before: the location before the one now, for `%cd -`; empty where there was none.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        self.session, self.settings = session, settings
        self.inputs = 0
        self.before: tuple[Place | None, ...] = ()
        self.complaints: tuple[Problem, ...] = tuple(settings.problems)
        self._gone: set[str] = set()
        for name, query in settings.aliases.items():
            self._name(name, query)

    @property
    def prompt(self) -> str:
        """The location's address, or nothing at the workspace."""
        from weightrepl.engine.addresses import address

        place = self.location
        return "" if place is None else address(place, self.session.workspace)

    @property
    def location(self) -> Place | None:
        """Where paths start; None is the workspace."""
        return self.session.location or self.session.workspace.location

    def enter(self, line: str) -> Iterator[Block]:
        """Yield what comes of a line, a query or a command, as it comes; what is wrong with it is among that.

        Raises:
            Leave: the line was `%quit`.
        """
        if not line.strip():
            return
        self.inputs += 1
        try:
            if line.lstrip().startswith("%"):
                yield from self._obeyed(line)
            else:
                yield from self._asked(line)
        except QueryError as error:
            yield from self._told(error.problems, error.text)
        except WeightreplError as error:
            yield Line(f"error: {visible(str(error))}", "title")

    def _obeyed(self, line: str) -> Iterator[Block]:
        from weightrepl.frontends.commands import command_in

        command, given = command_in(line)
        yield from command.run(self, given)

    def _asked(self, line: str) -> Iterator[Block]:
        """Yield what comes of a query; where it is none, but a habit from another shell, what to type instead."""
        from weightrepl.frontends.commands import habit

        answer = self.session.answer(Question(line))
        meant = habit(line) if answer.result is None or not answer.size else None
        yield from self._answer(answer, Given(line), tree=False) if meant is None else meant.run(self, line)

    # ---------------------------------------------------------------- results

    def answered(self, given: Given, want: Kind | None = None, *, tree: bool = False) -> Iterator[Block]:
        """Yield what comes of a query, and let `$_` and the number of the line stand for it."""
        yield from self._answer(self.session.answer(Question(given.text), want), given, tree)

    def _answer(self, answer: Answer, given: Given, tree: bool) -> Iterator[Block]:
        if answer.result is not None:
            yield from self.shown(answer.result, tree=tree)
        problems = [problem.shifted(given.start) for problem in answer.problems]
        yield from self._told(problems, given.line)

    def shown(self, result: Result, *, tree: bool = False, numbered: bool = True) -> Iterator[Block]:
        """Yield a result as far as `rows` goes, its totals and its number, which stands for it from now on."""
        from weightrepl.engine.table import Count
        from weightrepl.render.compose import as_table, as_tree, totals

        number = self._keep(result) if numbered else ""
        most, unfolded = self.settings["rows"], self.settings["unfold"]
        blocks = as_tree(result, unfolded=unfolded) if tree else as_table(result, most, unfolded=unfolded)
        for block in blocks:
            if isinstance(block, TreeBlock) and len(block.rows) > most:
                yield block.replace(rows=block.rows[:most])
                block = Line(f"… and {len(block.rows) - most:,} more")
            yield block
            if isinstance(block, Line) and not isinstance(result, Count):
                yield Line("'%set rows NUMBER' shows more", "hint")
        for block in totals(result):
            yield Line(f"{block.text} · {number}", "dim") if isinstance(block, Line) and number else block

    def _keep(self, result: Result) -> str:
        """Let `$_` and the number of the line stand for a result; return the latter if a query may refer to it."""
        from weightrepl.engine.evaluate import named_result
        from weightrepl.engine.scope import NamedResult

        named, number = named_result(result), str(self.inputs)
        self.session.named = {**self.session.named, number: named, "_": named}
        self._gone -= {number, "_"}
        return "" if isinstance(named, NamedResult) and named.kind == "table" else f"${number}"

    def forget(self, model: Model) -> None:
        """Let go of the results that hold something of a model, and of the way back to it."""
        self.before = tuple(place for place in self.before if place is None or place.model is not model)
        gone = {name for name, named in self.session.named.items() if _holds(named, model)}
        self._gone |= gone
        self.session.named = {n: named for n, named in self.session.named.items() if n not in gone}

    # ---------------------------------------------------------------- names, places, problems

    def _name(self, name: str, query: str) -> None:
        """Let a name of the settings stand for its query, or say why it can't."""
        from weightrepl.engine.scope import NamedQuery
        from weightrepl.errors import errors_in
        from weightrepl.query.parser import parse

        parsed = parse(query)
        if errors := errors_in(parsed.problems):
            message = f"{self.settings.path}: the alias {name} is left out: {errors[0].message}"
            self.complaints += (Problem("configuration", message, severity="warning"),)
        else:
            self.session.named = {**self.session.named, name: NamedQuery(query, parsed.query)}

    def name_of(self, model: Model) -> str:
        """Return what a model is called in addresses, not escaped."""
        name, ordinal = self.session.workspace.shown_name(model)
        return f"{name}#{ordinal}" if ordinal else name

    def move(self, place: Place | None) -> None:
        """Let paths start at a layer, or for None where they do if nobody says otherwise."""
        self.before, self.session.location = (self.location,), place

    def _told(self, problems: Iterable[Problem], line: str) -> Iterator[ProblemBlock]:
        """Yield the pictures of problems, with what only a shell knows of them."""
        for problem in problems:
            yield ProblemBlock(self.explained(problem, line, self.inputs - 1), line)

    def explained(self, problem: Problem, line: str, before: int) -> Problem:
        """Return a problem of a line, before which so many were entered, with advice that fits somebody at a prompt."""
        if problem.code == "no-model":
            return problem.replace(hint="%open FILE opens one")
        if problem.code != "no-such-name" or problem.span is None:
            return problem
        why = self._absence(problem.span.of(line), before)
        return problem.replace(hint=why, fix=None) if why else problem

    def _absence(self, reference: str, before: int) -> str:
        """Return why a result of an earlier line is not there; nothing where no such line was."""
        found = _NUMBERED.search(reference)
        if found is None:
            return ""
        name = found[1]
        if name in self._gone:
            return f"the model of ${name} was closed"
        if name == "_":
            return "nothing has a result yet"
        return f"line {name} has no result" if 0 < int(name) <= before else f"the last line was {before}"


def _holds(named: Named, model: Model) -> bool:
    from weightrepl.engine.scope import NamedResult
    from weightrepl.model.tree import Site

    if not isinstance(named, NamedResult):
        return False
    return any((row.place if isinstance(row, Site) else row).model is model for row in named.rows)


def mistake(given: Given, message: str, hint: str | None = None, length: int | None = None) -> QueryError:
    """Return the error of a command that was given something wrong: its beginning, or so much of it."""
    end = len(given.line.rstrip()) if length is None else given.start + length
    return QueryError(
        given.line, [Problem("command", message, Span(given.start, max(given.start, end)), hint=hint)]
    )
