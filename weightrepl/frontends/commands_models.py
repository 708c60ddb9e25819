"""The commands about models and places: opened, closed, watched, gone to; and lines that others answer."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from weightrepl.errors import WeightreplError
from weightrepl.frontends.commands_words import seconds_in, word_at, words_of
from weightrepl.frontends.model_files import fingerprint
from weightrepl.frontends.session import limits_with, read_query_file, read_text, split_name
from weightrepl.frontends.shell import Given, mistake
from weightrepl.readers.folders import is_there
from weightrepl.render.blocks import Block, Cell, Heading, Line, TableBlock
from weightrepl.spans import listed, nearest, visible

if TYPE_CHECKING:
    from weightrepl.frontends.session import Question
    from weightrepl.frontends.shell import Shell
    from weightrepl.model.tree import Model, Place
    from weightrepl.readers.guards import Limits

LOOK_S = 0.5
"""So often `%watch` looks at the files."""

pause: Callable[[float], None] = time.sleep
"""Waits so many seconds."""


# ------------------------------------------------------------------ models


def open_(shell: Shell, given: Given) -> Iterator[Block]:
    """Open a model, or read one anew that is open already; yield what it is."""
    given, limits = _allowed(given)
    words = words_of(given)
    whole = os.path.expanduser(given.text.strip())
    if not words:
        raise mistake(given, "expected a file", "%open model.keras")
    if is_there(whole):
        name, path = None, whole
    elif len(words) == 3 and words[1].text == "as":
        name, path = words[2].text, words[0].text
    elif len(words) == 1:
        name, path = split_name(words[0].text)
    else:
        raise mistake(
            given, "expected one file", 'a path with blanks is put in quotes: %open "my model.keras"'
        )
    path = os.path.expanduser(path)
    old = next((m for m in shell.session.workspace.models if _is_of(m, path)), None)
    if old is None or (name is not None and name not in old.names):
        yield Line(_opened(shell, path, name, limits))
    else:
        yield from reopened(shell, old, limits)


def _allowed(given: Given) -> tuple[Given, Limits | None]:
    """Return what stands behind the options `--allow LIMIT=N`, and the limits that they set; None without any."""
    settings = []
    while (word := word_at(given)).text == "--allow":
        setting = word_at(word.rest)
        settings.append(setting.text)
        given = setting.rest
    try:
        return given, limits_with(settings) if settings else None
    except ValueError as error:
        raise mistake(given, str(error), "%open --allow json_nbytes=1G model.keras") from None


def _is_of(model: Model, path: str) -> bool:
    return bool(model.source) and os.path.realpath(model.source) == os.path.realpath(path)


def _opened(shell: Shell, path: str, name: str | None, limits: Limits | None = None) -> str:
    """Open one more model; return what it is. Paths start where they did."""
    location = shell.location
    model = shell.session.open(path, name, limits)
    shell.session.location = location
    return f"opened {visible(model.names[0])}: {model.format}, {visible(model.source)}"


def reopened(shell: Shell, model: Model, limits: Limits | None = None) -> Iterator[Block]:
    """Read the file of an open model anew, stay at the location if it is still there; yield what was done."""
    session = shell.session
    way = session.location.ancestry if session.location else ()
    stood_there = session.location is not None and session.location.model is model
    fresh = session.open_again(model, limits)
    shell.forget(model)
    yield Line(f"read {visible(model.source)} anew")
    if stood_there:
        place, gone = _along(fresh.place, way[1:])
        session.location = place
        if gone:
            yield Line(f"there is no layer {listed([gone])} in it any more: paths start above it now", "hint")


def _along(place: Place, way: Iterable[Place]) -> tuple[Place, str]:
    """Return where the names of a way lead from another place, as far as they do, and the first that leads nowhere."""
    for step in way:
        called = (step.layer.name, step.ordinal)
        below = next((child for child in place.children if (child.layer.name, child.ordinal) == called), None)
        if below is None:
            return place, step.layer.name
        place = below
    return place, ""


def close(shell: Shell, given: Given) -> Iterator[Block]:
    """Close a model; without a name the only one."""
    found = shell.session.workspace.models
    name = word_at(given).text.strip("/")
    if name:
        found = tuple(m for m in found if name in m.names or name == shell.name_of(m))
    if len(found) == 1:
        (model,) = found
        shown = shell.name_of(model)
        shell.session.close_model(model)
        shell.forget(model)
        yield Line(f"closed {visible(shown)}")
        return
    names = [shell.name_of(m) for m in shell.session.workspace.models]
    if not names:
        raise mistake(given, "no model is open")
    near = nearest(name, names, limit=1) if name else ()
    what = f"{'several models are' if found and name else 'no open model is'} called '{visible(name)}'"
    message = what if name else "expected the name of a model, for several are open"
    raise mistake(given, message, f"did you mean '{near[0]}'?" if near else f"open: {listed(names)}")


def models(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield the open models."""
    rows = []
    for model in shell.session.workspace.models:
        shown = shell.name_of(model)
        also = ", ".join(visible(name) for name in model.names if name != shown)
        rows.append(
            (Cell(visible(shown), "name"), Cell(also), Cell(model.format), Cell(visible(model.source)))
        )
    if not rows:
        yield Line("no model is open: %open FILE opens one")
        return
    yield TableBlock(("model", "also", "format", "file"), tuple(rows))


