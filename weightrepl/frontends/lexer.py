"""Queries and query files for pygments: a lexer that only translates roles, and styles made of the palette."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pygments.lexer import Lexer
from pygments.style import Style
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, Punctuation, String, Whitespace

from weightrepl.render.palette import HUES, LOOKS
from weightrepl.service.answers import Role
from weightrepl.service.highlight import highlight_file

TOKENS: dict[Role, Any] = {
    "model": Name.Namespace,
    "layer": Name.Entity,
    "attribute": Name.Attribute,
    "class": Name.Class,
    "weight": Name.Property,
    "reference": Name.Variable,
    "wildcard": String.Regex,
    "escape": String.Escape,
    "separator": Punctuation,
    "exclusion": Operator.Word,
    "pipe": Punctuation.Marker,
    "stage": Name.Function,
    "column": Name.Other,
    "keyword": Keyword,
    "operator": Operator,
    "number": Number,
    "string": String,
    "constant": Keyword.Constant,
    "slice": Number.Integer,
    "comment": Comment.Single,
    "directive": Comment.Preproc,
    "path": String.Other,
    "error": Error,
}
"""What each role is to pygments; no two are the same."""


class WeightQueryLexer(Lexer):  # type: ignore[misc]
    """Tells pygments what the pieces of a query, or of a query file, are."""

    name = "WeightQuery"
    aliases = ("weightquery", "wq")
    filenames = ("*.wq",)

    def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
        """Yield offset, kind and text of each piece; what has no role is white space."""
        at = 0
        for piece in highlight_file(text):
            if at < piece.span.start:
                yield at, Whitespace, text[at : piece.span.start]
            yield piece.span.start, TOKENS[piece.role], piece.span.of(text)
            at = piece.span.end
        if at < len(text):
            yield at, Whitespace, text[at:]


def _styles(page: int) -> dict[Any, str]:
    """Return what pygments calls styles: of the light page, 0, or of the dark one, 1."""
    looks = {
        TOKENS[role]: f"{'bold' if look.bold else 'nobold'} {HUES[look.hue][page]}"
        for role, look in LOOKS.items()
    }
    return {Whitespace: HUES[""][page], **looks}


class WeightQueryStyle(Style):  # type: ignore[misc]
    """The palette on a light page."""

    name = "weightquery"
    background_color = "#ffffff"
    styles = _styles(0)


class WeightQueryDarkStyle(Style):  # type: ignore[misc]
    """The palette on a dark page."""

    name = "weightquery-dark"
    background_color = "#1e1e1e"
    styles = _styles(1)
