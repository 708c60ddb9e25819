"""Which weight of one selection stands against which of another, where there is no query that says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from weightrepl.engine.addresses import relative, weight_name
from weightrepl.engine.columns import site_address
from weightrepl.engine.pairing import common
from weightrepl.errors import OutputError
from weightrepl.model.tree import Place, Site, nfc
from weightrepl.model.workspace import Workspace
from weightrepl.spans import listed

if TYPE_CHECKING:
    from weightrepl.engine.selection import Selection

MOST_NAMED = 3


def counterparts(selection: Selection, values: Selection) -> list[Site]:
    """Return the weight that stands against each of a selection.

    Where there is one on each side, they do. Else they are those on the same way down, from the models or from
    the lowest layers that all of a side lie in.
    """
    if len(selection) == len(values) == 1:
        return [*values.rows]
    sides = [(_by_way(selection, whole), _by_way(values, whole)) for whole in (True, False)]
    wanted, given = min(sides, key=lambda side: len(side[0].keys() ^ side[1].keys()))
    refuse_unpaired(
        {way: site_address(site, selection.workspace) for way, site in wanted.items()},
        {way: site_address(site, values.workspace) for way, site in given.items()},
    )
    return [given[way] for way in wanted]


def _by_way(selection: Selection, whole: bool) -> dict[str, Site]:
    """Return the weights by the ways to them, from the model if `whole`, else from the lowest layer that holds all."""
    root = common([site.place for site in selection.rows])
    if root is not None and whole:
        root = root.model.place
    return {_way(site, root, selection.workspace): site for site in selection.rows}


def _way(site: Site, root: Place | None, workspace: Workspace) -> str:
    way = relative(site.place, root, workspace)
    return nfc(f"{way}:{weight_name(site.place.layer, site.weight)}{site.slice_text}")


def refuse_unpaired(wanted: Mapping[str, str], given: Mapping[str, str]) -> None:
    """Raise an OutputError unless both have the same keys; their values say what each stands for."""
    lacking = [text for key, text in wanted.items() if key not in given]
    over = [text for key, text in given.items() if key not in wanted]
    told = [f"there are no values for {listed(lacking, MOST_NAMED)}"] if lacking else []
    told += [f"{listed(over, MOST_NAMED)} would go nowhere"] if over else []
    if told:
        raise OutputError(f"nothing was written: {', and '.join(told)}")
