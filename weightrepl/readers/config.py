"""A model's configuration (`config.json`), read as plain text and lists: classes, names, order, what is shared.

Nothing that it names is looked up, imported or run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from weightrepl.readers import keras_quantization, keras_roles
from weightrepl.readers.guards import Limits, bound
from weightrepl.values import Value

_LIVE_NAMES = {"GroupQueryAttention": "GroupedQueryAttention"}
"""Exported name of a class -> its own: configurations have the first, groups and live layers the second."""

_HELD = {
    # class -> key of the configuration -> attribute that holds the layer or layers
    "Bidirectional": {
        "layer": "forward_layer",
        "forward_layer": "forward_layer",
        "backward_layer": "backward_layer",
    },
}
_ATTENTION = (("_softmax", "Softmax"), ("_dropout_layer", "Dropout"))
_MADE_WITHOUT_WEIGHTS = {"MultiHeadAttention": _ATTENTION, "GroupedQueryAttention": _ATTENTION}
"""Class -> attributes and classes of layers that it makes itself, under names that are counted."""

_HELD_BY_ANY = {"layer": "layer", "cell": "cell", "cells": "cells"}


class Member(NamedTuple):
    """A layer within another by the configuration.

    keys: where the store may keep it below its parent, the likeliest first (`layers/dense_1`, `cell`).
    holder: the attribute that holds it, or the list that holds it among others.
    listed: whether `holder` is a list. saved: False for a Sequential's InputLayer, which no store has.
    sure: whether the class itself, which is Keras's own, says that this is one of its layers.
    """

    keys: tuple[str, ...]
    holder: str
    layer: LayerConfig
    listed: bool = False
    saved: bool = True
    sure: bool = True


class LayerConfig(Value):
    """One layer's entry.

    class_name: as a live layer has it, without a registration's package. own: whether it is Keras's own class.
    values: what the layer was made with. name: None where it is not recorded.
    shared_id: not None where the same object stands earlier in the configuration.
    built: whether a shape to build it for is recorded; None unknown. inputs: that shape, if it is one.
    """

    class_name: str
    own: bool
    values: Mapping[str, Any]
    name: str | None = None
    shared_id: object = None
    built: bool | None = None
    inputs: object = None

    @property
    def is_sequential(self) -> bool:
        """Whether its layers are a Sequential's: also where the class is derived from it."""
        return self.class_name == "Sequential" or (not self.own and "build_input_shape" in self.values)

    @property
    def is_functional(self) -> bool:
        """Whether its layers are a Functional's: also where the class is derived from it."""
        return "input_layers" in self.values and "output_layers" in self.values

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """The layers within it, in the model's order, as far as the configuration lists them."""
        listed = self.values.get("layers")
        if isinstance(listed, Sequence) and (self.is_sequential or self.is_functional):
            return tuple(_listed_layers(listed, self.is_sequential))
        return tuple(_held_layers(self))

    def walk(self, limits: Limits, path: str) -> Iterator[LayerConfig]:
        """Yield this entry and all below, parents first. path: of the file, for messages.

        Raises:
            UnsafeFileError: more or deeper than `limits` allow.
        """
        pending = [(self, 0)]
        count = 0
        while pending:
            entry, depth = pending.pop()
            count += 1
            bound(count, "config_nodes", "layers in the configuration", limits, path)
            bound(depth, "depth", "layers within each other in the configuration", limits, path)
            yield entry
            pending += [(member.layer, depth + 1) for member in reversed(entry.members)]


def layer_config(entry: object, listed: bool = False) -> LayerConfig | None:
    """Return what a serialised object says if it is a layer, else None.

    listed: whether it stands in a model's list, where all but operations are layers: `keras.applications` has some of
    its own.
    """
    if not isinstance(entry, Mapping) or not isinstance(entry.get("config"), Mapping):
        return None
    class_name, module, registered = (
        entry.get("class_name"),
        entry.get("module"),
        entry.get("registered_name"),
    )
    if not isinstance(class_name, str) or _is_operation(module):
        return None
    package, _, bare = class_name.rpartition(">")
    bare = _LIVE_NAMES.get(bare, bare)
    foreign = bool(package) or (isinstance(registered, str) and ">" in registered)
    own = not foreign and _of_keras(module) and keras_roles.is_builtin(bare)
    if not own and _of_keras(module) and not foreign and not listed:
        return None  # an initializer, a policy …
    values: Mapping[str, Any] = entry["config"]
    build = entry.get("build_config")
    name = values.get("name", entry.get("name"))
    return LayerConfig(
        bare,
        own,
        values,
        name if isinstance(name, str) else None,
        entry.get("shared_object_id"),
        build is not None,
        build.get("input_shape") if isinstance(build, Mapping) else None,
    )


