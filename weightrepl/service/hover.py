"""What is known of the thing under the cursor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from weightrepl.engine.addresses import (
    address,
    is_shared,
    relative,
    ways_to_layer,
    ways_to_weight,
    weight_name,
)
from weightrepl.engine.columns import layer_trainable, scale_address, site_address, total
from weightrepl.engine.figures import known_figures
from weightrepl.engine.resolve import Reached
from weightrepl.engine.schemes import scheme
from weightrepl.engine.scope import Named, NamedQuery, Scope, scope_of
from weightrepl.engine.selectors import follow
from weightrepl.engine.slices import sliced
from weightrepl.model.tree import Place, Site, Weight
from weightrepl.model.workspace import Workspace
from weightrepl.quantities import human_bytes, numbered
from weightrepl.query.parser import parse
from weightrepl.query.syntax import (
    Deep,
    Ellipsis,
    IndexList,
    Missing,
    Query,
    Reference,
    Selector,
    Slice,
    Stage,
)
from weightrepl.query.tokens import tokenize
from weightrepl.service.answers import Hover
from weightrepl.service.pages import COLUMN_PAGES, OPERATOR_PAGES, STAGE_PAGES, TOPIC_PAGES, Page
from weightrepl.spans import Span

Facts = tuple[tuple[str, str], ...]

_WORDS = {**OPERATOR_PAGES, **COLUMN_PAGES}
_TOPICS = {
    **dict.fromkeys("*?{}", "patterns"),
    "[": "slices",
    "!": "exclusion",
    "@": "patterns",
    "|": "stages",
}
"""What the marks of paths belong to."""

MOST_NAMED = 5
"""So many of several things are named."""


def hover(
    text: str,
    offset: int,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
) -> Hover | None:
    """Return what is known of what stands at `offset` of a query; None where nothing is.

    Between two things it is of the one that begins there, but rather of a layer than of the mark behind it.

    Raises:
        NotReadYetError: within `model.reading.without_reading()`, where something has to be read first.
    """
    scope = scope_of(text, workspace, location, named)
    query = parse(text).query
    places = (Span(offset, offset + 1), Span(offset - 1, offset))
    for look in (_in_selectors, _in_stages, _on_mark):
        for at in places:
            if (found := look(query, at, scope)) is not None:
                return found
    return None


def _covers(span: Span, at: Span) -> bool:
    return span.start <= at.start and at.end <= span.end


# ------------------------------------------------------------------ layers and weights


def _in_selectors(query: Query, at: Span, scope: Scope) -> Hover | None:
    compared = [a for stage in query.stages if isinstance(stage, Stage) for a in stage.arguments]
    for selector in (*query.selectors, *compared):
        if isinstance(selector, Reference) and _covers(selector.span, at):
            return _of_reference(selector, scope)
        if isinstance(selector, Selector) and _covers(selector.span, at):
            return _of_selector(selector, at, scope)
    return None


def _of_selector(selector: Selector, at: Span, scope: Scope) -> Hover | None:
    trace = follow(selector, scope)
    if selector.slice is not None and _covers(selector.slice.span, at) and _is_whole(selector.slice):
        return _of_weights(sliced(trace.sites, selector)[0], selector.slice.span, scope)
    if selector.weight is not None and _covers(selector.weight.span, at):
        return _of_weights(trace.sites, selector.weight.span, scope)
    for step in trace.steps:
        if _covers(step.segment.span, at) and not isinstance(step.segment, Deep):
            return _of_layers(step.after, step.segment.span, scope)
    return None


def _is_whole(part: Slice) -> bool:
    """Return whether a slice has no hole, and of `...` and of lists at most one: only such a one has a shape."""
    kinds = [type(item) for item in part.items]
    return Missing not in kinds and kinds.count(Ellipsis) < 2 and kinds.count(IndexList) < 2


def _of_layers(reached: Reached, span: Span, scope: Scope) -> Hover | None:
    places = reached.places
    if len(places) == 1:
        return Hover(
            span, address(places[0], scope.workspace), tuple(_layer_facts(places[0], scope.workspace))
        )
    if not places:
        return None
    classes = Counter(place.layer.class_name or "?" for place in places)
    addresses = [address(place, scope.workspace) for place in places[:MOST_NAMED]]
    facts = (("classes", _most_common(classes)), ("layers", _few(addresses, len(places))))
    return Hover(span, numbered(len(places), "layer"), facts)


def _layer_facts(place: Place, workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Yield what is known of one layer; figures are of all in and below it."""
    layer = place.layer
    yield "class", layer.class_name or "?"
    if place.parent is None:
        yield "source", place.model.source or place.model.format
    sites = place.weights_below
    yield "weights", f"{len(sites):,}"
    yield "params", _amount(total(site.spec.size for site in sites))
    nbytes = total(site.spec.nbytes for site in sites)
    yield "bytes", "?" if nbytes is None else human_bytes(nbytes)
    yield "trainable", _yes_or_no(layer_trainable(place))
    if layer.built is False:
        yield "built", "no" if layer.build_line is None else f"no: {layer.build_line}"
    if layer.attributes:
        yield "attribute", ", ".join(f".{attribute}" for attribute in layer.attributes)
    children = [child for child in place.children if not child.layer.system]
    if children:
        yield "layers", _few([relative(c, place, workspace) for c in children[:MOST_NAMED]], len(children))
    for weight in layer.weights:
        yield f":{weight_name(layer, weight)}", described(Site(place, weight))
    if place.aliased:
        ways = ways_to_layer(layer, place.model.place)
        yield from _aliases(address(way, workspace) for way in ways)


