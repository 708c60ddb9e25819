"""Values that are written to the variables of live models: all of them or none, and the old ones are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.engine.selection import Selection
    from weightrepl.engine.table import Table
    from weightrepl.model.tensor import Array

Values: TypeAlias = "Selection | Mapping[str, Array] | Array | float | Callable[[Array], Any]"
"""What may be assigned: another selection, paired as in `diff`; arrays by address, such as `old`; one array or number
for each weight; or a function of a weight's values."""


class Assignment(Value):
    """What was written, or of a dry run would be.

    report: a row for each weight: where its new values come from, shape, dtype. old: the values before, by address.
    """

    report: Table
    old: Mapping[str, Array]

    def undo(self) -> None:
        """Write the old values back."""
        raise NotImplementedError


def assigned(selection: Selection, values: Values, dry_run: bool) -> Assignment:
    """Check all, then write all; what can't be written leaves everything as it was."""
    raise NotImplementedError
