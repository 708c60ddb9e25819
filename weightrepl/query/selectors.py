"""Reads selectors: paths with their weights, references."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.cursor import insertion, named
from weightrepl.query.names import begins_name, glob
from weightrepl.query.paths import begins_segment, close_up, ordinal, path
from weightrepl.query.slices import slice_of
from weightrepl.query.syntax import (
    Missing,
    Reference,
    Selector,
    WeightName,
)
from weightrepl.query.words import STAGES
from weightrepl.spans import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor
    from weightrepl.query.syntax import Slice
    from weightrepl.query.tokens import Token


_CONDITIONS = ("where", "sort", "top", "show", "group", "reduce")
"""The stages that a query may seem to begin with: their arguments are words."""


def selectors(c: Cursor) -> tuple[Selector | Reference | Missing, ...]:
    """selectors = [ selector { "," selector } ]"""
    c.skip()
    _expect_selector(c)
    if c.done or c.at("|"):
        return ()
    words = c.tokens[c.index : c.index + 3]
    if c.at("select", "SELECT") and words[1].kind == "space" and begins_name(words[2]):
        return (_select(c),)
    if c.at(*_CONDITIONS) and words[1].kind == "space" and begins_name(words[2]):
        return (_bare_stage(c),)
    found = [selector(c)]
    while not c.done and not c.at("|"):
        comma = c.take_if(",")
        if comma is None and not _joined(c):
            break
        c.skip()
        _expect_selector(c)
        if comma and (c.done or c.at("|", ",")):
            if not isinstance(found[-1], Missing):
                found.append(c.missing("missing-selector", "layer", fix=Fix(comma.span, "")))
        else:
            found.append(selector(c))
    return tuple(found)


def selector(c: Cursor) -> Selector | Reference | Missing:
    """selector = [ "!" ] ( path [ ":" weight [ slice ] ] | ":" weight [ slice ] | "$" WORD )"""
    start, negated = c.start, _exclamation(c)
    _expect_selector(c)
    if c.at("$"):
        return _reference(c, start, negated)
    return address(c, start, negated)


def address(c: Cursor, start: int, negated: bool = False) -> Selector | Missing:
    """address = path [ ":" weight [ slice ] ] | ":" weight [ slice ]"""
    if not begins_segment(c) and not c.at("/", ":"):
        return _no_selector(c)
    first = c.index
    route = None if c.at(":") else path(c)
    weight, part = None, None
    if c.at(":"):
        weight, part = _weight(c)
    if negated and part is not None:
        what = "a '!' takes away whole weights: it has no slice"
        c.report("excluded-slice", what, part.span, Fix(part.span, ""))
    if weight is None and not (route and any(isinstance(segment, Missing) for segment in route.segments)):
        _warn_of_classes(c, c.tokens[first : c.index])
    c.skip()
    c.expect("separator")
    return Selector(negated, route, weight, part, span=c.since(start))


def _select(c: Cursor) -> Missing:
    """Take `select name, size`, and report that a query begins with what is selected."""
    start, columns = c.start, True
    c.take()
    while not c.done and not c.at("|"):
        columns = columns and (c.token.kind in ("space", "word") or c.at(","))
        c.take()
    span = c.since(start)
    shown = span.of(c.text)[len("select") :].strip()
    simple = columns and all(part.strip().isidentifier() for part in shown.split(","))
    fix = Fix(span, f"**:* | show {shown}") if simple else None
    what = "a query begins with what is selected; 'show' says which columns"
    c.report("other-language", what, span, fix, hint=None if fix else "**:* | where … | show …")
    return Missing("a layer", span=span)


def _bare_stage(c: Cursor) -> Missing:
    """Take `where size > 9` at the beginning, and report that it works on what is selected."""
    token = c.token
    what = f"'{token.text}' works on what is selected before it: '**:*' is all weights"
    c.report("missing-pipe", what, token.span, insertion(token.span.start, "**:* | "))
    c.skip_until("|")
    return Missing("a layer", span=c.since(token.span.start))


def _expect_selector(c: Cursor) -> None:
    c.expect("layer", "weight", "reference", "exclusion")


def _exclamation(c: Cursor) -> bool:
    """Take `!` and the white space behind it; a second one is reported."""
    first = c.take_if("!")
    if first is None:
        return False
    c.skip()
    while again := c.take_if("!"):
        c.report(
            "double-exclusion", "one '!' takes away; a second means nothing", again.span, Fix(again.span, "")
        )
        c.skip()
    return True


def _no_selector(c: Cursor) -> Missing:
    """Report that no selector begins here, but the end, a `,` or a `|`."""
    return c.missing("missing-selector", "layer", fix=Fix(c.token.span, "") if c.at(",") else None)


def _joined(c: Cursor) -> bool:
    """Report what follows a selector without a comma. Return whether another selector was meant."""
    token = c.token
    if token.text in ("and", "or", "&&", "&"):
        c.report(
            "other-language",
            "selectors are joined by ','",
            token.span,
            Fix(Span(c.last.span.end, token.span.end), ","),
        )
        c.take()
        return True
    if token.text.lower() in STAGES:
        what = f"expected '|' before the stage {named(token)}"
        lower = token.text.lower()
        fix = insertion(token.span.start, "| ") if lower == token.text else Fix(token.span, f"| {lower}")
        c.report("missing-pipe", what, token.span, fix)
    elif begins_name(token) or token.text in ("!", "$", "/", ":"):
        fix = insertion(c.last.span.end, ",")
        c.report(
            "missing-comma",
            f"expected ',' or '|' after {named(c.last)}, found {named(token)}",
            token.span,
            fix,
        )
        return True
    else:
        c.missing("unexpected", "separator", fix=_fix_of_subscript(c) if c.at("[") else _fix_of_arrows(c))
    c.skip_until("|")
    return False


def _fix_of_subscript(c: Cursor) -> Fix | None:
    """Return the fix for the `[1]` of `a:kernel[0][1]`, which is `a:kernel[0, 1]`."""
    slices = c.text[: c.last.span.end]
    first = slices[slices.rfind("[") + 1 : -1]
    return Fix(c.last.span.to(c.token.span), ", ") if first.removeprefix("-").isdecimal() else None


def _fix_of_arrows(c: Cursor) -> Fix | None:
    """Return the fix for `a > b > c`, as CSS writes a path."""
    end = next((t.span.start for t in c.tokens[c.index :] if t.text in (",", "|")), c.end)
    rest = Span(c.last.span.end, end)
    names = [name.strip() for name in rest.of(c.text).split(">")]
    is_path = c.at(">") and all(names[1:]) and " " not in "".join(names)
    of_layers = ":" not in c.text[: c.last.span.end].rpartition(",")[2]  # behind a weight it is the shell's
    return Fix(rest, "/".join(names)) if is_path and of_layers else None


def _reference(c: Cursor, start: int, negated: bool) -> Reference | Missing:
    """reference = "$" WORD"""
    c.take()
    c.expect("reference")
    word = c.token
    if word.kind != "word":
        return c.missing("missing-name", "reference")
    c.take()
    reference = Reference(negated, word.text, span=c.since(start))
    c.expect("separator")
    if not c.done and c.token.kind not in ("space", "comment") and not c.at(",", "|"):
        what = (
            f"'${word.text}' stands for a whole query: expected ',' or '|' after it, found {named(c.token)}"
        )
        rest = c.start
        while not c.done and c.token.kind not in ("space", "comment") and not c.at(",", "|"):
            c.take()
        c.report("unexpected", what, c.since(rest), Fix(c.since(rest), ""))
    c.skip()
    return reference


def _warn_of_classes(c: Cursor, tokens: tuple[Token, ...]) -> None:
    """Warn of `a[b:kernel[0]`, a character class that swallowed a weight."""
    for token in tokens:
        is_range = token.text[1:-1].replace(":", "").isdecimal()  # told of already
        if token.kind == "class" and ":" in _without_posix(token.text) and not is_range:
            fix = insertion(token.span.start + token.text.index(":"), "]") if c.last is token else None
            what = "this ':' is one of the characters between '[' and ']': is a ']' missing before it?"
            c.report("colon-in-class", what, token.span, fix, severity="warning")


def _without_posix(text: str) -> str:
    while (start := text.find("[:")) >= 0 and (end := text.find(":]", start)) >= 0:
        text = text[:start] + text[end + 2 :]
    return text.replace("\\:", "")


# ------------------------------------------------------------------ weights


def _weight(c: Cursor) -> tuple[WeightName, Slice | None]:
    """weight = ":" glob [ ordinal ] [ slice ]"""
    colon = c.take()
    c.expect("weight")
    close_up(c, behind=True)
    start = c.start
    if not begins_name(c.token) and (c.token.kind != "mark" or c.at("/", ":", ",", "|", "@", "#", "[")):
        fix = Fix(colon.span, "") if c.at("/") else insertion(colon.span.end, "*")
        fix = _fix_of_colons(c, colon) if c.at(":") else fix
        hole = c.missing("missing-weight", "weight", fix=fix)
        weight = WeightName(hole, ordinal(c), span=hole.span)
    else:
        pattern = glob(c, "weight")
        weight = WeightName(pattern, ordinal(c), span=c.since(start))
    close_up(c)
    c.expect("separator")
    part = slice_of(c) if c.at("[") else None
    if c.at("/", ":", "@"):
        _beyond_weight(c, colon, missing=isinstance(weight.glob, Missing))
    return weight, part


def _fix_of_colons(c: Cursor, colon: Token) -> Fix:
    """Return the fix for `a::b:kernel` and `a::kernel`: the two are a `/` where a weight follows, else one too many."""
    rest = c.text[c.token.span.end : c.end].partition("|")[0].partition(",")[0]
    goes_on = "/" in rest or ":" in rest
    return Fix(colon.span.to(c.token.span), "/" if goes_on else ":")


def _beyond_weight(c: Cursor, colon: Token, missing: bool) -> None:
    """Take what can't follow a weight, and report it."""
    start, first = c.start, c.token
    while not c.done and c.token.kind not in ("space", "comment") and not c.at(",", "|"):
        c.take()
    rest = c.since(start)
    if missing:
        return
    if first.text == ":":
        what = "a second ':': a weight has no ':' and number behind it"
        c.report("beyond-weight", what, rest, Fix(rest, ""))
        return
    what = f"nothing is below a weight: expected ',' or '|' after it, found '{first.text}'"
    fix = None
    if first.text == "/" and ":" not in rest.of(c.text) and "@" not in rest.of(c.text):
        whole = Span(colon.span.start, rest.end)
        head, _, tail = whole.of(c.text)[1:].rpartition("/")
        fix = Fix(whole, f"/{head}:{tail}") if tail else Fix(rest, "")
    c.report("beyond-weight", what, rest, fix)
