"""NumPy's square brackets on a weight, as an index that reads only what it needs."""

from __future__ import annotations

import operator
from typing import Any

from weightrepl.model.tensor import AxisIndex, full_index


def plain_index(index: Any, shape: tuple[int, ...] | None) -> tuple[AxisIndex, ...] | None:
    """Return an entry per axis of `shape` for a Python index, or None where only NumPy can tell what it means.

    Raises:
        IndexError: an integer out of range, or more entries than axes, as NumPy raises it.
    """
    if shape is None:
        return None
    items = list(index) if isinstance(index, tuple) else [index]
    if sum(isinstance(item, list) for item in items) > 1 or not all(map(_is_plain, items)):
        return None
    return full_index(items, shape)


def _is_plain(item: Any) -> bool:
    if isinstance(item, list):
        return all(isinstance(i, int) and not isinstance(i, bool) for i in item)
    return item is ... or isinstance(item, slice) or _is_integer(item)


def _is_integer(item: Any) -> bool:
    try:
        operator.index(item)
    except TypeError:
        return False
    return not isinstance(item, bool)
