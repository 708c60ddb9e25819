"""Results as blocks: which cells a row has, what a tree shows, what the totals are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from weightrepl.engine.addresses import address, first_place
from weightrepl.engine.columns import total
from weightrepl.engine.evaluate import Result
from weightrepl.engine.explain import ExplainedStep, Explanation
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.table import Count, Histogram, Table, Value
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.quantities import human_bytes, numbered
from weightrepl.render.blocks import Block, Cell, Chart, Line, Picture, TableBlock, TreeBlock, TreeRow
from weightrepl.render.charts import spark
from weightrepl.render.folding import (
    FEWEST,
    Entry,
    Structures,
    fold,
    hung,
    layer_entry,
    rows_below,
    weight_entry,
)
from weightrepl.spans import visible

USUAL_DTYPE = "float32"
"""Goes without saying beside a weight's shape in a tree."""

FOLDED_PER_ROW = 100
"""So many times the rows that are to be shown are looked at for what can be folded."""


# ------------------------------------------------------------------ cells


def cell(column: str, value: Value) -> Cell:
    """Return the cell for a value of a column."""
    match value:
        case None:
            return Cell("?", "unknown")
        case bool():
            return Cell("yes" if value else "no")
        case int():
            return Cell(human_bytes(value) if column == "bytes" else f"{value:,}", "number")
        case float():
            return Cell(f"{value:.6g}", "number")
        case tuple():
            return Cell(str(value), "shape")
        case Histogram():
            return spark(value)
        case str():
            return Cell(visible(value), "name" if column == "address" else "word")


# ------------------------------------------------------------------ results


def as_table(result: Result, most: int | None = None, *, unfolded: bool = False) -> Iterator[Block]:
    """Yield the blocks of a result as a table of at most so many rows; a result without rows has none.

    Runs of weights or layers that read alike are one row, unless `unfolded`; a column `×` tells of how many.
    """
    if isinstance(result, Count):
        yield Line(f"{result.value:,}")
        return
    if isinstance(result, Selection) and len(result) == 1 and "hist" in result.columns:
        yield from _charted(result)
        return
    if isinstance(result, Table) or unfolded or len(result) < FEWEST or "address" not in result.columns:
        columns, rows, counts = _listed(result, most)
    else:
        columns, rows, counts = _folded(result, most)
    if rows:
        yield TableBlock(columns, tuple(rows[:most]))
    if hidden := len(result) - sum(counts[:most]):
        yield Line(f"… and {hidden:,} more")


def as_tree(result: Result, *, unfolded: bool = False) -> Iterator[Block]:
    """Yield the blocks of a result as a tree of layers; what has no layers is a table still.

    Figures are of what was selected: of weights those in and below a layer, of layers all that they hold. Those of
    a run of alike layers, which is one row unless `unfolded`, are of each.
    """
    if isinstance(result, Selection):
        roots = _grown((site.place, site) for site in result.rows)
        yield _tree(roots, result.workspace, unfolded)
    elif isinstance(result, LayerSelection):
        roots = _grown((place, None) for place in result.rows)
        yield _tree(roots, result.workspace, unfolded)
    else:
        yield from as_table(result)


def overview(workspace: Workspace, *, unfolded: bool = False) -> Iterator[Block]:
    """Yield the tree of everything that is open, and the totals of it, the system's layers left out."""
    roots = _grown((place, None) for model in workspace.places for place in _everything(model))
    yield _tree(roots, workspace, unfolded)
    layers = sum(len(model.subtree) for model in workspace.places)
    sites = [site for model in workspace.places for site in model.weights_below]
    yield Line(_totals(numbered(layers, "layer"), sites), "dim")


def totals(result: Result) -> Iterator[Block]:
    """Yield the line below a table or tree: how many there are, and how much they hold, each weight once."""
    if isinstance(result, Selection):
        yield Line(_totals("", list(result.rows)), "dim")
    elif isinstance(result, LayerSelection):
        sites = {id(site.weight): site for place in result.rows for site in place.weights_below}
        yield Line(_totals(numbered(len(result), "layer"), list(sites.values())), "dim")
    elif isinstance(result, Table):
        yield Line(numbered(len(result), "row"), "dim")


def _totals(layers: str, sites: Sequence[Site]) -> str:
    params, nbytes = total(s.spec.size for s in sites), total(s.spec.nbytes for s in sites)
    figures = [
        layers,
        numbered(len(sites), "weight"),
        "? params" if params is None else numbered(params, "param"),
        "? bytes" if nbytes is None else human_bytes(nbytes),
    ]
    return " · ".join(filter(None, figures))


# ------------------------------------------------------------------ tables

_Rows: TypeAlias = "tuple[tuple[str, ...], list[tuple[Cell, ...]], list[int]]"
"""The columns of a table, its rows, and how many things each row stands for."""


def _listed(result: Selection | LayerSelection | Table, most: int | None) -> _Rows:
    """Return a row for each thing, of the first so many."""
    table = result if isinstance(result, Table) else result[:most].table()
    rows = [tuple(map(cell, table.columns, row)) for row in table.rows[:most]]
    return table.columns, rows, [1] * len(rows)


