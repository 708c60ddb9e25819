"""A query's text over the open models: its result, or one error that holds all there is to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from weightrepl.engine.columns import LAYER_COLUMNS, VALUE_COLUMNS, WEIGHT_COLUMNS
from weightrepl.engine.expressions import ExpressionError
from weightrepl.engine.scope import NamedQuery, Scope
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.selectors import Kind, choose, kind_of, owners
from weightrepl.engine.stages import NEED_VALUES, Relation, apply, relation, words_of
from weightrepl.engine.table import Count, Table, Value
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
    named: Mapping[str, NamedQuery] | None = None,
) -> Result:
    """Return what a query finds in the open models.

    location: where relative paths start; None is the one open model, or the workspace where several are.
    want: `weights` or `layers` whatever the query is of; None as the query says itself.
    named: the queries that `$name` stands for.

    Raises:
        QueryError: the text is broken, or names what is not there. Holds the notes too.
    """
    parsed = parse(text)
    if errors_in(parsed.problems):
        raise QueryError(text, parsed.problems)
    scope = Scope(text, workspace, location or workspace.location, named or {})
    return evaluate_query(parsed.query, scope, want, parsed.problems)


def evaluate_query(
    query: Query, scope: Scope, want: Kind | None = None, problems: tuple[Problem, ...] = ()
) -> Result:
    """Return what a parsed query without errors finds in `scope`; `problems` are those of its text."""
    kind = want or wanted_by_stages(query, scope)
    given, found = _relation(query, kind, scope)
    problems = (*problems, *found)
    if errors_in(problems):
        raise QueryError(scope.text, problems)
    for stage in query.stages:
        assert isinstance(stage, Stage)  # a query without errors has no holes
        try:
            given = apply(stage, given)
        except ExpressionError as error:
            raise QueryError(scope.text, (*problems, error.problem)) from None
    return _result(replace(given, problems=(*problems, *given.problems)), scope)


def wanted_by_stages(query: Query, scope: Scope) -> Kind:
    """Return what a query is of: weights too if a stage needs them, by its nature or by a key."""
    if kind_of(query, scope.named) == "weights":
        return "weights"
    for stage in query.stages:
        assert isinstance(stage, Stage)
        if stage.name in NEED_VALUES:
            return "weights"
        only_weights = set(WEIGHT_COLUMNS + VALUE_COLUMNS) - set(LAYER_COLUMNS)
        if any(word.text in only_weights for word in words_of(stage)):
            return "weights"
        if stage.name == "group":
            break
    return "layers"


def _relation(query: Query, kind: Kind, scope: Scope) -> tuple[Relation, tuple[Problem, ...]]:
    natural = kind_of(query, scope.named)
    chosen = choose(query, "weights" if natural == "weights" else kind, scope)
    rows = chosen.rows
    if kind == "layers" and natural == "weights":
        rows = tuple(owners(row for row in rows if isinstance(row, Site)))
    return relation(kind, rows, scope.workspace), chosen.problems


def _result(given: Relation, scope: Scope) -> Result:
    match given.kind:
        case "weights":
            return Selection(given.rows, given.columns, given.shown, scope.workspace, given.problems)
        case "layers":
            return LayerSelection(given.rows, given.columns, given.shown, scope.workspace, given.problems)
        case "count":
            return Count(len(given.rows), given.problems)
    return Table(given.shown, _values(given), given.problems)


def _values(given: Relation) -> tuple[tuple[Value, ...], ...]:
    columns = [given.columns[name] for name in given.shown]
    return tuple(tuple(column.of(row) for column in columns) for row in given.rows)
