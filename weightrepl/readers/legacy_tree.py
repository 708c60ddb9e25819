"""The layers of a legacy file while they are put together: what its configuration lists, what its weights add."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.legacy_config import Node, walk
from weightrepl.readers.legacy_names import Scope, Way


class Branch:
    """A layer that is still being put together. node: what the configuration says of it, None where nothing."""

    __slots__ = ("_by_node", "children", "name", "node", "parent", "weights")

    def __init__(self, name: str, node: Node | None = None, parent: Branch | None = None) -> None:
        self.name, self.node, self.parent = name, node, parent
        self.weights: list[Weight] = []
        self.children: list[Branch] = []
        self._by_node: dict[int, Branch] = {}
        for child in node.children if node is not None else ():
            if not child.made:
                self.of(child)

    def of(self, node: Node) -> Branch:
        """Return the child that `node` is. What a class makes itself is there from its first weight on."""
        if id(node) not in self._by_node:
            self._by_node[id(node)] = self._add(Branch(node.name, node, self))
        return self._by_node[id(node)]

    def named(self, name: str) -> Branch:
        """Return the first child of that name, a new one where there is none."""
        for child in self.children:
            if child.name == name:
                return child
        listed = self.node.children if self.node is not None else ()
        for node in listed:
            if node.name == name:
                return self.of(node)
        return self._add(Branch(name, None, self))

    def _add(self, child: Branch) -> Branch:
        self.children.append(child)
        return child

    @property
    def path(self) -> tuple[str, ...]:
        """The names from the layer below the outermost down to this one."""
        return () if self.parent is None else (*self.parent.path, self.name)

    def at(self, way: Way, rest: Scope, written: str | None = None) -> Branch:
        """Return the layer at the end of a way that begins here. written: its name in the file, if that counts."""
        branch = self
        for node in way[1:]:
            branch = branch.of(node)
        if written is not None and not rest and way[-1].made and _plain(written) == _plain(way[-1].name):
            branch.name = written
        for name in rest:
            branch = branch.named(name)
        return branch


def _plain(name: str) -> str:
    """Return a name without the number that Keras gave it; such are the names of cells in tf_keras."""
    return re.sub(r"_[0-9]+\Z", "", name)


class Assembly:
    """Turns branches into layers. doubled: the weights of a shared layer's further places, each stored again."""

    def __init__(self, trees: Sequence[Node], major: int) -> None:
        self._shared = _shared([way[-1] for tree in trees for way in walk(tree)])
        self._made: dict[int, Layer] = {}
        self._major = major
        self.doubled: list[Weight] = []

    def layer(self, branch: Branch) -> Layer:
        """Return the finished layer; a shared one is the same object at each of its places."""
        node = branch.node
        shared = self._shared.get(id(node))
        if shared in self._made:
            self.doubled.extend(_all_weights(branch))
            return self._made[shared]
        if self._major >= 3 and node is not None and node.class_name == "SpectralNormalization":
            _tie(branch)
        layer = Layer(
            branch.name,
            Content(tuple(branch.weights), tuple(self.layer(child) for child in branch.children)),
            class_name=node.class_name if node is not None else None,
            attributes=node.attributes if node is not None else None,
            built=True if next(_all_weights(branch), None) is not None else None,
            shared=shared is not None,
        )
        if shared is not None:
            self._made[shared] = layer
        return layer


def _shared(nodes: Sequence[Node]) -> dict[int, int]:
    """Return a number for each layer that stands in several places, by the node of each place.

    tf_keras numbers a layer from its second place on; the first is the one other layer that is told just alike.
    """
    found: dict[int, int] = {}
    for number in sorted({node.shared_id for node in nodes if node.shared_id is not None}):
        same = [node for node in nodes if node.shared_id == number]
        first = [node for node in nodes if node.shared_id is None and _alike(node, same[0])]
        same += first if len(first) == 1 else []
        if len(same) > 1 and all(_alike(node, same[0]) for node in same):
            found |= {id(node): number for node in same}
    return found


def _alike(one: Node, other: Node) -> bool:
    return (one.name, one.class_name) == (other.name, other.class_name) and one.config == other.config


def _all_weights(branch: Branch) -> Iterator[Weight]:
    yield from branch.weights
    for child in branch.children:
        yield from _all_weights(child)


def _tie(branch: Branch) -> None:
    """Give SpectralNormalization of Keras 3 the kernel that it shares with its layer; the file has it once."""
    for child in branch.children:
        for at, weight in enumerate(child.weights):
            if weight.name in ("kernel", "embeddings"):
                child.weights[at] = tied = weight.replace(shared=True)
                branch.weights.insert(0, tied)
                return
