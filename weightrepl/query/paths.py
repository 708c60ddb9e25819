"""Reads paths: layers one below the other."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.cursor import insertion, named
from weightrepl.query.names import begins_name, glob, integer
from weightrepl.query.syntax import Deep, Dotted, Glob, Here, Missing, Name, Parent, Path
from weightrepl.query.words import STAGES
from weightrepl.spans import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor
    from weightrepl.query.syntax import Ordinal, Segment
    from weightrepl.query.tokens import Token

_BETWEEN = ("/", ":", "@", "[")


def path(c: Cursor) -> Path:
    """path = [ "/" ] segment { "/" segment } [ "/" ] | "/" """
    start = c.start
    absolute = _slashes(c, at_start=True)
    if absolute:
        c.expect("layer")
    found: list[Segment] = []
    while begins_segment(c):
        found += _segments(c, found, absolute)
        close_up(c)
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
        deep = begins_segment(c) and not c.at("**", "***")
        what = "there is no name between the slashes; '**' is any number of layers"
        between = "**/" if at_start else "/**/"
        c.report("empty-segment", what, span, Fix(span, between if deep else "/"))
    close_up(c, behind=True)
    return True


def close_up(c: Cursor, *, behind: bool = False, marks: tuple[str, ...] = _BETWEEN) -> None:
    """Step over white space within a path, where the path clearly goes on beyond it, and report it."""
    following = c.beyond()
    goes_on = begins_name(following) if behind else following.text in marks and following.kind == "mark"
    if c.token.kind != "space" or c.token.span.end != following.span.start or not goes_on:
        return
    if behind and following.text in STAGES:
        return
    what = f"no white space within an address: expected {named(following)} right after {named(c.last)}"
    c.report("space-in-path", what, c.token.span, Fix(c.token.span, ""))
    c.skip()


def begins_segment(c: Cursor) -> bool:
    """Return whether a segment begins with the next token."""
    token = c.token
    return not c.done and token.kind not in ("space", "comment") and not c.at("/", ":", ",", "|")


def _segments(c: Cursor, before: list[Segment], absolute: bool) -> list[Segment]:
    """segment = "**" | "." | ".." | [ name ] [ "#" ( INT | "*" ) ] [ "@" class ]"""
    c.expect("layer")
    token, following = c.token, c.tokens[c.index + 1]
    alone = not begins_name(following) and following.text not in ("(", "{")
    if token.kind == "word" and "(" in c.text:
        from weightrepl.query.calls import called  # it costs time, and is rarely needed

        if call := called(c):
            return [call]
    if token.kind == "stars" and len(token.text) > 1 and alone:
        return _deep(c)
    if token.kind == "word" and alone and not token.text.strip("."):
        return _dots(c, before, absolute)
    return [_name(c)]


def _deep(c: Cursor) -> list[Segment]:
    """deep = "**" """
    token = c.take()
    return _apart(c, token, Deep(span=token.span))


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
    return _apart(c, token, node)


def _apart(c: Cursor, token: Token, node: Segment) -> list[Segment]:
    """Report an ordinal or a class behind `**`, `.` or `..`, which have none; the name that has it is apart."""
    mark = c.token
    if mark.text not in ("#", "@"):
        return [node]
    what = f"expected '/' after '{token.text}', found '{mark.text}': only a name has that"
    c.report(
        "needs-slash", what, token.span.to(mark.span), insertion(c.start, "/*" if mark.text == "#" else "/")
    )
    if mark.text == "#":
        ordinal(c)
    return [node, _name(c)] if c.at("@") else [node]


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
        close_up(c, marks=("@",))
    nth = ordinal(c)
    cls = _class(c)
    if c.at("#"):
        _late_ordinal(c, start)
    span = c.since(start)
    if dotted and pattern is not None:
        return Dotted(pattern, nth, cls, span=span)
    if pattern is None and cls is None:
        hole = Missing("a layer", span=span)
        c.report(
            "missing-name", f"expected a layer's name before '{span.of(c.text)}'", span, insertion(start, "*")
        )
        return hole
    return Name(pattern, nth, cls, span=span)


def ordinal(c: Cursor) -> Ordinal:
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
    ordinal(c)
    at = c.text.find("@", start, mark)
    late = c.since(mark).of(c.text)
    fix = Fix(Span(at, c.last.span.end), late + c.text[at:mark])
    c.report("bad-ordinal", f"the ordinal '{late}' stands before the class", c.since(mark), fix)
