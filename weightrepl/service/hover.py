"""What is known of the thing under the cursor."""

from __future__ import annotations

from collections.abc import Mapping

from weightrepl.engine.scope import Named
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace
from weightrepl.service.answers import Hover


def hover(
    text: str,
    offset: int,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
) -> Hover | None:
    """Return what is known of what stands at `offset` of a query; None where nothing is. Raises nothing."""
    return None
