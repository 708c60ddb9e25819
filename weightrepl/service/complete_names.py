"""What may stand in a selector: models, layers, attributes, classes, weights, named queries, ordinals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from weightrepl.engine.addresses import address
from weightrepl.engine.columns import total
from weightrepl.engine.resolve import Reached, advance
from weightrepl.engine.scope import NamedResult
from weightrepl.model.tree import NotReadYetError, Place, Weight, nfc, without_reading
from weightrepl.query.parser import parse
from weightrepl.query.printer import escape_name, format_query
from weightrepl.query.syntax import Deep, Dotted, Glob, Here, Missing, Name, Parent, Segment, Stage
from weightrepl.service.complete_asked import Asked, Choices, Entry

GIVE_NO_ROWS = ("group", "count", "diff")
"""The stages behind which nothing is left that a name could stand for."""

# ------------------------------------------------------------------ layers


def layers(asked: Asked) -> Choices:
    """Return what may stand in the segment that the cursor is in: models, layers, attributes, the system's layers."""
    begun = asked.text[asked.segment.span.start if asked.segment else asked.start : asked.offset]
    if begun.startswith("."):
        return asked.kept("dotted", asked.spelled(asked.above), lambda: Choices(list(_dotted(asked))))
    return asked.kept("layers", asked.spelled(asked.above), lambda: Choices(list(_plain(asked))))


def _plain(asked: Asked) -> Iterator[Entry]:
    reached, first = asked.reached(asked.above), not asked.above.segments
    if reached.workspace or (first and not asked.above.absolute):
        yield from _models(asked)
    own = set(asked.scope.workspace.by_name) if first else set()
    if not (first and asked.above.absolute):
        for name, place, places in _named(_children(reached)):
            if not place.layer.system:
                text = f"./{escape_name(name)}" if nfc(name) in own else None
                yield Entry(name, "layer", text, place=place, places=places)


def _models(asked: Asked) -> Iterator[Entry]:
    for place in asked.scope.workspace.places:
        spelled = address(place, asked.scope.workspace)
        name = asked.scope.workspace.shown_name(place.model)
        yield Entry(name[0] if not name[1] else spelled, "model", spelled if name[1] else None, place=place)


def _children(reached: Reached) -> Iterator[Place]:
    for place in reached.places:
        yield from place.children


def _named(places: Iterable[Place]) -> Iterator[tuple[str, Place, int]]:
    """Yield each name once, with the first layer of that name, and how many there are."""
    found: dict[str, list[Place]] = {}
    for place in places:
        found.setdefault(place.layer.name, []).append(place)
    for name, called in found.items():
        yield name, called[0], len(called)


def _dotted(asked: Asked) -> Iterator[Entry]:
    reached, above = asked.reached(asked.above), asked.above
    only_dots = all(isinstance(segment, Here | Parent) for segment in above.segments)
    if not above.absolute and only_dots and any(place.parent is not None for place in reached.places):
        yield Entry("..", "layer", "..", detail="the layer above")
    found: dict[str, list[Place]] = {}
    for place in _children(reached):
        if place.layer.system:
            found.setdefault(place.layer.name, []).append(place)
        for attribute in place.layer.attributes or ():
            found.setdefault(f".{escape_name(attribute)}", []).append(place)
    for name, called in found.items():
        kind = "system" if called[0].layer.system else "attribute"
        yield Entry(name, kind, name, place=called[0], places=len(called))  # type: ignore[arg-type]


def goes_on(asked: Asked) -> Iterator[Entry]:
    """Yield what leads on from the segment that the cursor is in, if there are layers of just that name."""
    segment = asked.segment
    if segment is None or isinstance(segment, Missing) or asked.brace is not None:
        return
    reached = asked.reached(asked.path)
    yield from _ordinals(asked, segment, reached)
    if not isinstance(segment, Parent | Here) or reached.places:
        for name, place, places in _named(_children(reached)):
            if not place.layer.system:
                yield Entry(f"/{name}", "layer", f"/{escape_name(name)}", place=place, places=places)
    for entry in weights(asked).entries:
        yield entry._replace(label=f":{entry.label}", text=f":{entry.text}")


def _ordinals(asked: Asked, segment: Segment, reached: Reached) -> Iterator[Entry]:
    if isinstance(segment, Name) and segment.ordinal is None and segment.glob and segment.class_glob is None:
        called = advance(asked.reached(asked.above), segment.replace(ordinal="*"), asked.scope.workspace)
        yield from numbered(max((place.ordinal for place in called.places), default=0))


def numbered(most: int) -> Iterator[Entry]:
    """Yield the ordinals that tell siblings of one name apart."""
    if most > 1:
        for n in range(2, most + 1):
            yield Entry(f"#{n}", "layer", f"#{n}", detail=f"of {most} of that name")
        yield Entry("#*", "pattern", "#*", detail=f"all {most} of that name")


# ------------------------------------------------------------------ classes, weights


