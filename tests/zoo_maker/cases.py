"""The cases of the zoo, as a table that imports nothing. What builds them stands under the same names elsewhere.

The models of Keras 3 are in `tests/models.py`, those of tf_keras in `tf_keras_models.py`, the rest in `part_tf.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("keras3", "tf_keras", "tf")


@dataclass(frozen=True, slots=True)
class Case:
    """What to build and to write: `formats`, and those of them that can't take the model, are separated by spaces."""

    part: str
    name: str
    formats: str
    notes: str
    refused: str = ""

    @property
    def folder(self) -> str:
        """Where the case lies below the zoo, and what the values of its variables are drawn by."""
        return f"{self.part}/{self.name}"


def chosen(part: str, only: list[str]) -> list[Case]:
    """Return the cases of a part; where names are given, only those."""
    return [case for case in CASES if case.part == part and (not only or case.name in only)]


_MOST = "keras weights h5 export saved_model ckpt"
_KERAS3 = (
    # name, formats, notes
    (
        "seq_dense",
        f"{_MOST} npz safetensors sharded dir",
        "Sequential with Input; BatchNormalization and a seeded Dropout.",
    ),
    (
        "seq_nested",
        "keras weights h5 export saved_model",
        "Sequential in Sequential in Sequential, same names on each level.",
    ),
    ("func_branches", _MOST, "Functional, two inputs, operators and ops between layers."),
    (
        "func_nested_same_names",
        _MOST,
        "Two functional submodels with identical inner layer names: variable.path collides.",
    ),
    ("func_shared_layer", _MOST, "One Dense called twice, one submodel called twice."),
    (
        "subclass_nested",
        f"{_MOST} npz safetensors sharded",
        "The motivating example: subclassed model in a subclassed model, layer names != attribute names.",
    ),
    ("subclass_unbuilt", "keras", "never built: no weights; saving warns, file has no variables"),
    ("subclass_half_built", "weights ckpt", "partly built: one branch never called"),
    (
        "subclass_containers",
        "weights saved_model ckpt npz",
        "sublayers in list/nested list/tuple/dict/set; 'alias' is the same object as 'zed'",
        "saved_model",
    ),
    (
        "dup_names_same_parent",
        "weights ckpt saved_model",
        "two sublayers both named 'same' in one parent: legal, address ambiguous",
    ),
    (
        "custom_layer_in_functional",
        _MOST,
        "Custom Layer with sublayers in attributes and a list, plus own weights, inside a Functional.",
    ),
    (
        "bidirectional",
        _MOST,
        "Bidirectional LSTM (names forward_*/backward_*) and an auto-named Bidirectional GRU.",
    ),
    (
        "attention",
        f"{_MOST} sharded",
        "MultiHeadAttention, GroupQueryAttention, Attention with score scale.",
    ),
    (
        "norms",
        "keras weights h5 ckpt",
        "All normalisation layers, with scale/center switched off in turn (data-dependent names).",
    ),
    (
        "trained_optimizer",
        _MOST,
        "compiled + trained one step: optimizer slots, metrics in the file",
    ),
    (
        "weird_names",
        "keras weights h5 npz safetensors",
        "every legal oddity in layer names ('/' is refused by Keras 3)",
    ),
    ("quant_int8", "keras weights", "int8-quantised Dense/EinsumDense/Embedding"),
    (
        "lora",
        "keras weights h5 ckpt",
        "LoRA enabled: .keras/.weights.h5 store kernel + a@b merged, lora_kernel_a/b are dropped",
    ),
    (
        "many_long_names",
        "weights h5",
        "135 layers with 490-character names on two levels: layer_names and weight_names exceed 64 KB "
        "and are chunked (layer_names0, layer_names1..)",
    ),
    (
        "lambda_unsafe",
        "keras",
        "Lambda layer: config.json holds marshalled bytecode; must never be executed by a reader",
    ),
)
_TF_KERAS = (
    # name, formats, notes
    ("seq_dense", "keras h5 weights weights_h5 weights_tf saved_model ckpt export", ""),
    ("subclass_nested", "weights weights_h5 weights_tf saved_model ckpt h5 keras", "", "h5"),
    ("rnns", "keras h5 weights weights_h5 weights_tf saved_model ckpt", ""),
    (
        "trained_optimizer",
        "keras h5 weights weights_h5 weights_tf saved_model ckpt",
        "compiled with Adam, one step",
    ),
    (
        "weird_names",
        "h5 weights_h5 weights_tf ckpt",
        "Keras 2 allows '/' in layer names; TF mangles others in variable names",
    ),
)
_TF = (
    # name, notes; each writes what its notes tell
    (
        "module_tree",
        "tf.Module tree: layer_path/name are attribute steps (Module has no variable names of its own); "
        "keras_path = tf name",
    ),
    ("escaped_keys", "object-based checkpoint with keys that need escaping ('/', '.')"),
    (
        "saver_v1_graph",
        "tf.compat.v1 Saver: name-based, V2 single, V2 sharded over two devices, V1 (SSTable with snappy), "
        "partitioned variables",
    ),
    (
        "bundle_dtypes",
        "every dtype in one TensorBundle written with SaveV2 + MergeV2Checkpoints from 3 shards; strings, "
        "empties, 5000 keys (many SSTable blocks)",
    ),
)
CASES = (
    *(Case("keras3", *row) for row in _KERAS3),
    *(Case("tf_keras", *row) for row in _TF_KERAS),
    *(Case("tf", name, "", notes) for name, notes in _TF),
)
"""All cases, in the order in which they are made and listed."""
