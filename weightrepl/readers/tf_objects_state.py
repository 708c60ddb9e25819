"""What of a live object of TensorFlow's is not part of the network proper: optimizers, metrics, random state, counters.

.optimizer/<slot>/<layers>:<weight>    the slot that belongs to a weight; `.optimizer:iterations` what belongs to none
.metrics/<layers>/<metric>:<variable>  metrics of the model (also compiled ones) and of its layers
.state/<layers>:<attribute>            variables that a layer of Keras holds but does not count among its weights
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.live_tree import LiveTree
from weightrepl.readers.mirrors import mirrored, read_all, slot_in_name, slot_layer
from weightrepl.readers.tf_objects_kinds import full_name, is_metric, is_optimizer, kind_of, own_name
from weightrepl.readers.tf_objects_survey import Held, Survey, held_by, within
from weightrepl.values import Value

_LISTS = ("_variables", "_weights", "_coalesced_children")
"""Attributes in which optimizers list again what others hold."""


class Tree(Value):
    """What is known of a live object, and what makes its layers and weights."""

    survey: Survey
    live: LiveTree[Survey]

    def weight(self, variable: Any, name: str, shared: bool = False) -> Weight:
        """Return the Weight that a variable is, which is no layer's own."""
        return self.live.weight(variable, name, shared=shared or id(variable) in self.survey.shared)


def system_layers(tree: Tree) -> Iterator[Layer]:
    """Yield `.optimizer`, `.metrics` and `.state`, as far as there is something in them."""
    survey, live = tree.survey, tree.live
    optimizers = tuple(optimizer_layer(tree, held) for held in survey.optimizers)
    if len(optimizers) == 1:
        only = survey.optimizers[0]
        yield optimizer_layer(tree, only, ".optimizer")
    elif optimizers:
        yield Layer(".optimizer", Content((), optimizers), system=True)
    for name, read, found in ((".metrics", _metrics, _has_metrics), (".state", _state, _has_state)):
        if any(found(survey, thing) for thing in survey.objects.values()):
            yield Layer(name, live.later(survey.root, _mirroring(live, read)), system=True)


def _mirroring(
    live: LiveTree[Survey], read: Callable[[Tree, Any], Content]
) -> Callable[[Survey, Any], Content]:
    """Return what makes the content of a system's layer: the model's layers, with what `read` gives for an object."""

    def content(survey: Survey, _: Any) -> Content:
        read_all(live.root)
        contents: dict[int, Content] = {}
        for thing in survey.objects.values():
            for layer in live.layers(thing).values():
                contents[id(layer)] = read(Tree(survey, live), thing)
        return mirrored(live.root, lambda layer: contents.get(id(layer), Content()))

    return content


# -- metrics, state ---------------------------------------------------------------------------------------------------


def _has_metrics(survey: Survey, thing: Any) -> bool:
    return next(_metrics_of(survey, thing), None) is not None


def _metrics_of(survey: Survey, thing: Any) -> Iterator[Any]:
    """Yield the metrics of a layer; of the model those too that `compile` made, of a loaded one those in its books."""
    inside = vars(thing)
    found = [inside.get("_metrics", ())]
    if thing is survey.root:
        loss, metrics = inside.get("compiled_loss"), inside.get("compiled_metrics")
        if loss is not None:
            found += [[vars(loss).get("_total_loss_mean")], vars(loss).get("_per_output_metrics")]
        if metrics is not None:
            found += [vars(metrics).get("_metrics"), vars(metrics).get("_weighted_metrics")]
        if kind_of(inside.get("keras_api")) == "loaded":
            found += [vars(inside["keras_api"]).get("metrics", ())]
    listed = {id(each): each for _, each in chain.from_iterable(within(every, ()) for every in found)}
    yield from (each for each in listed.values() if is_metric(each) or kind_of(each) == "loaded")


def _metrics(tree: Tree, thing: Any) -> Content:
    made = []
    for i, metric in enumerate(_metrics_of(tree.survey, thing)):
        survey = Survey(metric)
        weights = [
            tree.weight(held.thing, own_name(held.thing)) for own in survey.own.values() for held in own
        ]
        name = vars(metric).get("_name")
        class_name = type(metric).__name__ if is_metric(metric) else None
        if weights:
            made.append(Layer(name or str(i), Content(tuple(weights)), class_name=class_name))
    return Content((), tuple(made))


def _has_state(survey: Survey, thing: Any) -> bool:
    return bool(survey.loose[id(thing)])


def _state(tree: Tree, thing: Any) -> Content:
    loose = tree.survey.loose[id(thing)]
    return Content(tuple(tree.weight(held.thing, ".".join(map(str, held.steps))) for held in loose))


# -- the optimizer ----------------------------------------------------------------------------------------------------


def optimizer_layer(tree: Tree, held: Held, name: str | None = None) -> Layer:
    """Return the layer of an optimizer, named as the attribute that holds it unless that is told."""
    live = tree.live
    return Layer(
        str(held.steps[-1]).strip("_") if name is None else name,
        live.later(held.thing, lambda survey, it: _optimizer(Tree(survey, live), it)),
        class_name=type(held.thing).__name__,
        system=name is not None,
    )


