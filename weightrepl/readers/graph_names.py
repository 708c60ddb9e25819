"""The names of layers that a graph's variables tell: `larger_model/custom_module/kernel` names two layers.

A variable is called by the scopes that were open when it was made. These are the names of the layers above it only
if nothing was left out: Functional models open no scope, lists and dicts neither, a layer that is made before its
model has no model above it, and of a layer that is first called while Keras 3 traces its model nothing is left but
the model's own name. So a name is taken only where there are as many scopes as layers, where all variables of a
layer agree, and where no other reading fits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from weightrepl.readers.graph_nodes import NUMBERED, Node
from weightrepl.readers.graph_survey import Survey

Scope = tuple[str, ...]

_FUNCTIONAL = ("_operations", "_functional")
_ROLES = {"kernel", "recurrent_kernel", "depthwise_kernel", "pointwise_kernel", "gamma", "beta"}
"""Attributes in which layers of Keras, and hardly any other objects, hold variables of that very name, in a scope."""


class Names:
    """What the objects of a network are called.

    is_keras: whether layers of Keras are in it. inner: the models that are the inside of a Sequential, and no layers.
    """

    def __init__(self, survey: Survey) -> None:
        self._survey, self._nodes = survey, survey.nodes
        self._names = {number: node.name for number, node in enumerate(self._nodes) if node.name is not None}
        every = (entry for number in survey.children for entry in self._nodes[number].children)
        self.inner = {child for name, child in every if name == "_functional"} - survey.variables
        self._dicts: set[int] = set()
        self.is_keras = any(map(self._is_from_keras, survey.children))
        if self.is_keras:
            self._learn()

    def of(self, number: int) -> str | None:
        """Return the name that its author gave an object; None where that is not recorded."""
        return self._names.get(number)

    def is_container(self, number: int) -> bool:
        """Return whether an object holds layers for another: a list or a dict."""
        return number in self._survey.containers or number in self._dicts

    def _is_from_keras(self, number: int) -> bool:
        node = self._nodes[number]
        if node.kind.startswith("_tf_keras") or node.name is not None or _opens_no_scope(node):
            return True
        for name, child in node.children:
            variable = self._nodes[child].variable or ""
            if name in ("_kernel", "_embeddings") and variable.rpartition("/")[2] == name[1:]:
                return True
            if name in _ROLES and variable.endswith(f"/{name}"):
                return True
        return False

    # -- learning from the names of variables

    def _learn(self) -> None:
        chains = _Chains(self._survey, self.inner)
        self._dicts = chains.dicts
        told: dict[int, set[str]] = {}
        votes = list(self._votes(chains))
        for chain, scope in votes:
            for number, name in zip(chain, scope, strict=True):
                told.setdefault(number, {self._names[number]} if number in self._names else set()).add(name)
        for chain, scope in votes:
            if all(len(told[number]) == 1 for number in chain):
                self._names.update(zip(chain, scope, strict=True))
        root = self._survey.root
        common = chains.common_scope()
        if root not in self._names and common:
            self._names[root] = common
        self._forget_twins(chains)

    def _votes(self, chains: _Chains) -> Iterator[tuple[tuple[int, ...], Scope]]:
        """Yield layers and what their variables say that they are called, where these name as many as there are."""
        for holder, chain in chains.of.items():
            if chain.layers:
                for scope in chains.scopes_in(holder):
                    if len(scope) == len(chain.layers):
                        yield chain.layers[chain.sure :], scope[chain.sure :]

    def _forget_twins(self, chains: _Chains) -> None:
        """Forget names that two layers of one Functional model would have, and those that are but the model's own."""
        named: dict[tuple[int, str], list[int]] = {}
        for number, chain in chains.of.items():
            if chain.anchor is not None and chain.layers == (number,) and number in self._names:
                named.setdefault((chain.anchor, self._names[number]), []).append(number)
        own = self._names.get(self._survey.root)
        lost = {each for (_, name), every in named.items() if len(every) > 1 or name == own for each in every}
        for number, chain in chains.of.items():
            if chain.layers[:1] and chain.layers[0] in lost and self._nodes[number].name is None:
                self._names.pop(number, None)


class _Chain(NamedTuple):
    """The layers that have a scope each, outermost first, above the variables of an object.

    sure: from where on they are the only way to it. anchor: the model without a scope that they lie in; None: the root.
    """

    layers: tuple[int, ...] = ()
    sure: int = 0
    anchor: int | None = None


