"""Which layer a weight of a legacy file belongs to, and what it is called there.

A legacy file has a group per layer of the outermost model, and in it the names of its weights: `scope/…/name`. The
scope is where the weight was made: it ends with the layer that owns it, but begins at the innermost layer that was
built for itself, so it leaves out the models in between (`dense/kernel` for `encoder/dense:kernel`). What it leaves
out is found in the model's configuration; where that does not decide, the file's own words stay.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from weightrepl.readers.keras_roles import trainable
from weightrepl.readers.legacy_config import Node, walk
from weightrepl.values import Value

Scope = tuple[str, ...]
Way = tuple[Node, ...]

BETWEEN = "the file does not tell which layers lie between"
UNDECIDED = "the file does not tell for certain which layer this is"


class FileName(Value):
    """A weight's name in the file, taken apart: where it was made, and its own name."""

    scope: Scope
    name: str


Fits = Callable[[Node, Sequence[FileName]], bool]


class Spot(Value):
    """The layer that owns a weight: known ones from the group's layer down, then some that only the file names.

    remark: what is not certain about it.
    """

    way: Way
    rest: Scope = ()
    remark: str | None = None


def file_name(raw: str, major: int, layer_names: Sequence[str] = ()) -> FileName:
    """Return a weight's name of Keras `major` taken apart; layer_names: those that Keras 1 may have begun it with.

    >>> file_name("bn/gamma:0", 2), file_name("dense_1_W", 1, ["dense_1"])
    (FileName(scope=('bn',), name='gamma'), FileName(scope=('dense_1',), name='W'))
    """
    if major < 3:
        raw = re.sub(r":[0-9]+\Z", "", raw)
    *scope, name = raw.split("/")
    if major < 2:
        for layer in sorted(layer_names, key=len, reverse=True):
            if layer and name.startswith(layer + "_") and len(name) > len(layer) + 1:
                return FileName((layer,), name[len(layer) + 1 :])
    return FileName(tuple(scope), name)


# What Keras 1 called the weights of classes that there still are, by today's class. Where it kept a weight per gate
# (`W_i`, `U_f`) there is no name of today.
_FORMER: dict[str, dict[str, str]] = {
    **{
        kind: {"W": "kernel", "b": "bias"}
        for kind in ("Dense", "Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")
    },
    "SeparableConv2D": {"b": "bias"},
    "Embedding": {"W": "embeddings"},
    "BatchNormalization": {"running_mean": "moving_mean"},
    "PReLU": {"alphas": "alpha"},
}


def role(name: str, kind: str | None, major: int, siblings: Sequence[str]) -> tuple[str, str | None]:
    """Return what a weight is called today, and a remark where that is not what the file says, or not known.

    kind: the class of its layer in today's Keras, None unknown. siblings: the names of all weights of the layer.

    >>> role("W", "Dense", 1, ["W", "b"])
    ('kernel', "the file calls it 'W'")
    """
    if major < 2:
        today = _FORMER.get(kind or "", {}).get(name)
        if today is not None:
            return today, f"the file calls it '{name}'"
        known = kind is not None and trainable(kind, name) is not None
        return name, None if known else "a name of Keras 1"
    base = re.sub(r"_[0-9]+\Z", "", name)  # TensorFlow 1 numbered names that were taken
    taken = base in siblings or base == name or kind is None
    if (
        major < 3
        and not taken
        and kind is not None
        and trainable(kind, name) is None is not trainable(kind, base)
    ):
        return base, f"the file calls it '{name}'"
    return name, None


def spots(
    tree: Node, above: Scope, names: Sequence[FileName], major: int, fits: Fits
) -> dict[FileName, Spot]:
    """Return where the weights of a group belong, by their names; `tree` is the layer that the group is of.

    above: the names of the models around, as far as known. fits: whether a layer's class makes just these weights.
    """
    ways = list(walk(tree))
    if len(ways) == 1 and tree.closed and len({name.scope for name in names}) == 1:
        return dict.fromkeys(names, Spot(ways[0]))
    owners = [way for way in ways if not way[-1].owns_nothing]
    unknown = [way for way in ways if not way[-1].closed]
    found = {name: Spot(way) for name, way in _matched(names, owners, above, major).items()}
    found |= _within(unknown, above, names, found)
    left = [name for name in names if name not in found]
    return found | _remaining(tree, unknown, _free(owners, found), left, fits) if left else found


class _Index:
    """Ways by how the scopes of their weights may end. reading: how a name is compared."""

    def __init__(self, ways: Iterable[Way], above: Scope, reading: Callable[[str], str] = str) -> None:
        self._reading, self._above = reading, tuple(map(reading, above))
        self._by_end: dict[str, list[tuple[Way, Scope, int]]] = {}
        for way in ways:
            for names in _readings(way):
                parts = tuple(reading(part) for name in names for part in name)
                self._by_end.setdefault(parts[-1], []).append((way, parts, len(names[-1])))

    def find(self, scope: Scope) -> list[Way]:
        """Return the ways to a layer with which the scope ends, if what stands before it lies above it."""
        wanted = tuple(map(self._reading, scope))
        told_so = (
            (each for each in self._by_end.get(wanted[-1], ()) if self._agree(wanted, *each[1:]))
            if wanted
            else ()
        )
        return list({id(way[-1]): way for way, _, _ in told_so}.values())

    def _agree(self, wanted: Scope, parts: Scope, least: int) -> bool:
        whole = self._above + parts
        if len(wanted) < least:
            return False
        if len(wanted) > len(whole):  # it lay deeper when it was built
            return wanted[-len(parts) :] == parts
        return wanted == whole[-len(wanted) :]


