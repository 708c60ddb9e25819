"""What configurations and live layers of Keras record of how a layer is quantised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from weightrepl.model.tree import Quantization

KERNEL_SHAPE = "kernel_shape"
"""A key that no configuration of Keras's has: the shape of a kernel that an attention layer makes."""

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
    """Return the shape of the kernel in a projection of an attention layer, as a configuration has it; or nothing.

    (None, heads, size) of queries, keys and values, (heads, size, None) of the output.

    >>> attention_kernel("MultiHeadAttention", "_query_dense", {"num_heads": 2, "key_dim": 3})
    {'kernel_shape': (None, 2, 3)}
    """
    heads = _HEADS.get(class_name, {})
    if attribute == "_output_dense" and heads:
        queries, values_ = heads["_query_dense"][0], heads["_value_dense"][1]
        return {KERNEL_SHAPE: (_value(values, queries), _value(values, values_), None)}
    if attribute not in heads:
        return {}
    return {KERNEL_SHAPE: (None, *(_value(values, key) for key in heads[attribute]))}


def _value(values: Mapping[str, Any], key: str) -> Any:
    """Return a size of an attention layer; that of the values is that of the keys unless said otherwise."""
    return values.get(key) or (values.get("key_dim") if key == "value_dim" else None)


def recorded(class_name: str, values: Mapping[str, Any], inputs: object) -> Quantization | None:
    """Return what the configuration of a layer of Keras's own tells; None of one that is surely not quantised.

    inputs: the shape of the inputs that it was built for, or whatever else stands there.

    >>> recorded("Dense", {"units": 4, "dtype": "int4/32_from_float32"}, [None, 3])
    Quantization(policy='int4/32_from_float32', shape=(3, 4), equation=None)
    """
    if KERNEL_SHAPE in values:
        return Quantization(None, values[KERNEL_SHAPE])
    policy = _policy(values.get("dtype"))
    if policy is None or "_from_" not in policy:
        return None
    equation = values.get("equation")
    shape = _shape(class_name, values, tuple(inputs) if isinstance(inputs, Sequence) else ())
    return Quantization(policy, shape, equation if isinstance(equation, str) else None)


def _policy(dtype: object) -> str | None:
    """Return the name of a dtype policy: `int4/32_from_float32`."""
    if not isinstance(dtype, Mapping):
        return dtype if isinstance(dtype, str) else None
    inner = dtype.get("config")
    if not isinstance(inner, Mapping) or not isinstance(inner.get("mode"), str):
        return None
    return f"{inner['mode']}_from_{inner.get('source_name')}"


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
    policy = getattr(held.get("_dtype_policy"), "name", None)
    if not isinstance(policy, str) or "_from_" not in policy:
        return None
    pairs = (("_orig_input_dim", "_orig_output_dim"), ("input_dim", "output_dim"))
    shapes = [held.get("original_kernel_shape"), held.get("kernel_shape")]
    shapes += [tuple(held[key] for key in pair) for pair in pairs if held.keys() >= set(pair)]
    shape = next((tuple(map(int, shape)) for shape in shapes if shape is not None), None)
    return Quantization(policy, shape, held.get("equation"))
