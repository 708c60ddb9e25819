"""What of a live Keras model is not part of the network proper: optimizer, metrics, random state, strangers.

.optimizer/<slot>/<layers>:<weight>    the slot that belongs to a weight; `.optimizer:iterations` what belongs to none
.optimizer/inner_optimizer/…           the same for an optimizer within another
.metrics/<layers>/<metric>:<variable>  metrics of the model (also compiled ones) and of its layers
.state/<layers>:seed_generator_state   random seeds; and variables in attributes which Keras does not save
.unread/<layers>:<attribute>           a `tf.Variable` in an attribute: Keras neither tracks nor saves it
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.keras_object_survey import Steps, Survey, is_keras_variable, is_variable
from weightrepl.readers.live_tree import LiveTree
from weightrepl.readers.mirrors import mirrored, read_all, slot_in_name, slot_layer
from weightrepl.values import Value

UNTRACKED = "in an attribute, but Keras does not track and does not save it"
STRANGER = "a tf.Variable, which Keras 3 does not track, train or save"


class Tree(Value):
    """What is known of a live model, and what makes its layers and weights."""

    survey: Survey
    live: LiveTree[Survey]

    def weight(self, variable: Any, name: str | None = None, remark: str | None = None) -> Weight:
        """Return the Weight that a variable is, which is no layer's own."""
        shared = id(variable) in self.survey.shared
        name = str(variable.name) if name is None else name
        return self.live.weight(variable, name, shared=shared, remark=remark)


def system_layers(tree: Tree) -> Iterator[Layer]:
    """Yield `.metrics`, `.state` and `.unread`, as far as there is something in them."""
    live, root = tree.live, tree.survey.root
    for name, found in ((".metrics", _metrics), (".state", _state), (".unread", _strangers)):
        contents = found(tree)
        if contents:
            yield Layer(name, live.later(root, _mirroring(live, contents)), system=True)


def _mirroring(live: LiveTree[Survey], contents: dict[int, Content]) -> Callable[[Survey, Any], Content]:
    """Return what makes the content of a system's layer: the model's layers with `contents`, by their objects' ids."""

    def content(survey: Survey, _: Any) -> Content:
        read_all(live.root)
        by_layer = {
            id(layer): contents[key]
            for key, thing in survey.objects.items()
            if key in contents
            for layer in live.layers(thing).values()
        }
        return mirrored(live.root, lambda layer: by_layer.get(id(layer), Content()))

    return content


# -- metrics, seeds, strangers ----------------------------------------------------------------------------------------


def _metrics(tree: Tree) -> dict[int, Content]:
    contents = {}
    for key, layer in tree.survey.objects.items():
        metrics = list(vars(layer).get("_metrics", ()))
        if layer is tree.survey.root:
            metrics = [*_compiled_metrics(layer), *metrics]
        layers = [_metric(tree, each) for each in {id(each): each for each in metrics}.values()]
        kept = tuple(each for each in layers if each.weights or each.children)
        if kept:
            contents[key] = Content((), kept)
    return contents


def _compiled_metrics(model: Any) -> Iterator[Any]:
    """Yield the metrics that `compile` made: the loss, then what was asked for."""
    inside = vars(model)
    if inside.get("_loss_tracker") is not None:
        yield inside["_loss_tracker"]
    for holder in (inside.get("_compile_loss"), inside.get("_compile_metrics")):
        for key in ("_metrics", "_flat_metrics", "_flat_weighted_metrics"):
            for each in (vars(holder).get(key) if holder is not None else None) or ():
                listed = vars(each).get("metrics") if type(each).__name__ == "MetricsList" else (each,)
                yield from (metric for metric in listed or () if metric is not None)


def _metric(tree: Tree, metric: Any) -> Layer:
    inside = vars(metric)
    weights = tuple(tree.weight(variable) for variable in inside.get("_variables", ()))
    layers = [_metric(tree, each) for each in inside.get("_metrics", ())]
    kept = tuple(each for each in layers if each.weights or each.children)
    return Layer(str(inside.get("name", "")), Content(weights, kept), class_name=type(metric).__name__)


def _state(tree: Tree) -> dict[int, Content]:
    contents = {}
    for key, layer in tree.survey.objects.items():
        states = [vars(seed).get("state") for seed in vars(layer).get("_seed_generators", ())]
        weights = [tree.weight(state) for state in states if state is not None]
        weights += _loose(tree, layer, UNTRACKED, is_keras_variable)
        if weights:
            contents[key] = Content(tuple(weights))
    return contents


def _strangers(tree: Tree) -> dict[int, Content]:
    found = {
        key: Content(tuple(_loose(tree, layer, STRANGER, lambda variable: not is_keras_variable(variable))))
        for key, layer in tree.survey.objects.items()
    }
    return {key: content for key, content in found.items() if content.weights}


