"""Every file of the zoo: what its oracle tells of it, and what opening and reading it finds."""

from __future__ import annotations

import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.readers.files import ZOO, Row, oracle_of, rows_of
from tests.zoo_maker.values import digest
from weightrepl.readers.registry import open_source

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
Range = tuple[int, int, int]
"""Where something was read: the file's inode, from which byte on, up to which."""


class Met(NamedTuple):
    """A tensor of a file where it was met.

    live: what the model has at all places of that variable. digest: of its bytes. read: where these were.
    row_read: where its first row was, by reading only that; None of what has no rows, or nothing in them.
    """

    row: Row
    live: list[dict[str, Any]]
    digest: str
    read: tuple[Range, ...]
    row_read: tuple[Range, ...] | None

    @property
    def is_named(self) -> bool:
        """Whether its layers are called as in the live model."""
        return any(self.row.path[1:] == self.below(each) for each in self.live)

    def below(self, live: dict[str, Any]) -> tuple[str, ...]:
        """Return the names of the layers below the root; names of TensorFlow 1 have no root."""
        path = tuple(live["layer_path"])
        return (
            path if live["root_name"] == "" and path[:1] not in ((), self.row.path[:1], ("",)) else path[1:]
        )

    @property
    def has_role(self) -> bool:
        return any(self.row.weight.name == each["name"] for each in self.live)

    @property
    def is_right(self) -> bool:
        """Whether each of its names is one of the model's, or one that the file itself has in its place."""
        weight = self.row.weight
        known = {part for each in self.live for part in (*each["layer_path"], *map(str, each["attr_path"]))}
        known |= {each["name"] for each in self.live} | {*str(weight.key).replace(".S", "/").split("/")}
        return {*self.row.path[1:]} <= known and (weight.name in known or weight.name.isdecimal())


class ZooFile:
    """A file, or a folder, of the zoo: what is in it by its oracle, and what opening it finds."""

    def __init__(self, part: str, case: str, kind: str, recorded: dict[str, Any]) -> None:
        self.part, self.case, self.kind = part, case, kind
        self.path: Path = ZOO / part / case / recorded["path"]
        self.keys: dict[str, int | None] = {k: v for k, v in recorded["keys"].items() if k != GRAPH}

    def __repr__(self) -> str:
        return f"{self.part}-{self.case}-{self.kind}"

    @cached_property
    def live(self) -> dict[int, list[dict[str, Any]]]:
        """The live model's variables, each with all its places."""
        found: dict[int, list[dict[str, Any]]] = {}
        oracle = oracle_of(self.case, self.part)
        for row in oracle["weights"]:
            found.setdefault(row["var_id"], []).append({**row, "root_name": oracle["root_name"]})
        return found

    @cached_property
    def opened(self) -> tuple[list[Met], list[Range]]:
        """All that opening the file finds, with what is live of it; and what was read to list it."""
        with pytest.MonkeyPatch.context() as patch:
            reads = _watched(patch)
            with open_source(self.path) as model:
                rows = rows_of(model)
                listed = [*reads]
                return [self._met(row, reads) for row in rows], listed

    @property
    def met(self) -> list[Met]:
        return self.opened[0]

    def _met(self, row: Row, reads: list[Range]) -> Met:
        tensor, shape = row.weight.tensor, row.weight.spec.shape or ()
        reads.clear()
        held = "" if row.weight.spec.dtype == "string" else digest(tensor.read())
        read, row_read = tuple(reads), None
        if held and len(shape) > 1 and shape[0] > 1:
            reads.clear()
            tensor.read((0, *(slice(0, size, 1) for size in shape[1:])))
            row_read = tuple(reads)
        return Met(row, self.live.get(self.variable(row), []), held, read, row_read)

    def variable(self, row: Row) -> int:
        """Return the number of the variable that is stored there; -1 where it is none of the live model's."""
        found = self.keys.get(self.stored_key(row))
        return -1 if found is None else found

    def stored_key(self, row: Row) -> str:
        key = str(row.weight.key)
        return f"{Path(row.weight.source).name}::{key}" if self.kind == "sharded" else key

    @property
    def network(self) -> list[Met]:
        """What was met of the network proper."""
        return [each for each in self.met if each.live and not each.row.is_system]


def _watched(patch: pytest.MonkeyPatch) -> list[Range]:
    """Return the list to which all that is read is added from now on."""
    reads: list[Range] = []
    pread = os.preadv

    def preadv(number: int, buffers: list[memoryview], offset: int) -> int:
        got = pread(number, buffers, offset)
        reads.append((os.fstat(number).st_ino, offset, offset + got))
        return got

    patch.setattr("os.preadv", preadv)
    return reads


@lru_cache
def files() -> tuple[ZooFile, ...]:
    """Return all files of the zoo whose oracle tells what they hold."""
    found = []
    for part in ("keras3", "tf_keras", "tf"):
        for case in sorted((ZOO / part).iterdir()):
            for kind, recorded in oracle_of(case.name, part)["files"].items():
                if "path" in recorded and "keys" in recorded:
                    found.append(ZooFile(part, case.name, kind, recorded))
    return tuple(found)
