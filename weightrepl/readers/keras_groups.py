"""The groups of a Keras 3 weight store as one tree, put together over all its shards.

A *saved object* (a layer, an optimizer, a metric) is a group that has a group `vars` with its own variables, `0`, `1`,
…, and the attribute `name` since Keras 3.6. Groups below it are named after the attributes that hold its children;
a list's group has no `vars` but a group per item, named after the class and counted: `dense`, `dense_1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import NamedTuple, TypeAlias

from weightrepl.errors import SourceError
from weightrepl.readers.hdf5 import Dataset, Group, HeapText

_VARS = "vars"


class MissingGroup(NamedTuple):
    """A group that the index of a sharded store tells of, in a shard that can't be opened.

    error: why not.
    """

    members: dict[str, MissingGroup]
    error: SourceError


Part: TypeAlias = "tuple[Group | MissingGroup, str]"
"""A group in one file, and that file as it was named on opening."""


class Stored(NamedTuple):
    """A dataset: its path in the store, and the file that has it."""

    name: str
    dataset: Dataset
    file: str


class SavedGroup:
    """A group of the saving tree, over all the shards that have it. key: its path, empty for the root."""

    def __init__(self, key: str, parts: Iterable[Part]) -> None:
        self.key, self.parts = key, tuple(parts)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.key.rpartition("/")[2]

    @cached_property
    def groups(self) -> Mapping[str, SavedGroup]:
        """The groups in it but `vars`, in the order in which they were counted: `dense_2` before `dense_10`."""
        found: dict[str, list[Part]] = {}
        for name, member, file in self._members():
            if name != _VARS and not isinstance(member, Dataset):
                found.setdefault(name, []).append((member, file))
            elif name == _VARS and isinstance(member, Group):  # an attribute `vars` that holds a list
                for below, group in _open(member):
                    if isinstance(group, Group):
                        found.setdefault(f"{_VARS}/{below}", []).append((group, file))
        prefix = f"{self.key}/" if self.key else ""
        return {name: SavedGroup(prefix + name, found[name]) for name in sorted(found, key=counted)}

    @cached_property
    def own(self) -> tuple[Part, ...]:
        """Its `vars` groups; none for a list, or for a file that is no weight store."""
        return tuple(
            (m, file) for name, m, file in self._members() if name == _VARS and not isinstance(m, Dataset)
        )

    @cached_property
    def variables(self) -> tuple[Stored, ...]:
        """The datasets in `vars`, `2` before `10`."""
        return tuple(self._variables[name] for name in sorted(self._variables, key=counted))

    @cached_property
    def _variables(self) -> Mapping[str, Stored]:
        found: dict[str, Stored] = {}
        for group, file in self.own:
            for name, member in _open(group) if isinstance(group, Group) else ():
                if isinstance(member, Dataset):
                    found.setdefault(name, Stored(name, member, file))
        return found

    @property
    def is_empty(self) -> bool:
        """Whether it has no variables; opens none of them."""
        return not any(not isinstance(group, Group) or len(group.members) for group, _ in self.own)

    @cached_property
    def missing(self) -> tuple[SourceError, ...]:
        """Why some of its variables can't be had: the errors of shards that would hold them."""
        return tuple(group.error for group, _ in self.own if isinstance(group, MissingGroup))

    @cached_property
    def strays(self) -> tuple[Stored, ...]:
        """Datasets where Keras puts none: beside `vars`, or a second time in another shard."""
        beside = [Stored(name, m, file) for name, m, file in self._members() if isinstance(m, Dataset)]
        for group, file in self.own[1:]:
            for name, member in _open(group) if isinstance(group, Group) else ():
                if isinstance(member, Dataset) and self._variables[name].dataset is not member:
                    beside.append(Stored(name, member, file))
        return tuple(beside)

    @property
    def recorded_name(self) -> str | None:
        """The live name of the object, where the file has it."""
        return None if self._named is None else self._named[1]

    @cached_property
    def _named(self) -> tuple[str, str] | None:
        """The file that has the object's name, and the name."""
        for group, file in self.own:
            name = group.attributes.get("name") if isinstance(group, Group) else None
            if isinstance(name, str):
                return file, name
        return None

    @property
    def written(self) -> tuple[str, int, int] | None:
        """When it was saved, for comparison: the shard, and where in it the file keeps its name."""
        if self._named is None or not isinstance(self._named[1], HeapText):
            return None
        return self._named[0], *self._named[1].place

    def at(self, key: str) -> SavedGroup | None:
        """Return the group of that path below this one, or None."""
        found: SavedGroup | None = self
        for name in key.split("/"):
            found = found.groups.get(name) if found is not None else None
        return found

    @cached_property
    def objects(self) -> tuple[tuple[str, SavedGroup], ...]:
        """The saved objects right below, with their paths from here: through lists, not through objects.

        In the order in which they were saved: a Functional's or Sequential's own, elsewhere that of the attributes.
        """
        found = list(self._objects())
        written = [(group.written, path, group) for path, group in found]
        if None not in (stamp for stamp, _, _ in written):
            ordered = [(path, group) for _, path, group in sorted(written, key=lambda each: each[:2])]
            if _counted_up(path for path, _ in ordered):
                return tuple(ordered)
        return tuple(found)

    def _objects(self) -> Iterator[tuple[str, SavedGroup]]:
        pending = [(name, group) for name, group in reversed(list(self.groups.items()))]
        while pending:
            path, group = pending.pop()
            if group.own:
                yield path, group
            else:
                pending += [(f"{path}/{name}", below) for name, below in reversed(list(group.groups.items()))]

    @cached_property
    def lost(self) -> tuple[Stored, ...]:
        """The strays in it and in its lists, which belong to no object below."""
        found = list(self.strays)
        pending = list(self.groups.values())
        while pending:
            group = pending.pop()
            if not group.own:
                found += group.strays
                pending += group.groups.values()
        return tuple(found)

    def _members(self) -> Iterator[tuple[str, Group | Dataset | MissingGroup, str]]:
        for part, file in self.parts:
            members = part.members.items() if isinstance(part, MissingGroup) else _open(part)
            for name, member in members:
                yield name, member, file


def _open(group: Group) -> Iterator[tuple[str, Group | Dataset]]:
    return iter(group.members.items())


def _counted_up(paths: Iterable[str]) -> bool:
    """Return whether the members of every list come in the order of their numbers."""
    last: dict[str, int] = {}
    for path in paths:
        _, stem, number = counted(path)
        if "/" in path and last.get(stem, -2) >= number:
            return False
        last[stem] = number
    return True


def counted(name: str) -> tuple[int, str, int]:
    """Return a key to sort names by: attributes that begin with `_` last, numbers by value."""
    stem = name.rstrip("0123456789")
    digits = name[len(stem) :]
    return int(name.startswith("_")), stem.removesuffix("_"), int(digits[:18] or -1)
