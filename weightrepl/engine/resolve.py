"""From a selector to what it reaches: one step per segment, used by queries and by completion alike."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence

from weightrepl.engine.addresses import weight_ordinal
from weightrepl.model.tree import Place, Site, first_of_shared, nfc
from weightrepl.model.workspace import Workspace
from weightrepl.query.globs import compile_dotted, compile_glob
from weightrepl.query.syntax import Deep, Dotted, Glob, Here, Missing, Name, Parent, Path, Segment, WeightName
from weightrepl.values import Value

_LAYER, _WEIGHT = operator.attrgetter("layer"), operator.attrgetter("weight")


class Reached(Value):
    """The layers that a path has reached so far, in tree order.

    workspace: whether the workspace itself, which is no layer, is among them.
    nested: whether some may lie below others.
    """

    places: tuple[Place, ...] = ()
    workspace: bool = False
    nested: bool = False


def origin(path: Path | None, workspace: Workspace, location: Place | None) -> Reached:
    """Return where a path starts: at the workspace if it says so or begins with a model's name."""
    if path is not None and (path.absolute or begins_with_model(path, workspace)):
        return Reached(workspace=True)
    return Reached(workspace=True) if location is None else Reached((location,))


def begins_with_model(path: Path, workspace: Workspace) -> bool:
    """Return whether the path's first segment spells out the name of an open model."""
    match path.segments:
        case (Name(glob=Glob(literal=str(name)), class_glob=None), *_):
            return nfc(name) in workspace.by_name
    return False


def advance(reached: Reached, segment: Segment, workspace: Workspace) -> Reached:
    """Return what `segment` leads to from what was reached before it."""
    match segment:
        case Here():
            return reached
        case Parent():
            return _above(reached)
        case Deep():
            return _below(reached, workspace)
        case Name():
            found = _in_order(_named_children(reached, segment, workspace), reached, workspace)
            return Reached(tuple(found), nested=reached.nested)
        case Dotted():
            found = _in_order(_dotted_children(reached, segment), reached, workspace)
            return Reached(tuple(found), nested=reached.nested)
    return Reached()  # a hole leads nowhere


def _above(reached: Reached) -> Reached:
    parents = tuple(p.parent for p in reached.places if p.parent is not None)
    return Reached(parents, workspace=any(p.parent is None for p in reached.places))


def _below(reached: Reached, workspace: Workspace) -> Reached:
    roots = workspace.places if reached.workspace else reached.places
    if len(roots) == 1:
        return Reached(roots[0].subtree, reached.workspace, nested=True)
    places = dict.fromkeys(first_of_shared((p for root in roots for p in root.subtree), _LAYER))
    return Reached(tuple(places), reached.workspace, nested=True)


def _in_order(found: Iterable[Place], reached: Reached, workspace: Workspace) -> list[Place]:
    places = list(first_of_shared(found, _LAYER))
    if reached.nested and len(places) > 1:
        rank = {id(place): i for i, place in enumerate(workspace.places)}
        places.sort(key=lambda p: (rank[id(p.model.place)], p.position))
    return places


# ------------------------------------------------------------------ one level down


def _named_children(reached: Reached, segment: Name, workspace: Workspace) -> Iterator[Place]:
    if reached.workspace:
        yield from _models(segment, workspace)
    accepts = _class_test(segment.class_glob)
    candidates = _candidates(segment)
    for place in reached.places:
        for child in candidates(place):
            if accepts(child):
                yield child


def _candidates(segment: Name) -> Callable[[Place], Sequence[Place]]:
    """Return what finds a place's children of the segment's name and ordinal, whatever their class."""
    glob, ordinal = segment.glob, segment.ordinal
    name = None if glob is None or glob.literal is None else nfc(glob.literal)
    only_first = name is not None and ordinal is None and segment.class_glob is None
    matches = None if glob is None else compile_glob(glob).matches

    def found(place: Place) -> Sequence[Place]:
        if name is not None:
            named: Sequence[Place] = place.named.get(name, ())
        else:
            own = [c for c in place.children if not c.layer.system]
            named = own if matches is None else [c for c in own if matches(c.layer.name)]
        if only_first:
            return named[:1]
        return [c for c in named if c.ordinal == ordinal] if isinstance(ordinal, int) else named

    return found


