"""A model as a tree of layers that hold weights: what every reader gives and everything else reads.

    Model ── root ──▶ Layer ── content() ──▶ (weights, children)

A layer or weight that is reached on several ways (shared, tied) is ONE object in several places. `Place` is a
layer where it hangs on one way; places unfold lazily, so opening one level opens one level.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import RLock
from typing import NamedTuple

from weightrepl.model.tensor import TensorSource, TensorSpec

SYSTEM_NAMES = (".optimizer", ".metrics", ".state", ".unread")
"""Layers of a model for what is not part of the network proper."""

_loading = RLock()


@dataclass(frozen=True, slots=True, eq=False)
class Weight:
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


class Content(NamedTuple):
    """What a layer holds, in the model's own order."""

    weights: tuple[Weight, ...] = ()
    children: tuple[Layer, ...] = ()


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
    content: what it holds, or a function that reads it when first asked for.
    """

    __slots__ = (
        "_content", "attributes", "build_line", "built", "class_name", "name", "remark", "shared", "system",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        content: Content | Callable[[], Content] = Content(),
        *,
        class_name: str | None = None,
        attributes: tuple[str, ...] | None = None,
        built: bool | None = None,
        build_line: str | None = None,
        system: bool = False,
        shared: bool = False,
        remark: str | None = None,
    ) -> None:
        self.name, self.class_name, self.attributes = name, class_name, attributes
        self.built, self.build_line = built, build_line
        self.system, self.shared, self.remark = system, shared, remark
        self._content = content

    @property
    def content(self) -> Content:
        """What the layer holds; read from the source at the first time."""
        content = self._content
        if not isinstance(content, Content):
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

    def __repr__(self) -> str:
        return f"<Layer {self.name!r} {self.class_name or '?'}>"


class Place:
    """A layer where it hangs, on one way down from its model.

    ordinal: which of its siblings of the same name it is, counted from 1.
    """

    __slots__ = ("_children", "_flat", "layer", "model", "ordinal", "parent")

    def __init__(self, layer: Layer, model: Model, parent: Place | None = None, ordinal: int = 1) -> None:
        self.layer, self.model, self.parent, self.ordinal = layer, model, parent, ordinal
        self._children: tuple[Place, ...] | None = None
        self._flat: tuple[Place, ...] | None = None

    @property
    def children(self) -> tuple[Place, ...]:
        """The places below, one level; the system's layers among them."""
        if self._children is None:
            counts: dict[str, int] = {}
            places = []
            for layer in self.layer.children:
                name = layer.name
                count = counts[name] = counts.get(name, 0) + 1
                places.append(Place(layer, self.model, self, count))
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
    def subtree(self) -> tuple[Place, ...]:
        """This place and all below in tree order, but the system's layers; a shared layer only the first time."""
        if self._flat is None:
            self._flat = tuple(self._walk())
        return self._flat

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


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """An open model.

    root: its outermost layer, named as the model names itself, or as its file where it does not.
    names: what it answers to, the preferred first: given on opening, its own, a Python variable's, the file's stem.
    source: the path as it was given, or empty for a live object.
    format: what it was read from, in words (`Keras archive`, `live Keras model`).
    on_close: lets go of the file; afterwards reading values is a ChangedError.
    """

    root: Layer
    names: tuple[str, ...]
    source: str = ""
    format: str = ""
    on_close: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Let go of the file. What was read before stays readable."""
        self.on_close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
