"""What a client has set, and what follows from it: where paths lead, and which may be followed."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pygls.uris import to_fs_path

from weightrepl.frontends.language_server_texts import Text
from weightrepl.values import Value


class Settings(Value):
    """What a client has set.

    models: for all documents, by name. allowed_folders: outside the workspace, from which documents may open models.
    allow_outside: whether they may from anywhere.
    """

    models: tuple[tuple[str | None, str], ...] = ()
    allowed_folders: tuple[str, ...] = ()
    allow_outside: bool = False


def settings_of(given: object) -> tuple[Settings, list[str]]:
    """Return the settings in what a client sends, and what in it is of another kind than it should be."""
    found = given.get("weightrepl", given) if isinstance(given, Mapping) else given
    if found is None:
        return Settings(), []
    if not isinstance(found, Mapping):
        return Settings(), ["weightrepl: expected an object"]
    wrong: list[str] = []

    def taken(key: str, is_right: Callable[[Any], bool], kind: str, otherwise: Any) -> Any:
        value = found.get(key)
        if value is not None and not is_right(value):
            wrong.append(f"weightrepl.{key}: expected {kind}")
        return value if value is not None and is_right(value) else otherwise

    models = taken("models", _are_models, "a list of paths, or an object from names to paths", [])
    named = models.items() if isinstance(models, Mapping) else ((None, path) for path in models)
    folders = taken("allowedFolders", _are_paths, "a list of paths", [])
    outside = taken("allowOutside", lambda value: isinstance(value, bool), "true or false", False)
    return Settings(tuple(named), tuple(folders), outside), wrong


def _are_paths(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _are_models(value: Any) -> bool:
    return _are_paths(list(value.values()) if isinstance(value, Mapping) else value)


class Rules(Value):
    """Where paths lead and which may be followed. folders: the workspace's."""

    settings: Settings = Settings()
    folders: tuple[str, ...] = ()

    def homes(self, text: Text) -> tuple[str, ...]:
        """Return the folders that a document's paths may begin in: its own, then those of the workspace."""
        path = path_of(text.home)
        return tuple(dict.fromkeys(([os.path.dirname(path)] if path else []) + list(self.folders)))

    def within(self, text: Text) -> tuple[str, ...] | None:
        """Return the folders that a document may ask of; without a workspace its own; None for all that there are."""
        if self.settings.allow_outside:
            return None
        tops = self.folders or self.homes(text)
        allowed = (
            os.path.join(top, expanded(each)) for top in tops for each in self.settings.allowed_folders
        )
        return (*tops, *allowed)


def path_of(uri: str) -> str | None:
    """Return the path that a URI tells, if it tells one.

    jupyter-lsp gives its servers copies of notebooks in a folder of its own: they stand for their originals.
    """
    path = to_fs_path(uri)
    return path and str(Path(*(part for part in Path(path).parts if part != ".virtual_documents")))


def expanded(path: str) -> str:
    """Return a path with the home folder in the place of a `~`."""
    try:
        return os.path.expanduser(path)
    except ValueError:  # a NUL in the name of a user
        return path
