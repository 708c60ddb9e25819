"""What may stand at the cursor, best first."""

from __future__ import annotations

from collections.abc import Mapping

from weightrepl.engine.scope import Named
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace
from weightrepl.service.answers import Completion, Completions

MOST = 500
"""So many completions are given at most."""


def complete(
    text: str,
    offset: int,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
    wait: bool = True,
) -> Completions:
    """Return what may stand at `offset` of a query, half-typed or not. Raises nothing, whatever the text.

    wait: whether what has to be read from a file first is read now; else the answer says that more is coming.
    """
    return Completions()


def resolved(completion: Completion, workspace: Workspace) -> Completion:
    """Return the completion with the detail and documentation that need everything below a layer to be read."""
    return completion
