"""Where a query is asked: the text, the open models, the location, the queries that have names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from weightrepl.engine.figures import Watcher
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.query.syntax import Query
from weightrepl.values import Value


class NamedQuery(Value):
    """A query that has a name, and the whole text that its spans point into."""

    text: str
    query: Query


class NamedResult(Value):
    """An earlier result that `$3` stands for.

    kind: what its rows are; of a table of anything else there are none, and a query can't refer to it.
    """

    kind: Literal["weights", "layers", "table"]
    rows: tuple[Site | Place, ...] = ()


Named: TypeAlias = NamedQuery | NamedResult
"""What a `$name` stands for."""


class Scope(Value):
    """What a query is resolved against.

    text: the whole text that the spans of the query point into.
    location: where relative paths start; None is the workspace.
    named: what `$name` stands for.
    watcher: is told how far the reading of values has come.
    within: the names being resolved at the moment, so that none refers to itself.
    """

    text: str
    workspace: Workspace
    location: Place | None
    named: Mapping[str, Named] = {}
    watcher: Watcher | None = None
    within: frozenset[str] = frozenset()

    def inside(self, name: str) -> Scope:
        """Return the scope in which the query called `name` is resolved."""
        named = self.named[name]
        assert isinstance(named, NamedQuery)
        return self.replace(text=named.text, within=self.within | {name})


def scope_of(
    text: str,
    workspace: Workspace,
    location: Place | None,
    named: Mapping[str, Named] | None,
    watcher: Watcher | None = None,
) -> Scope:
    """Return where a query is asked; without a location it is the one open model, else the workspace."""
    return Scope(text, workspace, location or workspace.location, named or {}, watcher)
