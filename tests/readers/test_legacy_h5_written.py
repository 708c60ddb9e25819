"""Legacy h5 files written on the spot: a file for each layout, and names that do not tell everything."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from tests.readers.legacy_files import addresses, entry, listing, write
from weightrepl.readers.registry import open_source

# -- one per layout


def test_keras_0_3_has_numbers_only(tmp_path: Path):
    with h5py.File(tmp_path / "old.h5", "w") as file:
        file.attrs["nb_layers"] = 12
        for i in range(12):
            group = file.create_group(f"layer_{i}")
            group.attrs["nb_params"] = 11 if i == 10 else 0
            for j in range(11 if i == 10 else 0):
                group[f"param_{j}"] = np.full((1,), j, "float32")
    with open_source(tmp_path / "old.h5") as model:
        assert [layer.name for layer in model.root.children] == [f"layer_{i}" for i in range(12)]
        weights = model.root.children[10].weights
        assert [weight.name for weight in weights] == [f"param_{j}" for j in range(11)]
        assert weights[10].tensor.read().tolist() == [10]
        assert model.names == ("old",)
        assert model.root.remark == "Keras 0.3 recorded no names"


def test_keras_1_names_become_roles_where_the_class_is_known(tmp_path: Path):
    config = {
        "class_name": "Sequential",
        "config": [
            entry("Embedding", "embedding_1"),
            entry("LSTM", "lstm_1"),
            entry("BatchNormalization", "bn"),
            entry("Dense", "dense_1"),
            entry("Mine", "mine_1"),
        ],
    }
    groups = {
        "embedding_1": ["embedding_1_W"],
        "lstm_1": ["lstm_1_W_i", "lstm_1_U_i"],
        "bn": ["bn_gamma", "bn_running_mean", "bn_running_std"],
        "dense_1": ["dense_1_W:0", "dense_1_b:0"],
        "mine_1": ["mine_1_W", "param_1"],
    }
    assert addresses(write(tmp_path / "k1.h5", groups, config, None)) == [
        "embedding_1:embeddings | the file calls it 'W'",
        "lstm_1:W_i | a name of Keras 1",
        "lstm_1:U_i | a name of Keras 1",
        "bn:gamma",
        "bn:moving_mean | the file calls it 'running_mean'",
        "bn:running_std | a name of Keras 1",  # a deviation once, later a variance
        "dense_1:kernel | the file calls it 'W'",
        "dense_1:bias | the file calls it 'b'",
        "mine_1:W | a name of Keras 1",
        "mine_1:param_1 | the file does not tell which layers lie between",
    ]
    assert addresses(write(tmp_path / "w1.h5", {"dense_1": ["dense_1_W"]}, None, None)) == [
        "dense_1:W | a name of Keras 1"
    ]


def test_keras_1_models_within_models(tmp_path: Path):
    inner = {"class_name": "Sequential", "config": [entry("Dense", "dense_1"), entry("Dense", "dense_11")]}
    wrapped = entry("Bidirectional", "bidirectional_1", layer=entry("LSTM", "lstm_1"))
    config = {"class_name": "Sequential", "config": [inner, wrapped]}
    groups = {
        "sequential_1": ["dense_1_W", "dense_11_W"],
        "bidirectional_1": ["forward_lstm_1_W_i", "backward_lstm_1_W_i"],
    }
    path = write(tmp_path / "k1.h5", groups, config, "1.2.2")
    assert [each.partition(" |")[0] for each in addresses(path)] == [
        "sequential_1/dense_1:kernel",
        "sequential_1/dense_11:kernel",
        "bidirectional_1/forward_lstm_1:W_i",
        "bidirectional_1/backward_lstm_1:W_i",
    ]


def test_keras_2_scopes_are_completed(tmp_path: Path):
    inner = listing("Model", "tower", entry("Dense", "dense_1"), entry("Dense", "dense_2"))
    timed = entry("TimeDistributed", "td", layer=entry("Dense", "inside"))
    recurrent = entry("Bidirectional", "bi", layer=entry("LSTM", "l"))
    config = listing("Model", "whole", inner, timed, recurrent, entry("LSTM", "lstm_1"), entry("Dense", "d"))
    groups = {
        "tower": ["dense_1/kernel:0", "dense_2_1/kernel:0"],
        "td": ["td/kernel:0", "td/bias:0"],
        "bi": ["bi/forward_l/lstm_cell_3/kernel:0", "bi/backward_l/lstm_cell_4/kernel:0"],
        "lstm_1": ["lstm_1/kernel:0"],  # cells had no name before tf.keras 2.3
        "d": ["d_2/kernel_1:0"],
    }
    assert addresses(write(tmp_path / "k2.h5", groups, config, "2.2.4-tf")) == [
        "tower/dense_1:kernel",
        "tower/dense_2:kernel",
        "td/inside:kernel",
        "td/inside:bias",
        "bi/forward_l/lstm_cell_3:kernel",
        "bi/backward_l/lstm_cell_4:kernel",
        "lstm_1:kernel",
        "d:kernel | the file calls it 'kernel_1'",
    ]


def test_keras_3_scopes_are_completed(tmp_path: Path):
    inner = listing(
        "Functional", "mid", entry("Dense", "dense"), listing("Sequential", "block", entry("Dense", "dense"))
    )
    config = listing("Sequential", "block", inner, entry("Dense", "dense"))
    groups = {"mid": ["dense/kernel", "block/dense/kernel"], "dense": ["block/dense/kernel"]}
    assert addresses(write(tmp_path / "k3.h5", groups, config)) == [
        "mid/dense:kernel",
        "mid/block/dense:kernel",
        "dense:kernel",
    ]


def test_files_of_weights_alone_tell_what_their_names_tell(tmp_path: Path):
    groups = {
        "encoder": ["dense/kernel:0"],
        "block": ["model/block/attention/query/kernel:0"],
        "a/b": ["a/b/kernel:0"],
    }
    assert addresses(write(tmp_path / "w.h5", groups, None, "2.15.0")) == [
        "encoder/dense:kernel | the file does not tell which layers lie between",
        "block/attention/query:kernel",
        "a/b:kernel",
    ]


# -- what is not certain


def test_two_layers_that_share_a_scope_are_told_apart_by_their_class(tmp_path: Path):
    one = listing("Functional", "one", entry("BatchNormalization", "x"))
    two = listing("Functional", "two", entry("Dense", "x"))
    config = listing("Functional", "m", listing("Functional", "both", one, two))
    path = write(tmp_path / "m.h5", {"both": ["x/gamma", "x/kernel", "x/bias", "x/beta"]}, config)
    assert addresses(path) == ["both/one/x:gamma", "both/one/x:beta", "both/two/x:kernel", "both/two/x:bias"]


def test_what_stays_undecided_keeps_the_files_words(tmp_path: Path):
    one, two = (listing("Functional", name, entry("Mine", "x")) for name in ("one", "two"))
    config = listing("Functional", "m", listing("Functional", "both", one, two))
    assert addresses(write(tmp_path / "m.h5", {"both": ["x/kernel"]}, config)) == [
        "both/x:kernel | the file does not tell for certain which layer this is"
    ]


def test_renamed_layers_are_found_by_what_they_hold(tmp_path: Path):
    dense = entry("Dense", "now", use_bias=True)
    config = listing("Functional", "m", listing("Functional", "inner", dense, entry("Embedding", "e")))
    with h5py.File(write(tmp_path / "m.h5", {"inner": []}, config), "r+") as file:
        group = file["model_weights/inner"]
        group.attrs["weight_names"] = [b"before/kernel", b"before/bias", b"e/embeddings"]
        for name, shape in (("before/kernel", (3, 2)), ("before/bias", (2,)), ("e/embeddings", (5, 3))):
            group[name] = np.zeros(shape, "float32")
    assert addresses(str(tmp_path / "m.h5")) == ["inner/now:kernel", "inner/now:bias", "inner/e:embeddings"]


def test_a_custom_layer_makes_some_weights_before_it_is_built(tmp_path: Path):
    config = listing("Sequential", "sq", entry("pkg>Block", "blk"))
    groups = {"blk": ["blk/early", "sq/blk/late", "sq/blk/dense/kernel", "apart/kernel"]}
    path = write(tmp_path / "m.h5", groups, config)
    assert addresses(path) == [
        "blk:early",
        "blk:late",
        "blk/dense:kernel",
        "blk/apart:kernel | the file does not tell which layers lie between",
    ]
    with open_source(path) as model:
        assert model.root.children[0].class_name == "Block"


def test_a_custom_layer_called_as_its_model_reads_two_ways(tmp_path: Path):
    config = listing("Sequential", "a", entry("Block", "a"))
    unsure = "the file does not tell for certain which layer this is"
    assert addresses(write(tmp_path / "m.h5", {"a": ["a/early", "a/a/late", "a/a/b/kernel"]}, config)) == [
        "a:early",
        f"a:late | {unsure}",
        f"a/b:kernel | {unsure}",
    ]


def test_layers_among_a_custom_layers_settings_have_their_class(tmp_path: Path):
    config = listing("Functional", "m", entry("Block", "blk", head=entry("Dense", "head", use_bias=False)))
    with open_source(write(tmp_path / "m.h5", {"blk": ["blk/head/kernel"]}, config)) as model:
        (head,) = model.root.children[0].children
        assert (head.name, head.class_name, head.weights[0].trainable) == ("head", "Dense", True)
