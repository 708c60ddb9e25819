"""SavedModels that the installed TensorFlow, Keras and tf_keras write here, beside the live models that they are of."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightrepl
from tests.readers.files import ZOO, Row, rows_of
from tests.zoo_maker.values import digest
from weightrepl.readers.registry import open_source

pytest.importorskip("tensorflow")
pytest.importorskip("tf_keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402

Facts = tuple[str, tuple[int, ...] | None, str, str]


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    keras.backend.clear_session()
    tf_keras.backend.clear_session()


def filled(model: Any) -> Any:
    """Return a model, each of its variables with values of its own."""
    values = np.random.default_rng(0)
    for variable in model.variables:
        if "float" in str(variable.dtype):
            variable.assign(values.normal(size=variable.shape))
    return model


def facts(row: Row) -> Facts:
    spec = row.weight.spec
    return row.address, spec.shape, spec.dtype, digest(row.weight.tensor.read())


def network(source: Any) -> list[Facts]:
    """Return address, shape, dtype and bytes of what is no system's layer's, in the order of addresses."""
    with open_source(source) as model:
        return sorted(facts(row) for row in rows_of(model) if not row.is_system)


def saved(model: Any, path: Path) -> Path:
    tf.saved_model.save(model, str(path))
    return path


def exported(model: Any, path: Path) -> Path:
    model.export(str(path), verbose=False)
    return path


WAYS = pytest.mark.parametrize("written", [saved, exported])
Written = Callable[[Any, Path], Path]


# -- Keras 3 ----------------------------------------------------------------------------------------------------------


class Block(keras.layers.Layer):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.attention = keras.layers.MultiHeadAttention(2, 2, name="att")
        self.norm = keras.layers.LayerNormalization(name="Norm_2")
        self.feed = keras.Sequential([keras.layers.Dense(8), keras.layers.Dense(4)], name="ffn")

    def call(self, x: Any) -> Any:
        return self.norm(x + self.feed(self.attention(x, x)))


class Transformer(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="transformer")
        self.tokens = keras.layers.Embedding(11, 4, name="tokens")
        self.positions = keras.layers.Embedding(5, 4)
        self.blocks = [Block(name=f"block_{i}") for i in range(2)]

    def call(self, x: Any) -> Any:
        x = self.tokens(x) + self.positions(keras.ops.arange(5))
        for block in self.blocks:
            x = block(x)
        return keras.ops.matmul(x, keras.ops.transpose(self.tokens.embeddings))


def called(model: Any, *shape: int) -> Any:
    model(np.zeros(shape, "int32" if len(shape) == 2 and shape[1] == 5 else "float32"))
    return filled(model)


@WAYS
def test_layers_in_lists_of_a_subclassed_model(written: Written, tmp_path: Path) -> None:
    model = called(Transformer(), 2, 5)
    assert network(written(model, tmp_path / "m")) == network(model)


class Counted(keras.Model):
    """Names that end as the numbers do which TensorFlow adds to scopes, or are called as its operations."""

    NAMES = ("dense_1", "dense", "dense_2", "dense_1_1", "Reshape_1", "matmul", "conv-1", "x.y", "9")

    def __init__(self) -> None:
        super().__init__(name="s_2")
        self.inside = [keras.layers.Dense(4, name=name) for name in self.NAMES]

    def call(self, x: Any) -> Any:
        x = keras.ops.matmul(keras.ops.reshape(x, (-1, 4)), keras.ops.eye(4))
        for layer in self.inside:
            x = layer(x)
        return keras.ops.matmul(x, keras.ops.eye(4))


@WAYS
def test_names_that_look_like_scopes(written: Written, tmp_path: Path) -> None:
    model = called(Counted(), 2, 4)
    assert network(written(model, tmp_path / "m")) == network(model)


def encoder(layers: Any, models: Any, name: str) -> Any:
    x = models.Input((4,))
    return models.Model(x, layers.Dense(4, name="dense")(layers.Dense(4, name="in")(x)), name=name)


def nested(library: Any) -> Any:
    """Return a Functional with two like models in it, one of them in two places, and a layer called twice."""
    first, second = (encoder(library.layers, library, name) for name in ("enc", "enc2"))
    both = library.Sequential([library.Input((4,)), first, library.layers.Dense(4, name="x")], name="seq")
    shared = library.layers.Dense(4, name="shared")
    x = library.Input((4,))
    return filled(library.Model(x, shared(shared(second(both(first(x))))), name="nest"))


def finds_all_of(model: Any, written: Written, path: Path) -> None:
    """What is in the file is called as in the live model, and nothing of that is missing."""
    found = network(written(model, path))
    live = network(model)
    assert set(found) <= set(live)
    assert {digest for *_, digest in found} == {digest for *_, digest in live}


@WAYS
def test_models_in_models(written: Written, tmp_path: Path) -> None:
    finds_all_of(nested(keras), written, tmp_path / "m")


def wrapped(library: Any) -> Any:
    layers = library.layers
    x = inputs = library.Input((5, 4))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True), name="bi")(x)
    x = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True, name="stack")(x)
    x = layers.BatchNormalization(name="bn")(layers.SeparableConv1D(2, 2, name="sep")(x))
    x = layers.TimeDistributed(layers.Dense(3, name="inner"), name="td")(x)
    return filled(library.Model(inputs, x, name="wrap"))


@WAYS
def test_wrappers_and_recurrent_layers(written: Written, tmp_path: Path) -> None:
    model = wrapped(keras)
    assert network(written(model, tmp_path / "m")) == network(model)


class Tied(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="tied")
        self.embedding = keras.layers.Embedding(7, 4, name="emb")

    def call(self, x: Any) -> Any:
        return keras.ops.matmul(self.embedding(x), keras.ops.transpose(self.embedding.embeddings))


@WAYS
def test_a_weight_that_the_model_reads_too_is_its_layers(written: Written, tmp_path: Path) -> None:
    model = called(Tied(), 2, 5)
    assert network(written(model, tmp_path / "m")) == network(model)


class Hidden(keras.Model):
    """A layer in a scope that is no layer's: where it lies is not recorded."""

    def __init__(self) -> None:
        super().__init__(name="hidden")
        self.one, self.other = keras.layers.Dense(4, name="one"), keras.layers.Dense(4, name="other")

    def call(self, x: Any) -> Any:
        for layer in (self.one, self.other):
            with tf.name_scope("mine"):
                x = layer(x)
        return x


