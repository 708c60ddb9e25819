"""Several queries in one cell: the results together, or all that is wrong with any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from weightrepl.errors import Problem, QueryError, errors_in
from weightrepl.frontends.magics_namespace import need_model
from weightrepl.frontends.session import Question, read_query_file
from weightrepl.query.files import parse_file
from weightrepl.render.formats import Answer
from weightrepl.spans import Span

if TYPE_CHECKING:
    from weightrepl.engine.evaluate import Result
    from weightrepl.engine.view import View
    from weightrepl.frontends.magics_namespace import Namespace
    from weightrepl.frontends.session import Script, Session
    from weightrepl.frontends.shell import Given


class Answers(Sequence["Result"]):
    """The results of several queries, in order; each shows itself under its query."""

    __slots__ = ("_answers",)

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self._answers = answers

    @overload
    def __getitem__(self, key: int) -> Result: ...
    @overload
    def __getitem__(self, key: slice) -> Answers: ...
    def __getitem__(self, key: int | slice) -> Result | Answers:
        if isinstance(key, slice):
            return Answers(self._answers[key])
        result = self._answers[key].result
        assert result is not None  # a query without one was an error
        return result

    def __len__(self) -> int:
        return len(self._answers)

    def __repr__(self) -> str:
        from weightrepl.render.notebook import bundle

        return str(bundle(self._answers, html=False)["text/plain"])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from weightrepl.render.notebook import bundle

        return bundle(self._answers)


def of_cell(
    body: str, behind: Given, namespace: Namespace, session: Session, view: View
) -> tuple[Answers, list[Problem]]:
    """Return what the queries of a cell find, and what is wrong in it with those that found nothing to show.

    behind: what stands behind the options, on the cell's first line.

    Raises:
        QueryError: the text is broken, or no model is open.
        SourceError: a file can't be opened.
    """
    script = _read(body, behind)
    for name, path in script.opens:
        session.workspace = session.workspace.opened(namespace.file(path, name))
    need_model(session, body)
    session.named = {**namespace.names(body), **script.named}
    found, wrong = _answered(session, script, view)
    for result in found:
        namespace.look_at(result)
    return found, wrong


def _read(body: str, behind: Given) -> Script:
    if behind.text.strip():
        span = Span(behind.start, len(behind.line.rstrip()))
        message = "the queries of a cell stand on the lines below"
        raise QueryError(behind.line, [Problem("command", message, span)])
    if problems := errors_in(parse_file(body).problems):
        raise QueryError(body, problems)
    return read_query_file(body, "", "")


def _answered(session: Session, script: Script, view: View) -> tuple[Answers, list[Problem]]:
    """Return what comes of the queries that can be answered, and what is wrong with others, as places of the body."""
    found, wrong = [], []
    for question in script.questions:
        answer = session.answer(question, "weights")
        if answer.result is not None:
            found.append(answer.replace(result=answer.result.seen(view)))
        wrong += [problem.shifted(question.start) for problem in _wrong(question, answer)]
    return Answers(tuple(found)), wrong


def _wrong(question: Question, answer: Answer) -> Iterator[Problem]:
    if answer.result is None:
        yield from answer.problems
    elif question.expect is not None and (answer.size > 0) != (question.expect == "some"):
        message = f"expected {question.expect}, found {answer.size:,}"
        yield Problem("expectation", message, Span(0, len(question.text)))
