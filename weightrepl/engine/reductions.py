"""The stage `reduce`: one number, or an array of fewer axes, for each weight."""

from __future__ import annotations

from weightrepl.engine.stages import Relation
from weightrepl.query.syntax import Stage


def reduced(stage: Stage, given: Relation) -> Relation:
    """Return the rows with their values reduced."""
    raise NotImplementedError
