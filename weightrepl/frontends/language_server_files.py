"""Which models a document asks of, and which of them a server may open for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pygls.uris import to_fs_path

from weightrepl.errors import Problem
from weightrepl.frontends.language_server_models import Wanted, is_within
from weightrepl.frontends.language_server_texts import Text
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
    """A model that a document asks of. span: of the path in the text; None of one from the settings.

    wanted: None where it may not be opened, for the `problem`.
    """

    span: Span | None
    wanted: Wanted | None
    problem: Problem | None = None


def asked_by(text: Text, settings: Settings, folders: tuple[str, ...]) -> tuple[Asked, ...]:
    """Return the models that a document asks of. folders: those of the workspace."""
    path = to_fs_path(text.uri) if text.uri.startswith("file:") else None
    home = os.path.dirname(path) if path else (folders[0] if folders else os.getcwd())
    within = (*(folders or (home,)), *settings.allowed_folders)
    found = [Asked(None, Wanted(name, _absolute(each, home))) for name, each in settings.models]
    for directive in parsed(text.text).file.opens:
        if not directive.path:
            continue
        span = Span(directive.span.end - len(directive.path), directive.span.end)
        place = _absolute(directive.path, home)
        if settings.allow_outside or is_within(place, within):
            found.append(Asked(span, Wanted(directive.name, place)))
        else:
            found.append(Asked(span, None, _outside(span)))
    return tuple(found)


def _absolute(path: str, home: str) -> str:
    return os.path.normpath(os.path.join(home, os.path.expanduser(path)))


def _outside(span: Span) -> Problem:
    hint = (
        'the setting "weightrepl.allowedFolders" names further folders, "weightrepl.allowOutside" allows all'
    )
    return Problem(
        "outside-workspace", "not opened: it lies outside the workspace", span, severity="warning", hint=hint
    )
