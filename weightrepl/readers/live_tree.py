"""What all live objects have in common: who keeps them alive, and each of them as one layer or one weight."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar
from weakref import ref

from weightrepl.errors import ChangedError
from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.live_tensors import VariableTensor, spec_of
from weightrepl.readers.mirrors import read_all

DELETED = "the model was deleted; select again"
TAKEN_OUT = "the layer is no longer in the model; select again"

S = TypeVar("S")


class LiveTree(ABC, Generic[S]):
    """Makes the layers and weights of one live model, each object once; a `Live`.

    Of what it refers to only the survey, which finds the objects, keeps them alive; `loosen` drops that.
    variable: the Python variable that the model is in, where that is known.
    """

    def __init__(self, root: Any, variable: str | None = None) -> None:
        self._root = ref(root)
        self._variable = variable
        self._survey: S | None = self.surveyed(root)
        self._layers: dict[int, tuple[ref[Any], dict[str, Layer]]] = {}
        self._weights: dict[int, tuple[ref[Any], Weight]] = {}
        self.root = self.root_layer(self._survey)

    @abstractmethod
    def surveyed(self, root: Any) -> S:
        """Return what is known of a live model, which keeps alive all that it knows."""

    @abstractmethod
    def root_layer(self, survey: S) -> Layer:
        """Return the outermost layer."""

    @property
    def thing(self) -> object | None:
        """The live model; None once it is gone."""
        return self._root()

    def loosen(self) -> None:
        """Keep the live model no longer: what was not read so far needs somebody else who does."""
        self._survey = None

    def later(self, thing: Any, read: Callable[[S, Any], Content]) -> Callable[[], Content]:
        """Return what reads the content of an object, which it does not keep alive, when called."""
        held = ref(thing)

        def content() -> Content:
            thing = held()
            with self._survey_now() as survey:
                if thing is None:
                    raise ChangedError(TAKEN_OUT)
                return read(survey, thing)

        return content

    @contextmanager
    def _survey_now(self) -> Iterator[S]:
        """Give the survey; once it was dropped a new one, by which all is read that was not read so far."""
        if self._survey is not None:
            yield self._survey
            return
        root = self._root()
        if root is None:
            raise ChangedError(DELETED)
        self._survey = self.surveyed(root)
        try:
            read_all(self.root, system=True)
            yield self._survey
        finally:
            self._survey = None

    def layers(self, thing: Any) -> dict[str, Layer]:
        """Return the layers that were made of an object, by the names that it has where it is held."""
        held, made = self._layers.get(id(thing), (None, {}))
        if held is None or held() is not thing:
            made = {}
            self._layers[id(thing)] = ref(thing), made
        return made

    def python_name(self, own: str | None) -> str:
        """Return how Python calls the model, as far as one can know: its variable, else its own name."""
        return self._variable or (own if own is not None and own.isidentifier() else "model")

    def weight(
        self,
        variable: Any,
        name: str,
        *,
        trainable: bool = False,
        shared: bool = False,
        remark: str | None = None,
    ) -> Weight:
        """Return the weight that a variable is: the one made before, under the name that it had first."""
        held, known = self._weights.get(id(variable), (None, None))
        if held is None or held() is not variable or known is None:
            spec = spec_of(variable)
            key = str(getattr(variable, "path", "") or getattr(variable, "name", ""))
            tensor = VariableTensor(variable, spec, key)
            known = Weight(name, spec, tensor, trainable, key, shared=shared, remark=remark)
            self._weights[id(variable)] = ref(variable), known
        return known


def ways_down(
    top: Any, enter: Callable[[Any], Iterable[Any]], entered: Container[int]
) -> Iterator[tuple[Any, Any, bool]]:
    """Yield every way down from an object, depth first: who holds, what it holds, and whether that lies above itself.

    enter: takes note of an object, and returns what it holds. entered: the `id` of those that note was taken of,
    which are not entered again.
    """
    branch = {id(top)}
    stack = [(top, iter(enter(top)))]
    while stack:
        holder, pending = stack[-1]
        held = next(pending, None)
        if held is None:
            stack.pop()
            branch.discard(id(holder))
            continue
        yield holder, held, id(held) in branch
        if id(held) not in entered:
            branch.add(id(held))
            stack.append((held, iter(enter(held))))
