"""An optimizer in a graph of objects: which of its variables is which slot of which weight.

Optimizers of TensorFlow 1 and 2 record it. Those of Keras hold a list per slot, in the order of the weights: Keras 3
lists these too; of tf_keras only the names tell them (`Adam/m/hidden/kernel`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.graph_nodes import Node, is_optimizer
from weightrepl.readers.graph_survey import Held
from weightrepl.readers.mirrors import slot_layer

_LISTS = ("_variables", "_trainable_variables")
"""Lists of Keras's optimizers: of all their variables, and of the weights that they train."""


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
        self._by_end: dict[str, list[int]] = {}
        for number in weights:
            self._by_end.setdefault(nodes[number].own_name, []).append(number)

    def content(self, number: int) -> Content:
        """Return what belongs to no weight, a layer per slot, and the optimizers within."""
        slots: dict[str, dict[int, list[Weight]]] = {}
        placed: set[int] = set()
        for slot, weight, variable in self._slots(number):
            if variable not in placed and not self._nodes[variable].is_unread:
                placed.add(variable)
                found = slots.setdefault(slot, {}).setdefault(id(self._weights[weight]), [])
                found.append(self._make(variable, self._weights[weight].name))
        own, lists = self._others(number, placed)
        inner = [
            Layer(held.name.strip("_"), lambda node=held.node: self.content(node))  # type: ignore[misc]
            for held in self._held(number)
            if is_optimizer(self._nodes[held.node])
        ]
        layers = [slot_layer(name, self._root, found) for name, found in slots.items()]
        return Content(tuple(own), (*lists, *layers, *inner))

    def _held(self, number: int) -> list[Held]:
        return list(map(Held._make, self._nodes[number].children))

    def _slots(self, number: int) -> Iterator[tuple[str, int, int]]:
        """Yield the name of a slot, the number of the weight, and that of the slot's variable."""
        for weight, slot, variable in self._nodes[number].slots:
            if weight in self._weights:
                yield slot, weight, variable
        held = self._held(number)
        trained = next((self._held(each.node) for each in held if each.name == "_trainable_variables"), [])
        by_position = dict(trained)
        for each in held:
            if each.name in _LISTS or not self._nodes[each.node].is_list:
                continue
            pairs = [
                (by_position.get(position) if trained else self._weight_by_name(node), node)
                for position, node in self._held(each.node)
            ]
            known = [(weight, node) for weight, node in pairs if weight in self._weights]
            name = self._slot_name(each.name, known)
            for weight, node in known:
                yield name, weight, node

    def _weight_by_name(self, variable: int) -> int | None:
        """Return the weight whose name ends that of a slot's variable, if there is only one: `Adam/m/hidden/kernel`."""
        node = self._nodes[variable]
        fitting = [
            weight
            for weight in self._by_end.get(node.own_name, ())
            if (node.variable or "").endswith(f"/{self._nodes[weight].variable}")
            and node.tensor is not None
            and node.tensor.spec.shape == self._weights[weight].spec.shape
        ]
        return fitting[0] if len(fitting) == 1 else None

    def _slot_name(self, attribute: str, pairs: Sequence[tuple[int, int]]) -> str:
        """Return `m` of `Adam/m/hidden/kernel`, `momentum` of `adam/hidden_kernel_momentum`; else the attribute's."""
        found = {self._recorded_slot(*pair) for pair in pairs}
        return (found.pop() if len(found) == 1 else "") or attribute.strip("_")

    def _recorded_slot(self, weight: int, variable: int) -> str:
        whole, name = self._nodes[weight].variable or "", self._nodes[variable].variable or ""
        if name.endswith("/" + whole):
            return name.removesuffix("/" + whole).rpartition("/")[2]
        return name.rpartition(f"{self._nodes[weight].own_name}_")[2] if "_" in name else ""

    def _others(self, number: int, placed: set[int]) -> tuple[list[Weight], list[Layer]]:
        """Return the variables that belong to no weight: single ones, and by list."""
        own: list[Weight] = []
        lists: list[Layer] = []
        seen = placed | set(self._weights)
        objects = [number]
        while objects:
            every = sorted(self._held(objects.pop(0)), key=lambda held: held.name in _LISTS)
            for held in every:
                node = self._nodes[held.node]
                if held.node in seen or is_optimizer(node):
                    continue
                seen.add(held.node)
                if node.is_variable:
                    own += self._made(held.node, held.name.strip("_"))
                elif node.is_list:
                    inside = [each.node for each in self._held(held.node) if each.node not in seen]
                    made = [w for each in inside for w in self._made(each, self._nodes[each].own_name)]
                    seen.update(inside)
                    if held.name in _LISTS:
                        own += made
                    elif made:
                        lists.append(Layer(held.name.strip("_"), Content(tuple(made))))
                else:
                    objects.append(held.node)
        return own, lists

    def _made(self, number: int, name: str) -> list[Weight]:
        return [self._make(number, name)] if not self._nodes[number].is_unread else []
