"""What a legacy file holds, put together: its groups and datasets as layers and weights under their right names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from weightrepl.errors import FormatError, UnsafeFileError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.guards import Reading, parsed_json
from weightrepl.readers.hdf5 import Attribute, Dataset, Group, NoTensor
from weightrepl.readers.keras_roles import parts, roles, trainable
from weightrepl.readers.legacy_config import MODELS, Node, walk
from weightrepl.readers.legacy_names import FileName, Scope, Spot, file_name, role, spots
from weightrepl.readers.legacy_optimizer import Target, states
from weightrepl.readers.legacy_tree import Assembly, Branch
from weightrepl.readers.sources import ByteSource
from weightrepl.values import Value

Member: TypeAlias = "Group | Dataset"

_OWN = "top_level_model_weights"
_REFUSED = (FormatError, UnsafeFileError)
_TWICE = "a second copy of a shared layer's weight"
_UNLISTED = "the file names no layer that it belongs to"
_MISSING = "the file lists it but does not hold it"


def is_split(attributes: Mapping[str, Attribute], name: str) -> bool:
    """Return whether there is an attribute of that name, whole or in numbered pieces."""
    return name in attributes or f"{name}0" in attributes


def listed(group: Group, name: str) -> list[str]:
    """Return the names in an attribute, or in its pieces `name0`, `name1`, …"""
    attributes = group.attributes
    pieces = [name] if name in attributes else [f"{name}{i}" for i in range(len(attributes))]
    found: list[str] = []
    for value in (attributes[piece] for piece in pieces if piece in attributes):
        found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
    return list(dict.fromkeys(found))


def member(group: Group, path: str) -> Member | None:
    """Return what lies at a path, whose names are separated by slashes, or None."""
    found: Member = group
    for name in path.split("/"):
        if not isinstance(found, Group) or name not in found.members:
            return None
        found = found.members[name]
    return found


class _Stored(Value):
    """A weight as its group lists it: its name there, the name taken apart, its dataset."""

    raw: str
    told: FileName
    dataset: Dataset


class Contents:
    """The content of one file; `read` puts it together.

    stored: the group of the layers. tree: what the configuration lists, None without one. major: Keras's version.
    """

    def __init__(self, source: ByteSource, root: Group, stored: Group, tree: Node | None, major: int) -> None:
        self._source, self._root, self._stored, self._tree, self._major = source, root, stored, tree, major
        self._seen: set[str] = set()
        self._unread: list[Weight] = []
        self._targets: list[tuple[str, Target]] = []

    def read(self) -> Content:
        """Return the model's own weights and its layers, those of the system last."""
        with Reading(self._source.path):
            top = Branch("")
            if is_split(self._stored.attributes, "layer_names"):
                self._named(top)
            elif "nb_layers" in self._stored.attributes:
                self._numbered(top)
            else:
                self._as_it_is(top)
            assembly = Assembly(
                [branch.node for branch in top.children if branch.node is not None], self._major
            )
            layers = [assembly.layer(branch) for branch in top.children]
            layers += self._optimizer({weight.key for weight in assembly.doubled})
            layers += self._leftovers(assembly.doubled)
            return Content(tuple(top.weights), tuple(layers))

    # -- the layers

    def _named(self, top: Branch) -> None:
        names = listed(self._stored, "layer_names")
        for node in _in_order(self._tree, names):
            branch = top.of(node)
            with self._reporting(f"{self._stored.path}/{node.name}".lstrip("/")):
                self._fill(branch, node)
        own = member(self._stored, _OWN)
        if isinstance(own, Group) and _OWN not in names:
            for each in self._weights_in(own, ()):
                top.weights.append(self._weight(each, each.told.name, None))

    def _fill(self, branch: Branch, node: Node) -> None:
        """Give the layer of a group, and those within it, their weights."""
        group = member(self._stored, node.name)
        if not isinstance(group, Group):
            return
        found = self._weights_in(group, _all_names(node))
        above = (self._tree.name,) if self._tree is not None and self._tree.name else ()
        by_name = {each.told: each for each in found}

        def fits(owner: Node, names: Sequence[FileName]) -> bool:
            return _fits(owner, [by_name[name] for name in names])

        places = spots(node, above, list(by_name), self._major, fits)
        owners = [branch.at(spot.way, spot.rest, _last(told.scope)) for told, spot in places.items()]
        siblings: dict[int, list[str]] = {}
        for owner, told in zip(owners, places, strict=True):
            siblings.setdefault(id(owner), []).append(told.name)
        for each in found:
            spot = places[each.told]
            owner = branch.at(spot.way, spot.rest)
            owner.weights.append(self._placed(each, spot, owner, siblings[id(owner)]))

    def _placed(self, each: _Stored, spot: Spot, owner: Branch, siblings: Sequence[str]) -> Weight:
        kind = owner.node.kind if owner.node is not None else None
        name, remark = role(each.told.name, kind, self._version(each.raw), siblings)
        trained = _trained(name, spot, owner.node, siblings, each.dataset.spec)
        target = Target((*each.told.scope, each.told.name), owner.path, name, spot.remark)
        self._targets.append((each.dataset.path, target))
        return self._weight(each, name, trained).replace(remark=spot.remark or remark)

    def _version(self, raw: str) -> int:
        """Keras's version; files of weights alone tell it from Keras 2 on, whose names have slashes."""
        return 2 if self._major < 2 and "/" in raw else self._major

    def _numbered(self, top: Branch) -> None:
        """Keras 0.3: `layer_0/param_0`, in order, without names."""
        for name in sorted(self._stored.members, key=_numeric):
            group = member(self._stored, name)
            if isinstance(group, Group) and re.fullmatch("layer_[0-9]+", name):
                branch = top.of(Node(name))
                for param, found in sorted(self._members(group), key=lambda item: _numeric(item[0])):
                    if isinstance(found, Dataset):
                        self._as_named(branch, found, param)

    def _as_it_is(self, top: Branch) -> None:
        """Any other HDF5 file: groups as layers, datasets as weights."""
        groups = [(top, self._root)]
        while groups:
            branch, group = groups.pop()
            for name, found in self._members(group):
                if isinstance(found, Group):
                    groups.append((branch.of(Node(name)), found))
                else:
                    self._as_named(branch, found, name)

    def _as_named(self, branch: Branch, found: Dataset, name: str) -> None:
        """Take a dataset for a weight that is called as the dataset is."""
        if not self._refused(found):
            branch.weights.append(self._weight(_Stored(name, FileName((), name), found), name, None))

    # -- weights

    def _weights_in(self, group: Group, names: Sequence[str]) -> list[_Stored]:
        """Return the weights that a group lists and holds; `names` may be what Keras 1 put before theirs."""
        found = []
        for raw in listed(group, "weight_names"):
            path = f"{group.path}/{raw}"
            with self._reporting(path):
                dataset = member(group, raw)
                if not isinstance(dataset, Dataset):
                    self._put_aside(path, _MISSING)
                elif not self._refused(dataset):
                    told = file_name(raw, self._version(raw), names)
                    found.append(_Stored(raw, told, dataset))
        return found

    def _weight(self, each: _Stored, name: str, trained: bool | None) -> Weight:
        dataset = each.dataset
        self._seen.add(dataset.path)
        return Weight(name, dataset.spec, dataset.tensor, trained, dataset.path, self._source.path)

    # -- what is not of the network

    def _optimizer(self, copies: set[str | None]) -> list[Layer]:
        group = member(self._root, "optimizer_weights")
        if not isinstance(group, Group):
            return []
        found = self._weights_in(group, ())
        targets = [target for path, target in self._targets if path not in copies]
        scalars = [each.dataset.spec.shape == () for each in found]
        top, class_name = Branch(""), self._optimizer_class()
        told = states([each.raw for each in found], scalars, targets, self._major)
        for each, state in zip(found, told, strict=True):
            owner = top.at((), (state.slot, *state.layers) if state.slot is not None else ())
            name = "u_product" if (class_name, state.name) == ("Nadam", "variable") else state.name
            owner.weights.append(self._weight(each, name, False).replace(remark=state.remark))
        layers = tuple(Assembly((), self._major).layer(branch) for branch in top.children)
        content = Content(tuple(top.weights), layers)
        return [Layer(".optimizer", content, class_name=class_name, system=True)]

    def _optimizer_class(self) -> str | None:
        text = self._root.attributes.get("training_config")
        try:
            config = parsed_json(
                str(text).encode("utf-8", "surrogatepass"),
                self._source.path,
                "training_config",
                self._source.limits,
            )
            written = config["optimizer_config"]["class_name"]
        except (FormatError, LookupError, TypeError):
            return None
        return written.rpartition(">")[2] if isinstance(written, str) else None

    def _leftovers(self, copies: Sequence[Weight]) -> list[Layer]:
        """The layer of all that no other layer has: unlisted datasets, second copies, what can't be read."""
        self._unread += [copy.replace(name=copy.key or copy.name, remark=_TWICE) for copy in copies]
        groups = [self._root]
        while groups:
            for _, found in self._members(groups.pop()):
                if isinstance(found, Group):
                    groups.append(found)
                elif found.path not in self._seen and not self._refused(found):
                    weight = self._weight(_Stored(found.path, FileName((), ""), found), found.path, None)
                    self._unread.append(weight.replace(remark=_UNLISTED))
        if not self._unread:
            return []
        return [Layer(".unread", Content(tuple(self._unread)), system=True)]

    def _members(self, group: Group) -> Iterator[tuple[str, Member]]:
        """Yield what lies in a group, putting aside what can't be opened."""
        names: Sequence[str] = ()
        with self._reporting(group.path):
            names = list(group.members)
        for name in names:
            found: Member | None = None
            with self._reporting(f"{group.path}/{name}".lstrip("/")):
                found = group.members[name]
            if found is not None:
                yield name, found

    def _refused(self, dataset: Dataset) -> bool:
        """Put a dataset aside whose values can't be had."""
        if dataset.unreadable is not None:
            self._put_aside(dataset.path, dataset.unreadable, dataset.spec)
        return dataset.unreadable is not None

    def _put_aside(self, path: str, reason: str, spec: TensorSpec | None = None) -> None:
        if path in self._seen:
            return
        self._seen.add(path)
        tensor = NoTensor(self._source.path, path, reason)
        unknown = spec if spec is not None else TensorSpec(None, "?")
        self._unread.append(Weight(path, unknown, tensor, None, path, self._source.path, remark=reason))

    @contextmanager
    def _reporting(self, path: str) -> Iterator[None]:
        """Put aside what lies at `path` if the file is damaged there, or asks to be followed elsewhere."""
        try:
            with Reading(self._source.path, path):
                yield
        except (FormatError, UnsafeFileError) as error:
            self._put_aside(path, error.reason)


