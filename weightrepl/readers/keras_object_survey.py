"""Which layers and variables there are below a live Keras model, who holds them, and under which names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from weightrepl.readers.live_tree import ways_down

Steps = tuple["str | int | None", ...]
"""The way from a layer to what it holds: an attribute, then keys and positions, None for a place without a name."""

_OF_KERAS = {
    # attributes in which Keras keeps books of its own
    "_layers", "_functional", "_metrics", "_seed_generators", "_trainable_variables", "_non_trainable_variables",
    "_operations", "_operations_by_depth", "_nodes", "_nodes_by_depth", "_inbound_nodes", "_outbound_nodes",
    "_tracker", "_losses", "_losses_override", "_inputs", "_outputs", "_inputs_struct", "_outputs_struct",
    "_compile_metrics", "_compile_loss", "_loss_tracker", "_compile_config", "_compiled_trainable_state", "optimizer",
    "_call_signature", "_call_context_args", "_loss_ids", "_parent_path", "_tracked", "_auto_config",
    "call_signature_parameters", "_call_has_context_arg", "_build_shapes_dict",
}  # fmt: skip
_BASES = ("keras.src.layers.layer", "keras.src.models.model", "builtins")
"""Where the `build` of a class that has none is defined."""
_WRAPPERS = "tensorflow.python.trackable.data_structures"
"""Where the dicts and tuples come from that TensorFlow puts in place of others; they only seem to be such."""
_MODULE = "tensorflow.python.module.module.Module"
_MAX_DEPTH = 32


class Survey:
    """All that is below one model. By the `id` of the objects, all of which it keeps alive.

    children: a layer's layers, each once, in Keras's order; a way that leads back up is left out.
    own: a layer's variables, trainable ones first. loose: variables in attributes that Keras does not track.
    attributes: the ways on which parents hold a layer. held: layers that are in an attribute, if only in a set.
    shared: layers and variables that are reached on several ways.
    """

    def __init__(self, root: Any) -> None:
        self.root = root
        self.objects: dict[int, Any] = {}
        self.children: dict[int, tuple[Any, ...]] = {}
        self.own: dict[int, tuple[Any, ...]] = {}
        self.loose: dict[int, tuple[tuple[Steps, Any], ...]] = {}
        self.attributes: dict[int, tuple[Steps, ...]] = {id(root): ()}
        self.held: set[int] = {id(root)}
        self.shared: set[int] = set()
        self._parents: dict[int, list[Any]] = {}
        self._walk()
        self._share()

    def _walk(self) -> None:
        """Go down every way once; a layer that lies above itself is not followed."""
        for layer, child, leads_up in ways_down(self.root, self._enter, self.objects):
            if leads_up:
                self.children[id(layer)] = tuple(c for c in self.children[id(layer)] if c is not child)
            else:
                self._parents.setdefault(id(child), []).append(layer)

    def _enter(self, layer: Any) -> tuple[Any, ...]:
        """Write down what a layer holds, and return its layers."""
        inside = vars(layer)
        self.objects[id(layer)] = layer
        children = self.children[id(layer)] = _unique(inside.get("_layers", ()))
        own = [*inside.get("_trainable_variables", ()), *inside.get("_non_trainable_variables", ())]
        self.own[id(layer)] = _unique(own)
        known = {id(child) for child in children}
        tracked = {id(variable) for variable in own}
        loose: dict[int, tuple[Steps, Any]] = {}
        for steps, thing in [*_held(layer), *_listed(layer, children)]:
            if id(thing) in known:
                self.held.add(id(thing))
                if None not in steps:
                    ways = self.attributes.get(id(thing), ())
                    self.attributes[id(thing)] = ways if steps in ways else (*ways, steps)
            elif id(thing) not in tracked:
                for found in ((steps, thing),) if is_variable(thing) else _in_module(thing, steps):
                    loose.setdefault(id(found[1]), found)
        self.loose[id(layer)] = tuple(loose.values())
        for child in children:
            self.attributes.setdefault(id(child), ())
        return children

    def _share(self) -> None:
        """Find what is reached on several ways: what several hold, and all below that."""
        owners: dict[int, int] = {}
        for variables in self.own.values():
            for variable in variables:
                owners[id(variable)] = owners.get(id(variable), 0) + 1
        self.shared = {variable for variable, count in owners.items() if count > 1}
        self.loose = {
            key: tuple((steps, variable) for steps, variable in found if id(variable) not in owners)
            for key, found in self.loose.items()
        }
        pending = [self.objects[key] for key, parents in self._parents.items() if len(parents) > 1]
        while pending:
            layer = pending.pop()
            if id(layer) not in self.shared:
                self.shared.add(id(layer))
                self.shared.update(id(variable) for variable in self.own[id(layer)])
                pending += self.children[id(layer)]

    def built(self, layer: Any) -> bool | None:
        """Return whether the layer's own weights exist.

        A class without a `build` of its own makes no weights in it: what holds layers is built when they are, and the
        rest always is, though Keras calls it built only after a call.
        """
        pending, seen = [layer], set[int]()
        while pending:
            each = pending.pop()
            if id(each) in seen or vars(each).get("built"):
                continue
            if any("build" in vars(cls) for cls in type(each).__mro__ if cls.__module__ not in _BASES):
                return False
            seen.add(id(each))
            pending += self.children[id(each)]
        return True

    def way_to(self, layer: Any) -> tuple[Steps, ...]:
        """Return the attributes that lead from the model to a layer; empty if a step has none."""
        way: list[Steps] = []
        while layer is not self.root:
            steps = self.attributes[id(layer)]
            if not steps:
                return ()
            way.append(steps[0])
            layer = self._parents[id(layer)][0]
        return tuple(reversed(way))


def name_of(layer: Any) -> str:
    """Return a layer's name as it is now: a plain attribute, which may have been set to anything."""
    return str(vars(layer).get("name", ""))


