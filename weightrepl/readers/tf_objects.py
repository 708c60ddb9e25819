"""Live objects of TensorFlow as trees: tf_keras models, tf.Modules, loaded SavedModels, checkpoints' objects.

Read off the objects' own dictionaries: nothing is imported, called or changed. A layer of Keras has its own name; what
else is held has the attribute's, and lists, tuples and dicts of such are layers of their own: `model/blocks/0:w`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from weightrepl.errors import ChangedError
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.readers.live_tree import TAKEN_OUT, LiveTree
from weightrepl.readers.tf_objects_kinds import is_from_v1, kind_of, own_name
from weightrepl.readers.tf_objects_state import Tree, system_layers
from weightrepl.readers.tf_objects_survey import Held, Survey

_BASES = ("tf_keras.src.engine", "keras.src.layers.layer", "keras.src.models", "tensorflow.", "builtins")
"""Where the `build` of a class that has none is defined."""


_DEFAULT = re.compile(r"Variable(_\d+)?|variable(_\d+)?")
"""What a variable is called that nobody named."""


class TfObjectReader:
    """Opens live objects of TensorFlow and of tf_keras."""

    def open(self, thing: Any, variable: str | None = None) -> Model:
        """Return the model that `thing` is; its `live` keeps `thing` alive until it is loosened."""
        tree = _LiveTree(thing, variable)
        return Model(tree.root, tree.names, "", _format(thing), live=tree)

    def is_model(self, thing: Any) -> bool:
        """Return whether `thing` is a model of tf_keras, a tf.Module that is none of its layers, or was loaded."""
        if kind_of(thing) != "keras":
            return kind_of(thing) in ("module", "loaded") or is_from_v1(thing)
        return any(
            base.__name__ == "Model" and base.__module__.startswith("tf_keras.")
            for base in type(thing).__mro__
        )

    def name(self, thing: Any) -> str | None:
        """Return the name of a layer or module; None of a loaded object."""
        name = vars(thing).get("_name", vars(thing).get("name"))
        return name if isinstance(name, str) else None

    def parts(self, thing: Any) -> Iterator[object]:
        """Yield all objects below one that are layers, each once."""
        survey = Survey(thing)
        yield from (each for each in survey.objects.values() if each is not thing)


def _format(thing: Any) -> str:
    kind = kind_of(thing)
    if kind == "keras":
        return "live tf_keras model"
    if kind == "module":
        return "live tf.Module"
    return "loaded SavedModel" if kind == "loaded" or is_from_v1(thing) else "live TensorFlow object"


class _LiveTree(LiveTree[Survey]):
    """Makes the layers and weights of one live object of TensorFlow's."""

    def surveyed(self, root: Any) -> Survey:
        """Return what is known of an object."""
        return Survey(root)

    def root_layer(self, survey: Survey) -> Layer:
        """Return the layer that the opened object is."""
        root, attribute = survey.root, survey.attribute
        self.names = tuple(dict.fromkeys(filter(None, (TfObjectReader().name(root), attribute))))
        fallback = "checkpoint" if type(root).__name__ == "Checkpoint" else "saved_model"
        return self._layer(survey, Held((), root), self.names[0] if self.names else fallback)

    def _layer(self, survey: Survey, held: Held, name: str) -> Layer:
        made = self.layers(held.thing)
        if name not in made:
            made[name] = self._made(survey, held, name)
        return made[name]

    def _made(self, survey: Survey, held: Held, name: str) -> Layer:
        thing = held.thing
        built = _built(survey, thing)
        ways = survey.ways.get(id(thing), ()) if kind_of(thing) == "keras" else (held.steps[-1:],)
        return Layer(
            name,
            self.later(thing, self._content),
            class_name=None if kind_of(thing) == "loaded" else type(thing).__name__,
            attributes=tuple(".".join(map(str, steps)) for steps in ways if steps),
            built=built,
            build_line=self._build_line(survey) if built is False else None,
            shared=id(thing) in survey.shared,
        )

    def _content(self, survey: Survey, thing: Any) -> Content:
        if id(thing) not in survey.own:
            raise ChangedError(TAKEN_OUT)
        own, children = survey.own[id(thing)], survey.children[id(thing)]
        if kind_of(thing) != "keras":
            weights, layers = self._grouped(survey, (*own, *children), 0)
        else:
            weights = tuple(self._weight(survey, held, _role_in_keras(held)) for held in own)
            layers = self._grouped(survey, children, 0).children
        system = system_layers(Tree(survey, self)) if thing is survey.root else ()
        return Content(weights, (*layers, *system))

    def _grouped(self, survey: Survey, every: Iterable[Held], depth: int) -> Content:
        """Return what is held, containers as layers. depth: how many steps lead to where they are held."""
        groups: dict[object, list[Held]] = {}
        for held in every:
            alone = len(held.steps) <= depth + 1 or kind_of(held.thing) == "keras"
            groups.setdefault((id(held.thing), held.steps) if alone else held.steps[depth], []).append(held)
        weights: list[Weight] = []
        layers: list[Layer] = []
        for key, group in groups.items():
            if not isinstance(key, tuple):
                content = self._grouped(survey, group, depth + 1)
                kind = "list" if isinstance(group[0].steps[depth + 1], int) else "dict"
                layers.append(Layer(str(key), content, class_name=kind, attributes=(str(key),)))
            elif kind_of(group[0].thing) == "variable":
                weights.append(self._weight(survey, group[0], _role(group[0])))
            else:
                layers.append(self._layer(survey, group[0], _name(group[0])))
        return Content(tuple(weights), tuple(layers))

    def _build_line(self, survey: Survey) -> str:
        """Return the line that makes the weights: a call of the model."""
        called = self.python_name(TfObjectReader().name(survey.root))
        return f"{called}(np.zeros(input_shape))  # a batch such as your data"

    def _weight(self, survey: Survey, held: Held, name: str) -> Weight:
        key = id(held.thing)
        return self.weight(held.thing, name, trainable=key in survey.trained, shared=key in survey.shared)


def _name(held: Held) -> str:
    """Return the name of a layer: its own, if it is one of Keras, else that under which it is held."""
    if kind_of(held.thing) == "keras" or not held.steps:
        return TfObjectReader().name(held.thing) or ""
    return str(held.steps[-1])


def _role(held: Held) -> str:
    """Return the name of a variable: that under which it is held; its own in a list, or where only `_` is before it."""
    own, step = own_name(held.thing), held.steps[-1]
    if isinstance(step, int):
        return str(step) if _DEFAULT.fullmatch(own) else own
    return own if step.lstrip("_") == own else step


def _role_in_keras(held: Held) -> str:
    """Return the name of a weight of a Keras layer: its own; the attribute's where nobody named it."""
    own = own_name(held.thing)
    return ".".join(map(str, held.steps)) if _DEFAULT.fullmatch(own) and held.steps else own


def _built(survey: Survey, thing: Any) -> bool | None:
    """Return whether the weights of an object exist; None of a tf.Module that has none, which may never have any."""
    if kind_of(thing) != "keras":
        return True if survey.own[id(thing)] or survey.children[id(thing)] else None
    pending, seen = [thing], set[int]()
    while pending:
        each = pending.pop()
        if id(each) in seen or vars(each).get("built", True):
            continue
        if any("build" in vars(cls) for cls in type(each).__mro__ if not cls.__module__.startswith(_BASES)):
            return False
        seen.add(id(each))
        pending += [held.thing for held in survey.children[id(each)]]
    return True
