"""The texts that an editor has open, as it edits them, and their places in its own counting."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from functools import cached_property

from lsprotocol import types as lsp

from weightrepl.spans import Span
from weightrepl.values import Value

_LINE_END = re.compile(r"\r\n|\r|\n")


_HALVES = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def _whole(text: str) -> str:
    """Return a text in which halves of a character that came one by one are that character."""
    return _HALVES.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


class Text(Value):
    """What is in a document.

    encoding: what a column counts, `utf-8`, `utf-16` or `utf-32`. notebook: the one that it is a cell of.
    """

    uri: str
    text: str
    encoding: str = "utf-16"
    version: int | None = None
    language: str = ""
    notebook: str | None = None

    @property
    def home(self) -> str:
        """The URI of the file that it is in."""
        return self.notebook or self.uri

    def edited(self, changes: Iterable[lsp.TextDocumentContentChangeEvent], version: int | None) -> Text:
        """Return the document after an editor's changes, which count one after the other."""
        now = self.replace(version=version)
        for change in changes:
            text = change.text
            if isinstance(change, lsp.TextDocumentContentChangePartial):
                span = now.span(change.range)
                text = now.text[: span.start] + text + now.text[span.end :]
            now = now.replace(text=_whole(text))
        return now

    # ---------------------------------------------------------------- places

    @cached_property
    def _starts(self) -> list[int]:
        """Where each line begins; the protocol knows three line ends, and no others of Unicode's."""
        return [0, *(found.end() for found in _LINE_END.finditer(self.text))]

    @cached_property
    def _is_plain(self) -> bool:
        """Whether a column counts code points."""
        return self.encoding == "utf-32" or self.text.isascii()

    def position(self, offset: int) -> lsp.Position:
        """Return line and column of an offset in code points."""
        line = bisect_right(self._starts, offset) - 1
        start = self._starts[line]
        units = offset - start if self._is_plain else self._units(self.text[start:offset])
        return lsp.Position(line, units)

    def range(self, span: Span) -> lsp.Range:
        """Return the range of a span."""
        return lsp.Range(self.position(span.start), self.position(span.end))

    def offset(self, position: lsp.Position) -> int:
        """Return the offset of a position: beyond a line its end, within a character where that begins."""
        if position.line >= len(self._starts):
            return len(self.text)
        start = self._starts[position.line]
        ends = self._starts[position.line + 1 : position.line + 2]
        line = self.text[start : ends[0]].rstrip("\r\n") if ends else self.text[start:]
        if self._is_plain:
            return start + min(position.character, len(line))
        column = 0
        for i, char in enumerate(line):
            column += self._units(char)
            if column > position.character:
                return start + i
        return start + len(line)

    def span(self, given: lsp.Range) -> Span:
        """Return the span of a range; of one that ends before it begins an empty one."""
        start = self.offset(given.start)
        return Span(start, max(start, self.offset(given.end)))

    def length(self, span: Span) -> int:
        """Return how many columns a span of one line takes."""
        return len(span) if self._is_plain else self._units(span.of(self.text))

    def _units(self, text: str) -> int:
        if self.encoding == "utf-8":
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text) + sum(char > "\uffff" for char in text)
