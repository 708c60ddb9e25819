"""Results as notebooks show them: one bundle of plain text, HTML, and JSON for tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from weightrepl.engine.evaluate import Result
    from weightrepl.model.tree import Model
    from weightrepl.render.formats import Answer

MIME = "application/vnd.weightrepl+json"
"""Of its own, since JupyterLab would show `application/json` in the place of HTML."""

Shown: TypeAlias = "Result | Model | tuple[Answer, ...]"


def bundle(shown: Shown, html: bool = True) -> dict[str, Any]:
    """Return what there is to show by its MIME type; without `html` the plain text alone, for a terminal."""
    raise NotImplementedError
