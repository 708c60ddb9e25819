"""What to say of a path that led to no layer, or to fewer than its words promise: what is there, what to type."""

from __future__ import annotations

from collections.abc import Iterator

from weightrepl.engine import habits
from weightrepl.engine.addresses import address, relative
from weightrepl.engine.missing_weights import weight_complaints
from weightrepl.engine.resolve import Reached, advance
from weightrepl.engine.scope import Scope
from weightrepl.engine.trace import Step, Trace
from weightrepl.errors import Fix, Problem
from weightrepl.model.tree import SYSTEM_NAMES, Place, nfc
from weightrepl.query.globs import expand_literals
from weightrepl.query.printer import escape_name
from weightrepl.query.syntax import Deep, Dotted, Name, Reference, Selector
from weightrepl.spans import Span, listed, nearest, visible


def complaints(trace: Trace, scope: Scope) -> tuple[Problem, ...]:
    """Return what there is to say of a selector's way through the tree; after `!` all of it is notes."""
    problems = [problem for step in trace.steps for problem in _of_step(step, trace, scope)]
    if not trace.ended:
        problems += weight_complaints(trace, scope)
    if trace.selector.negated:
        problems = [problem.replace(severity="note") for problem in problems]
    return tuple(problems)


def no_such_query(reference: Reference, scope: Scope) -> Problem:
    """Return the problem of a `$name` that nothing was named."""
    name = visible(reference.name)
    message = f"no query or result is called '${name}'"
    near = nearest(reference.name, scope.named, limit=1)
    if near:
        return Problem("no-such-name", message, reference.span, Fix(reference.span, f"${near[0]}"))
    known = f"there are {listed(tuple(scope.named))}" if scope.named else "none has a name yet"
    return Problem("no-such-name", message, reference.span, hint=known)


def no_layer_at_workspace(selector: Selector) -> Problem:
    """Return the problem of a query of layers that reaches the workspace, which is none."""
    return Problem(
        "no-layer", "the workspace is no layer; the models in it are", selector.span, Fix(selector.span, "/*")
    )


def _of_step(step: Step, trace: Trace, scope: Scope) -> Iterator[Problem]:
    segment = step.segment
    if isinstance(segment, Name):
        yield from _of_name(segment, step, trace, scope)
    elif isinstance(segment, Dotted):
        if not step.after.places:
            yield _no_dotted(segment, step, trace, scope)
    elif not isinstance(segment, Deep) and not step.after.places and not step.after.workspace:
        yield Problem("nothing-above", "there is nothing above the workspace", segment.span)


def _of_name(segment: Name, step: Step, trace: Trace, scope: Scope) -> Iterator[Problem]:
    spelled = (expand_literals(segment.glob) or ()) if segment.glob is not None else ()
    lost = [(name, span) for name, span in spelled if not _children_named(name, step.before, scope)]
    for name, span in lost:
        yield _no_layer(name, span, step, trace, scope)
    if lost:
        return
    literal = segment.glob.literal if segment.glob is not None else None
    if literal is not None:
        yield from _of_siblings(literal, segment, step, trace, scope)
    elif not step.after.places:
        yield _no_match(segment, step, trace, scope)


def _children_named(name: str, reached: Reached, scope: Scope) -> list[Place]:
    found = list(scope.workspace.by_name.get(nfc(name), ())) if reached.workspace else []
    return found + [child for place in reached.places for child in place.named.get(nfc(name), ())]


def _children(reached: Reached, scope: Scope) -> list[Place]:
    found = list(scope.workspace.places) if reached.workspace else []
    return found + [c for place in reached.places for c in place.children if not c.layer.system]


def names_at(reached: Reached, scope: Scope) -> tuple[str, ...]:
    """Return the names one level below what was reached, each once."""
    names = list(scope.workspace.by_name) if reached.workspace else []
    names += [c.layer.name for place in reached.places for c in place.children if not c.layer.system]
    return tuple(dict.fromkeys(names))


def where(reached: Reached, scope: Scope) -> str:
    """Return, for a message, the place or places that a step started from."""
    if reached.workspace and not reached.places:
        return "among the open models"
    if len(reached.places) == 1:
        return f"in {address(reached.places[0], scope.workspace)}"
    return f"in any of the {len(reached.places):,} layers reached"


