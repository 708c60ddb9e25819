"""Statistics of values: one pass over blocks, mergeable. docs/statistics.md defines each."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, Literal, TypeAlias

import numpy as np

from weightrepl.engine.passes import blocks_of, folded
from weightrepl.engine.table import Histogram, Value
from weightrepl.model.tensor import Array, TensorSource, TensorSpec, dtype_bits
from weightrepl.values import Value as Frozen

Number: TypeAlias = "int | float | complex"
Need: TypeAlias = Literal["zeros", "ends", "norm", "moments"]

_NEEDS: dict[str, Need] = {
    "zeros": "zeros", "sparsity": "zeros", "norm": "norm", "mean": "moments", "std": "moments",
}  # fmt: skip
_FLOAT16_MAX = 65504
_ROW = 8192  # OpenBLAS starts threads above 10,000
_SAFE = 1e-100, 1e100  # between these no square of a float64, nor a sum of such, over- or underflows


def measured(
    tensor: TensorSource,
    spec: TensorSpec,
    names: Iterable[str],
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, Value]:
    """Return the figures of these names, of all values of a tensor, read in one pass of blocks.

    A figure that values of that dtype do not have is None, and so are all where the shape is unknown.

    Raises:
        SourceError: the values can't be read.
    """
    names = tuple(names)
    if not are_numbers(spec):
        return dict.fromkeys(names)
    needs = frozenset(_NEEDS.get(name, "ends") for name in names)
    blocks = blocks_of(tensor, spec, advance)
    worker = lambda: partial(tallied, needs=needs, room=Room())  # noqa: E731
    total = folded(blocks, spec.size or 0, worker, merged, Tally())
    return {name: figure(name, total, spec.dtype) for name in names}


def are_numbers(spec: TensorSpec) -> bool:
    """Return whether there are figures of such values."""
    return spec.shape is not None and dtype_bits(spec.dtype) is not None


# ------------------------------------------------------------------ what is known of some values


class Tally(Frozen):
    """What is known of some values; `merged` makes one of those of two parts.

    size: how many they are. zeros, nans, infs: how many of them are that.
    low, high: the least and the largest that is finite; of complex ones the corners of the box that they fill;
        None where none is finite.
    absmax, norm, mean, std: of the finite ones.
    What was not asked for is as it is of no values.
    """

    size: int = 0
    zeros: int = 0
    nans: int = 0
    infs: int = 0
    low: Number | None = None
    high: Number | None = None
    absmax: int | float = -math.inf
    norm: float = 0.0
    mean: float | complex = 0.0
    std: float = 0.0

    @property
    def finite(self) -> int:
        """How many values are neither NaN nor infinite."""
        return self.size - self.nans - self.infs


def merged(a: Tally, b: Tally) -> Tally:
    """Return the tally of the values of both, as of all at once but for the last digits of norm, mean and std."""
    mean, std = _merged_moments(a, b)
    return Tally(
        a.size + b.size,
        a.zeros + b.zeros,
        a.nans + b.nans,
        a.infs + b.infs,
        _corner(min, a.low, b.low),
        _corner(max, a.high, b.high),
        max(a.absmax, b.absmax),
        math.hypot(a.norm, b.norm),
        mean,
        std,
    )


def _corner(pick: Callable[..., Any], *corners: Number | None) -> Number | None:
    known = [corner for corner in corners if corner is not None]
    if any(isinstance(corner, complex) for corner in known):
        return complex(pick(c.real for c in known), pick(c.imag for c in known))
    return pick(known, default=None)  # type: ignore[no-any-return]


def _merged_moments(a: Tally, b: Tally) -> tuple[float | complex, float]:
    """Return mean and standard deviation of the values of both, by the formula of Chan, Golub and LeVeque (1979).

    In terms of deviations, not of sums of squares, so that nothing overflows that the values do not.
    """
    if not a.finite or not b.finite:
        return (a.mean, a.std) if a.finite else (b.mean, b.std)
    share = b.finite / (a.finite + b.finite)
    half = b.mean / 2 - a.mean / 2
    apart = 2 * math.sqrt(share * (1 - share)) * math.hypot(half.real, half.imag)
    std = math.hypot(a.std * math.sqrt(1 - share), b.std * math.sqrt(share), apart)
    return a.mean + half * share + half * share, std


# ------------------------------------------------------------------ of one block


class Room:
    """Arrays for one thread to compute in, the same ones each time: to get new memory takes longer than to use it."""

    def __init__(self) -> None:
        self._arrays: dict[Any, Array] = {}

    def array(self, size: int, dtype: Any) -> Array:
        """Return an array of so many elements, which hold anything."""
        kept = self._arrays.get(dtype)
        if kept is None or kept.size < size:
            kept = self._arrays[dtype] = np.empty(size, dtype)
        return kept[:size]


def tallied(block: Array, needs: frozenset[Need], room: Room) -> Tally:
    """Return the tally of a flat array of any dtype of numbers; of what is not asked for, nothing."""
    with np.errstate(all="ignore"):
        values = _plain(block, room)
        size = values.size
        zeros = _zeros(values, room) if "zeros" in needs else 0
        if not size or needs == {"zeros"}:
            return Tally(size, zeros)
        nans = infs = 0
        low, high, absmax = _ends(values)
        if not math.isfinite(absmax):
            nans = int(np.count_nonzero(np.isnan(values)))
            values = values[np.isfinite(values)]
            infs = size - values.size - nans
            if not values.size:
                return Tally(size, zeros, nans, infs)
            low, high, absmax = _ends(values)
        sums = _sums(values, low, high, needs, room) if needs & {"norm", "moments"} else ()
        return Tally(size, zeros, nans, infs, low, high, absmax, *sums)


def _plain(block: Array, room: Room) -> Array:
    """Return the same values in one of the dtypes with which NumPy computes fast."""
    dtype = block.dtype
    if dtype == np.bool_:
        return block.view(np.uint8)
    if dtype.isbuiltin and (dtype.kind in "iu" or dtype in (np.float32, np.float64, np.complex128)):
        return block
    if dtype.itemsize <= 2 and dtype.name != "bfloat16":
        values: Array = _decoded(dtype).take(block.view(f"u{dtype.itemsize}"))
        return values
    wider = np.complex128 if dtype.kind == "c" else np.float32 if dtype.itemsize == 2 else np.float64
    values = room.array(block.size, wider)
    np.copyto(values, block, casting="unsafe")
    return values


@lru_cache(maxsize=16)
def _decoded(dtype: Any) -> Array:
    """Return what each bit pattern of a small dtype means: to look it up is faster than to convert."""
    patterns: Array = np.arange(1 << 8 * dtype.itemsize, dtype=f"u{dtype.itemsize}").view(dtype)
    with np.errstate(all="ignore"):
        return patterns.astype(np.int8 if "int" in dtype.name else np.float32)


def _zeros(values: Array, room: Room) -> int:
    return int(np.count_nonzero(np.equal(values, 0, out=room.array(values.size, np.bool_))))


def _ends(values: Array) -> tuple[Number, Number, int | float]:
    """Return the corners and the largest magnitude of at least one value; the latter is NaN or inf if any is."""
    if values.dtype.kind == "c":
        parts = values.view(np.float64).reshape(-1, 2)
        return complex(*parts.min(axis=0)), complex(*parts.max(axis=0)), float(np.abs(values).max())
    low, high = values.min().item(), values.max().item()
    return low, high, max(abs(low), abs(high))


def _sums(
    values: Array, low: Number, high: Number, needs: frozenset[Need], room: Room
) -> tuple[float, float | complex, float]:
    """Return norm, mean and standard deviation of finite values between these corners, in float64.

    The deviation comes from the plain sums, or where it is small beside the mean, from the differences to it.
    """
    wide = room.array(values.size, np.complex128 if values.dtype.kind == "c" else np.float64)
    np.copyto(wide, values)
    scale = _scale(max(abs(low.real), abs(low.imag), abs(high.real), abs(high.imag)))
    if scale != 1:
        wide *= scale
    squares = _squares(wide)
    norm = math.sqrt(squares) / scale
    if "moments" not in needs:
        return norm, 0.0, 0.0
    mean = _within(low * scale, (wide.sum() / wide.size).item(), high * scale)
    of_mean = mean.real**2 + mean.imag**2
    variance = squares / wide.size - of_mean
    if variance < of_mean / 1000:
        wide -= mean
        rest = (wide.sum() / wide.size).item()  # what rounding left of the mean
        variance = max(0.0, _squares(wide) / wide.size - rest.real**2 - rest.imag**2)
    return norm, mean / scale, math.sqrt(variance) / scale


def _scale(reach: int | float) -> float:
    """Return the power of two by which values up to `reach` are multiplied before they are squared."""
    least, most = _SAFE
    return 1.0 if not reach or least < reach < most else 2.0 ** -max(math.frexp(reach)[1], -1000)


def _squares(wide: Array) -> float:
    """Return the sum of the squared magnitudes of float64 or complex128."""
    parts = wide.view(np.float64)
    return product(parts, parts)


def product(a: Array, b: Array) -> float:
    """Return the inner product of two flat arrays of one float dtype; that of each row, added up in float64.

    Rows are so short that the BLAS library starts no threads of its own, which would fight with ours.
    """
    rows = a.size // _ROW * _ROW
    of_rows = np.matmul(a[:rows].reshape(-1, 1, _ROW), b[:rows].reshape(-1, _ROW, 1))
    return float(of_rows.sum(dtype=np.float64) + np.dot(a[rows:], b[rows:]))


def _within(low: Number, mean: float | complex, high: Number) -> float | complex:
    """Return a mean that rounding did not carry out of what it is the mean of: of equal values it is the value."""
    real = float(min(max(low.real, mean.real), high.real))
    return complex(real, min(max(low.imag, mean.imag), high.imag)) if isinstance(mean, complex) else real


# ------------------------------------------------------------------ figures


def figure(name: str, total: Tally, dtype: str) -> Value:
    """Return the figure of a name of all values of a weight of that dtype."""
    if dtype.startswith("complex") and name in ("min", "max", "mean"):
        return None
    match name:
        case "zeros" | "nans" | "infs" | "norm":
            value: Value = getattr(total, name)
            return value
        case "sparsity":
            return total.zeros / total.size if total.size else math.nan
        case "flags":
            return " ".join(_flags(total, dtype))
    field = {"min": "low", "max": "high"}.get(name, name)
    return getattr(total, field) if total.finite else math.nan


def _flags(total: Tally, dtype: str) -> Iterable[str]:
    if total.size and total.size == total.finite and total.low == total.high:
        if total.low == 0:
            yield "dead"
        elif total.size > 1:
            yield "constant"
    if total.nans:
        yield "nan"
    if total.infs:
        yield "inf"
    if "float" in dtype and total.absmax >= _risk(dtype):
        yield "overflow-risk"


def _risk(dtype: str) -> float:
    """Return the magnitude from which on floats are at risk to overflow; those of 8 bits are scaled to fit."""
    if dtype_bits(dtype) != 16:
        return math.nextafter(_FLOAT16_MAX, math.inf)
    import ml_dtypes

    largest = ml_dtypes.finfo(getattr(ml_dtypes, dtype, dtype)).max  # type: ignore[no-untyped-call]
    return float(largest) / 2


# ------------------------------------------------------------------ histograms


def histogram(
    tensor: TensorSource,
    spec: TensorSpec,
    bins: int,
    advance: Callable[[int], None] = lambda n: None,
) -> Histogram | None:
    """Return how many values fall in each of `bins` equal bins from the least to the largest finite one.

    The counts are those of np.histogram in float64. Integers that span fewer than `bins` get a bin each; equal values
    lie in the middle of bins around them; complex ones count by their magnitude; of no finite value all counts are 0.
    None where the values are no numbers or the shape is unknown. Values are read twice, first for the ends.

    Raises:
        SourceError: the values can't be read.
    """
    if not are_numbers(spec):
        return None

    def half(nbytes: int) -> None:
        advance(nbytes // 2)

    def blocks() -> Iterator[Array]:
        return blocks_of(tensor, spec, half)

    size = spec.size or 0
    ends = folded(blocks(), size, lambda: partial(magnitudes_tallied, room=Room()), merged, Tally())
    empty = empty_histogram(*((0, 1) if spec.dtype == "bool" else (ends.low, ends.high)), bins)
    return folded(blocks(), size, lambda: partial(counted, empty, room=Room()), added, empty)


def counted(bins: Histogram, block: Array, room: Room) -> Histogram:
    """Return a histogram of a flat array over the bins of another."""
    values = _magnitudes(_plain(block, room))
    finite = np.isfinite(values)
    kept = values if finite.all() else values[finite]
    edges = _edges(bins)
    places = edges.searchsorted(kept.astype(np.float64), "right")
    _, *counts, highest = np.bincount(places, minlength=edges.size + 1).tolist()
    counts[-1] += highest  # the last bin holds its upper edge
    return Histogram(bins.low, bins.high, tuple(counts), values.size - kept.size)


def added(a: Histogram, b: Histogram) -> Histogram:
    """Return the histogram of the values of both, which are over the same bins."""
    counts = tuple(x + y for x, y in zip(a.counts, b.counts, strict=True))
    return Histogram(a.low, a.high, counts, a.outside + b.outside)


def _magnitudes(values: Array) -> Array:
    """Return real values as they are, of complex ones their magnitudes."""
    with np.errstate(all="ignore"):
        return np.abs(values) if values.dtype.kind == "c" else values


def magnitudes_tallied(block: Array, room: Room) -> Tally:
    """Return the ends of a flat array, of complex values those of their magnitudes."""
    return tallied(_magnitudes(_plain(block, room)), frozenset({"ends"}), room)


def empty_histogram(low: Any, high: Any, bins: int) -> Histogram:
    """Return the bins for values between these ends, which are None where there are no values."""
    if low is None:
        return Histogram(0.0, 1.0, (0,) * bins)
    if isinstance(low, int) and high - low < bins:
        return Histogram(low - 0.5, high + 0.5, (0,) * (high - low + 1))
    if low == high:
        around, most = max(0.5, abs(low) * 2.0**-40), sys.float_info.max
        low, high = max(low - around, -most), min(low + around, most)
    return Histogram(float(low), float(high), (0,) * bins)


def _edges(bins: Histogram) -> Array:
    """Return the edges of the bins, as NumPy spaces them; halved on the way where the width itself would overflow."""
    part = 1.0 if math.isfinite(bins.high - bins.low) else 0.5
    return np.linspace(bins.low * part, bins.high * part, len(bins.counts) + 1) / part