def test_where_scopes_tell_nothing_the_attribute_does(tmp_path: Path) -> None:
    model = called(Hidden(), 2, 4)
    ways = {address for address, *_ in network(saved(model, tmp_path / "saved"))}
    assert ways == {f"hidden/{name}:{role}" for name in ("one", "other") for role in ("kernel", "bias")}
    lists = {address for address, *_ in network(exported(model, tmp_path / "exported"))}
    assert lists == {"exported/variables:kernel", "exported/variables:bias"}


def test_random_state_of_an_export_is_state(tmp_path: Path) -> None:
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dropout(0.5, name="drop")(keras.layers.Dense(2, name="d")(x)))
    with open_source(exported(model, tmp_path / "m")) as found:
        assert [row.path[1:] for row in rows_of(found) if row.path[1] == ".state"] == [
            (".state", "seed_generator")
        ]


def test_an_export_tells_what_is_frozen(tmp_path: Path) -> None:
    x = keras.Input((4,))
    model = keras.Model(x, keras.layers.Dense(2, name="b")(keras.layers.Dense(3, name="a")(x)), name="m")
    model.get_layer("a").trainable = False
    with open_source(exported(model, tmp_path / "m")) as found:
        trained = {row.address: row.weight.trainable for row in rows_of(found) if not row.is_system}
    assert trained == {"m/a:kernel": False, "m/a:bias": False, "m/b:kernel": True, "m/b:bias": True}


# -- tf_keras ---------------------------------------------------------------------------------------------------------


def saved_by_keras(model: Any, path: Path) -> Path:
    model.save(str(path), save_format="tf")
    return path


def exported_by_keras_2(model: Any, path: Path) -> Path:
    model.export(str(path))
    return path


