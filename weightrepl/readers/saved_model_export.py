"""SavedModels of `model.export` of Keras: flat lists of variables, most of them twice, and functions that read them.

`variables` lists what the model has, `_all_variables` the same in another order. Keras 3 wraps the variables anew for
the second list (tf_keras only those of mixed precision), so that a second copy of each is in the file.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Weight
from weightrepl.readers.flat_keys import Flat, put_aside
from weightrepl.readers.guards import Limits, bound
from weightrepl.readers.saved_model_graph import SavedObject, Variable
from weightrepl.readers.saved_model_scopes import CONTAINERS, Names, Read, are_numbered, is_within, named
from weightrepl.readers.saved_model_stored import Stored

_LISTS = ("variables", "_all_variables")
_STATES = ("seed_generator_state", "StateVar", "rnn_state")
_TWICE = "a second copy of a weight, since model.export stores each twice"


def is_export(objects: Sequence[SavedObject]) -> bool:
    """Return whether the objects are those that `model.export` writes."""
    children = dict(objects[0].children)
    return all(name in children and _is_flat(objects, children[name]) for name in _LISTS)


def _is_flat(objects: Sequence[SavedObject], number: int) -> bool:
    inside = objects[number].children
    return objects[number].kind in CONTAINERS and all(objects[child].variable for _, child in inside)


def export_tree(
    objects: Sequence[SavedObject],
    stored: Stored,
    reads: Sequence[Read],
    stem: str,
    limits: Limits,
    path: str,
) -> tuple[Layer, tuple[str, ...]]:
    """Return the root layer and the names that the model answers to; second copies of its weights are put aside.

    Raises:
        UnsafeFileError: layers nested deeper than `limits` allow.
    """
    variables, copies = _once(objects, stored.tensors)
    trained = set(_listed(objects, "trainable_variables"))
    seeds = {number for number, each in variables.items() if each.own_name in _STATES}
    read = _read({number: each for number, each in variables.items() if number not in seeds}, reads)
    names, root = _names(variables, read), _common(read)
    layers, state = _Group(), _Group()
    aside = [stored.tensors[number]._replace(unread=_TWICE) for number in copies]
    aside += [*stored.loose, *(tensor for _, _, tensor in stored.others)]
    for number, variable in variables.items():
        tensor = stored.tensors[number]
        if tensor.unread:
            aside.append(tensor)
            continue
        ways = {variable.layers} if number in seeds else names[number]
        weight = _weight(variable, tensor, number in trained, shared=len(ways) > 1)
        for way in ways:
            bound(len(way), "depth", "layers within each other", limits, path)
            below = way[len(root) :] if way[: len(root)] == root else way
            (state if number in seeds else layers).group(below).weights.append(weight)
    content = layers.content()
    system = ((".state", state.content()), (".unread", Content(tuple(map(put_aside, aside)))))
    beside = (Layer(name, inside, system=True) for name, inside in system if any(inside))
    answers = (*root, stem)
    return Layer(answers[0], Content(content.weights, (*content.children, *beside))), answers


def _listed(objects: Sequence[SavedObject], name: str) -> list[int]:
    """Return what a list of the root holds."""
    return [
        child for held, number in objects[0].children if held == name for _, child in objects[number].children
    ]


class _Group:
    """The weights of a layer, and the layers in it, by their names."""

    __slots__ = ("layers", "weights")

    def __init__(self) -> None:
        self.layers: dict[str, _Group] = {}
        self.weights: list[Weight] = []

    def group(self, way: Names) -> _Group:
        found = self
        for name in way:
            found = found.layers.setdefault(name, _Group())
        return found

    def content(self) -> Content:
        layers = (Layer(name, group.content()) for name, group in self.layers.items())
        return Content(tuple(self.weights), tuple(layers))


def _weight(variable: Variable, stored: Flat, trainable: bool, shared: bool) -> Weight:
    return Weight(
        variable.own_name, stored.spec, stored.tensor, trainable, stored.key, stored.file,
        shared, stored.remark,
    )  # fmt: skip


def _once(
    objects: Sequence[SavedObject], tensors: Mapping[int, Flat]
) -> tuple[dict[int, Variable], list[int]]:
    """Return the variables by their numbers, each once, and the numbers of second copies."""

    def what(number: int) -> tuple[str, TensorSpec]:
        return known[number].name, tensors[number].spec

    known = {number: each.variable for number, each in enumerate(objects) if each.variable}
    listed, again = (_listed(objects, name) for name in _LISTS)
    kept = dict.fromkeys(listed)
    alone = Counter(map(what, kept.keys() - set(again)))
    copies = []
    for number in dict.fromkeys(again):
        if number not in kept and alone[what(number)]:
            alone[what(number)] -= 1
            copies.append(number)
        else:
            kept[number] = None
    return {number: known[number] for number in kept}, copies


def _names(
    variables: Mapping[int, Variable], found: Mapping[int, frozenset[Names]]
) -> dict[int, frozenset[Names]]:
    """Return the layers that hold each variable; of one that is not read, as others and its own name tell.

    Where the names of all that are read end as their layers do, so does its own: it is in the same layer as another of
    the same name, else in what is around all. Where that is not certain, it stays in the list that holds it.
    """
    if not found:
        distinct = len({each.name for each in variables.values()}) == len(variables)
        return {n: frozenset({each.layers if distinct else (_LISTS[0],)}) for n, each in variables.items()}
    pairs = [(variables[number].layers, way) for number, ways in found.items() for way in ways]
    fitting = all(_ends(way, layers) for layers, way in pairs)
    around = {way[: len(way) - len(layers)] for layers, way in pairs}
    alike: defaultdict[Names, set[frozenset[Names]]] = defaultdict(set)
    for number, ways in found.items():
        alike[variables[number].layers].add(ways)

    def told(layers: Names) -> frozenset[Names]:
        if fitting and layers and len(alike[layers]) == 1:
            return min(alike[layers])
        if fitting and layers and len(around) == 1 and not alike[layers]:
            return frozenset({(*min(around), *layers)})
        return frozenset({(*_common(found), _LISTS[0])})

    return {n: found[n] if n in found else told(each.layers) for n, each in variables.items()}


def _common(found: Mapping[int, frozenset[Names]]) -> Names:
    """Return the layer that all are in, if there is one."""
    firsts = {way[:1] for ways in found.values() for way in ways}
    return min(firsts) if len(firsts) == 1 else ()


def _ends(way: Names, layers: Names) -> bool:
    return way[len(way) - len(layers) :] == layers


def _read(variables: Mapping[int, Variable], reads: Sequence[Read]) -> dict[int, frozenset[Names]]:
    """Return the layers that read each variable, where its own name does not contradict.

    Others may read what belongs to a layer, as where embeddings are tied: a layer around it, whose names are a part of
    its own, or another, whose names do not end as the variable's.
    """
    numbered = are_numbered(variables, reads)
    ways: defaultdict[int, set[Names]] = defaultdict(set)
    for read in reads:
        if read.variable in variables:
            ways[read.variable].add(
                read.layers if numbered else named(read.scope, variables[read.variable].layers)
            )
    found: dict[int, frozenset[Names]] = {}
    for number, each in ways.items():
        if not numbered:
            each -= {way for way in each if any(_is_again(way, other) for other in each)}
        layers = variables[number].layers
        around = {way[:i] for way in each for i in range(len(way))}
        fitting = {way for way in each - around if way and is_within(layers, way)}
        certain = {way for way in fitting if _ends(way, layers)}
        if certain or len(fitting) == 1:
            found[number] = frozenset(certain or fitting)
    return found


def _is_again(way: Names, other: Names) -> bool:
    """Return whether `way` are the scopes of the same layers as `other`, called once more: `tower_1/dense`."""
    pairs = list(zip(way, other, strict=False))
    return len(way) == len(other) and way != other and all(a == b or a.startswith(f"{b}_") for a, b in pairs)
