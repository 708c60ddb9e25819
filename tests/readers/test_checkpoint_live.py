"""Checkpoints that TensorFlow writes on the spot: the same addresses and values as the live objects have."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.files import Row, layers_of, rows_of
from tests.zoo_maker.values import digest
from weightrepl.readers.registry import open_source

pytest.importorskip("tensorflow")
pytest.importorskip("tf_keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402

from tests.random_models import OPTIMIZERS, random_model  # noqa: E402

BESIDE = (".metrics/", ".state:save_counter", ".state/dropout:seed_generator_state")
"""What only a live model has (metrics, the seeds of Keras 3), and only a checkpoint (its counter)."""


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    tf_keras.backend.clear_session()
    keras.backend.clear_session()


def below(row: Row) -> str:
    return "/".join(row.path[1:]) + ":" + row.weight.name


def facts(thing: Any) -> list[tuple[str, str, str]]:
    """Address below the model, dtype and digest of each weight, sorted."""
    with open_source(thing) as model:
        found = [
            (below(row), row.weight.spec.dtype, digest(row.weight.tensor.read())) for row in rows_of(model)
        ]
    return sorted(each for each in found if not each[0].startswith(BESIDE))


def saved(path: Path, **objects: Any) -> str:
    return str(tf.train.Checkpoint(**objects).save(str(path / "ck")))


# -- tf.Modules -------------------------------------------------------------------------------------------------------


def random_module(chance: random.Random, depth: int = 3) -> tf.Module:
    """A module that holds variables, modules, lists and dicts of such, and some of them twice."""
    module = tf.Module(name=chance.choice(("block", "lin", None)))
    for attribute in ("w", "_private", "kernel_", "Variable")[: chance.randint(1, 4)]:
        own = chance.choice((attribute, "other", None))
        setattr(
            module,
            attribute,
            tf.Variable(tf.random.stateless_uniform((2, 2), (chance.randrange(9**9), 1)), name=own),
        )
    if depth:
        below = [random_module(chance, depth - 1) for _ in range(chance.randint(1, 3))]
        places = (
            lambda: below,
            lambda: {"a": below[0], "b c": below[-1]},
            lambda: below[0],
            lambda: [below, [below[-1]]],
        )
        module.blocks, module.heads = chance.choice(places)(), chance.choice(places)()
        module.listed = [
            tf.Variable([float(chance.random())]),
            tf.Variable([float(chance.random())], name="named"),
        ]
    return module


@pytest.mark.parametrize("seed", range(12))
def test_a_module_has_the_same_addresses_live_and_saved(tmp_path: Path, seed: int) -> None:
    module = random_module(random.Random(seed))
    live = facts(module)
    assert facts(saved(tmp_path / "one", root=module)) == live
    assert facts(saved(tmp_path / "two", model=module, step=tf.Variable(3))) == sorted(
        [*live, (".state:step", "int32", digest(np.int32(3)))]
    )


# -- Keras 3 ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", OPTIMIZERS, ids=range(len(OPTIMIZERS)))
def test_optimizers_of_keras_3_have_the_same_addresses(tmp_path: Path, make: Callable[[], Any]) -> None:
    inputs = keras.Input((3,))
    hidden = keras.layers.Dropout(0.3)(keras.layers.Dense(4, name="one")(inputs))
    model = keras.Model(inputs, keras.layers.Dense(2, name="two")(hidden), name="net")
    model.compile(make(), "mse", metrics=["mae"], run_eagerly=True)
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert facts(saved(tmp_path, model=model)) == facts(model)


@pytest.mark.parametrize("seed", range(0, 60, 8))
def test_no_name_in_a_random_model_of_keras_3_is_wrong(tmp_path: Path, seed: int) -> None:
    """Where a name was lost, the attribute's stands there; weights that only optimizers hold are told."""
    model = random_model(seed, distinct=True)
    live: dict[str, list[Row]] = {}
    for row in rows_of(open_source(model)):
        live.setdefault(digest(row.weight.tensor.read()), []).append(row)
    with open_source(saved(tmp_path, model=model)) as found:
        for row in rows_of(found):
            if row.path[-1] == ".unread":
                assert "Keras 3 leaves layers in lists" in (row.weight.remark or "")
            elif not row.is_system:
                assert names_that_are_wrong(row, live[digest(row.weight.tensor.read())]) == set(), row.address


