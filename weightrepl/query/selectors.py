"""Reads selectors: paths, their segments, weights."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.cursor import insertion, named
from weightrepl.query.names import begins_name, glob, integer, unescaped
from weightrepl.query.printer import escape_name
from weightrepl.query.slices import slice_of
from weightrepl.query.syntax import (
    Deep,
    Dotted,
    Glob,
    Here,
    Missing,
    Name,
    Parent,
    Path,
    Reference,
    Selector,
    WeightName,
)
from weightrepl.query.words import STAGES
from weightrepl.spans import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor
    from weightrepl.query.syntax import Ordinal, Segment, Slice
    from weightrepl.query.tokens import Token

_BETWEEN = ("/", ":", "@", "[")


def selectors(c: Cursor) -> tuple[Selector | Reference | Missing, ...]:
    """selectors = [ selector { "," selector } ]"""
    c.skip()
    _expect_selector(c)
    if c.done or c.at("|"):
        return ()
    found = [selector(c)]
    while not c.done and not c.at("|"):
        comma = c.take_if(",")
        if comma is None and not _joined(c):
            break
        c.skip()
        _expect_selector(c)
        if comma and (c.done or c.at("|", ",")):
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
    if not _begins_segment(c) and not c.at("/", ":"):
        return _no_selector(c)
    route = None if c.at(":") else path(c)
    weight, part = None, None
    if c.at(":"):
        weight, part = _weight(c)
    if negated and part is not None:
        what = "a '!' takes away whole weights: it has no slice"
        c.report("excluded-slice", what, part.span, Fix(part.span, ""))
    _warn_of_classes(c, start, weight)
    c.skip()
    c.expect("separator")
    return Selector(negated, route, weight, part, span=c.since(start))


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
    """Report that no selector begins here, and step over what stands there."""
    hole = c.missing("missing-selector", "layer")
    while not c.done and not c.at(",", "|"):
        c.take()
    return hole


def _joined(c: Cursor) -> bool:
    """Report what follows a selector without a comma. Return whether another selector was meant."""
    token = c.token
    if token.text in STAGES:
        what = f"expected '|' before the stage {named(token)}"
        c.report("missing-pipe", what, token.span, insertion(token.span.start, "| "))
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
        c.missing("unexpected", "separator")
    c.skip_until("|")
    return False


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


def _warn_of_classes(c: Cursor, start: int, weight: WeightName | None) -> None:
    """Warn of `a[b:kernel[0]`, a character class that swallowed a weight."""
    if weight is not None:
        return
    for token in c.tokens[: c.index]:
        if token.kind == "class" and token.span.start >= start and ":" in _without_posix(token.text):
            colon = token.span.start + token.text.index(":")
            what = "this ':' is one of the characters between '[' and ']': is a ']' missing before it?"
            c.report("colon-in-class", what, token.span, insertion(colon, "]"), severity="warning")


def _without_posix(text: str) -> str:
    while (start := text.find("[:")) >= 0 and (end := text.find(":]", start)) >= 0:
        text = text[:start] + text[end + 2 :]
    return text.replace("\\:", "")


# ------------------------------------------------------------------ paths


def path(c: Cursor) -> Path:
    """path = [ "/" ] segment { "/" segment } [ "/" ] | "/" """
    start = c.start
    absolute = _slashes(c, at_start=True)
    found: list[Segment] = []
    while _begins_segment(c):
        found += _segments(c, found, absolute)
        _close_up(c)
        c.expect("separator")
        if not _slashes(c):
            break
        c.expect("layer")
    return Path(absolute, tuple(found), span=c.since(start))


def _slashes(c: Cursor, at_start: bool = False) -> bool:
    """Take a `/`; several in a row are reported. Return whether there was one."""
    first = c.take_if("/")
    if first is None:
        return False
    while c.take_if("/"):
        pass
    if c.last is not first:
        span = first.span.to(c.last.span)
        deep = _begins_segment(c) and not c.at("**", "***")
        what = "there is no name between the slashes; '**' is any number of layers"
        c.report("empty-segment", what, span, Fix(span, "/**/" if deep and not at_start else "/"))
    _close_up(c, behind=True)
    return True


def _close_up(c: Cursor, behind: bool = False) -> None:
    """Step over white space within a path, where the path clearly goes on beyond it, and report it."""
    following = c.beyond()
    goes_on = begins_name(following) if behind else following.text in _BETWEEN and following.kind == "mark"
    if c.token.kind != "space" or c.token.span.end != following.span.start or not goes_on:
        return
    if behind and following.text in STAGES:
        return
    what = f"no white space within an address: expected {named(following)} right after {named(c.last)}"
    c.report("space-in-path", what, c.token.span, Fix(c.token.span, ""))
    c.skip()


def _begins_segment(c: Cursor) -> bool:
    token = c.token
    return not c.done and token.kind not in ("space", "comment") and not c.at("/", ":", ",", "|")


def _segments(c: Cursor, before: list[Segment], absolute: bool) -> list[Segment]:
    """segment = "**" | "." | ".." | [ name ] [ "#" ( INT | "*" ) ] [ "@" class ]"""
    c.expect("layer")
    token, following = c.token, c.tokens[c.index + 1]
    alone = not begins_name(following) and following.text not in ("(", "{")
    if token.text.endswith("get_layer") and following.text == "(":
        return [_get_layer(c)]
    if token.kind == "stars" and len(token.text) > 1 and alone:
        return _deep(c)
    if token.kind == "word" and alone and not token.text.strip("."):
        return _dots(c, before, absolute)
    return [_name(c)]


def _deep(c: Cursor) -> list[Segment]:
    """deep = "**" """
    token = c.take()
    deep: list[Segment] = [Deep(span=token.span)]
    if c.at("#", "@"):
        what = f"'**' is any number of layers: expected '/' after it, found '{c.token.text}'"
        c.report("apart", what, token.span.to(c.token.span), insertion(c.start, "/*" if c.at("#") else "/"))
        deep.append(_name(c))
    return deep


def _dots(c: Cursor, before: list[Segment], absolute: bool) -> list[Segment]:
    """dots = "." | ".." , which only begin a path"""
    token = c.take()
    if len(token.text) > 2:
        what = f"'{token.text}' is no layer: '**' is any number of layers, '..' the one above"
        c.report("misplaced-dots", what, token.span, Fix(token.span, "**"))
        return [Missing("a layer", span=token.span)]
    node: Segment = Here(span=token.span) if token.text == "." else Parent(span=token.span)
    first = not before or (token.text == ".." and all(isinstance(s, Here | Parent) for s in before))
    if absolute or not first:
        what = f"'{token.text}' stands only at the beginning of a path that does not begin with '/'"
        c.report("misplaced-dots", what, token.span, _without_dots(c, token, before))
    if c.at("#", "@"):
        what = f"'{token.text}' has no '{c.token.text}': expected '/' after it"
        c.report("apart", what, token.span.to(c.token.span), insertion(c.start, "/*" if c.at("#") else "/"))
        return [node, _name(c)]
    return [node]


def _without_dots(c: Cursor, dots: Token, before: list[Segment]) -> Fix | None:
    """Return the fix that leaves out `./`, or `a/../` with the layer that it leaves again."""
    start, end = dots.span.start, dots.span.end + (1 if c.at("/") else 0)
    if dots.text == ".." and before:
        if not isinstance(before[-1], Name | Dotted):
            return None
        start = before[-1].span.start
    whole = start == 0 or c.text[start - 1] in ",|! \t\n"
    return Fix(Span(start, end), "." if whole and end == dots.span.end else "")


def _name(c: Cursor) -> Segment:
    """name = [ "." ] glob [ ordinal ] [ "@" class ], or without the glob"""
    start, word = c.start, c.token
    dotted = word.kind == "word" and word.text.startswith(".")
    pattern: Glob | None = None
    if not c.at("#", "@"):
        pattern = glob(c, "layer", drop=1 if dotted else 0)
    ordinal = _ordinal(c)
    cls = _class(c)
    if c.at("#"):
        _late_ordinal(c, start)
    span = c.since(start)
    if dotted and pattern is not None:
        return Dotted(pattern, ordinal, cls, span=span)
    if pattern is None and cls is None:
        hole = Missing("a layer", span=span)
        c.report(
            "missing-name", f"expected a layer's name before '{span.of(c.text)}'", span, insertion(start, "*")
        )
        return hole
    return Name(pattern, ordinal, cls, span=span)


def _ordinal(c: Cursor) -> Ordinal:
    """ordinal = "#" ( INT | "*" ), at the end of a name"""
    mark = c.take_if("#")
    if mark is None:
        return None
    token = c.token
    if token.text == "*":
        c.take()
        return "*"
    number = integer(token.text)
    if number is None or token.text.startswith("-"):
        what = f"expected a number or '*' after '#', found {named(token)}; in a name it is written '\\#'"
        c.report("bad-ordinal", what, mark.span, Fix(mark.span, "\\#"))
        while begins_name(c.token) or c.at("#"):
            c.take()
        return None
    c.take()
    if number == 0:
        c.report("bad-ordinal", "siblings of one name are counted from 1", token.span, Fix(token.span, "1"))
    if begins_name(c.token):
        what = f"expected the end of the name after '#{token.text}', found {named(c.token)}"
        c.report("bad-ordinal", what, mark.span, Fix(mark.span, "\\#"))
        while begins_name(c.token):
            c.take()
    return number


def _class(c: Cursor) -> Glob | None:
    """class = "@" glob"""
    if c.take_if("@") is None:
        return None
    c.expect("class")
    if begins_name(c.token) or (c.token.kind == "mark" and not c.at("/", ":", ",", "|", "#")):
        return glob(c, "class")
    hole = c.missing("missing-class", "class", fix=insertion(c.last.span.end, "*"))
    return Glob((hole,), span=hole.span)


def _late_ordinal(c: Cursor, start: int) -> None:
    """Take the ordinal behind a class, and report that it belongs before it."""
    mark = c.start
    _ordinal(c)
    at = c.text.find("@", start, mark)
    ordinal = c.since(mark).of(c.text)
    fix = Fix(Span(at, c.last.span.end), ordinal + c.text[at:mark])
    c.report("bad-ordinal", f"the ordinal '{ordinal}' stands before the class", c.since(mark), fix)


def _get_layer(c: Cursor) -> Missing:
    """Take `get_layer("x")`, and report how that is asked for here."""
    start = c.start
    c.take(), c.take()
    quoted = c.token
    while not c.done and c.token.kind not in ("space", "comment") and not c.at(",", "|", ")"):
        c.take()
    c.take_if(")")
    attribute = c.token.text if c.token.kind == "word" and c.token.text.startswith(".") else ""
    if attribute:
        c.take()
    fix = None
    if quoted.kind == "quoted":
        name = f"**/{escape_name(unescaped(c, quoted))}" + f":{attribute[1:]}" * (len(attribute) > 1)
        fix = Fix(c.since(start), name)
    c.report("call", "a layer is named, not called: '**/' finds it at any depth", c.since(start), fix)
    return Missing("a layer", span=c.since(start))


# ------------------------------------------------------------------ weights


def _weight(c: Cursor) -> tuple[WeightName, Slice | None]:
    """weight = ":" glob [ ordinal ] [ slice ]"""
    colon = c.take()
    c.expect("weight")
    _close_up(c, behind=True)
    start = c.start
    if not begins_name(c.token) and (c.token.kind != "mark" or c.at("/", ":", ",", "|", "@", "#", "[")):
        hole = c.missing("missing-weight", "weight", fix=insertion(colon.span.end, "*"))
        weight = WeightName(hole, _ordinal(c), span=hole.span)
    else:
        pattern = glob(c, "weight")
        weight = WeightName(pattern, _ordinal(c), span=c.since(start))
    _close_up(c)
    c.expect("separator")
    part = slice_of(c) if c.at("[") else None
    if c.at("/", ":", "@"):
        _beyond_weight(c, colon)
    return weight, part


def _beyond_weight(c: Cursor, colon: Token) -> None:
    """Take what can't follow a weight, and report it."""
    start, first = c.start, c.token
    while not c.done and c.token.kind not in ("space", "comment") and not c.at(",", "|"):
        c.take()
    rest = c.since(start)
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
