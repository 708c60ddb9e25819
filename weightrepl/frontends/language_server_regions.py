"""The parts of a document that are queries, and what the service says of each in the document's own places."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

from weightrepl.errors import Fix, Problem
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.service.answers import Completions, Highlight, Hover, Matched, Signature
from weightrepl.service.complete import complete
from weightrepl.service.diagnose import diagnose
from weightrepl.service.file_names import hover_directive
from weightrepl.service.file_queries import (
    complete_file,
    diagnose_file,
    hover_file,
    matched_in,
    parsed,
    query_spans,
    signature_file,
)
from weightrepl.service.highlight import highlight, highlight_file
from weightrepl.service.hover import hover
from weightrepl.service.matched import matched
from weightrepl.service.signature import signature
from weightrepl.spans import Span
from weightrepl.values import Value

Want: TypeAlias = Literal["weights", "layers"]
Reach: TypeAlias = Literal["file", "names", "live"]

MOST = 200
"""So many completions are given at most: where there are more, an editor asks anew at the next key."""


class Quote(Value):
    """How a string of Python's is written. marks: the quotes that are around it, or around its parts."""

    marks: str
    is_raw: bool

    def written(self, text: str) -> str | None:
        """Return a text as it is written within; None where it can't be."""
        if self.is_raw:
            return None if set(self.marks) & set(text) or text.endswith("\\") else text
        text = text.replace("\\", "\\\\").replace("\n", "\\n")
        for mark in self.marks:
            text = text.replace(mark, "\\" + mark)
        return text


class Region(Value):
    """A query within a document, or several with directives (of the reach `file`).

    places: of each character in the document, and of the end. want: of what the query is, whatever it says.
    reach: what it sees: all models of the document, those that have names in it, or one that only runs, unknown here.
    source: the path of the one model that it is of, where the document tells.
    is_sure: whether all its models are known. is_plain: whether it is read as it stands.
    closing: of how many characters the quote at its end is.
    """

    text: str
    places: Sequence[int]
    want: Want | None = None
    reach: Reach = "names"
    quote: Quote | None = None
    source: str | None = None
    is_sure: bool = True
    is_plain: bool = True
    closing: int = 0

    @property
    def is_file(self) -> bool:
        """Whether it is several queries."""
        return self.reach == "file"

    @property
    def span(self) -> Span:
        """Where it stands in the document."""
        return Span(self.places[0], self.places[-1])

    def outer(self, span: Span) -> Span:
        """Return the span of the document that one of the query is."""
        return Span(self.places[span.start], self.places[span.end])

    def inner(self, offset: int) -> int:
        """Return the offset in the query of one in the document."""
        return min(bisect_left(self.places, offset), len(self.text))

    def written(self, text: str) -> str | None:
        """Return how a part of the query is written in the document; None where it can't be."""
        return text if self.quote is None else self.quote.written(text)

    def queries(self) -> Iterator[tuple[Span, str]]:
        """Yield the queries that it gives results for, and where each stands in the document."""
        spans = [Span(0, len(self.text))]
        if self.is_file:
            spans = [entry.query.span for entry in parsed(self.text).file.entries]
        for span in spans:
            if len(span):
                yield self.outer(span), span.of(self.text)

    # ---------------------------------------------------------------- what the service says

    def complete(self, offset: int, workspace: Workspace) -> Completions:
        """Return what may stand at an offset of the document."""
        ask = complete_file if self.is_file else complete
        found = ask(self.text, self.inner(offset), workspace, most=MOST)
        written = ((item, self.written(item.text)) for item in found.items)
        return found.replace(
            items=tuple(
                item.replace(span=self.outer(item.span), text=text)
                for item, text in written
                if text is not None
            )
        )

    def hover(self, offset: int, workspace: Workspace) -> Hover | None:
        """Return what is known of what stands at an offset of the document."""
        here = self.inner(offset)
        found = (hover_file if self.is_file else hover)(self.text, here, workspace)
        if found is None and self.is_file:
            found = hover_directive(self.text, here, workspace)
        return None if found is None else found.replace(span=self.outer(found.span))

    def signature(self, offset: int) -> Signature | None:
        """Return what the stage at an offset of the document takes."""
        return (signature_file if self.is_file else signature)(self.text, self.inner(offset))

    def problems(self, workspace: Workspace, is_sure: bool) -> tuple[Problem, ...]:
        """Return what is wrong, in places of the document; only with the spelling where not all models are known."""
        if not self.is_plain:
            return ()
        if not is_sure or not workspace.models:
            found = (parsed if self.is_file else parse)(self.text).problems
        elif self.is_file:
            found = diagnose_file(self.text, workspace)
        else:
            found = diagnose(self.text, workspace, want=self.want)
        return tuple(self._outside(each) for each in found)

    def _outside(self, problem: Problem) -> Problem:
        span, fix = problem.span, problem.fix
        text = None if fix is None else self.written(fix.text)
        return problem.replace(
            span=None if span is None else self.outer(span),
            fix=None if fix is None or text is None else Fix(self.outer(fix.span), text),
        )

    def pieces(self) -> Iterator[Highlight]:
        """Yield what the pieces are to a reader's eye."""
        for each in (highlight_file if self.is_file else highlight)(self.text):
            yield Highlight(self.outer(each.span), each.role)

    def counts(self, wanted: Span, workspace: Workspace) -> Iterator[tuple[int, Matched]]:
        """Yield how much each query in a span matches and where it ends; not those of which it can't be told."""
        spans = query_spans(self.text) if self.is_file else (Span(0, len(self.text)),)
        for span in spans:
            end = self.places[span.end]
            if wanted.start <= end <= wanted.end:
                found = (
                    matched_in(self.text, span, workspace)
                    if self.is_file
                    else matched(self.text, workspace, want=self.want)
                )
                if found is not None:
                    yield end + self.closing, found
