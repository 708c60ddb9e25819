"""How quantised weights are stored: told by the weights beside them, and by what the source records of the layer.

The facts are those of Keras 3.15: `quantizers/quantizers.py` and the layers Dense, EinsumDense, Embedding and
ReversibleEmbedding; int4 as Keras packed it up to 3.13 is told apart by the shape that the source records.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations

from weightrepl.model.tensor import dtype_bits
from weightrepl.model.tree import Quantization, Site, Weight
from weightrepl.values import Value

Shape = tuple[int, ...]


class UnclearError(ValueError):
    """How a weight is stored can't be told; the message says why."""


class Stored(Value):
    """A quantised weight of whole numbers, as it is stored.

    shape: of the numbers, unpacked. packed: the axis along which two share a byte, the first in the lower half.
    scale_axes: for each axis of `shape` the axis of the scales, or None where one scale is for all.
    group_axis: the axis along which `groups` tells the group that a number belongs to.
    zero: what is taken off the numbers before they are multiplied; where there is none they are divided.
    inputs: what the rows of the floats are divided by at last (AWQ).
    turned: whether the floats have the two axes in the other order. floats: their shape.
    note: what is not certain about it, or empty.
    """

    shape: Shape
    scale_axes: tuple[int | None, ...]
    floats: Shape
    packed: int | None = None
    group_axis: int | None = None
    groups: Weight | None = None
    zero: Weight | None = None
    inputs: Weight | None = None
    turned: bool = False
    note: str = ""

    @property
    def matrix(self) -> Shape:
        """The shape of the numbers with their axes in the order of the floats."""
        return self.shape[::-1] if self.turned else self.shape


FLAT = "has the two axes in which it is packed, since the file does not record its shape"
ALIKE = (
    "has axes of one size, and is scaled along the last of them, since the file does not record its equation"
)


def beside(site: Site, name: str) -> Weight | None:
    """Return the weight of a name in the same layer."""
    return next(iter(site.place.layer.weights_named.get(name, ())), None)


def scales_of(site: Site) -> Weight | None:
    """Return the weight that holds the scales of a quantised one; None if it is not quantised."""
    name, dtype = site.weight.name, site.weight.spec.dtype
    scale = beside(site, f"{name}_scale")
    if scale is None or "float" not in scale.spec.dtype:
        return None
    if dtype in ("int8", "uint8"):
        return None if _is_in_floats(site) else scale
    return scale if "float" in dtype and beside(site, f"{name}_amax_history") is not None else None


def _is_in_floats(site: Site) -> bool:
    """Return whether the layer still computes with floats of that name, for GPTQ or AWQ has not been calibrated."""
    named = site.place.layer.weights_named[site.weight.name]
    return any(weight.spec.dtype != site.weight.spec.dtype for weight in named)


def scheme(site: Site) -> str | None:
    """Return how a weight is quantised: `int8`, `int4`, `float8`, `gptq4`, `awq4`; empty if it is not.

    None where it is int8 or int4, and nothing tells which.
    """
    scale = scales_of(site)
    if scale is None:
        return ""
    mode, *details = (recorded(site).mode or "").split("/")
    match site.weight.spec.dtype:
        case "int8":
            return mode if mode in ("int8", "int4") else _by_shapes(site, scale)
        case "uint8":
            kind = "gptq" if beside(site, "awq_scales") is None else "awq"
            if mode == kind and details:
                return kind + details[0]
            stored, scales = site.weight.spec.shape, scale.spec.shape
            return f"{kind}4" if stored and scales and stored[0] != scales[0] else kind
    return "float8"


LAST_AXIS = "packed along the last axis"


def facts(site: Site) -> Iterator[str]:
    """Yield what a weight tells for sure of all others in its model, which one version of Keras has saved.

    int8, int4; LAST_AXIS, as Keras packs since 3.14: before, int4 kernels had the shapes of int8 ones.
    """
    scale = scales_of(site)
    if scale is None or site.weight.spec.dtype != "int8":
        return
    if _by_shapes(site, scale) == "int4":
        yield from ("int4", LAST_AXIS)
    elif recorded(site).mode is not None:
        yield scheme(site) or ""


