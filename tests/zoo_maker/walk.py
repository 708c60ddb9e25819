"""What a live model of Keras holds, in preorder, as the oracle has it.

The walks know what the libraries keep privately and nothing of weightrepl, so that each can be checked by the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
Steps = list[str | int]

BOOKKEEPING = {
    *("_layers", "_trainable_variables", "_non_trainable_variables", "_metrics", "_seed_generators"),
    *("_trainable_weights", "_non_trainable_weights", "_obj_reference_counts_dict", "_layer_call_argspecs"),
    *("_tracker", "_tracked", "_functional", "_operations", "_operations_by_depth", "_parent_path"),
    *("_nodes", "_nodes_by_depth", "_inbound_nodes", "_outbound_nodes", "_losses"),
    *("_inbound_nodes_value", "_outbound_nodes_value"),
}
"""Attributes in which Keras lists what a user's attributes hold; so do those whose names begin with `_self_`."""


class Walk:
    """The layers and variables of a live model, with a row for each way to them; a subclass knows the library.

    `layers` has the oracle's rows of layers; `found` has each variable with the start of its row.
    """

    def __init__(self, root: Any) -> None:
        self.layers: list[Row] = []
        self.found: list[tuple[Any, Row]] = []
        self._ids: dict[int, int] = {}
        self._visit(root, [root.name], [], {id(root)})
        optimizer = getattr(root, "optimizer", None)
        for i, variable in enumerate(() if optimizer is None else optimizer.variables):
            self._add(variable, "optimizer", [root.name, "optimizer"], i, optimizer, ["optimizer", i])

    @property
    def variables(self) -> list[Any]:
        """Return every variable once, by its number in the oracle."""
        return list({id(variable): variable for variable, _ in self.found}.values())

    def types(self) -> tuple[type, type]:
        """Return the library's types of layers and variables."""
        raise NotImplementedError

    def own(self, layer: Any) -> Iterable[Any]:
        """Return the variables that are weights of the layer itself."""
        raise NotImplementedError

    def seeds(self, layer: Any) -> Iterable[Any]:
        """Return the layer's generators of random numbers, which have a state."""
        return ()

    def children(self, layer: Any) -> Iterable[Any]:
        """Return the layers directly below."""
        raise NotImplementedError

    def names(self, variable: Any) -> tuple[str, str]:
        """Return the name of the variable and the path that the library has for it."""
        raise NotImplementedError

    def _visit(self, layer: Any, path: list[str], way: Steps, above: set[int]) -> None:
        self.layers.append(
            {"path": path, "attr_path": way, "built": bool(layer.built), "class": type(layer).__name__}
        )
        steps = self._steps_from(layer)
        own = {id(variable): variable for variable in self.own(layer)}.values()
        for i, variable in enumerate(own):
            self._add(variable, "weight", path, i, layer, way + steps.get(id(variable), [f"?{i}"]))
        for i, seed in enumerate(self.seeds(layer)):
            self._add(seed.state, "seed", path, i, seed, [*way, "_seed_generators", i])
        for i, child in enumerate(self.children(layer)):
            if id(child) not in above:
                below = way + steps.get(id(child), ["_layers", i])
                self._visit(child, [*path, child.name], below, above | {id(child)})

    def _add(self, variable: Any, kind: str, path: list[str], index: int, owner: Any, way: Steps) -> None:
        name, keras_path = self.names(variable)
        row = {"layer_path": path, "name": name, "index": index, "owner_class": type(owner).__name__}
        row |= {"attr_path": way, "var_id": self._ids.setdefault(id(variable), len(self._ids))}
        self.found.append((variable, {**row, "kind": kind, "keras_path": keras_path}))

    def _steps_from(self, layer: Any) -> dict[int, Steps]:
        """Return by which attribute, and which keys and indices in it, each thing is reached first, by its id."""
        types, found = self.types(), dict[int, Steps]()

        def look(value: Any, steps: Steps) -> None:
            if isinstance(value, types):
                found.setdefault(id(value), steps)
            elif len(steps) > 6:
                return  # it may hold itself
            elif isinstance(value, dict):
                for key, each in value.items():
                    look(each, [*steps, str(key)])
            elif isinstance(value, (list, tuple, set)):
                for i, each in enumerate(value):
                    look(each, [*steps, i])

        for name, value in vars(layer).items():
            if name not in BOOKKEEPING and not name.startswith("_self_"):
                look(value, [name])
        return found


class Keras3Walk(Walk):
    """A walk through a model of Keras 3."""

    def types(self) -> tuple[type, type]:
        import keras

        return keras.layers.Layer, keras.Variable

    def own(self, layer: Any) -> Iterable[Any]:
        return [*layer._trainable_variables, *layer._non_trainable_variables]

    def seeds(self, layer: Any) -> Iterable[Any]:
        return layer._seed_generators

    def children(self, layer: Any) -> Iterable[Any]:
        return layer._layers

    def names(self, variable: Any) -> tuple[str, str]:
        return variable.name, variable.path


class TfKerasWalk(Walk):
    """A walk through a model of tf_keras."""

    def types(self) -> tuple[type, type]:
        import tensorflow as tf
        import tf_keras

        return tf_keras.layers.Layer, tf.Variable

    def own(self, layer: Any) -> Iterable[Any]:
        return [*layer._trainable_weights, *layer._non_trainable_weights]

    def children(self, layer: Any) -> Iterable[Any]:
        return layer._flatten_layers(recursive=False, include_self=False)

    def names(self, variable: Any) -> tuple[str, str]:
        return variable.name.partition(":")[0].rpartition("/")[2], variable.name
