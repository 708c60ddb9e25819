"""What lies between the values of two tensors: one pass over both in step, with the memory of two blocks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from weightrepl.model.tensor import TensorSource, TensorSpec, dtype_bits
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.model.tensor import Array

BLOCK_SIZE = 1 << 19
"""Elements of a block: two of float32 and their difference lie in a cache."""

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
        pairs = iter([(whole[0].reshape(-1), whole[1].reshape(-1))])
    else:
        pairs = in_step(left.blocks(_nbytes(specs[0])), right.blocks(_nbytes(specs[1])))
    if shapes[0] != shapes[1]:
        return Difference("shape")
    _keep_freed_memory()
    tally = _Tally(specs[0].dtype != specs[1].dtype, mean)
    for ours, theirs in pairs:
        tally.add(ours, theirs)
        advance(ours.nbytes + theirs.nbytes)
    return tally.difference()


def in_step(lefts: Iterator[Array], rights: Iterator[Array]) -> Iterator[tuple[Array, Array]]:
    """Yield the flat blocks of two tensors of one shape, cut so that both of a pair have as many elements."""
    right: Array = np.empty(0)
    for left in lefts:
        while left.size:
            right = right if right.size else next(rights)
            size = min(left.size, right.size)
            yield left[:size], right[:size]
            left, right = left[size:], right[size:]


def _nbytes(spec: TensorSpec) -> int:
    return BLOCK_SIZE * max(1, (dtype_bits(spec.dtype) or 8) // 8)


class _Tally:
    """The sums over all pairs of blocks so far: over a block in its own precision, over all blocks in float64.

    recast: whether the dtypes differ. mean: whether the mean is wanted.
    """

    def __init__(self, recast: bool, mean: bool) -> None:
        self.recast, self.mean = recast, mean
        self.differs = self.texts = False
        self.roundings = [True, True]  # whether left's values, or right's, are the other's rounded
        self.size = 0
        self.maxabs = self.sumabs = self.gaps = self.lefts = self.rights = self.products = 0.0

    def add(self, left: Array, right: Array) -> None:
        """Count a pair of flat blocks of the same number of elements."""
        self.size += left.size
        if not (_is_number(left.dtype) and _is_number(right.dtype)):
            self.texts = True
            self.differs |= left.dtype.kind != right.dtype.kind or not np.array_equal(left, right)
            return
        with np.errstate(all="ignore"):  # what overflows shows in the sums, and is done again in float64
            if self.recast:
                self.roundings[0] = self.roundings[0] and _is_rounded(left, right)
                self.roundings[1] = self.roundings[1] and _is_rounded(right, left)
            elif not self.differs and _same_bytes(left, right) and self._add_equal(left):
                return  # once a block differs, the next is not expected to be equal
            if not self._add_quickly(left, right):
                self._add_carefully(left, right)

    def _add_equal(self, values: Array) -> bool:
        wide = _wide(values)
        if wide is None:
            return False
        squares = float(np.dot(wide, wide))
        if not _is_sound(squares, wide):
            return False
        self._count(0.0, 0.0, 0.0, squares, squares, squares)
        return True

    def _add_quickly(self, left: Array, right: Array) -> bool:
        """Count a pair of blocks of plain finite numbers; return False, with nothing counted, where it is not one."""
        ours, theirs = _wide(left), _wide(right)
        if ours is None or theirs is None:
            return False
        gap = np.subtract(ours, theirs)
        largest = max(float(gap.max()), -float(gap.min()))
        gaps, lefts, rights = (float(np.dot(a, a)) for a in (gap, ours, theirs))
        if not (_is_sound(gaps, gap) and _is_sound(lefts, ours) and _is_sound(rights, theirs)):
            return False
        self.differs |= largest > 0
        total = float(np.abs(gap, out=gap).sum()) if self.mean else 0.0
        self._count(largest, total, gaps, lefts, rights, float(np.dot(ours, theirs)))
        return True

    def _add_carefully(self, left: Array, right: Array) -> None:
        """Count any pair of blocks, in float64: elements alike count as equal, NaN and infinities too."""
        ours, theirs = _widest(left), _widest(right)
        integers = left.dtype.kind in "iu" and right.dtype.kind in "iu"
        gap = _integer_gap(left, right) if integers else np.abs(ours - theirs)
        alike = gap == 0 if integers else _alike(ours, theirs)
        gap[alike] = 0
        self.differs |= not alike.all()
        finite = np.isfinite(ours) & np.isfinite(theirs)
        ours, theirs = np.where(finite, ours, 0), np.where(finite, theirs, 0)
        gaps, lefts, rights = (float(np.vdot(a, a).real) for a in (gap, ours, theirs))
        self._count(
            float(gap.max()), float(gap.sum()), gaps, lefts, rights, float(np.vdot(ours, theirs).real)
        )

    def _count(
        self, largest: float, total: float, gaps: float, lefts: float, rights: float, products: float
    ) -> None:
        self.maxabs = float(np.maximum(self.maxabs, largest))  # NaN stays
        self.sumabs += total
        self.gaps += gaps
        self.lefts += lefts
        self.rights += rights
        self.products += products

    def difference(self) -> Difference:
        """Return the difference of all that was counted."""
        verdict = "changed" if self.differs else "same"
        if self.texts:
            return Difference(verdict)
        if self.recast and (verdict == "same" or any(self.roundings)):
            verdict = "cast"
        mean = self.sumabs / max(1, self.size) if self.mean else None
        return Difference(verdict, self.maxabs, mean, self._relative(), self._cosine())

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
