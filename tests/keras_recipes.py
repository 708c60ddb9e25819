"""How to build every Keras layer class that owns weights, with sizes that are all different primes."""

from __future__ import annotations

from typing import Any

WIDTH, UNITS, FILTERS, KERNEL, MULTIPLIER = 13, 19, 17, (5, 7, 11), 23
"""Sizes; the multiplier is there to keep `inputs * multiplier` from being taken for the inputs."""

Recipe = dict[str, Any]


def recipe(*inputs: tuple[int, ...], options: dict[str, list[Any]] | None = None, **arguments: Any) -> Recipe:
    """Return how to build a class: input shapes (each a way of its own), arguments, and what else to try of these."""
    return {"inputs": inputs or ((2, WIDTH),), "arguments": arguments, "options": options or {}}


def recipes() -> dict[str, Recipe]:
    """Return the recipes of all classes that own weights."""
    return {**_recipes_of_classes(), **_recipes_of_families()}


def _recipes_of_classes() -> dict[str, Recipe]:
    return {
        "Dense": recipe((2, WIDTH), units=UNITS),
        "Embedding": recipe((2, 3), input_dim=WIDTH, output_dim=UNITS),
        "ReversibleEmbedding": recipe((2, 3), input_dim=WIDTH, output_dim=UNITS),
        "EinsumDense": recipe(
            (2, 3, WIDTH),
            equation="abc,cd->abd",
            output_shape=(None, UNITS),
            options={"bias_axes": [None, "d"]},
        ),
        "EinsumDense/heads": recipe(
            (2, 3, WIDTH),
            equation="abc,cde->abde",
            output_shape=(None, UNITS, FILTERS),
            options={"bias_axes": [None, "de"]},
        ),
        "BatchNormalization": recipe((2, WIDTH)),
        "GroupNormalization": recipe((2, WIDTH), groups=WIDTH),
        "PReLU": recipe((2, WIDTH), (2, 5, WIDTH)),
        "Attention": recipe((2, 3, WIDTH), options={"score_mode": ["dot", "concat"]}),
        "AdditiveAttention": recipe((2, 3, WIDTH)),
        "STFTSpectrogram": recipe((2, 64, 1), frame_length=16, frame_step=8, fft_length=16, window=None),
        "SpectralNormalization/Dense": recipe((2, WIDTH), layer=("Dense", {"units": UNITS})),
        "SpectralNormalization/Embedding": recipe(
            (2, 3), layer=("Embedding", {"input_dim": WIDTH, "output_dim": UNITS})
        ),
        "MultiHeadAttention": recipe((2, 3, WIDTH), num_heads=5, key_dim=7),
        "GroupQueryAttention": recipe((2, 3, WIDTH), head_dim=7, num_query_heads=10, num_key_value_heads=5),
        "SeparableConv1D": recipe(
            (2, 6, WIDTH), filters=FILTERS, kernel_size=5, depth_multiplier=MULTIPLIER, padding="same"
        ),
        "SeparableConv2D": recipe(
            (2, 6, 6, WIDTH), filters=FILTERS, kernel_size=(5, 7), depth_multiplier=MULTIPLIER, padding="same"
        ),
        "Bidirectional": recipe((2, 3, WIDTH), layer=("LSTM", {"units": UNITS})),
    }


def _recipes_of_families() -> dict[str, Recipe]:
    """Return the recipes of classes that differ in their axes, their rank or their cell."""
    made: dict[str, Recipe] = {}
    for axis in (-1, [1, 2]):
        for norm in ("LayerNormalization", "RMSNormalization", "Normalization"):
            made[f"{norm}/{axis}"] = recipe((2, 5, WIDTH), axis=axis)
    given = [1.0] * WIDTH
    made["Normalization/given"] = recipe((2, WIDTH), options={"mean": [given], "variance": [given]})
    for rank in (1, 2, 3):
        spatial, size = (6,) * rank, KERNEL[:rank]
        made[f"Conv{rank}D"] = recipe((2, *spatial, WIDTH), filters=FILTERS, kernel_size=size, padding="same")
        made[f"Conv{rank}DTranspose"] = made[f"Conv{rank}D"]
        made[f"SpectralNormalization/Conv{rank}D"] = recipe(
            (2, *spatial, WIDTH),
            layer=(f"Conv{rank}D", {"filters": FILTERS, "kernel_size": size, "padding": "same"}),
        )
        made[f"ConvLSTM{rank}D"] = recipe(
            (2, 3, *spatial, WIDTH), filters=FILTERS, kernel_size=size, padding="same"
        )
        if rank < 3:
            made[f"DepthwiseConv{rank}D"] = recipe(
                (2, *spatial, WIDTH), kernel_size=size, depth_multiplier=MULTIPLIER, padding="same"
            )
    for cell in ("SimpleRNN", "LSTM", "GRU"):
        made[cell] = recipe((2, 3, WIDTH), units=UNITS)
        made[f"{cell}Cell"] = recipe((2, WIDTH), units=UNITS)
    return made


def build(name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> Any:
    """Return a built layer of the class; an inner layer among the arguments is given as (class, arguments)."""
    import numpy as np
    from keras import layers

    arguments = {
        key: getattr(layers, value[0])(**value[1]) if key == "layer" else value
        for key, value in arguments.items()
    }
    layer = getattr(layers, name)(**arguments)
    inner = type(arguments.get("layer")).__name__
    dtype = "int32" if "Embedding" in name or inner == "Embedding" else "float32"
    value = np.ones(shape, dtype)
    if "dtype" in arguments:
        layer.build(shape)
        layer.is_gptq_calibrated = layer.is_awq_calibrated = (
            True  # before that it does not store what it will
        )
    elif name.endswith("Cell"):
        sizes = layer.state_size if isinstance(layer.state_size, (list, tuple)) else [layer.state_size]
        layer(value, [np.zeros((2, size), "float32") for size in sizes])
    elif name.endswith("Attention"):
        layer(value, value) if "Head" in name or "Query" in name else layer([value, value])
    else:
        layer(value)
    return layer
