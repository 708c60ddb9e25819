"""A model's tree once more, with other weights in its layers: slots of an optimizer, metrics, random state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from weightrepl.errors import ChangedError
from weightrepl.model.tree import Content, Layer, Weight


def mirrored(root: Layer, content_of: Callable[[Layer], Content]) -> Content:
    """Return what `root` holds with other content in each layer: only layers that have some, or lead to some.

    content_of: what a layer of the model has instead; its layers come after those that mirror the model's.
    Earlier layers of the same name as one that is there stay too: their numbers are the model's.
    """
    made: dict[int, Layer | None] = {}

    def content(layer: Layer) -> Content:
        weights, more = content_of(layer)
        inside: list[Layer] = []
        for child in reversed([child for child in layer.children if not child.system]):
            found = below(child)
            if found is None and any(each.name == child.name for each in inside):
                found = Layer(child.name)
            if found is not None:
                inside.insert(0, found)
        return Content(weights, (*inside, *more))

    def below(layer: Layer) -> Layer | None:
        if id(layer) not in made:
            made[id(layer)] = None
            found = content(layer)
            made[id(layer)] = Layer(layer.name, found, shared=layer.shared) if any(found) else None
        return made[id(layer)]

    return content(root)


def slot_in_name(variable: str, weight: str) -> str:
    """Return what Keras 3 calls a slot: `momentum` of `dense_kernel_momentum`, which belongs to `dense/kernel`.

    Empty where the variable's name does not begin with the weight's path.
    """
    prefix = weight.replace("/", "_") + "_"
    return variable[len(prefix) :] if variable.startswith(prefix) else ""


def slot_layer(name: str, root: Layer, slots: Mapping[int, Sequence[Weight]]) -> Layer:
    """Return the layer of an optimizer's slot. slots: what it has for each weight of the model, by the weight's id."""
    return Layer(
        name,
        mirrored(root, lambda layer: Content(tuple(s for w in layer.weights for s in slots.get(id(w), ())))),
    )


def read_all(root: Layer, system: bool = False) -> None:
    """Read whatever below a layer was not read so far, as far as it is still there.

    system: whether the system's layers are read, too.
    """
    seen, pending = set[int](), [root]
    while pending:
        layer = pending.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            with suppress(ChangedError):
                pending += (child for child in layer.children if system or not child.system)
