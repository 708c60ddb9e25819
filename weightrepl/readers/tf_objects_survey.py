"""Which objects and variables there are below a live object of TensorFlow's, who holds them, and under which names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from weightrepl.readers.live_tree import ways_down
from weightrepl.readers.tf_objects_kinds import (
    full_name,
    is_from_v1,
    is_generator,
    is_metric,
    is_optimizer,
    kind_of,
    library_of,
    may_hold,
)

Steps: TypeAlias = "tuple[str | int, ...]"
"""The way from an object to what it holds: an attribute, then keys and positions."""

_LISTS = {
    # where layers of each Keras keep their variables, then their layers
    "tf_keras": (("_trainable_weights", "_non_trainable_weights"), "_self_tracked_trackables"),
    "keras": (("_trainable_variables", "_non_trainable_variables"), "_layers"),
}
_OF_KERAS = {
    # attributes in which Keras keeps books of its own
    "_trainable_weights", "_non_trainable_weights", "_metrics", "_obj_reference_counts_dict",
    "_compiled_trainable_state", "_inbound_nodes_value", "_outbound_nodes_value", "_nodes_by_depth",
    "_layer_call_argspecs", "_input_layers", "_output_layers", "_input_coordinates", "_output_coordinates",
    "_checkpoint", "optimizer", "compiled_loss", "compiled_metrics", "_trainable_variables",
    "_non_trainable_variables", "_layers", "_seed_generators", "_tracker", "_functional", "_operations",
    "_operations_by_depth", "_nodes", "_inbound_nodes", "_outbound_nodes",
}  # fmt: skip
_BOOKS = {
    # attributes of loaded objects, optimizers and checkpoints that list again what others hold
    "variables", "trainable_variables", "non_trainable_variables", "_all_variables", "_trainable_variables",
    "_variables", "_non_trainable_variables", "_layers", "_tracker", "_operations", "layers",
    "layer_metrics", "metrics", "keras_api", "_coalesced_children", "_kwargs", "_root", "_saver",
    "_attached_dependencies",
}  # fmt: skip
_MAX_DEPTH = 32


class Held(NamedTuple):
    """What an object holds at one place."""

    steps: Steps
    thing: Any


class Survey:
    """All that is below one object. By the `id` of the objects, all of which it keeps alive.

    root: the object itself, or the one model that a `tf.train.Checkpoint` holds; attribute: under which it does.
    children: the objects that one holds and that are layers, in its order; a way that leads back up is left out.
    own: its variables. loose: of a Keras layer, variables in attributes that it does not count among its weights;
        of other objects, those of the generators of random numbers that they hold.
    optimizers: those that the root holds, which are none of its layers.
    ways: of a Keras layer, those on which it is held.
    shared: objects and variables that are reached on several ways. trained: variables that training changes.
    """

    def __init__(self, root: Any) -> None:
        self.root, self.attribute = root, ""
        self.objects: dict[int, Any] = {}
        self.children: dict[int, tuple[Held, ...]] = {}
        self.own: dict[int, tuple[Held, ...]] = {}
        self.loose: dict[int, tuple[Held, ...]] = {}
        self.ways: dict[int, tuple[Steps, ...]] = {id(root): ()}
        self.shared: set[int] = set()
        self.trained: set[int] = set()
        self._walk(root)
        self._open_books()
        self.optimizers = self._take_out_optimizers()
        self._prune()
        self._enter_model()
        self._share()
        self._train()

    def _walk(self, top: Any) -> None:
        """Go down every way once; an object that lies above itself is not followed."""
        for holder, thing, leads_up in ways_down(top, self._enter, self.objects):
            if leads_up:
                kept = tuple(held for held in self.children[id(holder)] if held.thing is not thing)
                self.children[id(holder)] = kept

    def _enter(self, thing: Any) -> list[Any]:
        """Write down what an object holds, and return its layers."""
        key = id(thing)
        self.objects[key] = thing
        library = library_of(thing)
        if library is not None:
            self._enter_layer(thing, *_LISTS[library])
        else:
            skipped = _is_book if _has_books(thing) else None
            found = tuple(_scopes(thing) if is_from_v1(thing) else held_by(thing, skipped))
            self._note_ways(found)
            random = tuple(held for held in found if is_generator(held.thing))
            others = (held for held in found if not is_generator(held.thing))
            self.own[key] = tuple(held for held in found if kind_of(held.thing) == "variable")
            self.children[key] = _once_of_keras(held for held in others if kind_of(held.thing) != "variable")
            self.loose[key] = tuple(each for held in random for each in variables_in(held))
        return [held.thing for held in self.children[key]]

    def _enter_layer(self, layer: Any, lists: tuple[str, ...], below: str) -> None:
        """Write down what a layer of Keras holds: what Keras tracks, which knows no attributes."""
        found = tuple(held_by(layer, _OF_KERAS.__contains__))
        self._note_ways((*found, *_listed(layer, below)))
        way = {id(held.thing): held.steps for held in reversed(found)}
        every = (each for name in lists for each in vars(layer).get(name, ()))  # vocabularies, too
        own = {id(each): each for each in every if kind_of(each) == "variable"}
        others = [held for held in found if kind_of(held.thing) == "other" and not is_optimizer(held.thing)]
        variables = [held for held in found if kind_of(held.thing) == "variable"]
        variables += [each for held in others for each in variables_in(held)]
        key = id(layer)
        self.own[key] = tuple(Held(way.get(id(each), ()), each) for each in own.values())
        self.children[key] = tuple(Held(way.get(id(each), ()), each) for each in _tracked(layer, below))
        self.loose[key] = tuple(held for held in variables if id(held.thing) not in own)

    def _note_ways(self, every: Iterable[Held]) -> None:
        for held in every:
            ways = self.ways.get(id(held.thing), ())
            if held.steps not in ways:
                self.ways[id(held.thing)] = (*ways, held.steps)

    def _open_books(self) -> None:
        """Add what only the books of an object list, and what is below that."""
        known = self._known()
        for thing in [each for each in self.objects.values() if _has_books(each)]:
            for held in held_by(thing, lambda name: not _is_book(name)):
                if id(held.thing) not in known and not is_generator(held.thing):
                    if kind_of(held.thing) == "variable":
                        self.own[id(thing)] += (held,)
                        known.add(id(held.thing))
                    else:
                        self._walk(held.thing)
                        self.children[id(thing)] += (held,)
                        known = self._known()

    def _known(self) -> set[int]:
        return {id(held.thing) for every in self.own.values() for held in every} | self.objects.keys()

    def _take_out_optimizers(self) -> tuple[Held, ...]:
        """Return the optimizers that the root holds, and count them among its layers no more."""
        loaded = vars(self.root).get("optimizer") if kind_of(self.root) == "loaded" else None
        found = {
            id(held.thing): held
            for held in held_by(self.root)
            if is_optimizer(held.thing) or (held.thing is loaded and loaded is not None)
        }
        children = self.children[id(self.root)]
        self.children[id(self.root)] = tuple(held for held in children if id(held.thing) not in found)
        return tuple(found.values())

    def _prune(self) -> None:
        """Leave out what is no layer and leads to no variable: functions, tables, what SavedModels note down."""
        useful = {
            key
            for key, thing in self.objects.items()
            if self.own[key] or kind_of(thing) in ("keras", "module")
        }
        parents: dict[int, list[int]] = {}
        for key, children in self.children.items():
            for held in children:
                parents.setdefault(id(held.thing), []).append(key)
        pending = list(useful)
        while pending:
            for parent in parents.get(pending.pop(), ()):
                if parent not in useful:
                    useful.add(parent)
                    pending.append(parent)
        for key, children in self.children.items():
            self.children[key] = tuple(held for held in children if id(held.thing) in useful)
        self._forget_all_but(self.root)

    def _forget_all_but(self, root: Any) -> None:
        """Forget what can't be reached any more."""
        reached, pending = {id(root)}, [id(root)]
        while pending:
            below = {id(held.thing) for held in self.children[pending.pop()]} - reached
            reached |= below
            pending += below
        for known in (self.objects, self.own, self.children, self.loose):
            for key in known.keys() - reached:
                del known[key]

    def _enter_model(self) -> None:
        """Put a checkpoint's counter aside; the one model that it holds, beside optimizers and numbers, is the root."""
        key = id(self.root)
        numbers, objects = self.own[key], self.children[key]
        if type(self.root).__name__ != "Checkpoint":
            return
        counters = [held for held in numbers if held.steps == ("_save_counter",)]
        self.loose[key] += tuple(Held(("save_counter",), held.thing) for held in counters)
        self.own[key] = numbers = tuple(held for held in numbers if held not in counters)
        is_one = len(objects) == 1 and len(objects[0].steps) == 1
        if not is_one or any(held.thing.shape.rank for held in numbers):
            return
        known = self.optimizers
        (self.attribute,), self.root = map(str, objects[0].steps), objects[0].thing
        self.loose[id(self.root)] += (*numbers, *self.loose[key])
        more = {id(held.thing): held for held in (*self._take_out_optimizers(), *known)}
        self.optimizers = tuple(more.values())
        self._forget_all_but(self.root)

    def _share(self) -> None:
        """Find what is reached on several ways: what is held at several places, and all below that."""
        places: dict[int, int] = {}
        for every in (*self.own.values(), *self.children.values()):
            for held in every:
                places[id(held.thing)] = places.get(id(held.thing), 0) + 1
        self.shared = {key for key, count in places.items() if count > 1}
        pending = [key for key in self.shared if key in self.objects]
        while pending:
            key = pending.pop()
            for held in (*self.own[key], *self.children[key]):
                if id(held.thing) not in self.shared:
                    self.shared.add(id(held.thing))
                    if id(held.thing) in self.objects:
                        pending.append(id(held.thing))

    def _train(self) -> None:
        """Find what training changes: a Keras layer that is not trainable keeps all in it from that."""
        seen, pending = set[int](), [self.root]
        while pending:
            thing = pending.pop()
            inside = vars(thing)
            if id(thing) in seen or not inside.get("_trainable", True):
                continue
            seen.add(id(thing))
            frozen = {id(variable) for variable in inside.get("_non_trainable_weights", ())}
            for held in self.own[id(thing)]:
                parts = vars(held.thing).get("_variables", (held.thing,))  # one in shards has no word for it
                if all(each.trainable for each in parts) and id(held.thing) not in frozen:
                    self.trained.add(id(held.thing))
            pending += [held.thing for held in self.children[id(thing)]]


