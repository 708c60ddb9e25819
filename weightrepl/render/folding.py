"""Runs of alike siblings as one row: `block_0 … block_11` become `block_{0..11}`, a pattern that selects just these."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter

from weightrepl.engine.addresses import (
    address,
    attribute_segment,
    class_segment,
    first_owner,
    first_place,
    weight_name,
)
from weightrepl.engine.series import Series, series_of
from weightrepl.model.tree import Layer, Place, Site, nfc
from weightrepl.model.workspace import Workspace
from weightrepl.render.blocks import Cell

FEWEST = 3
"""As many siblings are worth folding."""


class Entry:
    """A layer or weight that is to be shown, or a layer that only leads to such; once folded, a run of them.

    sign, tail: what an address has before it (`/`, `:` or nothing) and after it (a slice).
    spelled: how an address spells it; of a run, a pattern.
    name: what it is called; None where a pattern of names would not select it alone, so that it is not folded.
    cells: what its row shows beside its name; None where it has no row.
    figures, weights: give what follows from its traits and from what is below it, for who shows it: the figures of
        a layer, and the entries of weights of its own that are not below it.
    traits: what else must be the same for two to be alike.
    held: how a path spells the attribute under which its parent holds it, else its class where no other is of that;
        empty where neither is known.
    count: how many it stands for.
    alike, kind: what those have in common that are equal in all but their names; of the same kind are also those
        below which names differ (Keras numbers what has none: `dropout_7`) where what holds them is the same.
    """

    __slots__ = (
        "alike", "below", "cells", "count", "figures", "held", "kind", "name", "sign", "spelled", "tail", "traits",
        "weights",
    )  # fmt: skip

    def __init__(
        self,
        sign: str,
        spelled: str,
        name: str | None = None,
        cells: tuple[Cell, ...] | None = None,
        traits: Hashable = None,
        tail: str = "",
    ) -> None:
        self.sign, self.spelled, self.tail, self.name = sign, spelled, tail, name
        self.cells, self.traits = cells, traits
        self.figures: Callable[[], tuple[Cell, ...]] = tuple
        self.weights: Callable[[], list[Entry]] = list
        self.below: list[Entry] = []
        self.held = ""
        self.count = 1
        self.alike = self.kind = 0


def fold(root: Entry) -> None:
    """Make one entry of each run of alike siblings below `root`, the inner runs first.

    Alike are those whose names differ in one number, which counts up, and that are equal in all but that.
    """
    order = [root]
    for entry in order:
        order += entry.below
    kinds: dict[Hashable, int] = {}
    for entry in reversed(order):
        if len(entry.below) >= FEWEST:
            entry.below = _merged(entry.below)
        own = (entry.sign, entry.tail, entry.cells, entry.traits)
        if not entry.below:
            entry.alike = entry.kind = kinds.setdefault(own, len(kinds))
            continue
        named = tuple([(e.spelled, e.count, e.alike) for e in entry.below])
        held = tuple([(e.held or e.spelled, e.count, e.kind) for e in entry.below])
        entry.alike = kinds.setdefault((own, named), len(kinds))
        entry.kind = kinds.setdefault((own, held, None), len(kinds))


def rows_below(root: Entry) -> Iterator[tuple[str, int, tuple[Cell, ...]]]:
    """Yield the rows below `root`: the address or its pattern, how many it stands for, and the cells beside it."""
    stack = [(entry, "", 1) for entry in reversed(root.below)]
    while stack:
        entry, way, times = stack.pop()
        way += entry.sign + entry.spelled + entry.tail
        times *= entry.count
        if entry.cells is not None:
            yield way, times, entry.cells
        stack.extend((below, way, times) for below in reversed(entry.below))


def _merged(entries: list[Entry]) -> list[Entry]:
    for key in ("alike", "kind"):
        groups = [list(group) for _, group in groupby(entries, key=attrgetter(key))]
        if len(groups) < len(entries):
            entries = [e for group in groups for e in (group if len(group) < FEWEST else _counted(group))]
    return entries


def _counted(alike: list[Entry]) -> Iterator[Entry]:
    """Yield an entry for each run of names that count up, and all others as they are."""
    names = [entry.name for entry in alike]
    start = 0
    while start < len(alike):
        entry, series = alike[start], _series(names[start : start + 2])
        count = 1 if series is None else _length(series, names, start)
        if series is not None and count >= FEWEST:
            _call_alike(alike[start : start + count])
            entry.spelled, entry.count = series.pattern(count), count
            entry.name, entry.held = None, ""
            start += count - 1
        start += 1
        yield entry


def _call_alike(run: Sequence[Entry]) -> None:
    """Let the first of a run call what is below it by attributes, where the names are not those of all."""
    stack = [run]
    while stack:
        for same in zip(*[entry.below for entry in stack.pop()], strict=True):
            if any(entry.spelled != same[0].spelled for entry in same):
                same[0].spelled = same[0].held
            stack.append(same)


def _series(names: Sequence[str | None]) -> Series | None:
    match names:
        case [str(first), str(second)]:
            return series_of(first, second)
    return None


def _length(series: Series, names: Sequence[str | None], start: int) -> int:
    """Return how many of `names` from `start` on are those of the series."""
    for i in range(start, len(names)):
        if names[i] is None or names[i] != series.name(i - start):
            return i - start
    return len(names) - start


# ------------------------------------------------------------------ entries of layers and weights


def hung(rows: Sequence[Site | Place], beside: Sequence[tuple[Cell, ...]], workspace: Workspace) -> Entry:
    """Return what holds the entries of rows, below those of the layers that lead to them, in the order of the rows.

    beside: the cells of each row but its address.
    """
    root, structures = Entry("", ""), Structures()
    way: list[tuple[Place | None, Entry]] = [(None, root)]
    for row, cells in zip(rows, beside, strict=True):
        if isinstance(row, Place):
            entry = _led_to(first_place(row), way, workspace, anew=True)
            entry.cells = cells
            if row.parent is not None:  # a model is never folded, and may hold much that was never opened
                entry.traits = structures.of(row.layer)
        else:
            owner = first_owner(row.place, row.weight)
            above = _led_to(owner, way, workspace, anew=False)
            above.below.append(weight_entry(row, owner.layer, cells))
    return root


def _led_to(place: Place, way: list[tuple[Place | None, Entry]], workspace: Workspace, anew: bool) -> Entry:
    """Return the entry of a layer, with the layers above it that `way`, that of the row before, has in common.

    anew: whether it is to have an entry of its own, also where that row is of what is below it.
    """
    ancestry = place.ancestry
    common, most = 0, min(len(way) - 1, len(ancestry) - anew)
    while common < most and way[common + 1][0] is ancestry[common]:
        common += 1
    del way[common + 1 :]
    for step in ancestry[common:]:
        entry = layer_entry(step, workspace)
        way[-1][1].below.append(entry)
        way.append((step, entry))
    return way[-1][1]


def layer_entry(place: Place, workspace: Workspace) -> Entry:
    """Return the entry of a layer, without a row."""
    layer, parent = place.layer, place.parent
    spelled = address(place, workspace)
    if parent is None:
        return Entry("", spelled)
    spelled = spelled[len(address(parent, workspace)) + 1 :]
    alone = not layer.system and len(parent.named[nfc(layer.name)]) == 1
    entry = Entry("/", spelled, layer.name if alone else None, traits=layer.class_name)
    entry.held = attribute_segment(layer) or class_segment(place)
    return entry


def weight_entry(site: Site, owner: Layer, cells: tuple[Cell, ...]) -> Entry:
    """Return the entry of a weight below a layer that owns it."""
    weight = site.weight
    alone = len(owner.weights_named[nfc(weight.name)]) == 1
    spec = site.spec
    traits = (spec.shape, spec.dtype, spec.stored_nbytes, weight.trainable)
    name = weight.name if alone else None
    return Entry(":", weight_name(owner, weight), name, cells, traits, site.slice_text)


# ------------------------------------------------------------------ layers that are built alike


class Structures:
    """Tells layers that hold the same, all the way down, from others: each layer is looked at once.

    What the layers below are called is left to the rows that show them.
    """

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._kinds: dict[Hashable, int] = {}

    def of(self, layer: Layer) -> int:
        """Return a number that layers have in common whose class, weights and layers below are the same."""
        stack = [layer]
        while stack:
            unknown = [child for child in stack[-1].children if id(child) not in self._known]
            if unknown:
                stack += unknown
                continue
            known = stack.pop()
            self._known[id(known)] = self._kinds.setdefault(self._traits(known), len(self._kinds))
        return self._known[id(layer)]

    def _traits(self, layer: Layer) -> Hashable:
        weights = tuple(
            [(w.name, w.spec.shape, w.spec.dtype, w.spec.stored_nbytes, w.trainable) for w in layer.weights]
        )
        below = tuple([self._known[id(child)] for child in layer.children])
        return layer.class_name, layer.built, weights, below
