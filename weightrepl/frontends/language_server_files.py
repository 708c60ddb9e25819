"""What a document says: which parts of it are queries, which models they are asked of, and where these may lie."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pygls.uris import to_fs_path

from weightrepl.frontends.language_server_models import Wanted, is_within
from weightrepl.frontends.language_server_python import NO_NAMES, read_python
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_texts import Text
from weightrepl.frontends.model_files import is_there
from weightrepl.query.files import parse_file
from weightrepl.service.answers import Completion, Completions
from weightrepl.service.file_queries import parsed
from weightrepl.spans import Span
from weightrepl.values import Value

MOST = 500
"""So many files are offered at most."""


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
        allowed = (os.path.expanduser(each) for each in self.settings.allowed_folders)
        return (*(self.folders or self.homes(text)), *(each for each in allowed if os.path.isabs(each)))


def path_of(uri: str) -> str | None:
    """Return the path that a URI tells, if it tells one.

    jupyter-lsp gives its servers copies of notebooks in a folder of its own: they stand for their originals.
    """
    path = to_fs_path(uri)
    return path and str(Path(*(part for part in Path(path).parts if part != ".virtual_documents")))


class Asked(Value):
    """A model that a document asks of.

    span: of the path in a query file. source: the path as Python names it for queries of this model alone.
    """

    wanted: Wanted
    span: Span | None = None
    source: str | None = None
    is_setting: bool = False


class Said(Value):
    """What a document says."""

    regions: tuple[Region, ...]
    asked: tuple[Asked, ...]

    def asked_of(self, region: Region) -> tuple[Asked, ...]:
        """Return the models that a query of the document is asked of."""
        if region.source is not None:
            return tuple(each for each in self.asked if each.source == region.source)
        everything = region.reach != "live"
        return tuple(each for each in self.asked if each.is_setting or (everything and each.source is None))


def said_by(text: Text, before: tuple[str, ...], rules: Rules) -> Said:
    """Return what a document says. before: the texts of the cells above it, in a notebook."""
    homes, within = rules.homes(text), rules.within(text)
    tops = rules.folders or homes
    found = [
        Asked(Wanted(name, _place(path, tops, None)), is_setting=True) for name, path in rules.settings.models
    ]
    if not is_python(text):
        region = Region(text.text, range(len(text.text) + 1), reach="file")
        return Said((region,), (*found, *_directives(text.text, homes, within)))
    names = NO_NAMES
    for each in before:
        names = read_python(each, names).names
    python = read_python(text.text, names)
    for variable, path in python.names.opened:
        found.append(Asked(Wanted(variable, _place(path, homes, within), within)))
    for source in dict.fromkeys(each.source for each in python.queries):
        if source is not None:
            found.append(Asked(Wanted(None, _place(source, homes, within), within), source=source))
    for region in python.queries:
        if region.reach == "file":
            opens = _directives(region.text, homes, within)
            found += [each.replace(span=region.outer(each.span)) for each in opens if each.span is not None]
    return Said(python.queries, tuple(found))


def is_python(text: Text) -> bool:
    """Return whether a document is of Python's, and not of queries."""
    return text.language == "python" or text.uri.endswith((".py", ".pyi"))


def _directives(text: str, homes: tuple[str, ...], within: tuple[str, ...] | None) -> Iterator[Asked]:
    for directive in parsed(text).file.opens:
        if directive.path:
            span = Span(directive.span.end - len(directive.path), directive.span.end)
            yield Asked(Wanted(directive.name, _place(directive.path, homes, within), within), span)


def _place(path: str, homes: tuple[str, ...], within: tuple[str, ...] | None) -> str:
    """Return where a path leads: from the first folder where it leads to something that it may, or else from the first.

    Nothing is looked at that may not be.
    """
    tops = homes or (os.path.expanduser("~"),)
    places = [os.path.normpath(os.path.join(top, _expanded(path))) for top in tops]
    return next((each for each in places if is_within(each, within) and is_there(each)), places[0])


def _expanded(path: str) -> str:
    try:
        return os.path.expanduser(path)
    except ValueError:  # a NUL in the name of a user
        return path


# ------------------------------------------------------------------ completion of paths


def complete_path(text: Text, offset: int, rules: Rules) -> Completions | None:
    """Return the folders and files that a half-typed path after `#: open` may become; None elsewhere."""
    line = text.text.rfind("\n", 0, offset) + 1
    if is_python(text) or not text.text.startswith("#:", line):
        return None
    expected = parse_file(text.text[:offset]).expected
    if all(each.kind != "file" for each in expected.kinds):
        return None
    end = min(found for found in (text.text.find("\n", offset), len(text.text)) if found >= 0)
    span = Span(expected.span.start, max(offset, len(text.text[:end].rstrip())))
    folder, slash, begun = text.text[span.start : offset].rpartition("/")
    begun, within = begun.casefold(), rules.within(text)
    listed = (_listed(os.path.join(home, _expanded(folder + slash)), within) for home in rules.homes(text))
    found = next(filter(None, ({n: f for n, f in each if _begins(n, begun)} for each in listed)), {})
    items = [
        Completion(folder + slash + name, span, "system" if found[name] else "value", name)
        for name in sorted(found, key=lambda name: (not found[name], not name.endswith(_SUFFIXES), name))
    ]
    return Completions(tuple(items[:MOST]), cut=len(items) > MOST)


def _begins(name: str, begun: str) -> bool:
    return name.casefold().startswith(begun) and (name[0] != "." or begun[:1] == ".")


_SUFFIXES = (".keras", ".h5", ".hdf5", ".safetensors", ".index", ".npz", ".npy")
"""How files of models end."""


def _listed(folder: str, within: tuple[str, ...] | None) -> list[tuple[str, bool]]:
    """Return what lies in a folder, and whether each is one; nothing where nobody may look."""
    if not is_within(folder, within):
        return []
    try:
        with os.scandir(folder) as entries:
            folders = [(entry.name, entry.is_dir()) for entry in entries]
            return [(name + "/" * is_folder, is_folder) for name, is_folder in folders]
    except (OSError, ValueError):
        return []
