"""The column `values`: what a weight holds, shortened as a person reads it; only what is shown is read."""

from __future__ import annotations

import math
from typing import Any

from weightrepl.model.tensor import TensorSource
from weightrepl.model.tree import Site

MOST = 8
"""How many values of a weight are shown."""

_LONGEST = 24


def preview(site: Site) -> str | None:
    """Return the first and last values of a weight in brackets; None where its shape is unknown."""
    shape = site.spec.shape
    if shape is None:
        return None
    if 0 in shape:
        return "[]"
    if math.prod(shape) <= MOST:
        return _text(site.tensor.read().tolist())
    return _corners(site.tensor, shape, _shares(shape))


def _shares(shape: tuple[int, ...]) -> list[int]:
    """Return how many positions of each axis are shown; of the last as many as are left."""
    shares, left = [], MOST
    for size in shape[:-1]:
        share = min(size, 2) if left >= 4 else 1
        shares.append(share)
        left //= share
    return [*shares, left]


def _corners(
    tensor: TensorSource, shape: tuple[int, ...], shares: list[int], at: tuple[int, ...] = ()
) -> str:
    """Return the outer values of what is at a position of the leading axes."""
    size, share = shape[len(at)], shares[len(at)]
    head = min(size, (share + 1) // 2)
    shown = (*range(head), *range(max(head, size - share // 2), size))
    if len(at) + 1 == len(shape):
        parts = [_text(value) for value in tensor.read((*at, shown)).tolist()]
    else:
        parts = [_corners(tensor, shape, shares, (*at, i)) for i in shown]
    if len(shown) == size:
        return f"[{', '.join(parts)}]"
    return f"[{', '.join(parts[:head])}, … {', '.join(parts[head:])}".rstrip() + "]"


def _text(value: Any) -> str:
    """Return a value, or a list of them, in few letters.

    >>> _text([0.123456, [-2.0, float("nan")], True, 1234567, "a"])
    '[0.1235, [-2, nan], true, 1234567, "a"]'
    """
    match value:
        case list():
            return f"[{', '.join(map(_text, value))}]"
        case bool():
            return str(value).lower()
        case float() | complex():
            return f"{value:.4g}"
        case bytes():
            return _text(value.decode("utf-8", "replace"))
        case str():
            return f'"{value}"' if len(value) <= _LONGEST else f'"{value[:_LONGEST]}…"'
    return str(value)
