"""What people type who come from elsewhere, answered with the address that they meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from weightrepl.engine.addresses import relative, weight_address, weight_name
from weightrepl.engine.resolve import advance, weights_within
from weightrepl.engine.scope import Scope
from weightrepl.engine.trace import Step, Trace
from weightrepl.errors import Fix
from weightrepl.model.tree import Layer, Place, Weight, nfc
from weightrepl.query.globs import compile_glob
from weightrepl.query.names import text_glob
from weightrepl.query.syntax import Deep, Dotted, Name
from weightrepl.spans import Span

MAX_KEYS = 200_000
"""As many raw keys are compared with what was pasted."""

_NUMBER = re.compile(r"\.(-?\d+)(?=\.|\Z)")
_QUOTED = re.compile(r"""\[(['"])([^'"\]]+)\1\]""")
_WEIGHTS = re.compile(r"(?:weights|variables)\.(-?\d+)")


def fix_of_layer(name: str, step: Step, trace: Trace, scope: Scope) -> Fix | None:
    """Return the fix for a layer's name that is something else: a weight's, a dotted path, a raw key."""
    dotted = _of_python(name, step, trace, scope) if "." in name else None
    return _of_slash(name, step, trace) or dotted or _of_key(trace, scope) or _of_system(name, step)


def _of_system(name: str, step: Step) -> Fix | None:
    """`optimizer` -> `.optimizer`, where there is one."""
    system = {
        child.layer.name for place in step.before.places for child in place.children if child.layer.system
    }
    return Fix(step.segment.span, f".{name}") if f".{name}" in system else None


def fix_of_index(segment: Name, step: Step, trace: Trace, scope: Scope) -> Fix | None:
    """Return the fix for `layers[3]`, `model.layers[-1].kernel`, which as patterns match nothing: the address."""
    text = segment.span.of(scope.text)
    return _of_python(text, step, trace, scope) if "[" in text else None


def fix_of_attribute(segment: Dotted, step: Step, trace: Trace, scope: Scope) -> Fix | None:
    """Return the fix for `.head.kernel`, as jq writes it, and `.layers[-1]`: the name or address."""
    return _of_python(segment.span.of(scope.text)[1:], step, trace, scope)


def fix_of_weight(segment: Name, step: Step, trace: Trace, scope: Scope) -> Fix | None:
    """Return the fix for `kernel`, `*.kernel` and `block/ker*`, which are weights further down: `**:kernel`."""
    is_last = step is trace.steps[-1] and trace.selector.weight is None
    if not is_last or segment.glob is None or (segment.ordinal, segment.class_glob) != (None, None):
        return None
    text = segment.span.of(scope.text)
    matches, suffix = compile_glob(segment.glob).matches, text.removeprefix("*.").replace("**", "*")
    below = {site.weight.name for site in weights_within(step.before, scope.workspace)}
    if not any(matches(name) or name == suffix for name in below):
        return None
    steps = trace.steps[:-1]
    start = steps[-1].segment.span.start if steps and isinstance(steps[-1].segment, Deep) else None
    return Fix(Span(segment.span.start if start is None else start, segment.span.end), f"**:{suffix}")


def fix_of_expression(segment: Name, step: Step, scope: Scope) -> Fix | None:
    """Return the fix for `block_.*`, a regular expression: the pattern, where it matches."""
    text = segment.span.of(scope.text).replace(".*", "*")
    meant = Name(text_glob(text)[0], span=segment.span)
    return Fix(segment.span, text) if advance(step.before, meant, scope.workspace).places else None


def fix_of_class(segment: Name, step: Step, scope: Scope) -> Fix | None:
    """Return the fix for `Dense` and `*Norm*`, which are classes: `@Dense`, or `**/@Dense` further down."""
    if segment.glob is None or (segment.ordinal, segment.class_glob) != (None, None):
        return None
    cls = Name(None, None, segment.glob, span=segment.span)
    deep = advance(step.before, Deep(span=segment.span), scope.workspace)
    for reached, way in ((step.before, ""), (deep, "**/")):
        if advance(reached, cls, scope.workspace).places:
            return Fix(segment.span, f"{way}@{segment.span.of(scope.text)}")
    return None


def _of_slash(name: str, step: Step, trace: Trace) -> Fix | None:
    """`outer_dense/kernel`, `outer_dense/kernel:0` -> `outer_dense:kernel`."""
    if step is not trace.steps[-1]:
        return None
    owner = next((p.layer for p in step.before.places if nfc(name) in p.layer.weights_named), None)
    if owner is None:
        return None
    start = step.segment.span.start - (len(trace.steps) > 1)
    weight = weight_name(owner, owner.weights_named[nfc(name)][0])
    return Fix(Span(start, trace.selector.span.end), f":{weight}")


def _of_python(text: str, step: Step, trace: Trace, scope: Scope) -> Fix | None:
    """`outer_dense.kernel`, `model.module.layers[1].kernel` -> the address, where it can be followed."""
    plain = _NUMBER.sub(r"[\1]", _QUOTED.sub(r".\2", text))
    names = [name.replace("[", ".").removesuffix("]") for name in plain.split(".")]
    for place in step.before.places:
        found = _follow(place, names)
        is_variable = "[" in text or names[0] in (place.layer.name, "model")  # as Python calls the model
        if found is None and is_variable and len(names) > 1:
            found = _follow(place, names[1:])
        if found is not None:
            target, weight = found
            way = relative(target, place, scope.workspace)
            fixed = way if weight is None else f"{way}:{weight_name(target.layer, weight)}"
            end = trace.selector.span.end if weight is not None else step.segment.span.end
            return Fix(Span(step.segment.span.start, end), fixed)
    return None


def _follow(place: Place, names: list[str]) -> tuple[Place, Weight | None] | None:
    """Return where dotted names or attributes lead: a layer, or a layer's weight."""
    for i, name in enumerate(names):
        child = _child(place, name)
        if child is None:
            weight = _weight(place.layer, name)
            return (place, weight) if weight is not None and i == len(names) - 1 else None
        place = child
    return place, None


def _weight(layer: Layer, name: str) -> Weight | None:
    """Return the weight that Python calls `kernel`, `_kernel` or `weights[0]`."""
    if counted := _WEIGHTS.fullmatch(name):
        number = int(counted[1])
        return layer.weights[number] if -len(layer.weights) <= number < len(layer.weights) else None
    return next(iter(layer.weights_named.get(nfc(name.removeprefix("_")), ())), None)


def _child(place: Place, name: str) -> Place | None:
    named = place.named.get(nfc(name))
    if named:
        return named[0]
    held = {attribute: child for child in place.children for attribute in child.layer.attributes or ()}
    series, dot, number = name.rpartition(".-")  # counted from the end
    if dot and number.isdigit():
        length = sum(attribute.rpartition(".")[0] == series for attribute in held)
        name = f"{series}.{length - int(number)}"
    return held.get(name)


def _of_key(trace: Trace, scope: Scope) -> Fix | None:
    """A raw key pasted whole -> the weight's address."""
    text = trace.selector.span.of(scope.text).strip("/")
    for place, weight in _keyed(scope):
        if weight.key is not None and text == weight.key.strip("/"):
            return Fix(trace.selector.span, weight_address(place, weight, scope.workspace))
    return None


def _keyed(scope: Scope) -> Iterator[tuple[Place, Weight]]:
    starts = (
        p for root in scope.workspace.places for p in (root, *root.children) if p is root or p.layer.system
    )
    sites = (site for start in starts for site in start.weights_below)
    return ((site.place, site.weight) for site in islice(sites, MAX_KEYS))
