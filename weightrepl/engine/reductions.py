"""The stage `reduce`: one number, or an array of fewer axes, for each weight."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from weightrepl.engine.expressions import ExpressionError
from weightrepl.engine.figures import Figures
from weightrepl.engine.relation import Relation
from weightrepl.errors import Problem
from weightrepl.model.tensor import (
    Array,
    AxisIndex,
    TensorSource,
    TensorSpec,
    dtype_bits,
    numpy_dtype,
    pieces,
    take,
)
from weightrepl.model.tree import Derived, Site
from weightrepl.query.syntax import Expression, Keyword, Number, Stage, Tuple, Word
from weightrepl.spans import Span

if TYPE_CHECKING:
    from collections.abc import Iterator


PIECE = 1 << 18
"""How many values are in memory at a time."""

_ORDERED = ("min", "max")
_OF_SOME = ("min", "max", "absmax")
"""The reductions of which that of no values is not defined."""


class _UnfitError(ValueError):
    """A weight that can't be reduced so; the message says why, `about_axes` whether it is for its shape."""

    def __init__(self, reason: str, about_axes: bool = False) -> None:
        super().__init__(reason)
        self.about_axes = about_axes


def reduced(stage: Stage, given: Relation) -> Relation:
    """Return the rows with their values reduced, without those where that can't be.

    Raises:
        ExpressionError: the only row can't be reduced, or an axis is named twice.
    """
    word, *keywords = stage.arguments
    assert isinstance(word, Word)
    axes = next((_axes(k.value) for k in keywords if isinstance(k, Keyword)), None)
    where = next((k.value for k in keywords if isinstance(k, Keyword)), word)
    if axes is not None and len(set(axes)) < len(axes):
        raise ExpressionError("bad-axis", "an axis is named twice", where.span)
    kept: list[Site] = []
    unfit: dict[Span, list[Problem]] = {}
    for site in given.rows:
        try:
            kept.append(site._replace(derived=_reduction(site, word.text, axes, given.figures)))
        except _UnfitError as error:
            span = where.span if error.about_axes else word.span
            if len(given.rows) == 1:
                code = "bad-axis" if error.about_axes else "no-reduction"
                raise ExpressionError(code, str(error), span) from None
            problem = Problem("reduce-left-out", f"left out: {error}", span, severity="note")
            unfit.setdefault(span, []).append(problem)
    notes = [_first_of(problems) for problems in unfit.values()]
    return given.replace(rows=tuple(kept), shown=("address", "shape", "values"), chosen=False).noted(*notes)


def _axes(value: Expression) -> tuple[int, ...]:
    """Return the numbers after `axis=`."""
    items = value.items if isinstance(value, Tuple) else (value,)
    return tuple(int(item.value) for item in items if isinstance(item, Number))


def _first_of(problems: list[Problem]) -> Problem:
    """Return the first of several alike, which tells how many there are."""
    first, more = problems[0], len(problems) - 1
    return first.replace(message=f"{first.message} (and {more:,} more like it)") if more else first


def _reduction(site: Site, name: str, axes: tuple[int, ...] | None, figures: Figures) -> Derived:
    """Return what a reduction makes of a weight, of which nothing is read yet.

    Raises:
        _UnfitError: it is not defined for such a weight.
    """
    spec, weight = site.spec, site.weight.name
    if spec.shape is None:
        raise _UnfitError(f"the source does not record the shape of {weight!r}")
    if dtype_bits(spec.dtype) is None:
        raise _UnfitError(f"{weight!r} holds {spec.dtype}, not numbers")
    if name in _ORDERED and spec.dtype.startswith("complex"):
        raise _UnfitError(f"{weight!r} holds complex numbers, which have no {name}; absmax they have")
    over = _positions(axes, spec.shape, weight)
    if name in _OF_SOME and any(spec.shape[axis] == 0 for axis in over):
        raise _UnfitError(f"{weight!r} of shape {spec.shape} has no values to take the {name} of", True)
    shape = tuple(size for axis, size in enumerate(spec.shape) if axis not in over)
    made = TensorSpec(shape, _dtype(name, spec.dtype))
    return Derived(made, _Reduced(site.tensor, spec, over, name, made, figures.advance), site.nbytes_to_read)


def _positions(axes: Iterable[int] | None, shape: tuple[int, ...], weight: str) -> tuple[int, ...]:
    """Return the axes to reduce, counted from 0, in order."""
    if axes is None:
        return tuple(range(len(shape)))
    over = set()
    for axis in axes:
        if not -len(shape) <= axis < len(shape):
            raise _UnfitError(f"there is no axis {axis}: {weight!r} has shape {shape}", True)
        if axis % len(shape) in over:
            raise _UnfitError(f"axis {axis} is named twice: {weight!r} has shape {shape}", True)
        over.add(axis % len(shape))
    return tuple(sorted(over))


def _dtype(name: str, dtype: str) -> str:
    """Return the dtype of a reduction: NumPy's, but for floats, which are summed in float64."""
    if name in _ORDERED:
        return dtype
    if name == "absmax":
        if dtype.startswith("complex"):
            return {"complex64": "float32"}.get(dtype, "float64")
        return f"u{dtype}" if dtype.startswith("int") else dtype
    if dtype.startswith("complex") and name in ("sum", "mean"):
        return "complex128"
    if name == "sum" and dtype.startswith(("int", "bool")):
        return "int64"
    return "uint64" if name == "sum" and dtype.startswith("uint") else "float64"


