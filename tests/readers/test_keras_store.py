"""What a Keras 3 store records and what it does not, on small stores made for the purpose."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.readers.files import (
    entry,
    functional,
    layers_of,
    rows_of,
    sequential,
    store_bytes,
    write_archive,
    write_store,
)
from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.model.tree import Layer, Model
from weightrepl.readers.keras_layers import INFERRED, MERGED, NO_NAME, NO_ORDER, NO_ROLE
from weightrepl.readers.registry import open_source


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, "f4")


def dense(rows: int = 4, columns: int = 3) -> list[np.ndarray]:
    return [zeros(rows, columns), zeros(columns)]


def weights_file(folder: Path, groups: dict[str, Any], **options: Any) -> Model:
    write_store(folder / "m.weights.h5", groups, **options)
    return open_source(folder / "m.weights.h5")


def archive(folder: Path, config: Any, groups: dict[str, Any]) -> Model:
    return open_source(write_archive(folder / "m.keras", config, store_bytes(groups)))


def addresses(model: Model) -> list[str]:
    return [row.address for row in rows_of(model)]


def layer_at(model: Model, *path: str) -> Layer:
    return next(layer for found, layer in layers_of(model) if found == path)


def custom(name: str, **values: Any) -> dict[str, Any]:
    return {
        "module": "mine",
        "class_name": "Block",
        "config": {"name": name, **values},
        "registered_name": "pkg>Block",
        "build_config": {},
    }


# -- order and attributes ---------------------------------------------------------------------------------------------

MIXED = {
    "": ("seq", []),
    "layers/input_layer": ("in", []),
    "layers/dense": ("first", dense()),
    "layers/batch_normalization": ("bn", [zeros(3)] * 4),
    "layers/dense_1": ("second", dense(3, 3)),
    "layers/dropout": ("drop", []),
    **{f"layers/dense_{i}": (f"more{i}", dense(3, 3)) for i in range(2, 13)},
}
NAMES = ["in", "first", "bn", "second", "drop", *(f"more{i}" for i in range(2, 13))]


def test_without_a_config_layers_come_in_the_order_in_which_they_were_saved(tmp_path: Path):
    model = weights_file(tmp_path, MIXED)
    assert [layer.name for layer in model.root.children] == NAMES
    assert all(layer.attributes is None for layer in model.root.children)
    assert model.root.class_name is None


def test_before_keras_3_6_numbers_give_the_order(tmp_path: Path):
    model = weights_file(tmp_path, {path: (None, values) for path, (_, values) in MIXED.items()})
    names = [layer.name for layer in model.root.children]
    assert names[:3] == ["batch_normalization", "dense", "dense_1"]
    assert names[11:] == ["dense_10", "dense_11", "dense_12", "dropout", "input_layer"]
    assert {layer.remark for layer in model.root.children} == {NO_NAME}


def test_positions_are_those_of_model_layers(tmp_path: Path):
    config = sequential(
        "seq", entry("InputLayer", "in"), entry("Dense", "a"), entry("ReLU", "r"), entry("Dense", "b")
    )
    groups = {
        "": ("seq", []),
        "layers/dense": ("a", dense()),
        "layers/re_lu": ("r", []),
        "layers/dense_1": ("b", dense(3)),
    }
    root = archive(tmp_path, config, groups).root
    assert [(each.name, each.attributes) for each in root.children] == [
        *(("in", None), ("a", ("layers.0",)), ("r", ("layers.1",)), ("b", ("layers.2",)))
    ]
    config = functional(
        "f",
        entry("InputLayer", "in"),
        {**entry("Relu", "op"), "module": "keras.src.ops.nn"},
        entry("Dense", "a"),
    )
    groups = {"": ("f", []), "layers/input_layer": ("in", []), "layers/dense": ("a", dense())}
    root = archive(tmp_path, config, groups).root
    assert [(each.name, each.attributes) for each in root.children] == [
        ("in", ("layers.0",)),
        ("a", ("layers.1",)),
    ]


def test_a_layer_that_stands_twice_in_a_sequential_is_not_taken_for_another(tmp_path: Path):
    """The configuration lists it once, while the store counts it twice: `dense_1` was skipped."""
    config = sequential("seq", entry("Dense", "twice"), entry("Dense", "last"))
    groups = {"": ("seq", []), "layers/dense": ("twice", dense(3)), "layers/dense_2": ("last", dense(3, 2))}
    model = archive(tmp_path, config, groups)
    assert addresses(model) == ["seq/twice:kernel", "seq/twice:bias", "seq/last:kernel", "seq/last:bias"]
    assert layer_at(model, "seq", "last").attributes is None
    assert rows_of(model)[2].weight.key == "layers/dense_2/vars/0"


def test_attributes_are_known_as_far_as_they_are_recorded(tmp_path: Path):
    groups = {
        "": ("m", []),
        "encoder": ("enc", dense()),
        "blocks/dense": ("b0", dense()),
        "blocks/container/dense": ("b1", dense()),
        "layers/dense_3": ("d", dense()),
        "_hidden": ("h", dense()),
    }
    root = weights_file(tmp_path, groups).root
    assert {each.name: each.attributes for each in root.children} == {
        "enc": ("encoder",),
        "h": ("_hidden",),
        **dict.fromkeys(("b0", "b1", "d")),  # a list, a dict, or one with other things in it: not told
    }


def test_layers_of_one_name_in_no_recorded_order_say_so(tmp_path: Path):
    model = weights_file(
        tmp_path, {"": ("m", []), "b": ("same", dense()), "a": ("same", dense()), "c": ("other", dense())}
    )
    assert [each.remark for each in model.root.children] == [NO_ORDER, NO_ORDER, None]
    assert addresses(model)[:2] == ["m/same:kernel", "m/same:bias"]


def test_keras_s_own_parts(tmp_path: Path):
    groups = {
        "": ("m", []),
        "layers/bidirectional": ("bi", []),
        "layers/bidirectional/backward_layer": ("backward_g", []),
        "layers/bidirectional/backward_layer/cell": ("gru_cell", [zeros(2, 9), zeros(3, 9), zeros(2, 9)]),
        "layers/bidirectional/forward_layer": ("forward_g", []),
        "layers/bidirectional/forward_layer/cell": ("gru_cell", [zeros(2, 9), zeros(3, 9), zeros(2, 9)]),
    }
    config = sequential("m", entry("Bidirectional", "bi", layer=entry("GRU", "g")))
    expected = [
        f"m/bi/{way}_g/gru_cell:{role}"
        for way in ("forward", "backward")
        for role in ("kernel", "recurrent_kernel", "bias")
    ]
    assert addresses(archive(tmp_path, config, groups)) == expected
    assert addresses(weights_file(tmp_path, groups)) == expected


# -- roles ------------------------------------------------------------------------------------------------------------


def test_a_custom_class_gets_no_guessed_roles(tmp_path: Path):
    groups = {"": ("m", dense()), "layers/my_dense": ("dense", dense()), "layers/dense2": ("x", dense())}
    model = weights_file(tmp_path, groups)
    assert {row.weight.name for row in rows_of(model)} == {"0", "1"}
    assert {row.weight.remark for row in rows_of(model)} == {NO_ROLE}
    model = archive(
        tmp_path, sequential("m", custom("dense")), {"": ("m", []), "layers/block": ("dense", dense())}
    )
    assert addresses(model) == ["m/dense:0", "m/dense:1"]
    assert layer_at(model, "m", "dense").class_name == "Block"


def test_a_class_of_the_user_s_that_is_called_like_keras_s(tmp_path: Path):
    mine = {**entry("Dense", "d"), "module": "mine", "registered_name": "pkg>Dense"}
    model = archive(tmp_path, sequential("m", mine), {"": ("m", []), "layers/dense": ("d", dense())})
    assert addresses(model) == ["m/d:0", "m/d:1"]


def test_an_attribute_s_roles_are_inferred_and_say_so(tmp_path: Path):
    model = weights_file(tmp_path, {"": ("m", []), "proj": ("p", dense()), "thing": ("t", [zeros(5)])})
    assert [(row.address, row.weight.remark) for row in rows_of(model)] == [
        *(("m/p:kernel", INFERRED), ("m/p:bias", INFERRED), ("m/t:0", NO_ROLE))
    ]


def test_keys_that_are_words_are_names(tmp_path: Path):
    write_store(tmp_path / "m.weights.h5", {"": ("m", []), "layers/block": ("b", [])})
    with h5py.File(tmp_path / "m.weights.h5", "a") as file:
        file["layers/block/vars/idf_weights"] = zeros(4)
        file["layers/block/vars/3"] = zeros(4)
    found = {row.address: row.weight.remark for row in rows_of(open_source(tmp_path / "m.weights.h5"))}
    assert found == {"m/b:3": NO_ROLE, "m/b:idf_weights": None}


def test_trainable_is_told_only_where_it_is_known(tmp_path: Path):
    groups = {
        "": ("m", []),
        "layers/batch_normalization": ("bn", [zeros(3)] * 4),
        "layers/dense": ("d", dense()),
    }
    found = {row.address: row.weight.trainable for row in rows_of(weights_file(tmp_path, groups))}
    assert found == {
        "m/bn:gamma": None,
        "m/bn:beta": None,
        "m/bn:moving_mean": False,
        "m/bn:moving_variance": False,
        "m/d:kernel": None,
        "m/d:bias": None,
    }
    frozen = {**entry("Dense", "d"), "config": {"name": "d", "trainable": False}}
    config = sequential("m", entry("BatchNormalization", "bn"), frozen)
    found = {row.address: row.weight.trainable for row in rows_of(archive(tmp_path, config, groups))}
    assert list(found.values()) == [True, True, False, False, False, False]


def test_a_merged_kernel_says_so(tmp_path: Path):
    config = sequential("m", entry("Dense", "d", lora_rank=2))
    rows = rows_of(archive(tmp_path, config, {"": ("m", []), "layers/dense": ("d", dense())}))
    assert [(row.weight.name, row.weight.remark, row.weight.trainable) for row in rows] == [
        *(("kernel", MERGED, None), ("bias", None, None))
    ]


def test_a_layer_that_was_never_built_is_told(tmp_path: Path):
    model = weights_file(
        tmp_path, {"": ("m", []), "layers/dense": ("a", dense()), "layers/dense_1": ("b", [])}
    )
    assert [each.built for each in model.root.children] == [True, False]
    assert model.root.children[1].build_line


# -- sharing ----------------------------------------------------------------------------------------------------------


def shared_model(folder: Path, *, marked: bool) -> Model:
    """Two submodels share a Dense, which is stored under the first."""
    again = {**entry("Dense", "sh"), **({"shared_object_id": 5} if marked else {})}
    config = functional(
        "top",
        functional("a", entry("Dense", "sh"), entry("Dense", "own")),
        functional("b", entry("ReLU", "r"), again, entry("Dense", "own")),
    )
    groups = {
        "": ("top", []),
        "layers/functional": ("a", []),
        "layers/functional/layers/dense": ("sh", dense()),
        "layers/functional/layers/dense_1": ("own", dense(3)),
        "layers/functional_1": ("b", []),
        "layers/functional_1/layers/re_lu": ("r", []),
        "layers/functional_1/layers/dense_1": ("own", dense(3)),
    }
    return archive(folder, config, groups)


@pytest.mark.parametrize("first", ["a", "b"])
def test_a_shared_layer_is_one_object_in_two_places(tmp_path: Path, first: str):
    model = shared_model(tmp_path, marked=True)
    layer_at(model, "top", first, "sh")
    one, other = layer_at(model, "top", "a", "sh"), layer_at(model, "top", "b", "sh")
    assert one is other
    assert one.shared
    assert not layer_at(model, "top", "a", "own").shared
    assert [weight.key for weight in one.weights] == [
        f"layers/functional/layers/dense/vars/{i}" for i in (0, 1)
    ]
    assert one.attributes is None  # layers.0 in one place, layers.1 in the other
    assert layer_at(model, "top", "b", "own").attributes == ("layers.2",)


def test_what_may_be_shared_but_is_not_marked_is_left_empty(tmp_path: Path):
    model = shared_model(tmp_path, marked=False)
    assert layer_at(model, "top", "b", "sh").weights == ()
    assert layer_at(model, "top", "b", "sh").built is None
    assert not layer_at(model, "top", "a", "sh").shared


# -- what can't be read or placed -------------------------------------------------------------------------------------


def test_what_can_t_be_read_is_shown_with_the_reason(tmp_path: Path):
    write_store(tmp_path / "m.weights.h5", {"": ("m", []), "layers/dense": ("d", dense())})
    with h5py.File(tmp_path / "m.weights.h5", "a") as file:
        file["layers/dense/vars/2"] = np.array([b"text"])
        file["layers/stray"] = zeros(2)
    model = open_source(tmp_path / "m.weights.h5")
    assert addresses(model) == [
        *("m/d:0", "m/d:1", "m/d/.unread:layers/dense/vars/2"),
        "m/.unread:layers/stray",
    ]
    unread = [row.weight for row in rows_of(model) if row.is_system]
    assert [weight.key for weight in unread] == ["layers/dense/vars/2", "layers/stray"]
    for weight in unread:
        with pytest.raises(FormatError) as caught:
            weight.tensor.read()
        assert caught.value.reason == weight.remark


@pytest.mark.parametrize("content", [{}, {"a": 1}])
def test_a_store_with_nothing_in_it(tmp_path: Path, content: dict[str, int]):
    write_store(tmp_path / "m.weights.h5", {"": ("m", [])})
    model = open_source(tmp_path / "m.weights.h5")
    assert (model.names, rows_of(model), model.root.children) == (("m",), [], ())


def test_old_stores_call_layers_otherwise(tmp_path: Path):
    groups = {"": (None, []), "_layer_checkpoint_dependencies/dense": (None, dense())}
    assert addresses(weights_file(tmp_path, groups)) == ["m/dense:kernel", "m/dense:bias"]
    config = sequential("seq", entry("Dense", "named"))
    assert addresses(archive(tmp_path, config, groups)) == ["seq/named:kernel", "seq/named:bias"]


# -- shards -----------------------------------------------------------------------------------------------------------


def shards(folder: Path) -> Path:
    write_store(folder / "m_00000.weights.h5", {"": ("m", []), "layers/dense": ("d", [zeros(4, 3)])})
    write_store(folder / "m_00001.weights.h5", {"layers/dense_1": ("e", dense())})
    with h5py.File(folder / "m_00001.weights.h5", "a") as file:
        file["layers/dense/vars/1"] = zeros(3)
    files = ["m_00000.weights.h5", "m_00001.weights.h5"]
    index = {"metadata": {}, "weight_map": {"/layers/dense/vars": files, "/layers/dense_1/vars": files[1]}}
    (folder / "m.weights.json").write_text(json.dumps(index))
    return folder / "m.weights.json"


def test_shards_make_one_model(tmp_path: Path):
    model = open_source(shards(tmp_path))
    assert addresses(model) == ["m/d:kernel", "m/d:bias", "m/e:kernel", "m/e:bias"]
    assert [Path(row.weight.source).name[6] for row in rows_of(model)] == ["0", "1", "1", "1"]
    assert rows_of(model)[1].weight.tensor.read().shape == (3,)
    model.close()
    with pytest.raises(SourceError, match="closed"):
        rows_of(model)[1].weight.tensor.read()


def test_a_missing_shard_leaves_the_rest(tmp_path: Path):
    path = shards(tmp_path)
    (tmp_path / "m_00001.weights.h5").unlink()
    model = open_source(path)
    assert addresses(model) == [
        "m/d:0",
        "m/d/.unread:layers/dense/vars",
        "m/dense_1/.unread:layers/dense_1/vars",
    ]
    assert rows_of(model)[0].weight.tensor.read().shape == (4, 3)
    with pytest.raises(SourceError, match=r"m_00001\.weights\.h5"):
        rows_of(model)[1].weight.tensor.read()


def test_a_tensor_in_two_shards_is_not_hidden(tmp_path: Path):
    path = shards(tmp_path)
    with h5py.File(tmp_path / "m_00001.weights.h5", "a") as file:
        file["layers/dense/vars/0"] = zeros(4, 3)
    assert "m/d/.unread:layers/dense/vars/0" in addresses(open_source(path))


@pytest.mark.parametrize("name", ["../x.h5", "/etc/passwd", "a/b.h5", "..", 3, None, {"a": 1}])
def test_shards_lie_beside_their_index(tmp_path: Path, name: object):
    path = shards(tmp_path)
    path.write_text(json.dumps({"metadata": {}, "weight_map": {"/vars": [name]}}))
    with pytest.raises(UnsafeFileError, match="leads out of the folder"):
        open_source(path)


@pytest.mark.parametrize(
    "text", ['{"weight_map": 3}', '{"weight_map"', '{"weight_map": {"a": 1}, "weight_map": {}}']
)
def test_a_wrong_index(tmp_path: Path, text: str):
    path = shards(tmp_path)
    path.write_text(text)
    with pytest.raises(SourceError):
        open_source(path)
