"""Trees of variables that have nothing but names, as TensorFlow 1 saves them: `scope/dense/kernel`.

What an optimizer made beside a variable is its slot: `scope/dense/kernel/Adam` and `…/Adam_1`. The names of slots are
those of `tensorflow/python/training/*.py`: what `get_slot` is called with.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import STANDARD, Limits, bound
from weightrepl.readers.mirrors import read_all, slot_layer

_SLOTS = {
    # what an optimizer calls its variables, by default its own name -> the slots, in the order they are made in
    "Adadelta": ("accum", "accum_update"),
    "Adagrad": ("accumulator",),
    "AdagradDA": ("gradient_accumulator", "gradient_squared_accumulator"),
    "Adam": ("m", "v"),
    "Ftrl": ("accum", "linear"),
    "Momentum": ("momentum",),
    "ProximalAdagrad": ("accumulator",),
    "RMSProp": ("rms", "momentum"),
    "adam_m": ("m",),  # of BERT's own optimizers, Adam with weight decay and LAMB
    "adam_v": ("v",),
}
_CENTERED = ("rms", "mg", "momentum")
_POWER = re.compile(r"beta[12]_power(_\d+)?\Z")
_DIGITS = re.compile(r"(\d+)")


def named_tree(
    tensors: Sequence[Flat],
    stem: str,
    limits: Limits = STANDARD,
    path: str = "",
    trainable: Mapping[str, bool] | None = None,
) -> tuple[Layer, tuple[str, ...]]:
    """Return the root layer of variables by name, and the names that the model answers to.

    stem: of the file. trainable: by name, where that is known. A first part that all have in common is the model's.

    Raises:
        UnsafeFileError: a name of more parts than `limits` allow.
    """
    tree = _Tree(tensors, trainable or {}, limits, path)
    own = tree.common_part()
    name = stem if own is None else own
    return tree.root(name, own is not None), tuple(dict.fromkeys((name, stem)))


_Named = tuple[list[str], Flat]
"""The parts of a variable's name, and the variable."""


def _split(tensors: Sequence[Flat]) -> list[_Named]:
    return [(each.key.split("/"), each) for each in tensors]


class _Tree:
    """Sorts variables by their names: weights, slots of weights, and what is beside them."""

    def __init__(
        self, tensors: Sequence[Flat], trainable: Mapping[str, bool], limits: Limits, path: str
    ) -> None:
        self._trainable = trainable
        self._unread = [each for each in tensors if each.unread]
        self._by_key = {each.key: each for each in tensors if not each.unread}
        self._weights: dict[str, Weight] = {}
        self._slots: dict[str, dict[str, str]] = {}
        self._beside: dict[str, list[Flat]] = {".optimizer": [], ".state": []}
        self._network: list[Flat] = []
        deepest = max((key.count("/") + 1 for key in self._by_key), default=0)
        bound(deepest, "depth", "parts of a key", limits, path)
        for each in self._by_key.values():
            self._sort(each)

    def _sort(self, each: Flat) -> None:
        slot = self._slot(each)
        if slot is not None:
            self._slots.setdefault(slot[0], {})[slot[1]] = each.key
        elif each.spec.shape == () and _POWER.match(each.key.rpartition("/")[2]):
            self._beside[".optimizer"].append(each)
        elif each.key == "global_step":
            self._beside[".state"].append(each)
        else:
            self._network.append(each)

    def _slot(self, each: Flat) -> tuple[str, str] | None:
        """Return the slot that a variable is, and the name of the weight; None of what is no slot.

        An optimizer that was called within a scope put that before the weight's name.
        """
        scope, _, last = each.key.rpartition("/")
        known, _, number = last.rpartition("_")
        if last in _SLOTS:
            known, number = last, "0"
        if known not in _SLOTS or not number.isdecimal():
            return None
        slots = _SLOTS[known]
        if known == "RMSProp" and f"{scope}/RMSProp_2" in self._by_key:
            slots = _CENTERED
        slot = next((slots[i] for i in range(len(slots)) if number == str(i)), last)
        while scope:
            weight = self._by_key.get(scope)
            if weight is not None and weight.spec.shape == each.spec.shape:
                return slot, scope
            scope = scope.partition("/")[2]
        return None

    def common_part(self) -> str | None:
        """Return the first part of all names, if they have more."""
        firsts = {each.key.partition("/")[0] if "/" in each.key else "" for each in self._network}
        return firsts.pop() or None if len(firsts) == 1 else None

    def root(self, name: str, is_common: bool) -> Layer:
        """Return the outermost layer. is_common: whether all names begin with its own."""
        every = _split(self._network)
        top = Layer(name, lambda: self._content(every, int(is_common), self._system(top)))
        return top

    def _content(self, every: Sequence[_Named], depth: int, more: tuple[Layer, ...] = ()) -> Content:
        """Return what names lead to, the first `depth` parts of which led here."""
        weights: list[Weight] = []
        groups: dict[str, list[_Named]] = {}
        for named in every:
            parts, each = named
            if len(parts) > depth + 1:
                groups.setdefault(parts[depth], []).append(named)
            else:
                weights.append(self._weight(each, parts[depth]))
        names = sorted(groups, key=_counting) if len(groups) > 1 else groups
        return Content(
            tuple(weights), (*(Layer(name, self._later(groups[name], depth + 1)) for name in names), *more)
        )

    def _later(self, group: Sequence[_Named], depth: int) -> Callable[[], Content]:
        return lambda: self._content(group, depth)

    def _weight(self, each: Flat, name: str, remark: str | None = None) -> Weight:
        """Return the weight that a variable is: always the same one."""
        if each.key not in self._weights:
            trainable = self._trainable.get(each.key)
            told = remark or each.remark
            self._weights[each.key] = Weight(
                name, each.spec, each.tensor, trainable, each.key, each.file, False, told
            )
        return self._weights[each.key]

    def _system(self, top: Layer) -> tuple[Layer, ...]:
        found: list[Layer] = []
        optimizer = self._beside[".optimizer"]
        if optimizer or self._slots:
            found.append(Layer(".optimizer", lambda: self._optimizer(top), system=True))
        state = self._beside[".state"]
        if state:
            found.append(Layer(".state", self._later(_split(state), 0), system=True))
        if self._unread:
            weights = tuple(self._weight(each, each.key, each.unread) for each in self._unread)
            found.append(Layer(".unread", Content(weights), system=True))
        return tuple(found)

    def _optimizer(self, top: Layer) -> Content:
        read_all(top)
        own = self._content(_split(self._beside[".optimizer"]), 0)
        layers = [
            slot_layer(
                slot,
                top,
                {
                    id(self._weights[weight]): (self._weight(self._by_key[key], self._weights[weight].name),)
                    for weight, key in found.items()
                },
            )
            for slot, found in self._slots.items()
        ]
        return Content(own.weights, (*layers, *own.children))


def _counting(name: str) -> list[tuple[int, str]]:
    """Return what sorts `layer_2` before `layer_10`; a file keeps names in the order of their letters."""
    return [(len(part.lstrip("0")), part) if part.isdecimal() else (-1, part) for part in _DIGITS.split(name)]