def described(site: Site) -> str:
    """Return a weight's dtype and shape, as a completion's detail has them: `float32 (10, 12)`."""
    shape = site.spec.shape
    return f"{site.spec.dtype} {'?' if shape is None else shape}"


def _of_weights(sites: Sequence[Site], span: Span, scope: Scope) -> Hover | None:
    if len(sites) == 1:
        title = site_address(sites[0], scope.workspace)
        return Hover(span, title, tuple(_weight_facts(sites[0], scope.workspace)))
    if not sites:
        return None
    kinds = Counter(map(described, sites))
    addresses = [site_address(site, scope.workspace) for site in sites[:MOST_NAMED]]
    facts = (
        ("params", _amount(total(site.spec.size for site in sites))),
        ("dtypes", _most_common(kinds)),
        ("weights", _few(addresses, len(sites))),
    )
    return Hover(span, numbered(len(sites), "weight"), facts)


def _weight_facts(site: Site, workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Yield what is known of one weight, or of a slice of one."""
    spec, weight = site.spec, site.weight
    if site.slice_text:
        yield "of", described(Site(site.place, weight))
    yield "shape", "?" if spec.shape is None else str(spec.shape)
    yield "dtype", spec.dtype
    yield "size", _amount(spec.size)
    yield "bytes", "?" if spec.nbytes is None else human_bytes(spec.nbytes)
    yield "trainable", _yes_or_no(weight.trainable)
    yield "layer", f"{address(site.place, workspace)}, {site.place.layer.class_name or '?'}"
    if stored := scheme(site):
        yield "scheme", stored
        yield "scale", scale_address(site, workspace)
    if weight.key is not None:
        yield "key", weight.key
    if source := weight.source or site.place.model.source:
        yield "source", source
    if is_shared(site.place, weight):
        yield from _aliases(_ways(weight, site.place, workspace))
    for name, value in known_figures(site).items():
        yield name, f"{value:.6g}" if isinstance(value, float) else "?" if value is None else str(value)
    if weight.remark is not None:
        yield "remark", weight.remark


def _ways(weight: Weight, place: Place, workspace: Workspace) -> Iterator[str]:
    for owner in ways_to_weight(weight, place.model.place):
        yield f"{address(owner, workspace)}:{weight_name(owner.layer, weight)}"


def _aliases(ways: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the further addresses of a thing, of all in order, as a fact."""
    _, *others = ways
    if others:
        yield "also", _few(others[:MOST_NAMED], len(others))


def _of_reference(reference: Reference, scope: Scope) -> Hover | None:
    named = scope.named.get(reference.name)
    if named is None:
        return None
    title = f"${reference.name}"
    if isinstance(named, NamedQuery):
        return Hover(reference.span, title, (("query", named.query.span.of(named.text)),))
    if named.kind == "table":
        return Hover(reference.span, title, (("result", "a table or a number: it selects nothing"),))
    return Hover(reference.span, title, (("result", numbered(len(named.rows), named.kind[:-1])),))


# ------------------------------------------------------------------ words of the language


def _in_stages(query: Query, at: Span, scope: Scope) -> Hover | None:
    for stage in query.stages:
        if not isinstance(stage, Stage):
            continue
        reductions = stage.arguments[:1] if stage.name == "reduce" else ()  # no column of that name is meant
        for span in (stage.name_span, *(word.span for word in reductions)):
            if _covers(span, at):
                return _of_page(STAGE_PAGES.get(stage.name), span, stage.name)
    return None


def _on_mark(query: Query, at: Span, scope: Scope) -> Hover | None:
    """Return the page of the word or mark at a place: a column, an operator, `**`."""
    for token in tokenize(scope.text):
        if _covers(token.span, at):
            page = _WORDS.get(token.text) or TOPIC_PAGES.get(_TOPICS.get(token.text[:1], ""))
            return _of_page(page, token.span, token.text)
    return None


def _of_page(page: Page | None, span: Span, word: str) -> Hover | None:
    if page is None:
        return None
    text = "\n\n".join(filter(None, (f"{page.summary}.", page.text)))
    return Hover(span, page.usage or word, (), text)


# ------------------------------------------------------------------ how it is said


def _few(names: Sequence[str], count: int) -> str:
    rest = count - len(names)
    return ", ".join(names) + (f" and {rest:,} more" if rest else "")


def _most_common(kinds: Counter[str]) -> str:
    shown = [f"{count:,} × {kind}" for kind, count in kinds.most_common(MOST_NAMED)]
    return _few(shown, len(kinds))


def _amount(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _yes_or_no(flag: bool | None) -> str:
    return "?" if flag is None else "yes" if flag else "no"
