"""SavedModels that are damaged, nested without end, or say what is not so; large ones are listed at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import weightrepl
from tests.readers.files import rows_of
from tests.readers.saved_model_files import (
    KIND,
    VARIABLE,
    F,
    child,
    named_variable,
    traced,
    write_function,
    write_objects,
)
from tests.readers.tensor_files import message, number, varint
from tests.readers.test_saved_model import copied, network
from weightrepl.errors import FormatError, SourceError, UnsafeFileError
from weightrepl.readers.registry import open_source


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


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux can")
def test_constants_are_skipped_however_large(tmp_path: Path) -> None:
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
