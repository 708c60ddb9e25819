"""SavedModel folders that TensorFlow and Keras wrote: names, shapes, dtypes and bytes are those of the live model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import weightrepl
from tests.readers.files import REAL, ZOO, Row, oracle_of, rows_of, sha
from weightrepl.errors import FormatError, SourceError, UnknownFormatError, UnsafeFileError
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
    return row.path, weight.name, weight.spec.shape, weight.spec.dtype, sha(weight.tensor.read())


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
        copies = sorted(sha(each.tensor.read()) for each in aside)
        assert copies == sorted(sha(row.weight.tensor.read()) for row in network(rows_of(model)))


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
                    assert sha(rows.pop(each["path"]).tensor.read()) == each["sha256"]
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


# -- what is wrong ----------------------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    low, rest = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])


def message(number: int, content: bytes) -> bytes:
    """Return a field of a protocol buffer that holds bytes, or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def write_objects(folder: Path, *objects: bytes) -> Path:
    """Write a SavedModel with a graph of objects and no variables."""
    graph = b"".join(message(1, each) for each in objects)
    (folder / "saved_model.pb").write_bytes(message(2, message(7, graph)))
    return folder


def child(name: str, of: int) -> bytes:
    return message(1, number(1, of) + message(2, name.encode()))


KIND = message(4, message(1, b"_generic_user_object"))
VARIABLE = message(7, number(1, 1) + number(3, 1) + message(6, b"v"))


def test_objects_that_are_not_there(tmp_path: Path) -> None:
    for far in (7, (1 << 64) - 1):
        with pytest.raises(FormatError, match="refers to one that is not there"):
            open_source(write_objects(tmp_path, child("a", far) + KIND))


def test_circles_are_left(tmp_path: Path) -> None:
    write_objects(
        tmp_path, child("a", 1) + KIND, child("b", 0) + child("c", 1) + child("v", 2) + KIND, VARIABLE
    )
    with open_source(tmp_path) as model:
        assert [row.path[1:] for row in rows_of(model)] == [("a",)]


def test_objects_nested_too_deep(tmp_path: Path) -> None:
    chain = [child("a", i + 1) + KIND for i in range(300)]
    with pytest.raises(UnsafeFileError, match="depth is limited to 200"):
        rows_of(open_source(write_objects(tmp_path, *chain, VARIABLE)))
    with open_source(tmp_path, limits=weightrepl.Limits(depth=400)) as model:
        assert len(rows_of(model)[0].path) == 300


def test_too_many_objects(tmp_path: Path) -> None:
    write_objects(tmp_path, *[KIND] * 30)
    with pytest.raises(UnsafeFileError, match="graph_nodes is limited to 20"):
        open_source(tmp_path, limits=weightrepl.Limits(graph_nodes=20))
    with pytest.raises(UnsafeFileError, match="graph_nbytes is limited to 20"):
        open_source(tmp_path, limits=weightrepl.Limits(graph_nbytes=20))


def write_function(folder: Path, reads: dict[str, int], *objects: bytes) -> Path:
    """Write a SavedModel with one signature, which reads variables. reads: operations, and the objects they read."""
    signature = message(1, b"f") + b"".join(message(2, message(1, b"a%d" % i)) for i in range(len(reads)))
    nodes = (
        message(3, message(1, name.encode()) + message(2, b"ReadVariableOp") + message(3, b"a%d" % i))
        for i, name in enumerate(reads)
    )
    captured = message(1, b"f") + message(2, message(2, b"".join(map(varint, reads.values()))))
    graph = b"".join(message(1, each) for each in objects) + message(2, captured)
    library = message(2, message(1, message(1, signature) + b"".join(nodes)))
    (folder / "saved_model.pb").write_bytes(message(2, message(2, library) + message(7, graph)))
    return folder


def traced(of: int) -> bytes:
    """A layer whose call was traced as `f`, which is object `of`."""
    return child("__call__", of) + KIND


def named_variable(name: str) -> bytes:
    return message(7, number(1, 1) + number(3, 1) + message(6, name.encode()))


F = message(6, message(1, b"f"))


def test_scopes_name_layers(tmp_path: Path) -> None:
    objects = (child("x", 1) + traced(3), child("v", 2) + KIND, named_variable("m/v"), F)
    with open_source(write_function(tmp_path, {"m_1/dense_1/Cast/ReadVariableOp": 2}, *objects)) as model:
        assert [row.address for row in rows_of(model)] == ["m/dense:v"]


def test_scopes_that_two_functions_tell_otherwise_name_none(tmp_path: Path) -> None:
    objects = (child("x", 1) + traced(3), child("v", 2) + KIND, named_variable("m/v"), F)
    reads = {"m_1/dense_1/Cast/ReadVariableOp": 2, "m_1/other_1/Cast/ReadVariableOp": 2}
    with open_source(write_function(tmp_path, reads, *objects)) as model:
        assert [row.address for row in rows_of(model)] == ["m/x:v"]


