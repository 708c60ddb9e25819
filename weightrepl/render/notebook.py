"""Results as notebooks show them: one bundle of plain text, HTML, and JSON for tools."""

from __future__ import annotations

import json as plain_json
import sys
from typing import TYPE_CHECKING, Any

from weightrepl.engine.view import USUAL, View
from weightrepl.errors import Problem, SourceError
from weightrepl.model.tree import Model
from weightrepl.render import json
from weightrepl.render.blocks import Picture
from weightrepl.render.formats import Answer, Style, rendered
from weightrepl.render.html import html as as_html
from weightrepl.render.sheets import Shown, bounded, readable, sheet
from weightrepl.render.text import Screen, lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIME = "application/vnd.weightrepl+json"
"""Of its own, since JupyterLab would show `application/json` in the place of HTML."""


def bundle(shown: Shown, html: bool = True) -> dict[str, Any]:
    """Return what there is to show by its MIME type; without `html` the plain text alone, for a terminal.

    What can't be read is told of in the place where it would stand.
    """
    view = _view(shown)
    given: dict[str, Any] = {"text/plain": "\n".join(_plain(shown, view))}
    if view.format or not html or _in_a_terminal():
        return given
    given["text/html"] = as_html(sheet(shown, view))
    if not isinstance(shown, Model):
        given[MIME] = _document(shown, view)
    return given


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
    if isinstance(shown, tuple):
        return shown
    assert not isinstance(shown, Model)
    return (Answer("", shown, tuple(shown.notes)),)


# ------------------------------------------------------------------ plain text


def _plain(shown: Shown, view: View) -> Iterator[str]:
    if isinstance(shown, Model):
        yield repr(shown)
        return
    if view.format:
        yield from _formatted(_answers(shown), Style(view.format, titled=isinstance(shown, tuple)))
        return
    for answer in _answers(shown):
        result, problems = readable(answer)
        if isinstance(shown, tuple):
            yield answer.query
        if result is not None:
            yield repr(result)
        yield from lines((Picture(problem, answer.query) for problem in problems), Screen())


def _formatted(answers: Iterable[Answer], style: Style) -> Iterator[str]:
    try:
        yield from rendered(answers, style)
    except SourceError as error:
        yield from lines([Picture(Problem("unreadable", str(error)))], Screen())


# ------------------------------------------------------------------ for tools


def _document(shown: Shown, view: View) -> Any:
    """Return what `--format json` writes of the rows that are shown."""
    answers = []
    for answer in _answers(shown):
        result, problems = readable(answer)
        answers.append((answer.query, None if result is None else bounded(result, view.most), problems))
    return plain_json.loads("".join(json.document(answers)))
