"""Checkpoints by every path that means one, and how many names of the zoo's models they tell."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.readers.files import ZOO, layers_of, oracle_of, rows_of
from tests.zoo_maker.values import digest
from weightrepl.errors import FormatError, SourceError, UnknownFormatError, UnsafeFileError
from weightrepl.readers.checkpoint_files import is_checkpoint
from weightrepl.readers.registry import open_source

NESTED = ZOO / "keras3" / "subclass_nested" / "ckpt"
V1 = ZOO / "tf" / "saver_v1_graph" / "v1"


def addresses(path: Path | str) -> list[str]:
    with open_source(path) as model:
        return [row.address for row in rows_of(model)]


# -- which checkpoint a path means ------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a checkpoint `ck-1`, and the `checkpoint` file that names it."""
    shutil.copytree(NESTED, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["ck-1", "ck-1.index", "ck-1.data-00000-of-00001", "checkpoint", "."])
def test_each_of_its_files_and_its_folder_mean_a_checkpoint(folder: Path, name: str) -> None:
    with open_source(folder / name) as model:
        assert (model.format, model.names[:3]) == ("TensorFlow checkpoint", ("larger_model", "model", "ck-1"))
        assert len(rows_of(model)) == 7


def test_the_file_beside_a_moved_checkpoint_file_is_the_one_it_means(folder: Path) -> None:
    (folder / "checkpoint").write_text('model_checkpoint_path: "/gone/runs/ck-1"\n')
    assert addresses(folder / "checkpoint") == addresses(folder / "ck-1")


