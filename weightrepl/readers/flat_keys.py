"""Trees of flat keys: `encoder/dense/kernel`, `model.layers.0.q_proj.weight`, or addresses as weightrepl saves them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from weightrepl.model.tensor import TensorSource, TensorSpec
from weightrepl.model.tree import SYSTEM_NAMES, Content, Layer, Model, Weight
from weightrepl.readers.guards import STANDARD, Limits, bound
from weightrepl.readers.sources import stem_of

_LETTERS = {"n": "\n", "t": "\t"}
_OUTPUT = ":0"
"""How TensorFlow 1 calls the value of a variable: `dense/kernel:0`."""

_PIECE = re.compile(r"((?:[^\\/:]|\\.)*)([/:]|\Z)", re.DOTALL)
_ESCAPED = re.compile(r"\\u\{([0-9a-fA-F]{1,6})\}|\\(.)", re.DOTALL)


class Flat(NamedTuple):
    """A tensor that a file has under a key.

    file: the one that holds it, as it was named on opening. unread: why its values can't be read, empty if they can.
    remark: a fact to tell when it is shown.
    """

    key: str
    spec: TensorSpec
    tensor: TensorSource
    file: str
    unread: str = ""
    remark: str | None = None


class _Group:
    """The layers and weights that keys with the same beginning lead to.

    read: makes a name of what stands in a key for it.
    """

    __slots__ = ("layers", "read", "weights")

    def __init__(self, read: Callable[[str], str]) -> None:
        self.read = read
        self.layers: dict[str, _Group] = {}
        self.weights: list[tuple[str, Flat]] = []


def flat_model(
    tensors: Sequence[Flat],
    path: str,
    file_format: str,
    close: Callable[[], None],
    limits: Limits = STANDARD,
    name: str | None = None,
) -> Model:
    """Return the model of tensors under flat keys. name: its own, where the file tells it.

    Keys are split at `/` where any has one, else at `.`; the last part is the weight's name. Where all are addresses
    as weightrepl writes them (`model/layer:kernel`), they are read as such. Where the file tells no name, a first part
    that all keys have in common is it, else the file's stem.

    Raises:
        UnsafeFileError: there are more of them, or more parts of a key, than `limits` allow.
    """
    bound(len(tensors), "tensors", "tensors", limits, path)
    ways, read = _ways([each.key for each in tensors])
    bound(max(map(len, ways), default=0), "depth", "parts of a key", limits, path)
    stem = stem_of(path)
    firsts = {way[0] for way in ways}
    is_common = name is None and len(firsts) == 1 and all(len(way) > 1 for way in ways)
    root, top = read(firsts.pop()) if is_common else name or stem, _Group(read)
    unread: list[Weight] = []
    groups: dict[tuple[str, ...], _Group] = {(): top}
    for each, way in zip(tensors, ways, strict=True):
        if each.unread:
            unread.append(put_aside(each))
        else:
            _group_at(way[is_common:-1], groups).weights.append((way[-1], each))
    more = (Layer(".unread", Content(tuple(unread)), system=True),) if unread else ()
    layer = Layer(root, lambda: _content(top, more, on_top=True))
    return Model(layer, tuple(dict.fromkeys((root, stem))), path, file_format, close)


def _group_at(way: tuple[str, ...], groups: dict[tuple[str, ...], _Group]) -> _Group:
    """Return the group that names lead to, made where it is new. groups: all of them, the top one at least."""
    known = len(way)
    while way[:known] not in groups:
        known -= 1
    group = groups[way[:known]]
    for depth in range(known, len(way)):
        below = groups[way[: depth + 1]] = group.layers[way[depth]] = _Group(group.read)
        group = below
    return group


def put_aside(each: Flat) -> Weight:
    """Return the weight that a tensor is under `.unread`, with the reason that it tells."""
    return Weight(each.key, each.spec, each.tensor, key=each.key, source=each.file, remark=each.unread)


def _content(group: _Group, more: tuple[Layer, ...] = (), on_top: bool = False) -> Content:
    weights = [
        Weight(group.read(name), each.spec, each.tensor, None, each.key, each.file, False, each.remark)
        for name, each in group.weights
    ]
    names = list(group.layers)
    if all(name.isdecimal() for name in names):  # `10` would come before `2` where a writer sorted its keys
        names.sort(key=int)
    layers = [
        Layer(group.read(name), _later(group.layers[name]), system=on_top and name in SYSTEM_NAMES)
        for name in names
    ]
    return Content(tuple(weights), (*layers, *more))


def _later(group: _Group) -> Callable[[], Content]:
    return lambda: _content(group)


# ------------------------------------------------------------------ keys


def _ways(keys: Sequence[str]) -> tuple[list[tuple[str, ...]], Callable[[str], str]]:
    """Return what each key is made of, layers and at the end a weight, and what makes names of that."""
    if all(":" in key for key in keys):
        addresses = [_address(key) for key in keys]
        known = [way for way in addresses if way is not None]
        if len(known) == len(keys):
            return known, _plain
    separator = "/" if any("/" in key for key in keys) else "."
    ways = [tuple(key.split(separator)) for key in keys]
    if not any(key.endswith(_OUTPUT) for key in keys):
        return ways, str
    bare = [(*way[:-1], way[-1].removesuffix(_OUTPUT) or way[-1]) for way in ways]
    return (bare if len(set(bare)) == len(set(ways)) else ways), str


def is_address(key: str) -> bool:
    """Return whether a key is the address of a weight, as weightrepl writes them: `base/dense:kernel`."""
    return _address(key) is not None


def _address(key: str) -> tuple[str, ...] | None:
    """Return the parts of an address of a weight, None if the key is none: `base/dense:kernel`, but not `kernel:0`."""
    pieces = [(found[1], found[2]) for found in _PIECE.finditer(key)]
    *layers, (weight, _) = [piece for piece in pieces if piece != ("", "")] or [("", "")]
    if [sign for _, sign in layers] != ["/"] * (len(layers) - 1) + [":"] or not weight or weight.isdecimal():
        return None
    return (*(layer for layer, _ in layers), weight)


def _plain(name: str) -> str:
    """Return a name as its author gave it: without escapes, and without the number that tells siblings apart."""
    bare = re.sub(r"(?<!\\)#\d+\Z", "", name)
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)) if m[1] else _LETTERS.get(m[2], m[2]), bare)
