"""The layers that the `model_config` of a legacy file lists, from Keras 1 on; nothing in it is imported or run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from weightrepl.readers.guards import STANDARD, Limits, bound
from weightrepl.readers.keras_roles import is_builtin, parts
from weightrepl.values import Value

MODELS = ("Functional", "Sequential", "Model")
"""Classes that own no weights but those of the layers that they list. `Model` is Functional before Keras 2.4."""

WRAPPERS = ("TimeDistributed", "Bidirectional")
"""Classes that own nothing themselves: all that is stored for them is of what they wrap."""

FORMER_CLASSES = {
    "TimeDistributedDense": "Dense",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
}
"""Classes of Keras 1 that today have another name."""

_NO_SETTINGS: Mapping[str, Any] = {}


class Node(Value):
    """A layer as the configuration tells it.

    class_name: as the file has it, without a registration's package.
    kind: Keras's class of today that it is, which tells its weights' names; None for a class of the user's.
    config: its settings, empty where unknown.
    closed: whether `children` are all the layers that it holds; a class of the user's may hold others.
    made: by its class and not listed (an LSTM's cell), or mentioned only: a layer of the tree if it has weights.
    frozen: whether it was set not to be trained, or lies in what was: up to Keras 2 that decides, in Keras 3 where
        it was set to nothing itself.
    shared_id: equal for two nodes that are one layer (tf_keras), else None.
    nameless: whether `name` is only its place, since the configuration has no name for it.
    """

    name: str
    class_name: str | None = None
    kind: str | None = None
    config: Mapping[str, Any] = _NO_SETTINGS
    children: tuple[Node, ...] = ()
    attributes: tuple[str, ...] | None = None
    closed: bool = False
    made: bool = False
    frozen: bool = False
    shared_id: int | None = None
    nameless: bool = False

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def owns_nothing(self) -> bool:
        """Whether weights stored for it are never its own."""
        return self.closed and self.class_name in (*MODELS, *WRAPPERS)


class _Context(Value):
    """What a layer inherits from where it is listed. path: of the file, for messages. major: Keras's version."""

    limits: Limits
    path: str = ""
    major: int = 2
    depth: int = 0
    frozen: bool = False
    made: bool = False
    attributes: tuple[str, ...] | None = None


def layer_tree(
    entry: object, name: str = "", limits: Limits = STANDARD, path: str = "", major: int = 2
) -> Node:
    """Return the layer that a `{"class_name": …, "config": …}` describes, with all below it.

    name: for a layer that has none of its own (a Sequential before Keras 2.2.3). path: of the file, for messages.
    major: Keras's version.

    Raises:
        UnsafeFileError: layers lie deeper within each other than `limits` allow.

    >>> tree = layer_tree({"class_name": "Sequential", "config": [{"class_name": "Dense", "config": {"name": "a"}}]})
    >>> [child.name for child in tree.children]
    ['a']
    """
    return _node(entry, name, _Context(limits, path, major))


def _node(entry: object, name: str, context: _Context) -> Node:
    mapping = entry if isinstance(entry, dict) else {}
    raw_class, raw_config = mapping.get("class_name"), mapping.get("config")
    written = raw_class if isinstance(raw_class, str) else None
    class_name = written.rpartition(">")[2] if written is not None else None
    config = raw_config if isinstance(raw_config, dict) else _NO_SETTINGS
    kind = _kind(written)
    shared_id = mapping.get("shared_object_id")
    set_to = config.get("trainable")
    frozen = set_to is False or (context.frozen and (context.major < 3 or set_to is None))
    own = _text(config.get("name"))
    own = _text(mapping.get("name")) if own is None else own
    listed = _listed(written, config, raw_config)
    bound(context.depth, "depth", "layers within each other", context.limits, context.path, "model_config")
    below = context.replace(depth=context.depth + 1, frozen=frozen, made=False, attributes=None)
    children = tuple(_children(written, config, listed, below))
    return Node(
        name if own is None else own, class_name, kind, config, children, context.attributes,
        kind is not None or (written in MODELS and listed is not None),
        context.made, frozen, shared_id if isinstance(shared_id, int) else None,
        own is None,
    )  # fmt: skip


def _kind(written: str | None) -> str | None:
    if written is None or written in MODELS:
        return None
    today = FORMER_CLASSES.get(written, written)
    return today if is_builtin(today) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _listed(written: str | None, config: Mapping[str, Any], raw_config: object) -> list[Any] | None:
    """The entries of a model; before Keras 2.2.3 a Sequential's configuration is that list itself."""
    found = raw_config if written == "Sequential" and isinstance(raw_config, list) else config.get("layers")
    return found if isinstance(found, list) else None


def _children(
    written: str | None, config: Mapping[str, Any], listed: list[Any] | None, below: _Context
) -> Iterator[Node]:
    if listed is not None:
        yield from _of_model(listed, written == "Sequential", below)
    elif written == "Bidirectional":
        yield from _directions(config, below)
    elif written is not None:
        yield from _held(config, below, written)
        for attribute, (name, class_name, settings) in parts(_kind(written) or "", config).items():
            if name is not None:
                entry = {"class_name": class_name, "config": dict(settings)}
                yield _node(entry, name, _with(below, (attribute,), made=True))


def _with(below: _Context, attributes: tuple[str, ...] | None, made: bool = False) -> _Context:
    return below.replace(made=made, attributes=attributes)


def _of_model(listed: list[Any], sequential: bool, below: _Context) -> Iterator[Node]:
    """A Sequential's own list of layers leaves out its input; a Functional model's operations are no layers."""
    index = 0
    for position, entry in enumerate(listed):
        if not is_entry(entry):
            continue
        made = _is_operation(entry)
        outside = made or (sequential and entry["class_name"] == "InputLayer")
        attributes = () if outside else (f"layers.{index}",)
        index += not outside
        yield _node(entry, str(position), _with(below, attributes, made=made))


def is_entry(value: object) -> bool:
    """Return whether a value of a configuration describes an object: a layer, or an initializer or the like."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("class_name"), str)
        and isinstance(value.get("config"), dict | list)
    )


def _is_operation(entry: dict[str, Any]) -> bool:
    """Whether it is a step of a Keras 3 graph (`x + y`) and no layer: those lack what each layer's settings hold."""
    config = entry["config"]
    plain = isinstance(config, dict) and not config.keys() & {"trainable", "dtype", "layers"}
    return plain and entry["class_name"] not in ("InputLayer", "Merge")


def _is_layer(value: object) -> bool:
    """Whether a setting describes a layer: initializers, constraints and policies have no `trainable`."""
    return isinstance(value, dict) and is_entry(value) and (
        isinstance(value["config"], list) or bool(value["config"].keys() & {"trainable", "layers"})
    )  # fmt: skip


def _directions(config: Mapping[str, Any], below: _Context) -> Iterator[Node]:
    """The two children of a Bidirectional, which prefixes names; Keras 3 leaves that of a given backward layer."""
    forward = config.get("layer")
    if not is_entry(forward):
        return
    backward = config.get("backward_layer")
    name = _name_of(forward)
    plain = name.removeprefix("forward_")
    yield _renamed(forward, f"forward_{plain}", _with(below, ("forward_layer",)))
    given = _name_of(backward) if is_entry(backward) else plain
    if below.major < 3 or not is_entry(backward):
        given = f"backward_{given.removeprefix('backward_')}"
    entry = backward if is_entry(backward) else forward
    yield _renamed(entry, given, _with(below, ("backward_layer",)))


def _name_of(entry: Any) -> str:
    config = entry["config"]
    return (_text(config.get("name")) if isinstance(config, dict) else None) or _text(entry.get("name")) or ""


def _renamed(entry: Any, name: str, context: _Context) -> Node:
    config = entry["config"]
    if isinstance(config, dict):
        config = {**config, "name": name}
    return _node({**entry, "config": config, "name": name}, name, context)


def _held(config: Mapping[str, Any], below: _Context, written: str) -> Iterator[Node]:
    """The layers that stand among the settings: what a wrapper wraps, an RNN's cell, a user's class's layers."""
    certain = _kind(written) is not None
    for key, value in config.items():
        steps: list[tuple[str, object]] = [(key, value)]
        if isinstance(value, list):
            steps = [(f"{key}.{i}", item) for i, item in enumerate(value)]
        for attribute, item in steps:
            if _is_layer(item):
                attributes = (attribute,) if certain else None
                yield _node(item, attribute, _with(below, attributes, made=not certain))


def walk(node: Node, above: tuple[Node, ...] = ()) -> Iterator[tuple[Node, ...]]:
    """Yield every way down from `node`, itself first, in the order of the model."""
    way = (*above, node)
    yield way
    for child in node.children:
        yield from walk(child, way)
