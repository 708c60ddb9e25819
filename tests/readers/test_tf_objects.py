"""Live tf.Modules, loaded SavedModels and checkpoints' objects; and what holds for tf_keras models too."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightrepl
from weightrepl.errors import ChangedError, SourceError
from weightrepl.model.tensor import VariableSource
from weightrepl.readers.registry import open_source, reader_of_object
from weightrepl.readers.tf_objects import TfObjectReader

pytest.importorskip("tensorflow")
pytest.importorskip("tf_keras")
pytestmark = pytest.mark.tensorflow

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
import tf_keras  # noqa: E402

from tests import models  # noqa: E402
from tests.tf_models import addresses, facts, recorded, trained  # noqa: E402
from tests.zoo_maker.part_tf import Mlp, filled_mlp, module_tree  # noqa: E402
from tests.zoo_maker.tf_keras_models import built  # noqa: E402


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    tf_keras.backend.clear_session()


# -- tf.Module --------------------------------------------------------------------------------------------------------


def test_modules_are_found_by_attributes_as_the_oracle_lists_them(tmp_path: Path) -> None:
    weights = recorded(module_tree(tmp_path)[0]["weights"])
    assert sorted(facts(filled_mlp())) == sorted(weights)
    loaded = tf.saved_model.load(str(tmp_path / "saved_model"))
    assert sorted((("mlp", *names[1:]), *rest) for names, *rest in facts(loaded)) == sorted(weights)


def test_a_variable_in_shards_is_one_weight() -> None:
    from tensorflow.python.distribute.sharded_variable import ShardedVariable

    module = tf.Module(name="m")
    module.table = ShardedVariable(
        [tf.Variable([[1.0, 2.0]]), tf.Variable([[3.0, 4.0], [5.0, 6.0]])], "table"
    )
    (found,) = weightrepl.select(module, "**:*")
    assert (found.address, found.shape, found.trainable) == ("m:table", (3, 2), True)
    assert found.numpy().tolist() == [[1, 2], [3, 4], [5, 6]]
    assert weightrepl.select(module, ":table[1:, 0]").one().numpy().tolist() == [3, 5]


def test_variables_that_a_strategy_mirrors_are_weights_like_any() -> None:
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        model = tf_keras.Sequential([tf_keras.layers.Dense(2, input_shape=(3,), name="d")], name="m")
        model.compile("adam", "mse")
    model.fit(np.zeros((2, 3)), np.zeros((2, 2)), verbose=0)
    assert addresses(model) == ["m/d:kernel", "m/d:bias"]
    assert addresses(model, ".optimizer/m/**:*") == ["m/.optimizer/m/d:kernel", "m/.optimizer/m/d:bias"]


def test_a_module_held_twice_has_two_addresses_and_counts_once() -> None:
    found = weightrepl.select(Mlp(), "**:*")
    assert [row.address for row in found] == [
        "mlp:step", "mlp/blocks/0:w", "mlp/blocks/0:b", "mlp/blocks/1:w", "mlp/blocks/1:b", "mlp/heads/cls:w",
        "mlp/heads/cls:b", "mlp/heads/reg:w", "mlp/heads/reg:b",
    ]  # fmt: skip
    assert found[1].aliases == ("mlp/tied:w",)
    assert addresses(Mlp(), ".blocks/.1:w") == ["mlp/blocks/1:w"]
    assert [row.class_name for row in weightrepl.select_layers(Mlp(), "*")] == ["list", "dict", "Linear"]


def test_containers_cycles_and_other_libraries_within_a_module() -> None:
    class Top(tf.Module):
        pass

    top = Top(name="top")
    top.pair = (tf.Variable(1.0), [tf.Variable(2.0, name="inner"), {"a/b": tf.Variable(3.0)}])
    top.below = Top()
    top.below.above = top
    top.old = [tf_keras.layers.Dense(1, name="old_dense")]
    top.old[0].build((None, 1))
    top.new = keras.layers.Dense(1, name="new_dense")
    top.new.build((None, 1))
    assert addresses(top) == [
        "top/pair:0", "top/pair/1:inner", "top/pair/1/1:a\\/b", "top/old_dense:kernel", "top/old_dense:bias",
        "top/new_dense:kernel", "top/new_dense:bias",
    ]  # fmt: skip
    assert weightrepl.select(top, ".old.0:kernel").addresses == ("top/old_dense:kernel",)


class Some(tf.Module):
    pass


class Layer(tf_keras.layers.Layer):
    pass


def random_module(rng: random.Random, depth: int, pool: list[tf.Module]) -> tf.Module:
    """Return a module or layer of nested ones, some of them shared, with variables in lists, dicts and tuples."""

    def value(depth: int) -> Any:
        pick = rng.randrange(8)
        if pick < 3 or not depth:
            return tf.Variable([float(rng.random())], trainable=bool(rng.randrange(2)))
        if pick == 3 and pool:
            return rng.choice(pool)
        if pick == 4:
            return [value(depth - 1) for _ in range(rng.randrange(3))]
        if pick == 5:
            return {f"k{i}": value(depth - 1) for i in range(rng.randrange(3))}
        if pick == 6:
            return (value(depth - 1), "text", None)
        return random_module(rng, depth - 1, pool)

    module = Some() if rng.randrange(2) else Layer(name=f"layer{rng.randrange(3)}")
    for i in range(rng.randrange(1, 4)):
        setattr(module, f"a{i}", value(depth))
    pool.append(module)
    return module


@pytest.mark.parametrize("seed", range(40))
def test_random_modules_and_layers_have_the_variables_that_they_say(seed: int) -> None:
    module = random_module(random.Random(seed), 4, [])
    model = open_source(module)
    found = [site.weight for site in model.place.weights_below]
    assert sorted(id(weight.tensor.variable()) for weight in found) == sorted(id(v) for v in module.variables)
    trained = {id(v) for v in module.trainable_variables}
    assert all(weight.trainable is (id(weight.tensor.variable()) in trained) for weight in found)
    chosen = weightrepl.select(model, "**:*")
    for row in chosen:
        assert weightrepl.select(model, row.address).addresses == (row.address,)


# -- loaded SavedModels, checkpoints ----------------------------------------------------------------------------------


def test_a_saved_tf_keras_model_loads_with_attributes_slots_and_metrics(tmp_path: Path) -> None:
    built("trained_optimizer").save(str(tmp_path / "m"), save_format="tf")
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    model = open_source(loaded, variable="net")
    assert (model.names, model.format) == (("net",), "loaded SavedModel")
    own = [f"net/layer_with_weights-{i}:{name}" for i in (0, 1) for name in ("kernel", "bias")]
    assert addresses(model) == own
    slots = [f"net/.optimizer/{slot}/{address.removeprefix('net/')}" for slot in "mv" for address in own]
    assert addresses(model, ".optimizer/**:*") == [
        "net/.optimizer:iterations",
        "net/.optimizer:learning_rate",
        *slots,
    ]
    assert len(addresses(model, ".metrics/**:*")) == 4


def test_loaded_slots_that_fit_several_weights_are_given_to_none(tmp_path: Path) -> None:
    trained(tf_keras.optimizers.SGD(momentum=0.9)).save(str(tmp_path / "m"), save_format="tf")
    found = addresses(tf.saved_model.load(str(tmp_path / "m")), ".optimizer/**:*")
    assert found[2:] == [
        "saved_model/.optimizer/momentums:bias", "saved_model/.optimizer/momentums:bias#2",
        "saved_model/.optimizer/m/layer_with_weights-0:kernel",
        "saved_model/.optimizer/m/layer_with_weights-1/layer_with_weights-0:kernel",
    ]  # fmt: skip


def test_keras_3_models_load_by_their_attributes_and_exports_as_lists(tmp_path: Path) -> None:
    live = models.built("subclass_nested")
    tf.saved_model.save(live, str(tmp_path / "saved"))
    live.export(str(tmp_path / "export"), verbose=False)
    saved = open_source(tf.saved_model.load(str(tmp_path / "saved")))
    assert saved.names == ("saved_model",)
    found = addresses(saved)
    assert found[:2] == ["saved_model/module/dense1:kernel", "saved_model/module/dense1:bias"]
    assert len(found) == len(live.variables)
    exported = addresses(tf.saved_model.load(str(tmp_path / "export")), "variables:*")
    assert exported[:3] == [f"saved_model/variables:{name}" for name in ("kernel", "bias", "kernel#2")]
    layer = keras.layers.TFSMLayer(str(tmp_path / "export"), call_endpoint="serve", name="served")
    assert addresses(layer)[:3] == ["served:kernel", "served:bias", "served:kernel#2"]
    assert reader_of_object(layer).is_model(layer)


def test_a_saved_model_of_tensorflow_1_has_its_scopes_as_layers(tmp_path: Path) -> None:
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 3], name="x")
        with v1.variable_scope("encoder/dense"):
            y = x @ v1.get_variable("kernel", [3, 2])
        with v1.variable_scope("decoder/dense"):
            y = y @ v1.get_variable("kernel", [2, 2])
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(tmp_path / "v1"))
        signature = v1.saved_model.predict_signature_def({"x": x}, {"y": y})
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature})
        builder.save()
    loaded = tf.saved_model.load(str(tmp_path / "v1"))
    assert reader_of_object(loaded).is_model(loaded)
    assert addresses(loaded) == ["saved_model/encoder/dense:kernel", "saved_model/decoder/dense:kernel"]
    assert weightrepl.select(loaded, "decoder/dense:kernel").one().numpy().shape == (2, 2)


def test_a_checkpoint_object_shows_what_it_would_save() -> None:
    model = trained(tf_keras.optimizers.SGD(momentum=0.9))
    whole = tf.train.Checkpoint(model=model, optimizer=model.optimizer, step=tf.Variable(1))
    _ = whole.save_counter
    assert "net/dense:kernel" in addresses(whole)
    assert addresses(whole, ".state/**:*") == ["net/.state:step", "net/.state:save_counter"]
    assert "net/.optimizer/m/dense:kernel" in addresses(whole, ".optimizer/**:*")
    assert addresses(tf.train.Checkpoint(Mlp()))[0] == "mlp:step"
    two = tf.train.Checkpoint(one=Mlp(), other=Mlp())
    _ = two.save_counter
    assert addresses(two, ".state/**:*") == ["checkpoint/.state:save_counter"]


# -- what all have in common ------------------------------------------------------------------------------------------


def things(tmp_path: Path) -> list[Any]:
    tf.saved_model.save(Mlp(), str(tmp_path / "m"))
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    return [trained("adam"), Mlp(), loaded, tf.train.Checkpoint(mlp=Mlp())]


def test_a_checkpoint_object_of_one_model_is_that_model(tmp_path: Path) -> None:
    net = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="d")], name="net")
    net.compile("adam", "mse")
    net.fit(np.zeros((2, 3)), np.zeros((2, 2)), verbose=0)
    live = tf.train.Checkpoint(model=net, optimizer=net.optimizer, step=tf.Variable(3))
    path = live.write(str(tmp_path / "ck"))
    for source in (live, path):
        assert addresses(source) == ["net/d:kernel", "net/d:bias"]
        assert addresses(source, "model/d:kernel") == ["net/d:kernel"]
        assert addresses(source, ".state/**:*") == ["net/.state:step"]
        assert addresses(source, ".optimizer/velocity/**:*") == [
            *("net/.optimizer/velocity/d:kernel", "net/.optimizer/velocity/d:bias")
        ]
    two = tf.train.Checkpoint(a=net, b=tf.Module(), v=tf.Variable([1.0]))
    two.b.w = tf.Variable(1.0)
    assert addresses(two) == [
        "checkpoint:v",
        "checkpoint/net/d:kernel",
        "checkpoint/net/d:bias",
        "checkpoint/b:w",
    ]


def test_models_are_told_from_what_they_are_made_of(tmp_path: Path) -> None:
    reader = TfObjectReader()
    net, mlp, loaded, checkpoint = things(tmp_path)
    assert [reader.is_model(thing) for thing in (net, mlp, loaded, checkpoint)] == [True, True, True, False]
    assert [reader.name(thing) for thing in (net, mlp, loaded, checkpoint)] == ["net", "mlp", None, None]
    assert not any(reader.is_model(thing) for thing in (*net.layers[:2], *net.metrics))
    assert [layer.name for layer in net.layers if reader.is_model(layer)] == ["inner"]
    for other in (
        net.optimizer,
        tf_keras.losses.MeanSquaredError(),
        tf.Variable(1.0),
        tf.function(abs),
        mlp.blocks,
    ):
        assert reader_of_object(other) is None
    assert {id(part) for part in reader.parts(mlp)} == {id(part) for part in mlp.submodules}
    assert {id(layer) for layer in net._flatten_layers(include_self=False)} <= {
        id(part) for part in reader.parts(net)
    }


@pytest.mark.parametrize("which", range(4))
def test_a_loosened_model_is_deleted_with_its_last_name(which: int, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level("ERROR", "tensorflow")  # a warning that is kept for the report holds what it is about
    live = things(tmp_path)[which]
    model = open_source(live)
    everything = weightrepl.select(model, "**:*")
    system = [layer.name for layer in model.root.children if layer.system]
    more = [weightrepl.select(model, f"{name}/**:*") for name in system]
    assert model.live is not None
    model.live.loosen()
    late = open_source(live)
    late.live.loosen()
    reference = weakref.ref(live)
    del live
    tf_keras.backend.clear_session()
    gc.collect()
    assert reference() is None
    assert everything.addresses
    for row in (*everything, *(each for found in more for each in found)):
        assert row.shape is not None
        with pytest.raises(ChangedError, match=r"the model was deleted.*; select again"):
            row.numpy()
    with pytest.raises(ChangedError, match="the model was deleted; select again"):
        _ = late.root.children


def test_a_loosened_model_that_somebody_keeps_is_read_on(tmp_path: Path) -> None:
    for live in things(tmp_path):
        strict, model = open_source(live), open_source(live)
        model.live.loosen()
        found = [[(n, w.name, w.spec) for n, w in models.rows(each)] for each in (strict, model)]
        assert found[0] == found[1]


class Holder(tf.Module):
    """Holds a part in a slot of its own, so that TensorFlow does not keep it once it was taken out."""

    def __init__(self) -> None:
        super().__init__(name="holder")
        part = tf.Module(name="part")
        part.v = tf.Variable(1.0)
        vars(self)["part"] = part


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_module_that_was_taken_out_before_anybody_looked_is_told(is_kept: bool) -> None:
    live = Holder()
    model = open_source(live)
    (layer,) = model.root.children
    model.live.loosen()
    kept = vars(live).pop("part")
    reference = weakref.ref(kept)
    if not is_kept:
        del kept
    gc.collect()
    assert (reference() is not None) == is_kept
    with pytest.raises(ChangedError, match="the layer is no longer in the model; select again"):
        _ = layer.weights


def test_variables_in_a_graph_are_listed_and_their_values_are_in_a_session() -> None:
    with tf.Graph().as_default():
        module = tf.Module(name="old")
        module.v = tf.Variable([1.0, 2.0], shape=tf.TensorShape(None))
        module.w = tf.Variable([1.0, 2.0])
    found = weightrepl.select(module, "**:*")
    assert [(row.address, row.shape) for row in found] == [("old:v", None), ("old:w", (2,))]
    for row in found:
        with pytest.raises(SourceError, match="only a session has the values; save a checkpoint there"):
            row.numpy()


def test_variables_are_tensorflows_own_and_take_values() -> None:
    live = Mlp()
    (site,) = [s for s in open_source(live).place.weights_below if s.weight.name == "step"]
    source = site.weight.tensor
    assert isinstance(source, VariableSource)
    assert source.variable() is live.step
    source.write(np.asarray(7, "int64"))
    assert (live.step.numpy(), source.read()) == (7, 7)


def test_a_variable_that_may_change_its_shape_has_the_one_of_the_moment() -> None:
    module = tf.Module(name="m")
    module.v = tf.Variable([[1.0, 2.0]], shape=tf.TensorShape([None, 2]))
    module.s = tf.Variable(["a", "b"], shape=None)
    found = weightrepl.select(module, "**:*")
    assert [(row.shape, row.dtype) for row in found] == [((1, 2), "float32"), ((2,), "string")]
    assert found[0].numpy().tolist() == [[1.0, 2.0]]
    source = open_source(module).place.weights_below[0].weight.tensor
    module.v.assign([[1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ChangedError, match=r"was \(1, 2\) and is now \(2, 2\)"):
        found[0].numpy()
    with pytest.raises(ChangedError, match=r"was \(1, 2\) and is now \(2, 2\)"):
        source.write(np.zeros((1, 2), "float32"))


def test_no_code_of_the_users_runs_and_nothing_is_imported() -> None:
    class Trap(tf.Module):
        armed = False

        def sprung(self, *_: Any) -> Any:
            if Trap.armed:
                raise AssertionError("ran")
            return ()

        variables = trainable_variables = submodules = name = property(sprung)

    trap = Trap()
    trap.w = tf.Variable([1.0])
    Trap.__getattr__ = Trap.sprung
    Trap.armed = True
    try:
        assert addresses(trap) == ["trap:w"]
    finally:
        Trap.armed = False
        del Trap.__getattr__
    code = "import sys; from weightrepl.readers.tf_objects import TfObjectReader; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"keras", "tf_keras", "tensorflow", "numpy"} & set(loaded)
