"""The words that commands are given: files, names, options; quotes hold blanks together."""

from __future__ import annotations

import re

from weightrepl.frontends.shell import Given
from weightrepl.spans import Span
from weightrepl.values import Value

_WORD = re.compile(r"""(?:"[^"]*"?|'[^']*'?|[^\s"'])*""")


class Word(Value):
    """A word, without the quotes around its parts.

    span: where it stands in the line, quotes and all. rest: what follows it.
    """

    text: str
    span: Span
    rest: Given


def word_at(given: Given) -> Word:
    r"""Return the first word of what is given; empty where there is none. A backslash is a character like any other.

    >>> word_at(Given('%open "my model.keras" as m', 6)).text
    'my model.keras'
    """
    start = given.behind(0).start
    found = _WORD.match(given.line, start)
    assert found is not None
    text = re.sub(r"""(["'])(.*?)(?:\1|\Z)""", r"\2", found[0])
    return Word(text, Span(*found.span()), Given(given.line, found.end()).behind(0))


def words_of(given: Given) -> list[Word]:
    """Return all words of what is given."""
    words = []
    while given.text.strip():
        words.append(word_at(given))
        given = words[-1].rest
    return words


def quoted(path: str) -> str:
    """Return how a path is typed, so that it reads back as it is."""
    if not re.search(r"""[\s"']""", path):
        return path
    return f"'{path}'" if '"' in path else f'"{path}"'
