"""NumPy's square brackets on a weight, as an index that reads only what it needs."""

from __future__ import annotations

import operator
from typing import Any

from weightrepl.model.tensor import AxisIndex, full_index
from weightrepl.model.tree import Site


def composed(index: Any, site: Site) -> tuple[AxisIndex, ...] | None:
    """Return an index of the whole weight for a Python index, or None where only NumPy can tell what it means.

    Raises:
        IndexError: an integer out of range, or more entries than axes, as NumPy raises it.
    """
    shape = site.weight.spec.shape
    if shape is None or site.indices:
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
