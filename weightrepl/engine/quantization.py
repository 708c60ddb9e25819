"""Quantised layers: how their weights are stored, and the floats that they compute with."""

from __future__ import annotations

from weightrepl.engine.stages import Relation
from weightrepl.query.syntax import Stage


def dequantized(stage: Stage, given: Relation) -> Relation:
    """Return the rows with the floats that quantised layers compute with."""
    raise NotImplementedError
