"""Layers and weights out of a Keras 3 weight store and, where there is one, the model's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Weight
from weightrepl.readers import keras_roles
from weightrepl.readers.config import LayerConfig, Member
from weightrepl.readers.hdf5 import Dataset, NoTensor
from weightrepl.readers.keras_groups import SavedGroup, Stored
from weightrepl.values import Value, field

NO_ROLE = "the file records only the position of this weight, not what it is"
INFERRED = "named by its shape, since the file records neither its name nor its class"
NO_NAME = "the file does not record the layer's name; this is the one under which it is stored"
NO_ORDER = "the file does not record the order of layers of one name"
MERGED = "holds the values with the LoRA update added, as Keras saves them"
BUILD_LINE = "model(example_input)  # in Python, then save it again"

_ATTENTION = ("query_dense", "key_dense", "value_dense", "softmax", "dropout_layer", "output_dense")
_MADE_ORDER = {
    "Bidirectional": ("forward_layer", "backward_layer"),
    "GroupedQueryAttention": _ATTENTION,
    "MultiHeadAttention": _ATTENTION,
}


class Found(Value):
    """A layer as far as it was found: in the store, in the configuration, or both.

    path: from its parent in the store. own: whether its class is Keras's own; None unknown.
    attributes: the names under which the parent holds it; None unknown.
    """

    path: str
    group: SavedGroup | None
    config: LayerConfig | None = None
    own: bool | None = None
    attributes: tuple[str, ...] | None = None

    @property
    def hints(self) -> tuple[str, ...]:
        """What it is called, for guesses."""
        names = (self.group.recorded_name if self.group else None, self.path.rpartition("/")[2])
        return tuple(name for name in names if name)


class Within(NamedTuple):
    """What is in a layer. ordered: whether the layers come in the model's own order."""

    layers: tuple[Found, ...]
    ordered: bool


def within(found: Found, records_names: bool, outside: tuple[str, ...] = ()) -> Within:
    """Return the layers in a layer: those of the configuration, in its order, then what else is stored there.

    outside: what is stored there and is no layer, unless the configuration lists it.
    """
    group, config = found.group, found.config
    if (config is None or not config.members) and (group is None or not group.groups):
        return Within((), True)
    layers: list[Found] = []
    taken: set[str] = set()
    places = _Places(group)
    for member in config.members if config is not None else ():
        path, below = places.of(member, taken)
        if below is None and _no_layer(member, records_names):
            continue
        taken.add(path)
        layers.append(Found(path, below, member.layer, member.layer.own, places.attributes(member, path)))
    rest = [
        (path, below)
        for path, below in (group.objects if group is not None else ())
        if path not in taken and path.partition("/")[0] not in outside
    ]
    ordered = not rest or (not layers and _all_listed(rest))
    layers += [_unlisted(path, below) for path, below in rest]
    made = _MADE_ORDER.get(config.class_name) if config is not None and config.own else None
    if made is not None:  # attributes that Keras makes itself: saved by their names, made in another order
        layers.sort(
            key=lambda each: made.index(name) if (name := each.path.lstrip("_")) in made else len(made)
        )
    return Within(tuple(layers), ordered or made is not None)


def _all_listed(rest: list[tuple[str, SavedGroup]]) -> bool:
    """Return whether all are in `layers`, which Keras saves in the model's order."""
    return all(path.startswith("layers/") and below.written is not None for path, below in rest)