def _in_order(tree: Node | None, names: Sequence[str]) -> Iterator[Node]:
    """Yield the layers of the outermost model: in the configuration's order, then what only the file lists."""
    waiting = dict.fromkeys(names)
    nodes = _with_names(tree.children, names) if tree is not None else []
    if tree is None or tree.class_name not in MODELS:  # a class of the user's: only the file tells the order
        mentioned = {node.name: node for node in nodes}
        yield from (mentioned.get(name) or Node(name) for name in waiting)
        return
    for node in nodes:
        if node.name in waiting or not node.made:
            waiting.pop(node.name, None)
            yield node
    yield from (Node(name) for name in waiting)


def _with_names(nodes: Sequence[Node], names: Sequence[str]) -> list[Node]:
    """Name the models that have no name of their own (a Sequential in one, of old) as the file does, in order."""
    known = {node.name for node in nodes}
    nameless = [node for node in nodes if node.nameless]
    free = [name for name in names if name not in known]
    if len(nameless) != len(free):
        return list(nodes)
    given = dict(zip(map(id, nameless), free, strict=True))
    return [node.replace(name=given[id(node)]) if id(node) in given else node for node in nodes]


def _last(scope: Scope) -> str | None:
    return scope[-1] if scope else None


def _all_names(node: Node) -> list[str]:
    return [way[-1].name for way in walk(node)]


