"""Legacy h5 files written on the spot: what is shared, frozen, the optimizer's, damaged, or of another make."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.readers.files import layers_of, rows_of
from tests.readers.legacy_files import addresses, entry, listing, write
from weightrepl.errors import ChangedError, FormatError
from weightrepl.readers.legacy_h5 import LegacyH5Reader
from weightrepl.readers.registry import open_source


def test_frozen_layers_and_all_below_them_are_not_trainable(tmp_path: Path):
    inner = listing("Functional", "inner", entry("Dense", "a", trainable=None), trainable=False)
    config = listing("Functional", "m", inner, entry("Dense", "b"), entry("Mine", "c"))
    path = write(tmp_path / "m.h5", {"inner": ["a/kernel"], "b": ["b/kernel"], "c": ["c/w"]}, config)
    with open_source(path) as model:
        assert [row.weight.trainable for row in rows_of(model)] == [False, True, None]


@pytest.mark.parametrize(("version", "expected"), [("2.15.0", [False] * 3), ("3.15.1", [True, False, False])])
def test_what_was_unfrozen_in_a_frozen_model_is_trained_since_keras_3(
    tmp_path: Path, version: str, expected: list[bool]
):
    settings = {"a": True, "b": False, "c": None}
    inside = [entry("Dense", name, trainable=set_to) for name, set_to in settings.items()]
    config = listing("Functional", "m", listing("Functional", "inner", *inside, trainable=False))
    path = write(tmp_path / "m.h5", {"inner": [f"{name}/kernel" for name in settings]}, config, version)
    with open_source(path) as model:
        assert [row.weight.trainable for row in rows_of(model)] == expected


def test_a_shared_layer_of_tf_keras_is_one_object(tmp_path: Path):
    first, second = entry("Dense", "shd"), {**entry("Dense", "shd"), "shared_object_id": 2}
    config = listing(
        "Functional", "m", listing("Functional", "one", first), listing("Functional", "two", second)
    )
    path = write(tmp_path / "m.h5", {"one": ["shd/kernel:0"], "two": ["shd/kernel:0"]}, config, "2.15.0")
    with open_source(path) as model:
        one, two, unread = model.root.children
        assert one.children[0] is two.children[0]
        assert one.children[0].shared
        assert [(w.key, w.remark) for w in unread.weights] == [
            ("model_weights/two/shd/kernel:0", "a second copy of a shared layer's weight")
        ]


def test_layers_that_only_look_alike_are_two(tmp_path: Path):
    inner = [listing("Functional", name, entry("Dense", "same")) for name in ("one", "two")]
    path = write(
        tmp_path / "m.h5",
        {"one": ["same/kernel"], "two": ["same/kernel"]},
        listing("Functional", "m", *inner),
    )
    with open_source(path) as model:
        one, two = model.root.children
        assert one.children[0] is not two.children[0]
        assert not one.children[0].shared


def test_the_models_own_weights_stand_at_the_model(tmp_path: Path):
    groups = {"dd": ["mine/dd/kernel"], "top_level_model_weights": ["mine/own"]}
    assert addresses(write(tmp_path / "m.h5", groups, entry("Mine", "mine"))) == [":own", "dd:kernel"]


def test_attributes_in_pieces_are_joined(tmp_path: Path):
    path = write(tmp_path / "m.h5", {"a": ["a/w0", "a/w1", "a/w2"], "b": ["b/w"], "c": []})
    with h5py.File(path, "r+") as file:
        del file.attrs["layer_names"], file["a"].attrs["weight_names"]
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"a", b"b"], [b"c"]
        for i in range(3):
            file["a"].attrs[f"weight_names{i}"] = [f"a/w{i}".encode()]
    assert addresses(path) == ["a:w0", "a:w1", "a:w2", "b:w"]
    with open_source(path) as model:
        assert [layer.name for layer in model.root.children] == ["a", "b", "c"]


def test_layers_without_weights_are_listed_and_operations_are_not(tmp_path: Path):
    operation = {"class_name": "Multiply", "config": {"name": "multiply"}}
    inputs = {"class_name": "InputLayer", "config": {"name": "in", "dtype": "float32"}}
    inner = listing("Functional", "inner", inputs, operation, entry("Dropout", "drop"))
    config = listing("Functional", "m", inputs, operation, inner, entry("Flatten", "flat"))
    with open_source(write(tmp_path / "m.h5", {"in": [], "inner": [], "flat": []}, config)) as model:
        found = {"/".join(path[1:]): layer.attributes for path, layer in layers_of(model)[1:]}
    assert found == {
        "in": ("layers.0",),
        "inner": ("layers.1",),
        "inner/in": ("layers.0",),
        "inner/drop": ("layers.1",),
        "flat": ("layers.2",),
    }


# -- the optimizer


@pytest.mark.parametrize(
    ("version", "names", "wanted"),
    [
        (
            "3.15.1",
            ["adam/iteration", "adam/a_kernel_momentum", "adam/a_b_kernel_momentum", "adam/else_momentum"],
            [":iterations", ":else_momentum !", "momentum/a:kernel", "momentum/a_b:kernel"],
        ),
        (
            "2.15.0",
            [
                "Adam/iter:0",
                "Adam/a/kernel/m:0",
                "training/Adam/a_b/kernel/m:0",
                "Adam/m/a/kernel:0",
                "m_0:0",
            ],
            [":iterations", ":m_0 !", "m/a:kernel", "m/a:kernel", "m/a_b:kernel"],
        ),
        ("1.2.2", ["param_0", "Variable_3:0"], [":param_0 !", ":Variable_3 !"]),
    ],
)
def test_what_the_optimizer_kept(tmp_path: Path, version: str, names: list[str], wanted: list[str]):
    config = listing("Functional", "m", entry("Dense", "a"), entry("Dense", "a_b"))
    training = {"optimizer_config": {"class_name": "Custom>Adam", "config": {}}}
    groups = {"a": ["a/kernel"], "a_b": ["a_b/kernel"]}
    path = write(tmp_path / "m.h5", groups, config, version, names, training)
    with open_source(path) as model:
        optimizer = model.root.children[-1]
        assert (optimizer.class_name, optimizer.system) == ("Adam", True)
        found = [
            "/".join(row.path[2:]) + f":{row.weight.name}" + (" !" if row.weight.remark else "")
            for row in rows_of(model)
            if row.is_system
        ]
    assert found == wanted


def test_slots_of_weights_that_have_one_name_in_the_file_are_not_guessed(tmp_path: Path):
    towers = [listing("Functional", name, entry("Dense", "d")) for name in ("one", "two")]
    groups = {"one": ["d/kernel"], "two": ["d/kernel"]}
    path = write(
        tmp_path / "m.h5", groups, listing("Functional", "m", *towers), "3.1.0", ["adam/d_kernel_momentum"]
    )
    assert addresses(path)[-1] == (
        ".optimizer:d_kernel_momentum | the file does not tell to which weight this belongs"
    )


# -- what can't be placed or read


def test_what_no_layer_lists_is_put_aside(tmp_path: Path):
    path = write(
        tmp_path / "m.h5", {"a": ["a/kernel", "a/gone"]}, listing("Functional", "m", entry("Dense", "a"))
    )
    with h5py.File(path, "r+") as file:
        del file["model_weights/a/a/gone"]
        file["model_weights/a/extra"] = np.ones(2, "float32")
        file["notes"] = "made by hand"
    with open_source(path) as model:
        unread = model.root.children[-1]
        assert (unread.name, unread.system) == (".unread", True)
        found = {weight.key: weight for weight in unread.weights}
        assert {key: weight.remark for key, weight in found.items() if key != "notes"} == {
            "model_weights/a/a/gone": "the file lists it but does not hold it",
            "model_weights/a/extra": "the file names no layer that it belongs to",
        }
        assert found["model_weights/a/extra"].tensor.read().tolist() == [1, 1]
        for key in ("notes", "model_weights/a/a/gone"):
            with pytest.raises(FormatError, match=key):
                found[key].tensor.read()
            with pytest.raises(FormatError):
                list(found[key].tensor.blocks(100))


def test_another_hdf5_file_is_shown_as_it_is(tmp_path: Path):
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["top"] = np.zeros(1, "int16")
        file["a/b/w"] = np.zeros((2, 2), "float64")
    path = str(tmp_path / "other.hdf5")
    assert addresses(path) == [":top", "a/b:w"]
    with open_source(path) as model:
        assert model.format == "HDF5 file"
        assert model.names == ("other",)


def test_an_interrupted_save_is_called_so(tmp_path: Path):
    h5py.File(tmp_path / "m.h5", "w").close()
    assert (tmp_path / "m.h5").stat().st_size == 800
    with pytest.raises(FormatError, match="it was left when saving the model broke off"):
        LegacyH5Reader().open(str(tmp_path / "m.h5"))


@pytest.mark.parametrize(
    "text", ["{", "[1]", "7", "", '{"class_name": 3, "config": []}', "[" * 100_000, "\udc80"]
)
def test_a_damaged_configuration_leaves_the_weights(tmp_path: Path, text: str):
    path = write(tmp_path / "m.h5", {"a": ["a/kernel"]}, {})
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = text.encode("utf-8", "surrogatepass")
    assert addresses(path) == ["a:kernel"]
    with open_source(path) as model:
        unreadable = text in ("{", "", "[" * 100_000, "\udc80")
        assert ("configuration was left out" in str(model.root.remark)) == unreadable


def test_a_file_behind_a_block_of_the_users_is_read(tmp_path: Path):
    with h5py.File(tmp_path / "m.h5", "w", userblock_size=1024) as file:
        file.attrs["layer_names"] = [b"a"]
        group = file.create_group("a")
        group.attrs["weight_names"] = [b"a/w:0"]
        group["a/w:0"] = np.full(2, 5, "float32")
    with open_source(tmp_path / "m.h5") as model:
        (row,) = rows_of(model)
        assert row.weight.tensor.read().tolist() == [5, 5]


def test_closing_lets_go_of_the_file(tmp_path: Path):
    model = open_source(write(tmp_path / "m.h5", {"a": ["a/w"]}))
    (row,) = rows_of(model)
    model.close()
    with pytest.raises(ChangedError):
        row.weight.tensor.read()


def test_the_format_names_the_version(tmp_path: Path):
    for version, config, words in (
        ("2.3.1", None, "Keras 2.3.1 weights (legacy HDF5)"),
        (None, None, "Keras weights (legacy HDF5)"),
        ("3.15.1", {}, "Keras 3.15.1 model (legacy HDF5)"),
    ):
        with open_source(write(tmp_path / "m.h5", {"a": ["a/w"]}, config, version)) as model:
            assert model.format == words
