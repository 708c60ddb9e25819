"""An optimizer's variables, which a store keeps by number: which slot of which weight each is.

Keras 3 saves `optimizer.variables` in order: the step, the learning rate unless a schedule computes it, then what the
optimizer's class makes. All of it is checked against the shapes of the model's trainable weights; what does not fit
keeps its number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.keras_groups import SavedGroup, Stored
from weightrepl.readers.keras_layers import unread_variables
from weightrepl.readers.mirrors import slot_layer
from weightrepl.values import Value

UNPLACED = "the file records only the position of this variable among the optimizer's, not what it is"
COPY = "stored a second time: a variable of the inner optimizer"

Shape = tuple[int, ...]

_INTERLEAVED = {
    # class -> slots that come one after the other for each weight
    "Adadelta": ("accumulated_grad", "accumulated_delta_var"),
    "Adafactor": ("r", "c", "velocity"),
    "Adagrad": ("accumulator",),
    "Adam": ("momentum", "velocity"),
    "AdamW": ("momentum", "velocity"),
    "Adamax": ("momentum", "norm"),
    "Ftrl": ("accumulator", "linear"),
    "Lamb": ("momentum", "velocity"),
    "Lion": ("momentum",),
    "Nadam": ("momentum", "velocity"),
    "RMSprop": ("velocity",),
    "ScheduleFreeAdamW": ("momentum", "velocity"),
    "SGD": (),
}
_BY_LOWER_NAME = {name.lower(): name for name in _INTERLEAVED} | {"rm_sprop": "RMSprop", "adam_w": "AdamW"}


class Trained(Value):
    """A weight that the optimizer may change, and the layers that lead to it."""

    way: tuple[Layer, ...]
    weight: Weight

    @property
    def shape(self) -> Shape:
        return self.weight.spec.shape or ()


class Slot(Value):
    """What a variable of the optimizer is: `name` alone, or the slot of that name of a weight."""

    name: str
    trained: Trained | None = None


def is_optimizer(attribute: str, group: SavedGroup) -> bool:
    """Return whether what an attribute holds is an optimizer: it is called so, and counts its steps first."""
    recorded = group.recorded_name
    is_called_so = _class_of(recorded)[0] is not None or "opt" in f"{attribute} {recorded}".lower()
    first = group.variables[0].dataset.spec if is_called_so and group.variables else None
    return first is not None and first.shape == () and first.dtype.startswith("int")


def optimizer_layer(
    group: SavedGroup,
    compiled: object,
    trained: Callable[[], tuple[list[Trained], bool]],
    name: str = ".optimizer",
) -> Layer:
    """Return the layer of an optimizer.

    compiled: the optimizer's entry in the configuration. trained: gives the model's weights that an optimizer may
    change, and whether they come in the model's order.
    """
    return Layer(name, lambda: _content(group, compiled, trained), system=name == ".optimizer")


def metrics_layer(group: SavedGroup) -> Layer:
    """Return the layer `.metrics`: a layer per metric, which only tf_keras saves."""

    def content() -> Content:
        return Content((), tuple(_metric(below) for _, below in group.objects))

    return Layer(".metrics", content, system=True)


def _metric(group: SavedGroup) -> Layer:
    """Return a metric. A mean has a total and a count."""
    mean = group.name.rstrip("_0123456789") in ("mean", "mean_metric_wrapper") and len(group.variables) == 2
    names = ("total", "count") if mean else tuple(each.name for each in group.variables)
    weights = [_weight(each, name) for each, name in zip(group.variables, names, strict=True)]
    return Layer(group.recorded_name or group.name, Content(tuple(weights)))


def _content(
    group: SavedGroup, compiled: object, trained: Callable[[], tuple[list[Trained], bool]]
) -> Content:
    class_name, config = _class_of(group.recorded_name if compiled is None else compiled)
    inner = group.groups.get("inner_optimizer")
    stored = [each for each in group.variables if each.dataset.unreadable is None]
    unread = unread_variables(group)
    slots: list[Slot | None] = [None] * len(stored)
    whole = not unread and [each.name for each in stored] == [str(i) for i in range(len(stored))]
    children: list[Layer] = []
    if inner is not None:
        slots = _outer(stored) if whole else slots
        of_inner = config.get("inner_optimizer") if class_name in (None, "LossScaleOptimizer") else compiled
        children.append(optimizer_layer(inner, of_inner, trained, "inner_optimizer"))
    elif whole and class_name is not None:
        weights, ordered = trained()
        shapes = [each.dataset.spec.shape or () for each in stored]
        slots = _assigned(shapes, class_name, config, weights, ordered)
        if compiled is None and class_name == "SGD" and None in slots:
            slots = _assigned(shapes, class_name, {"momentum": True}, weights, ordered)
    own, by_slot = [], dict[str, dict[int, tuple[Weight]]]()
    for each, slot in zip(stored, slots, strict=True):
        if slot is None:
            own.append(_weight(each, each.name, COPY if inner is not None else UNPLACED))
        elif slot.trained is None:
            own.append(_weight(each, slot.name))
        else:
            weight = slot.trained.weight
            by_slot.setdefault(slot.name, {})[id(weight)] = (_weight(each, weight.name),)
    if by_slot:
        root = _top(trained()[0])
        children = [slot_layer(name, root, found) for name, found in by_slot.items()] + children
    if unread:
        children.append(Layer(".unread", Content(unread), system=True))
    return Content(tuple(own), tuple(children))


def _class_of(compiled: object) -> tuple[str | None, Mapping[str, Any]]:
    """Return class and configuration of an optimizer.

    A mere `adam` has all defaults: tf_keras may write it, and a store without a configuration has nothing but the
    optimizer's name, which is by default its class's; the second of a process is called `adam_1`.
    """
    if isinstance(compiled, str):
        name, _, number = compiled.lower().rpartition("_")
        return _BY_LOWER_NAME.get(name if number.isdecimal() else compiled.lower()), {}
    if not isinstance(compiled, Mapping) or ">" in str(compiled.get("registered_name")):
        return None, {}
    class_name, config = compiled.get("class_name"), compiled.get("config")
    known = isinstance(class_name, str) and (class_name in _INTERLEAVED or class_name == "LossScaleOptimizer")
    return (str(class_name) if known else None), config if isinstance(config, Mapping) else {}


def _weight(stored: Stored, name: str, remark: str | None = None) -> Weight:
    dataset = stored.dataset
    return Weight(name, dataset.spec, dataset.tensor, False, dataset.path, stored.file, remark=remark)


def _outer(stored: Sequence[Stored]) -> list[Slot | None]:
    """Return the slots of a LossScaleOptimizer, which saves its inner optimizer's variables after its own four."""
    names = ("iterations", "learning_rate", "step_counter", "dynamic_scale")
    plain = len(stored) >= 4 and all(each.dataset.spec.shape == () for each in stored[:4])
    own = [Slot(name) for name in names] if plain else []
    return [*own, *[None] * (len(stored) - len(own))]