# ------------------------------------------------------------------ a name that is not there


def _no_layer(name: str, span: Span, step: Step, trace: Trace, scope: Scope) -> Problem:
    if step.before.workspace and not step.before.places:
        message = f"no model '{visible(name)}' is open"
    else:
        message = f"no layer '{visible(name)}' {where(step.before, scope)}"
    problem = Problem("no-such-layer", message, span)
    if name.startswith("%"):
        return problem.replace(hint="what begins with '%' is a command, for the prompt and for notebooks")
    if name.endswith((".keras", ".h5", ".npz", ".safetensors")):
        return problem.replace(
            hint="a file is opened first: weightrepl NAME=FILE, at the prompt %open NAME=FILE"
        )
    habit = habits.fix_of_layer(name, step, trace, scope)
    if habit is not None:
        return _typed_instead(problem, habit, scope)
    return _with_advice(problem, name, step, trace, scope)


def _typed_instead(problem: Problem, fix: Fix, scope: Scope) -> Problem:
    return problem.replace(fix=fix, hint=f"type instead: {fix.applied(scope.text)}")


def _with_advice(problem: Problem, name: str, step: Step, trace: Trace, scope: Scope) -> Problem:
    assert problem.span is not None
    assert isinstance(step.segment, Name)
    assert step.segment.glob is not None
    is_whole = problem.span == step.segment.glob.span  # and no alternative in braces
    deeper = _deeper(step, scope) if is_whole else None
    if deeper is not None:
        found, path = deeper
        fix = Fix(step.segment.span, path)
        how_many = "it is deeper" if found == 1 else f"{found:,} of that name are deeper"
        return problem.replace(fix=fix, hint=f"{how_many}: {fix.applied(scope.text)}")
    weight = habits.fix_of_weight(step.segment, step, trace, scope) if is_whole else None
    if weight is not None:
        return _typed_instead(problem, weight, scope)
    names = names_at(step.before, scope)
    models = tuple(scope.workspace.by_name) if step is trace.steps[0] else ()
    near = nearest(name, (*names, *models))
    cls = habits.fix_of_class(step.segment, step, scope) if is_whole else None
    if near:
        more = "".join(f", or '{escape_name(n)}'" for n in near[1:])
        more += f", or the class '{cls.text}'" if cls else ""
        first = escape_name(near[0])
        stands_alone = is_whole or problem.span.of(scope.text) == escape_name(name)  # {a,b} but not a{b,c}
        fixed = Fix(problem.span, first) if stands_alone else None
        return problem.replace(fix=fixed, hint=f"did you mean '{first}'{more}?")
    return _typed_instead(problem, cls, scope) if cls else problem.replace(hint=_what_is_there(names))


def _what_is_there(names: tuple[str, ...]) -> str:
    return (
        f"there {'is' if len(names) == 1 else 'are'} {listed(names)}"
        if names
        else "there are no layers in it"
    )


def _deeper(step: Step, scope: Scope) -> tuple[int, str] | None:
    """Return how many layers further down the segment would match, and a path in its place that reaches them."""
    text = step.segment.span.of(scope.text)
    below = advance(step.before, Deep(span=step.segment.span), scope.workspace)
    found = advance(below, step.segment, scope.workspace).places
    if not found:
        return None
    if len(found) > 1:
        return len(found), f"**/{text}"
    above = next((p for p in reversed(found[0].ancestry) if p in step.before.places), None)
    return 1, relative(found[0], above, scope.workspace)


