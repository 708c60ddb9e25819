"""Reads the pattern of one name: text, escapes, quotes, `*`, `?`, `[a-z]`, `{a,b}`, `{0..11}`."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.characters import char_class, unescaped
from weightrepl.query.cursor import Cursor, insertion, named
from weightrepl.query.syntax import (
    AnyOne,
    AnyRun,
    Braces,
    Glob,
    Missing,
    Range,
    Text,
)
from weightrepl.query.tokens import Token, class_end, tokenize_pattern
from weightrepl.query.words import STAGES
from weightrepl.spans import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from weightrepl.errors import Problem
    from weightrepl.query.syntax import GlobPart

Role: TypeAlias = "Literal['layer', 'weight', 'class', 'pattern']"

_ENDS: dict[Role, frozenset[str]] = {
    "layer": frozenset(("/", ":", ",", "|", "@", "#")),
    "class": frozenset(("/", ":", ",", "|", "#")),
    "weight": frozenset(("/", ":", ",", "|", "@", "#", "[")),
    "pattern": frozenset(),
}
"""The marks that end a name, by what it is the name of."""

_LONGEST_INTEGER = 100


def glob(c: Cursor, role: Role, drop: int = 0) -> Glob:
    """glob = { text | "*" | "?" | class | braces }, without the first `drop` characters of its first word."""
    start = c.start + drop
    parts: list[GlobPart] = []
    if drop:
        word = c.take()
        parts = [Text(word.text[drop:], span=Span(start, word.span.end))] if word.text[drop:] else []
    while not c.done and not (c.token.kind == "mark" and _ends(c, role)):
        if c.token.kind == "comment" or (c.token.kind == "space" and not _bridged(c, role)):
            break
        for part in _parts(c, role):
            _append(parts, part)
    return Glob(tuple(parts), span=c.since(start))


def text_glob(pattern: str) -> tuple[Glob, tuple[Problem, ...]]:
    """Return a glob for whole strings, as `~` takes it, and what is wrong with it; spans are those of `pattern`."""
    c = Cursor(pattern, scan=tokenize_pattern)
    return glob(c, "pattern"), tuple(c.problems)


def begins_name(token: Token) -> bool:
    """Return whether a name can begin with this token."""
    return token.kind in ("word", "stars", "class", "escape", "quoted") or token.text in ("?", "{")


def integer(text: str) -> int | None:
    """Return the integer that a text spells, or None; one of over 100 digits is none."""
    digits = text[1:] if text.startswith("-") else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_INTEGER else None


def _ends(c: Cursor, role: Role) -> bool:
    return c.token.text in _ENDS[role] or (c.depth > 0 and c.token.text in (",", "}"))


def _bridged(c: Cursor, role: Role) -> bool:
    """Return whether the white space that comes next was meant to be part of the name; if so, report it."""
    following = c.beyond()
    if role != "layer" or not begins_name(following) or (following.text in STAGES and c.depth == 0):
        return False
    space = c.token
    if space.span.end != following.span.start:
        return False
    separators = "',' or '}'" if c.depth else "'/', ':' or ','"
    what = f"expected {separators} after {named(c.last)}, found {named(following)}; in a name white space is escaped"
    c.report("space-in-path", what, space.span, Fix(space.span, "\\ " * len(space.span)))
    return True


def _append(parts: list[GlobPart], part: GlobPart) -> None:
    """Add a part; neighbours that say the same as one are one."""
    before = parts[-1] if parts else None
    if isinstance(part, Text) and isinstance(before, Text):
        parts[-1] = Text(before.text + part.text, span=before.span.to(part.span))
    elif isinstance(part, AnyRun) and isinstance(before, AnyRun):
        parts[-1] = AnyRun(span=before.span.to(part.span))
    elif not (isinstance(part, Text) and not part.text):
        parts.append(part)


def _parts(c: Cursor, role: Role) -> tuple[GlobPart, ...]:
    """Return what the next token, or all up to the brace that closes it, stands for."""
    token = c.token
    if token.text == "{" and token.kind == "mark":
        return _braces(c, role)
    if token.text == "[" and token.kind == "mark":
        return (_unclosed_class(c),)
    c.take()
    match token.kind:
        case "stars":
            return (AnyRun(span=token.span),)
        case "class":
            _warn_of_range(c, token)
            return (char_class(c, token),)
        case "escape" | "quoted":
            return (Text(unescaped(c, token), span=token.span),)
        case "mark" if token.text == "?":
            return (AnyOne(span=token.span),)
        case "mark" if token.text not in "],":
            what = f"{named(token)} has a meaning of its own; in a name it is written '\\{token.text}'"
            ends = token.text == ";" and c.done  # as SQL ends a query
            c.report(
                "unescaped-character", what, token.span, Fix(token.span, "" if ends else f"\\{token.text}")
            )
    return (Text(token.text, span=token.span),)


def _warn_of_range(c: Cursor, token: Token) -> None:
    """Warn of `[0..3]` and `[0:3]`, which are one character each and not numbers."""
    marks = ".." if ".." in token.text else ":"
    first, mark, last = token.text[1:-1].partition(marks)
    low, high = integer(first), integer(last)
    if mark and low is not None and high is not None:
        what = "'[' and ']' stand for one character; a range of numbers is written as in {0..11}"
        fix = Fix(token.span, f"{{{low}..{high - (marks == ':')}}}")
        c.report("bad-range", what, token.span, fix, severity="warning")


def _unclosed_class(c: Cursor) -> Missing:
    """Take the `[` that is never closed, and report it."""
    opening = c.take()
    if c.at("!"):
        opening = Token("mark", "[!", opening.span.to(c.take().span))
    i = c.index
    while c.tokens[i].kind in ("word", "stars", "escape"):
        i += 1
    end = c.tokens[i].span.start
    escaped = Fix(opening.span, "\\" + "\\".join(opening.text))
    closed = c.text[opening.span.start : end] + "]"
    fix = insertion(end, "]") if class_end(closed, 0, len(closed)) == len(closed) else escaped
    c.report("unclosed-bracket", "the '[' is never closed", opening.span, fix)
    return Missing("']'", span=opening.span)


# ------------------------------------------------------------------ braces


def _braces(c: Cursor, role: Role) -> tuple[GlobPart, ...]:
    """braces = "{" glob { "," glob } "}"; white space is free around the alternatives"""
    closing, crossing = _closing(c)
    opening = c.take()
    if crossing is not None and closing is not None:
        return (_crossing(c, opening, closing, crossing),)
    if not c.deeper(opening):
        return (Missing("'}'", span=opening.span),)
    c.depth += 1
    alternatives = [_alternative(c, role)]
    while c.take_if(","):
        alternatives.append(_alternative(c, role))
    c.depth -= 1
    inner = c.last
    c.close(opening)
    if c.last is not inner:
        c.forget(opening)
    if len(alternatives) == 1:
        return alternatives[0].parts
    return (Braces(tuple(alternatives), span=c.since(opening.span.start)),)


def _alternative(c: Cursor, role: Role) -> Glob:
    """alternative = glob | INT ".." INT"""
    if role != "pattern":
        c.expect(role)
        if c.beyond().kind != "comment" and (begins_name(c.beyond()) or c.beyond().text in (",", "}")):
            c.skip()
    span = c.token.span
    if c.token.kind == "word" and _follows_alternative(c):
        part = _range(c, c.token)
        if part is not None:
            c.take()
            return Glob((part,), span=span)
    alternative = glob(c, role)
    if c.beyond().text in (",", "}"):
        c.skip()
    return alternative


def _follows_alternative(c: Cursor) -> bool:
    following = c.tokens[c.index + 1]
    return following.kind in ("space", "end") or following.text in (",", "}")


def _range(c: Cursor, word: Token) -> Range | Missing | None:
    """range = INT ".." INT, in either order; padded if an end is padded"""
    around = Span(word.span.start - 1, word.span.end + 1)
    ends = word.text.split("..")
    dash = word.text.partition("-")
    if (
        integer(dash[0]) is not None
        and integer(dash[2]) is not None
        and around.of(c.text) == f"{{{word.text}}}"
    ):
        mended = Fix(word.span, f"{dash[0]}..{dash[2]}")
        c.report("bad-range", "a range of numbers is written as in {0..11}", word.span, mended)
        return Missing("a range", span=word.span)
    numbers = [integer(end) for end in ends]
    if len(ends) < 2 or (all(n is None for n in numbers) and not all(len(e) == 1 for e in ends)):
        return None
    low, high = numbers[0], numbers[-1]
    if len(ends) == 2 and low is not None and high is not None:
        pad = max(map(len, ends)) if any(_padded(end) for end in ends) else 0
        return Range(min(low, high), max(low, high), pad, span=word.span)
    what, fix = f"a range of numbers is written as in {{0..11}}, not as '{word.text}'", None
    if len(ends) == 3 and low is not None and numbers[1] is not None:
        fix, what = (
            Fix(word.span, f"{ends[0]}..{ends[1]}"),
            "a range has no step: it is written as in {0..11}",
        )
    elif len(ends) == 2 and low is None and around.of(c.text) == f"{{{word.text}}}":
        fix = Fix(around, f"[{ends[0]}-{ends[1]}]")
    c.report("bad-range", what, word.span, fix)
    return Missing("a range", span=word.span)


def _padded(number: str) -> bool:
    digits = number.lstrip("-")
    return len(digits) > 1 and digits.startswith("0")


def _closing(c: Cursor) -> tuple[int | None, Token | None]:
    """Return the index of the `}` that closes the `{` which comes next, and the first `/` or `:` before it."""
    depth, crossing = 0, None
    for i in range(c.index, len(c.tokens)):
        token = c.tokens[i]
        if token.kind != "mark":
            continue
        if token.text == "|":
            break
        if token.text in ("/", ":"):
            crossing = crossing or token
        depth += (token.text == "{") - (token.text == "}")
        if depth == 0:
            return i, crossing
    return None, None


def _crossing(c: Cursor, opening: Token, closing: int, mark: Token) -> Missing:
    """Step over braces that hold a `/` or `:`, and report it with the selectors to write instead."""
    first, last = c.index, c.tokens[closing]
    begin, end = _selector_around(c, first - 1, closing)
    before, after = c.text[begin : opening.span.start], c.text[last.span.end : end]
    alternatives = [a.strip() for a in _split(c, first, closing)]
    fix = Fix(Span(begin, end), ", ".join(f"{before}{a}{after}" for a in alternatives))
    c.report(
        "separator-in-braces",
        f"braces choose within one name: {named(mark)} can't be in them",
        mark.span,
        fix,
    )
    c.index = closing
    c.take()
    return Missing("alternatives of one name", span=opening.span.to(last.span))


def _split(c: Cursor, first: int, closing: int) -> list[str]:
    """Return the texts of the alternatives whose tokens are those from `first` to `closing`."""
    texts, depth = [""], 0
    for token in c.tokens[first:closing]:
        depth += (token.text == "{") - (token.text == "}")
        if token.text == "," and depth == 0:
            texts.append("")
        else:
            texts[-1] += token.text
    return texts


def _selector_around(c: Cursor, first: int, last: int) -> tuple[int, int]:
    """Return where the selector starts and ends that the tokens from `first` to `last` are a part of."""
    while (
        first > 0
        and c.tokens[first - 1].kind not in ("space", "comment")
        and c.tokens[first - 1].text not in ",|"
    ):
        first -= 1
    last += 1
    depth = 0
    while c.tokens[last].kind != "end" and c.tokens[last].text != "|":
        token = c.tokens[last]
        if depth <= 0 and (token.kind in ("space", "comment") or token.text == ","):
            break
        depth += (token.text in "[{" and token.kind == "mark") - (token.text in "]}" and token.kind == "mark")
        last += 1
    return c.tokens[first].span.start, c.tokens[last].span.start
