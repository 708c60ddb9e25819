"""What a notebook shows of a result: so many rows, and so much of their values as there is time for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from weightrepl.engine.evaluate import Result
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.table import Count, Table
from weightrepl.engine.view import View
from weightrepl.errors import Problem, SourceError
from weightrepl.model.tree import Model
from weightrepl.model.workspace import Workspace
from weightrepl.render.blocks import Heading, Line, Part, Picture
from weightrepl.render.compose import as_table, as_tree, overview, totals
from weightrepl.render.formats import Answer

Shown: TypeAlias = "Result | Model | tuple[Answer, ...]"


def sheet(shown: Shown, view: View) -> Iterator[Part]:
    """Yield what is shown of a result, of an open model, or of the answers to several queries."""
    match shown:
        case Model():
            yield from _model(shown)
        case tuple():
            for answer in shown:
                yield Heading(" ".join(answer.query.split()))
                yield from _answer(answer, view)
        case _:
            yield from _answer(Answer("", shown, tuple(shown.notes)), view)


def _answer(answer: Answer, view: View) -> Iterator[Part]:
    result, problems = readable(answer)
    if result is not None:
        yield from _result(result, view)
    for problem in problems:
        yield Picture(problem, answer.query)


def _result(result: Result, view: View) -> Iterator[Part]:
    if isinstance(result, LayerSelection) and not result.chosen:
        yield from as_tree(result)
    else:
        yield from as_table(result, view.most)
    yield from totals(result)


def _model(model: Model) -> Iterator[Part]:
    yield Heading(model.names[0])
    told = " · ".join(filter(None, [model.format, model.source]))
    yield Line(told, "dim")
    yield from overview(Workspace((model,)))


def readable(answer: Answer) -> tuple[Result | None, tuple[Problem, ...]]:
    """Return a result with what is to tell of it; where its values can't be read, without them, and why."""
    result = answer.result
    if not isinstance(result, Selection):
        return result, answer.problems
    try:
        result[: result.view.most].table()
    except SourceError as error:
        plain = Selection.of(result.rows, result.workspace).seen(result.view)
        return plain, (*answer.problems, Problem("unreadable", str(error)))
    return result, answer.problems


def bounded(result: Result, most: int) -> Result:
    """Return the first so many rows of a result."""
    match result:
        case Count():
            return result
        case Table():
            return result.replace(rows=result.rows[:most])
    first: Result = result[:most]
    return first
