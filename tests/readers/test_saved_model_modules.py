"""SavedModels of modules, of functions alone and of TensorFlow 1, as the installed TensorFlow writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.files import rows_of
from weightrepl.readers.registry import open_source

pytest.importorskip("tensorflow")
pytest.importorskip("tf_keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from tests.readers.test_saved_model_written import _fresh_names, nested, network, saved  # noqa: E402

__all__ = ["_fresh_names"]


class Bag(tf.Module):
    """What a module may hold."""

    def __init__(self) -> None:
        super().__init__(name="bag")
        self.named = {"a": tf.Variable(1.0), "b.c/d": tf.Variable(2.0)}
        self.listed = [tf.Variable(3.0), [tf.Variable(4.0)]]
        self.text, self.none = tf.Variable("text"), None
        self.empty = tf.Variable(np.zeros((0, 3), "int8"))
        self.brain = tf.Variable(tf.cast([1.5], tf.bfloat16))
        self.open = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None))
        self.table = tf.lookup.experimental.MutableHashTable(tf.string, tf.int64, -1)

    @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)])
    def __call__(self, x: Any) -> Any:
        return x * self.open


def test_what_a_module_holds(tmp_path: Path) -> None:
    with open_source(saved(Bag(), tmp_path / "bag")) as model:
        rows = rows_of(model)
        found = {
            "/".join((*row.path[1:], row.weight.name)): (row.weight.spec.shape, row.weight.spec.dtype)
            for row in rows
            if not row.is_system
        }
        tables = [row.weight.key for row in rows if row.is_system]
    assert found == {
        "text": ((), "string"), "empty": ((0, 3), "int8"), "brain": ((1,), "bfloat16"), "open": ((2,), "float32"),
        "named/a": ((), "float32"), "named/b.c/d": ((), "float32"),
        "listed/0": ((), "float32"), "listed/1/0": ((), "float32"),
    }  # fmt: skip
    assert tables == [f"table/.ATTRIBUTES/table-{each}" for each in ("keys", "values")]


class Scoped(tf.Module):
    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.w: Any = None

    @tf.Module.with_name_scope
    def __call__(self, x: Any) -> Any:
        if self.w is None:
            self.w = tf.Variable(tf.ones((3, 3)), name="w")
        return x @ self.w


class Two(tf.Module):
    def __init__(self) -> None:
        super().__init__(name="two")
        self.a, self.b = Scoped("first"), Scoped("second")

    @tf.function(input_signature=[tf.TensorSpec([None, 3], tf.float32)])
    @tf.Module.with_name_scope
    def __call__(self, x: Any) -> Any:
        return self.b(self.a(x))


def test_modules_have_the_names_of_attributes_whatever_their_scopes(tmp_path: Path) -> None:
    module = Two()
    module(tf.ones((1, 3)))
    live = [address.partition("/")[2] for address, *_ in network(module)]
    assert [address.partition("/")[2] for address, *_ in network(saved(module, tmp_path / "m"))] == live


def test_a_model_of_keras_in_a_module(tmp_path: Path) -> None:
    module = tf.Module(name="holder")
    module.net, module.scale = nested(keras), tf.Variable(2.0)
    module.serve = tf.function(
        lambda x: module.net(x) * module.scale, input_signature=[tf.TensorSpec([None, 4], tf.float32)]
    )
    found = {address.partition("/")[2] for address, *_ in network(saved(module, tmp_path / "m"))}
    live = {address.partition("/")[2] for address, *_ in network(module)}
    assert {each for each in found if each} <= live
    assert "nest/enc2/dense:kernel" in found


def test_functions_alone_are_an_empty_model(tmp_path: Path) -> None:
    module = tf.Module()
    module.double = tf.function(lambda x: x * 2, input_signature=[tf.TensorSpec([None], tf.float32)])
    with open_source(saved(module, tmp_path / "m")) as model:
        assert (rows_of(model), model.root.remark) == ([], "it holds no variables")


@pytest.fixture(scope="module")
def estimator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SavedModel of TensorFlow 1 with two graphs, Adam, and a variable in two parts."""
    v1, path = tf.compat.v1, tmp_path_factory.mktemp("v1") / "estimator"
    with tf.Graph().as_default(), v1.Session() as session:
        with v1.variable_scope("net"):
            with v1.variable_scope("dense", partitioner=v1.fixed_size_partitioner(2)):
                kernel = v1.get_variable("kernel", [4, 3])
            bias = v1.get_variable("bias", [3], use_resource=True)
            mean = v1.get_variable("moving_mean", [3], trainable=False)
        loss = tf.reduce_sum(tf.ones((1, 4)) @ tf.convert_to_tensor(kernel) + bias + mean)
        v1.train.AdamOptimizer().minimize(loss, global_step=v1.train.get_or_create_global_step())
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(session, ["train"])
        builder.add_meta_graph(["serve"])
        builder.save()
    return path


def test_variables_of_tensorflow_1(estimator: Path) -> None:
    with open_source(estimator) as model:
        rows = rows_of(model)
        trained = {row.address: row.weight.trainable for row in rows if not row.is_system}
        assert trained == {"net:bias": True, "net:moving_mean": False, "net/dense:kernel": True}
        assert {(*row.path[1:], row.weight.name) for row in rows if row.is_system} == {
            (".optimizer", "beta1_power"), (".optimizer", "beta2_power"), (".state", "global_step"),
            *((".optimizer", slot, "bias") for slot in "mv"),
            *((".optimizer", slot, "dense", "kernel") for slot in "mv"),
        }  # fmt: skip
