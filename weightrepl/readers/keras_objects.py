"""Live Keras 3 models as trees, read off the objects' own dictionaries: nothing is imported, called or changed.

The structure is what it was when it was first looked at; values are those of the moment when they are read. Only the
opened model's `live` keeps the objects alive, until it is loosened: all else refers to them weakly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import ref

from weightrepl.errors import ChangedError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.readers.keras_object_state import Tree, is_optimizer, optimizer_layer, system_layers
from weightrepl.readers.keras_object_survey import Steps, Survey, name_of
from weightrepl.readers.keras_object_tensors import VariableTensor
from weightrepl.readers.keras_quantization import of_live

GHOST = "no attribute of the layer above holds it any more, but Keras still counts it in"
DELETED = "the model was deleted; select again"
TAKEN_OUT = "the layer is no longer in the model; select again"
_MODELS = ("keras.src.models.model.Model", "keras.src.export.tfsm_layer.TFSMLayer")


class KerasObjectReader:
    """Opens live layers and models of Keras 3."""

    def open(self, thing: Any) -> Model:
        """Return the model that `thing` is; its `live` keeps `thing` alive until it is loosened."""
        tree = _LiveTree(thing)
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


class _LiveTree:
    """Makes the layers and weights of one live model, each object once.

    Of what it refers to only the survey keeps the live objects alive; `loosen` drops that.
    """

    def __init__(self, root: Any) -> None:
        self._root = ref(root)
        self._survey: Survey | None = Survey(root)
        self._layers: dict[int, tuple[ref[Any], Layer]] = {}
        self._weights: dict[int, tuple[ref[Any], Weight]] = {}
        self.root = self._layer(self._tree(self._survey), root)

    def loosen(self) -> None:
        """Keep the live model no longer: what was not read so far needs somebody else who does."""
        self._survey = None

    def _tree(self, survey: Survey) -> Tree:
        return Tree(survey, self._weight, self._later)

    def _later(self, thing: Any, read: Callable[[Tree, Any], Content]) -> Callable[[], Content]:
        """Return what reads the content of an object, which it does not keep alive, when called."""
        held = ref(thing)

        def content() -> Content:
            thing = held()
            with self._surveyed() as survey:
                if thing is None:
                    raise ChangedError(TAKEN_OUT)
                return read(self._tree(survey), thing)

        return content

    @contextmanager
    def _surveyed(self) -> Iterator[Survey]:
        """Give the survey; once it was dropped a new one, by which all is read that was not read so far."""
        if self._survey is not None:
            yield self._survey
            return
        root = self._root()
        if root is None:
            raise ChangedError(DELETED)
        self._survey = Survey(root)
        try:
            _read_all(self.root)
            yield self._survey
        finally:
            self._survey = None

    def _layer(self, tree: Tree, thing: Any) -> Layer:
        """Return the layer that an object of the survey is."""
        held, known = self._layers.get(id(thing), (None, None))
        if held is not None and held() is thing and known is not None:
            return known
        survey = tree.survey
        is_ghost = id(thing) not in survey.held
        built = None if is_ghost else survey.built(thing)
        made = Layer(
            name_of(thing),
            self._later(thing, self._content),
            class_name=type(thing).__name__,
            attributes=tuple(".".join(map(str, steps)) for steps in survey.attributes[id(thing)]),
            built=built,
            build_line=_build_line(survey, thing) if built is False else None,
            shared=id(thing) in survey.shared,
            remark=GHOST if is_ghost else None,
            quantization=of_live(thing),
        )
        self._layers[id(thing)] = ref(thing), made
        return made

    def _content(self, tree: Tree, thing: Any) -> Content:
        survey = tree.survey
        if id(thing) not in survey.own:
            raise ChangedError(TAKEN_OUT)
        weights = tuple(self._weight(survey, variable, thing) for variable in survey.own[id(thing)])
        children = tuple(self._layer(tree, child) for child in survey.children[id(thing)])
        return Content(weights, children + _system(tree) if thing is survey.root else children)

    def _weight(
        self,
        survey: Survey,
        variable: Any,
        owner: Any = None,
        name: str | None = None,
        remark: str | None = None,
    ) -> Weight:
        """Return the weight that a variable is. owner: the layer that it is the weight of."""
        held, known = self._weights.get(id(variable), (None, None))
        if held is not None and held() is variable and known is not None:
            return known
        spec = spec_of(variable)
        key = str(getattr(variable, "path", "") or getattr(variable, "name", ""))
        trainable = owner is not None and bool(
            vars(survey.root).get("_trainable", True) and variable.trainable
        )
        made = Weight(
            str(variable.name) if name is None else name,
            spec,
            VariableTensor(variable, spec, key),
            trainable=trainable,
            key=key,
            shared=id(variable) in survey.shared,
            remark=remark,
        )
        self._weights[id(variable)] = ref(variable), made
        return made


def _read_all(root: Layer) -> None:
    """Read whatever below a layer was not read so far, as far as it is still there."""
    seen, pending = set[int](), [root]
    while pending:
        layer = pending.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            with suppress(ChangedError):
                pending += layer.children


def _system(tree: Tree) -> tuple[Layer, ...]:
    """Return the system's layers, as far as there is something in them."""
    optimizer = vars(tree.survey.root).get("optimizer")
    first = (optimizer_layer(tree, optimizer),) if is_optimizer(optimizer) else ()
    return (*first, *system_layers(tree))


def _build_line(survey: Survey, thing: Any) -> str:
    """Return the line that makes a layer's weights: a call of the model, or of the layer that it never called."""
    name = name_of(survey.root)
    model = name if name.isidentifier() else "model"
    way = survey.way_to(thing) if vars(survey.root).get("built") else ()
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
