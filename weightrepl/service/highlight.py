"""What each piece of a query is to a reader's eye."""

from __future__ import annotations

from weightrepl.service.answers import Highlight


def highlight(text: str) -> tuple[Highlight, ...]:
    """Return the roles of the pieces of a query, from its syntax tree. Raises nothing."""
    return ()


def highlight_file(text: str) -> tuple[Highlight, ...]:
    """Return the roles of the pieces of a query file: queries, directives, comments. Raises nothing."""
    return ()