def _folded(result: Selection | LayerSelection, most: int | None) -> _Rows:
    """Return a row for each run of things that read alike, among the first so many times FOLDED_PER_ROW."""
    looked_at = result[: None if most is None else most * FOLDED_PER_ROW]
    columns, listed, counts = _listed(looked_at, None)
    at = columns.index("address")
    beside = [row[:at] + row[at + 1 :] for row in listed]
    root = hung(looked_at.rows, beside, result.workspace)
    fold(root)
    folded = list(rows_below(root))
    if len(folded) == len(listed):
        return columns, listed, counts
    rows = [
        (*cells[:at], Cell(visible(way), "name"), _times(count), *cells[at:]) for way, count, cells in folded
    ]
    return (*columns[: at + 1], "×", *columns[at + 1 :]), rows, [count for _, count, _ in folded]


def _charted(result: Selection) -> Iterator[Block]:
    """Yield the row of the only weight, and its histogram as large as there is room for."""
    ((histogram,),) = result.table(["hist"]).rows
    columns = tuple(c for c in result.columns if c != "hist" or histogram is None)
    (row,) = result.table(columns).rows
    yield TableBlock(columns, (tuple(map(cell, columns, row)),))
    if isinstance(histogram, Histogram):
        yield Chart(histogram)


def _times(count: int) -> Cell:
    return Cell(f"{count:,}" if count > 1 else "", "number")


# ------------------------------------------------------------------ trees


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


def _tree(roots: Sequence[_Branch], workspace: Workspace, unfolded: bool) -> TreeBlock:
    top, structures = Entry("", ""), Structures()
    pending = [(root, top) for root in roots]
    for branch, above in pending:
        entry = _branch_entry(branch, workspace, structures)
        above.below.append(entry)
        pending += [(below, entry) for below in branch.below.values()]
    if not unfolded:
        fold(top)
    rows = []
    stack = [(entry, 0) for entry in reversed(top.below)]
    while stack:
        entry, depth = stack.pop()
        rows.append(TreeRow(depth, _tree_cells(entry)))
        stack += [(below, depth + 1) for below in reversed(entry.below) if below.sign != ":"]
    return TreeBlock(tuple(rows))


def _branch_entry(branch: _Branch, workspace: Workspace, structures: Structures) -> Entry:
    """Return the entry of a branch, above those of its own weights; its cells are class, figures and remark."""
    place, layer = branch.place, branch.place.layer
    remark, own = _told(branch, workspace)
    counted = place.weights_below if branch.chosen else _selected_below(branch)
    figures = (Cell(""), Cell(""))
    if counted or branch.chosen:
        params, nbytes = total(s.spec.size for s in counted), total(s.spec.nbytes for s in counted)
        figures = (cell("params", params), cell("bytes", nbytes))
    entry = layer_entry(place, workspace)
    entry.below = [weight_entry(site, layer, (Cell(_shape_and_dtype(site)),)) for site in own]
    entry.cells = (Cell("" if layer.system else visible(layer.class_name or "?")), *figures, Cell(remark))
    if branch.chosen and place.parent is not None:
        entry.traits = structures.of(layer)
    return entry


def _selected_below(branch: _Branch) -> list[Site]:
    found, stack = [], [branch]
    while stack:
        current = stack.pop()
        found += current.sites
        stack.extend(current.below.values())
    return found


def _told(branch: _Branch, workspace: Workspace) -> tuple[str, Sequence[Site]]:
    """Return what is told of a layer behind its figures: a remark, and its own weights."""
    place, layer = branch.place, branch.place.layer
    first = first_place(place) if layer.shared else place
    if first is not place:
        return f"same as {address(first, workspace)}", ()
    own = [Site(place, weight) for weight in layer.weights] if branch.chosen else branch.sites
    if layer.system and own:
        return numbered(len(own), "weight"), ()
    return "not built" if layer.built is False else "", own


def _shape_and_dtype(site: Site) -> str:
    shape, dtype = site.spec.shape, site.spec.dtype
    return ("?" if shape is None else str(shape)) + ("" if dtype == USUAL_DTYPE else f" {dtype}")


def _tree_cells(entry: Entry) -> tuple[Cell, ...]:
    """Return the cells of a layer's row; those of a run of layers have its length before the figures of each."""
    assert entry.cells is not None
    class_, params, nbytes, remark = entry.cells
    beside = tuple(filter(None, [remark.text, *(_beside(e) for e in entry.below if e.sign == ":")]))
    times = Cell(f"{entry.count:,} ×" if entry.count > 1 else "", "number")
    return Cell(entry.spelled, "name"), class_, times, params, nbytes, Cell("  ".join(beside), "list", beside)


def _beside(entry: Entry) -> str:
    """Return what is told of a weight, or of a run of them, beside its layer."""
    assert entry.cells is not None
    times = f"{entry.count:,} × " if entry.count > 1 else ""
    return f"{entry.spelled}{entry.tail} {times}{entry.cells[0].text}"


# ------------------------------------------------------------------ explanations


def explained(explanation: Explanation) -> Iterator[Block]:
    """Yield what each part of a query reached, and the pictures of its problems."""
    rows = []
    for selector in explanation.selectors:
        rows.append(TreeRow(0, (Cell(visible(selector.text), "title"), Cell(""), Cell(""))))
        rows += [TreeRow(1, _step_cells(step)) for step in selector.steps]
    yield TreeBlock(tuple(rows))
    for problem in explanation.problems:
        yield Picture(problem, explanation.text)


def _step_cells(step: ExplainedStep) -> tuple[Cell, ...]:
    near = "" if step.nearest is None else f"nearest: {visible(step.nearest)}"
    noun = step.noun.removesuffix("s") if step.found == 1 else step.noun
    return Cell(visible(step.text), "name"), Cell(f"{step.found:,} {noun}"), Cell(near, "hint")
