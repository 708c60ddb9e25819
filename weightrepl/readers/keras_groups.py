"""The groups of a Keras 3 weight store as one tree, put together over all its shards.

A *saved object* (a layer, an optimizer, a metric) is a group that has a group `vars` with its own variables, `0`, `1`,
…, and the attribute `name` since Keras 3.6. Groups below it are named after the attributes that hold its children;
a list's group has no `vars` but a group per item, named after the class and counted: `dense`, `dense_1`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


class Unasked:
    """What stands for a name that was not looked for yet."""


UNASKED = Unasked()


class Stored(NamedTuple):
    """A dataset: its path in the store, and the file that has it."""

    name: str
    dataset: Dataset
    file: str


class SavedGroup:
    """A group of the saving tree, over all the shards that have it. key: its path, empty for the root."""

    __slots__ = ("_beside", "_groups", "_named", "_objects", "_own", "_variables", "key", "parts")

    def __init__(self, key: str, parts: Iterable[Part]) -> None:
        self.key, self.parts = key, tuple(parts)
        self._own: tuple[Part, ...] | None = None
        self._groups: Mapping[str, SavedGroup] = {}
        self._beside: tuple[Stored, ...] = ()
        self._variables: dict[str, Stored] | None = None
        self._named: tuple[str, str] | Unasked | None = UNASKED
        self._objects: tuple[tuple[str, SavedGroup], ...] | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.key.rpartition("/")[2]

    @property
    def own(self) -> tuple[Part, ...]:
        """Its `vars` groups; none for a list, or for a file that is no weight store."""
        if self._own is None:
            self._own = self._sorted()
        return self._own

    @property
    def groups(self) -> Mapping[str, SavedGroup]:
        """The groups in it but `vars`, in the order in which they were counted: `dense_2` before `dense_10`."""
        if self._own is None:
            self._own = self._sorted()
        return self._groups

    def _sorted(self) -> tuple[Part, ...]:
        """Take note of what is in it, and return its `vars`."""
        own: list[Part] = []
        found: dict[str, list[Part]] = {}
        beside: list[Stored] = []
        for part, file in self.parts:
            members = part.members.items() if isinstance(part, MissingGroup) else part.members.opened()
            for name, member in members:
                if isinstance(member, Dataset):
                    beside.append(Stored(name, member, file))
                elif name == _VARS:
                    own.append((member, file))
                else:
                    found.setdefault(name, []).append((member, file))
        for group, file in own:
            if isinstance(group, Group):  # an attribute `vars` that holds a list
                for name in group.members:
                    if not name.isdigit() and isinstance(below := group.members[name], Group):
                        found.setdefault(f"{_VARS}/{name}", []).append((below, file))
        prefix = f"{self.key}/" if self.key else ""
        names = sorted(found, key=counted) if len(found) > 1 else found
        self._groups = {name: SavedGroup(prefix + name, found[name]) for name in names}
        self._beside = tuple(beside)
        return tuple(own)

    @property
    def variables(self) -> tuple[Stored, ...]:
        """The datasets in `vars`, `2` before `10`."""
        found = self._first
        names = sorted(found, key=counted) if len(found) > 2 else found  # `0` and `1` stand in order
        return tuple(found[name] for name in names)

    @property
    def _first(self) -> Mapping[str, Stored]:
        """The datasets in `vars`; of those that several shards have the first."""
        if self._variables is None:
            self._variables = {}
            for stored in self._all_variables():
                self._variables.setdefault(stored.name, stored)
        return self._variables

    def _all_variables(self) -> Iterator[Stored]:
        for group, file in self.own:
            for name, member in group.members.opened() if isinstance(group, Group) else ():
                if isinstance(member, Dataset):
                    yield Stored(name, member, file)

    @property
    def is_empty(self) -> bool:
        """Whether it has no variables; opens none of them."""
        return not any(not isinstance(group, Group) or len(group.members) for group, _ in self.own)

    @property
    def missing(self) -> tuple[SourceError, ...]:
        """Why some of its variables can't be had: the errors of shards that would hold them."""
        return tuple(group.error for group, _ in self.own if isinstance(group, MissingGroup))

    @property
    def strays(self) -> tuple[Stored, ...]:
        """Datasets where Keras puts none: beside `vars`, or a second time in another shard."""
        if len(self.own) < 2:
            return self._beside
        again = [each for each in self._all_variables() if self._first[each.name].dataset is not each.dataset]
        return (*self._beside, *again)

    @property
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

    @property
    def recorded_name(self) -> str | None:
        """The live name of the object, where the file has it."""
        return None if (named := self._name_in_file) is None else named[1]

    @property
    def _name_in_file(self) -> tuple[str, str] | None:
        """The file that has the object's name, and the name."""
        if isinstance(self._named, Unasked):
            self._named = next(self._names_in_files(), None)
        return self._named

    def _names_in_files(self) -> Iterator[tuple[str, str]]:
        for group, file in self.own:
            name = group.attributes.get("name") if isinstance(group, Group) else None
            if isinstance(name, str):
                yield file, name

    @property
    def written(self) -> tuple[str, int, int] | None:
        """When it was saved, for comparison: the shard, and where in it the file keeps its name."""
        named = self._name_in_file
        return (named[0], *named[1].place) if named is not None and isinstance(named[1], HeapText) else None

    def at(self, key: str) -> SavedGroup | None:
        """Return the group of that path below this one, or None."""
        found: SavedGroup | None = self
        for name in key.split("/"):
            found = found.groups.get(name) if found is not None else None
        return found

    @property
    def objects(self) -> tuple[tuple[str, SavedGroup], ...]:
        """The saved objects right below, with their paths from here: through lists, not through objects.

        In the order in which they were saved: a Functional's or Sequential's own, elsewhere that of the attributes.
        """
        if self._objects is None:
            found = tuple(self._find_objects())
            self._objects = _as_written(found) if len(found) > 1 else found
        return self._objects

    def _find_objects(self) -> Iterator[tuple[str, SavedGroup]]:
        pending = list(reversed(list(self.groups.items())))
        while pending:
            path, group = pending.pop()
            if group.own:
                yield path, group
            else:
                pending += [(f"{path}/{name}", below) for name, below in reversed(list(group.groups.items()))]


def _as_written(found: tuple[tuple[str, SavedGroup], ...]) -> tuple[tuple[str, SavedGroup], ...]:
    """Return objects in the order in which they were saved, or as they are where the file does not tell it."""
    stamped = [(group.written, path, group) for path, group in found]
    if any(stamp is None for stamp, _, _ in stamped):
        return found
    ordered = tuple((path, group) for _, path, group in sorted(stamped, key=lambda each: each[:2]))
    return ordered if _counted_up(path for path, _ in ordered) else found


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
