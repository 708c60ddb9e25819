"""Quantised Keras models, and the floats that their layers compute with, as Keras itself computes them.

    python -m tests.quantized_models

writes them to tests/zoo/quantized: for each mode `.keras`, `.weights.h5`, and the floats by address in `.npz`. With
Keras 3.13 it writes those of BEFORE, which packed int4 along the first axis and saved the zero points of GPTQ.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "zoo" / "quantized"
BEFORE = ("int4_3_13", "gptq_3_13")
MODES = ("int8", "int4", "int4_channels", "float8", "gptq", "awq", "bfloat16")


def model(mode: str) -> Any:
    """Return a model quantised so: odd widths, heads, an output of one unit, and no bias here and there."""
    import keras

    keras.utils.set_random_seed(7)
    made = (_calibrated if mode.startswith(("gptq", "awq")) else _quantized)(mode)
    for layer in made._flatten_layers():
        if getattr(layer, "bias", None) is not None and mode != "float8":
            layer.bias.assign(np.zeros(layer.bias.shape))  # so that floats() is of the kernel alone
    return made


def _quantized(mode: str) -> Any:
    import keras
    from keras import layers

    with_policy = {"dtype": "mixed_bfloat16"} if mode == "bfloat16" else {}
    tokens = keras.Input((5,), dtype="int32", name="tokens")
    x = layers.Embedding(11, 7, name="embed", **with_policy)(tokens)
    x = layers.MultiHeadAttention(2, 3, value_dim=4, name="attention", **with_policy)(x, x)
    x = layers.EinsumDense("abc,edc->abde", (None, 3, 5), bias_axes="de", name="split", **with_policy)(x)
    x = layers.EinsumDense("abde,def->abf", (None, 6), name="join", **with_policy)(x)
    x = layers.EinsumDense("abc,cd->abd", (None, 7), name="plain", **with_policy)(x)
    x = layers.ReversibleEmbedding(11, 7, tie_weights=False, name="words")(x, reverse=True)
    x = layers.Dense(9, name="odd", **with_policy)(x)
    x = layers.Dense(8, use_bias=False, name="even", **with_policy)(x)
    x = layers.Dense(1, name="one", **with_policy)(x)
    made = keras.Model(tokens, x, name=mode)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what has nothing to quantise
        if mode in BEFORE:
            made.quantize("int4")
        elif mode.startswith("int4"):
            made.quantize(
                config=keras.quantizers.Int4QuantizationConfig(block_size=4 if mode == "int4" else -1)
            )
        else:
            made.quantize("int8" if mode == "bfloat16" else mode)
    if mode == "float8":
        for layer in made._flatten_layers():
            if hasattr(layer, "kernel_scale"):
                layer.kernel_scale.assign(0.01)
    return made


def _calibrated(mode: str) -> Any:
    """Return a model of layers as GPTQ and AWQ leave them, with values that are drawn."""
    import keras
    from keras import layers

    drawn = np.random.default_rng(3)
    method = mode.partition("_")[0]
    four, eight = f"{method}/4/4_from_float32", f"{method}/{8 if method == 'gptq' else 4}/-1_from_float32"
    inputs = keras.Input((6, 7), name="vectors")
    x = layers.EinsumDense("abc,cde->abde", (None, 3, 5), bias_axes="de", name="split", dtype=four)(inputs)
    x = layers.EinsumDense("abde,def->abf", (None, 21), name="join", dtype=four)(x)
    x = layers.Dense(9, name="odd", dtype=four)(x)
    x = layers.Dense(8, name="eight", dtype=eight)(x)
    x = layers.Dense(1, name="one", dtype=four)(x)
    made = keras.Model(inputs, x, name=mode)
    for layer in made.layers[1:]:
        bits = 8 if "/8/" in layer.dtype_policy.name else 4
        most, kernel, scale = 2**bits, layer.quantized_kernel, layer.kernel_scale
        numbers = drawn.integers(0, most, (scale.shape[0], kernel.shape[1])).astype("u1")
        packed = keras.quantizers.pack_int4(numbers, axis=0, dtype="uint8")[0] if bits == 4 else numbers
        groups = np.arange(kernel.shape[1]) // 4 if scale.shape[1] > 1 else np.zeros(kernel.shape[1])
        kernel.assign(packed)
        scale.assign(drawn.uniform(0.01, 0.1, scale.shape))
        layer.kernel_zero.assign(drawn.integers(0, most, scale.shape))
        layer.g_idx.assign(groups)
        if mode == "awq":
            layer.awq_scales.assign(drawn.uniform(0.5, 2, kernel.shape[1]))
        layer.is_gptq_calibrated = layer.is_awq_calibrated = True
    return made


def floats(made: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Yield, for each quantised weight, its address below the model and what Keras computes with.

    A layer that is given one 1 among zeros gives back what it multiplied it with, but for the rounding of inputs, which
    could not be turned off before.
    """
    for layer, name in _leaves(made):
        if layer.quantization_mode is None:
            continue
        if made.name not in BEFORE:
            layer.inputs_quantizer = None
        if hasattr(layer, "input_dim"):
            yield f"{name}:embeddings", _array(layer(np.arange(layer.input_dim)))
        if hasattr(layer, "reverse_embeddings"):
            yield (
                f"{name}:reverse_embeddings",
                _array(layer(np.eye(layer.output_dim, dtype="f4"), reverse=True)),
            )
        if hasattr(layer, "units"):
            size = layer.input_spec.axes[-1]
            yield f"{name}:kernel", _array(layer(np.eye(size, dtype="f4")))
        elif hasattr(layer, "equation"):
            yield f"{name}:kernel", _einsum_kernel(layer)


def _einsum_kernel(layer: Any) -> np.ndarray:
    """Return the kernel of an EinsumDense whose inputs are reduced along their last axes."""
    operands, result = layer.equation.split("->")
    operand, kernel = operands.split(",")
    letters = [letter for letter in operand if letter not in result]
    sizes = dict(zip(reversed(operand), reversed(layer.input_spec.shape or ()), strict=False))
    if not sizes:
        sizes = dict(zip(reversed(operand), reversed(layer._build_shapes_dict["input_shape"]), strict=False))
    shape = [sizes[letter] for letter in letters]
    count = int(np.prod(shape))
    given = _array(layer(np.eye(count, dtype="f4").reshape(1, count, *shape)))[0]
    found = given.reshape(*shape, *given.shape[1:])
    after = result.removeprefix("ab")
    return found.transpose([(*letters, *after).index(letter) for letter in kernel])


def _array(tensor: Any) -> np.ndarray:
    import keras

    return np.asarray(keras.ops.convert_to_numpy(tensor))


def _leaves(made: Any) -> Iterator[tuple[Any, str]]:
    for layer in made.layers:
        if type(layer).__name__ == "MultiHeadAttention":
            for part in ("query", "key", "value", "output"):
                below = getattr(layer, f"_{part}_dense")
                yield below, f"{layer.name}/{below.name}"
        else:
            yield layer, layer.name


def main() -> None:
    """Write the models of all modes."""
    import keras

    FOLDER.mkdir(exist_ok=True)
    for mode in BEFORE if keras.__version__ < "3.14" else MODES:
        made = model(mode)
        made.save(FOLDER / f"{mode}.keras")
        made.save_weights(FOLDER / f"{mode}.weights.h5")
        np.savez_compressed(FOLDER / f"{mode}.npz", **{k: v.astype("f4") for k, v in floats(made)})


if __name__ == "__main__":
    main()
