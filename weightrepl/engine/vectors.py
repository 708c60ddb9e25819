"""The rows of a weight as text, some of them read at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from weightrepl.errors import OutputError
from weightrepl.model.tensor import Array

_VALUES_AT_ONCE = 1 << 16


class Sliced(Protocol):
    """A weight of which a part may be read: its address, shape and dtype, and the values of a slice."""

    @property
    def address(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...] | None: ...
    @property
    def dtype(self) -> str: ...
    def __getitem__(self, index: slice, /) -> Array: ...


def shape_of_vectors(weight: Sliced) -> tuple[int, int]:
    """Return how many rows a weight has, and how many values each.

    Raises:
        OutputError: it has not two axes.
    """
    shape = weight.shape
    if shape is None or len(shape) != 2:
        known = "?" if shape is None else shape
        raise OutputError(f"{weight.address} is {known}, and vectors are the rows of a weight of two axes")
    return shape[0], shape[1]


def vectors(weight: Sliced, separator: str) -> Iterator[str]:
    """Yield the rows of a weight of two axes, each as its numbers with a separator between them.

    Raises:
        OutputError: the values are no real numbers.
        SourceError: they can't be read.
    """
    rows, columns = shape_of_vectors(weight)
    step = max(1, _VALUES_AT_ONCE // max(1, columns))
    for start in range(0, rows, step):
        block = weight[start : start + step]
        if block.dtype.hasobject or block.dtype.kind == "c":
            raise OutputError(f"{weight.address} holds {weight.dtype}, and vectors hold real numbers")
        yield from map(separator.join, texts(block))


def texts(values: Array) -> list[Any]:
    """Return numbers as the shortest texts that read back as the same, in lists nested as the axes are."""
    if values.dtype.isbuiltin == 2:  # each of these values is a float32, exactly
        values = values.astype("i1" if "int" in values.dtype.name else "f4")
    elif values.dtype.kind == "b":
        values = values.astype("u1")
    found: list[Any] = values.astype(str).tolist()
    return found
