"""The parts of a document that are queries, and what the service says of each in the document's own places."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

from weightrepl.errors import Fix, Problem
from weightrepl.model.workspace import Workspace
from weightrepl.query.files import parse_file
from weightrepl.query.parser import parse
from weightrepl.service.answers import Completions, Highlight, Hover, Matched, Signature
from weightrepl.service.complete import complete
from weightrepl.service.diagnose import diagnose
from weightrepl.service.file_queries import (
    complete_file,
    diagnose_file,
    hover_file,
    matched_in,
    queries_of,
    signature_file,
)
from weightrepl.service.highlight import highlight, highlight_file
from weightrepl.service.hover import hover
from weightrepl.service.matched import matched
from weightrepl.service.signature import signature
from weightrepl.spans import Span
from weightrepl.values import Value


class Region(Value):
    """A query within a document, or a whole query file.

    places: of each character in the document, and of the end. want: of what the query is, whatever it says.
    quote: of Python's string that it is; empty where it is none. is_raw: whether a backslash is itself there.
    source: the path of the model that it is of, where the document says it.
    """

    text: str
    places: Sequence[int]
    want: Literal["weights", "layers"] | None = None
    is_file: bool = False
    quote: str = ""
    is_raw: bool = True
    source: str | None = None

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

    def spelled(self, text: str) -> str:
        """Return how a part of the query is written in the document."""
        if not self.quote or self.is_raw:
            return text
        return text.replace("\\", "\\\\").replace("\n", "\\n").replace(self.quote, "\\" + self.quote)

    def moved(self, fix: Fix) -> Fix:
        """Return a change of the query as one of the document."""
        return Fix(self.outer(fix.span), self.spelled(fix.text))

    # ---------------------------------------------------------------- what the service says

    def complete(self, offset: int, workspace: Workspace) -> Completions:
        """Return what may stand at an offset of the document."""
        here = self.inner(offset)
        found = (
            complete_file(self.text, here, workspace)
            if self.is_file
            else complete(self.text, here, workspace)
        )
        items = (
            item.replace(span=self.outer(item.span), text=self.spelled(item.text)) for item in found.items
        )
        return found.replace(items=tuple(items))

    def hover(self, offset: int, workspace: Workspace) -> Hover | None:
        """Return what is known of what stands at an offset of the document."""
        found = (hover_file if self.is_file else hover)(self.text, self.inner(offset), workspace)
        return None if found is None else found.replace(span=self.outer(found.span))

    def signature(self, offset: int) -> Signature | None:
        """Return what the stage at an offset of the document takes."""
        return (signature_file if self.is_file else signature)(self.text, self.inner(offset))

    def problems(self, workspace: Workspace) -> tuple[Problem, ...]:
        """Return what is wrong, in places of the document; without any model only with the spelling."""
        if not workspace.models:
            found = (parse_file if self.is_file else parse)(self.text).problems
        elif self.is_file:
            found = diagnose_file(self.text, workspace)
        else:
            found = diagnose(self.text, workspace, want=self.want)
        return tuple(self._outside(each) for each in found)

    def _outside(self, problem: Problem) -> Problem:
        span, fix = problem.span, problem.fix
        return problem.replace(
            span=None if span is None else self.outer(span), fix=None if fix is None else self.moved(fix)
        )

    def pieces(self) -> tuple[Highlight, ...]:
        """Return what the pieces are to a reader's eye."""
        found = (highlight_file if self.is_file else highlight)(self.text)
        return tuple(Highlight(self.outer(each.span), each.role) for each in found)

    def counts(self, workspace: Workspace) -> list[tuple[int, Matched]]:
        """Return how much each query matches and where it ends; those of which it can't be told are left out."""
        if not self.is_file:
            found = matched(self.text, workspace, want=self.want)
            return [] if found is None else [(self.places[-1], found)]
        counted = [(each.span, matched_in(self.text, each.span, workspace)) for each in queries_of(self.text)]
        return [(self.places[span.end], each) for span, each in counted if each is not None]