class _Reduced:
    """The reduction of a tensor: a TensorSource, computed piece by piece when first asked for, and then kept.

    whole: what the tensor is like. over: the axes to reduce. spec: of the result. advance: is told the bytes read.
    """

    def __init__(
        self,
        tensor: TensorSource,
        whole: TensorSpec,
        over: tuple[int, ...],
        name: str,
        spec: TensorSpec,
        advance: Callable[[int], None],
    ) -> None:
        self._tensor, self._shape, self._over = tensor, whole.shape or (), over
        self._dtype, self._name, self._spec, self._advance = whole.dtype, name, spec, advance
        self._values: Array | None = None

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        """Return the values at `index`; the tensor is read at the first time."""
        import numpy as np

        if self._values is None:
            self._values = self._computed()
        return np.array(take(self._values, index))

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield the values in C order."""
        flat = self.read().reshape(-1)
        step = max(1, max_nbytes // flat.itemsize)
        return (flat[start : start + step] for start in range(0, flat.size, step))

    def _computed(self) -> Array:
        import numpy as np

        name, over = self._name, self._over
        count = math.prod(self._shape[axis] for axis in over)
        with np.errstate(all="ignore"):  # an overflow is inf, and the mean of nothing NaN
            state = _start(name, self._dtype, tuple(1 if i in over else n for i, n in enumerate(self._shape)))
            for index in pieces(self._shape, PIECE):
                block = _plain(self._tensor.read(index))
                block = np.expand_dims(block, [axis for axis, i in enumerate(index) if isinstance(i, int)])
                part = (..., *(_ALL if axis in over else _kept(i) for axis, i in enumerate(index)))
                state[part] = _joined(name, state[part], _partial(name, block, over, state.dtype))
                self._advance(block.nbytes)
            dtype = numpy_dtype(self._spec.dtype)
            return _finished(name, state, count).reshape(self._spec.shape).astype(dtype)


_ALL = slice(None)


def _kept(entry: AxisIndex) -> AxisIndex:
    """Return the place in the result of a piece's entry for an axis that stays."""
    return slice(entry, entry + 1) if isinstance(entry, int) else entry


def _plain(block: Array) -> Array:
    """Return values of a dtype with which NumPy computes, each exactly as it is."""
    if block.dtype.isbuiltin == 2:  # of ml_dtypes
        return block.astype("i1" if "int" in block.dtype.name else "f4")
    return block.view("u1") if block.dtype.kind == "b" else block


def _start(name: str, dtype: str, shape: tuple[int, ...]) -> Array:
    """Return what a reduction knows before it saw a value; for `std` three planes: counts, means, squares."""
    import numpy as np

    plain = _plain(np.zeros(0, numpy_dtype(dtype))).dtype
    if name in _ORDERED:
        limits = (-np.inf, np.inf) if plain.kind == "f" else (np.iinfo(plain).min, np.iinfo(plain).max)
        return np.full(shape, limits[name == "min"], plain)
    if name == "absmax":
        return np.zeros(shape, _magnitudes(np.zeros(1, plain)).dtype)
    if name == "std":
        return np.zeros((3, *shape), "c16" if plain.kind == "c" else "f8")
    return np.zeros(shape, _dtype(name, dtype))


def _partial(name: str, block: Array, over: tuple[int, ...], dtype: Any) -> Array:
    """Return the reduction of a block, as far as one block tells; the axes stay, with size 1."""
    import numpy as np

    match name:
        case "min" | "max":
            return np.asarray(getattr(block, name)(over, keepdims=True))
        case "absmax":
            return np.asarray(_magnitudes(block).max(over, keepdims=True))
        case "norm":
            return np.asarray(_squares(block).sum(over, keepdims=True))
        case "std":
            means = block.mean(over, dtype=dtype, keepdims=True)
            apart = np.asarray(np.subtract(block, means, dtype=dtype))
            apart = _squares(apart) if dtype.kind == "c" else np.square(apart, out=apart)
            squares = apart.sum(over, keepdims=True)
            return np.stack([np.full(means.shape, block.size // means.size, dtype), means, squares])
    return np.asarray(block.sum(over, dtype=dtype, keepdims=True))


def _joined(name: str, a: Array, b: Array) -> Array:
    """Return what two parts of the values give together."""
    import numpy as np

    match name:
        case "min":
            return np.asarray(np.minimum(a, b))
        case "max" | "absmax":
            return np.asarray(np.maximum(a, b))
        case "std":  # Chan, Golub and LeVeque, 1979
            count = a[0] + b[0]
            apart = b[1] - a[1]
            mean = a[1] + apart * b[0] / count
            return np.stack([count, mean, a[2] + b[2] + _squares(apart) * a[0] * b[0] / count])
    return a + b


def _finished(name: str, state: Array, count: int) -> Array:
    import numpy as np

    match name:
        case "mean":
            state = state / count
        case "norm":
            state = np.sqrt(state)
        case "std":
            state = np.sqrt(state[2].real / count)
    return state


def _magnitudes(block: Array) -> Array:
    """Return the absolute values; of integers unsigned, for that of the least one fits in no signed."""
    magnitudes: Array = abs(block)
    return magnitudes.view(f"u{block.itemsize}") if block.dtype.kind == "i" else magnitudes


def _squares(block: Array) -> Array:
    """Return the squares of the absolute values in float64."""
    import numpy as np

    if block.dtype.kind == "c":
        return _squares(block.real) + _squares(block.imag)
    squares: Array = np.square(block, dtype="f8")
    return squares