def _of_keras(module: object) -> bool:
    """Return whether a module is Keras's; None is written for what was registered, and by old versions for all."""
    return isinstance(module, str) and module.partition(".")[0] in ("keras", "tf_keras", "keras_core")


def _is_operation(module: object) -> bool:
    """Return whether it is one of `keras.ops` in a Functional: those are no layers."""
    return isinstance(module, str) and (module + ".").startswith(("keras.src.ops.", "keras.ops."))


def _listed_layers(listed: Sequence[object], sequential: bool) -> Iterator[Member]:
    layers = [layer for entry in listed if (layer := layer_config(entry, listed=True)) is not None]
    if sequential and layers and layers[0].class_name == "InputLayer":
        yield Member((), "layers", layers.pop(0), listed=True, saved=False)
    for key, layer in zip(member_names(layer.class_name for layer in layers), layers, strict=True):
        yield Member((f"layers/{key}", f"_layer_checkpoint_dependencies/{key}"), "layers", layer, listed=True)


def _held_layers(layer: LayerConfig) -> Iterator[Member]:
    """Yield the layers that a wrapper, a recurrent layer or a custom class holds in attributes or lists."""
    found: dict[str, Member] = {}
    for key, value in layer.values.items():
        holder = _HELD.get(layer.class_name, _HELD_BY_ANY).get(key) if layer.own else key
        if holder is None:
            continue
        held = layer_config(value)
        if held is not None:
            found[holder] = Member((holder,), holder, _named_way(layer, holder, held), sure=layer.own)
        elif isinstance(value, Sequence) and not isinstance(value, str):
            listed = [each for entry in value if (each := layer_config(entry)) is not None]
            for name, each in zip(member_names(each.class_name for each in listed), listed, strict=True):
                place = f"{holder}/{name}"
                found[place] = Member((place,), holder, each, listed=True, sure=layer.own)
    forward = found.get("forward_layer")
    if layer.own and layer.class_name == "Bidirectional" and forward and "backward_layer" not in found:
        held = _named_way(layer, "backward_layer", forward.layer)
        found["backward_layer"] = Member(("backward_layer",), "backward_layer", held)
    yield from found.values()
    yield from _made_layers(layer)


def _made_layers(layer: LayerConfig) -> Iterator[Member]:
    """Yield the layers that a class of Keras's own makes itself."""
    if not layer.own:
        return
    trainable = {"trainable": layer.values["trainable"]} if "trainable" in layer.values else {}
    for attribute, (name, class_name, values) in keras_roles.parts(layer.class_name, layer.values).items():
        keys = (attribute, attribute.lstrip("_"))
        kernel = keras_quantization.attention_kernel(layer.class_name, attribute, layer.values)
        yield Member(keys, attribute, LayerConfig(class_name, True, {**values, **trainable, **kernel}, name))
    for attribute, class_name in _MADE_WITHOUT_WEIGHTS.get(layer.class_name, ()):
        yield Member((attribute,), attribute, LayerConfig(class_name, True, {}))


def _named_way(layer: LayerConfig, holder: str, held: LayerConfig) -> LayerConfig:
    """Return the entry of a Bidirectional's half under the name that it gets: `forward_lstm` of an `lstm`."""
    if layer.class_name != "Bidirectional" or not layer.own or held.name is None:
        return held
    way = holder.partition("_")[0]
    plain = held.name.removeprefix("forward_") if way == "backward" else held.name
    name = plain if plain.startswith(way) else f"{way}_{plain}"
    return LayerConfig(held.class_name, held.own, held.values, name, held.shared_id, held.built)


def member_names(class_names: Iterator[str]) -> Iterator[str]:
    """Yield the groups' names of a list's layers: `dense`, `dense_1`, counted per class."""
    counts: dict[str, int] = {}
    for class_name in class_names:
        name = keras_roles.snake_case(class_name)
        count = counts.get(name, 0)
        counts[name] = count + 1
        yield f"{name}_{count}" if count else name
