"""Weight names that Keras's classes have by themselves: right, or not told."""

from __future__ import annotations

import pytest

from weightrepl.readers.keras_roles import (
    class_of_group,
    class_of_name,
    infer,
    is_builtin,
    parts,
    roles,
    trainable,
)

F = "float32"
GAMMA_TO_VARIANCE = ("gamma", "beta", "moving_mean", "moving_variance")


@pytest.mark.parametrize(
    ("class_name", "config", "shapes", "expected"),
    [
        ("Dense", {"use_bias": True}, [(3, 4), (4,)], ("kernel", "bias")),
        ("Dense", {"use_bias": False}, [(3, 4)], ("kernel",)),
        ("Dense", {"use_bias": False}, [(3, 4), (4,)], None),  # the file contradicts the configuration
        ("Dense", None, [(3, 4), (4,)], ("kernel", "bias")),
        ("Dense", None, [(3, 4), (5,)], None),
        ("Dense", None, [(4,)], None),
        ("Dropout", None, [], ()),
        ("Dropout", None, [(3,)], None),
        ("MyLayer", None, [(3, 4), (4,)], None),
        ("BatchNormalization", {"scale": True, "center": True}, [(4,)] * 4, GAMMA_TO_VARIANCE),
        (
            "BatchNormalization",
            {"scale": False, "center": False},
            [(4,)] * 2,
            ("moving_mean", "moving_variance"),
        ),
        (
            "BatchNormalization",
            {"scale": False, "center": True},
            [(4,)] * 3,
            ("beta", "moving_mean", "moving_variance"),
        ),
        ("BatchNormalization", None, [(4,)] * 2, ("moving_mean", "moving_variance")),
        ("BatchNormalization", None, [(4,)] * 3, None),  # gamma or beta
        ("LayerNormalization", {"scale": True, "center": True, "rms_scaling": True}, [(4,)], ("gamma",)),
        ("LayerNormalization", {"scale": False, "center": True, "rms_scaling": False}, [(4,)], ("beta",)),
        ("LayerNormalization", None, [(4,)], None),
        ("LayerNormalization", None, [(3, 4), (3, 4)], ("gamma", "beta")),
        ("LayerNormalization", None, [(3, 4), (4,)], None),
        ("EinsumDense", {"bias_axes": "de"}, [(3, 4, 5), (4, 5)], ("kernel", "bias")),
        ("EinsumDense", {"bias_axes": None}, [(3, 4, 5)], ("kernel",)),
        ("LSTMCell", None, [(3, 8), (2, 8), (8,)], ("kernel", "recurrent_kernel", "bias")),
        ("LSTMCell", None, [(3, 8), (3, 8), (8,)], None),  # eight gates are not four times three units
        ("GRUCell", {"reset_after": True}, [(3, 6), (2, 6), (2, 6)], ("kernel", "recurrent_kernel", "bias")),
        ("Attention", {"use_scale": True, "score_mode": "dot"}, [()], ("scale",)),
        ("Attention", {"use_scale": False, "score_mode": "concat"}, [()], ("concat_score_weight",)),
        ("Attention", None, [()], None),
        (
            "SpectralNormalization",
            {"layer": {"class_name": "Embedding"}},
            [(3, 4), (1, 4)],
            ("embeddings", "vector_u"),
        ),
        ("SpectralNormalization", {"layer": {"class_name": "Mine"}}, [(3, 4), (1, 4)], None),
    ],
)
def test_names_are_those_on_which_all_that_is_known_agrees(class_name, config, shapes, expected):
    assert roles(class_name, config, shapes, [F] * len(shapes)) == expected


INT8 = {
    "module": "keras",
    "class_name": "QuantizedDTypePolicy",
    "config": {"mode": "int8", "name": "int8_from_float32"},
}


@pytest.mark.parametrize(
    ("config", "shapes", "dtypes", "expected"),
    [
        (None, [(3, 4), (4,)], ["int8", F], ("kernel", "kernel_scale")),
        ({"dtype": INT8, "use_bias": False}, [(3, 4), (4,)], ["int8", F], ("kernel", "kernel_scale")),
        (
            {"dtype": INT8, "use_bias": True},
            [(3, 4), (4,), (4,)],
            ["int8", F, F],
            ("kernel", "bias", "kernel_scale"),
        ),
        (
            {"dtype": "int8_from_float32"},
            [(3, 4), (4,), (4,)],
            ["int8", F, F],
            ("kernel", "bias", "kernel_scale"),
        ),
        ({"dtype": "float32"}, [(3, 4), (4,)], ["int8", F], None),
        (
            None,
            [(3, 2), (4,), (4,)],
            ["int8", F, F],
            ("kernel", "bias", "kernel_scale"),
        ),  # int4, two in a byte
        (None, [(3, 4), (4,)], ["?", "?"], None),
        (None, [(3, 4), (4,)], ["bfloat16", "bfloat16"], ("kernel", "bias")),
        ({"dtype": {"config": {"mode": "int8", "source_name": "float32"}}}, [(3, 4), (4,)], [F, F], None),
        ({"dtype": {"config": {"mode": "int4/4"}}}, [(3, 2), (4,)], ["int8", F], ("kernel", "kernel_scale")),
        ({"dtype": {"config": {"name": "mixed_bfloat16"}}}, [(3, 4), (4,)], [F, F], ("kernel", "bias")),
        ({"dtype": 7}, [(3, 4), (4,)], [F, F], ("kernel", "bias")),
    ],
)
def test_quantised_layers_are_told_by_dtypes_and_policy(config, shapes, dtypes, expected):
    assert roles("Dense", config, shapes, dtypes) == expected


