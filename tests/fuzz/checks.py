"""What must hold of any input: it is opened and read to the end, or refused by one of weightrepl's own errors."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from weightrepl.errors import SourceError
from weightrepl.model.tensor import AxisIndex
from weightrepl.model.tree import Layer, Model, Weight
from weightrepl.readers.registry import open_source

_MOST_WEIGHTS = 60
_MOST_NBYTES = 4 << 20


def checked(folder: Path, opened: str, files: dict[str, bytes]) -> str:
    """Write an input into a new folder, open and read it; return `read` or the name of the error that refused it.

    Raises whatever else comes out: that is a defect.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    try:
        model = open_source(str(folder / opened))
    except SourceError as error:
        return _named(error)
    with model:
        try:
            listed(model)
            return read_some(model)
        except SourceError as error:
            return _named(error)


def _named(error: SourceError) -> str:
    assert error.reason, "an error without a reason"
    assert error.path, "an error without a path"
    return type(error).__name__


def listed(model: Model) -> None:
    """List the model as the front ends do: every place once, with addresses and shapes."""
    from weightrepl.engine.selection import Selection
    from weightrepl.model.workspace import Workspace
    from weightrepl.render.compose import overview
    from weightrepl.render.text import Screen, lines

    workspace = Workspace((model,))
    addresses = Selection.of(model.place.weights_below, workspace).addresses
    assert len(set(addresses)) == len(addresses), "an address stands for two weights"
    for line in itertools.islice(lines(overview(workspace), Screen(None, False)), 400):
        assert line.isprintable(), "a line that drives the terminal"


def _weights(model: Model) -> Iterator[Weight]:
    """Yield the weights, those of the system's layers too, each once."""
    pending, seen = [model.root], set[int]()
    while pending:
        layer: Layer = pending.pop()
        if id(layer) not in seen:
            seen.add(id(layer))
            yield from layer.weights
            pending += reversed(layer.children)


def read_some(model: Model) -> str:
    """Read some of a model's weights; return `read`, with the name of the last error that one refused with."""
    outcome = "read"
    for weight in itertools.islice(_weights(model), _MOST_WEIGHTS):
        try:
            _read_one(weight)
        except SourceError as error:
            outcome = f"read, but {_named(error)}"
    return outcome


def _read_one(weight: Weight) -> None:
    """Read slices, and all if it is not large; what is told of shape and size must be true of it."""
    shape = weight.spec.shape
    if shape is None:
        weight.tensor.read()
        return
    edges: tuple[AxisIndex, ...] = tuple(slice(0, min(2, size), 1) for size in shape)
    assert weight.tensor.read(edges).shape == tuple(min(2, size) for size in shape)
    if shape and 0 not in shape:
        assert weight.tensor.read((shape[0] - 1, *edges[1:])).shape == tuple(
            min(2, size) for size in shape[1:]
        )
        assert weight.tensor.read(((0, shape[0] - 1, 0), *edges[1:])).shape[0] == 3
    if (weight.spec.nbytes or 0) <= _MOST_NBYTES:
        assert weight.tensor.read().shape == shape
        assert sum(block.size for block in weight.tensor.blocks(1 << 16)) == weight.spec.size
    else:
        assert next(weight.tensor.blocks(1 << 16)).nbytes <= 1 << 16


def scratch() -> Path:
    """Return a folder for one process's inputs, in memory where the system has such."""
    top = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(os.environ.get("TMPDIR", "/tmp"))
    return top / f"weightrepl-fuzz-{os.getpid()}"