def _by_shapes(site: Site, scale: Weight) -> str | None:
    """Return whether whole numbers are int8 or int4: that has zero points, or half as many columns as scales.

    With one scale a column of bytes tells nothing, nor do embeddings, of which each row has a scale.
    """
    stored, scales = site.weight.spec.shape or (), scale.spec.shape or ()
    if _zero(site) is not None:
        return "int4"
    if len(scales) != 1 or len(stored) != 2:
        return "int8"
    if site.weight.name != "kernel" or scales == (1,):
        return None
    return "int8" if stored[1] == scales[0] else "int4"


def recorded(site: Site) -> Quantization:
    """Return what the source records of how the layer is quantised; nothing, if it records nothing."""
    return site.place.layer.quantization or Quantization()


def compute_dtype(site: Site, scale: Weight) -> str:
    """Return the dtype that the layer computes with; that of the scales where it is not recorded."""
    dtype = recorded(site).dtype or scale.spec.dtype
    return dtype if "float" in dtype and dtype_bits(dtype) is not None else "float32"


def _zero(site: Site) -> Weight | None:
    """Return the zero points; the ones of an EinsumDense have a name of their own."""
    return beside(site, f"{site.weight.name}_zero") or beside(site, "zero_point")


# ------------------------------------------------------------------ where each number is


def stored(site: Site, scale: Weight, kind: str) -> Stored:
    """Return how a weight of whole numbers is stored. kind: its scheme.

    Raises:
        UnclearError: that can't be told.
    """
    shape, scales = site.weight.spec.shape, scale.spec.shape
    if shape is None or scales is None:
        raise UnclearError("the source does not record its shape, or that of its scales")
    if kind == "int8":
        axes, note = _scale_axes(site, shape, scales)
        return Stored(shape, axes, shape, note=note)
    zero = _zero(site)
    if zero is not None:
        return _grouped(site, shape, scales, zero)
    if kind == "int4":
        return _halves(site, shape, scales)
    raise UnclearError(
        "there are no zero points beside it; since 3.14 Keras does not save those of GPTQ and AWQ"
    )


def _grouped(site: Site, shape: Shape, scales: Shape, zero: Weight) -> Stored:
    """Return the layout of numbers in groups along one axis, each with a scale and a zero point."""
    turned = site.weight.spec.dtype == "uint8"
    groups, inputs = beside(site, "g_idx"), beside(site, "awq_scales") if turned else None
    size = _length(groups)
    fit = zero.spec.shape == scales and dtype_bits(zero.spec.dtype) is not None and len(scales) == 2
    if size is None or not fit or (inputs is not None and _length(inputs) != size):
        raise UnclearError(_UNFIT)
    group_axis = int(turned or site.weight.name == "embeddings")
    packed: int | None = int(not turned and site.weight.name != "reverse_embeddings")
    numbers = (size, scales[1]) if group_axis == 0 else (scales[0], size)
    if turned and shape == numbers:  # of 2, 3 or 8 bits, each in a byte of its own
        packed = None
    elif shape != _halved(numbers, packed or 0):
        raise UnclearError(_UNFIT)
    floats, note = _floats(site, numbers[::-1] if turned else numbers)
    return Stored(numbers, (0, 1), floats, packed, group_axis, groups, zero, inputs, turned, note)


_UNFIT = "its groups, scales and zero points do not fit each other"


def _length(vector: Weight | None) -> int | None:
    """Return how many numbers are in a weight of one axis; None of any other."""
    shape = None if vector is None or dtype_bits(vector.spec.dtype) is None else vector.spec.shape
    return shape[0] if shape is not None and len(shape) == 1 else None


