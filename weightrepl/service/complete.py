"""What may stand at the cursor, best first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from itertools import chain, islice

from weightrepl.engine.addresses import address
from weightrepl.engine.scope import Named, Scope, scope_of
from weightrepl.errors import WeightreplError
from weightrepl.model.reading import NotReadYetError, without_reading
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace
from weightrepl.quantities import numbered
from weightrepl.query.cursor import Expectation
from weightrepl.query.parser import parse
from weightrepl.query.syntax import Selector
from weightrepl.service import complete_names as names
from weightrepl.service import complete_stages as stages
from weightrepl.service.answers import Completion, Completions
from weightrepl.service.complete_asked import Asked, Choices, Entry
from weightrepl.spans import Span

MOST = 500
"""So many completions are given at most, if nobody says otherwise."""


def complete(
    text: str,
    offset: int,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
    wait: bool = True,
    most: int = MOST,
) -> Completions:
    """Return what may stand at `offset` of a query, half-typed or not: so many at most. Raises nothing.

    wait: whether what has to be read from a file first is read now; else the answer says that more is coming.
    """
    asked = Asked(scope_of(text, workspace, location, named), offset, most)
    found: dict[tuple[str, int, str], Completion] = {}
    coming = False
    for source in _sources(asked):
        try:
            with nullcontext() if wait else without_reading():
                for item in source():
                    found.setdefault((item.text, item.span.start, item.kind), item)
        except NotReadYetError:
            coming = True
        except WeightreplError:  # what can't be read has no names; a query that asks for it says so
            continue
    items = tuple(found.values())
    return Completions(_at_most(items, asked), coming, len(items) > most)


def _at_most(items: tuple[Completion, ...], asked: Asked) -> tuple[Completion, ...]:
    """Return the first of the completions; a fifth may be those that lead on from the word as it is."""
    if len(items) <= asked.most or not asked.word:
        return items[: asked.most]
    ahead = [item for item in items if not len(item.span)][: asked.most // 5]
    whole = [item for item in items if len(item.span)]
    return (*whole[: asked.most - len(ahead)], *ahead)


def resolved(completion: Completion, workspace: Workspace, most: int | None = None) -> Completion:
    """Return the completion with the detail and documentation that need everything below a layer to be read.

    most: where more layers than so many are below, that is left.
    """
    if not completion.address:
        return completion
    (selector,) = parse(completion.address).query.selectors
    assert isinstance(selector, Selector)
    try:
        reached = Asked(Scope(completion.address, workspace, None), 0).reached(selector.path)
        if not reached.places or (most is not None and _is_more(reached.places[0], most)):
            return completion
        return completion.replace(detail=names.full_detail(reached.places[0]))
    except WeightreplError:
        return completion


def _is_more(place: Place, most: int) -> bool:
    """Return whether more layers than so many are in and below one; no more than these are read."""
    found = [place]
    for each in found:  # grows
        found += each.children
        if len(found) > most:
            return True
    return False


Source = Callable[[], Iterable[Completion]]


def _sources(asked: Asked) -> Iterator[Source]:
    """Yield what is to be asked for what may stand at the cursor."""
    if _ordinal_at(asked) is not None:
        yield lambda: _ordinals(asked)
        return
    if asked.inside_mark or asked.crossing:
        return
    for expectation in asked.expected.kinds:
        if not asked.word and asked.before_more and expectation.kind != "operator":
            continue
        yield lambda e=expectation: _of_kind(e, asked)  # type: ignore[misc]
    if asked.word and any(e.kind == "layer" for e in asked.expected.kinds) and _ends_here(asked):
        yield lambda: _leading_on(asked)


def _of_kind(expectation: Expectation, asked: Asked) -> Iterable[Completion]:
    match expectation.kind:
        case "layer":
            return _layers(asked)
        case "weight":
            return _weights(asked)
        case "class":
            return _named(names.classes(asked), asked, "class", "/:,|#")
        case "reference":
            return _plain(names.references(asked), asked, asked.span("/:,|@["))
        case "exclusion" if not asked.word and not asked.before.endswith("!"):
            return _plain([Entry("!", "operator", "!", "all but")], asked, Span(asked.offset, asked.offset))
        case _:
            return stages.of_kind(expectation, asked, _plain)


def _plain(entries: Iterable[Entry], asked: Asked, span: Span) -> Iterator[Completion]:
    """Yield the best of entries by what was typed of them."""
    yield from _best(Choices(list(entries)), asked, asked.word, span)


def _best(choices: Choices, asked: Asked, typed: str, span: Span) -> Iterator[Completion]:
    for i in choices.names.best(typed, asked.most + 1):
        yield _completion(choices.entries[i], asked, span)


def _completion(entry: Entry, asked: Asked, span: Span) -> Completion:
    text = asked.written(entry.label) if entry.text is None else entry.text
    detail, where = entry.detail, ""
    if entry.place is not None and entry.places > 1:
        detail = " · ".join(filter(None, [entry.place.layer.class_name, numbered(entry.places, "layer")]))
    elif entry.place is not None:
        detail = names.layer_detail(entry.place, asked.scope.workspace.prepared.setdefault("details", {}))
        where = address(entry.place, asked.scope.workspace)
    return Completion(text, span, entry.kind, entry.label, detail, entry.documentation, where)


# ------------------------------------------------------------------ names


def _layers(asked: Asked) -> Iterator[Completion]:
    found = _named(names.layers(asked), asked, "layer", "/:,|@")
    if asked.word in ("", "*") and asked.brace is None and not asked.in_diff:
        any_depth = Completion("**", asked.span("/:,|@"), "pattern", "**", "any number of layers")
        found = chain([any_depth], found) if asked.word else chain(found, [any_depth])
    yield from found


def _weights(asked: Asked) -> Iterator[Completion]:
    selector = asked.selector
    if selector is not None and selector.weight is not None:
        yield from _named(names.weights(asked), asked, "weight", "/:,|@[")
    elif selector is None or not asked.above.segments:
        own = (e._replace(label=f":{e.label}", text=f":{e.text}") for e in names.own_weights(asked).entries)
        yield from _plain(own, asked, asked.span("/:,|@["))


def _named(choices: Choices, asked: Asked, role: str, stops: str) -> Iterator[Completion]:
    """Yield the best of names by the half-typed word, which may be a pattern or an alternative in braces."""
    span = asked.span(stops)
    typed, glob = names.pattern_of(asked, role)
    if asked.brace is not None:
        choices = _alternatives(choices, asked, role)
    if typed is not None:
        yield from _best(choices, asked, typed, span)
    elif glob is not None:
        for i in choices.names.matching(glob, asked.most + 1):
            yield _completion(choices.entries[i], asked, span)


def _alternatives(choices: Choices, asked: Asked, role: str) -> Choices:
    """Return what names have behind the text before the brace that is open."""
    assert asked.brace is not None
    start = max(asked.text.rfind(mark, 0, asked.brace) for mark in ("/:@" if role != "class" else "@")) + 1
    typed = Asked(asked.scope.replace(text=asked.text[start : asked.brace]), asked.brace - start)
    head, _ = names.pattern_of(typed, "layer") if typed.text else ("", None)
    if head is None:
        return Choices([])
    return Choices(
        [
            entry._replace(label=entry.label[len(head) :], text=None)
            for entry in choices.entries
            if entry.label.startswith(head) and len(entry.label) > len(head)
        ]
    )


def _ends_here(asked: Asked) -> bool:
    """Return whether the half-typed word ends at the cursor, and nothing is behind it that goes on with it."""
    return asked.rest[:1] in ("", " ", ",", "|", ")")


def _leading_on(asked: Asked) -> Iterator[Completion]:
    for entry in islice(names.goes_on(asked), asked.most + 1):
        yield _completion(entry, asked, Span(asked.offset, asked.offset))


def _ordinal_at(asked: Asked) -> int | None:
    """Return where the `#` stands that the cursor is behind, its number perhaps between."""
    tokens = [token for token in asked.tokens if token.span.end <= asked.offset][-2:]
    if not tokens or tokens[-1].span.end != asked.offset:
        return None
    for token in reversed(tokens):
        if token.kind == "mark" and token.text == "#":
            return token.span.start
        if not (token.text.isdigit() or token.text == "*"):
            return None
    return None


def _ordinals(asked: Asked) -> Iterator[Completion]:
    at = _ordinal_at(asked)
    assert at is not None
    named = Asked(asked.scope, at)
    if named.segment is not None and named.word:
        entries = [e for e in names.goes_on(named) if e.label.startswith("#")]
        end = asked.span("/:,|@[").end
        typed = asked.text[at : asked.offset]
        yield from _best(Choices(entries), asked, typed, Span(at, max(end, asked.offset)))
