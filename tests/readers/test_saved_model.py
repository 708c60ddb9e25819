"""SavedModel folders that TensorFlow and Keras wrote: names, shapes, dtypes and bytes are those of the live model."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import weightrepl
from tests.readers.files import REAL, ZOO, Row, oracle_of, rows_of
from tests.readers.tensor_files import message
from tests.zoo_maker.values import digest
from weightrepl.errors import FormatError, SourceError, UnknownFormatError
from weightrepl.readers.registry import open_source

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
CASES = [
    (part.name, case.name, kind)
    for part in sorted(ZOO.iterdir())
    if part.is_dir()
    for case in sorted(part.iterdir())
    for kind in ("saved_model", "export")
    if (case / kind / "saved_model.pb").exists()
]


def opened(part: str, case: str, kind: str) -> weightrepl.Model:
    return open_source(ZOO / part / case / kind)


def network(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.is_system]


def facts(row: Row) -> tuple[object, ...]:
    weight = row.weight
    return row.path, weight.name, weight.spec.shape, weight.spec.dtype, digest(weight.tensor.read())


def recorded(part: str, case: str, kind: str) -> list[tuple[object, ...]]:
    """Return the facts of an oracle; an own name of the root is known of Keras's models only."""
    oracle = oracle_of(case, part)
    root = oracle["root_name"] if part != "tf" else "saved_model"
    return [
        ((root, *each["layer_path"][1:]), each["name"], tuple(each["shape"]), each["dtype"], each["sha256"])
        for each in oracle["weights"]
        if each["kind"] == "weight"
    ]


def test_the_zoo_is_there() -> None:
    assert Counter((part, kind) for part, _, kind in CASES) == {
        ("keras3", "saved_model"): 11, ("keras3", "export"): 10, ("tf", "saved_model"): 1,
        ("tf_keras", "saved_model"): 4, ("tf_keras", "export"): 1,
    }  # fmt: skip


@pytest.mark.parametrize(("part", "case", "kind"), CASES)
def test_addresses_and_bytes_are_those_of_the_live_model(part: str, case: str, kind: str) -> None:
    with opened(part, case, kind) as model:
        assert sorted(map(facts, network(rows_of(model)))) == sorted(recorded(part, case, kind))


@pytest.mark.parametrize(("part", "case", "kind"), CASES)
def test_each_stored_tensor_is_found_once_by_its_key(part: str, case: str, kind: str) -> None:
    wanted = set(oracle_of(case, part)["files"][kind]["keys"]) - {GRAPH}
    with opened(part, case, kind) as model:
        rows = rows_of(model)
        assert {row.weight.key for row in rows} == wanted
        assert len({id(row.weight) for row in rows}) == len(wanted)


@pytest.mark.parametrize(("part", "case", "kind"), CASES)
def test_what_is_trained_is_told(part: str, case: str, kind: str) -> None:
    keys = oracle_of(case, part)["files"][kind]["keys"]
    live = {each["var_id"]: each["trainable"] for each in oracle_of(case, part)["weights"]}
    with opened(part, case, kind) as model:
        for row in network(rows_of(model)):
            assert row.weight.trainable is live[keys[row.weight.key]], row.address


def test_second_copies_of_an_export_are_put_aside() -> None:
    with opened("keras3", "subclass_nested", "export") as model:
        aside = [row.weight for row in rows_of(model) if row.path[1:] == (".unread",)]
        assert [each.key for each in aside] == [
            f"_all_variables/{i}/.ATTRIBUTES/VARIABLE_VALUE" for i in range(6)
        ]
        assert {each.remark for each in aside} == {
            "a second copy of a weight, since model.export stores each twice"
        }
        copies = sorted(digest(each.tensor.read()) for each in aside)
        assert copies == sorted(digest(row.weight.tensor.read()) for row in network(rows_of(model)))


