"""The tree of layers in which things hang, as entries: what each has beside its name, runs of alike ones folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from weightrepl.engine.addresses import address, first_place
from weightrepl.engine.columns import total
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.quantities import numbered
from weightrepl.render.blocks import Cell, TreeBlock, TreeRow
from weightrepl.render.cells import cell
from weightrepl.render.folding import Entry, Structures, fold, layer_entry, weight_entry
from weightrepl.spans import visible

NOT_BUILT = "not built"
USUAL_DTYPE = "float32"
"""Goes without saying beside a weight's shape in a tree."""


def tree_of(result: Selection | LayerSelection, *, unfolded: bool = False) -> Entry:
    """Return the entry that holds those of a result's layers, or of the layers of its weights."""
    if isinstance(result, Selection):
        return _tree(_grown((site.place, site) for site in result.rows), result.workspace, unfolded)
    return _tree(_grown((place, None) for place in result.rows), result.workspace, unfolded)


def tree_of_all(workspace: Workspace, *, unfolded: bool = False) -> Entry:
    """Return the entry that holds those of all layers that are open."""
    roots = _grown((place, None) for model in workspace.places for place in _everything(model))
    return _tree(roots, workspace, unfolded)


def as_rows(top: Entry) -> TreeBlock:
    """Return all layers below an entry as a tree."""
    rows = []
    stack = [(entry, 0) for entry in reversed(top.below)]
    while stack:
        entry, depth = stack.pop()
        rows.append(TreeRow(depth, cells(entry)))
        stack += [(below, depth + 1) for below in reversed(layers_below(entry))]
    return TreeBlock(tuple(rows))


def layers_below(entry: Entry) -> list[Entry]:
    """Return those below an entry that have a row: weights stand beside their layer."""
    return [below for below in entry.below if below.sign != ":"]


class _Branch:
    """A layer in a tree that is shown.

    sites: its own weights that were selected. chosen: whether the layer itself was.
    """

    __slots__ = ("below", "chosen", "place", "sites")

    def __init__(self, place: Place) -> None:
        self.place, self.chosen = place, False
        self.sites: list[Site] = []
        self.below: dict[int, _Branch] = {}


def _everything(model: Place) -> Iterator[Place]:
    """Yield all places of a model; the system's layers and a shared layer's further places without what is below."""
    stack, seen = [model], set[int]()
    while stack:
        place = stack.pop()
        yield place
        if not place.layer.system and id(place.layer) not in seen:
            seen.add(id(place.layer))
            stack.extend(reversed(place.children))


def _grown(entries: Iterable[tuple[Place, Site | None]]) -> list[_Branch]:
    """Return the trees that hold all these layers and weights, in the order in which they come."""
    roots: dict[int, _Branch] = {}
    for place, site in entries:
        level = roots
        for step in place.ancestry:
            branch = level.setdefault(id(step), _Branch(step))
            level = branch.below
        if site is None:
            branch.chosen = True
        else:
            branch.sites.append(site)
    return list(roots.values())


def _tree(roots: Sequence[_Branch], workspace: Workspace, unfolded: bool) -> Entry:
    top, structures = Entry("", ""), Structures()
    pending = [(root, top) for root in roots]
    for branch, above in pending:
        entry = _branch_entry(branch, workspace, structures, unfolded)
        above.below.append(entry)
        pending += [(below, entry) for below in branch.below.values()]
    if not unfolded:
        fold(top)
    return top


def _branch_entry(branch: _Branch, workspace: Workspace, structures: Structures, unfolded: bool) -> Entry:
    """Return the entry of a branch, above those of its own weights; its cells are class and remark.

    Of a layer that was selected itself, the traits tell of its weights, so that these can wait until it is shown.
    """
    place, layer = branch.place, branch.place.layer
    entry, remark = layer_entry(place, workspace), _remark(branch, workspace)
    entry.cells = (Cell("" if layer.system else visible(layer.class_name or "?")), Cell(remark))
    entry.figures = partial(_figures, branch)
    if remark in ("", NOT_BUILT):
        if branch.chosen:
            entry.weights = partial(_own_weights, branch, unfolded)
        else:
            entry.below = _own_weights(branch, unfolded=True)  # they are folded with all that is there
    if branch.chosen and place.parent is not None:
        entry.traits = structures.of(layer)
    return entry


