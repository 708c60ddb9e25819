"""Values as cells: numbers grouped by thousands, bytes in units, names without control characters."""

from __future__ import annotations

from weightrepl.engine.table import Histogram, Value
from weightrepl.quantities import human_bytes
from weightrepl.render.blocks import Cell
from weightrepl.render.charts import spark
from weightrepl.spans import visible


def cell(column: str, value: Value) -> Cell:
    """Return the cell for a value of a column."""
    match value:
        case None:
            return Cell("?", "unknown")
        case bool():
            return Cell("yes" if value else "no")
        case int():
            return Cell(human_bytes(value) if column == "bytes" else f"{value:,}", "number")
        case float():
            return Cell(f"{value:.6g}", "number")
        case tuple():
            return Cell(str(value), "shape")
        case Histogram():
            return spark(value)
        case str():
            return Cell(visible(value), "name" if column == "address" else "word")
