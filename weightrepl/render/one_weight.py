"""What a notebook shows of one weight: what it is, its figures, its outer values, and a picture of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from time import monotonic
from typing import TypeAlias

from weightrepl.engine.axes import axes_of
from weightrepl.engine.columns import VALUE_COLUMNS
from weightrepl.engine.figures import Figures
from weightrepl.engine.pictures import picture_of
from weightrepl.engine.selected import SelectedWeight
from weightrepl.engine.selection import Selection
from weightrepl.engine.shown_figures import Figured, figures_within
from weightrepl.errors import Problem
from weightrepl.model.tree import Site
from weightrepl.quantities import numbered
from weightrepl.render.blocks import Beside, Cell, Facts, Heading, Image, Line, Part, ProblemBlock
from weightrepl.render.cells import cell
from weightrepl.render.corners import corners
from weightrepl.spans import visible

Fact: TypeAlias = "tuple[str, Cell]"

_COLUMNS = ("shape", "dtype", "bytes", "class", "trainable", "key", "source", "via", "scheme", "scale")
_FIGURES = ("mean", "std", "min", "max", "norm", "zeros", "nans", "infs", "flags")
_FLAGS = ("nans", "infs", "flags")
"""Of these only what there is."""


class _LateError(Exception):
    """The time for a picture is over."""


class _Clock:
    """A Watcher that raises a _LateError once the time is over."""

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline

    def begin(self, nbytes: int) -> None:
        """Take note of nothing."""

    def advance(self, nbytes: int) -> None:
        """Look at the clock."""
        if monotonic() > self.deadline:
            raise _LateError

    def end(self) -> None:
        """Take note of nothing."""


def not_computed(late: int, count: int, seconds: float) -> str:
    """Return that the figures of so many weights are not shown, and how to see them."""
    if seconds <= 0:
        return "statistics: not computed"
    left = f"{late:,} of {numbered(count, 'weight')}" if count > 1 else "it"
    return f"no statistics of {left} within {seconds:g} s: not computed; '| stats' waits for all"


def reads_values(result: Selection) -> bool:
    """Return whether the query itself asked for what is read of values."""
    return any(column in VALUE_COLUMNS for column in result.columns)


def one_weight(result: Selection, seconds: float) -> Iterator[Part]:
    """Yield all there is to see of the only weight of a selection; of its values what there is time for.

    There is time for all where the query asked for figures or a histogram.
    """
    if reads_values(result):
        seconds = math.inf
    (weight,), (site,), deadline, asked = result, result.rows, monotonic() + seconds, "hist" in result.columns
    yield Heading(visible(weight.address))
    facts = _facts(result, weight)
    shown = figures_within((site,), seconds)[0] if seconds > 0 else None
    if shown is None:
        yield Facts(facts)
        yield Line(not_computed(1, 1, seconds), "dim")
    elif shown.reason:
        yield Beside((Facts(facts), *(_drawn(result, site, deadline) if asked else ())))
        yield ProblemBlock(Problem("unreadable", shown.reason, severity="warning"))
        return
    else:
        drawn = _drawn(result, site, deadline) if asked or not _is_flat(shown) else ()
        figures = _figures(shown, weight.size, not asked)
        yield Beside((Facts(tuple({**dict(facts), **dict(figures)}.items())), *drawn))
    if seconds > 0:
        yield from corners(site)


def _is_flat(shown: Figured) -> bool:
    """Return whether all values are the same."""
    low = shown.figures.get("min")
    return low is not None and low == shown.figures.get("max")


def _facts(result: Selection, weight: SelectedWeight) -> tuple[Fact, ...]:
    """Return what is known without reading values, or was read when the query was answered."""
    names = tuple(n for n in dict.fromkeys((*_COLUMNS, *result.columns)) if n not in ("address", "hist"))
    (row,) = result.table(names).rows
    facts = [
        (name, cell(name, value)) for name, value in zip(names, row, strict=True) if value not in ("", None)
    ]
    axes = [axis.name for axis in axes_of(result.rows[0])] if weight.shape else []
    if axes and not axes[0].startswith("axis "):
        facts.insert(1, ("axes", Cell(" × ".join(axes))))
    return (*facts, *(("also", Cell(visible(alias), "name")) for alias in weight.aliases))


def _figures(shown: Figured, size: int | None, drawn: bool) -> Iterator[Fact]:
    """Yield the figures of a weight, and its histogram as a small picture if that is `drawn`."""
    if drawn and shown.histogram is not None:
        counted = sum(shown.histogram.counts) + shown.histogram.outside
        name = "histogram" if counted == size else f"histogram of {counted:,} values"
        yield name, Cell("", "bars", histogram=shown.histogram)
    for name in _FIGURES:
        value = shown.figures.get(name)
        if value is not None and (value or name not in _FLAGS):
            yield name, cell(name, value)._replace(role="flag" if name in _FLAGS else "word")


def _drawn(result: Selection, site: Site, deadline: float) -> Iterator[Image]:
    """Yield the picture of a weight, if it is drawn in time; what has but one value is no picture."""
    if "hist" in result.columns:
        picture = result.picture()
    else:
        try:
            picture = picture_of([(result.addresses[0], site)], Figures(watcher=_Clock(deadline)))
        except _LateError:
            return
    (panel,) = picture.panels
    if not isinstance(panel.drawing, str):
        yield Image(panel)
