"""The graph of objects that a checkpoint records, read from the bytes of its TrackableObjectGraph.

Facts from TensorFlow's `trackable_object_graph.proto`: an object has children under names, tensors under keys, and an
optimizer the slots of variables. The first object is the root.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from weightrepl.errors import FormatError
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.graph_nodes import Node
from weightrepl.readers.guards import STANDARD, Limits, bound
from weightrepl.readers.protobuf import BYTES, fields, plain

VALUE = "VARIABLE_VALUE"
"""What a variable calls the tensor of its values."""

_CHILD, _TENSOR, _SLOT = 1, 2, 3


class Recorded(NamedTuple):
    """An object as a checkpoint records it.

    children: attribute, list position or dict key, and the number of the object there.
    keys: what the object calls a tensor of its own -> the tensor's key in the file. full_name: of a variable.
    slots: of an optimizer: number of the variable, name of the slot, number of the slot's variable.
    """

    children: tuple[tuple[str, int], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    full_name: str | None = None
    slots: tuple[tuple[int, str, int], ...] = ()


def objects_of(graph: bytes, limits: Limits = STANDARD, path: str = "") -> list[Recorded]:
    """Return the objects of a TrackableObjectGraph, in its order.

    Raises:
        ValueError: the bytes are none. UnsafeFileError: more objects than the limit.
    """
    found: list[Recorded] = []
    for number, kind, begin, end in fields(graph):
        if number == 1 and kind == BYTES:
            found.append(_object(graph, begin, end))
            bound(len(found), "graph_nodes", "objects in the graph", limits, path)
    return found


def _object(graph: bytes, begin: int, end: int) -> Recorded:
    children: list[tuple[str, int]] = []
    keys: list[tuple[str, str]] = []
    slots: list[tuple[int, str, int]] = []
    full_name = None
    for number, kind, one, two in fields(graph, begin, end):
        if kind != BYTES or not _CHILD <= number <= _SLOT:
            continue
        numbers, texts = plain(graph, one, two)
        if number == _CHILD:
            children.append((texts.get(2, ""), numbers.get(1, 0)))
        elif number == _SLOT:
            slots.append((numbers.get(1, 0), texts.get(2, ""), numbers.get(3, 0)))
        else:
            keys.append((texts.get(1, ""), texts.get(3, "")))
            if texts.get(1) == VALUE:
                full_name = texts.get(2, "")
    return Recorded(tuple(children), tuple(keys), full_name, tuple(slots))


def nodes_of(
    objects: Sequence[Recorded], tensors: Sequence[Flat], path: str = ""
) -> tuple[list[Node], tuple[Flat, ...]]:
    """Return the nodes of a graph, and the tensors of the file whose keys no object has.

    A tensor that is no variable's values (the state of an iterator, the keys of a table) becomes a node of its own,
    held under what its object calls it.

    Raises:
        FormatError: an object that the graph does not have.
    """
    by_key = {each.key: each for each in tensors}
    rest = sorted(by_key.keys() - {key for each in objects for _, key in each.keys})
    used: set[str] = set()
    nodes: list[Node] = []
    others: list[Node] = []
    for number, each in enumerate(objects):
        children, value = list(each.children), None
        for name, key in each.keys:
            if name == VALUE:
                value = by_key.get(key)
                continue
            for whole in [key] if key in by_key else _beginning_with(key, rest):
                used.add(whole)
                children.append((name + whole[len(key) :], len(objects) + len(others)))
                others.append(Node(tensor=by_key[whole]))
        nodes.append(Node(tuple(children), value, each.full_name, None, None, None, "", each.slots))
        for _, child in each.children:
            _check(child, number, len(objects), path)
        for weight, _, variable in each.slots:
            _check(max(weight, variable), number, len(objects), path)
    return [*nodes, *others], tuple(by_key[key] for key in rest if key not in used)


def _check(child: int, number: int, count: int, path: str) -> None:
    if child >= count:
        raise FormatError(f"object {number} refers to object {child}, which is not there", path)


def _beginning_with(start: str, keys: Sequence[str]) -> list[str]:
    """Return those of sorted keys that begin with `start`: of a table `….table-keys` and `….table-values`."""
    begin = bisect_left(keys, start)
    return list(takewhile(lambda key: key.startswith(start), islice(keys, begin, None)))
