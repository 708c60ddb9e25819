"""What of a graph of objects is the network, who holds what in it, and what is beside: optimizers, metrics, state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from weightrepl.readers.graph_nodes import CELL, METRICS, Node, is_book, is_optimizer, is_state
from weightrepl.readers.guards import STANDARD, Limits, bound

Entry: TypeAlias = tuple[str, int]
"""What an object holds at one place: attribute, list position or dict key, and the number of what is there."""

MAX_WAYS = 16
"""How many ways to one object are told: a graph can make them double at each step."""


class Survey:
    """All that hangs below node 0 of a graph. By the numbers of the nodes.

    variables, lists, containers: nodes that are variables; lists or tuples; and these or dicts, as far as is known.
    root: the model: node 0, or the one model that a `tf.train.Checkpoint` holds.
    children: what an object holds that is of the network, in the file's order: objects, containers, variables.
    order: the objects of the network, each before what holds it. parents: who holds an object or a variable.
    shared: what is reached on several ways.
    optimizers: the attributes that hold them. metrics, state: what of these an object holds.
    """

    def __init__(self, nodes: Sequence[Node], limits: Limits = STANDARD, path: str = "") -> None:
        self.nodes = nodes
        self.variables = {number for number, node in enumerate(nodes) if node.is_variable}
        objects = [(number, node) for number, node in enumerate(nodes) if number not in self.variables]
        self.lists = {number for number, node in objects if node.is_list}
        self.containers = self.lists | {number for number, node in objects if node.is_dict}
        self.children: dict[int, list[Entry]] = {}
        self.optimizers: dict[int, str] = {}
        self.metrics: dict[int, list[Entry]] = {}
        self.state: dict[int, list[Entry]] = {}
        self._books: list[tuple[int, Entry]] = []
        self._above: dict[int, Entry] = {0: ("", 0)}
        self._names: dict[int, dict[int, list[str]]] = {}
        self._ways: dict[int, tuple[str, ...]] = {}
        self._walk(0)
        self._open_books()
        self.order = self._settled(limits, path)
        self.root = self._model()
        self.parents = self._holders()
        self.shared = self._on_several_ways()

    # -- what there is

    def _walk(self, top: int) -> None:
        """Note what hangs below a node, but for what only books list."""
        pending = [top]
        while pending:
            holder = pending.pop()
            if holder in self.children:
                continue
            followed = self.children[holder] = self._followed(holder)
            self._note(holder, followed)
            pending += [node for _, node in reversed(followed) if node not in self.variables]

    def _note(self, holder: int, entries: Sequence[Entry]) -> None:
        for name, node in entries:
            self._above.setdefault(node, (name, holder))

    def _followed(self, number: int) -> list[Entry]:
        """Return what of a node's leads on in the network, and note what is beside it."""
        followed: list[Entry] = []
        for entry in self.nodes[number].children:
            name, child = entry
            node = self.nodes[child]
            if child in self.variables:
                if not node.has_values:
                    continue
                if is_state(name, node) or (number == 0 and name == "save_counter"):
                    self.state.setdefault(number, []).append(entry)
                    continue
            elif is_optimizer(node):
                self.optimizers.setdefault(child, name)
                continue
            if name in METRICS:
                self.metrics.setdefault(number, []).append(entry)
            elif is_book(name):
                self._books.append((number, entry))
            else:
                followed.append(entry)
        return followed

    def _open_books(self) -> None:
        """Add what only books list, and what is below that. Keras numbers layers in the model's order."""
        while self._books:
            books, self._books = self._books, []
            for holder, (name, node) in sorted(books, key=lambda book: book[1][0].startswith("layer-")):
                if node in self._above:
                    continue
                self._above[node] = (name, holder)
                if node in self.lists:
                    entries = [each for each in self._followed(node) if each[1] not in self._above]
                    self.children[node] = entries
                    self._note(node, entries)
                    for _, child in entries:
                        if child not in self.variables:
                            self._walk(child)
                elif node not in self.variables:
                    self._walk(node)
                self.children[holder].append((name, node))
            for holder in {holder for holder, _ in books}:
                every = self.nodes[holder].children
                places = {node: (len(name), name) for name, node in every if name.startswith("layer-")}
                self.children[holder].sort(key=lambda entry, places=places: places.get(entry[1], (0, "")))  # type: ignore[misc]

    # -- what of it is the network

    def _settled(self, limits: Limits, path: str) -> list[int]:
        """Return the objects, each before what holds it; leave out what leads to no variable, and ways back up."""
        order: list[int] = []
        seen, leading = {0}, set[int]()
        stack = [(("", 0), iter(self.children[0]), list[Entry]())]
        while stack:
            held, pending, kept = stack[-1]
            for entry in pending:
                node = entry[1]
                if node in self.variables or node in leading:
                    kept.append(entry)
                elif node not in seen:
                    seen.add(node)
                    stack.append((entry, iter(self.children[node]), []))
                    break
            else:
                stack.pop()
                self.children[held[1]] = kept
                is_layer = self.nodes[held[1]].name is not None or held[0] == CELL
                if kept or is_layer or not stack:
                    leading.add(held[1])
                    order.append(held[1])
                    if stack:
                        stack[-1][2].append(held)
                continue
            if len(stack) > limits.depth:
                bound(len(stack), "depth", "objects within each other", limits, path)
        self.children = {number: self.children[number] for number in order}
        return order

    @property
    def holds_models(self) -> bool:
        """Whether node 0 is a `tf.train.Checkpoint` of models, and none itself."""
        names = {name for name, _ in self.nodes[0].children}
        return not self.nodes[0].kind and "root" not in names and bool(names & {"save_counter", "model"})

    def _model(self) -> int:
        """Return the one model that the object of a checkpoint holds beside scalars; 0 where there is no such."""
        objects = {node for _, node in self.children[0] if node not in self.variables}
        variables = [entry for entry in self.children[0] if entry[1] in self.variables]
        tensors = [self.nodes[node].tensor for _, node in variables]
        are_scalars = all(tensor is None or tensor.spec.shape == () for tensor in tensors)
        if not self.holds_models or len(objects) != 1 or objects & self.containers or not are_scalars:
            return 0
        self.state.setdefault(0, []).extend(variables)
        return objects.pop()

    def _holders(self) -> dict[int, list[int]]:
        """Return who holds each object and variable of the network."""
        holders: dict[int, list[int]] = {}
        for holder in self.order:
            if holder != 0 or self.root == 0:
                for _, node in self.children[holder]:
                    holders.setdefault(node, []).append(holder)
        return holders

    def _on_several_ways(self) -> set[int]:
        """Return what is held twice, and all below that."""
        shared = {node for node, holders in self.parents.items() if len(holders) > 1}
        pending = list(shared)
        while pending:
            below = {node for _, node in self.children.get(pending.pop(), ())} - shared
            shared |= below
            pending += below
        return shared

    # -- where it is

    def owner(self, number: int) -> tuple[int, tuple[str, ...]]:
        """Return the object of the network that something beside it belongs to, and the way from there."""
        way: tuple[str, ...] = ()
        while number and (number not in self.children or number in self.containers):
            name, number = self._above[number]
            way = (name, *way)
        return (number if number in self.parents else self.root), way

    def attributes(self, number: int) -> tuple[str, ...]:
        """Return the ways from an object's holders to it, containers joined by dots: `blocks.0`; at most MAX_WAYS."""
        if number not in self._ways:
            found: list[str] = []
            for holder in dict.fromkeys(self.parents.get(number, ())):
                names = self.names_in(holder)[number]
                ways = self.attributes(holder) if holder in self.containers else ()
                found += [f"{way}.{name}" for way in ways for name in names] or names
                if len(found) > MAX_WAYS:
                    break
            self._ways[number] = tuple(dict.fromkeys(found))[:MAX_WAYS]
        return self._ways[number]

    def names_in(self, holder: int) -> dict[int, list[str]]:
        """Return under which names an object holds what it holds, books and all.

        What tf_keras lists as `layer-3` is `layers.3` of the live model.
        """
        if holder not in self._names:
            self._names[holder] = {}
            for name, node in self.nodes[holder].children:
                names = self._names[holder].setdefault(node, [])
                if len(names) < MAX_WAYS:
                    names.append(name)
                    if name.startswith("layer-") and is_book(name):
                        names.append(name.replace("layer-", "layers."))
        return self._names[holder]