def _loose(tree: Tree, layer: Any, remark: str, wanted: Callable[[Any], bool]) -> list[Weight]:
    return [
        tree.weight(variable, _dotted(steps), remark)
        for steps, variable in tree.survey.loose[id(layer)]
        if wanted(variable)
    ]


def _dotted(steps: Steps) -> str:
    return ".".join(map(str, steps))


# -- the optimizer ----------------------------------------------------------------------------------------------------


def optimizers_layer(tree: Tree, attributes: Mapping[str, Any]) -> tuple[Layer, ...]:
    """Return the layer of a model's optimizer; of several one that holds each under its attribute's name."""
    found = {id(value): (name, value) for name, value in attributes.items() if is_optimizer(value)}
    if len(found) == 1:
        return tuple(optimizer_layer(tree, optimizer) for _, optimizer in found.values())
    each = tuple(optimizer_layer(tree, optimizer, name) for name, optimizer in found.values())
    return (Layer(".optimizer", Content((), each), system=True),) if each else ()


def optimizer_layer(tree: Tree, optimizer: Any, name: str = ".optimizer") -> Layer:
    """Return the layer of an optimizer: what belongs to no weight, a layer per slot, the optimizers within."""
    live = tree.live
    content = live.later(optimizer, lambda survey, it: _optimizer_content(Tree(survey, live), it))
    return Layer(name, content, class_name=type(optimizer).__name__, system=name == ".optimizer")


def _optimizer_content(tree: Tree, optimizer: Any) -> Content:
    own: list[Weight] = []
    slots: dict[str, dict[int, list[Weight]]] = {}
    read_all(tree.live.root)
    owned = {id(variable) for variables in tree.survey.own.values() for variable in variables}
    trained, places, names = _places(optimizer)
    for variable in _variables(optimizer):
        attribute, position = places.get(id(variable), ("", -1))
        weight = trained[position] if position >= 0 else None
        if weight is None or id(weight) not in owned:
            own.append(tree.weight(variable, _loose_name(variable, names.get(id(variable)))))
        else:
            of = tree.live.weight(weight, str(weight.name))
            slot = slots.setdefault(_slot_name(attribute, variable, weight), {})
            slot.setdefault(id(of), []).append(tree.weight(variable, of.name))
    layers = [slot_layer(name, tree.live.root, found) for name, found in slots.items()]
    inner = [optimizer_layer(tree, each, name) for name, each in _inner(optimizer)]
    return Content(tuple(own), (*layers, *inner))


def _variables(optimizer: Any) -> Iterable[Any]:
    """Return the optimizer's own variables in its order, without those of optimizers within it."""
    return {id(variable): variable for variable in vars(optimizer).get("_variables", ())}.values()


def _places(optimizer: Any) -> tuple[list[Any], dict[int, tuple[str, int]], dict[int, str]]:
    """Return what the optimizer trains; attribute and position of each variable in a list as long as that; names.

    By identity: a variable's own name lacks what tells two weights of one path apart.
    """
    inside = vars(optimizer)
    trained = list(inside.get("_trainable_variables", ()))
    places: dict[int, tuple[str, int]] = {}
    names: dict[int, str] = {}
    for attribute, value in inside.items():
        if attribute in ("_variables", "_trainable_variables"):
            continue
        if is_variable(value):
            names.setdefault(id(value), attribute)
        elif isinstance(value, (list, tuple)) and len(value) == len(trained):
            for position, variable in enumerate(value):
                if is_variable(variable):
                    places.setdefault(id(variable), (attribute, position))
    return trained, places, names


def _slot_name(attribute: str, variable: Any, weight: Any) -> str:
    """Return `momentum` of a variable `dense_kernel_momentum` that belongs to `dense/kernel`; else the attribute's."""
    slot = slot_in_name(str(variable.name), str(getattr(weight, "path", weight.name)))
    return slot or attribute.strip("_") or attribute


def _loose_name(variable: Any, attribute: str | None) -> str:
    """Return the name of what belongs to no weight. Keras calls the variable `iteration`, its users `iterations`."""
    name = str(variable.name)
    if attribute is not None and (name == "iteration" or re.fullmatch(r"variable(_[0-9]+)?", name)):
        return attribute.strip("_") or attribute
    return name


def _inner(optimizer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the optimizers within one, under the attribute's name; those in a list under their own."""
    seen = {id(optimizer)}
    for attribute, value in vars(optimizer).items():
        listed = isinstance(value, (list, tuple))
        for each in value if listed else (value,):
            if id(each) not in seen and is_optimizer(each):
                seen.add(id(each))
                yield (str(vars(each).get("name", attribute)) if listed else attribute.strip("_")), each


def is_optimizer(thing: Any) -> bool:
    """Return whether an object is an optimizer of Keras, or of a class derived from one."""
    return hasattr(thing, "__dict__") and any(
        cls.__name__ == "BaseOptimizer" and cls.__module__.startswith("keras.") for cls in type(thing).__mro__
    )
