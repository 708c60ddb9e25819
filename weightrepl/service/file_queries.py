"""The answers of the service for a whole query file: completion, hover, problems and signatures at its own offsets."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from weightrepl.engine.scope import NamedQuery
from weightrepl.errors import Problem, errors_in
from weightrepl.model.workspace import Workspace
from weightrepl.query.files import ParsedFile, items_of, parse_file
from weightrepl.query.syntax import OpenDirective, Query
from weightrepl.service.answers import Completion, Completions, Hover, Matched, Signature
from weightrepl.service.complete import MOST, complete
from weightrepl.service.diagnose import diagnose
from weightrepl.service.hover import hover
from weightrepl.service.matched import matched
from weightrepl.service.signature import signature
from weightrepl.spans import Span

MOST_KNOWN = 10_000
"""So many queries' problems are kept with a workspace."""

_WORDS = {
    "directive": (
        ("open", "a model, before all queries: open base = models/base.keras"),
        ("let", "a query by a name, for $name: let attention = **/attention_*:kernel"),
        ("expect", "what the next query must find: expect none"),
    ),
    "expectation": (
        ("some", "the next query must find something"),
        ("none", "the next query must find nothing"),
    ),
}
"""What may stand where the file's parser expects one of these, and what it does."""


@lru_cache(maxsize=32)
def parsed(text: str) -> ParsedFile:
    """Return what a query file says, of the files asked about last without reading them anew."""
    return parse_file(text)


def queries_of(text: str) -> tuple[Query, ...]:
    """Return the queries of a file in the order of their places, those that have names among them."""
    file = parsed(text).file
    every = (*(let.query for let in file.lets), *(entry.query for entry in file.entries))
    return tuple(sorted(every, key=lambda query: query.span))


@lru_cache(maxsize=32)
def _directives(text: str) -> ParsedFile:
    """Return what the directives of a file say, at their places, without reading the queries between them."""
    parts, at = [], 0
    for item in items_of(text):
        if not text.startswith("#:", item.start):
            parts += [text[at : item.start], "\n".join(" " * len(line) for line in item.of(text).split("\n"))]
            at = item.end
    return parse_file("".join(parts) + text[at:])


def opens_of(text: str) -> tuple[OpenDirective, ...]:
    """Return the models that a file opens, without reading its queries."""
    return _directives(text).file.opens


@lru_cache(maxsize=32)
def query_spans(text: str) -> tuple[Span, ...]:
    """Return where the queries of a file stand, in order, those that have names among them; reads none of them."""
    lets = {let.span.start: let.query.span for let in _directives(text).file.lets}
    found = []
    for item in items_of(text):
        if item.start in lets:
            found.append(lets[item.start])
        elif not text.startswith("#:", item.start):
            found.append(Span(item.end - len(item.of(text).lstrip()), item.end))
    return tuple(found)


@lru_cache(maxsize=32)
def named_of(text: str) -> Mapping[str, NamedQuery]:
    """Return what `$name` stands for in a file, the first query of that name; one that has errors is left out."""
    found = _directives(text)
    faulty = [problem.span for problem in errors_in(found.problems) if problem.span is not None]
    first = {let.name: let for let in reversed(found.file.lets)}
    return {
        let.name: NamedQuery(text, let.query)
        for let in first.values()
        if let.name and not any(let.query.span.start <= span.start <= let.query.span.end for span in faulty)
    }


def query_at(text: str, offset: int) -> Span | None:
    """Return the span of the query that is typed on at `offset`: from its beginning to its end, or to the offset.

    On an empty line a new one begins; None in directives and comments.
    """
    for span in query_spans(text):
        start, end = span.start, span.end
        if start <= offset <= end or (end < offset and not text[end:offset].strip(" \t")):
            return Span(start, max(end, offset))
    start = text.rfind("\n", 0, offset) + 1
    return Span(offset, offset) if not text[start:offset].strip("\ufeff") else None


def complete_file(
    text: str, offset: int, workspace: Workspace, *, wait: bool = True, most: int = MOST
) -> Completions:
    """Return what may stand at `offset` of a query file. Raises nothing. What files there are it does not know."""
    span = query_at(text, offset)
    if span is not None:
        found = complete(
            span.of(text), offset - span.start, workspace, named=_named_but(text, span), wait=wait, most=most
        )
        return found.replace(items=tuple(_moved(item, span.start) for item in found.items))
    line = text[text.rfind("\n", 0, offset) + 1 : offset].lstrip("\ufeff")
    if not line.startswith("#:"):
        return Completions()
    before = parse_file(text[:offset]).expected
    kinds = {expectation.kind for expectation in before.kinds}
    items = [
        Completion(word, before.span, "keyword", word, told)
        for kind in _WORDS
        if kind in kinds
        for word, told in _WORDS[kind]
        if word.startswith(before.span.of(text))
    ]
    return Completions(tuple(items))


def _named_but(text: str, span: Span) -> dict[str, NamedQuery]:
    """Return the named queries that one at `span` may refer to: all but itself."""
    return {name: named for name, named in named_of(text).items() if named.query.span.start != span.start}


def _moved(item: Completion, by: int) -> Completion:
    return item.replace(span=item.span.shifted(by))


def diagnose_file(text: str, workspace: Workspace) -> tuple[Problem, ...]:
    """Return the problems of a query file, of syntax and of meaning, in order of their places. Reads no values.

    Raises:
        NotReadYetError: within `model.reading.without_reading()`, where something has to be read first.
    """
    spans = query_spans(text)
    found = [
        problem
        for problem in parsed(text).problems
        if problem.span is not None and not any(_holds(span, problem.span) for span in spans)
    ]
    for span in spans:
        found += [problem.shifted(span.start) for problem in _problems(text, span, workspace)]
    return tuple(sorted(found, key=lambda problem: problem.place))


def _problems(text: str, span: Span, workspace: Workspace) -> tuple[Problem, ...]:
    """Return the problems of the query at `span`; what was found at the last keys is found again without looking."""
    named = _named_but(text, span)
    known = workspace.prepared.setdefault("problems", {})
    asked = (span.of(text), tuple((name, each.query.span.of(text)) for name, each in named.items()))
    problems: tuple[Problem, ...] | None = known.get(asked)
    if problems is None:
        if len(known) > MOST_KNOWN:
            known.clear()
        problems = known[asked] = diagnose(span.of(text), workspace, named=named)
    return problems


def _holds(outer: Span, inner: Span) -> bool:
    return outer.start <= inner.start and inner.end <= outer.end


def hover_file(text: str, offset: int, workspace: Workspace) -> Hover | None:
    """Return what is known of what stands at `offset` of a query file; None where nothing is."""
    span = query_at(text, offset)
    if span is None or not len(span):
        return None
    found = hover(span.of(text), offset - span.start, workspace, named=_named_but(text, span))
    return None if found is None else found.replace(span=found.span.shifted(span.start))


def signature_file(text: str, offset: int) -> Signature | None:
    """Return what the stage at `offset` of a query file takes; None where there is none."""
    span = query_at(text, offset)
    return None if span is None else signature(span.of(text), offset - span.start)


def matched_in(text: str, span: Span, workspace: Workspace) -> Matched | None:
    """Return how much the query at `span` of a file matches; None where it can't be told without reading values."""
    return matched(span.of(text), workspace, named=_named_but(text, span))
