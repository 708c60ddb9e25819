"""Reads the slice behind a weight: NumPy's basic indexing and one list of integers."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.cursor import insertion, named
from weightrepl.query.names import integer
from weightrepl.query.syntax import Bounds, Ellipsis, Index, IndexList, Missing, Slice

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor
    from weightrepl.query.syntax import SliceItem


def slice_of(c: Cursor) -> Slice:
    """slice = "[" index { "," index } "]" """
    opening = c.take()
    c.skip()
    items: list[SliceItem] = []
    if c.at("]"):
        fix = insertion(c.start, ":")
        items.append(c.missing("missing-index", "slice-axis", fix=fix))
    else:
        items = _items(c)
    c.close(opening)
    _check(c, items)
    return Slice(tuple(items), span=c.since(opening.span.start))


def _items(c: Cursor) -> list[SliceItem]:
    items = [_item(c)]
    while comma := c.take_if(","):
        c.skip()
        if c.at("]"):
            items.append(c.missing("missing-index", "slice-axis", fix=Fix(comma.span, "")))
        else:
            items.append(_item(c))
    return items


def _item(c: Cursor) -> SliceItem:
    """index = INT | [ INT ] ":" [ INT ] [ ":" [ INT ] ] | "..." | list"""
    c.expect("slice-axis")
    start, first = c.start, c.token
    item: SliceItem | None
    if c.at("["):
        item = _list(c)
    elif c.take_if("..."):
        item = Ellipsis(span=first.span)
    else:
        item = _bounds(c)
    c.skip()
    if item is not None and (c.done or c.at(",", "]", "|")):
        return item
    return _bad_index(c, start)


def _bounds(c: Cursor) -> SliceItem | None:
    """bounds = INT | [ INT ] ":" [ INT ] [ ":" [ INT ] ]"""
    start = c.start
    parts = [_integer(c)]
    while len(parts) < 3 and c.take_if(":"):
        parts.append(_integer(c))
    span = c.since(start)
    if len(parts) == 1:
        return None if parts[0] is None else Index(parts[0], span=span)
    parts.append(None)
    return Bounds(parts[0], parts[1], parts[2], span=span)


def _integer(c: Cursor) -> int | None:
    """Take an integer and the white space around it, if one comes next."""
    c.skip()
    number = integer(c.token.text)
    if number is not None:
        c.take()
        c.skip()
    return number


def _list(c: Cursor) -> SliceItem | None:
    """list = "[" INT { "," INT } "]" """
    opening = c.take()
    numbers = [_integer(c)]
    while c.take_if(","):
        numbers.append(_integer(c))
    values = tuple(n for n in numbers if n is not None)
    if len(values) < len(numbers):
        return None
    if not c.at("]") and not (c.done or c.at("|")):
        return None
    c.close(opening)
    return IndexList(values, span=c.since(opening.span.start))


def _bad_index(c: Cursor, start: int) -> Missing:
    """Step over what is no index, up to the next comma or bracket, and report it."""
    depth = c.tokens[c.index].text.count("[") if c.start == start else 0
    depth = 1 if c.text.startswith("[", start) and c.start > start else depth
    while not c.done and not c.at("|") and not (depth <= 0 and c.at(",", "]")):
        depth += (c.token.text == "[") - (c.token.text == "]")
        c.take()
    span = c.since(start)
    if not len(span):
        return c.missing("missing-index", "slice-axis", fix=insertion(start, ":"))
    text = span.of(c.text)
    low, dots, high = text.partition("..")
    fix = (
        Fix(span, f"{low}:{high}")
        if dots and integer(low) is not None and integer(high) is not None
        else None
    )
    what = f"expected an index such as 3, :16 or [1, 2], found {named(c.last) if not text else repr(text)}"
    c.report("bad-index", what, span, fix)
    return Missing("an index", span=span)


def _check(c: Cursor, items: list[SliceItem]) -> None:
    """Report a second list, and a second `...`."""
    lists = [i for i in items if isinstance(i, IndexList)]
    for item in lists[1:]:
        fix = Fix(item.span, str(item.values[0])) if len(item.values) == 1 else None
        c.report("second-list", "a slice holds one list of integers at most", item.span, fix)
    dots = [i for i in items if isinstance(i, Ellipsis)]
    for other in dots[1:]:
        c.report("second-ellipsis", "a slice holds one '...' at most", other.span, Fix(other.span, ":"))
