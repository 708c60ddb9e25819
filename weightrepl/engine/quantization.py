"""The stage `dequantize`: the floats that quantised layers compute with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from weightrepl.engine.relation import Relation
from weightrepl.engine.schemes import (
    LAST_AXIS,
    Stored,
    UnclearError,
    beside,
    compute_dtype,
    facts,
    recorded,
    scales_of,
    scheme,
    stored,
)
from weightrepl.errors import FormatError, Problem
from weightrepl.model.tensor import (
    Array,
    AxisIndex,
    TensorPart,
    TensorSource,
    TensorSpec,
    numpy_dtype,
    pieces,
    take,
)
from weightrepl.model.tree import Derived, Site, Weight
from weightrepl.query.syntax import Stage

FLOAT8 = "float8_e4m3fn"
LARGEST_FLOAT8 = 448.0


def dequantized(stage: Stage, given: Relation) -> Relation:
    """Return the rows with the floats that quantised layers compute with; all others as they are."""
    kinds = _Kinds()
    rows: list[Site] = []
    told: dict[tuple[str, str], list[Site]] = {}
    for site in given.rows:
        try:
            floats, notes = _floats(site, kinds)
        except UnclearError as error:
            floats, notes = None, [("left-quantised", f"is left as it is stored: {error}")]
        rows.append(site if floats is None else site._replace(derived=floats))
        for note in notes:
            told.setdefault(note, []).append(site)
    problems = [_note(*note, sites, given, stage) for note, sites in told.items()]
    if rows and not problems and all(new is old for new, old in zip(rows, given.rows, strict=True)):
        nothing = "nothing here is quantised: all is as it was"
        problems.append(Problem("not-quantised", nothing, stage.name_span, severity="note"))
    return given.replace(rows=tuple(rows)).noted(*problems)


def _note(code: str, text: str, sites: list[Site], given: Relation, stage: Stage) -> Problem:
    """Return one note for all weights of which the same is to be told."""
    more = f" (and {len(sites) - 1:,} more like it)" if len(sites) > 1 else ""
    message = f"'{given.columns['address'].of(sites[0])}' {text}{more}"
    return Problem(code, message, stage.name_span, severity="note")


class _Kinds:
    """The schemes of weights, also of those that only the rest of their model can tell."""

    def __init__(self) -> None:
        self._sure: dict[int, set[str]] = {}

    def of(self, site: Site) -> tuple[str, str]:
        """Return the scheme, and what there is to tell where it is not certain."""
        kind = scheme(site)
        if kind not in ("int8", None) or recorded(site).mode is not None:
            return kind or "", ""
        model = site.place.model
        if id(model) not in self._sure:
            self._sure[id(model)] = {fact for each in model.place.weights_below for fact in facts(each)}
        sure = self._sure[id(model)]
        if sure == {"int8"} or (kind and LAST_AXIS in sure):
            return "int8", ""
        if "int4" in sure and "int8" not in sure:
            return "int4", f"is taken for int4, as others here are: {_UNRECORDED}"
        return "int8", f"is taken for int8, as is usual: {_UNRECORDED}"


_UNRECORDED = "the file does not record whether it is int8 or int4"


def _floats(site: Site, kinds: _Kinds) -> tuple[Derived | None, list[tuple[str, str]]]:
    """Return what a quantised weight stands for, None for any other; and what there is to tell of it.

    Raises:
        UnclearError: how it is stored can't be told, or the slice is one of packed numbers.
    """
    scale, weight = scales_of(site), site.weight
    if scale is None or site.derived is not None:
        return None, []
    kind, remark = kinds.of(site)
    dtype, shape = compute_dtype(site, scale), weight.spec.shape
    if kind == "float8":
        if scale.spec.shape != ():
            raise UnclearError(
                f"its scales have the shape {scale.spec.shape}, and one is all that float8 has"
            )
        made = Derived(TensorSpec(shape, dtype), _Float8(weight.tensor, scale, dtype))
        remarks = []
    else:
        layout = stored(site, scale, kind)
        made = Derived(TensorSpec(layout.floats, dtype), _Integers(weight.tensor, scale, layout, dtype))
        remarks = [remark, layout.note]
    if any(beside(site, f"lora_{weight.name}_{part}") is not None for part in "ab"):
        remarks.append("is without the LoRA update that its layer adds")
    if site.indices:
        if made.spec.shape is None or made.spec.shape != shape:
            raise UnclearError("the slice is one of packed numbers; dequantise it whole")
        part = TensorPart(made.tensor, made.spec, site.indices)
        made = Derived(TensorSpec(site.spec.shape, dtype), part)
    return made, [("dequantized-so", remark) for remark in remarks if remark]


class _Float8:
    """A kernel as float8 leaves it: rounded to it and back, in units of its scale. A TensorSource."""

    def __init__(self, kernel: TensorSource, scale: Weight, dtype: str) -> None:
        self._kernel, self._scale, self._dtype = kernel, scale, dtype

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        """Return the values at `index`."""
        return self._rounded(self._kernel.read(index))

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield all values as flat arrays in C order."""
        return map(self._rounded, self._kernel.blocks(max_nbytes))

    def _rounded(self, kernel: Array) -> Array:
        import numpy as np

        dtype = numpy_dtype(self._dtype)
        with np.errstate(all="ignore"):
            scale = self._scale.tensor.read().astype(dtype)
            largest = dtype.type(LARGEST_FLOAT8)
            parts = np.clip(kernel.astype(dtype) / scale, -largest, largest)
            return np.asarray(parts.astype(numpy_dtype(FLOAT8)).astype(dtype) * scale)


