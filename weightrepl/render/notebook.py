"""Results as notebooks show them: one bundle of plain text, HTML, and JSON for tools."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from weightrepl.engine.evaluate import Result
from weightrepl.engine.selection import LayerSelection
from weightrepl.engine.view import USUAL, View
from weightrepl.errors import OutputError, Problem, SourceError
from weightrepl.model.tree import Model
from weightrepl.render.blocks import Block, ProblemBlock
from weightrepl.render.compose import as_table, totals
from weightrepl.render.formats import Answer, Style, heading, rendered
from weightrepl.render.html import html as as_html
from weightrepl.render.outline import short_tree
from weightrepl.render.plain import SHOWN_ROWS
from weightrepl.render.sheets import Shown, bounded, layers_of, sheet, told
from weightrepl.render.text import Screen, lines, screen_of
from weightrepl.render.trees import tree_of

MIME = "application/vnd.weightrepl+json"
"""Of its own, since JupyterLab would show `application/json` in the place of HTML."""


def bundle(shown: Shown, html: bool = True) -> dict[str, Any]:
    """Return what there is to show by its MIME type; without `html` the plain text alone, for a terminal.

    What can't be read is told of in the place where it would stand.
    """
    view = _view(shown)
    if not html or _in_a_terminal():
        return {"text/plain": _plain(shown, view, screen_of(sys.stdout, "never"))}
    if view.format:
        return {"text/plain": _plain(shown, view, Screen())}
    beside = view.replace(most=min(view.most, SHOWN_ROWS))  # of the text that nobody sees beside HTML
    return {
        "text/plain": _plain(shown, beside, Screen()),
        "text/html": as_html(sheet(shown, view)),
        MIME: _document(shown, view),
    }


def _view(shown: Shown) -> View:
    match shown:
        case Model():
            return USUAL
        case tuple():
            return next((answer.result.view for answer in shown if answer.result is not None), USUAL)
    return shown.view


def _in_a_terminal() -> bool:
    """Return whether the shell that runs shows plain text alone."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and "text/html" not in shell.display_formatter.active_types


def _answers(shown: Shown) -> tuple[Answer, ...]:
    """Return what is shown as answers.

    Raises:
        SourceError: a model can't be looked into.
    """
    if isinstance(shown, tuple):
        return shown
    result = layers_of(shown) if isinstance(shown, Model) else shown
    return (Answer("", result, tuple(result.notes)),)


# ------------------------------------------------------------------ plain text


def _plain(shown: Shown, view: View, screen: Screen) -> str:
    return "\n".join(_plain_lines(shown, view, screen))


def _plain_lines(shown: Shown, view: View, screen: Screen) -> Iterator[str]:
    titled = isinstance(shown, tuple)
    if isinstance(shown, Model):
        yield repr(shown)
    elif view.format:
        answers = [bounded(answer, view.most) for answer in _answers(shown)]
        yield from _formatted(answers, Style(view.format, screen, titled))
    else:
        for answer in _answers(shown):
            if titled:
                yield from lines([heading(answer.query)], screen)
            yield from lines(told(answer, _blocks(answer.result, view)), screen)


def _blocks(result: Result | None, view: View) -> Iterator[Block]:
    if result is None:
        return
    if isinstance(result, LayerSelection) and view.tree:
        yield short_tree(tree_of(result), view.most)
    else:
        yield from as_table(result, view.most)
    yield from totals(result)


def _formatted(answers: Sequence[Answer], style: Style) -> Iterator[str]:
    """Yield answers in a format of the command line; JSON tells of problems itself."""
    try:
        yield from rendered(answers, style)
    except (SourceError, OutputError) as error:
        yield from lines([ProblemBlock(Problem("unreadable", str(error)))], style.screen)
    if style.format != "json":
        for answer in answers:
            yield from lines(
                (ProblemBlock(problem, answer.query) for problem in answer.problems), style.screen
            )


# ------------------------------------------------------------------ for tools


def _document(shown: Shown, view: View) -> Any:
    """Return what `--format json` writes of the rows that are shown, or of what keeps them from being shown."""
    try:
        return _as_json([bounded(answer, view.most) for answer in _answers(shown)])
    except SourceError as error:
        return _as_json([Answer("", None, (Problem("unreadable", str(error)),))])


def _as_json(answers: Sequence[Answer]) -> Any:
    return json.loads("".join(rendered(answers, Style("json"))))
