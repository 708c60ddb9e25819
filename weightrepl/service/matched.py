"""How much a query matches, where that can be told without reading values."""

from __future__ import annotations

from collections.abc import Mapping

from weightrepl.engine.scope import Named
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace
from weightrepl.service.answers import Matched


def matched(
    text: str,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
) -> Matched | None:
    """Return how much a query matches; None where it has errors, or values would have to be read."""
    return None
