"""Plain results: a table of values, and one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from weightrepl.errors import Problem

Value: TypeAlias = "str | int | float | bool | tuple[int, ...] | None"
"""What stands in a column; None is unknown and shows as `?`."""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows of plain values.

    notes: what there is to tell about how it came about.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        from weightrepl.render.plain import plain_text

        return plain_text(self)

    def to_dicts(self) -> list[dict[str, Value]]:
        """Return each row as a dict from column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Count:
    """The number of rows that a query found."""

    value: int
    notes: tuple[Problem, ...] = ()
