"""Lines of `%weights` and `%layers` as they were typed: a `?` at their end asks for no help, blanks there stay."""

from __future__ import annotations

import re
import tokenize
from typing import Any

from IPython.core.inputtransformer2 import TokenTransformBase, find_end_of_continued_line

NAMES = ("weights", "layers")
"""What the magics are called."""

_HELP = re.compile(r"\?{1,2}\s*\Z")


class RawLine(TokenTransformBase):
    """Turns one line of ours, or an assignment of one, into its call, before IPython looks at it."""

    priority = 4  # before HelpEnd, which takes the `?` at the end of a line for a call of help

    def __init__(self, start: tuple[int, int], percent: tuple[int, int]) -> None:
        super().__init__(start)  # type: ignore[no-untyped-call]
        self.percent_line, self.percent_column = percent[0] - 1, percent[1]

    @classmethod
    def find(cls, tokens_by_line: list[list[Any]]) -> RawLine | None:
        """Return the first line of ours in a cell."""
        for line in tokens_by_line:
            tokens = [t for t in line if t.type not in (tokenize.INDENT, tokenize.DEDENT)]
            at = _percent(tokens)
            if at is not None and not _HELP.match(tokens[at].line[tokens[at + 1].end[1] :]):
                return cls(tokens[0].start, tokens[at].start)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """Return the lines of the cell with that line as Python."""
        start, column = self.percent_line, self.percent_column
        end = find_end_of_continued_line(lines, start)
        typed = [lines[start][column:], *lines[start + 1 : end + 1]]
        whole = " ".join([piece.rstrip()[:-1] for piece in typed[:-1]] + [typed[-1].rstrip("\r\n")])
        _, name, rest = re.split(r"%(\w+)\s?", whole, maxsplit=1)
        call = f"get_ipython().run_line_magic({name!r}, {rest!r})\n"
        return [*lines[:start], lines[start][:column] + call, *lines[end + 1 :]]


def _percent(tokens: list[Any]) -> int | None:
    """Return which token is the `%` of a magic of ours: the first, or the one behind an assignment's `=`."""
    depth = 0
    for n, token in enumerate(tokens):
        if n == 0 or (depth == 0 and tokens[n - 1].string == "="):
            if _is_ours(tokens[n : n + 2]):
                return n
            if n:
                return None
        depth += (token.string in "([{") - (token.string in ")]}") if token.string else 0
    return None


def _is_ours(tokens: list[Any]) -> bool:
    return (
        len(tokens) == 2
        and tokens[0].string == "%"
        and tokens[1].string in NAMES
        and tokens[0].end == tokens[1].start
    )