class _Integers:
    """The floats that whole numbers stand for: a TensorSource that reads only the numbers that it needs."""

    def __init__(self, stored: TensorSource, scale: Weight, layout: Stored, dtype: str) -> None:
        self._stored, self._scale, self._layout, self._dtype = stored, scale, layout, dtype
        self._parameters: tuple[Any, ...] | None = None

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        """Return the values at `index`; of a kernel that was packed as a matrix all are computed for it."""
        import numpy as np

        layout = self._layout
        if not index or layout.matrix != layout.floats:
            whole = self._at(tuple(slice(0, size, 1) for size in layout.matrix)).reshape(layout.floats)
            return np.array(take(whole, index)) if index else whole
        return self._at(index).squeeze(tuple(i for i, entry in enumerate(index) if isinstance(entry, int)))

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield all values as flat arrays in C order."""
        most = max(1, max_nbytes // numpy_dtype(self._dtype).itemsize)
        return (self._at(index).reshape(-1) for index in pieces(self._layout.matrix, most))

    def _at(self, index: tuple[AxisIndex, ...]) -> Array:
        """Return the floats at an index of the numbers, in the order of the floats; no axis is dropped."""
        import numpy as np

        layout, dtype = self._layout, numpy_dtype(self._dtype)
        index = index[::-1] if layout.turned else index
        at = [_positions(entry, size) for entry, size in zip(index, layout.shape, strict=True)]
        scale, zero, inputs, groups = self._read_parameters()
        numbers = self._numbers(index, at).astype(dtype)
        with np.errstate(all="ignore"):  # a scale may be anything
            if zero is None:
                values = numbers / self._beside(scale, at, groups)
            else:
                values = (numbers - self._beside(zero, at, groups)) * self._beside(scale, at, groups)
            values = values.T if layout.turned else values
            return np.asarray(values if inputs is None else values / inputs[at[1], None])

    def _read_parameters(self) -> tuple[Any, ...]:
        """Return the scales, the zero points, AWQ's scales of the inputs, and the groups; read once."""
        if self._parameters is None:
            layout, dtype = self._layout, numpy_dtype(self._dtype)
            parts = [
                None if w is None else w.tensor.read() for w in (self._scale, layout.zero, layout.inputs)
            ]
            groups = None if layout.groups is None else _read_groups(layout.groups, self._scale, layout)
            self._parameters = (*(None if part is None else part.astype(dtype) for part in parts), groups)
        return self._parameters

    def _beside(self, parameter: Array, at: list[Array], groups: Array | None) -> Array:
        """Return the scales, or zero points, of the numbers at these positions; an axis of one value has size 1."""
        import numpy as np

        axes = self._layout.scale_axes
        order = [axis for axis in axes if axis is not None]
        rest = [axis for axis in range(parameter.ndim) if axis not in order]
        shape = [1 if axis is None else parameter.shape[axis] for axis in axes]
        chosen = parameter.transpose(order + rest).reshape(shape)
        for axis, where in enumerate(at):
            if axis == self._layout.group_axis:
                assert groups is not None  # they come together
                chosen = chosen.take(groups[where], axis)
            elif axes[axis] is not None:
                chosen = chosen.take(where, axis)
        return np.asarray(chosen)

    def _numbers(self, index: tuple[AxisIndex, ...], at: list[Array]) -> Array:
        """Return the numbers at an index, unpacked; no axis is dropped."""
        import numpy as np

        entries = [slice(i, i + 1, 1) if isinstance(i, int) else i for i in index]
        axis = self._layout.packed
        if axis is None:
            return self._stored.read(tuple(entries))
        where = at[axis]
        first, last = (int(where.min()) // 2, int(where.max()) // 2 + 1) if where.size else (0, 0)
        entries[axis] = slice(first, last, 1)
        packed = self._stored.read(tuple(entries))
        halves = np.stack([packed.view("u1") & 15, packed.view("u1") >> 4], axis + 1)
        numbers = halves.reshape([2 * n if i == axis else n for i, n in enumerate(packed.shape)])
        numbers = numbers.take(where - 2 * first, axis)
        return numbers if packed.dtype == "u1" else (numbers ^ 8).view("i1") - np.int8(8)


def _read_groups(weight: Weight, scale: Weight, layout: Stored) -> Array:
    """Return the group of each position of the grouped axis.

    Raises:
        FormatError: one that has no scales.
    """
    import numpy as np

    with np.errstate(invalid="ignore"):  # NaN is no group either
        groups: Array = weight.tensor.read().astype("i8")
    count = (scale.spec.shape or ())[layout.group_axis or 0]
    if not ((groups >= 0) & (groups < count)).all():
        reason = f"names a group that is not there: there are {count}"
        raise FormatError(reason, weight.source, weight.key or "")
    return groups


def _positions(entry: AxisIndex, size: int) -> Array:
    """Return the positions that an entry of an index takes of an axis; one for an integer."""
    import numpy as np

    taken = np.arange(size)[list(entry) if isinstance(entry, tuple) else entry]
    return np.atleast_1d(taken)