def _numeric(name: str) -> tuple[str, int]:
    """Sort `param_10` behind `param_2`."""
    text, _, number = name.rpartition("_")
    return (text, int(number)) if number.isascii() and number.isdigit() and len(number) < 10 else (name, -1)


def _fits(owner: Node, stored: Sequence[_Stored]) -> bool:
    """Whether a layer's class, as configured, makes just these weights."""
    if owner.kind is None:
        return False
    specs = [each.dataset.spec for each in stored]
    shapes = [spec.shape or () for spec in specs]
    names = roles(owner.kind, owner.config, shapes, [spec.dtype for spec in specs])
    return names is not None and sorted(names) == sorted(each.told.name for each in stored)


def _trained(
    name: str, spot: Spot, node: Node | None, siblings: Sequence[str], spec: TensorSpec
) -> bool | None:
    """Return whether the optimizer may change a weight, None where nothing tells it."""
    if spot.way[-1].frozen or (node is not None and node.frozen):
        return False
    if node is None or node.kind is None:
        return None
    if not spec.dtype.startswith(("float", "bfloat", "complex")):
        return False
    if name in ("kernel", "embeddings") and any(sibling.startswith("lora_") for sibling in siblings):
        return False
    cells = [
        made for _, made, _ in parts(node.kind, node.config).values()
    ]  # before tf.keras 2.3 no cell had a name
    said = (trainable(kind, name) for kind in (node.kind, *cells))
    return next((each for each in said if each is not None), None)
