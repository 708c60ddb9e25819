"""Names of layers from the scopes in which traced functions read variables: `larger_model_1/custom_module_1/dense1_1`.

Keras 3 records no names of layers, but each layer opens a scope when it is called, twice: first in vain, then for its
operations, so that TensorFlow adds a number to its name: `dense` is `dense_1`, a second `dense` beside it `dense_3`.
An operation's scope, `Reshape_1`, is told from a layer's by that: there are operations in `Reshape`, too.
(Seen in all SavedModels of Keras 3.) Layers of Keras 2 open it once, so that variables' names must tell which part of
a scope is the layer. A name is taken where all scopes say the same of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from weightrepl.readers.guards import Limits, bound
from weightrepl.readers.saved_model_graph import Function, SavedObject, Variable, is_keras_2

Names = tuple[str, ...]
"""Of layers, outermost first."""

CONTAINERS = ("trackable_list_wrapper", "trackable_dict_wrapper", "trackable_tuple_wrapper")
"""The kinds of objects that are lists, dicts and tuples."""

_NUMBERED = re.compile(r"(.+)_([1-9]\d*)", re.DOTALL)
_READS = ("ReadVariableOp", "ResourceGather")
_BOOKS = {
    # attributes that list again what other attributes hold
    "variables", "trainable_variables", "non_trainable_variables", "_all_variables", "_trainable_variables",
    "_non_trainable_variables", "_variables", "_tracker", "_functional", "_coalesced_children", "keras_api",
}  # fmt: skip
_STR_NBYTES = 64  # that a text takes beside its characters
_MOST_OWNERS, _MOST_STEPS = (
    8,
    200,
)  # of a function, of looking for the ways to a variable: in honest files far fewer


class Read(NamedTuple):
    """That a traced function reads a variable. scope: around it. layers: those that the scope begins with."""

    function: str
    variable: int
    scope: Names
    layers: Names


def reads_in(function: Function, captured: Sequence[int], limits: Limits, path: str) -> Iterator[Read]:
    """Yield what a function reads of the objects that its last arguments are.

    Raises:
        UnsafeFileError: more text in names than `limits` allow.
    """
    first = len(function.arguments) - len(captured)
    if first < 0:
        return
    variable_of = dict(zip(function.arguments[first:], captured, strict=True))
    used: set[str] = set()
    found: list[tuple[int, Names]] = []
    nbytes = 0
    for operation, name, inputs in function.operations:
        if operation in _READS:
            scope = tuple(name.split("/", limits.depth)[:-1])
            found += [(variable_of[each], scope) for each in inputs if each in variable_of]
        while name and name not in used:  # the scopes around it, too
            used.add(name)
            nbytes += len(name) + _STR_NBYTES
            name = name.rpartition("/")[0]
        bound(nbytes, "graph_nbytes", "bytes of scopes", limits, path)
    for variable, scope in found:
        yield Read(function.name, variable, scope, _layers(scope, used))


def _layers(scope: Names, used: set[str]) -> Names:
    """Return the names of the layers that a scope begins with; none if there are others behind, in a scope of no layer.

    used: all scopes and operations of the function.
    """
    found = [_layer(scope, i, used) for i in range(len(scope))]
    layers = found.index(None) if None in found else len(found)
    return () if any(found[layers:]) else tuple(filter(None, found))


def _layer(scope: Names, at: int, used: set[str]) -> str | None:
    """Return the name of the layer whose scope a part is; None of an operation's."""
    numbered = _NUMBERED.fullmatch(scope[at])
    if not numbered:
        return None
    name, number = numbered[1], int(numbered[2])
    before = name if number == 1 else f"{name}_{number - 1}"
    return None if "/".join([*scope[:at], before]) in used else name


def are_numbered(variables: Mapping[int, Variable], reads: Iterable[Read]) -> bool:
    """Return whether layers' scopes have a number more than the layers' names, as the variables' names tell."""
    evidence = 0
    for read in reads:
        layers = variables[read.variable].layers if read.variable in variables else ()
        if layers:
            evidence += _holds(read.layers, layers) - _holds(read.scope, layers)
    return evidence > 0


def _holds(whole: Names, part: Names) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def is_within(part: Names, whole: Names) -> bool:
    """Return whether all of `part` are in `whole`, in the same order."""
    rest = iter(whole)
    return all(name in rest for name in part)


def names_of(objects: Sequence[SavedObject], reads: Sequence[Read]) -> dict[int, str]:
    """Return the names of objects that are layers of Keras, by their numbers."""
    variables = {number: each.variable for number, each in enumerate(objects) if each.variable}
    owners, parents = _owners(objects), _parents(objects)
    numbered = are_numbered(variables, reads)
    votes: defaultdict[int, set[str]] = defaultdict(set)
    for read in reads:
        layers = variables[read.variable].layers if read.variable in variables else ()
        names = read.layers if numbered else named(read.scope, layers)
        if not names or read.variable not in variables or not is_within(layers, names):
            continue
        for owner in owners.get(read.function, ()):
            for number, name in _agreed(_ways(objects, parents, read.variable, owner), names):
                if numbered or is_keras_2(objects[number]):  # a tf.Module may open scopes, too
                    votes[number].add(name)
    return {number: min(names) for number, names in votes.items() if len(names) == 1}


def named(scope: Names, layers: Names) -> Names:
    """Return the beginning of a scope that ends as a variable's name tells: `seq/dense` of `seq/dense/MatMul`.

    So are those of Keras 2, whose names of variables tell the innermost layer.
    """
    for end in range(len(layers), len(scope) + 1) if layers else ():
        if scope[end - len(layers) : end] == layers:
            return scope[:end]
    return ()


def _agreed(ways: set[tuple[int, ...]], names: Names) -> Iterable[tuple[int, str]]:
    """Return the objects on all ways to a variable, and what a scope calls them; none if it has other levels."""
    if not any(len(way) == len(names) for way in ways):
        return ()
    from_below = zip(*(reversed(way) for way in ways), strict=False)
    certain = [step[0] if len(set(step)) == 1 else -1 for step in from_below]
    return [(number, name) for number, name in zip(certain, reversed(names), strict=False) if number >= 0]


def _owners(objects: Sequence[SavedObject]) -> dict[str, set[int]]:
    """Return which objects' calls were traced as a function; signatures are the root's."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    for number, each in enumerate(objects):
        for _, child in each.children if each.kind else ():
            for function in objects[child].functions:
                found[function].add(0 if each.kind == "signature_map" else number)
    return {function: owners for function, owners in found.items() if len(owners) <= _MOST_OWNERS}


def _parents(objects: Sequence[SavedObject]) -> dict[int, list[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for number, each in enumerate(objects):
        for name, child in each.children:
            if name not in _BOOKS:
                found[child].append(number)
    return found


def _ways(
    objects: Sequence[SavedObject], parents: Mapping[int, list[int]], variable: int, owner: int
) -> set[tuple[int, ...]]:
    """Return the layers from an object down to a variable, on each way; none where there are too many ways."""
    found: set[tuple[int, ...]] = set()
    pending: list[tuple[int, tuple[int, ...]]] = [(variable, ())]
    for _ in range(_MOST_STEPS):
        if not pending:
            return found
        number, way = pending.pop()
        if number == owner:
            found.add((number, *way))
            continue
        below = way if number == variable or objects[number].kind in CONTAINERS else (number, *way)
        holders = parents.get(number, ())
        if len(holders) > _MOST_STEPS:
            break
        pending += [(holder, below) for holder in holders if holder not in way]
    return set()
