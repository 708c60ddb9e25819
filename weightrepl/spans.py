"""Where something stands in a text: spans, caret pictures, positions, and the nearest names."""

from __future__ import annotations

from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Span(Value):
    """A half-open range of a text, in code points from 0."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """Return the part of `text` that the span covers."""
        return text[self.start : self.end]

    def to(self, other: Span) -> Span:
        """Return the span from this one's start to the end of `other`."""
        return Span(self.start, other.end)

    def shifted(self, offset: int) -> Span:
        """Return the span moved by `offset` code points."""
        return Span(self.start + offset, self.end + offset)

    def __len__(self) -> int:
        return self.end - self.start

    def __lt__(self, other: Span) -> bool:
        return (self.start, self.end) < (other.start, other.end)


def visible(text: str) -> str:
    r"""Return `text` with control, format and bidirectional characters spelled as escapes.

    Layer names may hold ESC, newline, NUL; printed as they are they would drive the terminal.

    >>> visible('a\x1b[2Jb')
    'a\\u{1b}[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(c if c == " " or c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)


def width(text: str) -> int:
    """Return how many terminal cells `text` takes: wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_cells(c) for c in text)


def _cells(char: str) -> int:
    import unicodedata

    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def excerpt(text: str, span: Span) -> tuple[str, str]:
    """Return the line of `text` in which `span` begins, and a line of `~` below the part it covers.

    An empty span is marked by one `^`. A span that goes on past its line is marked up to the line's end.
    """
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.start)
    line = text[start : len(text) if end < 0 else end]
    left, right = span.start - start, min(span.end - start, len(line))
    pad = " " * width(visible(line[:left]))
    return visible(line), pad + ("~" * width(visible(line[left:right])) or "^")


def line_column(text: str, offset: int) -> tuple[int, int]:
    """Return the 0-based line and column, both in code points, of `offset` in `text`."""
    return text.count("\n", 0, offset), offset - (text.rfind("\n", 0, offset) + 1)


_NEAR = 0.6
_CROWD = 300
"""Among more names than these, those that begin with what was typed are the nearest: comparing each takes long."""


def nearest(name: str, names: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """Return at most `limit` of `names` that one may have meant by `name`, the likeliest first.

    Case, and `-`, `_` and blanks, weigh nothing; a part of a name counts as near.
    """
    from difflib import SequenceMatcher

    def plain(text: str) -> str:
        return text.casefold().replace("-", "_").replace(" ", "_")

    wanted = plain(name)
    by_plain: dict[str, list[str]] = {}
    for candidate in dict.fromkeys(names):
        by_plain.setdefault(plain(candidate), []).append(candidate)
    pool = list(by_plain)
    if len(pool) > _CROWD:
        pool = sorted((c for c in pool if c.startswith(wanted)), key=len)[:limit] or pool
    matcher = SequenceMatcher(b=wanted)
    scored: list[tuple[float, str]] = []
    for candidate in pool[:5000]:
        matcher.set_seq1(candidate)
        if (
            min(matcher.real_quick_ratio(), matcher.quick_ratio()) >= _NEAR
            and (ratio := matcher.ratio()) >= _NEAR
        ):
            scored.append((ratio, candidate))
    close = [candidate for _, candidate in sorted(scored, key=lambda pair: -pair[0])]
    if len(wanted) >= 3:
        close += [c for c in pool if c not in close and (wanted in c or (len(c) >= 3 and c in wanted))]
    found = [original for c in close for original in by_plain[c]]
    return tuple(found[:limit])


def listed(names: Sequence[str], limit: int = 5) -> str:
    """Return names as a message lists them: quoted, at most `limit`, and how many more there are."""
    shown = ", ".join(f"'{visible(n)}'" for n in names[:limit])
    rest = len(names) - limit
    return shown if rest <= 0 else f"{shown} and {rest} more"