class _Places:
    """Finds where the store has the layers of one configuration."""

    def __init__(self, group: SavedGroup | None) -> None:
        self._group = group
        self._positions: dict[str, int | None] = {}

    def of(self, member: Member, taken: set[str]) -> tuple[str, SavedGroup | None]:
        """Return path and group of a layer, or an empty path and None."""
        if self._group is None or not member.saved:
            return "", None
        for key in member.keys:
            below = self._group.at(key)
            if below is not None and below.own and key not in taken and _agree(member, below):
                return key, below
        if member.listed:
            stem = _stem(member.keys[0])
        else:  # an attribute that sorts after `layers` is stored among those, under its class
            stem = f"layers/{keras_roles.snake_case(member.layer.class_name)}"
        path = self._by_name.get((stem, member.layer.name or ""), "")
        return (path, self._group.at(path)) if path and path not in taken else ("", None)

    @cached_property
    def _by_name(self) -> dict[tuple[str, str], str]:
        """The paths by class and recorded name, where the name of the group is not what the configuration foretells.

        Numbers disagree where a Sequential holds a layer twice.
        """
        objects = self._group.objects if self._group is not None else ()
        return {(_stem(path), below.recorded_name): path for path, below in objects if below.recorded_name}

    def attributes(self, member: Member, path: str) -> tuple[str, ...] | None:
        """Return the names under which the parent holds a layer. To be called in the configuration's order."""
        if not member.listed and path not in ("", *member.keys):
            return None
        if not member.listed:
            return tuple(dict.fromkeys((member.holder, path or member.holder)))
        if not member.saved:
            return None
        position = self._positions.get(member.holder, 0)
        if path not in ("", *member.keys):
            position = None
        self._positions[member.holder] = None if position is None else position + 1
        return None if position is None else (f"{member.holder}.{position}",)


def _agree(member: Member, below: SavedGroup) -> bool:
    """Return whether names say that a stored layer is the configuration's; an attribute of Keras's own suffices."""
    recorded, name = below.recorded_name, member.layer.name
    if member.sure and not member.listed:
        return True
    if recorded is None or name is None:
        return member.sure
    return recorded == name


def _stem(path: str) -> str:
    return path.rstrip("0123456789").removesuffix("_")


def _no_layer(member: Member, records_names: bool) -> bool:
    """Return whether what is not stored is no layer: another value of a custom class, an operation of a user's own."""
    if not member.sure or (member.layer.name is None and not member.listed):
        return True
    return records_names and member.saved and not member.layer.own and member.layer.shared_id is None


def _unlisted(path: str, below: SavedGroup) -> Found:
    """Return a layer that only the store tells of: its class is known by the group's name, if it is in a list."""
    if "/" not in path:
        return Found(path, below, attributes=(path,))
    stem, _, number = below.name.rpartition("_")
    config = _config_of_group(stem if number.isdecimal() else below.name)
    return Found(path, below, config, own=config is not None)


@lru_cache(maxsize=1024)
def _config_of_group(name: str) -> LayerConfig | None:
    """Return what the name of a list's group tells of its layer: the class, if it is Keras's own."""
    class_name = keras_roles.class_of_group(name)
    return None if class_name is None else LayerConfig(class_name, True, {})


def name_of(found: Found) -> tuple[str, str | None]:
    """Return a layer's name, and a remark where the file does not record it."""
    recorded = found.group.recorded_name if found.group is not None else None
    if recorded is None and found.config is not None:
        recorded = found.config.name
    if recorded is not None:
        return str(recorded), None
    return found.path.rpartition("/")[2], NO_NAME


# -- weights ----------------------------------------------------------------------------------------------------------


def weights_of(found: Found, leaf: bool) -> tuple[tuple[Weight, ...], tuple[Weight, ...]]:
    """Return a layer's own weights, and what of it can't be read or placed.

    leaf: whether it holds no layers; only then shapes may tell what the weights are.
    """
    group = found.group
    if group is None:
        return (), ()
    readable = [each for each in group.variables if each.dataset.unreadable is None]
    unread = unread_variables(group)
    whole = not unread
    names, remark = roles_of(found, readable, leaf and whole, whole)
    weights = tuple(_weight(found, each, name, remark) for each, name in zip(readable, names, strict=True))
    return weights, unread


def unread_variables(group: SavedGroup) -> tuple[Weight, ...]:
    """Return what a saved object has that can't be read or placed, each with the reason."""
    unread = [
        _unread(group, each, each.dataset.unreadable) for each in group.variables if each.dataset.unreadable
    ]
    unread += [_unread(group, each, "a tensor where a Keras weight store has none") for each in group.lost]
    unread += [_missing(group, str(error)) for error in group.missing]
    return tuple(unread)


