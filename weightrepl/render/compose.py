"""Results as blocks: which cells a row has, what a tree shows, what the totals are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from weightrepl.engine.columns import total
from weightrepl.engine.evaluate import Result
from weightrepl.engine.explain import ExplainedStep, Explanation
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.table import Count, Histogram, Table
from weightrepl.model.tree import Site
from weightrepl.model.workspace import Workspace
from weightrepl.quantities import human_bytes, numbered
from weightrepl.render.blocks import Block, Cell, Chart, Line, ProblemBlock, TableBlock, TreeBlock, TreeRow
from weightrepl.render.cells import cell
from weightrepl.render.folding import (
    FEWEST,
    fold,
    hung,
    rows_below,
)
from weightrepl.render.trees import as_rows, tree_of, tree_of_all
from weightrepl.spans import visible

FOLDED_PER_ROW = 100
"""So many times the rows that are to be shown are looked at for what can be folded."""


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
    if isinstance(result, Selection | LayerSelection):
        yield as_rows(tree_of(result, unfolded=unfolded))
    else:
        yield from as_table(result)


def overview(workspace: Workspace, *, unfolded: bool = False) -> Iterator[Block]:
    """Yield the tree of everything that is open, and the totals of it, the system's layers left out."""
    yield as_rows(tree_of_all(workspace, unfolded=unfolded))
    yield Line(totals_of_all(workspace), "dim")


def totals_of_all(workspace: Workspace) -> str:
    """Return how many layers and weights are open, and how much they hold, the system's left out."""
    layers = sum(len(model.subtree) for model in workspace.places)
    sites = [site for model in workspace.places for site in model.weights_below]
    return _totals(numbered(layers, "layer"), sites)


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


# ------------------------------------------------------------------ explanations


def explained(explanation: Explanation) -> Iterator[Block]:
    """Yield what each part of a query reached, and the pictures of its problems."""
    rows = []
    for selector in explanation.selectors:
        rows.append(TreeRow(0, (Cell(visible(selector.text), "title"), Cell(""), Cell(""))))
        rows += [TreeRow(1, _step_cells(step)) for step in selector.steps]
    yield TreeBlock(tuple(rows))
    for problem in explanation.problems:
        yield ProblemBlock(problem, explanation.text)


def _step_cells(step: ExplainedStep) -> tuple[Cell, ...]:
    near = "" if step.nearest is None else f"nearest: {visible(step.nearest)}"
    noun = step.noun.removesuffix("s") if step.found == 1 else step.noun
    return Cell(visible(step.text), "name"), Cell(f"{step.found:,} {noun}"), Cell(near, "hint")
