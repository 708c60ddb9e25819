"""Live Keras 3 models, read without importing Keras."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from weightrepl.errors import ChangedError, SourceError
from weightrepl.model.tree import Quantization
from weightrepl.readers.keras_objects import KerasObjectReader

pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

from tests import models  # noqa: E402
from tests.zoo_maker.values import digest, drawn  # noqa: E402

ZOO = Path(__file__).parents[1] / "zoo" / "keras3"


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.backend.clear_session()


def opened(thing: Any) -> Any:
    return KerasObjectReader().open(thing)


def addresses(thing: Any) -> list[str]:
    return ["/".join(names) + ":" + weight.name for names, weight in models.rows(opened(thing))]


def layer_at(thing: Any, *names: str) -> Any:
    layer = opened(thing).root
    for name in names:
        layer = next(child for child in layer.children if child.name == name)
    return layer


def weight_of(layer: Any, name: str) -> Any:
    return next(weight for weight in layer.weights if weight.name == name)


def plain(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.removesuffix("#2") for name in names)


@pytest.mark.parametrize("name", models.ZOO)
def test_a_live_model_is_what_its_oracle_says(name: str) -> None:
    oracle = json.loads((ZOO / name / "oracle.json").read_text())
    expected: dict[bool, list[Any]] = {False: [], True: []}
    for row in oracle["weights"]:
        root, *below = row["layer_path"]
        names = (root, ".state", *below) if row["kind"] == "seed" else (root, *below)
        if row["kind"] in ("weight", "seed"):
            trainable = row["trainable"] and row["kind"] == "weight"
            facts = (names, row["name"], tuple(row["shape"]), row["dtype"], trainable, row["sha256"])
            expected[row["kind"] == "seed"].append(facts)
    model = opened(models.built(name))
    found = [
        (plain(names), w.name, w.spec.shape, w.spec.dtype, w.trainable, digest(w.tensor.read()))
        for names, w in models.rows(model)
        if names[1:2] not in ((".optimizer",), (".metrics",))
    ]
    assert found == expected[False] + expected[True]


@pytest.mark.parametrize("name", models.ZOO)
def test_the_layers_of_a_live_model_are_those_that_its_oracle_lists(name: str) -> None:
    oracle = json.loads((ZOO / name / "oracle.json").read_text())
    model = opened(models.built(name))
    found = [
        ([p.layer.name for p in place.ancestry], place.layer.class_name, place.layer.built)
        for place in models.places(model)
        if not any(p.layer.system for p in place.ancestry)
    ]
    assert found == [(layer["path"], layer["class"], layer["built"]) for layer in oracle["layers"]]


def test_the_model_answers_to_its_own_name_and_the_reader_imports_nothing() -> None:
    model = opened(models.subclass_nested())
    assert (model.names, model.source, model.format) == (("larger_model",), "", "live Keras model")
    code = "import sys; from weightrepl.readers.keras_objects import KerasObjectReader; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"keras", "tensorflow", "numpy"} & set(loaded)


def test_attributes_are_all_the_names_under_which_a_parent_holds_a_layer() -> None:
    containers = {
        layer.name: layer.attributes for layer in opened(models.subclass_containers()).root.children
    }
    assert containers == {
        "zed": ("zed", "alias"), "b0": ("blocks.0",), "b1": ("blocks.1.0",), "dense": ("blocks.1.1",),
        "tup": ("blocks.2.0",), "cls_head": ("heads.cls",), "deep_head": ("heads.reg.deep",), "in_set": (),
    }  # fmt: skip
    sequential = opened(models.seq_dense()).root.children
    assert [layer.attributes for layer in sequential][:3] == [(), ("layers.0",), ("layers.1",)]
    functional = opened(models.func_branches()).root.children
    assert [layer.attributes[0] for layer in functional] == [f"layers.{i}" for i in range(len(functional))]
    assert [layer.name for layer in (*sequential, *functional) if not layer.built] == [".state"]


def test_shared_layers_and_weights_are_one_thing_in_several_places() -> None:
    inner = models.CustomModule(3, 3, name="inner")

    class Pair(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="pair")
            self.one = keras.Sequential([inner], name="one")
            self.two = keras.Sequential([inner], name="two")

        def call(self, x: Any) -> Any:
            return self.two(self.one(x))

    model = Pair()
    model(np.zeros((1, 3), "float32"))
    one, two = opened(model).root.children
    assert one.children[-1] is two.children[-1]
    assert not one.shared
    below = one.children[-1]
    assert below.shared and all(layer.shared for layer in below.children)  # noqa: PT018
    assert all(weight.shared for layer in below.children for weight in layer.weights)


def test_a_weight_of_two_layers_is_one_weight() -> None:
    root = opened(models.norms()).root
    wrapper = next(layer for layer in root.children if layer.name == "sn")
    assert wrapper.weights[0] is wrapper.children[0].weights[0]
    assert wrapper.weights[0].shared
    assert not wrapper.shared


def test_a_layer_that_holds_its_own_parent_is_not_followed_in_a_circle() -> None:
    class Ring(layers.Layer):
        pass

    outer, inner = Ring(name="outer"), Ring(name="inner")
    outer.add_weight(shape=(2,), name="w")
    outer.inner = inner
    inner._layers.append(outer)
    assert addresses(outer) == ["outer:w"]
    assert [len(layer.children) for layer in (opened(outer).root, layer_at(outer, "inner"))] == [1, 0]


def test_names_are_read_as_they_are_now() -> None:
    model = models.subclass_nested()
    model.module.name = ""
    model.dense_outer.name = "re/named"
    assert [layer.name for layer in opened(model).root.children] == ["", "re/named"]


def test_two_weights_of_one_name_and_a_deleted_one() -> None:
    class Twice(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="twice")
            self.a, self.b, self.c = (self.add_weight(shape=(n,), name="early") for n in (1, 2, 3))

    layer = Twice()
    del layer.b
    assert [(w.name, w.spec.shape) for w in opened(layer).root.weights] == [("early", (1,)), ("early", (3,))]


def test_a_model_that_was_never_built_says_so_with_the_line_that_builds_it() -> None:
    root = opened(models.subclass_unbuilt()).root
    line = "larger_model(np.zeros(input_shape))  # a batch such as your data"
    assert (root.built, root.build_line) == (False, line)
    assert {layer.build_line for layer in root.children[0].children} == {line}
    odd = keras.Sequential([layers.Dense(3)], name="odd name")
    assert opened(odd).root.build_line == "model(np.zeros(input_shape))  # a batch such as your data"


def test_of_a_half_built_model_the_layer_that_was_never_called_is_named() -> None:
    root = opened(models.subclass_half_built()).root
    used, never = root.children
    assert (root.built, used.built, never.built) == (True, True, False)
    assert never.build_line == "half.never(np.zeros(input_shape))  # a batch such as your data"


def test_layers_that_have_nothing_to_build_are_built_and_ghosts_are_neither() -> None:
    class Replaced(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="replaced")
            self.flat = layers.Flatten()
            self.d = layers.Dense(3, name="ghost")
            self.d = layers.Dense(3, name="real")

        def build(self, input_shape: Any) -> None:
            self.d.build(input_shape)
            self.built = True

    model = Replaced()
    model.build((None, 3))
    found = {layer.name: (layer.built, layer.remark) for layer in opened(model).root.children}
    assert found["flatten"] == found["real"] == (True, None)
    assert found["ghost"][0] is None
    assert "no attribute" in found["ghost"][1]


def test_trainable_is_whether_the_weight_is_trained_now() -> None:
    model = models.seq_dense()
    model.get_layer("dense_layer_1").trainable = False
    now = {id(variable) for variable in model.trainable_variables}
    by_name = {(layer.name, v.name): id(v) in now for layer in model.layers for v in layer.variables}
    for names, weight in models.rows(opened(model)):
        if ".state" not in names:
            assert weight.trainable is by_name[names[-1], weight.name], names
    model.trainable = False
    assert not any(weight.trainable for _, weight in models.rows(opened(model)))


def test_lora_shows_the_variables_and_not_the_merged_kernel() -> None:
    model = models.built("lora")
    tuned = layer_at(model, "tuned")
    assert [(w.name, w.trainable) for w in tuned.weights] == [
        ("kernel", False), ("bias", True), ("lora_kernel_a", True), ("lora_kernel_b", True),
    ]  # fmt: skip
    raw = weight_of(tuned, "kernel").tensor.read()
    layer = model.get_layer("tuned")
    np.testing.assert_array_equal(raw, np.asarray(layer._kernel))
    assert not np.array_equal(raw, np.asarray(layer.kernel))


@pytest.mark.parametrize(("mode", "dtype", "shape", "recorded"), [
    ("int8", "int8", (6, 5), ("int8", "float32")),
    ("int4", "int8", (6, 3), ("int4/128", "float32", (6, 5))),
    ("float8", "float32", (6, 5), ("float8", "float32")),
])  # fmt: skip
def test_quantised_layers_show_what_is_stored(
    mode: str, dtype: str, shape: tuple[int, ...], recorded: tuple[Any, ...]
) -> None:
    layer = layers.Dense(5, name="head")
    layer.build((None, 6))
    layer.quantize(mode)
    root = opened(layer).root
    kernel = weight_of(root, "kernel")
    assert (kernel.spec.dtype, kernel.spec.shape) == (dtype, shape)
    assert root.quantization == Quantization(*recorded)
    assert {w.name for w in root.weights} == {variable.name for variable in layer.variables}
    np.testing.assert_array_equal(kernel.tensor.read(), np.asarray(layer._kernel))


def test_preprocessing_layers_have_their_own_numbers_and_tables_have_none() -> None:
    normalization = layers.Normalization(name="n")
    normalization.adapt(np.arange(6.0).reshape(3, 2))
    assert addresses(normalization) == ["n:mean", "n:variance", "n:count"]
    assert addresses(layers.StringLookup(vocabulary=["a", "b"], name="table")) == []


def test_a_raw_tensorflow_variable_is_listed_as_unread_by_keras() -> None:
    class Stranger(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="m")
            self.inner = layers.Dense(2, name="d")
            self.inner.extra = {"a": [tf.Variable([1.0, 2.0], name="x")]}

    model = Stranger()
    assert addresses(model) == ["m/.unread/d:extra.a.0"]
    weight = layer_at(model, ".unread", "d").weights[0]
    assert "tf.Variable" in weight.remark
    np.testing.assert_array_equal(weight.tensor.read((slice(1, 2, 1),)), [2.0])


def test_the_states_of_a_stateful_layer_are_state() -> None:
    model = keras.Sequential(
        [layers.Input((3, 2), batch_size=1), layers.LSTM(2, stateful=True, name="rnn")], name="m"
    )
    found = [address for address in addresses(model) if "/.state/rnn" in address]
    assert len(found) == 3  # two states, a seed
    assert len(set(found)) == 3


def test_values_are_those_of_the_moment_and_the_callers_own() -> None:
    model = models.built("seq_dense")
    layer = model.get_layer("dense_layer_2")
    kernel = weight_of(layer_at(model, "dense_layer_2"), "kernel")
    before = kernel.tensor.read()
    layer.kernel.assign(layer.kernel + 1)
    np.testing.assert_array_equal(kernel.tensor.read(), np.asarray(layer.kernel))
    assert not np.array_equal(before, np.asarray(layer.kernel))
    before[:] = 7
    assert not (np.asarray(layer.kernel) == 7).any()


@pytest.mark.parametrize("index", [
    (), (2, slice(0, 4, 1), slice(0, 5, 1)), (slice(0, 3, 2), 1, 2), (slice(2, None, -1), (3, 0, 0), slice(0, 5, 2)),
    (0, (1, 2), 3), ((), slice(0, 4, 1), 0), (slice(1, 1, 1), 0, (4,)),
])  # fmt: skip
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float8_e4m3fn", "int8", "bool"])
def test_slices_are_numpys(index: Any, dtype: str) -> None:
    expected = drawn("slices", (3, 4, 5), dtype)
    layer = layers.Layer(name="x")
    layer.w = keras.Variable(tf.constant(expected), dtype=dtype, trainable=False)
    for i, axis in reversed(list(enumerate(index))):
        expected = expected.take(axis, i) if isinstance(axis, int) else expected
    lists = [list(i) if isinstance(i, tuple) else i for i in index if not isinstance(i, int)]
    for axis, i in enumerate(lists):
        expected = expected[(slice(None),) * axis + (np.asarray(i, int) if isinstance(i, list) else i,)]
    weight = opened(layer).root.weights[0]
    found = weight.tensor.read(index)
    assert (found.dtype.name, weight.spec.dtype) == (dtype, dtype)
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("max_nbytes", [1, 4, 21, 60, 100, 240, 10_000])
def test_blocks_are_all_values_in_order_and_small_enough(max_nbytes: int) -> None:
    layer = layers.Layer(name="x")
    variable = layer.add_weight(shape=(3, 4, 5), name="w")
    blocks = list(opened(layer).root.weights[0].tensor.blocks(max_nbytes))
    assert all(block.ndim == 1 and block.nbytes <= max(4, max_nbytes) for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), np.asarray(variable).reshape(-1))


def test_scalars_and_empty_weights_have_blocks_too() -> None:
    layer = layers.Layer(name="x")
    layer.add_weight(shape=(), name="s", initializer="ones")
    layer.add_weight(shape=(0, 3), name="e", initializer="ones")
    scalar, empty = (list(w.tensor.blocks(1)) for w in opened(layer).root.weights)
    assert [block.tolist() for block in scalar] == [[1.0]]
    assert sum(block.size for block in empty) == 0


def test_a_variable_that_gives_no_values_is_a_named_error() -> None:
    layer = layers.Layer(name="x")
    variable = layer.add_weight(shape=(2,), name="w")
    tensor = opened(layer).root.weights[0].tensor
    value = variable._value
    variable._value = tf.Variable(np.zeros((3,), "float32"))
    with pytest.raises(ChangedError, match=r"was \(2,\) and is now \(3,\)"):
        tensor.read()
    variable._value = object()
    with pytest.raises(SourceError, match="gives no values"):
        tensor.read()
    variable._value = value
    assert tensor.read().shape == (2,)


def test_an_opened_model_keeps_the_live_one_alive() -> None:
    live = models.subclass_nested()
    reference, model = weakref.ref(live), opened(live)
    del live
    gc.collect()
    assert reference() is not None
    assert model.root.children[0].name == "custom_module"


def test_no_code_of_the_users_runs() -> None:
    class Trap(keras.Model):
        armed = False

        def __init__(self) -> None:
            super().__init__(name="trap")
            self.d = layers.Dense(2, name="d")
            self.d.build((None, 2))

        def sprung(self, *_: Any) -> Any:
            if Trap.armed:
                raise AssertionError("ran")
            return []

        layers = metrics = variables = weights = trainable_variables = property(sprung)

    model = Trap()
    Trap.__getattr__ = Trap.sprung
    Trap.armed = True
    try:
        assert addresses(model) == ["trap/d:kernel", "trap/d:bias"]
    finally:
        Trap.armed = False
        del Trap.__getattr__
