"""What the optimizer of a legacy file kept for each weight: read from the names that Keras gave its variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from weightrepl.values import Value

Path = tuple[str, ...]

_STEPS = ("iter", "iteration")
"""What Keras called the variable that optimizers hold as `iterations`."""

UNPLACED = "the file does not tell to which weight this belongs"


class Target(Value):
    """A weight of the model. file_path: its name in the file, split at slashes; layers: its address.

    remark: what is not certain of the address, so of its slots' neither.
    """

    file_path: Path
    layers: Path
    name: str
    remark: str | None = None


Known = dict[str, list[Target]]


class State(Value):
    """A variable of the optimizer: a slot of a weight, or (slot None) one that belongs to none."""

    slot: str | None
    layers: Path
    name: str
    remark: str | None = None


def states(
    names: Sequence[str], scalars: Sequence[bool], targets: Iterable[Target], major: int
) -> list[State]:
    """Return what each variable is, by its name in `optimizer_weights`.

    scalars: whether it holds a single number (a counter, a learning rate), which belongs to no weight.

    >>> states(["Adam/dense/kernel/m:0"], [False], [Target(("dense", "kernel"), ("dense",), "kernel")], 2)
    [State(slot='m', layers=('dense',), name='kernel', remark=None)]
    """
    paths = [_split(name, major) for name in names]
    joint = "_" if major >= 3 else "/"
    known: dict[str, list[Target]] = {}
    for target in targets:
        known.setdefault(joint.join(target.file_path), []).append(target)
    readings = [list(_flat(path[-1], known) if major >= 3 else _nested(path, known)) for path in paths]
    usual = {slot for found in readings if len(found) == 1 for slot, _ in found}
    return [
        _state(path, found if len(found) == 1 else [pair for pair in found if pair[0] in usual], scalar)
        for path, found, scalar in zip(paths, readings, scalars, strict=True)
    ]


def _split(name: str, major: int) -> Path:
    return tuple((name if major >= 3 else re.sub(r":[0-9]+\Z", "", name)).split("/"))


def _state(path: Path, found: Sequence[tuple[str, Target]], scalar: bool) -> State:
    if len(found) == 1:
        slot, target = found[0]
        return State(slot, target.layers, target.name, target.remark)
    if scalar:
        return State(None, (), "iterations" if path[-1] in _STEPS else path[-1])
    return State(None, (), "/".join(path[1:]) or path[0], UNPLACED)


def _flat(name: str, known: Known) -> Iterator[tuple[str, Target]]:
    """Keras 3: `adam/dense_kernel_momentum`, in which the weight's path `dense/kernel` has lost its slash."""
    for at in range(1, len(name) - 1):
        if name[at] == "_":
            yield from ((name[at + 1 :], target) for target in known.get(name[:at], ()))


def _nested(path: Path, known: Known) -> Iterator[tuple[str, Target]]:
    """Keras 2: `Adam/dense/kernel/m`, from tf.keras 2.11 on `Adam/m/dense/kernel`; the longest path counts."""
    for start in range(len(path)):
        behind = known.get("/".join(path[start:-1]), ())
        before = known.get("/".join(path[start:]), ()) if start else ()
        if behind or before:
            yield from ((path[-1], target) for target in behind)
            yield from ((path[start - 1], target) for target in before)
            return