def test_a_checkpoint_elsewhere_is_named_and_not_looked_into(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(NESTED, other)
    (other / "ck-1.index").rename(other / "mine.index")
    for named in (str(other / "mine"), "../other/mine"):
        (folder / "checkpoint").write_text(f'model_checkpoint_path: "{named}"\n')
        with pytest.raises(UnsafeFileError, match=r"lies elsewhere; open that: .*other/mine"):
            open_source(folder / "checkpoint")


def test_a_checkpoint_below_the_folder_is_the_one_it_means(folder: Path) -> None:
    shutil.copytree(NESTED, folder / "best")
    (folder / "checkpoint").write_text('model_checkpoint_path: "best/ck-1"\n')
    for file in folder.glob("ck-1.*"):
        file.unlink()
    assert addresses(folder) == addresses(NESTED / "ck-1")


def test_a_latest_checkpoint_that_is_gone_is_told_with_those_that_are_there(folder: Path) -> None:
    (folder / "checkpoint").write_text('model_checkpoint_path: "ck-7"\nall_model_checkpoint_paths: "ck-1"\n')
    with pytest.raises(SourceError, match=f"'ck-7', is not there; beside it: {folder}/ck-1$"):
        open_source(folder)


@pytest.mark.parametrize(
    "text", ['model_checkpoint_path: "ck-', 'model_checkpoint_path: ""', 'model_checkpoint_path: "a/"']
)
def test_a_checkpoint_file_that_names_none_is_refused(folder: Path, text: str) -> None:
    (folder / "checkpoint").write_text(text)
    with pytest.raises((FormatError, UnknownFormatError)):
        open_source(folder / "checkpoint")


def test_escapes_in_a_checkpoint_file_are_those_of_protocol_buffers(tmp_path: Path) -> None:
    for file in NESTED.glob("ck-1.*"):
        shutil.copy(file, tmp_path / file.name.replace("ck-1", 'ü "1"'))
    (tmp_path / "checkpoint").write_text(r'model_checkpoint_path: "\303\xbc \"1\""')
    assert addresses(tmp_path / "checkpoint") == addresses(NESTED / "ck-1")


def test_values_without_their_index_are_no_checkpoint(folder: Path) -> None:
    (folder / "ck-1.index").unlink()
    assert not is_checkpoint(str(folder / "ck-1.data-00000-of-00001"), b"x")
    assert not is_checkpoint(str(folder / "ck-1"), b"")


def test_a_file_of_the_first_version_and_its_shards_mean_it(tmp_path: Path) -> None:
    assert addresses(V1 / "model.ckpt") == addresses(V1 / "checkpoint")
    shutil.copy(V1 / "model.ckpt", tmp_path / "m-00000-of-00001")
    assert addresses(tmp_path / "m") == addresses(tmp_path / "m-00000-of-00001")
    assert addresses(tmp_path / "m") == [
        each.replace("model.ckpt", "m") for each in addresses(V1 / "model.ckpt")
    ]


def test_a_checkpoint_without_its_checkpoint_file_is_opened_by_the_folder(folder: Path) -> None:
    (folder / "checkpoint").unlink()
    assert len(addresses(folder)) == 7
    shutil.copy(folder / "ck-1.index", folder / "ck-2.index")
    with pytest.raises(SourceError, match=r"ck-1.*ck-2"):
        open_source(folder)


def test_an_empty_file_and_a_stranger_are_none(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert not is_checkpoint(str(tmp_path / "empty"), b"")
    assert not is_checkpoint(os.path.join(tmp_path, "gone"), b"")
    (tmp_path / "text").write_text("model_checkpoint: no")
    assert not is_checkpoint(str(tmp_path / "text"), b"model_checkpoint: no")


# -- names ------------------------------------------------------------------------------------------------------------

SHARES = {"keras3": (135, 135, 125, 107), "tf_keras": (96, 96, 84, 84), "tf": (27, 27, 27, 27)}
"""Of the weights in the zoo's checkpoints: how many; names of their own, owners and whole addresses as in the model."""


def checkpoints() -> list[tuple[str, str, str, dict[str, Any]]]:
    """The zoo's checkpoints of objects: part, case, kind of file, and the oracle."""
    found = []
    for path in sorted(ZOO.glob("*/*/oracle.json")):
        oracle = oracle_of(path.parent.name, path.parts[-3])
        kinds = [kind for kind in ("ckpt", "ckpt_root", "weights_tf") if kind in oracle["files"]]
        found += [(path.parts[-3], path.parent.name, kind, oracle) for kind in kinds]
    return found


def measured(part: str, case: str, kind: str, oracle: dict[str, Any]) -> Counter[str]:
    """Of one checkpoint's weights: how many names are exact, how many are a fallback, and how many wrong."""
    told: Counter[str] = Counter()
    recorded = oracle["files"][kind]
    with open_source(ZOO / part / case / recorded["path"]) as model:
        for row in rows_of(model):
            ways = [each for each in oracle["weights"] if each["var_id"] == recorded["keys"][row.weight.key]]
            if row.is_system or not ways:
                continue
            assert digest(row.weight.tensor.read()) == ways[0]["sha256"]
            names = [(tuple(each["layer_path"][1:]), each["name"]) for each in ways]
            told["all"] += 1
            told["own"] += any(row.weight.name == name for _, name in names)
            told["owner"] += any(row.path[1:][-1:] == path[-1:] for path, _ in names)
            told["whole"] += (row.path[1:], row.weight.name) in names
            told["wrong"] += bool(wrong_names(row, names))
    return told


def wrong_names(row: Any, names: list[tuple[tuple[str, ...], str]]) -> set[str]:
    """The names on the way to a weight that are neither attributes nor names of layers on a way in the live model."""
    attributes = {step for layer in row.way for way in layer.attributes or () for step in way.split(".")}
    layers = {name for path, _ in names for name in path}
    wrong = {layer.name for layer in row.way[1:]} - attributes - layers
    owner = row.way[-1]
    last = {(owner.attributes or ("",))[0].rpartition(".")[2], *(path[-1] for path, _ in names if path)}
    return wrong | ({owner.name} - last if len(row.way) > 1 else set())


def test_shares_of_exact_names_and_no_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    sums: dict[str, Counter[str]] = {}
    for part, case, kind, oracle in checkpoints():
        sums.setdefault(part, Counter()).update(measured(part, case, kind, oracle))
    with capsys.disabled():
        for part, told in sums.items():
            shares = ", ".join(
                f"{key} {told[key]}/{told['all']}" for key in ("own", "owner", "whole", "wrong")
            )
            print(f"\ncheckpoints of {part}: {shares}", end="")
    assert {part: told["wrong"] for part, told in sums.items()} == dict.fromkeys(SHARES, 0)
    assert {p: (t["all"], t["own"], t["owner"], t["whole"]) for p, t in sums.items()} == SHARES


def test_attributes_answer_where_names_are_recorded() -> None:
    with open_source(ZOO / "tf_keras" / "trained_optimizer" / "weights_tf" / "w") as model:
        attributes = {path[-1]: layer.attributes for path, layer in layers_of(model)}
    assert attributes["hidden"] == ("layer_with_weights-0", "layer-1", "layers.1")
    with open_source(ZOO / "tf_keras" / "subclass_nested" / "ckpt" / "ck-1") as model:
        attributes = {path[-1]: layer.attributes for path, layer in layers_of(model)}
    assert (attributes["in_list"], attributes["custom_module"]) == (("many.0",), ("module",))


def test_slots_and_bookkeeping_hang_beside_the_network() -> None:
    with open_source(ZOO / "keras3" / "trained_optimizer" / "ckpt" / "ck-1") as model:
        beside = [row.address for row in rows_of(model) if row.is_system]
    layers = ("hidden:kernel", "hidden:bias", "out:kernel", "out:bias")
    assert beside == [
        "model/.optimizer:iterations",
        "model/.optimizer:learning_rate",
        *(f"model/.optimizer/{slot}/{each}" for slot in ("momentum", "velocity") for each in layers),
        "model/.state:save_counter",
    ]


def test_keys_with_escapes_are_names_without() -> None:
    with open_source(ZOO / "tf" / "escaped_keys" / "ck") as model:
        found = {row.weight.name: row.weight.key for row in rows_of(model)}
    assert found["a/b"] == "a.Sb/.ATTRIBUTES/VARIABLE_VALUE"
    assert found[".ATTRIBUTES"] == "..ATTRIBUTES/.ATTRIBUTES/VARIABLE_VALUE"
