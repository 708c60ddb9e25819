"""What a document says: which parts of it are queries, and which models they are asked of."""

from __future__ import annotations

import os
from collections.abc import Iterator

from weightrepl.frontends.language_server_models import Wanted, is_within
from weightrepl.frontends.language_server_python import NO_NAMES, read_python
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_settings import Rules, expanded
from weightrepl.frontends.language_server_texts import Text
from weightrepl.readers.folders import is_there
from weightrepl.service.file_queries import opens_of
from weightrepl.spans import Span
from weightrepl.values import Value


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
    for directive in opens_of(text):
        if directive.path:
            span = Span(directive.span.end - len(directive.path), directive.span.end)
            yield Asked(Wanted(directive.name, _place(directive.path, homes, within), within), span)


def _place(path: str, homes: tuple[str, ...], within: tuple[str, ...] | None) -> str:
    """Return where a path leads: from the first folder where it leads to something that it may, or else from the first.

    Nothing is looked at that may not be.
    """
    tops = homes or (os.path.expanduser("~"),)
    places = [os.path.normpath(os.path.join(top, expanded(path))) for top in tops]
    return next((each for each in places if is_within(each, within) and is_there(each)), places[0])
