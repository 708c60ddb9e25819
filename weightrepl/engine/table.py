"""Plain results: a table of values, and one number."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from weightrepl.engine.view import USUAL, View
from weightrepl.errors import MissingExtraError, Problem
from weightrepl.model.tree import Site
from weightrepl.values import Value as Frozen
from weightrepl.values import field

ColumnType: TypeAlias = Literal["text", "number", "bytes", "shape", "bool", "histogram"]


class Histogram(Frozen):
    """How many values of a weight fall in each of equally wide bins.

    Attributes:
        low: the outer edge of the first bin.
        high: the outer edge of the last bin, which holds this value too.
        counts: how many values are in each bin.
        outside: how many values are in no bin, being NaN or infinite.

    Examples:
        >>> import weightrepl
        >>> table = weightrepl.evaluate(weightrepl.demo_path(), "outer_dense:kernel | hist bins=4").table()
        >>> table.to_dicts()[0]["hist"].counts
        (3, 17, 8, 4)
    """

    low: float
    high: float
    counts: tuple[int, ...]
    outside: int = 0

    def __str__(self) -> str:
        """Return it as JSON, exactly."""
        return f'{{"low": {self.low!r}, "high": {self.high!r}, "counts": {[*self.counts]}, "outside": {self.outside}}}'


Value: TypeAlias = "str | int | float | bool | tuple[int, ...] | Histogram | None"
"""What stands in a column; None is unknown and shows as `?`."""


class Table(Frozen):
    """Columns and rows of plain values, as `group` and `diff` give them, and `Selection.table()`.

    Attributes:
        columns: their names.
        rows: one tuple of values for each; None is unknown, and shows as `?`.
        notes: what there is to tell about how it came about.
        sites: the weight of each row where it is of one, as in a `diff`; else None.
        view: how it shows itself.

    Examples:
        >>> import weightrepl
        >>> table = weightrepl.evaluate(weightrepl.demo_path(), "**:* | group name")
        >>> table.columns
        ('name', 'weights', 'params', 'bytes')
        >>> table.rows[0]
        ('kernel', 3, 248, 992)
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[Problem, ...] = ()
    sites: tuple[Site, ...] | None = field(default=None, kw_only=True, compare=False)
    view: View = field(default=USUAL, kw_only=True, compare=False)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        from weightrepl.render.plain import plain_text

        return plain_text(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from weightrepl.render.notebook import bundle

        return bundle(self)

    def seen(self, view: View) -> Table:
        """Return the same table, which shows itself in another way."""
        return self.replace(view=view)

    def __reduce__(self) -> tuple[object, ...]:
        return Table, (self.columns, self.rows, self.notes)

    def to_pandas(self) -> Any:
        """Return it as a pandas DataFrame; pandas is imported only here.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ImportError:
            raise MissingExtraError("pandas is not installed: pip install pandas") from None
        return DataFrame(list(self.rows), columns=list(self.columns))

    def to_dicts(self) -> list[dict[str, Value]]:
        """Return each row as a dict from column to value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Count(Frozen):
    """The number of rows that a query found, as `count` gives it.

    Attributes:
        value: the number.
        notes: what there is to tell about how it came about.
        view: how it shows itself.
    """

    value: int
    notes: tuple[Problem, ...] = ()
    view: View = field(default=USUAL, kw_only=True, compare=False)

    def __repr__(self) -> str:
        return f"{self.value:,}"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from weightrepl.render.notebook import bundle

        return bundle(self)

    def seen(self, view: View) -> Count:
        """Return the same number, which shows itself in another way."""
        return self.replace(view=view)
