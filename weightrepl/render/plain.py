"""Results as plain text of a bounded number of lines: what `repr` shows."""

from __future__ import annotations

from weightrepl.engine.evaluate import Result
from weightrepl.engine.table import Count
from weightrepl.render.blocks import Block, Line
from weightrepl.render.compose import as_table, totals
from weightrepl.render.text import Screen, lines

SHOWN_ROWS = 30


def plain_text(result: Result) -> str:
    """Return a result's table and totals, without colours; of a long one the first rows."""
    if isinstance(result, Count):
        return f"{result.value:,}"
    blocks: list[Block] = [*as_table(result, SHOWN_ROWS)]
    if len(result) > SHOWN_ROWS:
        blocks.append(Line(f"… and {len(result) - SHOWN_ROWS:,} more"))
    return "\n".join(lines([*blocks, *totals(result)], Screen()))
