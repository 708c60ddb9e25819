"""What configurations and live layers of Keras record of how a layer is quantised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weightrepl.model.tree import Quantization

MADE_WITHIN = "made_within"
"""A key that no configuration of Keras's has: what an attention layer's tells of a layer that it makes itself."""

_HEADS = {
    "MultiHeadAttention": {
        "_query_dense": ("num_heads", "key_dim"),
        "_key_dense": ("num_heads", "key_dim"),
        "_value_dense": ("num_heads", "value_dim"),
    },
    "GroupedQueryAttention": {
        "_query_dense": ("num_query_heads", "head_dim"),
        "_key_dense": ("num_key_value_heads", "head_dim"),
        "_value_dense": ("num_key_value_heads", "head_dim"),
    },
}


def attention_kernel(class_name: str, attribute: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the configuration of an attention layer tells of the kernel in one of its projections.

    (None, heads, size) is the shape of queries, keys and values, (heads, size, None) that of the output.

    >>> attention_kernel("MultiHeadAttention", "_query_dense", {"num_heads": 2, "key_dim": 3, "dtype": "float32"})
    {'made_within': {'dtype': 'float32', 'shape': (None, 2, 3)}}
    """
    heads = _HEADS.get(class_name, {})
    is_output = bool(heads) and attribute == "_output_dense"
    keys = (heads["_query_dense"][0], heads["_value_dense"][1]) if is_output else heads.get(attribute, ())
    sizes = tuple(values.get(key) for key in keys)
    if not sizes or not all(isinstance(size, int) and size > 0 for size in sizes):
        return {}
    shape = (*sizes, None) if is_output else (None, *sizes)
    return {MADE_WITHIN: {"dtype": values.get("dtype"), "shape": shape}}


def recorded(class_name: str, values: Mapping[str, Any], inputs: object) -> Quantization | None:
    """Return what the configuration of a layer of Keras's own tells; None of one that is surely not quantised.

    inputs: the shape of the inputs that it was built for, or whatever else stands there.

    >>> recorded("Dense", {"units": 4, "dtype": "int4/32_from_float32"}, [None, 3])
    Quantization(mode='int4/32', dtype='float32', shape=(3, 4), equation=None)
    """
    if MADE_WITHIN in values:  # may be quantised on its own, whatever holds it
        return Quantization(*_policy(values[MADE_WITHIN]["dtype"]), values[MADE_WITHIN]["shape"])
    mode, dtype = _policy(values.get("dtype"))
    if mode is None:
        return None
    equation = values.get("equation")
    shape = _shape(class_name, values, tuple(inputs) if isinstance(inputs, Sequence) else ())
    return Quantization(mode, dtype, shape, equation if isinstance(equation, str) else None)


def _policy(dtype: object) -> tuple[str | None, str | None]:
    """Return the mode of a dtype policy, None of one that does not quantise, and the dtype to compute with."""
    inner = dtype.get("config") if isinstance(dtype, Mapping) else None
    if isinstance(inner, Mapping):
        dtype = inner.get("name") or f"{inner.get('mode')}_from_{inner.get('source_name')}"
    if not isinstance(dtype, str):
        return None, None
    mode, quantised, source = dtype.rpartition("_from_")
    return mode if quantised else None, source.removeprefix("mixed_")


def _shape(
    class_name: str, values: Mapping[str, Any], inputs: tuple[Any, ...]
) -> tuple[int | None, ...] | None:
    """Return the shape of the kernel or the embeddings before they were packed."""
    match class_name:
        case "Dense":
            shape = (*inputs[-1:], values.get("units"))
        case "Embedding" | "ReversibleEmbedding":
            shape = (values.get("input_dim"), values.get("output_dim"))
        case "EinsumDense":
            shape = _einsum_shape(values.get("equation"), inputs, values.get("output_shape"))
        case _:
            return None
    known = len(shape) > 1 and all(isinstance(size, int) and size > 0 for size in shape)
    return shape if known else None


def _einsum_shape(equation: object, inputs: tuple[Any, ...], outputs: object) -> tuple[Any, ...]:
    """Return the shape of an EinsumDense's kernel; () where the equation is none.

    outputs: the shape of the output without the batch; a number stands for a shape of one axis.

    >>> _einsum_shape("...x,xy->...y", (None, 7, 3), 4)
    (3, 4)
    """
    if not isinstance(equation, str) or equation.count(",") != 1 or equation.count("->") != 1:
        return ()
    operands, result = equation.replace(" ", "").split("->")
    operand, kernel = operands.split(",")
    after_batch = tuple(outputs) if isinstance(outputs, Sequence) else (outputs,)
    if not result.startswith("..."):
        after_batch = (None, *after_batch)
    sizes = dict(_sizes(operand, inputs)) | dict(_sizes(result, after_batch))
    return tuple(sizes.get(letter) for letter in kernel)


def _sizes(term: str, shape: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    """Yield each letter of a term with its size, where that is known; `...` stands for any number of axes."""
    before, _, after = term.partition("...")
    pairs = [*zip(before, shape, strict=False), *zip(reversed(after), reversed(shape), strict=False)]
    yield from ((letter, size) for letter, size in pairs if size is not None)


def of_live(layer: Any) -> Quantization | None:
    """Return what a live layer tells, read off its own dictionary; None of one that is not quantised."""
    held = vars(layer)
    mode, dtype = _policy(getattr(held.get("_dtype_policy"), "name", None))
    if mode is None:
        return None
    pairs = (("_orig_input_dim", "_orig_output_dim"), ("input_dim", "output_dim"))
    shapes = [held.get("original_kernel_shape"), held.get("kernel_shape")]
    shapes += [tuple(held[key] for key in pair) for pair in pairs if held.keys() >= set(pair)]
    shape = next((tuple(map(int, shape)) for shape in shapes if shape is not None), None)
    return Quantization(mode, dtype, shape, held.get("equation"))
