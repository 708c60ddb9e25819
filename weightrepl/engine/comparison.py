"""What lies between the values of two tensors: passes over both in step, with the memory of two blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np

from weightrepl.engine.passes import blocks_of
from weightrepl.engine.statistics import product
from weightrepl.model.tensor import Array, TensorSource, TensorSpec, dtype_bits
from weightrepl.values import Value

Pair: TypeAlias = "tuple[Array, Array]"
"""Flat blocks of two tensors, of as many elements."""

_SOUND = 1e-25
"""From here on a float32 sum of squares has lost nothing to values whose squares are too small for float32."""


class Difference(Value):
    """How two tensors differ; docs/diff.md defines each figure. None: there is no such number.

    verdict: `same`, `cast`, `changed` or `shape`.
    """

    verdict: str
    maxabs: float | None = None
    meanabs: float | None = None
    rel: float | None = None
    cosine: float | None = None


def difference(
    left: TensorSource,
    right: TensorSource,
    specs: tuple[TensorSpec, TensorSpec],
    *,
    mean: bool = True,
    advance: Callable[[int], None] = lambda nbytes: None,
) -> Difference:
    """Return how the values of `right` differ from those of `left`.

    mean: whether `meanabs` is wanted; it costs a pass of its own over each block.
    advance: is told of every byte that was read.
    """
    shapes = specs[0].shape, specs[1].shape
    if None in shapes:  # only reading tells
        whole = left.read(), right.read()
        shapes = whole[0].shape, whole[1].shape
        flat = whole[0].reshape(-1), whole[1].reshape(-1)
    if shapes[0] != shapes[1]:
        return Difference("shape")

    read = told = 0

    def tell(nbytes: int) -> None:  # what is read again was told before
        nonlocal read, told
        read += nbytes
        if read > told:
            advance(read - told)
            told = read

    def pairs() -> Iterator[Pair]:
        nonlocal read
        read = 0
        if None in (specs[0].shape, specs[1].shape):
            return iter([flat])
        return in_step(blocks_of(left, specs[0], tell), blocks_of(right, specs[1], tell))

    _keep_freed_memory()
    recast = specs[0].dtype != specs[1].dtype
    if not recast and dtype_bits(specs[0].dtype) is not None and all(_same_bytes(*pair) for pair in pairs()):
        return Difference("same", 0.0, 0.0 if mean else None, 0.0, 1.0)
    sums = _Sums()
    for pair in pairs():
        sums = _added(sums, _summed(pair, recast, mean))
    return sums.difference(recast, mean)


def in_step(lefts: Iterator[Array], rights: Iterator[Array]) -> Iterator[Pair]:
    """Yield the flat blocks of two tensors of one shape, cut so that both of a pair have as many elements."""
    right: Array = np.empty(0)
    for left in lefts:
        while left.size:
            right = right if right.size else next(rights)
            size = min(left.size, right.size)
            yield left[:size], right[:size]
            left, right = left[size:], right[size:]


class _Sums(Value):
    """What is known of pairs of blocks: summed over a row in their own precision, over all rows in float64.

    differs: whether any pair does. roundings: whether the left values, or the right ones, are the other's rounded.
    texts: whether they are no numbers. largest, total, gaps: the largest distance, the sum of all, that of their
    squares. lefts, rights, products: the sums of the squares of both sides, and of what they give multiplied.
    """

    differs: bool = False
    roundings: tuple[bool, bool] = (True, True)
    texts: bool = False
    size: int = 0
    largest: float = 0.0
    total: float = 0.0
    gaps: float = 0.0
    lefts: float = 0.0
    rights: float = 0.0
    products: float = 0.0

    def difference(self, recast: bool, mean: bool) -> Difference:
        """Return the difference that these sums tell. recast: whether the dtypes differ. mean: is it wanted?"""
        verdict = "changed" if self.differs else "same"
        if self.texts:
            return Difference(verdict)
        if recast and (verdict == "same" or any(self.roundings)):
            verdict = "cast"
        meanabs = self.total / max(1, self.size) if mean else None
        return Difference(verdict, self.largest, meanabs, self._relative(), self._cosine())

    def _relative(self) -> float:
        if self.gaps and not self.lefts:
            return math.inf if self.gaps > 0 else self.gaps
        return math.sqrt(self.gaps) / math.sqrt(self.lefts) if self.gaps else 0.0

    def _cosine(self) -> float:
        if not self.gaps:
            return 1.0
        norms = math.sqrt(self.lefts) * math.sqrt(self.rights)
        if not math.isfinite(self.gaps) or not norms:
            return math.nan
        return max(-1.0, min(1.0, self.products / norms))


def _added(a: _Sums, b: _Sums) -> _Sums:
    """Return the sums of the pairs of both."""
    roundings = a.roundings[0] and b.roundings[0], a.roundings[1] and b.roundings[1]
    return _Sums(
        a.differs or b.differs,
        roundings,
        a.texts or b.texts,
        a.size + b.size,
        float(np.maximum(a.largest, b.largest)),  # NaN stays
        a.total + b.total,
        a.gaps + b.gaps,
        a.lefts + b.lefts,
        a.rights + b.rights,
        a.products + b.products,
    )


def _summed(pair: Pair, recast: bool, mean: bool) -> _Sums:
    """Return the sums of a pair of flat blocks of the same number of elements."""
    left, right = pair
    if not (_is_number(left.dtype) and _is_number(right.dtype)):
        differs = left.dtype.kind != right.dtype.kind or not np.array_equal(left, right)
        return _Sums(differs, texts=True, size=left.size)
    with np.errstate(all="ignore"):  # what overflows shows in the sums, and is done again in float64
        sums = _summed_quickly(left, right, mean) or _summed_carefully(left, right)
        if not recast:
            return sums
        return sums.replace(roundings=(_is_rounded(left, right), _is_rounded(right, left)))


def _summed_quickly(left: Array, right: Array, mean: bool) -> _Sums | None:
    """Return the sums of a pair of blocks of plain finite numbers; None where it is not one."""
    ours, theirs = _wide(left), _wide(right)
    if ours is None or theirs is None:
        return None
    if ours.dtype != theirs.dtype:
        ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    gap = np.subtract(ours, theirs)
    largest = max(float(gap.max()), -float(gap.min()))
    gaps, lefts, rights = (product(a, a) for a in (gap, ours, theirs))
    if not (_is_sound(gaps, gap) and _is_sound(lefts, ours) and _is_sound(rights, theirs)):
        return None
    products = (lefts + rights - gaps) / 2
    total = float(np.abs(gap, out=gap).sum(dtype=np.float64)) if mean else 0.0
    return _Sums(largest > 0, (True, True), False, left.size, largest, total, gaps, lefts, rights, products)


def _summed_carefully(left: Array, right: Array) -> _Sums:
    """Return the sums of any pair of blocks, in float64: elements alike count as equal, NaN and infinities too."""
    ours, theirs = _widest(left), _widest(right)
    integers = left.dtype.kind in "iu" and right.dtype.kind in "iu"
    gap = _integer_gap(left, right) if integers else np.abs(ours - theirs)
    alike = gap == 0 if integers else _alike(ours, theirs)
    gap[alike] = 0
    finite = np.isfinite(ours) & np.isfinite(theirs)
    ours, theirs = np.where(finite, ours, 0), np.where(finite, theirs, 0)
    gaps, lefts, rights = (float(np.vdot(a, a).real) for a in (gap, ours, theirs))
    largest, total, products = float(gap.max()), float(gap.sum()), float(np.vdot(ours, theirs).real)
    return _Sums(
        not alike.all(), (True, True), False, left.size, largest, total, gaps, lefts, rights, products
    )


# ------------------------------------------------------------------ blocks


def _keep_freed_memory() -> None:
    """Let the memory of one block serve the next.

    glibc gives freed blocks of this size back to the system, and every page of the next is then faulted in anew, which
    takes longer than reading it; once something larger was freed it keeps them (mallopt(3), M_MMAP_THRESHOLD).
    """
    np.empty(1 << 24, np.uint8)


def _same_bytes(left: Array, right: Array) -> bool:
    ours, theirs = left.view("u1"), right.view("u1")
    words = ours.size // 8 * 8
    return np.array_equal(ours[:words].view("u8"), theirs[:words].view("u8")) and np.array_equal(
        ours[words:], theirs[words:]
    )


def _wide(values: Array) -> Array | None:
    """Return real numbers as float32 or float64, whichever holds them exactly; None where neither does."""
    if values.dtype.kind == "c" or (values.dtype.kind in "iu" and values.itemsize > 4):
        return None
    if values.dtype.kind == "f" and values.itemsize in (4, 8):
        return values
    return values.astype(np.float32 if values.itemsize <= 2 else np.float64)


def _widest(values: Array) -> Array:
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64)


def _is_sound(squares: float, values: Array) -> bool:
    """Return whether a sum of squares neither overflowed nor lost what was too small."""
    return _SOUND <= squares < math.inf or (squares == 0 and not values.any())


def _alike(left: Array, right: Array) -> Array:
    equal: Array = (left == right) | ((left != left) & (right != right))
    return equal


def _integer_gap(left: Array, right: Array) -> Array:
    """Return |left - right| of integers of any width and sign in float64: 0 only where they are equal."""

    def apart(a: Array, b: Array) -> Array:
        return (np.maximum(a, b) - np.minimum(a, b)).astype(np.float64)

    def above(values: Array) -> Array:
        return np.where(values > 0, values, 0).astype(np.uint64)

    def below(values: Array) -> Array:
        return np.where(values < 0, -values, 0).astype(np.uint64)

    return apart(above(left), above(right)) + apart(below(left), below(right))


def _is_number(dtype: np.dtype[Any]) -> bool:
    return dtype.kind in "biufc" or dtype.isbuiltin == 2  # 2: of ml_dtypes


def _is_rounded(values: Array, others: Array) -> bool:
    """Return whether `values` are floats, and `others` rounded to their dtype."""
    complex_only = others.dtype.kind == "c" and values.dtype.kind != "c"
    if (values.dtype.kind not in "fc" and "float" not in values.dtype.name) or complex_only:
        return False
    return bool(_alike(values, others.astype(values.dtype)).all())