def test_cells_that_keras_3_leaves_out_are_told(tmp_path: Path) -> None:
    cells = [keras.layers.LSTMCell(3), keras.layers.GRUCell(2)]
    model = keras.Sequential(
        [keras.Input((2, 2)), keras.layers.RNN(cells), keras.layers.Dense(2, name="out")]
    )
    with open_source(saved(tmp_path, model=model)) as found:
        layers = {"/".join(path[1:]): layer for path, layer in layers_of(found)}
    assert layers.keys() == {"", "out", "_operations", "_operations/1", "_operations/1/cell"}
    assert "not in this file" in (layers["_operations/1/cell"].remark or "")


def names_that_are_wrong(row: Row, live: list[Row]) -> set[str]:
    """The names on the way to a weight that are neither attributes nor those of the live model's layers."""
    attributes = {step for layer in row.way for way in layer.attributes or () for step in way.split(".")}
    wrong = set(row.path[1:]) - attributes - {name for each in live for name in each.path}
    own = {way.rpartition(".")[2] for way in row.way[-1].attributes or ()} | {each.path[-1] for each in live}
    wrong |= {row.path[-1]} - own if len(row.path) > 1 else set()
    return wrong | ({row.weight.name} - {each.weight.name for each in live})


# -- tf_keras ---------------------------------------------------------------------------------------------------------

LEGACY, NEW = tf_keras.optimizers.legacy, tf_keras.optimizers
TF_KERAS_OPTIMIZERS: tuple[Callable[[], Any], ...] = (
    lambda: LEGACY.Adam(amsgrad=True),
    lambda: LEGACY.SGD(momentum=0.9),
    lambda: LEGACY.RMSprop(momentum=0.5, centered=True),
    LEGACY.Ftrl,
    LEGACY.Adadelta,
    lambda: NEW.Adam(amsgrad=True),
    lambda: NEW.SGD(momentum=0.9),
    lambda: NEW.RMSprop(momentum=0.5, centered=True),
    lambda: NEW.AdamW(use_ema=True),
    NEW.Adadelta,
)


class Net(tf_keras.Model):  # type: ignore[misc]
    """Layers in attributes, in a list and in a dict; two of one name."""

    def __init__(self) -> None:
        super().__init__(name="net")
        self.first = tf_keras.layers.Dense(3, name="dense")
        self.blocks = [
            tf_keras.layers.Dense(3, name="dense"),
            tf_keras.layers.LayerNormalization(name="norm"),
        ]
        self.heads = {
            "a": tf_keras.layers.Dense(2, name="a_head"),
            "b": tf_keras.layers.Dense(2, name="b_head"),
        }

    def call(self, x: Any) -> Any:
        x = self.first(x)
        for block in self.blocks:
            x = block(x)
        return self.heads["a"](x) + self.heads["b"](x)


@pytest.mark.parametrize("make", TF_KERAS_OPTIMIZERS, ids=range(len(TF_KERAS_OPTIMIZERS)))
def test_optimizers_of_tf_keras_have_the_same_addresses(tmp_path: Path, make: Callable[[], Any]) -> None:
    model = Net()
    model.compile(make(), "mse", run_eagerly=True)
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    live = facts(model)
    model.save_weights(str(tmp_path / "w"), save_format="tf")
    assert facts(tmp_path / "w") == live
    assert facts(saved(tmp_path, model=model, optimizer=model.optimizer)) == live


# -- checkpoints of several things ------------------------------------------------------------------------------------


def dense(name: str) -> Any:
    model = tf_keras.Sequential([tf_keras.layers.Dense(2, name=name)], name=f"{name}_model")
    model.build((None, 2))
    return model


