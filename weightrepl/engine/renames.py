"""Which weights of two sides hold the same values under other names, plainly or transposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache

from weightrepl.model.tensor import TensorSpec, dtype_bits, itemsize_of, pieces
from weightrepl.model.tree import Site

_BLOCK_NBYTES = 1 << 20
_TURNED_NBYTES = 1 << 28
"""Larger weights are not looked at as transposes: their columns lie scattered over the whole file."""


def same_values(
    lefts: Sequence[Site], rights: Sequence[Site], advance: Callable[[int], None]
) -> Iterator[tuple[Site, Site, bool]]:
    """Yield a left and a right weight, not the same one, that hold the same bytes, and whether transposed.

    Reads only weights for which the other side has one of the same dtype and of the same or the reversed shape, the
    right ones once, the left ones at most twice.
    """
    by_kind: dict[object, list[int]] = {}
    for j, right in enumerate(rights):
        if _is_comparable(right.spec):
            by_kind.setdefault((right.spec.dtype, right.spec.shape), []).append(j)
    of_right = cache(lambda j: _digest(rights[j], advance))
    for left in lefts:
        dtype, shape = left.spec.dtype, left.spec.shape or ()
        alike = by_kind.get((dtype, left.spec.shape), [])
        own = _digest(left, advance) if alike else b""
        found = [(left, rights[j], False) for j in alike if of_right(j) == own]
        turned = by_kind.get((dtype, shape[::-1]), []) if not found and _is_turnable(left.spec) else []
        own = _turned_digest(left, advance) if turned else b""
        found += [(left, rights[j], True) for j in turned if of_right(j) == own]
        yield from (pair for pair in found if pair[0].weight is not pair[1].weight)


def is_transpose(left: Site, right: Site, advance: Callable[[int], None]) -> bool:
    """Return whether one weight is the other with its axes in reverse."""
    return (
        left.spec.dtype == right.spec.dtype
        and left.spec.shape == (right.spec.shape or ())[::-1]
        and _is_turnable(left.spec)
        and _turned_digest(left, advance) == _digest(right, advance)
    )


def _is_comparable(spec: TensorSpec) -> bool:
    return bool(spec.size) and dtype_bits(spec.dtype) is not None


def _is_turnable(spec: TensorSpec) -> bool:
    return _is_comparable(spec) and len(spec.shape or ()) > 1 and (spec.nbytes or 0) <= _TURNED_NBYTES


def _digest(site: Site, advance: Callable[[int], None]) -> bytes:
    from hashlib import blake2b

    digest = blake2b()
    for block in site.tensor.blocks(_BLOCK_NBYTES):
        digest.update(block.view("u1").data)
        advance(block.nbytes)
    return digest.digest()


def _turned_digest(site: Site, advance: Callable[[int], None]) -> bytes:
    """Return the digest that the weight would have with its axes in reverse."""
    from hashlib import blake2b

    digest, tensor, shape = blake2b(), site.tensor, site.spec.shape or ()
    itemsize = itemsize_of(site.spec.dtype) or 1
    for index in pieces(shape[::-1], 16 * _BLOCK_NBYTES // itemsize):
        block = tensor.read(index[::-1])
        digest.update(block.transpose().tobytes())
        advance(block.nbytes)
    return digest.digest()
