"""Values that may stand in a query as the rows before it have them: texts, shapes, axes and their sizes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from weightrepl.engine.columns import Column
from weightrepl.engine.relation import Relation
from weightrepl.engine.resolve import weights_named
from weightrepl.query.printer import quoted
from weightrepl.query.syntax import Ellipsis, Missing
from weightrepl.query.words import RESERVED
from weightrepl.service.complete_asked import Asked, Entry

KNOWN = {
    "flags": ("dead", "constant", "nan", "inf", "overflow-risk"),
    "verdict": ("same", "cast", "changed", "shape", "only-left", "only-right"),
}
"""The words of columns for which values are read."""

_BARE = re.compile(r"[^\s\"'*?\[\]{}\\,()|#=<>!~&;$@]+\Z")
_GLOB = re.compile(r"[*?\[\]{}\\]")


def values(name: str, column: Column, given: Iterable[Relation]) -> tuple[str, ...]:
    """Return what stands in a column of the rows, each once; reads no values of weights."""
    if name in KNOWN:
        return KNOWN[name]
    if column.type == "bool":
        return ("true", "false")
    if column.reads:
        return ()
    found: dict[str, None] = {}
    for each in given:
        if each.kind == "pairs":
            continue
        of = each.columns[name].of
        found |= dict.fromkeys(
            str(value) for value in map(of, each.rows) if value is not None and value != ""
        )
    return tuple(found)


def spelled(value: str, quote: str, pattern: bool) -> str | None:
    """Return how an expression spells a text; None where it can't, as a pattern."""
    if pattern and _GLOB.search(value):
        return None
    if quote == "'" and value.isprintable() and not set(value) & set("'\\"):
        return f"'{value}'"
    if quote or not _BARE.match(value) or value in RESERVED:
        return quoted(value)
    return value


# ------------------------------------------------------------------ axes


def axes(asked: Asked) -> Iterator[Entry]:
    """Yield indices of the axis that the cursor is in, with its size."""
    selector = asked.selector
    if selector is None or selector.weight is None:
        return
    sites = weights_named(asked.reached(asked.path), selector.weight, selector.path)
    shapes = list(dict.fromkeys(site.spec.shape for site in sites if site.spec.shape is not None))
    items = selector.slice.items if selector.slice else ()
    before = [item for item in items if item.span.end < asked.start and not isinstance(item, Missing)]
    dots = any(isinstance(item, Ellipsis) for item in before)
    axis = len(before)
    fitting = [shape for shape in shapes if len(shape) > axis]
    if not fitting and not dots:
        return
    yield Entry(":", "axis", ":", "" if dots else f"all of {_axis(axis, fitting)}")
    if not dots:
        yield Entry("...", "axis", "...", "the axes between")
        if all(shape[axis] for shape in fitting):
            yield Entry("0", "axis", "0", f"the first of {_sizes(axis, fitting)}")
            yield Entry("-1", "axis", "-1", f"the last of {_sizes(axis, fitting)}")


def _sizes(axis: int, shapes: Sequence[tuple[int, ...]]) -> str:
    found = sorted({shape[axis] for shape in shapes})
    return f"{found[0]}" if len(found) == 1 else f"{found[0]} to {found[-1]}"


def _axis(axis: int, shapes: Sequence[tuple[int, ...]]) -> str:
    """Return `axis 0 · 12 (of (10, 12))`."""
    of = f"{shapes[0]}" if len(shapes) == 1 else f"{len(shapes)} shapes"
    return f"axis {axis} · {_sizes(axis, shapes)} (of {of})"


def sizes(shapes: Sequence[tuple[int, ...]]) -> Iterator[Entry]:
    """Yield the numbers of axes, as `shape[0]` takes them."""
    for axis in range(max(map(len, shapes), default=0)):
        yield Entry(
            f"{axis}", "axis", f"{axis}", _axis(axis, [shape for shape in shapes if len(shape) > axis])
        )
    if shapes:
        yield Entry("-1", "axis", "-1", "the last axis")


def axis_numbers(shapes: Sequence[tuple[int, ...]]) -> Iterator[Entry]:
    """Yield the axes that `reduce` may go along."""
    for entry in sizes(shapes):
        yield entry._replace(kind="value")