def roles_of(
    found: Found, stored: list[Stored], leaf: bool, whole: bool
) -> tuple[tuple[str, ...], str | None]:
    """Return the names of a layer's weights, and a remark for all that are digits or inferred."""
    keys = tuple(each.name for each in stored)
    if not stored or not whole or keys != tuple(map(str, range(len(keys)))):
        return keys, NO_ROLE
    shapes = [each.dataset.spec.shape or () for each in stored]
    dtypes = [each.dataset.spec.dtype for each in stored]
    if found.own and found.config is not None:
        facts = tuple((key, _fact(value)) for key, value in found.config.values.items() if key != "name")
        names = _roles(
            Facts(found.config.class_name, facts, found.config.values), tuple(shapes), tuple(dtypes)
        )
        return (names, None) if names else (keys, NO_ROLE)
    if found.own is None and leaf and found.path:
        names = keras_roles.infer(found.hints, shapes, dtypes)
        return (names, INFERRED) if names else (keys, NO_ROLE)
    return keys, NO_ROLE


class Facts(Value):
    """A class and what of its configuration decides over its weights, for looking up what was found before."""

    class_name: str
    facts: tuple[tuple[str, object], ...]
    values: Mapping[str, Any] = field(compare=False)


def _fact(value: object) -> object:
    """Return what of a value of a configuration can decide over weights: a text, a class, whether it is set."""
    if isinstance(value, Mapping):
        inner = value.get("config")
        return str(value.get("class_name")), str(inner.get("name")) if isinstance(inner, Mapping) else ""
    return value if isinstance(value, str) else bool(value)


@lru_cache(maxsize=4096)
def _roles(
    known: Facts, shapes: tuple[tuple[int, ...], ...], dtypes: tuple[str, ...]
) -> tuple[str, ...] | None:
    return keras_roles.roles(known.class_name, known.values, shapes, dtypes)


_trains = lru_cache(maxsize=1024)(keras_roles.trainable)


def _weight(found: Found, stored: Stored, name: str, remark: str | None) -> Weight:
    dataset = stored.dataset
    if remark == NO_ROLE and not name.isdigit():
        remark = None  # the file itself says what it is
    elif remark is None and found.config is not None and found.config.values.get("lora_rank"):
        remark = MERGED if name in ("kernel", "embeddings") else None
    return Weight(
        _as_saved(found, name),
        dataset.spec,
        dataset.tensor,
        trainable=_trainable(found, name, dataset.spec),
        key=dataset.path,
        source=stored.file,
        remark=remark,
    )


def _as_saved(found: Found, name: str) -> str:
    """Return what the Keras that saved a weight calls it; tf_keras, whose depthwise layers have `groups`, otherwise."""
    config = found.config
    if name == "kernel" and config is not None and config.class_name.startswith("DepthwiseConv"):
        return "depthwise_kernel" if "groups" in config.values else name
    return name


def _trainable(found: Found, name: str, spec: TensorSpec) -> bool | None:
    values: Any = found.config.values if found.config is not None else {}
    if values.get("trainable") is False or spec.dtype.startswith(("int", "uint", "bool")):
        return False
    known = _trains(found.config.class_name, name) if found.own and found.config is not None else None
    if known is None or values.get("lora_rank"):
        return None
    return known if not known or values.get("trainable") is True else None


def _unread(group: SavedGroup, stored: Stored, reason: str | None) -> Weight:
    dataset: Dataset = stored.dataset
    tensor = NoTensor(group.parts[0][1], dataset.path, reason)
    return Weight(dataset.path, dataset.spec, tensor, key=dataset.path, source=stored.file, remark=reason)


def _missing(group: SavedGroup, reason: str) -> Weight:
    key = f"{group.key}/vars" if group.key else "vars"
    tensor = NoTensor(group.parts[0][1], key, reason)
    return Weight(key, TensorSpec(None, "?"), tensor, key=key, remark=reason)
