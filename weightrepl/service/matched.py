"""How much a query matches, where that can be told without reading values."""

from __future__ import annotations

from collections.abc import Mapping

from weightrepl.engine.columns import total
from weightrepl.engine.scope import Named, scope_of
from weightrepl.engine.selectors import Kind
from weightrepl.engine.survey import survey
from weightrepl.model.tree import Place
from weightrepl.model.workspace import Workspace
from weightrepl.service.answers import Matched


def matched(
    text: str,
    workspace: Workspace,
    *,
    location: Place | None = None,
    named: Mapping[str, Named] | None = None,
    want: Kind | None = None,
) -> Matched | None:
    """Return how much a query matches; None where it has errors, or values would have to be read to tell.

    want: `weights` or `layers` whatever the query is of.

    Raises:
        NotReadYetError: within `model.reading.without_reading()`, where something has to be read first.
    """
    found = survey(scope_of(text, workspace, location, named), want)
    given = found.given
    if given is None or not found.exact or given.kind in ("count", "pairs"):
        return None
    params = None
    if given.kind == "weights":
        params = total(site.spec.size for site in given.rows)
    elif given.kind == "layers":
        below = {id(site.weight): site for place in given.rows for site in place.weights_below}
        params = total(site.spec.size for site in below.values())
    return Matched(len(given.rows), "rows" if given.kind == "groups" else given.kind, params)
