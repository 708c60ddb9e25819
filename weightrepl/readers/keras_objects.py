"""Live Keras 3 models as trees, read off the objects' own dictionaries: nothing is imported, called or changed.

The opened model holds the live one and keeps it alive. Its structure is what it was when it was first looked at; values
are those of the moment when they are read.
"""

from __future__ import annotations

from typing import Any

from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.readers.keras_object_state import Tree, is_optimizer, optimizer_layer, system_layers
from weightrepl.readers.keras_object_survey import Steps, Survey, name_of
from weightrepl.readers.keras_object_tensors import VariableTensor
from weightrepl.readers.keras_quantization import of_live

GHOST = "no attribute of the layer above holds it any more, but Keras still counts it in"


class KerasObjectReader:
    """Opens live layers and models of Keras 3."""

    def open(self, thing: Any) -> Model:
        """Return the model that `thing` is, which stays alive as long as what is returned."""
        tree = _LiveTree(thing)
        return Model(tree.root, (tree.root.name,), "", "live Keras model")


class _LiveTree:
    """Makes the layers and weights of one live model, each object once."""

    def __init__(self, root: Any) -> None:
        self._object = root
        self._survey = Survey(root)
        self._layers: dict[int, Layer] = {}
        self._weights: dict[int, Weight] = {}
        self.root = self.layer(root)

    def layer(self, thing: Any) -> Layer:
        """Return the layer that an object of the survey is."""
        known = self._layers.get(id(thing))
        if known is not None:
            return known
        survey = self._survey
        steps = survey.attributes[id(thing)]
        is_ghost = id(thing) not in survey.held
        built = None if is_ghost else survey.built(thing)
        made = self._layers[id(thing)] = Layer(
            name_of(thing),
            lambda: self._content(thing),
            class_name=type(thing).__name__,
            attributes=tuple(".".join(map(str, each)) for each in steps),
            built=built,
            build_line=self._build_line(thing) if built is False else None,
            shared=id(thing) in survey.shared,
            remark=GHOST if is_ghost else None,
            quantization=of_live(thing),
        )
        return made

    def _content(self, thing: Any) -> Content:
        weights = tuple(self.weight(variable, thing) for variable in self._survey.own[id(thing)])
        children = tuple(self.layer(child) for child in self._survey.children[id(thing)])
        return Content(weights, children + self._system() if thing is self._object else children)

    def _system(self) -> tuple[Layer, ...]:
        """Return the system's layers, as far as there is something in them."""
        tree = Tree(self._survey, self.weight)
        optimizer = vars(self._object).get("optimizer")
        first = (optimizer_layer(tree, optimizer),) if is_optimizer(optimizer) else ()
        return (*first, *system_layers(tree))

    def weight(
        self, variable: Any, owner: Any = None, name: str | None = None, remark: str | None = None
    ) -> Weight:
        """Return the weight that a variable is. owner: the layer that it is the weight of."""
        known = self._weights.get(id(variable))
        if known is not None:
            return known
        spec = spec_of(variable)
        key = str(getattr(variable, "path", "") or getattr(variable, "name", ""))
        trainable = owner is not None and bool(
            vars(self._object).get("_trainable", True) and variable.trainable
        )
        made = self._weights[id(variable)] = Weight(
            str(variable.name) if name is None else name,
            spec,
            VariableTensor(variable, spec, key),
            trainable=trainable,
            key=key,
            shared=id(variable) in self._survey.shared,
            remark=remark,
        )
        return made

    def _build_line(self, thing: Any) -> str:
        """Return the line that makes a layer's weights: a call of the model, or of the layer that it never called."""
        name = name_of(self._object)
        model = name if name.isidentifier() else "model"
        way = self._survey.way_to(thing) if vars(self._object).get("built") else ()
        target = model + "".join(_access(steps) for steps in way)
        return f"{target}(np.zeros(input_shape))  # a batch such as your data"


def spec_of(variable: Any) -> TensorSpec:
    """Return shape and dtype of a variable, without its values."""
    dtype = variable.dtype
    shape = tuple(None if size is None else int(size) for size in variable.shape)
    known = tuple(size for size in shape if size is not None)
    return TensorSpec(known if len(known) == len(shape) else None, str(getattr(dtype, "name", dtype)))


def _access(steps: Steps) -> str:
    """Return how Python reaches what lies at `steps`: `.blocks[0]`, `.heads['a']`."""
    first, *rest = steps
    return f".{first}" + "".join(f"[{step!r}]" for step in rest)
