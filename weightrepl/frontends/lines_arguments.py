"""What completes behind a command: settings and their values, aliases, models, topics, options, files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from weightrepl.frontends.commands import COMMANDS
from weightrepl.frontends.commands_words import quoted, word_at
from weightrepl.frontends.settings import SETTINGS, spelled
from weightrepl.frontends.shell import Given
from weightrepl.readers.folders import INDEXES, SUFFIXES
from weightrepl.service.answers import Completion, Completions
from weightrepl.spans import Span

if TYPE_CHECKING:
    from weightrepl.frontends.commands import Argument, Command
    from weightrepl.frontends.shell import Shell

MOST = 500
"""So many completions are given at most."""

_SUFFIXES = {"file": (*SUFFIXES, *INDEXES, "checkpoint"), "queries": (".wq",)}
"""How the files end that a command most likely wants."""

_OF_CHECKPOINT = re.compile(r"(.+)\.(index|meta|data-\d{5}-of-\d{5})\Z")


def commands(name: Span, line: str, offset: int) -> Completions:
    """Return the commands that may stand where the name of one does."""
    begun = line[name.start : offset]
    found = (Completion(c.name, name, "keyword", f"%{c.name}", c.summary, c.text) for c in COMMANDS.values())
    return fitting(begun, found)


def arguments(shell: Shell, command: Command, given: Given, offset: int, wait: bool) -> Completions:
    """Return what may stand at `offset` behind a command, but for a query."""
    kinds = iter(command.arguments)
    before: list[str] = []
    while (word := word_at(given)).text and word.span.end < offset:
        if word.text in ("--labels", "--allow"):
            word = word_at(word.rest)
        elif word.text not in command.options:
            next(kinds, None)
            before.append(word.text)
        given = word.rest
    span = word.span if word.span.start <= offset <= word.span.end else Span(offset, offset)
    begun = given.line[span.start : offset]
    if begun.startswith("-"):
        return fitting(begun, (Completion(o, span, "keyword", o) for o in command.options))
    kind = next(kinds, None)
    if kind in ("file", "queries"):
        return files(kind, span, begun) if wait else Completions(coming=True)
    return Completions() if kind is None else fitting(begun, _words(shell, kind, span, before))


def _words(shell: Shell, kind: Argument, span: Span, before: list[str]) -> Iterator[Completion]:
    match kind:
        case "setting":
            for setting, value in shell.settings:
                detail = f"{spelled(value)} · {setting.summary}"
                yield Completion(setting.name, span, "keyword", setting.name, detail)
        case "value" if before and before[-1] in SETTINGS:
            setting = SETTINGS[before[-1]]
            for text in setting.spelled_values:
                default = "the default" if text == spelled(setting.default) else ""
                yield Completion(text, span, "value", text, default)
        case "alias":
            for name, query in shell.settings.aliases.items():
                yield Completion(name, span, "reference", name, query)
        case "model":
            for model in shell.session.workspace.models:
                name = shell.name_of(model)
                yield Completion(quoted(name), span, "model", name, model.format)
        case "topic":
            from weightrepl.frontends.commands_telling import topics

            for topic, pages in topics().items():
                yield Completion(topic, span, "keyword", topic, pages[0].summary)


def fitting(begun: str, items: Iterable[Completion]) -> Completions:
    """Return those that begin so; where none does, those that hold it."""
    folded = begun.casefold()
    held = [item for item in items if folded in item.text.casefold()]
    fitting = [item for item in held if item.text.casefold().startswith(folded)] or held
    return Completions(tuple(fitting[:MOST]), cut=len(fitting) > MOST)


# ------------------------------------------------------------------ files


def files(kind: Argument, span: Span, begun: str) -> Completions:
    """Return the files and folders that what is typed may become: folders, then files of the kind, then others."""
    typed = word_at(Given(begun)).text
    name, equals, _ = typed.partition("=")
    prefix = f"{name}=" if equals and os.sep not in name else ""
    folder, _, last = typed[len(prefix) :].rpartition("/")
    shown = f"{folder}/" if "/" in typed[len(prefix) :] else ""
    found = []
    within = os.path.expanduser(shown) or "."
    for name, is_wanted in _entries(within, kind):
        if name.casefold().startswith(last.casefold()) and (name[0] != "." or last[:1] == "."):
            is_folder = os.path.isdir(os.path.join(within, name))
            found.append((0 if is_folder else 1 if is_wanted else 2, name, is_folder))
    items = [
        Completion(_typed(f"{prefix}{shown}{name}", is_folder), span, "value", name + "/" * is_folder)
        for _, name, is_folder in sorted(found)
    ]
    return Completions(tuple(items[:MOST]), cut=len(items) > MOST)


def _entries(folder: str, kind: Argument) -> Iterator[tuple[str, bool]]:
    """Yield what lies in a folder, and whether it is of the kind; nothing where it is not there, or nobody's to read.

    The files of a checkpoint are one: what their names begin with, by which it is opened.
    """
    try:
        names = os.listdir(folder)
    except OSError:
        return
    parts = (
        {name: found[1] for name in names if (found := _OF_CHECKPOINT.match(name))} if kind == "file" else {}
    )
    prefixes = {parts[name] for name in parts if name.endswith(".index")}
    yield from ((prefix, True) for prefix in prefixes)
    for name in names:
        if parts.get(name) not in prefixes and name not in prefixes:
            yield name, name.endswith(_SUFFIXES[kind])


def _typed(path: str, is_folder: bool) -> str:
    """Return how a path is typed; quotes around a folder stay open, so that it goes on."""
    text = quoted(path)
    if not is_folder:
        return text
    return f"{text[:-1]}/" if text != path else f"{text}/"
