"""The columns of weights and of layers: what each is called, what it holds, how it is computed when asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from weightrepl.engine.addresses import address, first_owner, first_place, is_shared, weight_name
from weightrepl.engine.figures import FIGURES, Figures, kept
from weightrepl.engine.previews import preview
from weightrepl.engine.schemes import scales_of, scheme
from weightrepl.engine.table import ColumnType, Value
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.values import Value as Frozen

WEIGHT_COLUMNS = (
    "address", "name", "layer", "class", "depth", "shape", "rank", "size", "bytes", "dtype", "trainable", "source",
    "key", "via", "scheme", "scale",
)  # fmt: skip
LAYER_COLUMNS = (
    "address", "name", "class", "depth", "layers", "weights", "params", "bytes", "trainable", "built",
)  # fmt: skip
PAIR_COLUMNS = ("other", "verdict", "maxabs", "meanabs", "rel", "cosine", "hint")
"""Columns that only `diff` gives."""

VALUE_COLUMNS = (*FIGURES, "values", "hist", *PAIR_COLUMNS)
"""Columns for which values are read, or derived from such."""


class Column(Frozen):
    """A column: what it is called, the kind of its values, and the value for a row (None: unknown).

    reads: whether computing it reads values from the source.
    """

    name: str
    type: ColumnType
    of: Callable[[Any], Value]
    reads: bool = False


def weight_columns(workspace: Workspace, figures: Figures) -> Mapping[str, Column]:
    """Return the columns of weights, by name; those of values come from `figures`."""
    return _named(
        Column("address", "text", lambda s: site_address(s, workspace)),
        Column("name", "text", lambda s: s.weight.name),
        Column("layer", "text", lambda s: address(first_owner(s.place, s.weight), workspace)),
        Column("class", "text", lambda s: s.place.layer.class_name),
        Column("depth", "number", lambda s: first_owner(s.place, s.weight).depth),
        Column("shape", "shape", lambda s: s.spec.shape),
        Column("rank", "number", lambda s: None if (shape := s.spec.shape) is None else len(shape)),
        Column("size", "number", lambda s: s.spec.size),
        Column("bytes", "bytes", lambda s: s.spec.nbytes),
        Column("dtype", "text", lambda s: s.spec.dtype),
        Column("trainable", "bool", lambda s: s.weight.trainable),
        Column("source", "text", lambda s: s.weight.source or s.place.model.source),
        Column("key", "text", lambda s: s.weight.key),
        Column("via", "text", lambda s: site_via(s, workspace)),
        Column("scheme", "text", scheme),
        Column("scale", "text", lambda s: scale_address(s, workspace)),
        *(
            Column(name, type_, partial(_figure, figures, name), reads=True)
            for name, type_ in FIGURES.items()
        ),
        Column("values", "text", kept(preview), reads=True),
    )


def layer_columns(workspace: Workspace) -> Mapping[str, Column]:
    """Return the columns of layers, by name. Figures are of all in and below, each weight counted once."""
    return _named(
        Column("address", "text", lambda p: address(first_place(p), workspace)),
        Column("name", "text", lambda p: p.layer.name),
        Column("class", "text", lambda p: p.layer.class_name),
        Column("depth", "number", lambda p: first_place(p).depth),
        Column("layers", "number", lambda p: len(p.subtree) - 1),
        Column("weights", "number", lambda p: len(p.weights_below)),
        Column("params", "number", lambda p: total(s.weight.spec.size for s in p.weights_below)),
        Column("bytes", "bytes", lambda p: total(s.weight.spec.nbytes for s in p.weights_below)),
        Column("trainable", "bool", layer_trainable),
        Column("built", "bool", lambda p: p.layer.built),
    )


def _figure(figures: Figures, name: str, site: Site) -> Value:
    return figures.of(site, name)


def _named(*columns: Column) -> dict[str, Column]:
    return {column.name: column for column in columns}


def total(sizes: Any) -> int | None:
    """Return the sum of sizes, or None where one of them is unknown."""
    known = list(sizes)
    return None if None in known else sum(known)


def layer_trainable(place: Place) -> bool | None:
    """Return whether any weight in or below a layer is trainable, or None where that is unknown."""
    flags = {site.weight.trainable for site in place.weights_below}
    return True if True in flags else None if None in flags else False


# ------------------------------------------------------------------ of a weight, or a slice of it


def site_address(site: Site, workspace: Workspace) -> str:
    """Return the address of a weight, its slice included."""
    owner = first_owner(site.place, site.weight)
    return f"{address(owner, workspace)}:{weight_name(owner.layer, site.weight)}{site.slice_text}"


def scale_address(site: Site, workspace: Workspace) -> str:
    """Return the address of the weight that holds a quantised weight's scales, else the empty text."""
    scale = scales_of(site)
    return "" if scale is None else site_address(Site(site.place, scale), workspace)


def site_via(site: Site, workspace: Workspace) -> str:
    """Return the way on which a weight was reached, if that is not its address; else the empty text."""
    if not is_shared(site.place, site.weight):
        return ""
    way = f"{address(site.place, workspace)}:{weight_name(site.place.layer, site.weight)}{site.slice_text}"
    return "" if way == site_address(site, workspace) else way