def _own_weights(branch: _Branch, unfolded: bool) -> list[Entry]:
    """Return the entries of a layer's own weights, of those that were selected where it was not."""
    place, top = branch.place, Entry("", "")
    own = [Site(place, weight) for weight in place.layer.weights] if branch.chosen else branch.sites
    top.below = [weight_entry(site, place.layer, (Cell(_shape_and_dtype(site)),)) for site in own]
    if not unfolded:
        fold(top)
    return top.below


def _figures(branch: _Branch) -> tuple[Cell, ...]:
    """Return the parameters in and below a branch, their bytes, and how much of them is trainable."""
    sites = branch.place.weights_below if branch.chosen else _selected_below(branch)
    if not sites and not branch.chosen:
        return (Cell(""),) * 3
    params, nbytes = total(s.spec.size for s in sites), total(s.spec.nbytes for s in sites)
    return cell("params", params), cell("bytes", nbytes), Cell(_trained(sites, params), "number")


def _trained(sites: Sequence[Site], params: int | None) -> str:
    """Return the share of the parameters that are trainable; empty where there are none, or it is not known."""
    flags = [site.weight.trainable for site in sites]
    if not params or None in flags:
        return ""
    trained = sum(site.spec.size or 0 for site, flag in zip(sites, flags, strict=True) if flag)
    share = 100 * trained / params
    return f"{share:.0f} %" if share in (0, 100) else f"{min(max(share, 0.1), 99.9):.1f} %"


def _selected_below(branch: _Branch) -> list[Site]:
    found, stack = [], [branch]
    while stack:
        current = stack.pop()
        found += current.sites
        stack.extend(current.below.values())
    return found


def _remark(branch: _Branch, workspace: Workspace) -> str:
    """Return what is told of a layer behind its figures; in the place of its weights, but where it is not built."""
    place, layer = branch.place, branch.place.layer
    first = first_place(place) if layer.shared else place
    if first is not place:
        return f"same as {address(first, workspace)}"
    own = layer.weights if branch.chosen else branch.sites
    if layer.system and own:
        return numbered(len(own), "weight")
    return NOT_BUILT if layer.built is False else ""


def _shape_and_dtype(site: Site) -> str:
    shape, dtype = site.spec.shape, site.spec.dtype
    return ("?" if shape is None else str(shape)) + ("" if dtype == USUAL_DTYPE else f" {dtype}")


def cells(entry: Entry) -> tuple[Cell, ...]:
    """Return the cells of a layer's row; those of a run of layers have its length before the figures of each."""
    class_, params, nbytes, _ = told(entry)
    return Cell(entry.spelled, "name"), class_, times(entry), params, nbytes, weights_beside(entry)


def told(entry: Entry) -> tuple[Cell, Cell, Cell, Cell]:
    """Return a layer's class, its parameters, its bytes, and the share that is trainable."""
    assert entry.cells is not None
    params, nbytes, trained = entry.figures()
    return entry.cells[0], params, nbytes, trained


def times(entry: Entry) -> Cell:
    """Return how many layers a run has."""
    return Cell(f"{entry.count:,} ×" if entry.count > 1 else "", "number")


def weights_beside(entry: Entry) -> Cell:
    """Return what is told of a layer, and its own weights."""
    assert entry.cells is not None
    own = (_beside(each) for each in (*entry.weights(), *entry.below) if each.sign == ":")
    beside = tuple(filter(None, [entry.cells[1].text, *own]))
    return Cell("  ".join(beside), "list", beside)


def _beside(entry: Entry) -> str:
    """Return what is told of a weight, or of a run of them, beside its layer."""
    assert entry.cells is not None
    count = f"{entry.count:,} × " if entry.count > 1 else ""
    return f"{entry.spelled}{entry.tail} {count}{entry.cells[0].text}"
