"""The stage `hist`: a histogram of each weight."""

from __future__ import annotations

from collections.abc import Callable

from weightrepl.engine.columns import Column
from weightrepl.engine.expressions import ExpressionError
from weightrepl.engine.figures import Figures, kept
from weightrepl.engine.relation import DEFAULT_COLUMNS, Relation
from weightrepl.engine.table import Histogram
from weightrepl.errors import Problem
from weightrepl.model.tree import Site
from weightrepl.query.syntax import Keyword, Number, Stage

DEFAULT_BINS = 20
"""As many as stand beside an address on 80 columns, or below each other on a terminal of 24 lines."""

MOST_BINS = 128


def with_histograms(stage: Stage, given: Relation) -> Relation:
    """Return the rows with a histogram of each.

    Raises:
        ExpressionError: more bins than can be told apart.
    """
    column = Column("hist", "histogram", histograms(given.figures, _bins(stage)), reads=True)
    before = ("address",) if given.shown == DEFAULT_COLUMNS["weights"] else given.shown
    shown = tuple(dict.fromkeys((*before, "hist")))
    drawn = given.replace(columns={**given.columns, "hist": column}, shown=shown)
    if not any(site.spec.dtype.startswith("complex") for site in given.rows):
        return drawn
    message = "the histograms of complex weights are of their magnitudes"
    return drawn.noted(Problem("magnitudes", message, stage.name_span, severity="note"))


def histograms(figures: Figures, bins: int = DEFAULT_BINS) -> Callable[[Site], Histogram | None]:
    """Return what gives a weight's histogram, None of what holds no numbers; each is counted once."""

    def counted(site: Site) -> Histogram | None:
        from weightrepl.engine.statistics import histogram

        return histogram(site.tensor, site.spec, bins, figures.advance)

    return kept(counted)


def _bins(stage: Stage) -> int:
    for argument in stage.arguments:
        assert isinstance(argument, Keyword)
        assert isinstance(argument.value, Number)  # the parser takes a whole number from 1
        if argument.value.value > MOST_BINS:
            message = f"a histogram has at most {MOST_BINS} bins"
            raise ExpressionError("bad-argument", message, argument.value.span)
        return int(argument.value.value)
    return DEFAULT_BINS
