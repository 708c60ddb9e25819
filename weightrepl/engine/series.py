"""Names that count up, and the pattern of a query that selects just these."""

from __future__ import annotations

import re

from weightrepl.query.printer import format_glob
from weightrepl.query.syntax import Braces, Glob, Range, Text
from weightrepl.spans import Span
from weightrepl.values import Value

_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,18}(?![0-9])")
_NOWHERE = Span(0, 0)


class Series(Value):
    """Names that differ in one number, which counts up from `low` and is `pad` digits wide (0: not padded).

    bare: whether the first has neither the number nor the `_` before it: `dense, dense_1, dense_2`.
    """

    before: str
    low: int
    after: str = ""
    pad: int = 0
    bare: bool = False

    def name(self, i: int) -> str | None:
        """Return the i-th name; None where its number outgrows the width, so that one pattern can't hold both."""
        if self.bare and not i:
            return self.before
        number = f"{self.low + i:0{self.pad}d}"
        if self.pad and len(number) > self.pad:
            return None
        return f"{self.before}{'_' * self.bare}{number}{self.after}"

    def pattern(self, count: int) -> str:
        """Return the pattern of the first `count` names, as a query spells it.

        >>> series_of("block_0", "block_1").pattern(12), series_of("dense", "dense_1").pattern(3)
        ('block_{0..11}', 'dense{,_{1..2}}')
        """
        numbers = Range(self.low + self.bare, self.low + count - 1, self.pad, span=_NOWHERE)
        either = Braces((_glob(), _glob(_text("_"), numbers)), span=_NOWHERE)
        return format_glob(_glob(_text(self.before), either if self.bare else numbers, _text(self.after)))


def _text(text: str) -> Text:
    return Text(text, span=_NOWHERE)


def _glob(*parts: Text | Range | Braces) -> Glob:
    return Glob(parts, span=_NOWHERE)


def series_of(first: str, second: str) -> Series | None:
    """Return the series that two names begin, if they do."""
    if second == f"{first}_1":
        return Series(first, 0, bare=True)
    for found in _NUMBER.finditer(first):
        digits = found[0]
        pad = len(digits) if digits.startswith("0") and len(digits) > 1 else 0
        series = Series(first[: found.start()], int(digits), first[found.end() :], pad)
        if series.name(1) == second:
            return series
    return None