def test_layers_of_keras_2_have_their_classes_and_attributes() -> None:
    with opened("tf_keras", "subclass_nested", "saved_model") as model:
        assert model.names == ("larger_model", "saved_model")
        layers = weightrepl.select_layers(model, "**")
        assert {layer.address: layer.class_name for layer in layers if "inner" in layer.address} == {
            "larger_model/custom_module/inner_dense1": "Dense",
            "larger_model/custom_module/inner_dense2": "Dense",
        }
        (found,) = weightrepl.select(model, ".module/.dense1:kernel")
        assert found.address == "larger_model/custom_module/inner_dense1:kernel"


@pytest.mark.parametrize("name", ["saved_3.3.3", "export_3.3.3"])
def test_an_older_keras_3_opened_scopes_in_the_same_way(name: str) -> None:
    inner = [f"{layer}/{part}" for layer in ("in_a", "in_b_1") for part in ("deep", "norm")]
    with open_source(ZOO / "old_keras" / name) as model:
        assert list(dict.fromkeys("/".join(row.path) for row in network(rows_of(model)))) == [
            *(f"outer/{each}" for each in inner),
            "outer/tail",
        ]


def test_a_shared_object_is_one_weight_at_two_places() -> None:
    with opened("tf", "module_tree", "saved_model") as model:
        rows = [row for row in rows_of(model) if row.weight.name == "w" and row.weight.shared]
        assert [row.path[1:] for row in rows] == [("blocks", "0"), ("tied",)]
        assert rows[0].weight is rows[1].weight


def test_slots_and_metrics_hang_beside_the_network() -> None:
    with opened("tf_keras", "trained_optimizer", "saved_model") as model:
        found = [each.address for each in weightrepl.select(model, ".optimizer/**:*, .metrics/**:*")]
    assert found == [
        "trained/.optimizer:iterations", "trained/.optimizer:learning_rate",
        *(f"trained/.optimizer/{slot}/{each}" for slot in "mv" for each in
          ("hidden:kernel", "hidden:bias", "out:kernel", "out:bias")),
        "trained/.metrics/loss:total", "trained/.metrics/loss:count",
        "trained/.metrics/mae:total", "trained/.metrics/mae:count",
    ]  # fmt: skip


# -- files of others --------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not REAL.is_dir(), reason="no folder of real files beside the checkout")
def test_what_others_wrote_is_read_whole() -> None:
    read = Counter[str]()
    for line in (REAL / "reference.jsonl").read_text("utf-8").splitlines():
        reference = json.loads(line)
        name = reference["file"]
        if "/sm-" not in name or "/variables/" not in name:
            continue
        with open_source(REAL / Path(name).parents[1]) as model:
            rows = {row.weight.key: row.weight for row in rows_of(model)}
            assert len(rows) == len(rows_of(model))
            for each in reference["tensors"]:
                if each["path"] != GRAPH:
                    assert digest(rows.pop(each["path"]).tensor.read()) == each["sha256"]
                    read[Path(name).parts[1]] += 1
            assert rows == {}
    assert read == {
        "sm-basic-pitch": 73, "sm-half-plus-two-cpu": 5, "sm-mnist-lr-tf1": 2, "sm-onnx-regression": 2,
        "sm-two-versions": 6,
    }  # fmt: skip


@pytest.mark.skipif(not REAL.is_dir(), reason="no folder of real files beside the checkout")
def test_a_model_of_keras_in_tensorflow_2_4() -> None:
    with open_source(REAL / "files/sm-basic-pitch/nmp") as model:
        layers = {each.address: each.class_name for each in weightrepl.select_layers(model, "*")}
        assert (model.names[0], layers["model_1/contours-reduced"]) == ("model_1", "Conv2D")
        found = weightrepl.select(model, "contours-reduced:kernel").one()
        assert (found.shape, found.key) == (
            (5, 5, 8, 1),
            "layer_with_weights-3/kernel/.ATTRIBUTES/VARIABLE_VALUE",
        )


@pytest.mark.skipif(not REAL.is_dir(), reason="no folder of real files beside the checkout")
def test_variables_of_tensorflow_1_tell_whether_they_are_trained() -> None:
    with open_source(REAL / "files/sm-mnist-lr-tf1") as model:
        assert model.names == ("sm-mnist-lr-tf1",)
        assert [(row.weight.name, row.weight.trainable) for row in rows_of(model)] == [
            ("W", True),
            ("b", True),
        ]


