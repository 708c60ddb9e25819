"""Matches names against globs, in time linear in pattern times name whatever both are.

Each part of a glob takes all offsets into the name at which it may begin to all those at which it may end, each once;
so nothing is ever tried twice, and nothing backtracks.
"""

from __future__ import annotations

from weightrepl.query.names import text_glob
from weightrepl.query.syntax import AnyOne, AnyRun, Braces, CharClass, Glob, PosixClass, Range, Text
from weightrepl.spans import Span
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from weightrepl.query.syntax import GlobPart

_MOST_LITERALS = 1000


class Matcher(Value):
    """A glob made ready. `literal` is the one name that it spells out, in NFC, or None for a pattern.

    around_star: the texts before and behind the `*`, where that is all there is to it.
    dotted: whether `*`, `?` and classes stop at dots, as in attributes.
    """

    glob: Glob
    literal: str | None
    around_star: tuple[str, str] | None = None
    dotted: bool = False

    @property
    def is_any(self) -> bool:
        """Whether every name fits: `*`."""
        return self.around_star == ("", "") and not self.dotted

    def matches(self, name: str) -> bool:
        """Return whether the whole of `name` fits.

        >>> compile_text("a*[0-9]").matches("abc1")
        True
        """
        name = _nfc(name)
        if self.literal is not None:
            return name == self.literal
        if self.around_star is not None:
            before, after = self.around_star
            enough = len(name) >= len(before) + len(after)
            return enough and name.startswith(before) and name.endswith(after)
        ends = _Simulation(name, self.dotted).ends(self.glob, (0,))
        return len(ends) > 0 and ends[-1] == len(name)


def compile_glob(glob: Glob) -> Matcher:
    """Return the matcher of a glob for one name; a hole in it matches nothing."""
    literal = glob.literal
    return Matcher(glob, None if literal is None else _nfc(literal), _around_star(glob))


def compile_dotted(glob: Glob) -> Matcher:
    """Return the matcher of a glob for an attribute: no wildcard matches a dot."""
    return compile_glob(glob).replace(around_star=None, dotted=True)


def compile_text(pattern: str) -> Matcher:
    """Return the matcher that `~` uses, for a whole string; what is broken in the pattern matches nothing.

    What is wrong with a pattern written in a query is among the problems of `parse`.
    """
    return compile_glob(text_glob(pattern)[0])


def expand_literals(glob: Glob) -> tuple[tuple[str, Span], ...] | None:
    """Return each name that a glob of text and braces spells out, with the span of its alternative.

    None for a pattern (a range is one), and where there are more than a thousand names.
    """
    names: list[tuple[str, Span | None]] = [("", None)]
    for part in glob.parts:
        if isinstance(part, Text):
            names = [(name + part.text, span) for name, span in names]
            continue
        if not isinstance(part, Braces):
            return None
        choices: list[tuple[str, Span]] = []
        for alternative in part.alternatives:
            expanded = expand_literals(alternative)
            if expanded is None or len(names) * (len(choices) + len(expanded)) > _MOST_LITERALS:
                return None
            choices += expanded
        names = [(name + text, span or own) for name, span in names for text, own in choices]
    return tuple((name, span or glob.span) for name, span in names)


def _nfc(text: str) -> str:
    if text.isascii():
        return text
    import unicodedata

    return unicodedata.normalize("NFC", text)


def _around_star(glob: Glob) -> tuple[str, str] | None:
    """Return the texts before and behind the `*` of a glob that has one and is text beside it, else None."""
    match glob.parts:
        case (AnyRun(),):
            return "", ""
        case (Text(text), AnyRun()):
            return _nfc(text), ""
        case (AnyRun(), Text(text)):
            return "", _nfc(text)
        case (Text(before), AnyRun(), Text(after)):
            return _nfc(before), _nfc(after)
    return None


# ------------------------------------------------------------------ where parts end


class _Simulation:
    """One name, and at which offsets a part of a glob can end that begins at some of these."""

    def __init__(self, name: str, dotted: bool) -> None:
        self.name = name
        self.barred = "." if dotted else ""

    def ends(self, glob: Glob, starts: Sequence[int]) -> Sequence[int]:
        """Return the offsets, in order, at which a glob can end that begins at one of `starts`."""
        for part in glob.parts:
            starts = self.after(part, starts)
        return starts

    def after(self, part: GlobPart, starts: Sequence[int]) -> Sequence[int]:
        """Return the offsets at which one part can end."""
        match part:
            case Text():
                text = _nfc(part.text)
                return [i + len(text) for i in starts if self.name.startswith(text, i)]
            case AnyRun():
                return self.run(starts)
            case AnyOne():
                return [i + 1 for i in starts if i < len(self.name) and self.name[i] not in self.barred]
            case CharClass():
                return [i + 1 for i in starts if i < len(self.name) and self.fits(part, self.name[i])]
            case Braces():
                return sorted({end for choice in part.alternatives for end in self.ends(choice, starts)})
            case Range():
                return sorted({end for i in starts for end in self.numbers(part, i)})
        return ()

    def fits(self, part: CharClass, char: str) -> bool:
        """Return whether a class takes a character."""
        return char not in self.barred and _in_class(part, char)

    def run(self, starts: Sequence[int]) -> Sequence[int]:
        """Return the offsets that any run of characters leads to; it stops before what is barred."""
        if not starts or not self.barred:
            return range(starts[0], len(self.name) + 1) if starts else ()
        ends: list[int] = []
        for start in starts:
            if not ends or start > ends[-1]:
                stop = self.name.find(self.barred, start)
                ends += range(start, (len(self.name) if stop < 0 else stop) + 1)
        return ends

    def numbers(self, part: Range, start: int) -> list[int]:
        """Return the offsets behind the numbers of a range that begin at `start`."""
        longest = max(len(str(part.low)), len(str(part.high)), part.pad)
        ends = range(start + 1, min(start + longest, len(self.name)) + 1)
        return [end for end in ends if _in_range(part, self.name[start:end])]


def _in_range(part: Range, text: str) -> bool:
    """Return whether a text is a number of the range, written as the range writes it."""
    digits = text[1:] if text.startswith("-") else text
    if not (digits.isascii() and digits.isdigit()):
        return False
    value = int(text)
    return part.low <= value <= part.high and text == f"{value:0{part.pad}d}"


def _in_class(part: CharClass, char: str) -> bool:
    """Return whether a character is one of a class, or, negated, none."""
    found = False
    for member in part.members:
        match member:
            case PosixClass(name):
                found = found or _POSIX[name](char) if name in _POSIX else found
            case (low, high):
                found = found or low <= char <= high
            case _:
                found = found or member == char
    return found != part.negated


def _is_punctuation(char: str) -> bool:
    return char.isprintable() and not (char.isalnum() or char.isspace())


_POSIX: dict[str, Callable[[str], bool]] = {
    "alnum": str.isalnum,
    "alpha": str.isalpha,
    "blank": " \t".__contains__,
    "cntrl": lambda c: c < " " or "\x7f" <= c < "\xa0",
    "digit": "0123456789".__contains__,
    "graph": lambda c: c.isprintable() and not c.isspace(),
    "lower": str.islower,
    "print": str.isprintable,
    "punct": _is_punctuation,
    "space": str.isspace,
    "upper": str.isupper,
    "xdigit": "0123456789abcdefABCDEF".__contains__,
}