def _tracked(layer: Any, below: str) -> tuple[Any, ...]:
    """Return the layers and modules that Keras knows a layer to hold, each once, but metrics."""
    tracked = (each for _, each in within(list(vars(layer).get(below, ())), ()))
    layers = {id(each): each for each in tracked if kind_of(each) in ("keras", "module")}
    return tuple(each for each in layers.values() if not is_metric(each))


def _listed(layer: Any, below: str) -> Iterator[Held]:
    """Yield `layers.0`, `layers.1`, … of a Sequential or Functional; a Sequential leaves out its InputLayer."""
    is_sequential = any(base.__name__ == "Sequential" for base in type(layer).__mro__)
    if is_sequential or vars(layer).get("_is_graph_network"):
        children = _tracked(layer, below)
        first = 1 if is_sequential and children and type(children[0]).__name__ == "InputLayer" else 0
        yield from (Held(("layers", i), child) for i, child in enumerate(children[first:]))


def _has_books(thing: Any) -> bool:
    return kind_of(thing) in ("loaded", "other")


def _is_book(name: str) -> bool:
    # tf_keras notes `layer-1` of what is `layer_with_weights-0` or has an attribute too
    return name in _BOOKS or name.startswith("layer-")


def _scopes(loaded: Any) -> Iterator[Held]:
    """Yield the variables of a SavedModel of TensorFlow 1, where their names are unique and the scopes the layers."""
    yield from (Held(tuple(full_name(each).split("/")), each) for each in vars(loaded)["variables"])


