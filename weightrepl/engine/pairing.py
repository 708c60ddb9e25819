"""The stage `diff`: which weights stand against each other."""

from __future__ import annotations

from weightrepl.engine.scope import Scope
from weightrepl.engine.stages import Relation
from weightrepl.query.syntax import Query


def other_side(query: Query, number: int, given: Relation, scope: Scope) -> Query:
    """Return the query of the right side of `diff`, which is the stage of that number."""
    raise NotImplementedError


def compared(query: Query, number: int, given: Relation, other: Relation, scope: Scope) -> Relation:
    """Return the pairs of both sides with their verdicts."""
    raise NotImplementedError