def classes(asked: Asked) -> Choices:
    """Return the classes of the layers that the segment would reach if it named none."""
    segment = asked.segment
    whole = f"{asked.spelled(asked.above)}|{segment.span.of(asked.text).partition('@')[0] if segment else ''}"
    return asked.kept("classes", whole, lambda: Choices(list(_classes(asked))))


def _classes(asked: Asked) -> Iterator[Entry]:
    segment, reached = asked.segment, asked.reached(asked.above)
    if not isinstance(segment, Name | Dotted):
        return
    ordinal = "*" if segment.ordinal is None else segment.ordinal
    any_class = segment.replace(class_glob=None, ordinal=ordinal)
    found: dict[str, list[Place]] = {}
    for place in advance(reached, any_class, asked.scope.workspace).places:
        if place.layer.class_name:
            found.setdefault(place.layer.class_name, []).append(place)
    for name, called in found.items():
        yield Entry(name, "class", detail=counted(len(called), "layer"))


def weights(asked: Asked) -> Choices:
    """Return the weights that the layers before the `:` have of their own."""
    path = asked.path
    return asked.kept("weights", asked.spelled(path), lambda: Choices(list(_weights(asked))))


def _weights(asked: Asked) -> Iterator[Entry]:
    found: dict[str, list[tuple[Place, Weight]]] = {}
    for place in asked.reached(asked.path).places:
        for weight in place.layer.weights:
            found.setdefault(weight.name, []).append((place, weight))
    for name, called in found.items():
        specs = {weight.spec: None for _, weight in called}
        yield Entry(name, "weight", escape_name(name), _specs(specs), _documentation(called))


def _specs(specs: Iterable[object]) -> str:
    from weightrepl.model.tensor import TensorSpec

    each = [spec for spec in specs if isinstance(spec, TensorSpec)]
    dtypes = list(dict.fromkeys(spec.dtype for spec in each))
    shapes = list(dict.fromkeys(spec.shape for spec in each))
    dtype = dtypes[0] if len(dtypes) == 1 else counted(len(dtypes), "dtype")
    if len(shapes) > 1:
        return f"{dtype} · {counted(len(shapes), 'shape')}"
    return f"{dtype} {'?' if shapes[0] is None else shapes[0]}"


def _documentation(called: list[tuple[Place, Weight]]) -> str:
    return (called[0][1].remark or "") if len(called) == 1 else ""


# ------------------------------------------------------------------ named queries, patterns


def references(asked: Asked) -> Iterator[Entry]:
    """Yield the names of queries and of earlier results."""
    dollar = "" if asked.text[: asked.start].endswith("$") else "$"
    for name, named in asked.scope.named.items():
        if isinstance(named, NamedResult):
            if named.kind != "table":
                yield Entry(
                    f"{dollar}{name}",
                    "reference",
                    f"{dollar}{name}",
                    counted(len(named.rows), named.kind[:-1]),
                )
        elif not any(isinstance(s, Stage) and s.name in GIVE_NO_ROWS for s in named.query.stages):
            yield Entry(f"{dollar}{name}", "reference", f"{dollar}{name}", format_query(named.query))


def pattern_of(asked: Asked, role: str) -> tuple[str | None, Glob | None]:
    """Return the name that the half-typed word spells out, or the pattern that it is."""
    parsed = parse({"weight": ":", "class": "@"}.get(role, "") + asked.word)
    (selector, *_) = (*parsed.query.selectors, None)
    if not asked.word or selector is None:
        return "", None
    weight, path = getattr(selector, "weight", None), getattr(selector, "path", None)
    segment = path.segments[0] if path is not None and path.segments else None
    match segment:
        case Deep():
            return "**", None
        case Dotted() | Here() | Parent():
            return asked.word, None
        case Name():
            glob = segment.class_glob if role == "class" else segment.glob
        case _:
            glob = weight.glob if weight is not None else None
    if glob is None or isinstance(glob, Missing):
        return asked.word, None
    return glob.literal, glob


# ------------------------------------------------------------------ details


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}{'' if count == 1 else 'es' if noun.endswith('s') else 's'}"


def layer_detail(place: Place) -> str:
    """Return `Dense · 2 weights · 132 params`, or only the class where more would have to be read."""
    name = place.layer.class_name or "?"
    try:
        with without_reading():
            return full_detail(place)
    except NotReadYetError:
        return name


def full_detail(place: Place) -> str:
    """Return the class of a layer, and the figures of all in and below it, read now if need be."""
    sites = place.weights_below
    params = total(site.spec.size for site in sites)
    name = place.layer.class_name or "?"
    if not sites:
        return name
    figures = "" if params is None else f" · {_short(params)} param{'' if params == 1 else 's'}"
    return f"{name} · {counted(len(sites), 'weight')}{figures}"


def _short(count: int) -> str:
    if count < 100_000:
        return f"{count:,}"
    for unit, size in (("T", 10**12), ("G", 10**9), ("M", 10**6)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count / 1000:.0f} K"