def test_several_models_and_optimizers(tmp_path: Path) -> None:
    one, two = dense("one"), dense("two")
    optimizers = {"opt": NEW.SGD(momentum=0.9), "other": LEGACY.SGD(momentum=0.9)}
    for optimizer, model in zip(optimizers.values(), (one, two), strict=True):
        optimizer.apply_gradients([(tf.ones_like(v), v) for v in model.trainable_variables])
    found = [each for each, _, _ in facts(saved(tmp_path, generator=one, critic=two, **optimizers))]
    assert found == sorted(
        [
            *(f"{place}:{role}" for role in ("kernel", "bias") for place in ("generator/one", "critic/two")),
            *(f".optimizer/opt/m/generator/one:{role}" for role in ("kernel", "bias")),
            *(f".optimizer/other/momentum/critic/two:{role}" for role in ("kernel", "bias")),
            *(f".optimizer/opt:{name}" for name in ("iterations", "learning_rate")),
            *(f".optimizer/other:{name}" for name in ("decay", "iterations", "learning_rate", "momentum")),
        ]
    )


def test_random_state_iterators_and_tables_are_state(tmp_path: Path) -> None:
    table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)
    table.insert(["a", "b"], [1, 2])
    module = tf.Module()
    module.w, module.rng = tf.Variable([1.0]), tf.random.Generator.from_seed(1)
    data = iter(tf.data.Dataset.range(3))
    path = saved(tmp_path, model=module, table=table, data=data)
    with open_source(path) as model:
        found = {below(row): row.weight for row in rows_of(model)}
        assert sorted(found[".state:table.table-keys"].tensor.read()) == [b"a", b"b"]
    assert found.keys() == {
        *(":w", ".state:rng._state_var", ".state:save_counter", ".unread:data/.ATTRIBUTES/ITERATOR_STATE"),
        *(".state:table.table-keys", ".state:table.table-values"),
    }
    with open_source(tf.train.Checkpoint(model=module, rng=module.rng)) as model:
        assert {":w", ".state:rng._state_var"} <= {below(row) for row in rows_of(model)} <= found.keys()
    assert "variant" in (found[".unread:data/.ATTRIBUTES/ITERATOR_STATE"].remark or "")


# -- TensorFlow 1 -----------------------------------------------------------------------------------------------------

V1_OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "Adadelta": lambda train: train.AdadeltaOptimizer(),
    "Adagrad": lambda train: train.AdagradOptimizer(0.1),
    "Adam": lambda train: train.AdamOptimizer(),
    "Ftrl": lambda train: train.FtrlOptimizer(0.1),
    "Momentum": lambda train: train.MomentumOptimizer(0.1, 0.9),
    "ProximalAdagrad": lambda train: train.ProximalAdagradOptimizer(0.1),
    "RMSProp": lambda train: train.RMSPropOptimizer(0.1, momentum=0.9),
    "RMSProp centered": lambda train: train.RMSPropOptimizer(0.1, momentum=0.9, centered=True),
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", V1_OPTIMIZERS)
def test_slots_of_tensorflow_1_are_found_under_its_own_names(tmp_path: Path, name: str, version: int) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("net/dense"):
            kernel = v1.get_variable("kernel", (3, 2))
        bias = v1.get_variable("bias", (2,))
        step = v1.train.get_or_create_global_step()
        optimizer = V1_OPTIMIZERS[name](v1.train)
        with v1.name_scope("training"):
            loss = tf.reduce_sum(tf.matmul(tf.ones((1, 3)), kernel) + bias)
            update = optimizer.minimize(loss, global_step=step)
        average = tf.train.ExponentialMovingAverage(0.9)
        averaging = average.apply([kernel])
        session.run(v1.global_variables_initializer())
        session.run([update, averaging])
        saver = v1.train.Saver(write_version=version)
        path = saver.save(session, str(tmp_path / "model.ckpt"), global_step=step)
        expected = {"net/dense:kernel": kernel, ":bias": bias, ".state:global_step": step}
        for slot in optimizer.get_slot_names():
            for place, variable in (("/net/dense:kernel", kernel), (":bias", bias)):
                expected[f".optimizer/{slot}{place}"] = optimizer.get_slot(variable, slot)
        expected["net/dense/kernel:ExponentialMovingAverage"] = average.average(kernel)
        powers = [each for each in v1.global_variables() if "_power" in each.name]
        expected |= {f".optimizer/{each.op.name.replace('/', ':')}": each for each in powers}
        values = {place: digest(value) for place, value in session.run(expected).items()}
    assert {place: digest for place, _, digest in facts(path)} == values
