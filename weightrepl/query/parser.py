"""Parses queries: any text gives a tree, its problems, and a record of what may come next."""

from __future__ import annotations

from weightrepl.query.cursor import Cursor, Expectation, Expected
from weightrepl.query.selectors import selectors
from weightrepl.query.stages import stages
from weightrepl.query.syntax import Query
from weightrepl.spans import Span
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.errors import Problem

__all__ = ["Expectation", "Expected", "Parsed", "parse"]


class Parsed(Value):
    """What a text says. Without an error among `problems` the tree has no hole."""

    query: Query
    problems: tuple[Problem, ...]
    expected: Expected


def _place(problem: Problem) -> Span:
    return Span(0, 0) if problem.span is None else problem.span


def parse(text: str, start: int = 0, end: int | None = None) -> Parsed:
    """Return what `text[start:end]` says; spans are those of the whole text. Raises nothing, whatever the text.

    Raises:
        TypeError: it is no text.

    >>> parse("a/b:kernel[3").problems[0].message
    "the '[' is never closed"
    """
    if not isinstance(text, str):
        raise TypeError(f"a query is a text, such as '**:kernel'; this is of the type {type(text).__name__}")
    c = Cursor(text, start, end)
    query = Query(selectors(c), stages(c), span=Span(start, c.end))
    problems = sorted(c.problems, key=_place)
    return Parsed(query, tuple(problems), c.expected())
