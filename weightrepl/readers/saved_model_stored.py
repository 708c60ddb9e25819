"""Which tensor of a SavedModel's checkpoint is which variable of its graph of objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.graph_objects import VALUE, Recorded, objects_of
from weightrepl.readers.guards import Limits
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.saved_model_graph import SavedObject, Variable
from weightrepl.readers.tensor_bundle import Bundle

_MISSING = "the checkpoint in the folder 'variables' does not hold it"
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
        recorded = objects_of(bundle.graph, limits, place) if bundle.graph else []
        for number, there in _pairs(objects, recorded):
            for name, key in recorded[there].keys:
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


def _pairs(objects: Sequence[SavedObject], recorded: Sequence[Recorded]) -> Iterator[tuple[int, int]]:
    """Yield the number of each object and that of the same in the checkpoint: what is held under the same names.

    The numbers agree in all files seen, but nobody promises that.
    """
    pairs = {0: 0} if recorded else {}
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
