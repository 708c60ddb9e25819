"""The commands that ask: of layers, weights, all there is to know of one, histograms, differences; and that save."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from weightrepl.errors import OutputError
from weightrepl.frontends.commands_words import Word, sides_of, word_at
from weightrepl.frontends.session import write_found
from weightrepl.frontends.shell import Given, mistake
from weightrepl.query.tokens import tokenize
from weightrepl.render.blocks import Block, Cell, Heading, Line, ProblemBlock, TreeBlock, TreeRow
from weightrepl.spans import listed, visible

if TYPE_CHECKING:
    from weightrepl.engine.selection import LayerSelection, Selection
    from weightrepl.frontends.shell import Shell
    from weightrepl.query.syntax import Query


def layers(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield the layers that a query selects; without one the tree of all at the location."""
    if given.text.strip():
        yield from shell.answered(given, "layers")
    else:
        yield from shell.answered(Given("**"), "layers", tree=True)


def weights(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield the weights that a query selects; without one all at the location."""
    yield from shell.answered(given if given.text.strip() else Given("**:*"), "weights")


def hist(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield the histograms of what a query selects."""
    query = _query(given, "%hist **:kernel")
    if not any(getattr(stage, "name", "") == "hist" for stage in query.stages):
        given = Given(f"{given.line[: given.start + _end_of(given.text)]} | hist", given.start)
    yield from shell.answered(given, "weights")


def diff(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield how the weights of two sides differ."""
    query = _query(given, "%diff LEFT RIGHT")
    if any(getattr(stage, "name", "") == "diff" for stage in query.stages):
        raise mistake(
            given, "a query with '| diff' is entered as it is", f"type instead: {given.text.strip()}"
        )
    sides = sides_of(given.text)
    if len(sides) != 2:
        hint = "two models, or two layers: %diff old new"
        raise mistake(given, f"%diff takes two sides, LEFT and RIGHT, and this has {len(sides)}", hint)
    left, right = sides
    yield from shell.answered(Given(f"{left.of(given.text)} | diff {given.text[right.start :]}"))


def explain(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield step by step what each part of a query reaches."""
    from weightrepl.render.compose import explained

    _query(given, "%explain **/@Dense:kernel")
    with given.at_fault():
        explanation = shell.session.explain(given.text)
    for block in explained(explanation):
        yield from given.pictures([block.problem]) if isinstance(block, ProblemBlock) else [block]


def _query(given: Given, example: str) -> Query:
    """Return the tree of the query that a command is given."""
    from weightrepl.query.parser import parse

    if not _end_of(given.text):
        raise mistake(given, "expected a query", f"for example {example}")
    return parse(given.text).query


def _end_of(text: str) -> int:
    """Return where a query ends, white space and a comment behind it left out."""
    return max((t.span.end for t in tokenize(text) if t.kind not in ("space", "comment")), default=0)


# ------------------------------------------------------------------ all of one


def info(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield all that is known of one layer or weight."""
    from weightrepl.engine.selection import LayerSelection, Selection

    _query(given, "%info .")
    with given.at_fault():
        found = shell.session.run(given.text)
    if not isinstance(found, Selection | LayerSelection) or len(found) != 1:
        names = found.addresses if isinstance(found, Selection | LayerSelection) else ()
        hint = f"one of {listed(names)}" if names else None
        raise mistake(given, f"%info tells of one layer or weight, and this selects {len(names):,}", hint)
    yield Heading(visible(found.addresses[0]))
    yield from _weight(found) if isinstance(found, Selection) else _layer(found, shell)
    yield from given.pictures(found.notes)


def _weight(found: Selection) -> Iterator[Block]:
    from weightrepl.engine.columns import WEIGHT_COLUMNS
    from weightrepl.engine.figures import FIGURES

    (weight,) = found
    also = [("also", address) for address in weight.aliases]
    yield _facts(found, (*WEIGHT_COLUMNS, *FIGURES), also)


def _layer(found: LayerSelection, shell: Shell) -> Iterator[Block]:
    from weightrepl.engine.columns import LAYER_COLUMNS
    from weightrepl.engine.selection import Selection
    from weightrepl.model.tree import Site
    from weightrepl.render.compose import as_table

    (layer,), (place,) = found, found.rows
    facts = [("attribute", f".{name}") for name in layer.attributes or ()]
    facts += [("also", address) for address in layer.aliases]
    if place.layer.build_line is not None:
        facts.append(("built by", place.layer.build_line))
    yield _facts(found, LAYER_COLUMNS, facts)
    own = Selection.of(tuple(Site(place, weight) for weight in place.layer.weights), found.workspace)
    for rows in (own, layer.layers):
        if rows:
            yield Line("")
            yield from as_table(rows, shell.settings["rows"])


def _facts(
    found: Selection | LayerSelection, columns: tuple[str, ...], more: list[tuple[str, str]]
) -> TreeBlock:
    """Return the values of a single row, one below the other; what is empty is left out."""
    from weightrepl.render.cells import cell

    names = tuple(name for name in columns if name != "address")
    (row,) = found.table(names).rows
    cells = [(name, cell(name, value)) for name, value in zip(names, row, strict=True) if value != ""]
    cells += [(name, Cell(visible(text), "name")) for name, text in more]
    return TreeBlock(tuple(TreeRow(0, (Cell(name, "dim"), value)) for name, value in cells))


# ------------------------------------------------------------------ files


def save(shell: Shell, given: Given) -> Iterator[Block]:
    """Write what a query selects to a file, and yield what was written."""
    from weightrepl.engine.selection import Selection
    from weightrepl.engine.table import Table
    from weightrepl.writers import check

    force, labels, out, query = _saving(given)
    path = os.path.expanduser(out.text)
    check(path, force, labels is not None)
    with query.at_fault():
        result = shell.session.run(query.text, "weights")
    yield from query.pictures(result.notes)
    if not isinstance(result, Selection | Table):
        raise OutputError("%save writes weights or a table, and this query gives a number")
    yield from query.pictures(write_found(result, path, force, labels))
    yield _written(path, result)


def _saving(given: Given) -> tuple[bool, str | None, Word, Given]:
    """Return whether to overwrite, the labels' file, where to write, and the query."""
    force, labels = False, None
    word = word_at(given)
    while word.text in ("--force", "--labels"):
        force |= word.text == "--force"
        if word.text == "--labels":
            word = word_at(word.rest)
            labels = os.path.expanduser(word.text)
        word = word_at(word.rest)
    if not word.text:
        raise mistake(given, "expected the file to write to", "%save kernels.npz **:kernel")
    if not word.rest.text.strip():
        raise mistake(given, "expected a query after the file", "$_ is the last result: %save kernels.npz $_")
    return force, labels, word, word.rest


def _written(path: str, result: object) -> Line:
    from weightrepl.engine.selection import Selection
    from weightrepl.engine.table import Table
    from weightrepl.render.compose import totals

    assert isinstance(result, Selection | Table)
    (total,) = totals(result)
    assert isinstance(total, Line)
    return Line(f"wrote {total.text} to {visible(path)}")
