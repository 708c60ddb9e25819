"""A query as far as it goes without reading values: all that there is to say of it, and the rows that it leaves."""

from __future__ import annotations

from typing import NamedTuple

from weightrepl.engine.columns import VALUE_COLUMNS
from weightrepl.engine.evaluate import chosen_relation, wanted_by_stages
from weightrepl.engine.explain import explain
from weightrepl.engine.expressions import ExpressionError
from weightrepl.engine.figures import Figures
from weightrepl.engine.relation import Relation, relation
from weightrepl.engine.scope import Named, NamedQuery, Scope
from weightrepl.engine.selectors import Kind
from weightrepl.engine.stages import apply, check, words_of
from weightrepl.errors import Problem, errors_in
from weightrepl.query.parser import Parsed, parse
from weightrepl.query.syntax import Missing, Node, Query, Reference, Stage
from weightrepl.spans import Span
from weightrepl.values import Value

_KEEP_COLUMNS = ("where", "sort", "head", "tail", "top", "show", "stats", "reduce", "dequantize")
"""The stages behind which there are the columns of before."""

_LOOK_AT_ROWS = ("where", "sort", "top", "group")
"""The stages that compute the columns which they name."""


class Survey(Value):
    """What can be told of a query without reading values.

    given: what its last stage gives; None where there are errors.
    exact: whether the rows of `given` are those that the query gives: values would have to be read for others.
    """

    problems: tuple[Problem, ...]
    given: Relation | None
    exact: bool


def survey(scope: Scope, want: Kind | None = None) -> Survey:
    """Return what can be told of the query that the text of `scope` is, broken or not.

    The last answer is kept: what is wrong with a query and how much it matches are asked one after the other.

    want: `weights` or `layers` whatever the query is of.
    """
    scope = scope.replace(named=dict(scope.named))
    known: _Known | None = scope.workspace.prepared.get("survey")
    if known is None or not _is_asked_again(known, scope, want):
        known = scope.workspace.prepared["survey"] = _Known(scope, want, _surveyed(scope, want))
    return known.survey


class _Known(NamedTuple):
    """A survey, and of what."""

    scope: Scope
    want: Kind | None
    survey: Survey


def _is_asked_again(known: _Known, scope: Scope, want: Kind | None) -> bool:
    before, now = known.scope.named, scope.named
    return (
        (known.scope.text, known.want) == (scope.text, want)
        and known.scope.location is scope.location
        and before.keys() == now.keys()
        and all(before[name] is now[name] for name in now)
    )


def _surveyed(scope: Scope, want: Kind | None) -> Survey:
    parsed = parse(scope.text)
    named = {name: _without_values(each) for name, each in scope.named.items()}
    shortened = any(named[name] is not scope.named[name] for name in named)
    scope = scope.replace(named=named)
    given, problems = _chosen(parsed, scope, want)
    failed = bool(errors_in(problems))
    exact = not failed and not (shortened and any(isinstance(s, Reference) for s in parsed.query.selectors))
    given = given.of_rows(()) if failed else given
    for number, stage in enumerate(parsed.query.stages):
        if (
            isinstance(stage, Missing)
            or _has_hole(stage)
            or _is_broken(stage.span, parsed)
            or (failed and stage.name == "diff")
        ):
            exact = False
            if isinstance(stage, Missing) or stage.name in _KEEP_COLUMNS:
                continue
            break
        try:
            if _computes(stage, given):
                exact, given = False, given.of_rows(())
            if stage.name == "diff":
                given = _set_against(parsed.query, number, given, scope)
            else:
                given = apply(stage, given)
        except ExpressionError as error:
            problems, failed = (*problems, error.problem), True
            if stage.name not in _KEEP_COLUMNS:
                break
    problems = tuple(dict.fromkeys((*problems, *given.problems)))
    return Survey(problems, None if failed else given, exact and not failed)


def _without_values(named: Named) -> Named:
    """Return a named query without the stages from the first on for which values are read."""
    if not isinstance(named, NamedQuery):
        return named
    stages = named.query.stages
    unread = next((i for i, stage in enumerate(stages) if _needs_values(stage)), len(stages))
    if unread == len(stages):
        return named
    return named.replace(query=named.query.replace(stages=stages[:unread]))


def _needs_values(stage: Stage | Missing) -> bool:
    return (
        isinstance(stage, Stage)
        and stage.name in _LOOK_AT_ROWS
        and any(word.text in VALUE_COLUMNS for word in words_of(stage))
    )


def _chosen(parsed: Parsed, scope: Scope, want: Kind | None) -> tuple[Relation, tuple[Problem, ...]]:
    """Return the rows that the selectors choose, none if one is broken, and all that there is to say of them."""
    query = parsed.query
    kind = want or wanted_by_stages(query, scope)
    selectors = query.selectors
    broken = [s for s in selectors if isinstance(s, Missing) or _is_broken(s.span, parsed)]
    if not broken:
        given, problems = chosen_relation(query.replace(stages=()), kind, scope)
        return given, (*parsed.problems, *problems)
    told = explain(scope.text, scope.workspace, location=scope.location, named=scope.named).problems
    return relation(kind, (), scope.workspace, Figures()), told


def _is_broken(span: Span, parsed: Parsed) -> bool:
    """Return whether an error lies in a part of the text, or one behind which nothing was read any more."""
    errors = errors_in(parsed.problems)
    return any(problem.code == "too-deep" or _touches(span, problem.span) for problem in errors)


def _has_hole(node: object) -> bool:
    """Return whether something is missing in a part of a query, even if that is told of what stands behind it."""
    if isinstance(node, tuple):
        return any(map(_has_hole, node))
    if isinstance(node, Node):
        fields: tuple[str, ...] = node.__match_args__
        return isinstance(node, Missing) or any(_has_hole(getattr(node, name)) for name in fields)
    return False


def _touches(span: Span, other: Span | None) -> bool:
    return other is not None and other.start <= span.end and span.start <= other.end


def _computes(stage: Stage, given: Relation) -> bool:
    """Return whether a stage reads values of its rows."""
    if stage.name not in _LOOK_AT_ROWS:
        return False
    columns = (given.columns.get(word.text) for word in words_of(stage))
    return given.kind == "weights" and any(column is not None and column.reads for column in columns)


def _set_against(query: Query, number: int, given: Relation, scope: Scope) -> Relation:
    """Return what `diff`, the query's stage of that number, would have columns for; nothing is compared."""
    from weightrepl.engine.pairing import as_notes, of_the_right, other_side
    from weightrepl.engine.verdicts import compared

    stage = query.stages[number]
    assert isinstance(stage, Stage)
    check(stage, given)
    side = other_side(query, number, given, scope)
    other, found = chosen_relation(side.query, "weights", side.scope)
    try:
        for each in side.query.stages:
            assert isinstance(each, Stage)  # those before `diff` were applied to the left side
            other = apply(each, other.of_rows(()) if _computes(each, other) else other)
    except ExpressionError as error:
        (told,) = of_the_right((error.problem,))
        raise ExpressionError(told.code, told.message, each.span) from None
    pairs = compared(given.of_rows(()), other.of_rows(()), side, ())
    return pairs.noted(*of_the_right(as_notes(found)))
