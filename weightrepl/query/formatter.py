"""text -> canonical text."""

from __future__ import annotations

from weightrepl.errors import errors_in
from weightrepl.query.parser import parse
from weightrepl.query.printer import format_query
from weightrepl.query.tokens import tokenize


def format_text(text: str) -> str:
    """Return the canonical spelling of a query; a broken one, or one with a comment, comes back as it is.

    >>> format_text('"a"/b/:kernel|head  5')
    'a/b:kernel | head 5'
    """
    parsed = parse(text)
    if errors_in(parsed.problems) or any(token.kind == "comment" for token in tokenize(text)):
        return text
    return format_query(parsed.query)
