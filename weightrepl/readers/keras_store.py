"""Keras 3 weight stores: `.weights.h5`, the shards of a `.weights.json`, and what lies in a `.keras` archive."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from weightrepl.errors import SourceError
from weightrepl.model.tree import Content, Layer, Model, Quantization
from weightrepl.readers import keras_roles
from weightrepl.readers.config import LayerConfig, layer_config
from weightrepl.readers.guards import STANDARD, Limits, Reading
from weightrepl.readers.hdf5 import SIGNATURE, Group, open_hdf5
from weightrepl.readers.keras_groups import MissingGroup, Part, SavedGroup
from weightrepl.readers.keras_layers import BUILD_LINE, NO_ORDER, Found, name_of, weights_of, within
from weightrepl.readers.keras_optimizer import Trained, is_optimizer, metrics_layer, optimizer_layer
from weightrepl.readers.keras_quantization import recorded
from weightrepl.readers.shards import keys_of_shards
from weightrepl.readers.sources import ByteSource, stem_of

_OUTSIDE = ("optimizer", "metrics")
"""What a compiled model saves beside its layers."""


class KerasStoreReader:
    """Opens `.weights.h5` files and the `.weights.json` of sharded ones."""

    def recognises(self, path: str, head: bytes) -> bool:
        """By the groups on top of an HDF5 file; a sharded store by the JSON's key."""
        if head.startswith(SIGNATURE):
            source = ByteSource(path)
            try:
                return _is_store(open_hdf5(source))
            finally:
                source.close()
        return head.lstrip()[:1] == b"{" and (b'"weight_map"' in head and path.endswith(".weights.json"))

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        source = ByteSource(path, limits)
        try:
            if source.read(0, min(8, source.size)) != SIGNATURE:
                return _open_shards(source)
            store = SavedGroup("", [(open_hdf5(source), path)])
            return model_of(store, None, path, "Keras weights", source.close, limits)
        except BaseException:
            source.close()
            raise


def _is_store(root: Group) -> bool:
    """Return whether an HDF5 file is a Keras 3 store: `vars` or `layers` on top, and nothing of a legacy file."""
    if {"layer_names", "nb_layers", "layer_names0", "keras_version"} & root.attributes.keys():
        return False
    if "vars" in root.members:
        return True
    return any(name in root.members for name in ("layers", "_layer_checkpoint_dependencies"))


# -- shards -----------------------------------------------------------------------------------------------------------


def _open_shards(source: ByteSource) -> Model:
    """Return the model of a `.weights.json`; shards that are not there are listed as far as the JSON knows them."""
    path, limits = source.path, source.limits
    store, close = sharded_store(source)
    try:
        return model_of(store, None, path, "sharded Keras weights", close, limits)
    except BaseException:
        close()
        raise


def sharded_store(source: ByteSource) -> tuple[SavedGroup, Callable[[], None]]:
    """Return the store that a `.weights.json` is the index of, and what lets go of its shards; the index is closed."""
    limits, shards = source.limits, keys_of_shards(source, "a sharded Keras store")
    sources: list[ByteSource] = []

    def close() -> None:
        for each in sources:
            each.close()

    try:
        with Reading(source.path):
            parts = [_shard(name, keys, sources, limits) for name, keys in shards.items()]
        return SavedGroup("", parts), close
    except BaseException:
        close()
        raise


def _shard(name: str, keys: list[str], sources: list[ByteSource], limits: Limits) -> Part:
    try:
        source = ByteSource(name, limits)
        sources.append(source)
        return open_hdf5(source), name
    except SourceError as error:
        missing = SourceError(f"a shard of the model can't be read: {error.reason}", name)
        return missing_groups(keys, missing), name


def missing_groups(keys: Iterable[str], error: SourceError) -> MissingGroup:
    """Return the groups of a store that lead to `keys`, where only those are known. error: why."""
    root = MissingGroup({}, error)
    for key in keys:
        below = root.members
        for part in key.strip("/").split("/"):
            below = below.setdefault(part, MissingGroup({}, error)).members
    return root


# -- the tree ---------------------------------------------------------------------------------------------------------