def test_objects_held_on_countless_ways(tmp_path: Path) -> None:
    levels = [child("a", i + 1) + child("b", i + 1) + KIND for i in range(60)]
    levels[0] += child("__call__", 61)
    write_function(tmp_path, {"m_1/" * 61 + "ReadVariableOp": 60}, *levels, named_variable("m/v"), F)
    with open_source(tmp_path) as model:
        assert len(weightrepl.select(model, "**:*")) == 1


def test_a_function_that_countless_objects_share(tmp_path: Path) -> None:
    many = [child("v", 3001) + child("__call__", 3002) + KIND for _ in range(3000)]
    root = b"".join(child(f"o{i}", i + 1) for i in range(3000)) + KIND
    reads = {f"m_{i}/d_{i}/ReadVariableOp": 3001 for i in range(1, 2000)}
    with open_source(write_function(tmp_path, reads, root, *many, named_variable("m/d/v"), F)) as model:
        assert len(weightrepl.select(model, "**:*")) == 1


def test_scopes_of_countless_levels(tmp_path: Path) -> None:
    reads = {f"{'a_1/' * 900}{i}": 1 for i in range(50)}
    with open_source(write_function(tmp_path, reads, child("v", 1) + traced(2), VARIABLE, F)) as model:
        assert [row.weight.name for row in rows_of(model)] == ["v"]
    with pytest.raises(UnsafeFileError, match="bytes of scopes, and graph_nbytes is limited to 10,000"):
        open_source(tmp_path, limits=weightrepl.Limits(graph_nbytes=10_000))


def test_text_in_names_stays_text(tmp_path: Path) -> None:
    odd = message(1, number(1, 1) + message(2, b"\xff\x1b[2J/.."))
    with open_source(write_objects(tmp_path, odd + KIND, VARIABLE)) as model:
        (row,) = rows_of(model)
        assert row.weight.name == "\udcff\x1b[2J/.."


@pytest.mark.parametrize("text", [b"{", b"\xff", b"[" * 100_000, b'{"name": "a", "name": "b"}'])
def test_metadata_of_keras_that_is_no_json(tmp_path: Path, text: bytes) -> None:
    folder = copied(tmp_path, "tf_keras/seq_dense/saved_model")
    (folder / "keras_metadata.pb").write_bytes(message(1, number(2, 0) + message(5, text)))
    with pytest.raises(FormatError, match=r"keras_metadata\.pb"):
        open_source(folder)


@pytest.mark.parametrize("text", [b"[]", b'{"name": 7}', b'{"name": "x", "class_name": {}}', b"null"])
def test_metadata_of_keras_that_says_nothing(tmp_path: Path, text: bytes) -> None:
    folder = copied(tmp_path, "tf_keras/seq_dense/saved_model")
    (folder / "keras_metadata.pb").write_bytes(
        message(1, number(2, 0) + message(5, text))
        + message(1, number(2, 1 << 40) + message(5, b'{"name": "y"}'))
    )
    with open_source(folder) as model:
        assert len(network(rows_of(model))) == 8


@pytest.mark.parametrize("linked", ["variables", "saved_model.pb", "variables/variables.index"])
def test_links_that_lead_out_are_refused(tmp_path: Path, linked: str) -> None:
    folder = copied(tmp_path)
    (folder / linked).rename(tmp_path / "elsewhere")
    (folder / linked).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFileError, match="leads out of the folder"):
        open_source(folder)


@pytest.mark.parametrize("step", [211, 97])
def test_damaged_graphs_end_in_a_named_error_or_a_model(tmp_path: Path, step: int) -> None:
    folder = copied(tmp_path, "keras3/dup_names_same_parent/saved_model")
    whole = (folder / "saved_model.pb").read_bytes()
    for at in range(0, len(whole), step):
        for damaged in (whole[:at], whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]):
            (folder / "saved_model.pb").write_bytes(damaged)
            try:
                with open_source(folder) as model:
                    rows_of(model)
            except SourceError:
                pass


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_constants_are_skipped_however_large(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    folder = copied(tmp_path)
    whole = (folder / "saved_model.pb").read_bytes()
    huge = 1 << 31  # of a hole in the file, which takes no room
    node = message(1, b"const") + message(2, b"Const")
    attribute = varint(5 << 3 | 2) + varint(huge)
    graph = varint(1 << 3 | 2) + varint(len(node) + len(attribute) + huge) + node + attribute
    meta = varint(2 << 3 | 2) + varint(len(graph) + huge) + graph
    with (folder / "saved_model.pb").open("wb") as file:
        file.write(varint(2 << 3 | 2) + varint(len(meta) + huge) + meta)
        file.seek(huge, os.SEEK_CUR)
        file.write(whole)
    code = f"""
import resource, weightrepl
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
assert len(weightrepl.open({str(folder)!r})["**:*"]) == 6
"""
    subprocess.run([sys.executable, "-c", code], check=True)


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