def _optimizer(tree: Tree, optimizer: Any) -> Content:
    """Return the content of an optimizer: what belongs to no weight, a layer per slot, the optimizers within."""
    read_all(tree.live.root)
    own: list[Weight] = []
    listed: defaultdict[str | int, list[Weight]] = defaultdict(list)
    slots: dict[str, dict[int, list[Weight]]] = {}
    inner: list[Layer] = []
    owners = _Owners(tree.survey, optimizer)
    for held in _in_optimizer(optimizer):
        owner = owners.of(held)
        if is_optimizer(held.thing):
            inner.append(optimizer_layer(tree, held))
        elif owner is not None:
            weight = tree.live.weight(owner, own_name(owner))
            found = slots.setdefault(_slot_name(held, owner, optimizer), {}).setdefault(id(weight), [])
            found.append(tree.weight(held.thing, weight.name, weight.shared))
        elif not owners.is_weight(held.thing):
            of_none = (
                own if isinstance(held.steps[-1], str) or held.steps[0] in _LISTS else listed[held.steps[0]]
            )
            of_none.append(tree.weight(held.thing, _loose_name(held)))
    layers = [Layer(str(name).strip("_"), Content(tuple(weights))) for name, weights in listed.items()]
    layers += [slot_layer(name, tree.live.root, found) for name, found in slots.items()]
    return Content(tuple(own), (*layers, *inner))


def _in_optimizer(optimizer: Any) -> Iterator[Held]:
    """Yield the variables and the optimizers within one, each once, also from objects that it has for its own use."""
    seen: set[int] = set()
    pending = [Held((), optimizer)]
    while pending:
        held = pending.pop(0)
        if id(held.thing) not in seen:
            seen.add(id(held.thing))
            if held.steps and (kind_of(held.thing) == "variable" or is_optimizer(held.thing)):
                yield held
            elif kind_of(held.thing) in ("other", "loaded"):
                pending += sorted(held_by(held.thing), key=lambda below: below.steps[0] in _LISTS)


class _Owners:
    """Which weight of the model a variable of an optimizer belongs to.

    New optimizers of tf_keras hold lists in the order of `_index_dict`, old ones a dict in `_slots`: both by what
    identifies a weight. Those of Keras 3 hold lists in the order of the weights that they train. Of what was loaded
    only the names are left, `Adam/m/hidden/kernel:0`: there one must fit.
    """

    def __init__(self, survey: Survey, optimizer: Any) -> None:
        weights = [held.thing for own in survey.own.values() for held in own]
        self._weights = {id(weight): weight for weight in weights}
        self._by_key = {each._unique_id: each for each in weights if hasattr(each, "_unique_id")}
        index = vars(optimizer).get("_index_dict") or {}
        self._listed = {position: self._by_key.get(key) for key, position in index.items()}
        trained = vars(optimizer).get("_trainable_variables") or ()
        self._listed |= {n: each for n, each in enumerate(trained) if id(each) in self._weights}

    def is_weight(self, variable: Any) -> bool:
        """Return whether a variable is a weight of the model itself, which optimizers list too."""
        return id(variable) in self._weights

    def of(self, held: Held) -> Any:
        """Return the weight that a variable belongs to, or None."""
        if kind_of(held.thing) != "variable" or len(held.steps) < 2 or self.is_weight(held.thing):
            return None
        if held.steps[0] == "_slots":
            return self._by_key.get(held.steps[1])
        if self._listed:
            return self._listed.get(held.steps[1]) if held.steps[0] not in _LISTS else None
        fitting = [
            weight
            for weight in self._weights.values()
            if full_name(held.thing).endswith("/" + full_name(weight)) and held.thing.shape == weight.shape
        ]
        return fitting[0] if len(fitting) == 1 else None


def _slot_name(held: Held, owner: Any, optimizer: Any) -> str:
    """Return `m` of `Adam/m/hidden/kernel:0`, which belongs to `hidden/kernel:0`; else that of the list or slot.

    The list counts, too, where the name is another list's: tf_keras's Adafactor calls its `_c` of a bias `r/…`.
    """
    if held.steps[0] == "_slots":
        return str(held.steps[2])
    before, found, _ = full_name(held.thing).rpartition("/" + full_name(owner))
    of_keras_3 = slot_in_name(full_name(held.thing), str(getattr(owner, "path", "")))
    named, attribute = before.rpartition("/")[2] if found else of_keras_3, str(held.steps[0])
    is_others = attribute != f"_{named}" and isinstance(vars(optimizer).get(f"_{named}"), list)
    return attribute.strip("_") if is_others or not named else named


def _loose_name(held: Held) -> str:
    """Return the name of what belongs to no weight: the attribute's, and in a list its own."""
    step = held.steps[-1]
    return step.strip("_") if isinstance(step, str) else own_name(held.thing)
