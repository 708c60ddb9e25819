"""The stage `diff`: which weights stand against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import TypeAlias

from weightrepl.engine.addresses import address, relative, weight_name
from weightrepl.engine.columns import site_address
from weightrepl.engine.expressions import ExpressionError
from weightrepl.engine.missing import complaints
from weightrepl.engine.missing_weights import empty_complaints
from weightrepl.engine.relation import Relation
from weightrepl.engine.resolve import Reached, advance, origin, weights_within
from weightrepl.engine.scope import Named, NamedQuery, NamedResult, Scope
from weightrepl.engine.selectors import follow
from weightrepl.engine.trace import Trace
from weightrepl.errors import Fix, Problem, errors_in
from weightrepl.model.tree import Place, Site, nfc
from weightrepl.query.parser import parse
from weightrepl.query.printer import format_slice
from weightrepl.query.syntax import (
    Dotted,
    Glob,
    Here,
    Missing,
    Name,
    Parent,
    Path,
    Query,
    Reference,
    Segment,
    Selector,
    Slice,
    Stage,
    Text,
)
from weightrepl.spans import Span, listed
from weightrepl.values import Value

SitePair: TypeAlias = "tuple[Site, Site | None] | tuple[None, Site]"


class OtherSide(Value):
    """What the left side of a `diff` is compared with.

    query: gives its weights, in `scope`. path: how the query spelled it.
    left_root, root: the layers that stand for each other; None where the path names a weight.
    notes: what there is to tell about the path.
    """

    query: Query
    scope: Scope
    path: Selector
    left_root: Place | None
    root: Place | None
    notes: tuple[Problem, ...]


def other_side(query: Query, number: int, given: Relation, scope: Scope) -> OtherSide:
    """Return the right side of `diff`, which is the query's stage of that number, where `given` is its left.

    Raises:
        ExpressionError: the path does not lead to one layer, or to one weight where a weight was named.
    """
    stage = query.stages[number]
    assert isinstance(stage, Stage)
    (path,) = stage.arguments
    assert isinstance(path, Selector)
    scope = _with_queries(query, scope)
    trace = follow(path, scope)
    notes = _checked(trace, scope)
    stages = query.stages[:number]
    if path.weight is not None:
        part = _slice_of(_the_pair(trace, given, scope), query, scope)
        named_itself = Query((path.replace(slice=part),), stages, span=stage.span)
        return OtherSide(named_itself, scope, path, None, None, ())
    root, left_root = _the_layer(trace, scope), _common(list(_roots(query, scope)), stage)
    if root is left_root:
        notes += (Problem("same-sides", "this is the left side itself", path.span, severity="note"),)
    named: dict[str, Named] = {
        name: NamedQuery(each.text, _moved(each.query, left_root, scope, each.query.stages))
        for name, each in scope.named.items()
        if isinstance(each, NamedQuery)
    }
    moved = _moved(query, left_root, scope, stages)
    return OtherSide(moved, scope.replace(location=root, named=named), path, left_root, root, notes)


def _with_queries(query: Query, scope: Scope) -> Scope:
    """Return the scope in which each earlier result that the query refers to is the query of its rows' addresses."""
    for reference in (s for s in query.selectors if isinstance(s, Reference)):
        named = scope.named[reference.name]
        if isinstance(named, NamedResult):
            named = _as_query(named, reference, scope)
            scope = scope.replace(named={**scope.named, reference.name: named})
        scope = _with_queries(named.query, scope)
    return scope


def _as_query(result: NamedResult, reference: Reference, scope: Scope) -> NamedQuery:
    if any(isinstance(row, Site) and row.derived for row in result.rows):
        message = f"'diff' compares weights, and the values of '${reference.name}' were computed"
        raise ExpressionError("needs-weights", message, reference.span)
    text = ", ".join(
        site_address(row, scope.workspace) if isinstance(row, Site) else address(row, scope.workspace)
        for row in result.rows
    )
    return NamedQuery(text, parse(text).query)