def model_of(
    store: SavedGroup,
    config: Mapping[str, Any] | None,
    path: str,
    file_format: str,
    close: Callable[[], None],
    limits: Limits = STANDARD,
) -> Model:
    """Return the model of a store and, where there is one, the text of its configuration.

    close: lets go of the files.
    """
    tree = _Tree(store, config, path, limits)
    with Reading(path):
        root = tree.root()
    stem = stem_of(path)
    return Model(root, tuple(dict.fromkeys((root.name, stem))), path, file_format, close)


class _Tree:
    """Makes the layers of one store. Each is opened when it is asked for; a shared one is made once."""

    def __init__(
        self, store: SavedGroup, config: Mapping[str, Any] | None, path: str, limits: Limits
    ) -> None:
        self._store, self._path, self._limits = store, path, limits
        self._config = layer_config(config) if config is not None else None
        self._compiled: object = config.get("compile_config") if config is not None else None
        self._records_names = store.recorded_name is not None
        self._never_built = (
            self._config is not None
            and self._config.built is False
            and not _any_variable(store, self._outside)
        )
        self._ordered = True
        self._by_key: dict[str, Layer] = {}
        self._shared: dict[int, str] = {}
        self._held: dict[str, tuple[str, ...] | None] = {}

    def root(self) -> Layer:
        """Return the model itself, with the system's layers."""
        if "" in self._by_key:
            return self._by_key[""]
        config = self._config
        found = Found("", self._store, config, config.own if config is not None else None)
        if config is not None:
            self._shared, self._held = _shared_entries(found, self._records_names, self._limits, self._path)
        name = self._store.recorded_name or (config.name if config is not None else None)
        return self._layer(found, name or stem_of(self._path), None)

    def _layer(self, found: Found, name: str, remark: str | None) -> Layer:
        key = found.group.key if found.group is not None else None
        if key is not None and key in self._by_key:
            return self._by_key[key]
        built = self._built(found)
        layer = Layer(
            name,
            lambda: self._content(found, remark),
            class_name=found.config.class_name if found.config is not None else None,
            attributes=self._held.get(key, found.attributes) if key is not None else found.attributes,
            built=built,
            build_line=BUILD_LINE if built is False else None,
            shared=key is not None and key in self._held,
            remark=remark,
            quantization=_quantization(found),
        )
        if key is not None:
            self._by_key[key] = layer
        return layer

    def _content(self, found: Found, remark: str | None) -> Content:
        with Reading(self._path, found.group.key if found.group is not None else ""):
            outside = self._outside if found.group is self._store else ()
            inside = within(found, self._records_names, outside)
            layers = inside.layers
            self._ordered &= inside.ordered or len(layers) < 2
            weights, unread = weights_of(found, not layers)
            names = [name_of(each) for each in layers]
            twice = set() if inside.ordered else _repeated([name for name, _ in names])
            children = [
                self._child(each, name, NO_ORDER if name in twice or remark == NO_ORDER else said)
                for each, (name, said) in zip(layers, names, strict=True)
            ]
            children += self._system(found)
            if unread:
                children.append(Layer(".unread", Content(unread), system=True))
            return Content(weights, tuple(children))

    def _child(self, found: Found, name: str, remark: str | None) -> Layer:
        shared = self._shared.get(id(found.config)) if found.group is None else None
        if shared is None:
            return self._layer(found, name, remark)
        group = self._store.at(shared)
        return self._layer(Found(found.path, group, found.config, found.own, None), name, remark)

    def _system(self, found: Found) -> list[Layer]:
        """Return the system's layers of the model: its optimizer, its metrics."""
        if found.group is None or found.group is not self._store:
            return []
        made = self._optimizers()
        if (metrics := found.group.groups.get("metrics")) is not None:
            made.append(metrics_layer(metrics))
        return made

    @cached_property
    def _outside(self) -> tuple[str, ...]:
        """What the model has beside its layers, as it is called in the store: optimizers may be in any attribute."""
        found = (name for name, group in self._store.groups.items() if is_optimizer(name, group))
        return tuple(dict.fromkeys((*_OUTSIDE, *found)))

    def _optimizers(self) -> list[Layer]:
        """Return the layer of the optimizer; of several one that holds each under its attribute's name."""
        names = [name for name in self._outside if name != "metrics" and name in self._store.groups]
        if len(names) == 1:
            return [self._optimizer(names[0], ".optimizer")]
        each = tuple(self._optimizer(name, name) for name in names)
        return [Layer(".optimizer", Content((), each), system=True)] if each else []

    def _optimizer(self, attribute: str, name: str) -> Layer:
        compiled = self._compiled.get(attribute) if isinstance(self._compiled, Mapping) else None
        return optimizer_layer(self._store.groups[attribute], compiled, self._trained, name)

    def _trained(self) -> tuple[list[Trained], bool]:
        """Return the weights that an optimizer may change, and whether they come in the model's order."""
        found: list[Trained] = []
        seen: set[int] = set()
        pending: list[tuple[Layer, ...]] = [(self.root(),)]
        while pending:
            way = pending.pop()
            if id(way[-1]) not in seen:
                seen.add(id(way[-1]))
                found += [Trained(way, weight) for weight in way[-1].weights if weight.trainable is not False]
                pending += [(*way, child) for child in reversed(way[-1].children) if not child.system]
        return found, self._ordered

    def _built(self, found: Found) -> bool | None:
        """Return whether a layer's weights exist, as far as the store tells."""
        group, config = found.group, found.config
        if group is not None and not group.is_empty:
            return True
        if self._never_built:
            return False
        if config is None or not config.own or group is None or group.missing:
            return None
        if keras_roles.roles(config.class_name, config.values, [], []) == ():
            return config.built or None
        return None if group.groups else False


