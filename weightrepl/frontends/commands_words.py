"""The words that commands are given: files, names, options; quotes hold blanks together."""

from __future__ import annotations

import re

from weightrepl.frontends.shell import Given
from weightrepl.query.tokens import Token, tokenize
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


def seconds_in(word: str) -> float | None:
    """Return the number of seconds that a word is; None where it is something else."""
    try:
        seconds = float(word)
    except ValueError:
        return None
    return seconds if 0 < seconds < 1e7 else None


def sides_of(text: str) -> list[Span]:
    """Return where the sides stand that white space or a comma parts, as far as the first stage."""
    spans, start, depth = [], 0, 0
    for token in (*tokenize(text), Token("end", "", Span(len(text), len(text)))):
        if token.kind == "mark":
            depth += (token.text in "[{") - (token.text in "]}")
        parts = token.kind in ("space", "comment") or token.text in ("|", ",")
        if token.kind == "end" or (parts and depth == 0):
            spans += [Span(start, token.span.start)] if start < token.span.start else []
            start = token.span.end
        if token.text == "|" and depth == 0:
            break
    return spans


def quoted(path: str) -> str:
    """Return how a path is typed, so that it reads back as it is."""
    if not re.search(r"""[\s"']""", path):
        return path
    return f"'{path}'" if '"' in path else f'"{path}"'
