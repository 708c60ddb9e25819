"""Live Keras 3 models that were opened: who keeps them alive, what is left of them, how they take values."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import numpy as np
import pytest

import weightrepl
from weightrepl.errors import ChangedError, SourceError
from weightrepl.model.tensor import VariableSource
from weightrepl.model.tree import Model
from weightrepl.readers.keras_objects import KerasObjectReader
from weightrepl.readers.registry import open_source, reader_of_object

pytest.importorskip("keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402

from tests import models  # noqa: E402
from tests.zoo_maker.values import drawn  # noqa: E402


def opened(thing: Any) -> Model:
    return KerasObjectReader().open(thing)


def loosened(thing: Any) -> Model:
    model = opened(thing)
    assert model.live is not None
    model.live.loosen()
    return model


def trained() -> Any:
    """Return a model of the zoo that holds all there is: an optimizer with slots, metrics, seeds."""
    model = models.built("trained_optimizer")
    model.extra = tf.Variable([1.0])
    model.fit(np.zeros((2, *model.input_shape[1:])), np.zeros((2, *model.output_shape[1:])), verbose=0)
    return model


def gone(reference: Any) -> bool:
    keras.backend.clear_session()
    gc.collect()
    return reference() is None


@pytest.mark.parametrize(
    "name", ["attention", "bidirectional", "func_shared_layer", "lora", "quant_int8", "subclass_containers"]
)
@pytest.mark.parametrize("query", ["**:*", "**:* | stats", "**"])
def test_a_loosened_model_is_deleted_with_its_last_name(name: str, query: str) -> None:
    live = models.built(name)
    model = loosened(live)
    shown = weightrepl.evaluate(model, query)
    text = repr(shown)
    reference = weakref.ref(live)
    del live
    assert gone(reference)
    assert repr(shown) == text


def test_what_an_optimizer_holds_and_nobody_looked_at_keeps_nothing_alive() -> None:
    live = trained()
    model = loosened(live)
    assert weightrepl.select_layers(model, ".optimizer").addresses == ("trained/.optimizer",)
    reference = weakref.ref(live)
    del live
    assert gone(reference)


def test_what_was_looked_at_stays_and_values_are_told_to_be_gone() -> None:
    live = trained()
    model = loosened(live)
    everything = weightrepl.select(model, "**:*, .optimizer/**:*, .metrics/**:*, .unread/**:*")
    facts = [(row.address, row.shape, row.dtype) for row in everything]
    reference = weakref.ref(live)
    del live
    assert gone(reference)
    assert [(row.address, row.shape, row.dtype) for row in everything] == facts
    for row in everything:
        with pytest.raises(ChangedError, match=r"the model was deleted.*; select again"):
            row.numpy()


def test_what_was_not_looked_at_is_there_as_long_as_somebody_keeps_the_model() -> None:
    live = trained()
    strict, model = opened(live), loosened(live)
    assert [(names, w.name, w.spec) for names, w in models.rows(model)] == [
        (names, w.name, w.spec) for names, w in models.rows(strict)
    ]
    late = loosened(live)
    del strict
    reference = weakref.ref(live)
    del live
    assert gone(reference)
    with pytest.raises(ChangedError, match="the model was deleted; select again"):
        _ = late.root.children


def test_one_layer_looked_at_late_brings_all_others_in_one_survey() -> None:
    live = models.built("subclass_nested")
    model = loosened(live)
    module = model.root.children[0]
    live.module.dense1 = None  # Keras still counts it in: a layer once held is told as a ghost
    del module
    first = [layer.name for layer in model.root.children[0].children]
    live.module._layers.clear()
    assert [layer.name for layer in model.root.children[0].children] == first


def test_a_layer_that_was_taken_out_before_anybody_looked_is_told() -> None:
    live = models.built("subclass_nested")
    model = opened(live)
    module = model.root.children[0]
    assert model.live is not None
    model.live.loosen()
    live._layers.clear()
    with pytest.raises(ChangedError, match="no longer in the model; select again"):
        _ = module.children


def test_until_it_is_loosened_a_result_keeps_the_live_model() -> None:
    chosen = weightrepl.select(models.built("seq_dense"), "**:kernel")
    gc.collect()
    assert all(row.numpy().shape == row.shape for row in chosen)


def test_a_model_opened_anew_shows_what_it_has_now() -> None:
    live = keras.Sequential([layers.Input((3,)), layers.Dense(2, name="first")], name="grown")
    before = weightrepl.select(live, "**:*").addresses
    live.add(layers.Dense(2, name="more"))
    assert weightrepl.select(live, "**:*").addresses == (*before, "grown/more:kernel", "grown/more:bias")


def source_of(thing: Any, query: str) -> VariableSource:
    model = opened(thing)
    (site,) = [s for s in model.place.weights_below if f"{s.place.layer.name}:{s.weight.name}" == query]
    assert isinstance(site.weight.tensor, VariableSource)
    return site.weight.tensor


def test_the_variable_is_tensorflows_own_and_takes_values() -> None:
    live = models.built("seq_dense")
    kernel = live.get_layer("dense_layer_2").kernel
    source = source_of(live, "dense_layer_2:kernel")
    assert source.variable() is kernel._value
    assert isinstance(source.variable(), tf.Variable)
    source.write(np.full(kernel.shape, 3, "float32"))
    assert (source.read() == 3).all()
    assert (np.asarray(kernel) == 3).all()
    with pytest.raises(SourceError, match="takes no values"):
        source.write(np.zeros((7, 9), "float32"))
    assert (source.read() == 3).all()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "int8", "bool"])
def test_values_of_every_dtype_come_back_as_they_were_written(dtype: str) -> None:
    layer = layers.Layer(name="x")
    layer.w = layer.add_weight(shape=(3, 2), dtype=dtype, name="w", trainable=False, initializer="zeros")
    source = source_of(layer, "x:w")
    values = drawn("written", (3, 2), dtype)
    source.write(values)
    assert source.read().tobytes() == values.tobytes()


def test_a_variable_of_another_shape_by_now_takes_nothing() -> None:
    layer = layers.Layer(name="x")
    layer.w = layer.add_weight(shape=(2,), name="w")
    source = source_of(layer, "x:w")
    layer.w._value = tf.Variable(np.zeros((3,), "float32"))
    layer.w._shape = (3,)
    with pytest.raises(ChangedError, match=r"was \(2,\) and is now \(3,\)"):
        source.write(np.zeros((2,), "float32"))


def test_models_are_told_from_what_they_are_made_of() -> None:
    live = trained()
    reader = KerasObjectReader()
    assert [reader.is_model(thing) for thing in (live, models.subclass_nested(), models.seq_dense())] == [
        True
    ] * 3
    assert not any(reader.is_model(layer) for layer in live.layers)
    for other in (live.optimizer, keras.metrics.Mean(), keras.losses.MeanSquaredError(), live.variables[0]):
        assert reader_of_object(other) is None
    assert isinstance(reader_of_object(live), KerasObjectReader)


def test_name_and_parts_are_read_without_opening() -> None:
    live = models.built("func_nested_same_names")
    reader = KerasObjectReader()
    assert reader.name(live) == live.name
    assert {id(part) for part in reader.parts(live)} == {id(layer) for layer in live._flatten_layers()} - {
        id(live)
    }


def test_the_line_that_builds_a_model_calls_it_as_python_does() -> None:
    live = models.subclass_unbuilt()
    lines = [open_source(live, variable=variable).root.build_line for variable in (None, "net")]
    assert [line.partition("(")[0] for line in lines if line is not None] == ["larger_model", "net"]
