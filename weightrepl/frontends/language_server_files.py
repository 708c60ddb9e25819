"""Which models a document asks of, and which of them a server may open for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pygls.uris import to_fs_path

from weightrepl.errors import Problem
from weightrepl.frontends.language_server_models import Wanted, is_within
from weightrepl.frontends.language_server_python import read_python
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_texts import Text
from weightrepl.frontends.model_files import is_there
from weightrepl.service.file_queries import parsed
from weightrepl.spans import Span
from weightrepl.values import Value


class Settings(Value):
    """What a client has set.

    models: for all documents, by name. allowed_folders: outside the workspace, from which documents may open models.
    allow_outside: whether they may from anywhere.
    """

    models: tuple[tuple[str | None, str], ...] = ()
    allowed_folders: tuple[str, ...] = ()
    allow_outside: bool = False

    @classmethod
    def of(cls, given: object) -> Settings:
        """Return the settings in what a client sends; what is of another kind than it should be is left out."""
        found = given.get("weightrepl", given) if isinstance(given, Mapping) else {}
        if not isinstance(found, Mapping):
            return cls()
        folders = found.get("allowedFolders")
        return cls(
            tuple(_models(found.get("models"))),
            tuple(str(each) for each in folders) if isinstance(folders, list) else (),
            found.get("allowOutside") is True,
        )


def _models(given: Any) -> list[tuple[str | None, str]]:
    if isinstance(given, Mapping):
        return [(str(name), str(path)) for name, path in given.items()]
    return [(None, str(path)) for path in given] if isinstance(given, list) else []


class Asked(Value):
    """A model that a document asks of.

    span: of the path in a query file; None elsewhere. source: the path as Python names it for a single query.
    wanted: None where it may not be opened, for the `problem`.
    """

    span: Span | None
    wanted: Wanted | None
    source: str | None = None
    problem: Problem | None = None


def regions_of(text: Text) -> tuple[Region, ...]:
    """Return the parts of a document that are queries: all of a query file, in Python what is given to weightrepl."""
    if is_python(text):
        return read_python(text.text).queries
    return (Region(text.text, range(len(text.text) + 1), is_file=True),)


def is_python(text: Text) -> bool:
    """Return whether a document is of Python's, and not of queries."""
    return text.language == "python" or text.uri.endswith(".py")


def asked_by(text: Text, settings: Settings, folders: tuple[str, ...]) -> tuple[Asked, ...]:
    """Return the models that a document asks of. folders: those of the workspace."""
    homes = tuple(dict.fromkeys((*_folder_of(text), *folders))) or (os.getcwd(),)
    within = None if settings.allow_outside else (*(folders or homes), *settings.allowed_folders)
    found = [Asked(None, Wanted(name, _absolute(path, homes))) for name, path in settings.models]
    if is_python(text):
        said = read_python(text.text)
        sources = {each.source: None for each in said.queries if each.source}
        for name, path, source in (
            *((name, path, None) for name, path in said.opened),
            *((None, path, path) for path in sources),
        ):
            place = _absolute(path, homes)
            if within is None or is_within(place, within):
                found.append(Asked(None, Wanted(name, place), source))
        return tuple(found)
    for directive in parsed(text.text).file.opens:
        span = Span(directive.span.end - len(directive.path), directive.span.end)
        place = _absolute(directive.path, homes)
        if not directive.path:
            continue
        if within is None or is_within(place, within):
            found.append(Asked(span, Wanted(directive.name, place)))
        else:
            found.append(Asked(span, None, problem=_outside(span)))
    return tuple(found)


def asked_of(region: Region, asked: tuple[Asked, ...]) -> tuple[Asked, ...]:
    """Return those of a document's models that a query of it is asked of."""
    return tuple(each for each in asked if each.source == region.source)


def _folder_of(text: Text) -> tuple[str, ...]:
    path = to_fs_path(text.uri) if text.uri.startswith("file:") else None
    return (os.path.dirname(path),) if path else ()


def _absolute(path: str, homes: tuple[str, ...]) -> str:
    """Return where a path leads: from the document's folder, or else from the first one where it leads to something."""
    places = [os.path.normpath(os.path.join(home, os.path.expanduser(path))) for home in homes]
    return next(filter(is_there, places), places[0])


def _outside(span: Span) -> Problem:
    hint = (
        'the setting "weightrepl.allowedFolders" names further folders, "weightrepl.allowOutside" allows all'
    )
    told = "not opened: it lies outside the workspace"
    return Problem("outside-workspace", told, span, severity="warning", hint=hint)