def _quantization(found: Found) -> Quantization | None:
    config = found.config
    if config is None or not config.own:
        return None
    return recorded(config.class_name, config.values, config.inputs)


def _any_variable(store: SavedGroup, outside: tuple[str, ...]) -> bool:
    """Return whether any layer has a weight. outside: what is stored beside the layers."""
    pending = [store]
    while pending:
        group = pending.pop()
        if not group.is_empty:
            return True
        pending += [below for name, below in group.groups.items() if group.key or name not in outside]
    return False


def _repeated(names: list[str]) -> set[str]:
    seen: set[str] = set()
    return {name for name in names if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


def _shared_entries(
    root: Found, records_names: bool, limits: Limits, path: str
) -> tuple[dict[int, str], dict[str, tuple[str, ...] | None]]:
    """Return for entries of the configuration that stand for a layer stored elsewhere (by id) the path of its group.

    And, by that path, the names under which all places hold the layer, None if there are none. Keras writes a shared
    layer's entry in full at each of its places, marks all but the first by `shared_object_id`, and saves its weights
    at one of them. Where several stored layers have that entry, none is taken.
    """
    assert root.config is not None
    ids = [entry.shared_id for entry in root.config.walk(limits, path)]  # to its end: it bounds them all
    if all(each is None for each in ids):
        return {}, {}
    stored: dict[str, list[Found]] = {}
    wanted: list[tuple[LayerConfig, Found]] = []
    pending = [root]
    while pending:
        found = pending.pop()
        if found.config is not None and found.group is not None:
            stored.setdefault(_fingerprint(found.config), []).append(found)
        elif found.config is not None and found.config.shared_id is not None:
            wanted.append((found.config, found))
        if found.group is not None:
            pending += within(found, records_names).layers
    entries: dict[int, str] = {}
    held: dict[str, tuple[str, ...] | None] = {}
    for config, found in wanted:
        match stored.get(_fingerprint(config)):
            case [Found(group=SavedGroup(key=str(key)), attributes=first)]:
                entries[id(config)] = key
                common = held.get(key, first) or ()
                held[key] = tuple(name for name in common if name in (found.attributes or ())) or None
    return entries, held


def _fingerprint(config: LayerConfig) -> str:
    """Return a text that is equal for equal entries; identities of shared parts are left out."""
    import json

    def plain(value: object) -> object:
        if isinstance(value, Mapping):
            return {key: plain(each) for key, each in value.items() if key != "shared_object_id"}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return json.dumps([config.class_name, config.name, plain(config.values)], sort_keys=True)
