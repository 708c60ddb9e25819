"""What is wrong with a query, as it is typed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from weightrepl.engine.columns import LAYER_COLUMNS, VALUE_COLUMNS, WEIGHT_COLUMNS
from weightrepl.engine.missing import names_at
from weightrepl.engine.scope import Named, Scope, scope_of
from weightrepl.engine.selectors import Kind, follow
from weightrepl.engine.survey import survey
from weightrepl.engine.trace import Trace
from weightrepl.errors import Problem
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.query.printer import escape_name
from weightrepl.query.syntax import Selector, Stage
from weightrepl.query.words import REDUCTIONS, STAGES
from weightrepl.spans import Span


def diagnose(
    text: str,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
    want: Kind | None = None,
    offset: int | None = None,
) -> tuple[Problem, ...]:
    """Return the problems of a query, of syntax and of meaning, in order of their places. Reads no values.

    named: what `$name` stands for; queries among them have no errors of their own.
    want: `weights` or `layers` whatever the query is of, as `%weights` and `%layers` have it.
    offset: where somebody is typing: what may still become right by typing on there is left out.

    Raises:
        NotReadYetError: within `model.reading.without_reading()`, where something has to be read first.
    """
    scope = scope_of(text, workspace, location, named)
    problems = sorted(survey(scope, want).problems, key=lambda problem: problem.place)
    if offset is None:
        return tuple(problems)
    begun = _Begun(scope, offset)
    return tuple(problem for problem in problems if not begun.may_become_right(problem))


class _Begun:
    """What somebody is typing at an offset, and what it may become."""

    def __init__(self, scope: Scope, offset: int) -> None:
        self.scope, self.offset = scope, offset

    def may_become_right(self, problem: Problem) -> bool:
        """Return whether a problem is only that somebody has not typed on yet."""
        span = problem.span
        assert span is not None  # only sources have problems without a place
        if problem.code.startswith("unclosed-"):
            return problem.fix is None or self._only_space_from(problem.fix.span.start)
        if not len(span) or problem.code == "no-condition" or problem.code.startswith("missing-"):
            return self._only_space_from(span.end)
        if span.end != self.offset:
            return False
        typed = span.of(self.scope.text)
        return typed.count("{") > typed.count("}") or any(
            _begins(name, typed.lstrip("'\"")) for name in self._names(problem)
        )

    def _only_space_from(self, start: int) -> bool:
        """Return whether nothing was typed yet between a place and the cursor."""
        return start <= self.offset and not self.scope.text[start : self.offset].strip()

    def _names(self, problem: Problem) -> Iterable[str]:
        """Yield the names of which what is typed may be the beginning."""
        match problem.code:
            case "no-such-stage":
                return STAGES
            case "no-such-column":
                return (*WEIGHT_COLUMNS, *LAYER_COLUMNS, *VALUE_COLUMNS)
            case "no-such-reduction":
                return REDUCTIONS
            case "no-such-name":
                return (f"${name}" for name in self.scope.named)
        return self._in_tree(problem)

    def _in_tree(self, problem: Problem) -> Iterator[str]:
        assert problem.span is not None
        query = parse(self.scope.text).query
        compared = (a for stage in query.stages if isinstance(stage, Stage) for a in stage.arguments)
        for selector in (*query.selectors, *compared):
            if isinstance(selector, Selector) and _covers(selector.span, problem.span):
                yield from _names_tried(follow(selector, self.scope), problem.span, self.scope)


def _begins(name: str, typed: str) -> bool:
    return name.startswith(typed) or escape_name(name).startswith(typed)


def _covers(span: Span, other: Span) -> bool:
    return span.start <= other.start and other.end <= span.end


def _names_tried(trace: Trace, span: Span, scope: Scope) -> Iterator[str]:
    """Yield the names that were there for what stands at `span`."""
    if trace.selector.weight is not None and _covers(trace.selector.weight.span, span):
        yield from (weight.name for place in trace.reached.places for weight in place.layer.weights)
    for step in trace.steps:
        if not _covers(step.segment.span, span):
            continue
        yield from names_at(step.before, scope)
        if step is trace.steps[0]:
            yield from scope.workspace.by_name
        for child in (child for place in step.before.places for child in place.children):
            yield from (f".{attribute}" for attribute in child.layer.attributes or ())
            yield from (child.layer.name, f"@{child.layer.class_name}")
