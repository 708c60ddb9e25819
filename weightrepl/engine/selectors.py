"""From selectors to rows: in order, each row once, with what there is to tell of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

from weightrepl.engine import missing
from weightrepl.engine.missing_weights import empty_complaints
from weightrepl.engine.resolve import (
    Reached,
    advance,
    layers_within,
    origin,
    weights_named,
    weights_within,
)
from weightrepl.engine.scope import Named, NamedResult, Scope
from weightrepl.engine.slices import sliced
from weightrepl.engine.trace import Step, Trace
from weightrepl.errors import Problem, QueryError
from weightrepl.model.tree import Place, Site
from weightrepl.query.syntax import Missing, Query, Reference, Selector
from weightrepl.spans import Span
from weightrepl.values import Value

Kind: TypeAlias = Literal["weights", "layers"]
Row: TypeAlias = "Site | Place"


class Chosen(Value):
    """What selectors gave: rows of one kind, and what there is to tell."""

    rows: tuple[Row, ...]
    problems: tuple[Problem, ...] = ()


class _Pile:
    """The rows so far, in the order of their first selection, by what they are."""

    def __init__(self) -> None:
        self.rows: dict[object, Row] = {}

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.rows.setdefault(_identity(row), row)

    def take_away(self, rows: Iterable[Row]) -> int:
        gone = {_identity(row, whole=True) for row in rows}
        before = len(self.rows)
        self.rows = {k: row for k, row in self.rows.items() if _identity(row, whole=True) not in gone}
        return before - len(self.rows)

    def holds_any(self, rows: Iterable[Row]) -> bool:
        held = {_identity(row, whole=True) for row in self.rows.values()}
        return any(_identity(row, whole=True) in held for row in rows)


def _identity(row: Row, whole: bool = False) -> object:
    """Return what makes a row that row: the layer or weight itself and, unless `whole`, its slice."""
    if isinstance(row, Place):
        return id(row.layer)
    return id(row.weight) if whole or not row.slice_text else (id(row.weight), row.slice_text)


def choose(query: Query, kind: Kind, scope: Scope) -> Chosen:
    """Return the rows that the selectors of `query` choose in `scope`, in order."""
    if (
        len(query.selectors) == 1
        and isinstance(query.selectors[0], Selector)
        and not query.selectors[0].negated
    ):
        return _rows_of(query.selectors[0], kind, scope)
    pile = _Pile()
    problems: list[Problem] = []
    taken: list[tuple[Span, tuple[Row, ...]]] = []
    for i, selector in enumerate(query.selectors):
        assert not isinstance(selector, Missing)  # a query without errors has no holes
        if i == 0 and selector.negated:
            pile.add(_everything(kind, scope))
        chosen = _rows_of(selector, kind, scope)
        problems.extend(chosen.problems)
        if not selector.negated:
            pile.add(chosen.rows)
            continue
        taken.append((selector.span, chosen.rows))
        if not pile.take_away(chosen.rows) and not chosen.problems:
            problems.append(_took_nothing(selector.span))
    problems += [_undone(span) for span, rows in taken if rows and pile.holds_any(rows)]
    return Chosen(tuple(pile.rows.values()), tuple(problems))


def _took_nothing(span: Span) -> Problem:
    return Problem("took-nothing-away", "this took nothing away", span, severity="note")


def _undone(span: Span) -> Problem:
    message = "what this takes away is selected again by what follows: put it last"
    return Problem("undone", message, span, severity="note")


def _everything(kind: Kind, scope: Scope) -> tuple[Row, ...]:
    here = origin(None, scope.workspace, scope.location)
    return layers_within(here, scope.workspace) if kind == "layers" else weights_within(here, scope.workspace)


def _rows_of(selector: Selector | Reference, kind: Kind, scope: Scope) -> Chosen:
    if isinstance(selector, Reference):
        return _referred(selector, kind, scope)
    trace = follow(selector, scope)
    problems = missing.complaints(trace, scope)
    rows, more = _reached_rows(trace, kind, scope)
    return Chosen(rows, (*problems, *more))


def _reached_rows(trace: Trace, kind: Kind, scope: Scope) -> tuple[tuple[Row, ...], tuple[Problem, ...]]:
    selector, reached = trace.selector, trace.reached
    if selector.weight is not None:
        return sliced(trace.sites, selector)
    if kind == "weights":
        sites = weights_within(reached, scope.workspace)
        return sites, empty_complaints(trace, sites, scope)
    if selector.negated:
        return layers_within(reached, scope.workspace), ()
    if reached.workspace and not reached.places:
        return (), (missing.no_layer_at_workspace(selector),)
    return reached.places, ()


def follow(selector: Selector, scope: Scope) -> Trace:
    """Return every step that the path and the weight of a selector take, until nothing is left."""
    path = selector.path
    reached = origin(path, scope.workspace, scope.location)
    steps = []
    for segment in path.segments if path is not None else ():
        after = advance(reached, segment, scope.workspace)
        steps.append(Step(segment, reached, after))
        reached = after
        if not reached.places and not reached.workspace:
            return Trace(selector, tuple(steps), Reached(), ())
    sites = () if selector.weight is None else weights_named(reached, selector.weight, path)
    return Trace(selector, tuple(steps), reached, sites)


def _referred(reference: Reference, kind: Kind, scope: Scope) -> Chosen:
    named = scope.named.get(reference.name)
    if named is None:
        return Chosen((), (missing.no_such_query(reference, scope),))
    if reference.name in scope.within:
        message = f"'${reference.name}' refers to itself"
        return Chosen((), (Problem("query-in-itself", message, reference.span),))
    if isinstance(named, NamedResult):
        chosen = _earlier(named, reference, kind, scope)
    else:
        chosen = _named_rows(named.query, kind, scope.inside(reference.name))
        chosen = chosen.replace(problems=tuple(_within(reference, named.text, p) for p in chosen.problems))
    if reference.negated and kind == "layers":
        places = tuple(row for row in chosen.rows if isinstance(row, Place))
        return chosen.replace(rows=layers_within(Reached(places), scope.workspace))
    return chosen


def _named_rows(query: Query, kind: Kind, scope: Scope) -> Chosen:
    """Return what a query that has a name gives, its stages included."""
    if not query.stages:
        return choose(query, kind, scope)
    from weightrepl.engine.evaluate import rows_of

    try:
        return rows_of(query, kind, scope)
    except QueryError as error:
        return Chosen((), error.problems)


def _earlier(result: NamedResult, reference: Reference, kind: Kind, scope: Scope) -> Chosen:
    """Return the rows of an earlier result; of layers, where weights are wanted, all weights in and below them.

    Layers are wanted only where no part of the query is of weights, this result included.
    """
    rows = result.rows
    if result.kind == "table":
        message = f"'${reference.name}' is a table that holds no weights or layers"
        return Chosen((), (Problem("not-a-selection", message, reference.span),))
    if kind == "weights" and result.kind == "layers":
        places = tuple(row for row in rows if isinstance(row, Place))
        return Chosen(weights_within(Reached(places), scope.workspace))
    return Chosen(rows)


def _within(reference: Reference, text: str, problem: Problem) -> Problem:
    """Return a problem of a named query as one of the reference to it, whose text is the one that is shown."""
    message = f"in ${reference.name}: {problem.message}"
    advice = "\n".join(problem.advice(text)) or None
    return Problem(problem.code, message, reference.span, None, problem.severity, advice)


def kind_of(query: Query, named: Mapping[str, Named], within: frozenset[str] = frozenset()) -> Kind:
    """Return whether a query is of weights or of layers: of weights as soon as a selector has a `:`."""
    for selector in query.selectors:
        if isinstance(selector, Selector) and selector.weight is not None:
            return "weights"
        if isinstance(selector, Reference) and _kind_of_named(selector.name, named, within) == "weights":
            return "weights"
    return "layers"


def _kind_of_named(name: str, named: Mapping[str, Named], within: frozenset[str]) -> Kind:
    thing = None if name in within else named.get(name)
    if thing is None:
        return "layers"
    if isinstance(thing, NamedResult):
        return "weights" if thing.kind == "weights" else "layers"
    from weightrepl.engine.stages import wants_weights

    if wants_weights(thing.query.stages):
        return "weights"
    return kind_of(thing.query, named, within | {name})


def owners(sites: Iterable[Site]) -> Iterator[Place]:
    """Yield the layers that own the weights, each once."""
    return iter({id(site.place.layer): site.place for site in sites}.values())