def _no_match(segment: Name, step: Step, trace: Trace, scope: Scope) -> Problem:
    text = segment.span.of(scope.text)
    message = f"nothing matches '{visible(text)}' {where(step.before, scope)}"
    problem = Problem("no-match", message, segment.span, severity="note")
    habit = habits.fix_of_index(segment, step, trace, scope)
    if habit is not None:
        return _typed_instead(problem, habit, scope)
    deeper = _deeper(step, scope)
    if deeper is not None:
        fix = Fix(segment.span, f"**/{text}")
        found = f"in {deeper[0]:,} layer{'s' * (deeper[0] > 1)} below"
        return problem.replace(fix=fix, hint=f"{found}: {fix.applied(scope.text)}")
    if segment.class_glob is not None:
        classes = sorted({c.layer.class_name or "" for c in _children(step.before, scope)} - {""})
        near = nearest(segment.class_glob.literal or "", classes, limit=1)
        if near:
            before = Span(segment.span.start, segment.class_glob.span.start).of(scope.text)
            return problem.replace(fix=Fix(segment.span, before + escape_name(near[0])))
        return problem.replace(hint=f"classes there: {listed(classes)}" if classes else None)
    meant = (
        habits.fix_of_expression(segment, step, scope)
        or habits.fix_of_weight(segment, step, trace, scope)
        or habits.fix_of_class(segment, step, scope)
    )
    if meant is not None:
        return _typed_instead(problem, meant, scope)
    return problem.replace(hint=_what_is_there(names_at(step.before, scope)))


# ------------------------------------------------------------------ several of one name


def _of_siblings(name: str, segment: Name, step: Step, trace: Trace, scope: Scope) -> Iterator[Problem]:
    assert segment.glob is not None
    named = _children_named(name, step.before, scope)
    if step.before.workspace and len(scope.workspace.by_name.get(nfc(name), ())) > 1:
        if not isinstance(segment.ordinal, int):
            yield _ambiguous_model(name, segment.glob.span, scope)
        return
    shown, count = visible(name), max((p.ordinal for p in named), default=1)
    if isinstance(segment.ordinal, int) and segment.ordinal > count:
        message = (
            f"there {'are' if count > 1 else 'is'} only {count} layer{'s' * (count > 1)} called '{shown}'"
        )
        fix = Fix(Span(segment.glob.span.end, segment.span.end), f"#{count}" if count > 1 else "")
        yield Problem("no-such-sibling", f"{message} {where(step.before, scope)}", segment.span, fix)
    elif segment.class_glob is not None and not step.after.places:
        yield _no_match(segment, step, trace, scope)
    elif segment.ordinal is None and segment.class_glob is None and count > 1:
        message = f"{count} layers are called '{shown}' here; this is the first"
        hint = f"{shown}#2 is the second, {shown}#* are all"
        yield Problem("more-siblings", message, segment.span, severity="note", hint=hint)


def _ambiguous_model(name: str, span: Span, scope: Scope) -> Problem:
    claims = scope.workspace.by_name[nfc(name)]
    unique = [address(place, scope.workspace) for place in claims]
    message = f"{len(claims)} open models are called '{visible(name)}'"
    return Problem(
        "ambiguous-model", message, span, Fix(span, unique[0]), hint=f"say which: {', '.join(unique)}"
    )


# ------------------------------------------------------------------ attributes and the system's layers


def _no_dotted(segment: Dotted, step: Step, trace: Trace, scope: Scope) -> Problem:
    text = visible(segment.span.of(scope.text))
    children = [c.layer for place in step.before.places for c in place.children]
    system = tuple(layer.name for layer in children if layer.system)
    if f".{segment.glob.literal}" in SYSTEM_NAMES:
        hint = f"system layers there: {listed(system)}" if system else "it has none of the system's layers"
        return Problem("no-such-layer", f"no '{text}' {where(step.before, scope)}", segment.span, hint=hint)
    own = [layer for layer in children if not layer.system]
    known = [a for layer in own for a in layer.attributes or ()]
    if any(layer.attributes is None for layer in own):
        message = f"'{text}' asks for an attribute, which this source does not record for every layer here"
        hint = _what_is_there(names_at(step.before, scope))
        problem = Problem("no-attributes", message, segment.span, hint=hint)
    else:
        message = f"no attribute '{text}' {where(step.before, scope)}"
        there = f"attributes there: {listed(['.' + a for a in known])}" if known else None
        problem = Problem("no-such-attribute", message, segment.span, hint=there)
    habit = habits.fix_of_attribute(segment, step, trace, scope)
    if habit is not None:
        return _typed_instead(problem, habit, scope)
    near = nearest(segment.glob.literal or "", known, limit=1)
    fix = Fix(segment.span, "." + escape_name(near[0])) if near else None
    return problem.replace(fix=fix, hint=None if fix else problem.hint)
