"""What to say where no weight was found: which there are, what is not built, where the weights lie instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from weightrepl.engine.addresses import address
from weightrepl.engine.resolve import layers_within, weights_within
from weightrepl.engine.scope import Scope
from weightrepl.engine.trace import Trace
from weightrepl.errors import Fix, Problem
from weightrepl.model.tree import Place, Site, nfc
from weightrepl.query.globs import compile_glob, expand_literals
from weightrepl.query.printer import escape_name
from weightrepl.query.syntax import Glob, Missing, WeightName
from weightrepl.spans import Span, listed, nearest, visible


def weight_complaints(trace: Trace, scope: Scope) -> Iterator[Problem]:
    """Yield what there is to say of the weights that a selector names."""
    weight = trace.selector.weight
    if weight is None or isinstance(weight.glob, Missing):
        return
    glob = weight.glob
    if not trace.reached.places:
        yield _no_layer_named(weight.span, scope)
        return
    named = expand_literals(glob) or ()
    found = set(map(nfc, {site.weight.name for site in trace.sites})) if named else ()
    lost = [(name, span) for name, span in named if nfc(name) not in found]
    if lost:  # perhaps only the ordinal kept it out
        own = {nfc(w.name) for place in trace.reached.places for w in place.layer.weights}
        lost = [(name, span) for name, span in lost if nfc(name) not in own]
    for name, span in lost:
        yield _no_weight(name, span, trace, scope)
    if not lost:
        yield from _of_found(weight, glob, trace, scope)


def _no_layer_named(span: Span, scope: Scope) -> Problem:
    models = [address(place, scope.workspace) for place in scope.workspace.places]
    hint = f"open models: {listed(models)}" if models else "no model is open"
    message = "the workspace holds no weights itself: begin with a model's name, or with '**'"
    return Problem("no-location", message, span, hint=hint)


def _of_found(weight: WeightName, glob: Glob, trace: Trace, scope: Scope) -> Iterator[Problem]:
    if not trace.sites:
        if isinstance(weight.ordinal, int):
            yield Problem(
                "no-such-sibling", f"no layer has {weight.ordinal} weights of that name", weight.span
            )
            return
        unbuilt = _unbuilt(trace.reached.places)
        yield _not_built(unbuilt, weight.span, scope) if unbuilt else _no_match(weight, glob, trace, scope)
        return
    if weight.ordinal is None and glob.literal is not None:
        several = [s for s in trace.sites[:1000] if len(s.place.layer.weights_named[nfc(s.weight.name)]) > 1]
        if several:
            name = visible(several[0].weight.name)
            message = f"a layer has several weights called '{name}'; this is the first"
            hint = f"{name}#2 is the second, {name}#* are all"
            yield Problem("more-siblings", message, weight.span, severity="note", hint=hint)
    yield from unbuilt_note(trace.reached.places, weight.span, scope)


def _no_weight(name: str, span: Span, trace: Trace, scope: Scope) -> Problem:
    places = trace.reached.places
    unbuilt = _unbuilt(places)
    if unbuilt:
        return _not_built(unbuilt, span, scope)
    owner = address(places[0], scope.workspace) if len(places) == 1 else f"the {len(places):,} layers reached"
    problem = Problem("no-such-weight", f"no weight '{visible(name)}' in {owner}", span)
    names = tuple(dict.fromkeys(w.name for place in places for w in place.layer.weights))
    near = nearest(name, names, limit=1)
    if near:
        return problem.replace(fix=Fix(span, escape_name(near[0])))
    return _deeper(problem, lambda other: nfc(other) == nfc(name), trace, scope) or problem.replace(
        hint=_what_there_is(names, len(places))
    )


def _what_there_is(names: Sequence[str], layers: int) -> str:
    they_have, their = ("it has", "its") if layers == 1 else ("they have", "their")
    return f"{they_have} {listed(names) if names else f'no weights of {their} own'}"


def _deeper(problem: Problem, fits: Callable[[str], bool], trace: Trace, scope: Scope) -> Problem | None:
    """Return the problem with its fix where such weights lie below: `**` before the colon finds them."""
    below = [s for s in weights_within(trace.reached, scope.workspace) if fits(s.weight.name)]
    weight = trace.selector.weight
    if not below or weight is None:
        return None
    colon = weight.span.start - 1
    slash = "" if trace.selector.path is None or scope.text[:colon].endswith("/") else "/"
    fix = Fix(Span(colon, colon), f"{slash}**")
    how_many = "it is deeper" if len(below) == 1 else f"{len(below):,} are deeper"
    return problem.replace(fix=fix, hint=f"{how_many}: {fix.applied(scope.text)}")


def _no_match(weight: WeightName, glob: Glob, trace: Trace, scope: Scope) -> Problem:
    names = tuple(dict.fromkeys(w.name for place in trace.reached.places for w in place.layer.weights))
    text = visible(weight.span.of(scope.text))
    problem = Problem("no-match", f"no weight matches '{text}'", weight.span, None, "note")
    deeper = _deeper(problem, compile_glob(glob).matches, trace, scope)
    return deeper or problem.replace(hint=_what_there_is(names, len(trace.reached.places)))


# ------------------------------------------------------------------ not built


def _unbuilt(places: Sequence[Place]) -> list[Place]:
    return [place for place in places if place.layer.built is False and not place.layer.weights]


def _not_built(unbuilt: Sequence[Place], span: Span, scope: Scope) -> Problem:
    first = address(unbuilt[0], scope.workspace)
    others = f" (nor are {len(unbuilt) - 1} more)" if len(unbuilt) > 1 else ""
    lines = [
        p.layer.build_line for place in unbuilt[:1] for p in reversed(place.ancestry) if p.layer.build_line
    ]
    hint = f"build it first: {lines[0]}" if lines else None
    return Problem(
        "not-built", f"{first} is not built: its weights do not exist yet{others}", span, hint=hint
    )


def unbuilt_note(places: Sequence[Place], span: Span, scope: Scope) -> Iterator[Problem]:
    """Yield a note where some of the layers asked were never built, so that their weights do not exist."""
    unbuilt = _unbuilt(places)
    if unbuilt:
        yield _not_built(unbuilt, span, scope).replace(severity="note")


def empty_complaints(trace: Trace, sites: tuple[Site, ...], scope: Scope) -> tuple[Problem, ...]:
    """Return what there is to say of a path that stands for all weights in and below it."""
    if trace.ended:
        return ()
    below = layers_within(trace.reached, scope.workspace)
    span = trace.selector.span
    if sites:
        return tuple(unbuilt_note(below, span, scope))
    unbuilt = _unbuilt(below)
    if unbuilt:
        problem = _not_built(unbuilt, span, scope)
    else:
        problem = Problem("no-weights", "there are no weights in or below it", span, severity="note")
    return (problem.replace(severity="note") if trace.selector.negated else problem,)
