"""Reads what stands for single characters: escapes, text in quotes, and classes such as `[a-z]`."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.cursor import insertion
from weightrepl.query.syntax import CharClass, PosixClass
from weightrepl.query.tokens import escape_end, posix_end
from weightrepl.spans import Span, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor
    from weightrepl.query.tokens import Token

POSIX_CLASSES = (
    "alnum", "alpha", "blank", "cntrl", "digit", "graph",
    "lower", "print", "punct", "space", "upper", "xdigit",
)  # fmt: skip

_CONTROLS = {"n": "\n", "t": "\t"}


def unescaped(c: Cursor, token: Token) -> str:
    """Return what an escape, or text in quotes, stands for."""
    text, start = token.text, token.span.start
    if token.kind == "escape":
        return _escape(c, text, start)
    out: list[str] = []
    i, quote = 1, text[0]
    while i < len(text) and text[i] != quote:
        end = escape_end(text, i, len(text)) if text[i] == "\\" else i + 1
        out.append(_escape(c, text[i:end], start + i) if end > i + 1 or text[i] == "\\" else text[i])
        i = end
    if i == len(text):
        fix = None if text.endswith("\\") else insertion(token.span.end, quote)
        c.report("unclosed-quote", f"the quote {quote} is never closed", Span(start, start + 1), fix)
    return "".join(out)


def _escape(c: Cursor, escape: str, start: int) -> str:
    r"""Return the character that `\x`, `\n`, `\t` or `\u{41}` stands for."""
    span, char = Span(start, start + len(escape)), escape[1:2]
    if len(escape) > 2:
        code = _code_point(escape[3:-1])
        if code is None:
            what = f"expected a code point in hexadecimal up to 10ffff in '\\u{{…}}', found '{escape[3:-1]}'"
            c.report("bad-escape", what, span)
        return "" if code is None else chr(code)
    if char in _CONTROLS:
        return _CONTROLS[char]
    if not char and c.last.kind != "quoted":
        c.report("bad-escape", "expected a character after '\\', found the end", span, Fix(span, "\\\\"))
    elif char.isalpha():
        what = f"'\\{char}' means nothing: letters after a backslash are n, t and u{{…}}"
        c.report("bad-escape", what, span, _mended_escape(c, char, span))
    return char


def _mended_escape(c: Cursor, char: str, span: Span) -> Fix:
    """Return what was meant by a letter behind a backslash: a digit, a code point, or the letter."""
    digits = c.text[span.end : span.end + 4]
    if char == "u" and len(digits) == 4 and _code_point(digits) is not None:
        return Fix(Span(span.start, span.end + 4), f"\\u{{{digits}}}")
    return Fix(span, "[0-9]" if char == "d" else char)


def _code_point(digits: str) -> int | None:
    if not 1 <= len(digits) <= 6 or not all(d in "0123456789abcdefABCDEF" for d in digits):
        return None
    return code if (code := int(digits, 16)) <= 0x10FFFF else None


# ------------------------------------------------------------------ character classes


def char_class(c: Cursor, token: Token) -> CharClass:
    """class = "[" [ "!" | "^" ] { "[:" NAME ":]" | CHAR [ "-" CHAR ] } "]", not empty"""
    text = token.text[:-1]
    negated = text[1] in "!^"
    members: list[str | tuple[str, str] | PosixClass] = []
    i = 2 if negated else 1
    while i < len(text):
        end = posix_end(text, i)
        if end:
            members.append(_posix(c, text[i + 2 : end - 2], Span(i, end).shifted(token.span.start)))
            i = end
            continue
        low, end = _member(c, text, i, token)
        if text.startswith("-", end) and end + 1 < len(text):
            high, end = _member(c, text, end + 1, token)
            if high < low:
                _reversed(c, text[i:end], Span(i, end).shifted(token.span.start))
            members.append((min(low, high), max(low, high)))
        else:
            members.append(low)
        i = end
    return CharClass(negated, tuple(members), span=token.span)


def _member(c: Cursor, text: str, at: int, token: Token) -> tuple[str, int]:
    """Return one character of a class and where it ends."""
    if text[at] != "\\":
        return text[at], at + 1
    end = escape_end(text, at, len(text))
    return _escape(c, text[at:end], token.span.start + at) or "\ufffd", end


def _posix(c: Cursor, name: str, span: Span) -> PosixClass:
    if name not in POSIX_CLASSES:
        near = nearest(name, POSIX_CLASSES, 1) or ("alpha",)
        c.report("bad-class", f"there is no class '[:{name}:]'", span, Fix(span, f"[:{near[0]}:]"))
    return PosixClass(name)


def _reversed(c: Cursor, text: str, span: Span) -> None:
    what = f"'{text}' runs backwards: a range of characters is written from low to high"
    low, high = (text[0], text[-1]) if len(text) == 3 else ("", "")
    c.report("bad-class", what, span, Fix(span, f"{high}-{low}") if low else None)
