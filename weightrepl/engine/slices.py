"""What follows a weight's name in brackets, against the weight's shape: NumPy's rules, on the page's terms."""

from __future__ import annotations

from typing import Any

from weightrepl.errors import Problem
from weightrepl.model.tensor import AxisIndex, full_index
from weightrepl.model.tree import Site
from weightrepl.query.printer import format_slice
from weightrepl.query.syntax import Bounds, Glob, Index, IndexList, Missing, Selector, Slice, SliceItem
from weightrepl.spans import Span


class SliceMismatchError(ValueError):
    """A slice that does not fit a shape; the message says why. `span` is the part at fault."""

    def __init__(self, reason: str, span: Span) -> None:
        super().__init__(reason)
        self.span = span


def index_of(slice_: Slice, shape: tuple[int, ...]) -> tuple[AxisIndex, ...]:
    """Return an entry per axis of `shape`, none negative, bounds clipped as in NumPy.

    Raises:
        SliceMismatchError: an integer out of range, a zero step, or more entries than axes.
    """
    for item in slice_.items:
        if isinstance(item, Bounds) and item.step == 0:
            raise SliceMismatchError("a step can't be zero", item.span)
    try:
        return full_index([_python_index(item) for item in slice_.items], shape)
    except IndexError as error:
        reason, entry = error.args
        raise SliceMismatchError(reason, slice_.span if entry is None else slice_.items[entry].span) from None


def _python_index(item: SliceItem) -> Any:
    match item:
        case Index(value):
            return value
        case IndexList(values):
            return list(values)
        case Bounds(start, stop, step):
            return slice(start, stop, step)
    return ...


def sliced(sites: tuple[Site, ...], selector: Selector) -> tuple[tuple[Site, ...], tuple[Problem, ...]]:
    """Return the sites with the selector's slice, without those whose shape it does not fit, and why not.

    It is an error where the weight was spelled out, and one note for all others where it came by a pattern.
    """
    if selector.slice is None or not sites:
        return sites, ()
    text = format_slice(selector.slice)
    kept, unfit = [], []
    for site in sites:
        try:
            shape = site.weight.spec.shape
            if shape is None:
                raise SliceMismatchError("the source does not record its shape", selector.slice.span)
            kept.append(site._replace(indices=index_of(selector.slice, shape), slice_text=text))
        except SliceMismatchError as mismatch:
            unfit.append((site, mismatch))
    return tuple(kept), _misfits(unfit, selector)


def _misfits(unfit: list[tuple[Site, SliceMismatchError]], selector: Selector) -> tuple[Problem, ...]:
    if not unfit:
        return ()
    site, mismatch = unfit[0]
    about = f"{site.weight.name!r} has shape {_shown(site.weight.spec.shape)}"
    if is_spelled_out(selector):
        return (Problem("bad-slice", f"{mismatch}: {about}", mismatch.span),)
    rest = f" (and {len(unfit) - 1} more like it)" if len(unfit) > 1 else ""
    message = f"left out: {mismatch}: {about}{rest}"
    return (Problem("slice-left-out", message, mismatch.span, severity="note"),)


def _shown(shape: tuple[int, ...] | None) -> str:
    return "?" if shape is None else str(shape)


def is_spelled_out(selector: Selector) -> bool:
    """Return whether a selector names its weight without any pattern, in the path neither."""
    weight = selector.weight
    if (
        weight is None
        or isinstance(weight.glob, Missing)
        or weight.glob.literal is None
        or weight.ordinal == "*"
    ):
        return False
    segments = selector.path.segments if selector.path is not None else ()
    globs = (getattr(segment, "glob", None) for segment in segments)
    return all(isinstance(g, Glob) and g.literal is not None for g in globs)