def _models(segment: Name, workspace: Workspace) -> Iterator[Place]:
    accepts = _class_test(segment.class_glob)
    name = None if segment.glob is None else segment.glob.literal
    if name is not None:
        claims = workspace.by_name.get(nfc(name), ())
        chosen = claims[segment.ordinal - 1 : segment.ordinal] if isinstance(segment.ordinal, int) else claims
    elif segment.glob is None:
        chosen = workspace.places
    else:
        matches = compile_glob(segment.glob).matches
        chosen = tuple(p for p in workspace.places if any(map(matches, p.model.names)))
    return (place for place in chosen if accepts(place))


def _dotted_children(reached: Reached, segment: Dotted) -> Iterator[Place]:
    matches, accepts = compile_dotted(segment.glob).matches, _class_test(segment.class_glob)
    for place in reached.places:
        for child in place.children:
            layer = child.layer
            names = (layer.name[1:],) if layer.system else layer.attributes or ()
            if any(map(matches, names)) and accepts(child) and segment.ordinal in (None, "*", child.ordinal):
                yield child


def _class_test(glob: Glob | None) -> Callable[[Place], bool]:
    if glob is None:
        return lambda place: True
    matches = compile_glob(glob).matches
    return lambda place: matches(place.layer.class_name or "")


# ------------------------------------------------------------------ weights


class _Verdicts(dict[str, bool]):
    """What a matcher says of each name, asked once."""

    def __init__(self, matches: Callable[[str], bool]) -> None:
        self._matches = matches

    def __missing__(self, name: str) -> bool:
        verdict = self[name] = self._matches(name)
        return verdict


def weights_named(reached: Reached, weight: WeightName, path: Path | None) -> tuple[Site, ...]:
    """Return the weights of that name which the layers reached own, in tree order."""
    if isinstance(weight.glob, Missing):
        return ()
    matcher = compile_glob(weight.glob)
    verdicts = _Verdicts(matcher.matches)
    found = list(_owned(reached, path))
    if not matcher.is_any:
        found = [site for site in found if verdicts[site.weight.name]]
    if isinstance(weight.ordinal, int):
        return tuple(s for s in found if weight_ordinal(s.place.layer, s.weight) == weight.ordinal)
    if weight.ordinal is None and weight.glob.literal is not None:
        return tuple(_first_of_each(found))
    return tuple(found)


def _first_of_each(found: list[Site]) -> list[Site]:
    """Return the first of each layer's sites; a layer's lie side by side."""
    owners = [site.place for site in found]
    if not any(map(operator.is_, owners, owners[1:])):
        return found
    return list(
        {id(owner): site for owner, site in zip(reversed(owners), reversed(found), strict=True)}.values()
    )[::-1]


def _owned(reached: Reached, path: Path | None) -> Iterable[Site]:
    if path is not None and path.segments and isinstance(path.segments[-1], Deep) and reached.places:
        first = reached.places[0]
        if len(first.subtree) == len(reached.places):  # `**` from one layer: its weights lie ready
            return first.weights_below
    return first_of_shared((Site(p, w) for p in reached.places for w in p.layer.weights), _WEIGHT)


def weights_within(reached: Reached, workspace: Workspace) -> tuple[Site, ...]:
    """Return all weights in and below the layers reached, in tree order."""
    roots = workspace.places if reached.workspace else reached.places
    if len(roots) == 1:
        return roots[0].weights_below
    sites = {id(s.weight): s for root in reversed(roots) for s in reversed(root.weights_below)}
    return tuple(reversed(sites.values()))


def layers_within(reached: Reached, workspace: Workspace) -> tuple[Place, ...]:
    """Return the layers reached and all below them, in tree order."""
    return _below(reached, workspace).places
