"""What a notebook shows of a result: so many rows, and so much of their values as there is time for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias, TypeVar

from weightrepl.engine.evaluate import Result
from weightrepl.engine.relation import DEFAULT_COLUMNS
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.shown_figures import Figured, figures_within
from weightrepl.engine.table import Count, Table
from weightrepl.engine.view import View
from weightrepl.errors import Problem, SourceError
from weightrepl.model.tree import Model
from weightrepl.model.workspace import Workspace
from weightrepl.quantities import numbered
from weightrepl.render.blocks import Cell, Heading, Line, Part, ProblemBlock, TableBlock
from weightrepl.render.cells import cell
from weightrepl.render.charts import number
from weightrepl.render.compose import as_table, totals, totals_of_all
from weightrepl.render.folding import Entry
from weightrepl.render.formats import Answer, heading
from weightrepl.render.one_weight import not_computed, one_weight, reads_values
from weightrepl.render.outline import outline
from weightrepl.render.trees import tree_of, tree_of_all
from weightrepl.spans import visible

Shown: TypeAlias = "Result | Model | tuple[Answer, ...]"

T = TypeVar("T")

_FIGURES = ("mean", "std", "min", "max")


def sheet(shown: Shown, view: View) -> Iterator[Part]:
    """Yield what is shown of a result, of an open model, or of the answers to several queries."""
    match shown:
        case Model():
            yield Heading(visible(shown.names[0]))
            yield Line(" · ".join(filter(None, [shown.format, visible(shown.source)])), "dim")
            yield from told(Answer("", None), _of_model(shown, view))
        case tuple():
            for answer in shown:
                yield heading(answer.query)
                yield from _answer(answer, view)
        case _:
            yield from _answer(Answer("", shown, tuple(shown.notes)), view)


def _answer(answer: Answer, view: View) -> Iterator[Part]:
    yield from told(answer, () if answer.result is None else _result(answer.result, view))


def told(answer: Answer, parts: Iterable[T]) -> Iterator[T | ProblemBlock]:
    """Yield parts of an answer as far as what they show can be read, then what there is to tell of it."""
    problems = list(answer.problems)
    try:
        yield from parts
        if isinstance(answer.result, LayerSelection) and all(p.code != "not-built" for p in problems):
            problems += _not_built(answer.result)
    except SourceError as error:
        problems.append(Problem("unreadable", str(error)))
    for problem in dict.fromkeys(problems):
        yield ProblemBlock(problem, answer.query)


def _result(result: Result, view: View) -> Iterator[Part]:
    match result:
        case LayerSelection() if result and not result.chosen and _in_tree_order(result):
            yield from _tree(tree_of(result), view.most, _totals(result))
        case Selection() if len(result) == 1 and not result.chosen:
            yield from one_weight(result, view.seconds)
        case Selection() if result.columns == DEFAULT_COLUMNS["weights"] and result:
            yield from _weights(result, view)
        case _:
            yield from _table(result, view.most)


def _in_tree_order(layers: LayerSelection) -> bool:
    """Return whether layers come as they hang, and not as a query sorted them."""
    models = {id(model): i for i, model in enumerate(layers.workspace.models)}
    order = [(models.get(id(place.model), 0), place.position) for place in layers.rows]
    return order == sorted(order)


def _totals(result: Result) -> str:
    return " ".join(line.text for line in totals(result) if isinstance(line, Line))


# ------------------------------------------------------------------ tables


def _table(result: Result, most: int) -> Iterator[Part]:
    reads = isinstance(result, Selection) and reads_values(result)
    if isinstance(result, Count) or not result:
        yield Line(_totals(result) or f"{result}")
        return
    for block in as_table(result, most, unfolded=reads):
        if isinstance(block, TableBlock):
            yield block.replace(caption=_totals(result))
        elif isinstance(block, Line):
            yield Line(f"{block.text}; {_how_to_see(len(result))}", "dim")
        else:
            yield block


def _how_to_see(count: int, amount: str = "all") -> str:
    """Return how one sees so many rows."""
    return f"to see {amount}: --limit {count}, or in Python .seen(weightrepl.View(most={count}))"


def _weights(result: Selection, view: View) -> Iterator[Part]:
    """Yield a table of weights with their figures, those for which there is time."""
    figured = figures_within(result.rows[: view.most], view.seconds) if view.seconds > 0 else []
    if not any(each is not None and each.figures for each in figured):
        yield from _table(result, view.most)
    else:
        yield _figured(result[: len(figured)], figured).replace(caption=_totals(result))
        if hidden := len(result) - len(figured):
            yield Line(f"… and {hidden:,} more; {_how_to_see(len(result))}", "dim")
    count = min(view.most, len(result))
    if late := count - sum(each is not None for each in figured):
        yield Line(not_computed(late, count, view.seconds), "dim")
    for reason in dict.fromkeys(each.reason for each in figured if each is not None and each.reason):
        yield ProblemBlock(Problem("unreadable", reason, severity="warning"))


def _figured(result: Selection, figured: Sequence[Figured | None]) -> TableBlock:
    columns = (*result.columns, "values", *_FIGURES, "flags")
    rows = [
        (*map(cell, result.columns, row), *_figures(figures))
        for row, figures in zip(result.table().rows, figured, strict=True)
    ]
    if not any(row[-1].text for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    return TableBlock(columns, tuple(rows))


def _figures(shown: Figured | None) -> Iterator[Cell]:
    known = {} if shown is None else shown.figures
    drawn = None if shown is None else shown.histogram
    yield Cell("", "bars", histogram=drawn)
    for name in _FIGURES:
        value = known.get(name)
        yield Cell(number(value, 3) if isinstance(value, int | float) else "", "number")
    yield Cell(str(known.get("flags") or ""), "flag")


# ------------------------------------------------------------------ trees


def _of_model(model: Model, view: View) -> Iterator[Part]:
    workspace = Workspace((model,))
    yield from _tree(tree_of_all(workspace), view.most, totals_of_all(workspace))
    for problem in _not_built(layers_of(model)):
        yield ProblemBlock(problem)


def layers_of(model: Model) -> LayerSelection:
    """Return all layers of an open model, the system's left out."""
    return LayerSelection.of(model.place.subtree, Workspace((model,)))


def _tree(top: Entry, most: int, caption: str) -> Iterator[Part]:
    block = outline(top, most)
    yield block.replace(caption=caption)
    if len(block.rows) > most:
        yield Line(f"not all layers are shown; {_how_to_see(10 * most, 'more')}", "dim")


def _not_built(layers: LayerSelection) -> Iterator[Problem]:
    """Yield how to build what was never built."""
    unbuilt = [place for place in layers.rows if place.layer.built is False and not place.layer.weights]
    lines = [step.layer.build_line for place in unbuilt for step in place.ancestry if step.layer.build_line]
    if lines:
        message = f"without weights, since not built yet: {numbered(len(unbuilt), 'layer')}"
        yield Problem("not-built", message, severity="note", hint=f"build it first: {lines[0]}")


def bounded(answer: Answer, most: int) -> Answer:
    """Return an answer with the first so many rows of its result, and a note where there are more."""
    result = answer.result
    if result is None or isinstance(result, Count) or len(result) <= most:
        return answer
    first: Result = result.replace(rows=result.rows[:most]) if isinstance(result, Table) else result[:most]
    message = f"the first {most:,} of {numbered(len(result), 'row')}; {_how_to_see(len(result))}"
    return Answer(answer.query, first, (*answer.problems, Problem("not-all-shown", message, severity="note")))