# ------------------------------------------------------------------ places


def cd(shell: Shell, given: Given) -> Iterator[Block]:
    """Go to a layer."""
    where = given.text.strip()
    if where in ("", "/", "~"):
        shell.move(None)
    elif where == "-":
        if not shell.before:
            raise mistake(given, "there is no layer where you were before")
        shell.move(*shell.before)
    elif where in ("..", "../") and shell.location is not None and shell.location.parent is None:
        shell.move(None)
    else:
        before = shell.location
        with given.at_fault():
            shell.session.go(given.text.rstrip())
        shell.before = (before,)
    yield from ()


def pwd(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield where paths start."""
    count = len(shell.session.workspace.models)
    yield Line(visible(shell.prompt) or f"/ ({count or 'no'} {'model' if count == 1 else 'models'})")


# ------------------------------------------------------------------ again and again


def watch(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield the result of a query, and again when a file changes, or after so many seconds; without end."""
    word = word_at(given)
    every = seconds_in(word.text)
    query = word.rest if every is not None else given
    if not query.text.strip():
        raise mistake(given, "expected a query", "%watch **:* | where nans > 0")
    if every is None and not any(m.source for m in shell.session.workspace.models):
        raise mistake(given, "nothing that is open has a file: say how often to look", "%watch 5 QUERY")
    prints = _Prints(shell)
    while True:
        yield from shell.answered(query)
        yield Line(f"{time.strftime('%H:%M:%S')} · {_why_again(every)}; Ctrl-C ends it", "dim")
        yield from _changes(shell, prints, every)


def _why_again(every: float | None) -> str:
    return "again when a file changes" if every is None else f"again in {every:g} s, or when a file changes"


def _changes(shell: Shell, prints: _Prints, every: float | None) -> Iterator[Block]:
    """Wait until there is a reason to look again, read anew what changed, and yield what was done."""
    left = every
    while left is None or left > 0:
        step = LOOK_S if left is None else min(LOOK_S, left)
        pause(step)
        left = None if left is None else left - step
        changed = prints.changed()
        for model in changed:
            try:
                yield from reopened(shell, model)
            except WeightreplError as error:
                yield Line(f"error: {visible(str(error))}", "title")
        if changed:
            return


class _Prints:
    """What the files of the open models were when they were looked at last."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._known: dict[str, object] = {}
        self._seen: dict[str, object] = {}
        for model in shell.session.workspace.models:
            self._known[model.source] = self._seen[model.source] = fingerprint(model.source)

    def changed(self) -> list[Model]:
        """Return the models whose files are others than before, and are not being written at the moment."""
        found = []
        for model in self._shell.session.workspace.models:
            now, path = fingerprint(model.source), model.source
            if now is not None and now != self._known.setdefault(path, now) and now == self._seen.get(path):
                self._known[path] = now
                found.append(model)
            self._seen[path] = now
        return found


# ------------------------------------------------------------------ lines that others answer


def source(shell: Shell, given: Given) -> Iterator[Block]:
    """Yield the answers to the queries of a file; a directive opens a model only if it is not open yet."""
    path = os.path.expanduser(word_at(given).text)
    if not path:
        raise mistake(given, "expected a file of queries", "%source checks.wq")
    session = shell.session
    script = read_query_file(read_text(path), path, os.path.dirname(path))
    if script.errors:
        yield from script.errors
        return
    for name, file in script.opens:
        if not any(_is_of(m, file) and name in (None, *m.names) for m in session.workspace.models):
            yield Line(_opened(shell, file, name))
    session.named = {**session.named, **script.named}
    for question in script.questions:
        yield Heading(visible(" ".join(question.text.split())))
        yield from _answered(shell, question, question is script.questions[-1])


def _answered(shell: Shell, question: Question, last: bool) -> Iterator[Block]:
    """Yield what comes of a query in a file; it is the last whose result has the line's number."""
    answer = shell.session.answer(question)
    if answer.result is not None:
        yield from shell.shown(answer.result, numbered=last)
    yield from question.pictures(answer.problems)
    if question.expect is not None and answer.result is not None:
        held = (answer.size > 0) == (question.expect == "some")
        told = "as expected" if held else f"expected {question.expect}, found {answer.size:,}"
        yield Line(told if held else f"{question.where}: {told}", "hint" if held else "title")


def run_shell(shell: Shell, given: Given) -> Iterator[Block]:
    """Run a command of the system's shell in the terminal; yield how it ended, if not well."""
    import subprocess

    if not given.text.strip():
        raise mistake(given, "expected a command of the system's shell", "%! ls")
    status = subprocess.run(given.text, shell=True, check=False).returncode
    if status:
        yield Line(f"exit status {status}", "dim")
