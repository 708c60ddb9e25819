"""Completion of the paths behind `#: open`: what lies in the folders that a document may ask of."""

from __future__ import annotations

import os

from weightrepl.frontends.language_server_files import is_python
from weightrepl.frontends.language_server_models import is_within
from weightrepl.frontends.language_server_settings import Rules, expanded
from weightrepl.frontends.language_server_texts import Text
from weightrepl.query.files import parse_file
from weightrepl.readers.folders import INDEXES, SUFFIXES
from weightrepl.service.answers import Completion, Completions
from weightrepl.spans import Span

MOST = 500
"""So many files are offered at most."""

_SUFFIXES = (*SUFFIXES, *INDEXES, ".index", "checkpoint")
"""How files of models end."""


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
    listed = (_listed(os.path.join(home, expanded(folder + slash)), within) for home in rules.homes(text))
    found = next(filter(None, ({n: f for n, f in each if _begins(n, begun)} for each in listed)), {})
    items = [
        Completion(folder + slash + name, span, "system" if found[name] else "value", name)
        for name in sorted(found, key=lambda name: (not found[name], not name.endswith(_SUFFIXES), name))
    ]
    return Completions(tuple(items[:MOST]), cut=len(items) > MOST)


def _begins(name: str, begun: str) -> bool:
    return name.casefold().startswith(begun) and (name[0] != "." or begun[:1] == ".")


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