def _halves(site: Site, shape: Shape, scales: Shape) -> Stored:
    """Return the layout of int4 with one scale for each channel."""
    whole = recorded(site).shape
    if site.weight.name == "kernel" and len(scales) == 1 and len(shape) == 2:
        numbers: Shape = (shape[0], scales[0])
        if shape[1] == (scales[0] + 1) // 2 and (scales[0] > 1 or whole is None or shape[0] == whole[0]):
            floats, note = _floats(site, numbers)
            return Stored(numbers, (None, 0), floats, 1, note=note)
    if whole is not None and None not in whole:
        numbers = tuple(size or 0 for size in whole)
        if site.weight.name == "reverse_embeddings":
            numbers = numbers[::-1]
        for axis in reversed(range(len(numbers))):
            if _halved(numbers, axis) == shape:
                return Stored(numbers, _scale_axes(site, numbers, scales)[0], numbers, axis)
    raise UnclearError(
        "the source does not record the shape that it had before two numbers were put in a byte"
    )


def _halved(shape: Shape, axis: int) -> Shape:
    """Return the shape with two numbers in a byte along an axis."""
    return (*shape[:axis], (shape[axis] + 1) // 2, *shape[axis + 1 :])


def _floats(site: Site, shape: Shape) -> tuple[Shape, str]:
    """Return the shape of a packed kernel's floats, and what is not certain: an EinsumDense packs it as a matrix."""
    whole = recorded(site).shape
    if whole is not None and site.weight.name == "kernel":
        rest = math.prod(shape) // max(1, math.prod(size for size in whole if size is not None))
        full = tuple(rest if size is None else size for size in whole)
        if math.prod(full) == math.prod(shape):
            return full, ""
    return shape, FLAT if site.place.layer.class_name == "EinsumDense" else ""


def _scale_axes(site: Site, shape: Shape, scales: Shape) -> tuple[tuple[int | None, ...], str]:
    """Return the axes of the scales that belong to those of `shape`, and what is not certain about it.

    Raises:
        UnclearError: they fit no axis.
    """
    equation = recorded(site).equation
    if len(scales) == 1:
        one = 0 if site.weight.name == "embeddings" else len(shape) - 1
        found = [tuple(0 if axis == one else None for axis in range(len(shape)))]
    elif equation is not None:
        found = [_by_equation(equation, len(scales))]
    else:
        found = [*_by_sizes(shape, scales)] if len(shape) <= _MOST_AXES else []
    found = [axes for axes in found if _fit(axes, shape, scales)]
    if not found:
        raise UnclearError(f"its shape {shape} does not fit that of its scales, {scales}")
    return found[-1], "" if len(found) == 1 else ALIKE


_MOST_AXES = 6
"""No kernel has more, and their orders would be too many to try."""


def _by_equation(equation: str, rank: int) -> tuple[int | None, ...]:
    """Return for each axis of an EinsumDense's kernel that of its scales, which have the axes of the output."""
    operands, _, result = equation.replace(" ", "").partition("->")
    before, _, after = result.partition("...")
    places = {letter: rank - len(after) + i for i, letter in enumerate(after)}
    places |= {letter: i for i, letter in enumerate(before)}
    return tuple(places.get(letter) for letter in operands.partition(",")[2])


def _by_sizes(shape: Shape, scales: Shape) -> Iterator[tuple[int | None, ...]]:
    """Yield the axes that the scales may belong to by their sizes, those in their own order and last at last."""
    larger = [axis for axis, size in enumerate(scales) if size > 1]
    for axes in sorted(permutations(range(len(shape)), len(larger)), key=lambda a: ([*a] == sorted(a), a)):
        places = dict(zip(axes, larger, strict=True))
        yield tuple(places.get(axis) for axis in range(len(shape)))


def _fit(axes: tuple[int | None, ...], shape: Shape, scales: Shape) -> bool:
    """Return whether the axes have the same sizes, and what is left of the scales has the size 1."""
    used = [axis for axis in axes if axis is not None]
    return (
        len(axes) == len(shape)
        and len(used) == len(set(used))
        and all(0 <= axis < len(scales) for axis in used)
        and all(axis is None or scales[axis] == size for axis, size in zip(axes, shape, strict=True))
        and all(size == 1 for axis, size in enumerate(scales) if axis not in used)
    )
