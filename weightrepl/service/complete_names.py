"""What may stand in a selector: models, layers, attributes, classes, weights, named queries, ordinals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from weightrepl.engine.addresses import address
from weightrepl.engine.columns import total
from weightrepl.engine.resolve import Reached, advance
from weightrepl.engine.scope import NamedResult
from weightrepl.model.reading import NotReadYetError, without_reading
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Place, Weight, nfc
from weightrepl.quantities import human_count, numbered
from weightrepl.query.parser import parse
from weightrepl.query.printer import escape_name, format_query
from weightrepl.query.syntax import Deep, Dotted, Glob, Here, Missing, Name, Parent, Path, Segment, Stage
from weightrepl.service.complete_asked import Asked, Choices, Entry

GIVE_NO_ROWS = ("group", "count", "diff")
"""The stages behind which nothing is left that a name could stand for."""

_MANY = 5000
"""Where there are more names, what a pattern leads to is not asked at every keystroke."""

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
    own = asked.scope.workspace.by_name if first else {}
    if not (first and asked.above.absolute):
        for entry in _below(asked, asked.above):
            yield entry._replace(text=f"./{escape_name(entry.label)}") if nfc(entry.label) in own else entry


def _below(asked: Asked, path: Path | None) -> list[Entry]:
    """Return the layers one level below a path."""
    return asked.kept("below", asked.spelled(path), lambda: list(_named(_children(asked.reached(path)))))


def _models(asked: Asked) -> Iterator[Entry]:
    for place in asked.scope.workspace.places:
        spelled = address(place, asked.scope.workspace)
        name = asked.scope.workspace.shown_name(place.model)
        yield Entry(name[0] if not name[1] else spelled, "model", spelled if name[1] else None, place=place)


def _children(reached: Reached) -> Iterator[Place]:
    for place in reached.places:
        yield from place.children


def _named(places: Iterable[Place]) -> Iterator[Entry]:
    """Yield each name once, with the first layer of that name, and how many there are; none of the system's layers."""
    found: dict[str, list[Place]] = {}
    for place in places:
        if not place.layer.system:
            found.setdefault(place.layer.name, []).append(place)
    for name, called in found.items():
        yield Entry(name, "layer", place=called[0], places=len(called))


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
    named = isinstance(segment, Name) and segment.glob is not None and segment.glob.literal is not None
    if not named and not isinstance(segment, Deep | Here | Parent) and len(layers(asked).entries) > _MANY:
        return
    yield from _ordinals(asked, segment)
    for entry in _below(asked, asked.path):
        yield entry._replace(label=f"/{entry.label}", text=f"/{escape_name(entry.label)}")
    for entry in () if asked.in_diff else weights(asked).entries:
        yield entry._replace(label=f":{entry.label}", text=f":{entry.text}")


def _ordinals(asked: Asked, segment: Segment) -> Iterator[Entry]:
    if isinstance(segment, Name) and segment.ordinal is None and segment.glob and segment.class_glob is None:
        called = advance(asked.reached(asked.above), segment.replace(ordinal="*"), asked.scope.workspace)
        yield from _siblings(max((place.ordinal for place in called.places), default=0))


def _siblings(most: int) -> Iterator[Entry]:
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
        yield Entry(name, "class", detail=numbered(len(called), "layer"))


def weights(asked: Asked) -> Choices:
    """Return the weights that the layers before the `:` have of their own."""
    return _weights_at(asked, asked.path)


def own_weights(asked: Asked) -> Choices:
    """Return the weights that the location has of its own."""
    return _weights_at(asked, None)


def _weights_at(asked: Asked, path: Path | None) -> Choices:
    return asked.kept("weights", asked.spelled(path), lambda: Choices(list(_weights(asked.reached(path)))))


def _weights(reached: Reached) -> Iterator[Entry]:
    found: dict[str, list[tuple[Place, Weight]]] = {}
    for place in reached.places:
        for weight in place.layer.weights:
            found.setdefault(weight.name, []).append((place, weight))
    for name, called in found.items():
        specs = [weight.spec for _, weight in called]
        yield Entry(name, "weight", escape_name(name), _specs(specs), _documentation(called))


def _specs(specs: Sequence[TensorSpec]) -> str:
    dtypes = list(dict.fromkeys(spec.dtype for spec in specs))
    shapes = list(dict.fromkeys(spec.shape for spec in specs))
    dtype = dtypes[0] if len(dtypes) == 1 else numbered(len(dtypes), "dtype")
    if len(shapes) > 1:
        return f"{dtype} · {numbered(len(shapes), 'shape')}"
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
                    numbered(len(named.rows), named.kind[:-1]),
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


def layer_detail(place: Place, known: dict[Place, str]) -> str:
    """Return `Dense · 2 weights · 132 params`, or only the class where more would have to be read.

    known: the details that were told before.
    """
    if place not in known:
        try:
            with without_reading():
                known[place] = full_detail(place)
        except NotReadYetError:
            return place.layer.class_name or ""
    return known[place]


def full_detail(place: Place) -> str:
    """Return the class of a layer, and the figures of all in and below it, read now if need be."""
    sites = place.weights_below
    params = total(site.spec.size for site in sites)
    if not sites:
        return place.layer.class_name or ""
    figures = [numbered(len(sites), "weight")]
    if params is not None:
        figures.append(f"{human_count(params)} param{'s' * (params != 1)}")
    return " · ".join([*filter(None, [place.layer.class_name]), *figures])