def as_notes(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return what there is to say of selectors that were moved to the right side: what is not there, the left only has.

    Without advice: what it would change is the text of the left side.
    """
    return tuple(problem.replace(severity="note", fix=None, hint=None) for problem in problems)


def of_the_right(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Return the same problems, each saying that it is about the right side."""
    return tuple(problem.replace(message=f"on the right side: {problem.message}") for problem in problems)


# ------------------------------------------------------------------ the path


def _checked(trace: Trace, scope: Scope) -> tuple[Problem, ...]:
    """Return what there is to note of the path; raise what is wrong with it, or why it leads to nothing."""
    problems = complaints(trace, scope)
    found = trace.sites
    if trace.selector.weight is None:
        found = weights_within(trace.reached, scope.workspace)
        problems += empty_complaints(trace, found, scope)
    for problem in errors_in(problems) or (() if found else problems):
        assert problem.span is not None
        raise ExpressionError(problem.code, problem.message, problem.span, problem.fix, problem.hint)
    return problems


def _the_layer(trace: Trace, scope: Scope) -> Place:
    span, places = trace.selector.span, trace.reached.places
    if trace.reached.workspace:
        models = listed([address(place, scope.workspace) for place in scope.workspace.places])
        message = "'diff' compares with one model or layer, not with all that is open"
        raise ExpressionError("diff-path", message, span, hint=f"open: {models}")
    if len(places) > 1:
        message = f"'diff' compares with one layer, and this matches {len(places):,}"
        raise ExpressionError("diff-path", message, span, Fix(span, address(places[0], scope.workspace)))
    return places[0]


def _the_pair(trace: Trace, given: Relation, scope: Scope) -> Site:
    """Return the left weight where there is one on each side; raise where there is not."""
    weight = trace.selector.weight
    assert weight is not None
    if len(trace.sites) != 1:
        fix = Fix(trace.selector.span, site_address(trace.sites[0], scope.workspace))
        message = f"'diff' compares one weight with one, and this matches {len(trace.sites):,}"
        raise ExpressionError("diff-path", message, weight.span, fix)
    if len(given.rows) != 1:
        message = f"'diff' compares one weight with one, and the left side has {len(given.rows):,}"
        span = Span(weight.span.start - 1, weight.span.end)
        raise ExpressionError("diff-path", message, span, Fix(span, ""))
    site: Site = given.rows[0]
    return site


def _slice_of(site: Site, query: Query, scope: Scope) -> Slice | None:
    """Return the slice that gave a row, as the query has it: it is taken of the right side too."""
    if not site.slice_text:
        return None
    return next(part for part in _slices(query, scope) if format_slice(part) == site.slice_text)


def _slices(query: Query, scope: Scope) -> Iterator[Slice]:
    for selector in query.selectors:
        if isinstance(selector, Reference):
            yield from _slices(_query_of(selector, scope), scope)
        elif isinstance(selector, Selector) and selector.slice is not None:
            yield selector.slice


def _query_of(reference: Reference, scope: Scope) -> Query:
    named = scope.named[reference.name]
    assert isinstance(named, NamedQuery)  # see _with_queries
    return named.query


# ------------------------------------------------------------------ the roots


def _roots(query: Query, scope: Scope) -> Iterator[Place | None]:
    """Yield where the spelled-out beginning of each selector that adds rows leads to (None: the workspace)."""
    for i, selector in enumerate(query.selectors):
        assert isinstance(selector, Selector | Reference)  # a query without errors has no holes
        if selector.negated:
            if i == 0:  # it takes away from everything here
                yield scope.location
        elif isinstance(selector, Reference):
            yield from _roots(_query_of(selector, scope), scope)
        else:
            yield _led(selector.path, scope)[0]


def _led(path: Path | None, scope: Scope) -> tuple[Place | None, tuple[Segment, ...]]:
    """Return the one layer that the spelled-out beginning of a path leads to, and what follows it."""
    reached = origin(path, scope.workspace, scope.location)
    segments = path.segments if path is not None else ()
    for i, segment in enumerate(segments):
        after = advance(reached, segment, scope.workspace) if _is_spelled_out(segment) else Reached()
        if len(after.places) + after.workspace != 1:
            return _place(reached), segments[i:]
        reached = after
    return _place(reached), ()


def _place(reached: Reached) -> Place | None:
    return reached.places[0] if reached.places else None


def _is_spelled_out(segment: Segment) -> bool:
    match segment:
        case Here() | Parent():
            return True
        case (
            Name(glob=Glob(literal=str()), class_glob=None, ordinal=ordinal)
            | Dotted(glob=Glob(literal=str()), class_glob=None, ordinal=ordinal)
        ):
            return ordinal != "*"
    return False


def _common(roots: Sequence[Place | None], stage: Stage) -> Place:
    """Return the lowest layer that all roots lie in."""
    lowest = None if None in roots else common([root for root in roots if root is not None])
    if lowest is not None:
        return lowest
    message = "'diff' compares what lies below one model or layer, and the left side begins at the workspace"
    raise ExpressionError(
        "diff-root", message, stage.name_span, hint="begin it with a model's name: base/**:* | diff tuned"
    )


def common(places: Sequence[Place]) -> Place | None:
    """Return the lowest layer that all places are or lie in; None where they have none in common."""
    lowest = None
    for level in zip(*(place.ancestry for place in places), strict=False):
        if any(place is not level[0] for place in level):
            break
        lowest = level[0]
    return lowest


# ------------------------------------------------------------------ the same selectors, elsewhere


def _moved(query: Query, root: Place, scope: Scope, stages: tuple[Stage | Missing, ...]) -> Query:
    """Return a query whose selectors lead from the location to where they led from `root`, with these stages."""
    moved = tuple(_moved_selector(s, root, scope) if isinstance(s, Selector) else s for s in query.selectors)
    return Query(moved, stages, span=query.span)


def _moved_selector(selector: Selector, root: Place, scope: Scope) -> Selector:
    span = selector.span if selector.path is None else selector.path.span
    end, rest = _led(selector.path, scope)
    segments = (Here(span=span), *_way(root, end, scope, span), *rest)
    return selector.replace(path=Path(absolute=False, segments=segments, span=span))


def _way(start: Place, end: Place | None, scope: Scope, span: Span) -> Iterator[Segment]:
    """Yield the segments that lead from one layer to another, or to the workspace."""
    above, below = start.ancestry, () if end is None else end.ancestry
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] is pair[1], zip(above, below, strict=False)))
    yield from (Parent(span=span) for _ in above[shared:])
    for place in below[shared:]:
        name, ordinal = place.layer.name, place.ordinal
        if place.parent is None:
            name, ordinal = scope.workspace.shown_name(place.model)
        system = place.layer.system
        glob = Glob((Text(name[system:], span=span),), span=span)
        yield Dotted(glob, span=span) if system else Name(glob, ordinal or None, span=span)


