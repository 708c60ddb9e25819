"""A model as a tree of layers that hold weights: what every reader gives and everything else reads.

    Model ── root ──▶ Layer ── content() ──▶ (weights, children)

A layer or weight that is reached on several ways (shared, tied) is ONE object in several places. `Place` is a
layer where it hangs on one way; places unfold lazily, so opening one level opens one level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import attrgetter
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from weightrepl.model.reading import NotReadYetError, reading_forbidden, uncollected
from weightrepl.model.tensor import AxisIndex, TensorPart, TensorSource, TensorSpec, indexed_shape
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.model.live import Live

SYSTEM_NAMES = (".optimizer", ".metrics", ".state", ".unread")
"""Layers of a model for what is not part of the network proper."""

_loading = RLock()

T = TypeVar("T")


def nfc(name: str) -> str:
    """Return `name` in the form in which names are compared."""
    if name.isascii():
        return name
    from unicodedata import normalize

    return normalize("NFC", name)


class Weight(Value):
    """A weight of a layer. Two are the same weight only when they are the same object.

    name: its role in the layer (`kernel`); `0`, `1`, … where nothing tells it.
    trainable: None where the source does not record it.
    key: its raw name in the source (`layers/dense/vars/0`).
    source: the file that holds its values, as it was named on opening; empty for live models.
    shared: whether other ways than this one may lead to it.
    remark: a fact to tell when the weight is shown, one sentence without a full stop.
    """

    name: str
    spec: TensorSpec
    tensor: TensorSource
    trainable: bool | None = None
    key: str | None = None
    source: str = ""
    shared: bool = False
    remark: str | None = None

    __eq__ = object.__eq__
    __hash__ = object.__hash__


class Content(NamedTuple):
    """What a layer holds, in the model's own order."""

    weights: tuple[Weight, ...] = ()
    children: tuple[Layer, ...] = ()


NOTHING = Content()


class Quantization(Value):
    """What a source records of how a layer is quantised.

    mode: as Keras's dtype policy has it (`int8`, `gptq/4/128`). dtype: the one that the layer computes with.
    shape: of the kernel, or the embeddings, before they were packed; None for an axis that is not known.
    equation: that of an EinsumDense.
    """

    mode: str | None = None
    dtype: str | None = None
    shape: tuple[int | None, ...] | None = None
    equation: str | None = None


class Layer:
    """A layer (or model within a model). Two are the same only when they are the same object.

    name: the one that its author gave it, where the source records it.
    class_name: `Dense`, `MyLayer` (without a registration's package); None unknown.
    attributes: the dotted names under which the parent holds it (`module`, `blocks.0`, `layers.3`),
        None where the source does not know them.
    built: whether its weights exist; None unknown.
    build_line: a line of Python that builds it, where `built` is False.
    system: one of SYSTEM_NAMES, set apart from a layer that its author called so.
    shared: whether other ways than this one may lead to it.
    remark: a fact to tell when the layer is shown, one sentence without a full stop.
    quantization: what the source records of it; None where it records nothing.
    content: what it holds, or a function that reads it when first asked for.
    """

    __slots__ = (
        "_content", "_weights_named", "attributes", "build_line", "built", "class_name", "name",
        "quantization", "remark", "shared", "system",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        content: Content | Callable[[], Content] = NOTHING,
        *,
        class_name: str | None = None,
        attributes: tuple[str, ...] | None = None,
        built: bool | None = None,
        build_line: str | None = None,
        system: bool = False,
        shared: bool = False,
        remark: str | None = None,
        quantization: Quantization | None = None,
    ) -> None:
        self.name, self.class_name, self.attributes = name, class_name, attributes
        self.built, self.build_line = built, build_line
        self.system, self.shared, self.remark = system, shared, remark
        self.quantization = quantization
        self._content = content
        self._weights_named: dict[str, tuple[Weight, ...]] | None = None

    @property
    def content(self) -> Content:
        """What the layer holds; read from the source at the first time.

        Raises:
            NotReadYetError: it was not read so far, and this is `without_reading`.
        """
        content = self._content
        if not isinstance(content, Content):
            if reading_forbidden.get():
                raise NotReadYetError(self.name)
            with _loading:
                if not isinstance(self._content, Content):
                    self._content = content()
                content = self._content
                assert isinstance(content, Content)
        return content

    @property
    def children(self) -> tuple[Layer, ...]:
        """The layers that it holds itself, in the model's order."""
        return self.content.children

    @property
    def weights(self) -> tuple[Weight, ...]:
        """The weights of its own, in the layer's order."""
        return self.content.weights

    @property
    def weights_named(self) -> dict[str, tuple[Weight, ...]]:
        """The own weights by name in NFC; mostly one each, but a layer may give two the same name."""
        if self._weights_named is None:
            self._weights_named = _grouped((nfc(weight.name), weight) for weight in self.weights)
        return self._weights_named

    def __repr__(self) -> str:
        return f"<Layer {self.name!r} {self.class_name or '?'}>"


