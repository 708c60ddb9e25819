"""How a result shows itself in a notebook."""

from __future__ import annotations

from weightrepl.values import Value


class View(Value):
    """How a result shows itself where nobody says otherwise: `result.seen(View(most=20))`.

    Attributes:
        most: how many rows, at most.
        seconds: how long the statistics of a display may take; 0 is none at all.
        format: one of those of the command line (`json`, `csv`, …), as plain text; empty for what fits the front end.
        tree: whether plain text draws layers as a tree, as HTML always does.
    """

    most: int = 100
    seconds: float = 0.2
    format: str = ""
    tree: bool = False


USUAL = View()