def _readings(way: Way) -> Iterator[list[Scope]]:
    """The names along a way, each split at its slashes; also without what TimeDistributed of Keras 2 leaves out."""
    names = [tuple(node.name.split("/")) for node in way]
    yield names
    wrapped = [i for i in range(1, len(way)) if way[i - 1].class_name == "TimeDistributed"]
    if wrapped:
        yield [name for i, name in enumerate(names) if i not in wrapped]


def _matched(
    names: Sequence[FileName], owners: Sequence[Way], above: Scope, major: int
) -> dict[FileName, Way]:
    """Return the names that tell one layer and no other, the plain reading first."""
    index = _Index(owners, above)
    candidates = {name: _able(index.find(name.scope), name.name) for name in names}
    if major < 3:
        claimed = {id(ways[0][-1]) for ways in candidates.values() if len(ways) == 1}
        index = _Index((way for way in owners if id(way[-1]) not in claimed), above, _unnumbered)
        candidates |= {name: index.find(name.scope) for name, ways in candidates.items() if not ways}
    return _singled_out(candidates)


def _able(ways: list[Way], name: str) -> list[Way]:
    """Leave out the layers whose class is known to have no weight of that name, if any is left."""
    able = [way for way in ways if way[-1].kind is None or trainable(way[-1].kind, name) is not None]
    return able or ways


def _unnumbered(name: str) -> str:
    """TensorFlow 1 numbered scopes that were open already: `dense_1` became `dense_1_1`."""
    return re.sub(r"_[0-9]+\Z", "", name)


def _singled_out(candidates: Mapping[FileName, list[Way]]) -> dict[FileName, Way]:
    """Return the names to which only one layer is left: none has two weights of one name."""
    undecided, found = dict(candidates), dict[FileName, Way]()
    while True:
        single = {name: ways[0] for name, ways in undecided.items() if len(ways) == 1}
        claims = Counter((id(way[-1]), name.name) for name, way in single.items())
        single = {name: way for name, way in single.items() if claims[id(way[-1]), name.name] == 1}
        if not single:
            return found
        found |= single
        undecided = {
            name: [way for way in ways if (id(way[-1]), name.name) not in claims]
            for name, ways in undecided.items()
            if name not in single
        }


def _within(
    unknown: Sequence[Way], above: Scope, names: Sequence[FileName], matched: Mapping[FileName, Spot]
) -> dict[FileName, Spot]:
    """Return the names that pass through a layer of unknown content and go on in it; of nested ones the deepest.

    Where it has the name of what it lies in, `a/a/b` reads two ways; then it is told, also of weights of its own.
    """
    index, found = _Index(unknown, above), dict[FileName, Spot]()
    for name in names:
        passed: dict[int, tuple[Way, list[int]]] = {}
        for k in range(1, len(name.scope) + 1):
            for way in index.find(name.scope[:k]):
                passed.setdefault(id(way[-1]), (way, []))[1].append(k)
        if name in matched:
            _, heads = passed.get(id(matched[name].way[-1]), ((), []))
            if len(heads) > 1:
                found[name] = matched[name].replace(remark=UNDECIDED)
            continue
        inner = [
            (way, ks) for way, heads in passed.values() if (ks := [k for k in heads if k < len(name.scope)])
        ]
        way, heads = max(inner, key=lambda each: len(each[0]), default=((), []))
        if inner and all(way[: len(outer)] == outer for outer, _ in inner):
            found[name] = Spot(way, name.scope[heads[-1] :], UNDECIDED if len(heads) > 1 else None)
    return found


def _free(owners: Sequence[Way], found: Mapping[FileName, Spot]) -> list[Way]:
    """The layers of known content to which no weight was given yet."""
    given = {id(spot.way[-1]) for spot in found.values() if not spot.rest}
    return [way for way in owners if way[-1].closed and id(way[-1]) not in given]


def _remaining(
    tree: Node, unknown: Sequence[Way], free: Sequence[Way], names: Sequence[FileName], fits: Fits
) -> dict[FileName, Spot]:
    """Place what no name decides: a layer renamed since, or built apart within a layer of unknown content."""
    by_scope: dict[Scope, list[FileName]] = {}
    for name in names:
        by_scope.setdefault(name.scope, []).append(name)
    candidates = {scope: [way for way in free if fits(way[-1], each)] for scope, each in by_scope.items()}
    found: dict[FileName, Spot] = {}
    for scope, each in by_scope.items():
        ways = candidates[scope]
        alone = len(ways) == 1 and sum(ways[0] in others for others in candidates.values()) == 1
        if alone and not unknown:
            found |= dict.fromkeys(each, Spot(ways[0]))
        elif len(unknown) == 1 and not ways:
            found |= dict.fromkeys(each, Spot(unknown[0], scope, BETWEEN))
        else:
            found |= dict.fromkeys(each, Spot((tree,), _below(scope, tree.name), UNDECIDED))
    return found


def _below(scope: Scope, name: str) -> Scope:
    """Return what a scope says below the layer `name`; all of it where it does not name that layer."""
    parts = tuple(name.split("/"))
    for i in range(len(scope) - len(parts) + 1):
        if scope[i : i + len(parts)] == parts:
            return scope[i + len(parts) :]
    return scope