class Derived(NamedTuple):
    """Values that were computed from a weight's and stand in their place: a reduction, floats for quantised ones.

    nbytes_to_read: what is read for them, where that is not their own size.
    """

    spec: TensorSpec
    tensor: TensorSource
    nbytes_to_read: int | None = None


class Site(NamedTuple):
    """A weight, or a slice of one, where it was reached.

    place: the layer that owns it. indices: an entry per axis, or empty for the whole weight.
    slice_text: how the query spells them, brackets and all.
    derived: what stands in place of its values, if a stage made something of them.
    """

    place: Place
    weight: Weight
    indices: tuple[AxisIndex, ...] = ()
    slice_text: str = ""
    derived: Derived | None = None

    @property
    def spec(self) -> TensorSpec:
        """Shape and dtype of what is here: of the slice, if there is one, or of what was derived."""
        if self.derived is not None:
            return self.derived.spec
        spec = self.weight.spec
        if not self.indices or spec.shape is None:
            return spec
        return TensorSpec(indexed_shape(spec.shape, self.indices), spec.dtype)

    @property
    def nbytes_to_read(self) -> int:
        """About how many bytes are read for the values of what is here."""
        nbytes = self.derived.nbytes_to_read if self.derived is not None else None
        return (self.spec.nbytes or 0) if nbytes is None else nbytes

    @property
    def tensor(self) -> TensorSource:
        """The way to the values of what is here."""
        if self.derived is not None:
            return self.derived.tensor
        if not self.indices:
            return self.weight.tensor
        return TensorPart(self.weight.tensor, self.weight.spec, self.indices)


class Place:
    """A layer where it hangs, on one way down from its model.

    index: where it stands among its siblings, from 0. ordinal: which of those of its name it is, from 1.
    aliased: whether other ways may lead to it, since it or a layer above it is shared.
    """

    __slots__ = (
        "_children", "_named", "_subtree", "_weights_below", "aliased", "index", "layer", "model", "ordinal", "parent",
    )  # fmt: skip

    def __init__(
        self, layer: Layer, model: Model, parent: Place | None = None, index: int = 0, ordinal: int = 1
    ) -> None:
        self.layer, self.model, self.parent, self.index, self.ordinal = layer, model, parent, index, ordinal
        self.aliased: bool = layer.shared or (parent is not None and parent.aliased)
        self._children: tuple[Place, ...] | None = None
        self._subtree: tuple[Place, ...] | None = None
        self._named: dict[str, tuple[Place, ...]] | None = None
        self._weights_below: tuple[Site, ...] | None = None

    @property
    def children(self) -> tuple[Place, ...]:
        """The places below, one level; the system's layers among them."""
        if self._children is None:
            counts: dict[str, int] = {}
            places = []
            for index, layer in enumerate(self.layer.children):
                name = nfc(layer.name)
                counts[name] = ordinal = counts.get(name, 0) + 1
                places.append(Place(layer, self.model, self, index, ordinal))
            self._children = tuple(places)
        return self._children

    @property
    def ancestry(self) -> tuple[Place, ...]:
        """The places from the model's root down to this one."""
        way = [self]
        while (parent := way[-1].parent) is not None:
            way.append(parent)
        return tuple(reversed(way))

    @property
    def depth(self) -> int:
        """How many layers lie above; 0 for a model."""
        return len(self.ancestry) - 1

    @property
    def position(self) -> tuple[int, ...]:
        """What sorts the places of one model in tree order."""
        return tuple(place.index for place in self.ancestry[1:])

    @property
    def subtree(self) -> tuple[Place, ...]:
        """This place and all below in tree order, but the system's layers; a shared layer only the first time."""
        if self._subtree is None:
            with uncollected():
                self._subtree = tuple(self._walk())
        return self._subtree

    @property
    def weights_below(self) -> tuple[Site, ...]:
        """The weights of `subtree`; a shared weight only the first time."""
        if self._weights_below is None:
            with uncollected():
                sites = (Site(place, weight) for place in self.subtree for weight in place.layer.weights)
                self._weights_below = tuple(first_of_shared(sites, attrgetter("weight")))
        return self._weights_below

    @property
    def named(self) -> dict[str, tuple[Place, ...]]:
        """The places one level below, but the system's, by name in NFC."""
        if self._named is None:
            self._named = _grouped((nfc(c.layer.name), c) for c in self.children if not c.layer.system)
        return self._named

    def _walk(self) -> Iterator[Place]:
        seen: set[int] = set()
        stack = [self]
        while stack:
            place = stack.pop()
            if place.layer.shared:
                if id(place.layer) in seen:
                    continue
                seen.add(id(place.layer))
            yield place
            stack.extend(child for child in reversed(place.children) if not child.layer.system)

    def __repr__(self) -> str:
        return f"<Place {'/'.join(p.layer.name for p in self.ancestry)}>"


