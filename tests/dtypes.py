"""The dtypes that files hold, and arrays of them."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np

COMMON = (
    *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
    *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
)
"""Those that checkpoints of both versions hold."""
DTYPES = (
    *COMMON,
    *("float8_e5m2", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e4m3b11fnuz", "float8_e5m2fnuz"),
    *("int4", "uint4", "int2", "uint2"),
)
"""All that TensorFlow saves in a checkpoint of version 2."""
_FEW = {"bool": 3, "int2": 2, "uint2": 4, "int4": 7, "uint4": 7}


def dtype_of(name: str) -> np.dtype:
    """Return the dtype of NumPy's or ml_dtypes' name."""
    return np.dtype(getattr(ml_dtypes, name, name))


def array_of(dtype: str, *shape: int) -> np.ndarray:
    """Return the numbers from 0 on, again and again where the dtype has few."""
    count = math.prod(shape)
    return (np.arange(count) % _FEW.get(dtype, count or 1)).astype(dtype_of(dtype)).reshape(shape)


def same(found: np.ndarray, expected: np.ndarray) -> bool:
    """Return whether two arrays have one dtype and shape, and the same bytes."""
    return (found.dtype, found.shape, found.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())
