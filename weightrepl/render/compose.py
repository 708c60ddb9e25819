"""Results as blocks: which cells a row has, what a tree shows, what the totals are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from weightrepl.engine.addresses import address, first_place, relative, weight_name
from weightrepl.engine.columns import total
from weightrepl.engine.evaluate import Result
from weightrepl.engine.explain import ExplainedStep, Explanation
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.table import Count, Histogram, Table, Value
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.render.blocks import Block, Cell, Line, Picture, TableBlock, TreeBlock, TreeRow
from weightrepl.spans import visible

USUAL_DTYPE = "float32"
"""Goes without saying beside a weight's shape in a tree."""


# ------------------------------------------------------------------ cells


def human_bytes(nbytes: int) -> str:
    """Return a number of bytes as a person reads it, in powers of 1000.

    >>> human_bytes(528), human_bytes(4128), human_bytes(999_950)
    ('528 B', '4.1 kB', '1.0 MB')
    """
    if nbytes < 1000:
        return f"{nbytes} B"
    amount, units = nbytes / 1000, iter(("kB", "MB", "GB", "TB", "PB"))
    unit = next(units)
    while amount >= 999.95 and unit != "PB":
        amount, unit = amount / 1000, next(units)
    return f"{amount:,.1f} {unit}"


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
            return Cell(" ".join(map(str, value.counts)))
        case str():
            return Cell(visible(value), "name" if column == "address" else "word")


# ------------------------------------------------------------------ results


def as_table(result: Result, most: int | None = None) -> Iterator[Block]:
    """Yield the blocks of a result as a table of at most so many rows; a result without rows has none."""
    if isinstance(result, Count):
        yield Line(f"{result.value:,}")
        return
    table = result if isinstance(result, Table) else result[:most].table()
    if table.rows:
        rows = tuple(tuple(map(cell, table.columns, row)) for row in table.rows[:most])
        yield TableBlock(table.columns, rows)


def as_tree(result: Result) -> Iterator[Block]:
    """Yield the blocks of a result as a tree of layers; what has no layers is a table still.

    Figures are of what was selected: of weights those in and below a layer, of layers all that they hold.
    """
    if isinstance(result, Selection):
        roots = _grown((site.place, site) for site in result.rows)
        yield _tree(roots, result.workspace)
    elif isinstance(result, LayerSelection):
        roots = _grown((place, None) for place in result.rows)
        yield _tree(roots, result.workspace)
    else:
        yield from as_table(result)


def overview(workspace: Workspace) -> Iterator[Block]:
    """Yield the tree of everything that is open, and the totals of it, the system's layers left out."""
    roots = _grown((place, None) for model in workspace.places for place in _everything(model))
    yield _tree(roots, workspace)
    layers = sum(len(model.subtree) for model in workspace.places)
    sites = [site for model in workspace.places for site in model.weights_below]
    yield Line(_totals(_number(layers, "layer"), sites), "dim")


def totals(result: Result) -> Iterator[Block]:
    """Yield the line below a table or tree: how many there are, and how much they hold, each weight once."""
    if isinstance(result, Selection):
        yield Line(_totals("", list(result.rows)), "dim")
    elif isinstance(result, LayerSelection):
        sites = {id(site.weight): site for place in result.rows for site in place.weights_below}
        yield Line(_totals(_number(len(result), "layer"), list(sites.values())), "dim")
    elif isinstance(result, Table):
        yield Line(_number(len(result), "row"), "dim")


def _totals(layers: str, sites: Sequence[Site]) -> str:
    params, nbytes = total(s.spec.size for s in sites), total(s.spec.nbytes for s in sites)
    figures = [
        layers,
        _number(len(sites), "weight"),
        "? params" if params is None else _number(params, "param"),
        "? bytes" if nbytes is None else human_bytes(nbytes),
    ]
    return " · ".join(filter(None, figures))


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


# ------------------------------------------------------------------ trees


@dataclass(slots=True)
class _Branch:
    """A layer in a tree that is shown.

    sites: its own weights that were selected. chosen: whether the layer itself was.
    """

    place: Place
    sites: list[Site] = field(default_factory=list)
    chosen: bool = False
    below: dict[int, _Branch] = field(default_factory=dict)


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


def _tree(roots: Sequence[_Branch], workspace: Workspace) -> TreeBlock:
    rows = []
    stack = [(root, 0) for root in reversed(roots)]
    while stack:
        branch, depth = stack.pop()
        rows.append(TreeRow(depth, _branch_cells(branch, workspace)))
        stack.extend((child, depth + 1) for child in reversed(branch.below.values()))
    return TreeBlock(tuple(rows))


def _branch_cells(branch: _Branch, workspace: Workspace) -> tuple[Cell, ...]:
    place = branch.place
    counted = place.weights_below if branch.chosen else _selected_below(branch)
    figures = (Cell(""), Cell(""))
    if counted or branch.chosen:
        params, nbytes = total(s.spec.size for s in counted), total(s.spec.nbytes for s in counted)
        figures = (cell("params", params), cell("bytes", nbytes))
    beside = tuple(_beside(branch, workspace))
    return (
        Cell(relative(place, place.parent, workspace), "name"),
        Cell("" if place.layer.system else visible(place.layer.class_name or "?")),
        *figures,
        Cell("  ".join(beside), "list", beside),
    )


def _selected_below(branch: _Branch) -> list[Site]:
    found, stack = [], [branch]
    while stack:
        current = stack.pop()
        found += current.sites
        stack.extend(current.below.values())
    return found


def _beside(branch: _Branch, workspace: Workspace) -> Iterator[str]:
    """Yield what is told of a layer behind its figures: its own weights, or why there are none."""
    place, layer = branch.place, branch.place.layer
    first = first_place(place) if layer.shared else place
    if first is not place:
        yield f"same as {address(first, workspace)}"
        return
    if layer.built is False:
        yield "not built"
    own = [Site(place, weight) for weight in layer.weights] if branch.chosen else branch.sites
    if layer.system and own:
        yield _number(len(own), "weight")
        return
    for site in own:
        dtype = site.spec.dtype
        name = weight_name(layer, site.weight) + site.slice_text
        yield f"{name} {shape_text(site.spec.shape)}" + ("" if dtype == USUAL_DTYPE else f" {dtype}")


def shape_text(shape: tuple[int, ...] | None) -> str:
    """Return a shape as Python writes it, or `?`."""
    return "?" if shape is None else str(shape)


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
