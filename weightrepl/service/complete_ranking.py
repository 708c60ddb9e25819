"""Finds names by what was typed of them, best first, in time that a keystroke has."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate, islice

from weightrepl.query.globs import compile_glob
from weightrepl.query.syntax import AnyRun, Braces, Glob, GlobPart, Range, Text

_LOOKED_AT = 1000
"""Of so many names that hold what was typed in its order, the shortest, it is told how well they fit."""


class Names:
    """Names in their order, and what is needed to find among 100,000 of them at once.

    >>> names = Names(["outer_dense", "inner_dense1", "dense"])
    >>> [names.labels[i] for i in names.best("den", 10)], [names.labels[i] for i in names.best("ind1", 10)]
    (['dense', 'outer_dense', 'inner_dense1'], ['inner_dense1'])
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = labels

    @cached_property
    def _by_length(self) -> list[int]:
        return sorted(range(len(self.labels)), key=lambda i: len(self.labels[i]))

    @cached_property
    def _as_written(self) -> _Lines:
        return _Lines([self.labels[i] for i in self._by_length])

    @cached_property
    def _folded(self) -> _Lines:
        return _Lines([self.labels[i].casefold() for i in self._by_length])

    def best(self, typed: str, most: int) -> list[int]:
        """Return the positions of at most `most` names that `typed` may be the beginning of, or a part.

        The same name first, then those that begin so, those whose parts do (`ind1`: `inner_dense1`), those that
        hold it, those that hold its characters in order; the same case first, then the shorter.
        """
        if not typed:
            return list(range(min(most, len(self.labels))))
        if len(self.labels) == 1 and self.labels[0] == typed:
            return [0]
        found: dict[int, None] = {}
        for lines in self._ranks(_Lines.clean(typed)):
            for line in lines:
                found[line] = None
                if len(found) == most:
                    break
            if len(found) == most:
                break
        return [self._by_length[line] for line in found]

    def matching(self, glob: Glob, most: int) -> list[int]:
        """Return the positions of at most `most` names that begin as a pattern does; the shorter first."""
        matches = compile_glob(glob.replace(parts=(*glob.parts, AnyRun(span=glob.span)))).matches
        lines = self._as_written.like(_like(glob.parts))
        found = (i for i in (self._by_length[line] for line in lines) if matches(self.labels[i]))
        return list(islice(found, most))

    def _ranks(self, typed: str) -> Iterator[Iterator[int]]:
        """Yield the lines that fit, rank by rank."""
        both = (self._as_written, typed), (self._folded, typed.casefold())
        for mark in ("\n{}\n", "\n{}"):
            for lines, text in both:
                yield lines.holding(mark.format(text))
        folded = both[1][1]
        fitting = list(islice(self._folded.fitting(folded), _LOOKED_AT))
        names = (self.labels[self._by_length[line]] for line in fitting)
        yield (line for line, name in zip(fitting, names) if begins_parts(folded, name))  # noqa: B905
        for lines, text in both:
            yield lines.holding(text)
        yield iter(fitting)


class _Lines:
    """Texts as one, in which a search for any of them is one search."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._text = "\n" + "".join([self.clean(text) + "\n" for text in texts])
        self._starts = list(accumulate((len(text) + 1 for text in texts), initial=0))

    @staticmethod
    def clean(text: str) -> str:
        """Return a text of one line."""
        return text.replace("\n", " ")

    def holding(self, text: str) -> Iterator[int]:
        """Yield the numbers of the lines that hold a text, in which `\\n` is a line's beginning or end."""
        at = self._text.find(text)
        while at >= 0:
            line = bisect_right(self._starts, at) - 1
            if line == len(self._starts) - 1:
                return
            yield line
            at = self._text.find(text, self._starts[line + 1])

    def fitting(self, text: str) -> Iterator[int]:
        """Yield the numbers of the lines that hold the characters of a text in their order."""
        if any(char not in self._text for char in set(text)):
            return
        steps = (f"[^{re.escape(char)}\n]*{re.escape(char)}" for char in text)
        yield from self.like("".join(steps))

    def like(self, expression: str) -> Iterator[int]:
        """Yield the numbers of the lines that begin as a regular expression says."""
        for match in re.finditer(f"\n(?!\\Z){expression}", self._text):
            yield bisect_right(self._starts, match.start()) - 1


def _like(parts: Sequence[GlobPart]) -> str:
    """Return a regular expression for all that begins as a pattern does, and for more."""
    plain = not any(isinstance(part, Braces | Range) for part in parts)
    chunks = [""]
    for part in parts:
        match part:
            case AnyRun() if plain:  # the first place where what follows fits will do: no going back
                chunks.append("")
            case AnyRun():
                chunks[-1] += "[^\n]*"
            case Text(text):
                chunks[-1] += re.escape(text) if text.isascii() else "[^\n]*"
            case Braces(alternatives):
                chunks[-1] += f"(?:{'|'.join(_like(a.parts) for a in alternatives)})"
            case Range():
                chunks[-1] += r"-?\d+"
            case _:
                chunks[-1] += "[^\n]"
    return chunks[0] + "".join(f"(?=([^\n]*?{chunk}))\\{n}" for n, chunk in enumerate(chunks[1:], 1))


_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_]+")


def begins_parts(typed: str, name: str) -> bool:
    """Return whether `typed`, in lower case, is made of beginnings of the parts of a name, in their order.

    >>> begins_parts("ind1", "inner_dense1"), begins_parts("de1", "inner_dense1"), begins_parts("nd1", "inner_dense1")
    (True, True, False)
    """
    reached = {0}
    for part in _PART.findall(name):
        folded = part.casefold()
        for start in tuple(reached):
            end = start
            for char in folded:
                if end == len(typed) or typed[end] != char:
                    break
                end += 1
                reached.add(end)
        if len(typed) in reached:
            return True
    return False
