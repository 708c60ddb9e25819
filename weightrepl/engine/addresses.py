"""What a layer or weight is called: its address, and the aliases of what is reached on several ways."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from weightrepl.model.tree import Layer, Place, Weight, nfc
from weightrepl.model.workspace import Workspace
from weightrepl.query.printer import escape_name

MOST_SIBLINGS = 50
"""Among more layers than these nobody looks for another of the same class."""

MAX_ALIASES = 64
"""As many ways to one thing are named; models with shared submodels can have exponentially many."""


def address(place: Place, workspace: Workspace) -> str:
    """Return the way of `place` as a query spells it, from its model's name on."""
    text = workspace.spelled.get(place)
    if text is None:
        if place.parent is None:
            name, ordinal = workspace.shown_name(place.model)
            text = f"{_escaped(name)}#{ordinal}" if ordinal else _escaped(name)
        else:
            text = f"{address(place.parent, workspace)}/{_segment(place)}"
        workspace.spelled[place] = text
    return text


def relative(place: Place, above: Place | None, workspace: Workspace) -> str:
    """Return the way to `place` from a layer `above` it, or from the workspace."""
    if above is None:
        return address(place, workspace)
    return "/".join(map(_segment, place.ancestry[len(above.ancestry) :]))


def weight_address(place: Place, weight: Weight, workspace: Workspace) -> str:
    """Return the address of a weight that the layer at `place` owns."""
    return f"{address(place, workspace)}:{weight_name(place.layer, weight)}"


def weight_name(layer: Layer, weight: Weight) -> str:
    """Return a weight's name as a query spells it, with an ordinal where an earlier weight has the same."""
    return _spelled(_escaped(weight.name), weight_ordinal(layer, weight))


def weight_ordinal(layer: Layer, weight: Weight) -> int:
    """Return which of its layer's weights of the same name a weight is, from 1."""
    return layer.weights_named[nfc(weight.name)].index(weight) + 1


def _segment(place: Place) -> str:
    if place.layer.system:
        return place.layer.name
    return _spelled(_escaped(place.layer.name), place.ordinal)


def attribute_segment(layer: Layer) -> str:
    """Return the segment that reaches a layer by the attribute that holds it; empty where the source tells of none."""
    return f".{_escaped(layer.attributes[0])}" if layer.attributes else ""


def class_segment(place: Place) -> str:
    """Return the segment that reaches a layer by its class; empty where its parent has another of it, or very many."""
    name, siblings = place.layer.class_name, place.parent.children if place.parent is not None else ()
    if not name or len(siblings) > MOST_SIBLINGS or sum(s.layer.class_name == name for s in siblings) > 1:
        return ""
    return f"@{_escaped(name)}"


@lru_cache(maxsize=4096)
def _escaped(name: str) -> str:
    return escape_name(name)


def _spelled(name: str, ordinal: int) -> str:
    return name if ordinal == 1 else f"{name}#{ordinal}"


# ------------------------------------------------------------------ several ways to one thing


def first_place(place: Place) -> Place:
    """Return the first place in tree order that leads to the same layer: the one that gives the address."""
    if not place.aliased:
        return place
    way = place.ancestry
    current = way[0]
    for step in way[1:]:
        current = current.children[step.index]
        if current.layer.shared:
            current = _first_of(current, way[0])
    return current


def _first_of(place: Place, root: Place) -> Place:
    starts = (root, *(c for c in root.children if c.layer.system))
    return next(p for start in starts for p in start.subtree if p.layer is place.layer)


def first_owner(place: Place, weight: Weight) -> Place:
    """Return the first place in tree order whose layer owns `weight`."""
    if not weight.shared:
        return first_place(place)
    return next((s.place for s in place.model.place.weights_below if s.weight is weight), first_place(place))


def ways_to_layer(layer: Layer, model: Place) -> Iterator[Place]:
    """Yield every place of `layer` below `model`, in tree order; the first is its address."""
    leads = _leading_to({id(layer)}, model)
    return (p for p in _unfold(model, leads) if p.layer is layer)


def ways_to_weight(weight: Weight, model: Place) -> Iterator[Place]:
    """Yield every place below `model` whose layer owns `weight`, in tree order."""
    owners = {id(p.layer) for p in model.subtree if weight in p.layer.weights}
    leads = _leading_to(owners, model)
    return (p for p in _unfold(model, leads) if weight in p.layer.weights)


def _leading_to(targets: set[int], model: Place) -> set[int]:
    """Return the ids of `targets` and of all layers above them on any way."""
    parents: dict[int, set[int]] = {}
    for place in model.subtree:
        for child in place.layer.children:
            parents.setdefault(id(child), set()).add(id(place.layer))
    found, stack = set(targets), list(targets)
    while stack:
        for parent in parents.get(stack.pop(), ()):
            if parent not in found:
                found.add(parent)
                stack.append(parent)
    return found


def _unfold(place: Place, leads: set[int]) -> Iterator[Place]:
    """Yield all places in tree order that lead to what is asked for, each way of a shared layer anew."""
    stack = [place]
    while stack:
        current = stack.pop()
        yield current
        stack.extend(c for c in reversed(current.children) if id(c.layer) in leads)


def is_shared(place: Place, weight: Weight | None = None) -> bool:
    """Return whether what hangs at `place` may have more than one address."""
    return (weight is not None and weight.shared) or place.aliased
