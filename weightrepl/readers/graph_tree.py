"""Graphs of objects, as checkpoints and SavedModels record them, as trees of layers: names, slots, what is shared.

A layer is called as its author called it where that is recorded, by itself or by the names of its variables
(`larger_model/custom_module/kernel`); else by the attribute that holds it. Lists and dicts hold layers under numbers
and keys; around layers that have names of their own they fall away, as those of Keras's own books do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from weightrepl.errors import FormatError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.graph_names import Names
from weightrepl.readers.graph_nodes import CELL, Node
from weightrepl.readers.graph_slots import TRAINED, Optimizers
from weightrepl.readers.graph_survey import Entry, Survey
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.hdf5 import NoTensor
from weightrepl.readers.mirrors import mirrored, read_all

__all__ = ("Node", "tree_of")

LOOSE = "the file's graph of objects has no object with this key"
APART = "no way leads to its object in the file's graph"
OMITTED = (
    "the optimizer trains it, but the file does not record in which layer it is: Keras 3 leaves layers in lists, "
    "tuples and dicts out of checkpoints"
)
NO_CELLS = "its weights are not in this file: Keras 3 leaves cells in a list out of checkpoints"
MISSING = "recorded in the graph of objects, but not stored in this file"

_DEFAULT = re.compile(r"Variable(_\d+)?")
_DEFAULT_OF_MODULES = re.compile(r"(Variable|variable)(_\d+)?")
"""What a variable is called that nobody named; Keras 3 counts its own."""


def tree_of(
    nodes: Sequence[Node], stem: str, loose: Sequence[Flat] = (), limits: Limits = STANDARD, path: str = ""
) -> tuple[Layer, tuple[str, ...]]:
    """Return the root layer of a graph, of which node 0 is the root, and the names that the model answers to.

    stem: of the file. loose: tensors of the file that no node of the graph has; they hang under `.unread`.
    A graph that holds one model (`tf.train.Checkpoint(model=…)`) is that model. Layers are made when asked for.

    Raises:
        FormatError: a node that is not there. UnsafeFileError: nested deeper than the limit.
    """
    if not nodes:
        raise FormatError("a graph without objects", path)
    tree = _Tree(Survey(nodes, limits, path), loose, path)
    return tree.root(stem)


class _Holding(NamedTuple):
    """What a layer holds, as it is put together.

    layers: by node and name; a layer of Keras's is there but once. opened: containers whose content is in it.
    """

    weights: list[Weight]
    layers: dict[tuple[int, str], Layer]
    opened: set[int]

    def content(self, more: tuple[Layer, ...] = ()) -> Content:
        return Content(tuple(self.weights), (*self.layers.values(), *more))


class _Tree:
    """Makes the layers and weights of one graph, each once."""

    def __init__(self, survey: Survey, loose: Sequence[Flat], path: str) -> None:
        self.survey, self.nodes, self._loose, self._path = survey, survey.nodes, loose, path
        self.names = Names(survey)
        self._layers: dict[tuple[int, str], Layer] = {}
        self._weights: dict[int, Weight] = {}
        self._stay: dict[int, list[Entry]] = {}
        self._top: Layer | None = None

    def root(self, stem: str) -> tuple[Layer, tuple[str, ...]]:
        """Return the outermost layer, and its names: its own, the attribute's that holds it, the file's."""
        root = self.survey.root
        own = self.names.of(root)
        held = [name for name, node in self.nodes[0].children if node == root != 0]
        names = tuple(dict.fromkeys(name for name in (own, *held[:1], stem) if name))
        self._top = self._layer(root, names[0], ())
        return self._top, names

    def _layer(self, number: int, name: str, attributes: tuple[str, ...]) -> Layer:
        key = (number, name)
        if key not in self._layers:
            self._layers[key] = Layer(
                name,
                lambda: self._content(number),
                class_name=self.nodes[number].class_name,
                attributes=attributes,
                shared=number in self.survey.shared,
                remark=NO_CELLS if self._is_cell_without_weights(number, name) else None,
            )
        return self._layers[key]

    def _is_cell_without_weights(self, number: int, name: str) -> bool:
        return name == CELL and self.names.is_keras and not self.survey.children[number]

    def _content(self, number: int) -> Content:
        inside = _Holding([], {}, set())
        self._fill(inside, number, number, ())
        return inside.content(self._system() if number == self.survey.root else ())

    def _fill(self, content: _Holding, owner: int, holder: int, way: tuple[str, ...]) -> None:
        """Add what an object holds to a content: `holder` is the object, or a container that it holds at `way`."""
        for name, node in self.survey.children[holder]:
            if node in self.names.inner:
                self._fill(content, owner, node, way)
            elif self.names.is_container(node):
                if self.names.is_keras and node not in content.opened:
                    content.opened.add(node)
                    self._fill(content, owner, node, (*way, name))
                if not way and self._staying(node):
                    content.layers[(node, name)] = self._container((name, node))
            elif not way or self._is_owners(node):
                self._add(content, holder, (name, node), way)

    def _add(self, content: _Holding, holder: int, entry: Entry, way: tuple[str, ...]) -> None:
        """Add what an object holds, itself or in a container at `way`: a layer of Keras's once, others by each name."""
        name, node = entry
        if node in self.survey.variables:
            content.weights.append(self.weight(node, self._role(entry, way)))
            return
        own, is_keras = self.names.of(node), self.names.is_keras
        key = (node, "" if is_keras else name)
        if key not in content.layers:
            found = (name,) if own is None and not is_keras else tuple(self.survey.names_in(holder)[node])
            attributes = found if own is None else self.survey.attributes(node)
            content.layers[key] = self._layer(node, name if own is None else own, attributes)

    def _is_owners(self, node: int) -> bool:
        """Return whether what a container holds is its owner's: what has a name, and the variables of Keras."""
        return self.names.is_keras if node in self.survey.variables else self.names.of(node) is not None

    def _staying(self, container: int) -> list[Entry]:
        """Return what stays in a container."""
        if container not in self._stay:
            self._stay[container] = [
                entry
                for entry in self.survey.children[container]
                if (
                    self._staying(entry[1])
                    if self.names.is_container(entry[1])
                    else not self._is_owners(entry[1])
                )
            ]
        return self._stay[container]

    def _container(self, entry: Entry) -> Layer:
        """Return the layer that a container is, for what stays in it."""
        name, node = entry

        def content() -> Content:
            inside = _Holding([], {}, set())
            for each in self._staying(node):
                if self.names.is_container(each[1]):
                    inside.layers[(each[1], each[0])] = self._container(each)
                else:
                    self._add(inside, node, each, (name,))
            return inside.content()

        if (node, name) not in self._layers:
            kind = "list" if node in self.survey.lists else "dict" if node in self.survey.containers else None
            shared = node in self.survey.shared
            self._layers[(node, name)] = Layer(
                name, content, class_name=kind, attributes=(name,), shared=shared
            )
        return self._layers[(node, name)]

    def _role(self, entry: Entry, way: tuple[str, ...]) -> str:
        """Return the name of a variable: in Keras its own, in a tf.Module the attribute's but for a `_` before it.

        That of a variable which nobody named is the way on which it is held.
        """
        step, node = entry
        own = self.nodes[node].own_name
        if self.names.is_keras:
            return own if own and not _DEFAULT.fullmatch(own) else ".".join((*way, step))
        if step.isdecimal():
            return own if own and not _DEFAULT_OF_MODULES.fullmatch(own) else step
        return own if own == step.lstrip("_") else step

    def weight(self, number: int, name: str) -> Weight:
        """Return the weight that a variable is: the one made before, under the name that it had first."""
        if number not in self._weights:
            node = self.nodes[number]
            assert node.tensor is not None
            key, spec, tensor, file, _, remark = node.tensor
            is_shared = number in self.survey.shared
            self._weights[number] = Weight(name, spec, tensor, node.trainable, key, file, is_shared, remark)
        return self._weights[number]

    # -- beside the network

    def _system(self) -> tuple[Layer, ...]:
        """Return the system's layers, as far as there is something in them."""
        optimizers = self.survey.optimizers
        found = []
        if len(optimizers) == 1:
            found.append(self._optimizer(next(iter(optimizers)), ".optimizer"))
        elif optimizers:
            each = tuple(self._optimizer(number, name.strip("_")) for number, name in optimizers.items())
            found.append(Layer(".optimizer", Content((), each), system=True))
        if any(
            True for every in self.survey.metrics.values() for entry in every for _ in self._metrics_in(entry)
        ):
            found.append(Layer(".metrics", self._metrics, system=True))
        if self.survey.state:
            found.append(Layer(".state", self._state, system=True))
        unread = self._unread()
        if unread:
            found.append(Layer(".unread", Content(tuple(unread)), system=True))
        return tuple(found)

    def _optimizer(self, number: int, name: str) -> Layer:
        def content() -> Content:
            assert self._top is not None
            read_all(self._top)
            weights = {node: each for node, each in self._weights.items() if node in self.survey.parents}
            return Optimizers(self.nodes, self._top, weights, self.weight).content(number)

        return Layer(name, content, system=name == ".optimizer")

    def _state(self) -> Content:
        contents: dict[int, list[Weight]] = {}
        for number, every in self.survey.state.items():
            owner, way = self.survey.owner(number)
            for step, node in every:
                own = self.nodes[node].own_name
                name = own if own == "seed_generator_state" else ".".join((*way, step))
                contents.setdefault(owner, []).append(self.weight(node, name))
        return self._mirrored({number: Content(tuple(weights)) for number, weights in contents.items()})

    def _metrics(self) -> Content:
        contents: dict[int, list[Layer]] = {}
        for number, every in self.survey.metrics.items():
            owner, _ = self.survey.owner(number)
            for entry in every:
                contents.setdefault(owner, []).extend(self._metrics_in(entry))
        return self._mirrored({number: Content((), tuple(layers)) for number, layers in contents.items()})

    def _metrics_in(self, entry: Entry) -> Iterator[Layer]:
        """Yield the metrics at and below a node: objects with variables of their own."""
        seen, pending = {entry[1]}, [entry]
        for step, number in pending:  # which grows
            below = [child for child in self.nodes[number].children if child[1] not in seen]
            seen |= {node for _, node in below}
            variables = [(name, node) for name, node in below if self.nodes[node].has_values]
            pending += [child for child in below if child[1] not in self.survey.variables]
            if variables:
                scopes = {(self.nodes[node].variable or "").rpartition("/")[0] for _, node in variables}
                own = scopes.pop().rpartition("/")[2] if len(scopes) == 1 else ""
                weights = [self.weight(node, self.nodes[node].own_name or name) for name, node in variables]
                yield Layer(self.nodes[number].name or own or step.strip("_"), Content(tuple(weights)))

    def _mirrored(self, contents: dict[int, Content]) -> Content:
        assert self._top is not None
        read_all(self._top)
        by_layer = {
            id(layer): contents[number] for (number, _), layer in self._layers.items() if number in contents
        }
        return mirrored(self._top, lambda layer: by_layer.get(id(layer), Content()))

    def _unread(self) -> list[Weight]:
        """Return what is stored but hangs nowhere, or can't be read, with the reason."""
        reached, omitted = self._reached(), self._omitted()
        told = [(flat, LOOSE) for flat in self._loose]
        for number, node in enumerate(self.nodes):
            if node.is_variable and not node.has_values:
                told.append((node.tensor or _absent(node, self._path), MISSING))
            elif node.tensor is not None and (number in omitted or number not in reached):
                told.append((node.tensor, OMITTED if number in omitted else APART))
        return [
            Weight(flat.key, flat.spec, flat.tensor, None, flat.key, flat.file, remark=flat.unread or reason)
            for flat, reason in told
        ]

    def _omitted(self) -> set[int]:
        """Return the weights that only an optimizer holds."""
        optimizers = (self.nodes[number] for number in self.survey.optimizers)
        lists = (child for each in optimizers for name, child in each.children if name == TRAINED)
        return {node for each in lists for _, node in self.nodes[each].children} - self.survey.parents.keys()

    def _reached(self) -> set[int]:
        """Return all nodes to which a way leads from the first one, slots of optimizers among them."""
        seen, pending = {0}, [0]
        while pending:
            node = self.nodes[pending.pop()]
            below = {slot for _, _, slot in node.slots}
            if not node.is_variable:
                below |= {number for _, number in node.children}
            pending += below - seen
            seen |= below
        return seen


def _absent(node: Node, path: str) -> Flat:
    """Return what stands for a variable that is not stored."""
    name = node.variable or ""
    return Flat(name, TensorSpec(None, "unknown"), NoTensor(path, name, MISSING), path, MISSING)
