"""Live Keras 3 models as trees, read off the objects' own dictionaries: nothing is imported, called or changed.

The structure is what it was when it was first looked at; values are those of the moment when they are read. Only the
opened model's `live` keeps the objects alive, until it is loosened: all else refers to them weakly.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightrepl.errors import ChangedError
from weightrepl.model.tree import Content, Layer, Model
from weightrepl.readers.keras_object_state import Tree, optimizers_layer, system_layers
from weightrepl.readers.keras_object_survey import Steps, Survey, name_of
from weightrepl.readers.keras_quantization import of_live
from weightrepl.readers.live_tree import TAKEN_OUT, LiveTree

GHOST = "no attribute of the layer above holds it any more, but Keras still counts it in"
_MODELS = ("keras.src.models.model.Model", "keras.src.export.tfsm_layer.TFSMLayer")


class KerasObjectReader:
    """Opens live layers and models of Keras 3."""

    def open(self, thing: Any, variable: str | None = None) -> Model:
        """Return the model that `thing` is; its `live` keeps `thing` alive until it is loosened."""
        tree = _LiveTree(thing, variable)
        return Model(tree.root, (tree.root.name,), "", "live Keras model", live=tree)

    def is_model(self, thing: Any) -> bool:
        """Return whether `thing` is a model, or a whole SavedModel in a layer; other layers are none."""
        return any(f"{cls.__module__}.{cls.__qualname__}" in _MODELS for cls in type(thing).__mro__)

    def name(self, thing: Any) -> str | None:
        """Return a layer's name."""
        return name_of(thing)

    def parts(self, thing: Any) -> Iterator[object]:
        """Yield all layers below one, each once."""
        seen = {id(thing)}
        pending = [thing]
        while pending:
            for child in vars(pending.pop()).get("_layers", ()):
                if id(child) not in seen:
                    seen.add(id(child))
                    pending.append(child)
                    yield child


class _LiveTree(LiveTree[Survey]):
    """Makes the layers and weights of one live Keras 3 model."""

    def surveyed(self, root: Any) -> Survey:
        """Return what is known of a model."""
        return Survey(root)

    def root_layer(self, survey: Survey) -> Layer:
        """Return the model's own layer."""
        return self._layer(survey, survey.root)

    def _layer(self, survey: Survey, thing: Any) -> Layer:
        """Return the layer that an object of the survey is."""
        made = self.layers(thing)
        if "" not in made:
            made[""] = self._made(survey, thing)
        return made[""]

    def _made(self, survey: Survey, thing: Any) -> Layer:
        is_ghost = id(thing) not in survey.held
        built = None if is_ghost else survey.built(thing)
        return Layer(
            name_of(thing),
            self.later(thing, self._content),
            class_name=type(thing).__name__,
            attributes=tuple(".".join(map(str, steps)) for steps in survey.attributes[id(thing)]),
            built=built,
            build_line=self._build_line(survey, thing) if built is False else None,
            shared=id(thing) in survey.shared,
            remark=GHOST if is_ghost else None,
            quantization=of_live(thing),
        )

    def _content(self, survey: Survey, thing: Any) -> Content:
        if id(thing) not in survey.own:
            raise ChangedError(TAKEN_OUT)
        is_trained = bool(vars(survey.root).get("_trainable", True))
        weights = tuple(
            self.weight(
                variable,
                _role(variable, thing),
                trainable=is_trained and bool(variable.trainable),
                shared=id(variable) in survey.shared,
            )
            for variable in survey.own[id(thing)]
        )
        children = tuple(self._layer(survey, child) for child in survey.children[id(thing)])
        return Content(weights, children + self._system(survey) if thing is survey.root else children)

    def _build_line(self, survey: Survey, thing: Any) -> str:
        """Return the line that makes a layer's weights: a call of the model, or of the layer that it never called."""
        way = survey.way_to(thing) if vars(survey.root).get("built") else ()
        target = self.python_name(name_of(survey.root)) + "".join(_access(steps) for steps in way)
        return f"{target}(np.zeros(input_shape))  # a batch such as your data"

    def _system(self, survey: Survey) -> tuple[Layer, ...]:
        """Return the system's layers, as far as there is something in them."""
        tree = Tree(survey, self)
        first = optimizers_layer(tree, vars(survey.root))
        return (*first, *system_layers(tree))


def _role(variable: Any, owner: Any) -> str:
    """Return a variable's name; in a SavedModel's layer the one that it had before Keras wrapped it."""
    if type(owner).__name__ == "TFSMLayer":
        return str(vars(variable)["_value"].name).removesuffix(":0").rpartition("/")[2]
    return str(variable.name)


def _access(steps: Steps) -> str:
    """Return how Python reaches what lies at `steps`: `.blocks[0]`, `.heads['a']`."""
    first, *rest = steps
    return f".{first}" + "".join(f"[{step!r}]" for step in rest)