# ------------------------------------------------------------------ pairs


def paired(left: Sequence[Site], right: Sequence[Site], side: OtherSide) -> list[SitePair]:
    """Return the weights of both sides in pairs, those of the left in order, then what only the right has."""
    if len(left) == len(right) == 1:
        return [(left[0], right[0])]
    others = {_key(site, side.root, side): site for site in right}
    pairs: list[SitePair] = [(site, others.pop(_key(site, side.left_root, side), None)) for site in left]
    return [*pairs, *((None, site) for site in others.values())]


def _key(site: Site, root: Place | None, side: OtherSide) -> str:
    """Return what follows the root on the way on which a weight was reached, and the weight's name and slice."""
    way = relative(site.place, root, side.scope.workspace)
    return nfc(f"{way}:{weight_name(site.place.layer, site.weight)}{site.slice_text}")


def unpaired_note(side: OtherSide) -> Problem:
    """Return the note of a `diff` whose sides have nothing in common, with the path that may have been meant."""
    workspace, span = side.scope.workspace, side.path.span
    message = "nothing on the left side has a counterpart on the right side"
    note = Problem("nothing-paired", message, span, severity="note")
    if side.root is None or side.left_root is None or side.left_root.parent is None:
        return note
    meant = Reached((side.root,))
    for segment in _way(side.left_root.model.place, side.left_root, side.scope, span):
        meant = advance(meant, segment, workspace)
    if not meant.places:
        return note
    way = relative(side.left_root, side.left_root.model.place, workspace)
    return note.replace(fix=Fix(Span(span.end, span.end), f"/{way}"))
