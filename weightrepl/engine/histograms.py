"""The stage `hist`: a histogram of each weight."""

from __future__ import annotations

from weightrepl.engine.stages import Relation
from weightrepl.query.syntax import Stage


def with_histograms(stage: Stage, given: Relation) -> Relation:
    """Return the rows with a histogram of each."""
    raise NotImplementedError
