"""A query's text over the open models: its result, or one error that holds all there is to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from weightrepl.engine.expressions import ExpressionError
from weightrepl.engine.figures import FIGURES, Figures, Watcher
from weightrepl.engine.relation import Relation, relation
from weightrepl.engine.scope import Named, NamedResult, Scope, scope_of
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.selectors import Chosen, Kind, choose, kind_of, owners
from weightrepl.engine.stages import apply, check, wants_weights, words_of
from weightrepl.engine.table import Count, Table
from weightrepl.errors import Problem, QueryError, errors_in
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.query.syntax import Query, Stage

Result: TypeAlias = Selection | LayerSelection | Table | Count


def evaluate(
    text: str,
    workspace: Workspace,
    *,
    location: Place | None = None,
    want: Kind | None = None,
    named: Mapping[str, Named] | None = None,
    watcher: Watcher | None = None,
) -> Result:
    """Return what a query finds in the open models.

    location: where relative paths start; None is the one open model, or the workspace where several are.
    want: `weights` or `layers` whatever the query is of; None as the query says itself.
    named: what `$name` stands for.
    watcher: is told how far the reading of values has come.

    Raises:
        QueryError: the text is broken, or names what is not there. Holds the notes too.
        SourceError: values that a stage needs can't be read.
    """
    parsed = parse(text)
    if errors_in(parsed.problems):
        raise QueryError(text, parsed.problems)
    scope = scope_of(text, workspace, location, named, watcher)
    return evaluate_query(parsed.query, scope, want, parsed.problems)


def evaluate_query(
    query: Query, scope: Scope, want: Kind | None = None, problems: tuple[Problem, ...] = ()
) -> Result:
    """Return what a parsed query without errors finds in `scope`; `problems` are those of its text."""
    given = _related(query, want or wanted_by_stages(query, scope), scope, problems)
    return _result(given, scope)


def _related(query: Query, kind: Kind, scope: Scope, problems: tuple[Problem, ...] = ()) -> Relation:
    """Return what the last stage of a query gives, with all that there is to tell."""
    given, found = chosen_relation(query, kind, scope)
    problems = (*problems, *found)
    if errors_in(problems):
        raise QueryError(scope.text, problems)
    return _staged(query, given, scope, problems)


def _staged(query: Query, given: Relation, scope: Scope, problems: tuple[Problem, ...]) -> Relation:
    """Return what the stages of a query make of the rows that its selectors gave."""
    for number, stage in enumerate(query.stages):
        assert isinstance(stage, Stage)  # a query without errors has no holes
        try:
            given = _compared(query, number, given, scope) if stage.name == "diff" else apply(stage, given)
        except ExpressionError as error:
            raise QueryError(scope.text, (*problems, error.problem)) from None
    return given.replace(problems=(*problems, *given.problems))


def _compared(query: Query, number: int, given: Relation, scope: Scope) -> Relation:
    """Return what `diff`, the query's stage of that number, makes of what the stages before it gave."""
    from weightrepl.engine.pairing import as_notes, of_the_right, other_side
    from weightrepl.engine.verdicts import compared

    stage, *following = query.stages[number:]
    assert isinstance(stage, Stage)
    check(stage, given)
    side = other_side(query, number, given, scope)
    rows, found = chosen_relation(side.query, "weights", side.scope)
    try:
        other = _staged(side.query, rows, scope, as_notes(found))
    except QueryError as error:
        raise QueryError(scope.text, of_the_right(error.problems)) from None
    return compared(given, other, side, [stage for stage in following if isinstance(stage, Stage)])


def rows_of(query: Query, kind: Kind, scope: Scope) -> Chosen:
    """Return the rows that are left behind the last stage of a query which stands for a selector.

    kind: of the query that refers to it, so `layers` only if this one is of layers.

    Raises:
        QueryError: it names what is not there, or gives no rows of weights or layers.
    """
    given = _related(query, kind, scope)
    if given.kind not in ("weights", "layers"):
        message = f"'{query.stages[-1].span.of(scope.text)}' leaves no weights or layers to select"
        raise QueryError(scope.text, (Problem("not-a-selection", message, query.stages[-1].span),))
    return Chosen(given.rows, given.problems)


def named_result(result: Result) -> Named:
    """Return what `$name` stands for where it names a result: its rows; of the pairs of `diff`, their weights."""
    match result:
        case Selection():
            return NamedResult("weights", result.rows)
        case LayerSelection():
            return NamedResult("layers", result.rows)
        case Table(sites=tuple(sites)):
            return NamedResult("weights", sites)
    return NamedResult("table")


def wanted_by_stages(query: Query, scope: Scope) -> Kind:
    """Return what a query is of: weights too if a stage needs them, by its nature or by a key."""
    if wants_weights(query.stages):
        return "weights"
    return kind_of(query, scope.named)


def chosen_relation(query: Query, kind: Kind, scope: Scope) -> tuple[Relation, tuple[Problem, ...]]:
    """Return the rows that the selectors of a query choose, and what there is to tell of them."""
    natural = kind_of(query, scope.named)
    chosen = choose(query, "weights" if natural == "weights" else kind, scope)
    rows = chosen.rows
    if kind == "layers" and natural == "weights":
        rows = tuple(owners(row for row in rows if isinstance(row, Site)))
    return relation(kind, rows, scope.workspace, Figures(_figures_in(query), scope.watcher)), chosen.problems


def _figures_in(query: Query) -> Iterator[str]:
    """Yield the figures that the stages of a query ask for."""
    for stage in query.stages:
        assert isinstance(stage, Stage)
        yield from FIGURES if stage.name == "stats" else (word.text for word in words_of(stage))


def _result(given: Relation, scope: Scope) -> Result:
    match given.kind:
        case "weights":
            # what a stage asked for is read now and kept, so that its errors are this query's
            if reads := [name for name in given.shown if given.columns[name].reads]:
                given.values(reads)
            return Selection(given, scope.workspace)
        case "layers":
            return LayerSelection(given, scope.workspace)
        case "count":
            return Count(len(given.rows), given.problems)
    sites = tuple(pair.site._replace(derived=None) for pair in given.rows) if given.kind == "pairs" else None
    return Table(given.shown, given.values(given.shown), given.problems, sites=sites)
