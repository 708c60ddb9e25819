"""What is wrong with a query, as it is typed."""

from __future__ import annotations

from collections.abc import Mapping

from weightrepl.engine.scope import Named
from weightrepl.errors import Problem
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace


def diagnose(
    text: str,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
) -> tuple[Problem, ...]:
    """Return the problems of a query, of syntax and of meaning, in order. Reads no values and raises nothing.

    Raises:
        NotReadYetError: within `model.tree.without_reading()`, where something has to be read first.
    """
    return ()
