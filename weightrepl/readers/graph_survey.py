"""What of a graph of objects is the network, who holds what in it, and what is beside: optimizers, metrics, state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from weightrepl.readers.graph_nodes import METRICS, Node, is_book, is_optimizer, is_state
from weightrepl.readers.guards import STANDARD, Limits, bound


class Held(NamedTuple):
    """What an object holds at one place: attribute, list position or dict key, and the number of what is there."""

    name: str
    node: int


class Survey:
    """All that hangs below node 0 of a graph. By the numbers of the nodes.

    lists, containers: nodes that are known for lists or tuples; and for these or dicts.
    root: the model: node 0, or the one model that a `tf.train.Checkpoint` holds.
    children: what an object holds that is of the network, in the file's order: objects, containers, variables.
    order: the nodes of the network, each before what holds it. parents: who holds it.
    shared: what is reached on several ways.
    optimizers: the attributes that hold them. metrics, state: what of these an object holds.
    """

    def __init__(self, nodes: Sequence[Node], limits: Limits = STANDARD, path: str = "") -> None:
        self.nodes = nodes
        self.lists = {number for number, node in enumerate(nodes) if node.is_list}
        self.containers = self.lists | {number for number, node in enumerate(nodes) if node.is_dict}
        self.children: dict[int, list[Held]] = {}
        self.optimizers: dict[int, str] = {}
        self.metrics: dict[int, list[Held]] = {}
        self.state: dict[int, list[Held]] = {}
        self._books: list[tuple[int, Held]] = []
        self._above: dict[int, tuple[int, str]] = {}
        self._names: dict[int, dict[int, list[str]]] = {}
        self._walk(0)
        self._open_books()
        self.order = self._in_order(limits, path)
        self._prune()
        self.root = self._model()
        self.parents, self.shared = self._ways_to()

    def _walk(self, top: int) -> None:
        pending = [top]
        while pending:
            holder = pending.pop()
            if holder not in self.children:
                self.children[holder] = self._followed(holder)
                for name, node in reversed(self.children[holder]):
                    self._above.setdefault(node, (holder, name))
                    pending.append(node)

    def _followed(self, number: int) -> list[Held]:
        """Return what of a node's leads on in the network, and note what is beside it."""
        followed: list[Held] = []
        for held in map(Held._make, self.nodes[number].children):
            node = self.nodes[held.node]
            is_counter = number == 0 and held.name == "save_counter"
            if node.is_variable and not node.has_values:
                continue
            if node.is_variable and (is_counter or is_state(held.name, node)):
                self.state.setdefault(number, []).append(held)
            elif is_optimizer(node):
                self.optimizers.setdefault(held.node, held.name)
            elif held.name in METRICS:
                self.metrics.setdefault(number, []).append(held)
            elif is_book(held.name):
                self._books.append((number, held))
            else:
                followed.append(held)
        return followed

    def _open_books(self) -> None:
        """Add what only books list, and what is below that."""
        while self._books:
            books, self._books = self._books, []
            for holder, held in sorted(books, key=lambda book: book[1].name.startswith("layer-")):
                if held.node in self.children:
                    continue
                if held.node in self.lists:
                    entries = map(Held._make, self.nodes[held.node].children)
                    self.children[held.node] = [each for each in entries if each.node not in self.children]
                for name, node in self.children.get(held.node, ()):
                    self._above.setdefault(node, (held.node, name))
                    self._walk(node)
                self._walk(held.node)
                self._above.setdefault(held.node, (holder, held.name))
                self.children[holder].append(held)

    def _in_order(self, limits: Limits, path: str) -> list[int]:
        """Return the nodes, each before what holds it; leave out the ways that lead back up."""
        order: list[int] = []
        branch, stack = {0}, [(0, iter(tuple(self.children[0])))]
        seen = {0}
        while stack:
            holder, pending = stack[-1]
            held = next(pending, None)
            if held is None:
                order.append(holder)
                branch.discard(holder)
                stack.pop()
            elif held.node in branch:
                self.children[holder] = [each for each in self.children[holder] if each.node != held.node]
            elif held.node not in seen:
                seen.add(held.node)
                branch.add(held.node)
                stack.append((held.node, iter(tuple(self.children[held.node]))))
                bound(len(stack), "depth", "objects within each other", limits, path)
        return order

    def _prune(self) -> None:
        """Leave out what leads to no variable of the network."""
        leading: set[int] = set()
        for number in self.order:
            kept = [held for held in self.children[number] if held.node in leading]
            self.children[number] = kept
            if kept or self.nodes[number].is_variable or self.nodes[number].name is not None:
                leading.add(number)
        self.order = [number for number in self.order if number in leading or number == 0]
        self.children = {number: self.children[number] for number in self.order}

    @property
    def holds_models(self) -> bool:
        """Whether node 0 is a `tf.train.Checkpoint` of models, and none itself."""
        names = {name for name, _ in self.nodes[0].children}
        return not self.nodes[0].kind and "root" not in names and bool(names & {"save_counter", "model"})

    def _model(self) -> int:
        """Return the one model that the object of a checkpoint holds beside scalars; 0 where there is no such."""
        if not self.holds_models:
            return 0
        objects = [held for held in self.children[0] if not self.nodes[held.node].is_variable]
        variables = [held for held in self.children[0] if self.nodes[held.node].is_variable]
        tensors = [self.nodes[held.node].tensor for held in variables]
        scalar = all(tensor is None or tensor.spec.shape == () for tensor in tensors)
        if (
            len({held.node for held in objects}) != 1
            or not scalar
            or objects[0].node in self.containers
        ):
            return 0
        self.state.setdefault(0, []).extend(variables)
        return objects[0].node

    def _ways_to(self) -> tuple[dict[int, list[int]], set[int]]:
        """Return who holds each node, and what is reached on several ways: held twice, or below such."""
        parents: dict[int, list[int]] = {}
        pending, seen = [self.root], {self.root}
        while pending:
            holder = pending.pop()
            for held in self.children[holder]:
                parents.setdefault(held.node, []).append(holder)
                if held.node not in seen:
                    seen.add(held.node)
                    pending.append(held.node)
        shared = {node for node, holders in parents.items() if len(holders) > 1}
        pending = list(shared)
        while pending:
            for held in self.children[pending.pop()]:
                if held.node not in shared:
                    shared.add(held.node)
                    pending.append(held.node)
        return parents, shared

    def owner(self, number: int) -> tuple[int, tuple[str, ...]]:
        """Return the object of the network that something beside it belongs to, and the way from there."""
        way: tuple[str, ...] = ()
        while number not in self.children or number in self.containers:
            if number not in self._above:
                break
            number, name = self._above[number]
            way = (name, *way)
        return (number if number in self.parents else self.root), way

    def attributes(self, number: int) -> tuple[str, ...]:
        """Return all ways from an object's holders to it, containers joined by dots: `blocks.0`, `layer-1`."""
        found: list[str] = []
        for holder in dict.fromkeys(self.parents.get(number, ())):
            names = self._names_in(holder)[number]
            ways = self.attributes(holder) if holder in self.containers else ()
            found += [f"{way}.{name}" for way in ways for name in names] or names
        return tuple(dict.fromkeys(found))

    def _names_in(self, holder: int) -> dict[int, list[str]]:
        """Return under which names an object holds what it holds, books and all."""
        if holder not in self._names:
            self._names[holder] = {}
            for name, node in self.nodes[holder].children:
                self._names[holder].setdefault(node, []).append(name)
        return self._names[holder]
