"""Rows of a weight as text: short, exact, and some at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import ml_dtypes
import numpy as np
import pytest

from weightrepl.engine.vectors import shape_of_vectors, texts, vectors
from weightrepl.errors import OutputError


@dataclass
class Held:
    """A weight; notes how many values are read at once."""

    values: np.ndarray
    address: str = "m/e:embeddings"
    reads: list[int] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> str:
        return self.values.dtype.name

    def __getitem__(self, index: slice) -> np.ndarray:
        self.reads.append(self.values[index].size)
        return self.values[index]


def test_rows_are_read_some_at_a_time():
    held = Held(np.arange(300_000, dtype="f4").reshape(3000, 100))
    rows = list(vectors(held, " "))
    assert (np.array([row.split(" ") for row in rows], "f4") == held.values).all()
    assert max(held.reads) <= 1 << 16
    assert sum(held.reads) == 300_000


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (2, 100_000)])
def test_odd_shapes_are_rows_too(shape: tuple[int, int]):
    rows = list(vectors(Held(np.zeros(shape, "f4")), "\t"))
    assert rows == ["\t".join(["0.0"] * shape[1])] * shape[0]


def test_a_number_is_as_short_as_its_dtype_lets_it_be():
    value = 0.1
    assert texts(np.array([value], "f8")) == ["0.1"]
    assert texts(np.array([value], "f4")) == ["0.1"]
    assert texts(np.array([value], "f2")) == ["0.1"]
    assert texts(np.array([value], ml_dtypes.bfloat16)) == ["0.100097656"]
    assert texts(np.array([[-3, 7]], ml_dtypes.int4)) == [["-3", "7"]]
    assert texts(np.array([True, False])) == ["1", "0"]
    assert texts(np.array([np.nan, -np.inf], "f4")) == ["nan", "-inf"]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ml_dtypes.bfloat16])
def test_a_number_reads_back(dtype: object):
    values = (np.random.default_rng(0).normal(size=2000) ** 5).astype(dtype)
    assert (np.array(texts(values), "f8").astype(dtype) == values).all()


@pytest.mark.parametrize("shape", [(), (3,), (2, 2, 2), None])
def test_vectors_have_two_axes(shape: tuple[int, ...] | None):
    class Odd(Held):
        shape = None

    held = Odd(np.zeros(1)) if shape is None else Held(np.zeros(shape))
    with pytest.raises(
        OutputError, match=r"^m/e:embeddings is .*, and vectors are the rows of a weight of two axes"
    ):
        shape_of_vectors(held)


@pytest.mark.parametrize("values", [np.array([["a"]], object), np.array([[1j]])])
def test_vectors_are_of_real_numbers(values: np.ndarray):
    with pytest.raises(OutputError, match="vectors hold real numbers"):
        list(vectors(Held(values), " "))