@pytest.mark.parametrize("written", [saved_by_keras, saved, exported_by_keras_2])
def test_models_in_models_of_tf_keras(written: Written, tmp_path: Path) -> None:
    finds_all_of(nested(tf_keras), written, tmp_path / "m")


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("WEIGHTREPL_LONG") != "1", reason="tracing tf_keras takes half a minute")
def test_wrappers_and_recurrent_layers_of_tf_keras(tmp_path: Path) -> None:
    model = wrapped(tf_keras)
    assert network(saved_by_keras(model, tmp_path / "m")) == network(model)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("WEIGHTREPL_LONG") != "1", reason="tracing tf_keras takes half a minute")
def test_wrappers_of_tf_keras_without_its_metadata(tmp_path: Path) -> None:
    """The layer in a TimeDistributed has its attribute's name, in an export none."""
    model = wrapped(tf_keras)
    plain = {address for address, *_ in network(saved(model, tmp_path / "plain"))}
    assert {address for address in plain if address.endswith("/layer:kernel")} == {
        "wrap/layer_with_weights-4/layer:kernel"
    }
    flat = {address for address, *_ in network(exported_by_keras_2(model, tmp_path / "flat"))}
    assert flat - {address for address, *_ in network(model)} == {"wrap/td:kernel", "wrap/td:bias"}


@pytest.mark.parametrize("written", [saved_by_keras, saved])
def test_what_is_frozen_in_tf_keras(written: Written, tmp_path: Path) -> None:
    inner = tf_keras.Sequential([tf_keras.layers.Dense(3, name="q")], name="in")
    x = tf_keras.Input((4,))
    y = inner(tf_keras.layers.Dense(4, name="a")(x))
    model = filled(tf_keras.Model(x, tf_keras.layers.Dense(2, name="c")(y), name="m"))
    inner.trainable = False
    with open_source(written(model, tmp_path / "m")) as found:
        frozen = {row.address for row in rows_of(found) if row.weight.trainable is False}
    assert frozen == {"m/in/q:kernel", "m/in/q:bias"}


@pytest.mark.parametrize("written", [saved_by_keras, saved])
@pytest.mark.parametrize("name", ["SGD", "legacy.Adam"])
def test_slots_and_metrics_of_tf_keras(written: Written, name: str, tmp_path: Path) -> None:
    optimizer: Any = tf_keras.optimizers
    for part in name.split("."):
        optimizer = getattr(optimizer, part)
    layers = [tf_keras.layers.Dense(3, name="h"), tf_keras.layers.Dense(2, name="o")]
    model = tf_keras.Sequential([tf_keras.Input((4,)), *layers], name="m")
    model.compile(optimizer(**({"momentum": 0.9} if name == "SGD" else {})), "mse", metrics=["mae"])
    model.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    slots = [each.address for each in weightrepl.select(model, ".optimizer/*/**:*")]
    with open_source(written(model, tmp_path / "m")) as found:
        assert sorted(each.address for each in weightrepl.select(found, ".optimizer/*/**:*")) == sorted(slots)
        assert len(weightrepl.select(found, ".metrics/*:*")) == 4
        assert not [row for row in rows_of(found) if row.path[1:2] == (".unread",)]


# -- the same model, loaded -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("case", "query"),
    [
        ("keras3/subclass_nested", ".module/.dense1:kernel"),
        ("keras3/subclass_nested", ".dense_outer:bias"),
        ("tf_keras/subclass_nested", ".module/.dense2:kernel"),
        ("tf_keras/trained_optimizer", ".layer_with_weights-1:kernel"),
        ("tf/module_tree", ".tied:b"),
        ("tf/module_tree", ".heads/.cls:w"),
        ("tf/module_tree", ".blocks/.0:w"),
    ],
)
def test_attributes_lead_to_the_same_in_the_loaded_object(case: str, query: str) -> None:
    path = ZOO / case / "saved_model"
    live = weightrepl.select(tf.saved_model.load(str(path)), query).one()
    with open_source(path) as model:
        assert weightrepl.select(model, query).one().numpy().tolist() == live.numpy().tolist()