def is_variable(thing: Any) -> bool:
    """Return whether an object is a variable of Keras, or one of TensorFlow that Keras knows nothing of."""
    cls: Any = type(thing)  # any class can be hashed, which mypy doubts
    return _origin(cls) is not None


def is_keras_variable(thing: Any) -> bool:
    """Return whether an object is a variable of Keras, on whichever backend."""
    cls: Any = type(thing)
    return _origin(cls) == "keras"


@lru_cache(maxsize=1024)
def _origin(cls: type) -> str | None:
    """Return the library (`keras`, `tensorflow`) of whose variables a class is, or None."""
    for base in cls.__mro__:
        library = base.__module__.partition(".")[0]
        if base.__name__ in ("Variable", "KerasVariable") and library in ("keras", "tensorflow"):
            return library
    return None


@lru_cache(maxsize=1024)
def _may_hold(cls: Any) -> bool:
    """Return whether objects of a class are layers or variables, or may have some in them: most attributes do not."""
    if issubclass(cls, (dict, list, tuple, set, frozenset)) or cls.__module__ == _WRAPPERS:
        return True
    names = [f"{base.__module__}.{base.__qualname__}" for base in cls.__mro__]
    return _origin(cls) is not None or "keras.src.layers.layer.Layer" in names or _MODULE in names


def _has_inside(thing: Any) -> bool:
    cls: Any = type(thing)  # any class can be hashed, which mypy doubts
    return _may_hold(cls) and hasattr(thing, "__dict__")


def _in_module(module: Any, steps: Steps) -> Iterator[tuple[Steps, Any]]:
    """Yield the variables in a `tf.Module`, which Keras 3 knows nothing of, and in what is within it."""
    seen, pending = {id(module)}, [(steps, module)] if _has_inside(module) else []
    while pending:
        way, holder = pending.pop()
        for below, thing in _held(holder, way):
            if is_variable(thing):
                yield below, thing
            elif id(thing) not in seen and _has_inside(thing):
                seen.add(id(thing))
                pending.append((below, thing))


def is_sequential(layer: Any) -> bool:
    """Return whether a layer is a Sequential model, or of a class derived from it."""
    return any(
        cls.__name__ == "Sequential" and cls.__module__.startswith("keras.src.models")
        for cls in type(layer).__mro__
    )


def _is_functional(layer: Any) -> bool:
    return "_operations" in vars(layer)


def _listed(layer: Any, children: tuple[Any, ...]) -> Iterator[tuple[Steps, Any]]:
    """Yield `layers[0]`, `layers[1]`, … of a Sequential or Functional, which leaves out a Sequential's InputLayer."""
    if not (is_sequential(layer) or _is_functional(layer)):
        return
    listed = list(vars(layer).get("_layers", ()))
    if is_sequential(layer) and listed and type(listed[0]).__name__ == "InputLayer":
        yield ("layers", None), listed.pop(0)
    yield from ((("layers", i), child) for i, child in enumerate(listed))


def _held(layer: Any, way: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield what hangs in the attributes of a layer, also in lists, tuples, dicts and sets (there without a step)."""
    for name, value in vars(layer).items():
        cls: Any = type(value)  # any class can be hashed, which mypy doubts
        if _may_hold(cls) and name not in _OF_KERAS and not name.startswith("_self_"):
            yield from _within(value, (*way, name), _MAX_DEPTH)


def _within(value: Any, steps: Steps, depth: int) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict):
        inside: Iterable[tuple[Any, Any]] = (
            (k if isinstance(k, (str, int)) else repr(k), v) for k, v in value.items()
        )
    elif isinstance(value, (list, tuple)):
        inside = enumerate(value)
    elif isinstance(value, (set, frozenset)):
        inside = ((None, member) for member in value)
    else:
        yield steps, value
        return
    if depth:
        for step, member in inside:
            yield from _within(member, (*steps, step), depth - 1)


def _unique(things: Iterable[Any]) -> tuple[Any, ...]:
    """Return the things, each once, by identity."""
    return tuple({id(thing): thing for thing in things}.values())
