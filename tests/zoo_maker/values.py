"""The values that variables are given, and the digests by which they are found again in files."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from typing import Any

import ml_dtypes
import numpy as np


def digest(array: Any) -> str:
    """Return the SHA-256 of an array's bytes, in C order."""
    return hashlib.sha256(np.asarray(array).tobytes()).hexdigest()


def drawn(seed: str, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    """Return values that tell variables apart, which only `seed`, shape and dtype decide over."""
    random = np.random.default_rng(zlib.crc32(seed.encode()))
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if dtype.startswith("complex"):
        return (random.standard_normal(shape) + 1j * random.standard_normal(shape)).astype(dtype)
    if dtype.startswith(("bfloat", "float8")):
        return random.standard_normal(shape).astype("float32").astype(getattr(ml_dtypes, dtype))
    if dtype.startswith("float"):
        return random.standard_normal(shape).astype(dtype)
    info = np.iinfo(dtype)
    low, high = max(info.min, -(2**31)), min(info.max, 2**31 - 1)
    return random.integers(low, high, shape, endpoint=True).astype(dtype)


def fill(seed: str, variables: Iterable[Any]) -> None:
    """Give each variable, of Keras or TensorFlow, values of its own."""
    for i, variable in enumerate(variables):
        dtype = getattr(variable.dtype, "name", variable.dtype)
        variable.assign(drawn(f"{seed}/{i}", tuple(variable.shape), dtype))