def _assigned(
    shapes: Sequence[Shape],
    class_name: str,
    config: Mapping[str, Any],
    weights: Sequence[Trained],
    ordered: bool,
) -> list[Slot | None]:
    """Return for each variable what it is, None where that is not certain."""
    tail = ["u_product"] if class_name == "Nadam" else []
    for head in (["iterations", "learning_rate"], ["iterations"]):
        blocks = _blocks(class_name, config)
        per_weight = sum(map(len, blocks))
        count = len(shapes) - len(head) - len(tail)
        if (
            count != per_weight * len(weights)
            or any(shapes[: len(head)])
            or any(shapes[len(shapes) - len(tail) :])
        ):
            continue
        body = shapes[len(head) : len(head) + count]
        owners = _owners(body, blocks, weights, ordered)
        if owners is not None:
            slots = [*map(Slot, head), *_slots(blocks, owners), *map(Slot, tail)]
            return slots
    if len(shapes) <= 2 and not any(shapes):  # as it is before the first step of a training
        return [Slot(name) for name in ("iterations", "learning_rate")[: len(shapes)]]
    return [None] * len(shapes)


def _blocks(class_name: str, config: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return the slots, block after block; within a block those of one weight follow each other."""
    blocks: list[tuple[str, ...]] = []
    if config.get("use_ema"):
        blocks.append(("average",))
    if config.get("gradient_accumulation_steps"):
        blocks.append(("gradient_accumulator",))
    blocks.append(_INTERLEAVED[class_name])
    for key, slot in (
        ("amsgrad", "velocity_hat"),
        ("momentum", "momentum"),
        ("centered", "average_gradient"),
    ):
        if config.get(key) and class_name in ("Adam", "AdamW", "RMSprop", "SGD"):
            blocks.append((slot,))
    return [block for block in blocks if block]


def _owners(
    body: Sequence[Shape], blocks: Sequence[tuple[str, ...]], weights: Sequence[Trained], ordered: bool
) -> list[Trained | None] | None:
    """Return the weights in the optimizer's order, None for those that can't be told; None if shapes disagree.

    Where the model's order is not known, a weight is told by its shape if no other has that shape.
    """
    if not blocks or not weights:
        return list(weights) if not body else None
    width = len(blocks[0])
    order = [
        body[i * width + width - 1] for i in range(len(weights))
    ]  # the last of a block has the weight's shape
    owners: list[Trained | None]
    if ordered and order == [each.shape for each in weights]:
        owners = list(weights)
    else:
        counts = Counter(each.shape for each in weights)
        if counts != Counter(order):
            return None
        by_shape = {each.shape: each for each in weights}
        owners = [by_shape[shape] if counts[shape] == 1 else None for shape in order]
    expected = [_slot_shape(slot, shape) for block in blocks for shape in order for slot in block]
    return owners if list(body) == expected else None


def _slot_shape(slot: str, shape: Shape) -> Shape:
    """Return the shape of a slot: that of its weight, but for Adafactor's sums over rows and columns."""
    if slot == "r":
        return shape[:-1] if len(shape) > 1 else ()
    if slot == "c":
        return (*shape[:-2], shape[-1]) if len(shape) > 1 else ()
    return shape


def _slots(blocks: Sequence[tuple[str, ...]], owners: Sequence[Trained | None]) -> Iterator[Slot | None]:
    for block in blocks:
        for owner in owners:
            for slot in block:
                yield Slot(slot, owner) if owner is not None else None


def _top(weights: Sequence[Trained]) -> Layer:
    """Return the model's own layer, from which all ways lead."""
    return weights[0].way[0]
