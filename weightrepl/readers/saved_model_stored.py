"""Which tensor of a SavedModel's checkpoint is which variable of its graph of objects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.graph_objects import VALUE, Recorded, objects_of
from weightrepl.readers.guards import Limits
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.saved_model_graph import SavedObject, Variable
from weightrepl.readers.tensor_bundle import Bundle

_MISSING = "the checkpoint in the folder 'variables' does not hold it"
_ESCAPED = re.compile(r"\.([S.])")
"""How a key writes `/` and `.` in a name (`tensorflow/python/trackable/trackable_utils.py`)."""
_LOOSE = "no object in saved_model.pb has it"


class Stored:
    """What is stored of the objects of a SavedModel.

    tensors: of each variable, by its number; one that the checkpoint does not hold says so when it is read.
    others: of objects, what they have beside variables (the keys of a table): object, what it calls it, tensor.
    loose: tensors that no object has.
    """

    __slots__ = ("loose", "others", "tensors")

    def __init__(self, objects: Sequence[SavedObject], bundle: Bundle, place: str, limits: Limits) -> None:
        by_key = {each.key: each for each in bundle.tensors}
        self.tensors: dict[int, Flat] = {}
        self.others: list[tuple[int, str, Flat]] = []
        graph = None if bundle.graph is None else objects_of(bundle.graph, limits, place)
        for number, name, key in _told_by_keys(objects, by_key) if graph is None else _told(objects, graph):
            if key in by_key and name == VALUE and objects[number].variable:
                self.tensors[number] = by_key.pop(key)
            elif key in by_key:
                self.others.append((number, name, by_key.pop(key)))
        self.loose = [each._replace(unread=each.unread or _LOOSE) for each in by_key.values()]
        for number, each in enumerate(objects):
            if each.variable and number not in self.tensors:
                self.tensors[number] = _absent(each.variable, place)


def _absent(variable: Variable, place: str) -> Flat:
    return Flat(
        variable.name, variable.spec, NoTensor(place, variable.name, _MISSING), place, remark=_MISSING
    )


def _told(objects: Sequence[SavedObject], recorded: Sequence[Recorded]) -> Iterator[tuple[int, str, str]]:
    """Yield the numbers of objects, what each calls a tensor of its own, and the tensor's key."""
    for number, there in _pairs(objects, recorded):
        yield from ((number, name, key) for name, key in recorded[there].keys)


def _told_by_keys(objects: Sequence[SavedObject], keys: Iterable[str]) -> Iterator[tuple[int, str, str]]:
    """Yield the same where the checkpoint's graph can't be read: a key is a way to an object, `net/w/.ATTRIBUTES/…`."""
    children = lru_cache(None)(lambda number: dict(objects[number].children))
    for key in list(keys):
        way, found, name = key.partition("/.ATTRIBUTES/")
        number: int | None = 0 if found else None
        for step in way.split("/"):
            if number is not None:
                number = children(number).get(_ESCAPED.sub(lambda m: "/" if m[1] == "S" else ".", step))
        if number is not None:
            yield number, name, key


def _pairs(objects: Sequence[SavedObject], recorded: Sequence[Recorded]) -> Iterator[tuple[int, int]]:
    """Yield the number of each object and that of the same in the checkpoint: what is held under the same names.

    The numbers agree in all files seen, but nobody promises that.
    """
    pairs = {0: 0} if objects and recorded else {}
    pending = list(pairs)
    for number in pending:
        children = dict(recorded[pairs[number]].children)
        for name, child in objects[number].children:
            same = children.get(name, -1)
            if child not in pairs and 0 <= same < len(recorded):
                pairs[child] = same
                pending.append(child)
    for number in pending:
        slots = {(one, name): slot for one, name, slot in recorded[pairs[number]].slots}
        for one, name, slot in objects[number].slots:
            same = slots.get((pairs.get(one, -1), name), -1)
            if 0 <= same < len(recorded):
                pairs.setdefault(slot, same)
    yield from pairs.items()
