"""Results as plain text of a bounded number of lines: what `repr` shows."""

from __future__ import annotations

from weightrepl.engine.evaluate import Result
from weightrepl.render.compose import as_table, totals
from weightrepl.render.text import Screen, lines

SHOWN_ROWS = 30


def plain_text(result: Result) -> str:
    """Return a result's table and totals, without colours; of a long one the first rows."""
    return "\n".join(lines([*as_table(result, SHOWN_ROWS), *totals(result)], Screen()))