class _Chains:
    """Which layers open a scope for what lies below them.

    dicts: objects that are none, but hold layers for others. of: the layers above the variables of an object.
    """

    def __init__(self, survey: Survey, inner: set[int]) -> None:
        self._survey, self._nodes, self._inner = survey, survey.nodes, inner
        self.dicts: set[int] = set()
        self.of: dict[int, _Chain] = {}
        self._scopes = {number: scope_of(self._nodes[number]) for number in survey.variables}
        self._sure = {survey.root, *_layers_of_models(survey)}
        self._below: dict[int, set[Scope]] = {}
        for number in survey.order:
            self._below[number] = self._scopes_below(number)
        for number in reversed(survey.order):
            if number in survey.parents or number == survey.root:
                chain = self._entered(number, self._above(number))
                if chain is not None:
                    self.of[number] = chain

    def common_scope(self) -> str | None:
        """Return the one outermost scope of all variables of two layers at least."""
        root = self._survey.root
        firsts = {scope[:1] for scope in self._below[root]}
        telling = {
            child for _, child in self._survey.children[root] if not _opens_no_scope(self._nodes[child])
        }
        opens = root in self.of and self.of[root].layers == (root,) and not _opens_no_scope(self._nodes[root])
        return (
            next(iter(firsts))[0]
            if opens and len(telling) > 1 and len(firsts) == 1 and () not in firsts
            else None
        )

    def scopes_in(self, number: int) -> set[Scope]:
        """Return the scopes of the variables that an object holds, and no other does."""
        every = (child for _, child in self._survey.children[number] if child in self._scopes)
        return {self._scopes[child] for child in every if len(set(self._survey.parents[child])) == 1}

    def _scopes_below(self, number: int) -> set[Scope]:
        """Return the scopes of the variables below an object, but for those in Functional models within it."""
        own: set[Scope] = set()
        below: list[set[Scope]] = []
        for _, child in self._survey.children[number]:
            if child in self._scopes:
                own.add(self._scopes[child])
            elif child in self._inner or not _opens_no_scope(self._nodes[child]):
                below.append(self._below[child])
        return below[0] if len(below) == 1 and not own else own.union(*below)

    def _above(self, number: int) -> _Chain | None:
        """Return the chain that an object lies in; None where it lies in several of different lengths."""
        holders = self._survey.parents.get(number)
        if not holders:
            return _Chain()
        if len(holders) == 1:
            return self.of.get(holders[0])
        holders = list(dict.fromkeys(holders))
        found = [self.of.get(holder) for holder in holders]
        first = found[0]
        if first is None or any(each is None or len(each.layers) != len(first.layers) for each in found):
            return None
        return first if len(holders) == 1 else first._replace(sure=len(first.layers))

    def _entered(self, number: int, above: _Chain | None) -> _Chain | None:
        """Return the chain that what an object holds lies in."""
        if number in self._survey.containers or number in self._inner:
            return above
        if number == 0 and self._survey.holds_models:
            return _Chain()
        if self._is_without_scope(number):
            return _Chain(anchor=number)
        if above is None:
            return None
        if self._is_dict(number, above):
            self.dicts.add(number)
            return above
        layers = (*above.layers, number)
        if any(len(scope) == len(layers) for scope in self.scopes_in(number)):
            self._sure.add(number)
        return above._replace(layers=layers)

    def _is_dict(self, number: int, above: _Chain) -> bool:
        """Return whether an object opens no scope: the layers in it differ in what comes behind those above it.

        Only if these are layers for sure; else one of them may be the dict, and this one a layer.
        """
        node, depth = self._nodes[number], len(above.layers)
        if (
            number in self._sure
            or node.name is not None
            or _opens_no_scope(node)
            or not self._sure.issuperset(above.layers)
        ):
            return False
        has_variables = any(child in self._scopes for _, child in self._survey.children[number])
        before = {scope[:depth] for scope in self._below[number]}
        behind = {scope[depth : depth + 1] for scope in self._below[number]}
        return not has_variables and len(before) == 1 and len(behind) > 1 and () not in behind

    def _is_without_scope(self, number: int) -> bool:
        """Return whether an object is a Functional model, or a Sequential that was built before it was called.

        Keras 3 makes the layers of a Functional before it, tf_keras those of some Sequential models. What is made
        within a Sequential begins with its name. In tf_keras a layer that was called has at least its own.
        """
        node = self._nodes[number]
        if any(name == "_operations" for name, _ in node.children):
            return True
        if not _opens_no_scope(node):
            return False
        layers = (child for _, child in self._survey.children[number] if child not in self._scopes)
        own = (self._scopes.get(child) for layer in layers for _, child in self._survey.children[layer])
        numbered = any(NUMBERED.fullmatch(name) for name, _ in node.children)
        return len({scope[:1] for scope in self._below[number]}) > 1 or (
            numbered and any(scope is not None and len(scope) == 1 for scope in own)
        )


def _layers_of_models(survey: Survey) -> Iterator[int]:
    """Yield what Functional and Sequential models list as their layers."""
    for number in survey.order:
        for name, child in survey.nodes[number].children:
            if NUMBERED.fullmatch(name):
                yield child
            elif name == "_operations":
                yield from (layer for _, layer in survey.nodes[child].children)


def scope_of(node: Node) -> Scope:
    """Return the names in a variable's name before its own."""
    return tuple((node.variable or "").split("/")[:-1])


def _opens_no_scope(node: Node) -> bool:
    """Return whether an object is a Functional model or a Sequential, which may have opened no scope."""
    return any(name in _FUNCTIONAL or NUMBERED.fullmatch(name) for name, _ in node.children)