def _once_of_keras(every: Iterable[Held]) -> tuple[Held, ...]:
    """Return what is held, the layers of Keras once, since they have the same name on all ways."""
    seen: set[int] = set()
    kept = []
    for held in every:
        if id(held.thing) not in seen:
            kept.append(held)
        if kind_of(held.thing) == "keras":
            seen.add(id(held.thing))
    return tuple(kept)


def held_by(thing: Any, is_left_out: Callable[[str], bool] | None = None) -> Iterator[Held]:
    """Yield the variables and the objects in the attributes of an object, also in lists, tuples and dicts."""
    ignored = getattr(type(thing), "_TF_MODULE_IGNORED_PROPERTIES", ())
    for name, value in vars(thing).items():
        cls: Any = type(value)  # any class can be hashed, which mypy doubts
        if not may_hold(cls) or name.startswith("_self_") or name in ignored:
            continue
        if is_left_out is None or not is_left_out(name):
            yield from (
                Held(steps, each) for steps, each in within(value, (name,)) if kind_of(each) is not None
            )


def variables_in(held: Held) -> Iterator[Held]:
    """Yield the variables in an object that is no layer, such as a generator's, and in such objects within it."""
    seen = {id(held.thing)}
    pending = [held]
    while pending:
        holder = pending.pop()
        for steps, thing in held_by(holder.thing):
            below = Held((*holder.steps, *steps), thing)
            if id(thing) not in seen:
                seen.add(id(thing))
                if kind_of(thing) == "variable":
                    yield below
                elif kind_of(thing) == "other":
                    pending.append(below)


def within(value: Any, steps: Steps, depth: int = _MAX_DEPTH) -> Iterator[tuple[Steps, Any]]:
    """Yield what a list, tuple or dict holds, at any depth, with the way to it; anything else as it is."""
    if isinstance(value, dict):
        inside: Iterable[tuple[Any, Any]] = ((str(key), member) for key, member in value.items())
    elif isinstance(value, (list, tuple)):
        inside = enumerate(value)
    else:
        yield steps, value
        return
    if depth:
        for step, member in inside:
            yield from within(member, (*steps, step), depth - 1)
