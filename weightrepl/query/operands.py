"""Reads what an expression compares: numbers, strings, bare words."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.characters import unescaped
from weightrepl.query.cursor import named
from weightrepl.query.names import integer, text_glob
from weightrepl.query.syntax import Boolean, Missing, Number, String, Tuple, Word
from weightrepl.query.words import RESERVED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor
    from weightrepl.query.syntax import Expression
    from weightrepl.query.tokens import Token

_UNITS = {
    "": 1,
    "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip
SUFFIXES = {unit + byte: factor for unit, factor in _UNITS.items() for byte in ("", "B")}
"""What stands behind a number, and what it multiplies by."""

CONSTANTS: dict[str, bool | float] = {
    "true": True,
    "false": False,
    "nan": float("nan"),
    "inf": float("inf"),
}
CONSTANT_HABITS = {
    "True": "true", "TRUE": "true", "False": "false", "FALSE": "false", "yes": "true", "no": "false",
    "NaN": "nan", "NAN": "nan", "Inf": "inf", "INF": "inf", "Infinity": "inf", "infinity": "inf",
}  # fmt: skip
_NOTHINGS = ("None", "null", "NULL", "nil")

_TEXT_ENDS = frozenset(
    (
        "(",
        ")",
        ",",
        "|",
        "||",
        "&&",
        "&",
        "!",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "~",
        "!~",
        "=",
        "===",
        "=~",
        "<>",
    )
)
_EQUALITIES = {"==": "~", "=": "~", "!=": "!~"}
_GLOB_MARKS = frozenset("*?[]{}")


def number(c: Cursor, sign: Token | None = None) -> Number | Missing:
    """number = [ "-" ] digits [ "." digits ] [ "e" INT ] [ "K" | "M" | "G" | "T" | "Ki" | … ] [ "B" ]"""
    token = c.take()
    start = sign.span.start if sign else token.span.start
    value = number_value(token.text)
    if value is not None:
        written = "-" + token.text if sign else token.text
        return Number(-value if sign else value, written, span=c.since(start))
    fixed = _mended_number(token.text)
    units = ": units are K M G T, Ki Mi Gi Ti, with or without B" if token.text[-1].isalpha() else ""
    what = f"'{token.text}' is no number{units}"
    c.report("bad-number", what, token.span, Fix(token.span, fixed) if fixed else None)
    return Missing("a number", span=c.since(start))


def number_value(text: str) -> int | float | None:
    """Return the number that a text spells, or None; whole ones are integers, also those written as `1e6`."""
    i = 0
    while i < len(text) and (text[i] in "._" or text[i].isdigit()):
        i += 1
    mantissa = text[:i]
    exponent, suffix = _exponent(text[i:])
    digits = mantissa.replace(".", "", 1).replace("_", "")
    plain = digits.isascii() and digits.isdigit() and len(digits) <= 100 and mantissa[0] != "_"
    if not plain or suffix not in SUFFIXES or "__" in mantissa or mantissa[-1] == "_":
        return None
    whole = integer(mantissa.replace("_", ""))
    if whole is not None and not exponent:
        return whole * SUFFIXES[suffix]
    value = float(mantissa.replace("_", "") + exponent) * SUFFIXES[suffix]
    return int(value) if abs(value) < 2**53 and value == int(value) else value


def _exponent(text: str) -> tuple[str, str]:
    """Return the exponent that a text begins with, and the rest."""
    i = 2 if text[1:2] in ("+", "-") else 1
    end = i
    while end < len(text) and text[end].isascii() and text[end].isdigit():
        end += 1
    return (text[:end], text[end:]) if text[:1] in ("e", "E") and end > i else ("", text)


def _mended_number(text: str) -> str | None:
    """Return the number that was meant, where only the case of its unit is wrong."""
    digits = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(digits) :].casefold()
    for suffix in SUFFIXES:
        if suffix.casefold() == unit and number_value(digits + suffix) is not None:
            return digits + suffix
    return None


def string(c: Cursor) -> String:
    """string = text in quotes"""
    token = c.take()
    return String(unescaped(c, token), span=token.span)


def constant(c: Cursor) -> Expression | None:
    """constant = "true" | "false" | "nan" | "inf", also as other languages write them"""
    token = c.token
    word = CONSTANT_HABITS.get(token.text, token.text)
    if token.text in _NOTHINGS:
        c.take()
        what = f"there is no '{token.text}': what is not known equals nothing"
        c.report("other-language", what, token.span)
        return Missing("a value", span=token.span)
    if word not in CONSTANTS:
        return None
    c.take()
    if word != token.text:
        c.report("other-language", f"'{token.text}' is written '{word}'", token.span, Fix(token.span, word))
    value = CONSTANTS[word]
    return (
        Boolean(value, span=token.span) if isinstance(value, bool) else Number(value, word, span=token.span)
    )


# ------------------------------------------------------------------ beside a column of text


def text_operand(c: Cursor, column: str, pattern: bool) -> Expression:
    """text = string | bare word | "(" text { "," text } ")", as it is read beside a column of text"""
    c.expect("value", context=column)
    if c.at("("):
        return texts(c, column, pattern)
    if c.token.kind == "quoted":
        token, found = c.token, string(c)
        if pattern:
            _check_pattern(c, token, found)
        return found
    return _bare(c, pattern)


def texts(c: Cursor, column: str, pattern: bool) -> Tuple:
    """texts = "(" text { "," text } [ "," ] ")" """
    opening = c.take()
    items: list[Expression] = []
    while True:
        c.skip()
        if c.at(")") and items:
            break
        if c.at("("):
            items.append(c.missing("missing-value", "value"))
            c.skip_until(")", "|")
            c.take_if(")")
        else:
            items.append(text_operand(c, column, pattern))
        c.skip()
        if c.take_if(",") is None:
            break
    c.close(opening)
    return Tuple(tuple(items), span=c.since(opening.span.start))


def _bare(c: Cursor, pattern: bool) -> Expression:
    """Return the word that all up to the next white space is; a pattern has to be quoted."""
    start, braces, globs, operator = c.start, 0, False, c.last
    if c.token.text in RESERVED:
        return c.missing("missing-value", "value")
    while not c.done and c.token.kind not in ("space", "comment", "quoted"):
        token = c.token
        if token.text in _TEXT_ENDS and not (token.text == "," and braces > 0):
            break
        braces += (token.text == "{") - (token.text == "}")
        globs = globs or token.kind == "escape" or token.text[0] in _GLOB_MARKS
        c.take()
    span = c.since(start)
    if not len(span):
        return c.missing("missing-value", "value")
    text = span.of(c.text)
    if not globs:
        return Word(text, span=span)
    quoted = '"' + text.replace("\\", "\\\\") + '"'
    fix = Fix(span, quoted)
    if operator.text in _EQUALITIES:
        fix = Fix(operator.span.to(span), f"{_EQUALITIES[operator.text]} {quoted}")
    how = "" if pattern else "; '~' compares with a pattern"
    c.report("unquoted-pattern", f"a pattern is quoted: {quoted}{how}", span, fix)
    return String(text, span=span)


def _check_pattern(c: Cursor, token: Token, string: String) -> None:
    """Report what is wrong with a quoted pattern, at its place in the text where that can be told."""
    problems = text_glob(string.value)[1]
    for problem in problems:
        if token.text[1:-1] == string.value and problem.span is not None:
            at = token.span.start + 1
            fix = Fix(problem.fix.span.shifted(at), problem.fix.text) if problem.fix else None
            fix = None if fix and "\\" in fix.text else fix
            c.problems.append(problem.replace(span=problem.span.shifted(at), fix=fix))
        else:
            c.problems.append(problem.replace(span=token.span, fix=None))


def unexpected_call(c: Cursor, start: int, name: str) -> Missing:
    """Take `(…)` behind a word, and report that there are no functions."""
    depth = 0
    first = c.index
    while not c.done and not c.at("|"):
        depth += c.at("(") - c.at(")")
        c.take()
        if depth == 0:
            break
    inner = [t.text for t in c.tokens[first + 1 : c.index - 1] if t.kind != "space"]
    fix = Fix(c.since(start), "rank") if (name, inner) == ("len", ["shape"]) else None
    c.report("call", f"there are no functions such as {named(c.tokens[first - 1])}", c.since(start), fix)
    return Missing("a value", span=c.since(start))


def unexpected_attribute(c: Cursor, word: Token) -> Missing:
    """Take `.attribute`, called or not, and report that columns have none; `x.startswith("a")` is `x ~ "a*"`."""
    patterns = {"startswith": '"{}*"', "endswith": '"*{}"', "contains": '"*{}*"'}
    method = ""
    while c.take_if("."):
        method = c.take().text if c.token.kind == "word" else ""
    fix = None
    if c.at("("):
        c.take()
        quoted = c.token
        c.skip_until(")", "|")
        called = c.take_if(")")
        if method in patterns and quoted.kind == "quoted" and called:
            fix = Fix(
                c.since(word.span.start), f"{word.text} ~ " + patterns[method].format(quoted.text[1:-1])
            )
    span = c.since(word.span.start)
    c.report("call", f"the column '{word.text}' has no attributes or methods", span, fix)
    return Missing("a value", span=span)


def whole(node: Expression | None) -> int | None:
    """Return the whole number that a node is, or None."""
    return node.value if isinstance(node, Number) and isinstance(node.value, int) else None
