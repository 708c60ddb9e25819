"""How large the elements of each dtype are, and what an index out of range is told of."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from tests.dtypes import DTYPES, dtype_of
from weightrepl.model.tensor import dtype_bits, full_index


@pytest.mark.parametrize("name", [*DTYPES, "float4_e2m1fn", "float8_e8m0fnu"])
def test_an_element_takes_as_many_bits_as_its_library_says(name: str):
    dtype = dtype_of(name)
    if dtype.kind in "bc":
        bits = dtype.itemsize * 8
    else:
        bits = (ml_dtypes.iinfo if "int" in name else ml_dtypes.finfo)(dtype).bits
    assert dtype_bits(name) == bits


@pytest.mark.parametrize("name", ["string", "resource", "float", "int4x", "S3"])
def test_of_others_it_is_unknown(name: str):
    assert dtype_bits(name) is None


@pytest.mark.parametrize(
    ("items", "entry"),
    [([9], 0), ([0, 9], 1), ([..., 9], 1), ([0, ..., 9], 2), ([0, ..., 0, 9], 3), ([9, ..., 0, 0, 0], 0)],
)
def test_an_index_out_of_range_is_told_by_its_position(items: list[object], entry: int):
    with pytest.raises(IndexError) as caught:
        full_index(items, (2, 3, 4, 5))
    assert caught.value.args[1] == entry
    with pytest.raises(IndexError):
        np.empty((2, 3, 4, 5))[tuple(items)]
