"""An optimizer in a graph of objects: which of its variables is which slot of which weight.

Optimizers of TensorFlow 1 and 2 record it. Those of Keras hold a list per slot, in the order of the weights: Keras 3
lists these too; of tf_keras only the names tell them (`Adam/m/hidden/kernel`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.graph_nodes import Node, is_optimizer
from weightrepl.readers.graph_survey import Entry
from weightrepl.readers.mirrors import slot_layer

ALL, TRAINED = "_variables", "_trainable_variables"
"""Lists of Keras's optimizers: of all their variables, and in Keras 3 of the weights that they train."""


class _Slot(NamedTuple):
    """A slot's variables: by the id of the weight, and those of weights that are in no layer."""

    of_weights: dict[int, list[Weight]]
    others: list[Weight]


def _in_order(root: Layer) -> Iterator[Weight]:
    """Yield the weights of the network in the order of the tree; some of them several times."""
    seen, pending = set[int](), [root]
    while pending:
        layer = pending.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            yield from layer.weights
            pending += (child for child in reversed(layer.children) if not child.system)


class Optimizers:
    """Makes the layers of a graph's optimizers.

    weights: those of the network by the number of the node. make: gives the Weight that a node is, under a name.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        root: Layer,
        weights: Mapping[int, Weight],
        make: Callable[[int, str], Weight],
    ) -> None:
        self._nodes, self._root, self._make = nodes, root, make
        self._weights = dict(weights)
        places = {id(weight): place for place, weight in enumerate(_in_order(root))}
        self._rank = {number: places[id(weight)] for number, weight in weights.items()}
        self._named: dict[str, list[int]] = {}
        for number in sorted(weights, key=self._rank.__getitem__):
            self._named.setdefault(nodes[number].variable or "", []).append(number)

    def content(self, top: int) -> Content:
        """Return what is in an optimizer: what belongs to no weight, a layer per slot, and the optimizers within."""
        inner: dict[int, list[Entry]] = {}
        seen, pending = {top}, [top]
        for number in pending:  # which grows
            for entry in self._nodes[number].children:
                if entry[1] not in seen and is_optimizer(self._nodes[entry[1]]):
                    seen.add(entry[1])
                    pending.append(entry[1])
                    inner.setdefault(number, []).append(entry)
        return self._content(top, inner)

    def _content(self, number: int, inner: Mapping[int, Sequence[Entry]]) -> Content:
        slots: dict[str, _Slot] = {}
        placed: set[int] = set()
        for slot, weight, variable in self._slots(number):
            if variable in placed or not self._nodes[variable].has_values:
                continue
            placed.add(variable)
            found = slots.setdefault(slot, _Slot({}, []))
            if weight in self._weights:
                owner = self._weights[weight]
                found.of_weights.setdefault(id(owner), []).append(self._make(variable, owner.name))
            else:
                found.others.append(self._make(variable, self._nodes[variable].own_name))
        own, lists = self._others(number, placed)
        below = [
            Layer(name.strip("_"), partial(self._content, node, inner))
            for name, node in inner.get(number, ())
        ]
        layers = [self._layer(name, slot) for name, slot in slots.items()]
        return Content(tuple(own), (*lists, *layers, *below))

    def _layer(self, name: str, slot: _Slot) -> Layer:
        """Return the layer of a slot: the model's layers, and what belongs to a weight that is in none of them."""
        weights, layers = slot_layer(name, self._root, slot.of_weights).content
        return Layer(name, Content((*weights, *slot.others), layers))

    def _slots(self, number: int) -> Iterator[tuple[str, int, int]]:
        """Yield the name of a slot, the number of the weight, and that of the slot's variable."""
        for weight, slot, variable in self._nodes[number].slots:
            yield slot, weight, variable
        held = {name: self._nodes[node] for name, node in self._nodes[number].children}
        lists = {
            name: node.children for name, node in held.items() if node.is_list and name not in (ALL, TRAINED)
        }
        trained = held[TRAINED].children if TRAINED in held else ()
        positions = dict(trained) if trained else self._by_names(lists.values())
        for attribute, entries in lists.items():
            known = [(positions[position], node) for position, node in entries if position in positions]
            name = self._slot_name(attribute, known)
            for weight, node in known:
                yield name, weight, node
        if {"_r", "_c", "_v"} <= held.keys() - lists.keys() and ALL in held:
            single = {node for _, node in self._nodes[number].children}
            slots = [node for _, node in held[ALL].children if node not in single]
            yield from self._of_adafactor([weight for _, weight in trained], slots)

    def _of_adafactor(self, trained: Sequence[int], slots: Sequence[int]) -> Iterator[tuple[str, int, int]]:
        """Yield the slots of Keras 3's Adafactor, the lists of which are not in checkpoints: three for each weight."""
        velocities = [self._nodes[node].own_name.endswith("_velocity") for node in slots[2::3]]
        if len(slots) == 3 * len(trained) and all(velocities):
            for place, node in enumerate(slots):
                yield ("r", "c", "velocity")[place % 3], trained[place // 3], node

    def _by_names(self, lists: Iterable[Sequence[tuple[str, int]]]) -> dict[str, int]:
        """Return the weights that the positions of an optimizer's lists belong to, by the names of its variables.

        Names that several weights have are told apart by the order, where all others are in the model's.
        """
        fitting: dict[str, list[int]] = {}
        for position, node in (entry for entries in lists for entry in entries):
            found = self._fitting(node)
            known = fitting.setdefault(position, found)
            if found and (not known or len(found) < len(known)):
                fitting[position] = found
        sure = {position: found[0] for position, found in fitting.items() if len(found) == 1}
        taken: Counter[tuple[int, ...]] = Counter()
        guessed = dict(sure)
        for position in sorted(fitting, key=_counting):
            alike = tuple(fitting[position])
            if len(alike) > 1 and taken[alike] < len(alike):
                guessed[position] = alike[taken[alike]]
                taken[alike] += 1
        ranks = [self._rank[guessed[position]] for position in sorted(guessed, key=_counting)]
        return guessed if ranks == sorted(set(ranks)) else sure

    def _fitting(self, variable: int) -> list[int]:
        """Return the weights of a slot's shape whose name ends its own: `Adam/m/hidden/kernel`."""
        tensor, name = self._nodes[variable].tensor, self._nodes[variable].variable or ""
        ends = (name[slash.end() :] for slash in re.finditer("/", name))
        fitting = (weight for end in ends for weight in self._named.get(end, ()))
        return [
            each
            for each in fitting
            if tensor is not None and tensor.spec.shape == self._weights[each].spec.shape
        ]

    def _slot_name(self, attribute: str, pairs: Sequence[tuple[int, int]]) -> str:
        """Return `m` of `Adam/m/hidden/kernel`, `momentum` of `adam/hidden_kernel_momentum`; else the attribute's."""
        found = {self._recorded_slot(*pair) for pair in pairs}
        return (found.pop() if len(found) == 1 else "") or attribute.strip("_")

    def _recorded_slot(self, weight: int, variable: int) -> str:
        whole, name = self._nodes[weight].variable or "", self._nodes[variable].variable or ""
        if name.endswith("/" + whole):
            return name.removesuffix("/" + whole).rpartition("/")[2]
        _, found, slot = name.rpartition(f"{self._nodes[weight].own_name}_")
        return slot if found else ""

    def _others(self, optimizer: int, placed: set[int]) -> tuple[list[Weight], list[Layer]]:
        """Return the variables that belong to no weight: single ones, and by list."""
        own: list[Weight] = []
        lists: list[Layer] = []
        seen = placed | set(self._weights)
        pending = [optimizer]
        for each in pending:  # which grows
            for name, number in sorted(self._nodes[each].children, key=lambda entry: entry[0] == ALL):
                node = self._nodes[number]
                if number in seen or name == TRAINED or is_optimizer(node):
                    continue
                seen.add(number)
                if node.is_variable:
                    own += self._made(number, "iterations" if name == "iter" else name.strip("_"))
                elif node.is_list:
                    inside = [entry for _, entry in node.children if entry not in seen]
                    seen.update(inside)
                    made = [weight for i in inside for weight in self._made(i, self._nodes[i].own_name)]
                    if name == ALL:
                        own += made
                    elif made:
                        lists.append(Layer(name.strip("_"), Content(tuple(made))))
                else:
                    pending.append(number)
        return own, lists

    def _made(self, number: int, name: str) -> list[Weight]:
        return [self._make(number, name)] if self._nodes[number].has_values else []


def _counting(position: str) -> tuple[int, str]:
    """Return what sorts positions in a list, which are written without zeros before them."""
    return len(position), position
