"""The steps that a selector took through the tree: what messages and `explain` are made from."""

from __future__ import annotations

from weightrepl.engine.resolve import Reached
from weightrepl.model.tree import Site
from weightrepl.query.syntax import Segment, Selector
from weightrepl.values import Value


class Step(Value):
    """One segment: what had been reached before it, and what after."""

    segment: Segment
    before: Reached
    after: Reached


class Trace(Value):
    """All steps of one selector, up to the first that led nowhere.

    reached: what the whole path reached; sites: the weights named after it, not yet sliced.
    """

    selector: Selector
    steps: tuple[Step, ...]
    reached: Reached
    sites: tuple[Site, ...]

    @property
    def ended(self) -> bool:
        """Whether the path led nowhere."""
        return not self.reached.places and not self.reached.workspace