def test_classes_are_recognised_by_the_names_that_keras_makes_of_them():
    assert class_of_group("dense") == "Dense"
    assert class_of_group("conv2d_3") == "Conv2D"
    assert class_of_group("custom_module_1") is None
    assert class_of_name("multi_head_attention_3") == "MultiHeadAttention"
    assert class_of_name("dense_layer_1") is None
    assert class_of_name("") is None
    assert all(is_builtin(name) for name in ("LSTM", "Functional", "GroupedQueryAttention"))
    assert not is_builtin("TFSMLayer")


def test_what_is_never_trained_is_known_per_class():
    assert trainable("BatchNormalization", "gamma") is True
    assert trainable("BatchNormalization", "moving_variance") is False
    assert trainable("Normalization", "count") is False
    assert trainable("Dense", "kernel") is True
    assert trainable("Dense", "kernel_scale") is None
    assert trainable("MyLayer", "kernel") is None


def test_the_layers_that_a_class_makes_itself_get_what_decides_over_their_weights():
    made = parts("MultiHeadAttention", {"use_bias": False, "num_heads": 2})
    assert {attribute: part[0] for attribute, part in made.items()} == {
        "_query_dense": "query", "_key_dense": "key", "_value_dense": "value", "_output_dense": "attention_output",
    }  # fmt: skip
    name, class_name, config = made["_query_dense"]
    assert roles(class_name, config, [(3, 2, 4)], [F]) == ("kernel",)
    assert config["name"] == name
    assert parts("GRU", None)["cell"] == ("gru_cell", "GRUCell", {"name": "gru_cell"})
    assert parts("Dense", {}) == parts("MyLayer", {}) == {}


@pytest.mark.parametrize(
    ("hints", "shapes", "expected"),
    [
        (["encoder"], [(3, 4), (4,)], ("kernel", "bias")),
        (["encoder"], [(3, 4), (3,)], None),
        (["encoder"], [(3, 4)], None),
        (["inner_dense1", "first"], [(3, 4)], ("kernel",)),
        (["x", "fc1"], [(3, 4)], ("kernel",)),
        (["fc"], [(4,)], None),
        (["confcount"], [(3, 4)], None),  # `fc` is not a word of it
        (["tokenEmbedding"], [(3, 4)], ("embeddings",)),
        (["embed_proj"], [(3, 4)], None),  # either
        (["conv_proj"], [(3, 4)], ("kernel",)),
        (["batch_norm"], [(4,), (4,)], ("moving_mean", "moving_variance")),
        (["embed_norm"], [(4,), (4,)], ("gamma", "beta")),
        (["dense", "embedding"], [(3, 4)], None),  # two hints that contradict each other
        (["stem_conv"], [(3, 3, 4, 8)], ("kernel",)),
        (["x"], [(4,), (4,)], None),
        (["x"], [(4,), (5,)], None),
        (["ln_1"], [(4,), (4,)], ("gamma", "beta")),
        (["bn1"], [(4,), (4,)], ("moving_mean", "moving_variance")),
        (["norm"], [(4,)], None),
        (["x"], [(4,)] * 4, GAMMA_TO_VARIANCE),
        (["x"], [(4,)] * 3, None),
        (["x"], [(3, 8), (2, 8), (8,)], ("kernel", "recurrent_kernel", "bias")),
        (["x"], [(3, 6), (2, 6), (2, 6)], ("kernel", "recurrent_kernel", "bias")),
        (["x"], [(3, 2), (2, 2), (2,)], ("kernel", "recurrent_kernel", "bias")),
        (["x"], [(3, 8), (5, 8), (8,)], None),
        (["x"], [], None),
    ],
)
def test_without_a_class_only_plain_evidence_gives_names(hints, shapes, expected):
    assert infer(hints, shapes, [F] * len(shapes)) == expected


def test_nothing_is_inferred_of_integers():
    assert infer(["dense"], [(3, 4), (4,)], ["int8", F]) is None