def first_of_shared(rows: Iterable[T], of: Callable[[T], Layer | Weight]) -> Iterator[T]:
    """Yield sites or places without those whose shared weight or layer, which `of` gives, came before."""
    seen: set[int] = set()
    for row in rows:
        thing = of(row)
        if thing.shared:
            if id(thing) in seen:
                continue
            seen.add(id(thing))
        yield row


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    groups: dict[str, tuple[T, ...]] = {}
    for name, thing in pairs:
        groups[name] = (*groups[name], thing) if name in groups else (thing,)
    return groups


class Model:
    """An open model, as `open` gives it; `model["**:kernel"]` selects weights in it.

    Attributes:
        root: its outermost layer, named as the model names itself, or as its file where it does not.
        names: what it answers to, the preferred first: given on opening, its own, a Python variable's, its file's stem.
        source: the path as it was given, or empty for a live object.
        format: what it was read from, in words (`Keras archive`, `live Keras model`).
        on_close: lets go of the file; afterwards reading values is a ChangedError.
        live: what keeps a live object alive as long as the model is; None for files.
        place: where its root hangs; the same for all that ask, so that what was unfolded stays so.
        figures: what was last computed of its weights' values, or of slices: whoever computes it keeps it here.
    """

    __slots__ = ("__weakref__", "figures", "format", "live", "names", "on_close", "place", "root", "source")

    def __init__(
        self,
        root: Layer,
        names: tuple[str, ...],
        source: str = "",
        format: str = "",
        on_close: Callable[[], None] = lambda: None,
        live: Live | None = None,
    ) -> None:
        self.root, self.names, self.source, self.format, self.on_close = root, names, source, format, on_close
        self.live = live
        self.place = Place(root, self)
        self.figures: dict[tuple[Weight, str], Mapping[str, object]] = {}

    def renamed(self, name: str) -> Model:
        """Return the same model, preferring another name."""
        return self.answering_to(name, *self.names)

    def answering_to(self, *names: str) -> Model:
        """Return the same model with other names, the preferred first."""
        each_once = tuple(dict.fromkeys(names))
        return Model(self.root, each_once, self.source, self.format, self.on_close, self.live)

    def close(self) -> None:
        """Let go of the file. What was read before stays readable."""
        self.on_close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __getitem__(self, query: str) -> Any:
        """Return the weights that a query selects in it, as `weightrepl.select` does."""
        from weightrepl.api import select

        return select(self, query)

    def _ipython_key_completions_(self) -> list[str]:
        from weightrepl.api import keys_of

        return keys_of(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from weightrepl.render.notebook import bundle

        return bundle(self)

    def __repr__(self) -> str:
        return f"<Model {self.names[0]!r} {self.format}>"