# -- ways to open it --------------------------------------------------------------------------------------------------

WAYS = ("", "saved_model.pb", "variables", "variables/variables", "variables/variables.index")


@pytest.mark.parametrize("way", WAYS)
def test_all_paths_within_open_the_same_model(way: str) -> None:
    path = ZOO / "keras3/subclass_nested/saved_model" / way
    with open_source(path) as model:
        assert (model.names, model.format) == (("larger_model", "saved_model"), "SavedModel")
        assert model.source == str(path)
        assert len(network(rows_of(model))) == 6


def test_a_folder_of_versions(tmp_path: Path) -> None:
    source = ZOO / "keras3/seq_dense/saved_model"
    shutil.copytree(source, tmp_path / "serving/00000123")
    with open_source(tmp_path / "serving") as model:
        assert model.names[0] == "seq"
    shutil.copytree(source, tmp_path / "serving/00000124")
    with pytest.raises(UnknownFormatError, match=r"2 models in it: '00000123', '00000124'.*/0000012[34]"):
        open_source(tmp_path / "serving")


@pytest.mark.parametrize(
    ("name", "told"), [("saved_model.pbtxt", "as text"), ("saved_model.cpb", "in chunks")]
)
def test_other_spellings_are_named(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / name).write_bytes(b"saved_model_schema_version: 1")
    with pytest.raises(UnknownFormatError, match=told):
        open_source(tmp_path / "m")


def copied(tmp_path: Path, case: str = "keras3/subclass_nested/saved_model") -> Path:
    """Return a copy of a SavedModel of the zoo that may be written to."""
    folder = tmp_path / "copy"
    shutil.copytree(ZOO / case, folder, copy_function=shutil.copyfile)
    return folder


def test_without_its_variables_all_are_listed_and_none_is_read(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    shutil.rmtree(folder / "variables")
    with open_source(folder) as model:
        rows = network(rows_of(model))
        assert [(row.address, row.weight.spec.shape) for row in rows[:1]] == [
            ("larger_model/custom_module/inner_dense1:kernel", (10, 12))
        ]
        assert all("variables" in row.weight.remark for row in rows)
        with pytest.raises(FormatError, match="variables"):
            rows[0].weight.tensor.read()


@pytest.mark.parametrize("case", ["keras3/trained_optimizer", "tf_keras/subclass_nested", "tf/module_tree"])
def test_without_its_values_all_are_listed_by_their_keys(tmp_path: Path, case: str) -> None:
    folder = copied(tmp_path, f"{case}/saved_model")
    with open_source(folder) as model:
        whole = {(row.address, row.weight.key) for row in network(rows_of(model))}
    (folder / "variables/variables.data-00000-of-00001").unlink()
    with open_source(folder) as model:
        rows = network(rows_of(model))
        assert {(row.address, row.weight.key) for row in rows} == whole
        with pytest.raises(SourceError, match=r"variables\.data-00000"):
            rows[0].weight.tensor.read()


def test_without_the_values_of_tensorflow_1_there_is_nothing_to_list(tmp_path: Path) -> None:
    pb = message(
        2, message(4, message(1, b"variables") + message(2, message(2, message(1, message(1, b"W:0")))))
    )
    (tmp_path / "saved_model.pb").write_bytes(pb)
    with pytest.raises(FormatError, match=r"variables/variables\.index"):
        open_source(tmp_path)


def test_a_graph_without_variables_is_an_empty_model(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(message(2, message(2, b"")))
    with open_source(tmp_path) as model:
        assert rows_of(model) == []
        assert model.root.remark == "it holds no variables"


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_listing_needs_no_library() -> None:
    code = f"""
import sys
sys.modules["numpy"] = sys.modules["h5py"] = sys.modules["tensorflow"] = None
from weightrepl.readers.registry import open_source
for folder in {[str(ZOO / "/".join(case)) for case in CASES]!r}:
    pending = [open_source(folder).root]
    for layer in pending:
        pending += layer.children
        assert all(weight.spec.shape is not None for weight in layer.weights)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
