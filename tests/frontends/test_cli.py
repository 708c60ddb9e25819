"""The command as a user has it: a process with arguments, streams, signals and an exit status."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from tests.frontends.processes import COMMAND, KERNEL, MODEL, ODD_NAMES, environment, folder, printed, ran
from tests.readers.files import write_store
from weightrepl import __version__

__all__ = ["folder"]


__all__ = ["folder"]


# ------------------------------------------------------------------ before any model is opened


def test_help_fits_a_screen_and_names_every_option():
    lines = printed("--help")
    assert len(lines) <= 23  # the prompt takes the last
    assert max(map(len, lines)) <= 80
    options = {
        "-q",
        "-f",
        "-m",
        "--layers",
        "--explain",
        "--format",
        "-o",
        "--force",
        "--labels",
        "--unfold",
        "--color",
        "--completion",
        "--allow",
    }
    assert options | {"--demo", "--version", "--help", "-h"} <= set(
        re.findall(r"(?<!\S)--?[a-z]+", "\n".join(lines))
    )
    assert printed("m.keras", "-h") == lines


def test_every_example_of_the_help_runs(folder: Path):
    for name in ("model.keras", "a.keras", "b.keras"):
        shutil.copy("m.keras", name)
    examples = [line.strip() for line in printed("--help") if line.startswith("  weightrepl")]
    assert len(examples) >= 4
    for example in examples:
        example = example.replace("encoder/", "custom_module/").replace("size > 1M", "size > 1")
        run = subprocess.run(
            example.replace("weightrepl", " ".join(COMMAND), 1), shell=True, env=environment(), check=False
        )
        assert run.returncode == 0, example


def test_version():
    assert printed("--version") == [f"weightrepl {__version__}"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("m.keras --frmat json", "error: no option --frmat, did you mean --format?; see weightrepl --help\n"),
        ("m.keras -q", "error: -q/--query: expected a value after it; see weightrepl --help\n"),
        (
            "m.keras -q a -o x.npz --layers",
            "error: --layers changes nothing with -o, which writes the weights",
        ),
        ("m.keras --force", "error: --force is for -o"),
        ("m.keras --demo", "error: --demo brings its own model and queries; --demo -o FILE.keras writes"),
        ("--demo -q **", "error: --demo brings its own model and queries"),
        ("--demo -o x.npz", "error: --demo -o writes a .keras file, and x.npz is called otherwise"),
        ("--demo -o m.keras", "error: m.keras: exists already; --force (in Python force=True) overwrites it"),
        (
            "m.keras --allow json_bytes=1G",
            "error: --allow: no limit is called 'json_bytes', did you mean json_nbytes?; see weightrepl --help",
        ),
        (
            "m.keras --allow depth=deep",
            "error: --allow: 'depth=deep' sets no limit: a whole number is expected",
        ),
        (
            "m.keras --allow depth=1.5",
            "error: --allow: 'depth=1.5' sets no limit: a whole number is expected",
        ),
        ("m.keras -q a -o x.npz --unfold", "error: --unfold changes nothing with -o"),
        ("m.keras --explain --unfold", "error: --unfold changes nothing with --explain"),
        (
            "m.keras --unfold --format csv",
            "error: --unfold is for tables and trees: --format csv never folds",
        ),
        ("m.keras -q a --explain --format json", "error: --explain is for reading, and has no --format json"),
        ("m.keras --explain", "error: --explain explains queries, and there is none\n"),
        ("m.keras -q a -q b -o x.npz", "error: -o writes what one query selects, and there are 2 queries"),
        (
            "m.keras -o x.npz",
            "error: -o writes what a query selects, and there is none: weightrepl MODEL -q QUERY",
        ),
        ("m.keras -q a -o x.foo", "error: x.foo: unknown format '.foo'; known are .npz, .npy, .safetensors"),
        ("-q a", "error: no model is given: weightrepl MODEL -q QUERY"),
        ("", "error: no model is given"),
        ("m.keras --json", "error: no option --json, did you mean --format json?"),
        ("nope.keras -q a", "error: nope.keras: no such file"),
        ("m.keras **:kernel", "error: **:kernel: no such file; a query stands behind -q"),
        ("m.keras -f nope.wq", "error: nope.wq: No such file or directory\n"),
    ],
)
def test_what_is_wrong_with_the_arguments(arguments: str, told: str):
    run = ran(*arguments.split())
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(told)
    assert os.listdir() == ["m.keras"]


def test_wrong_texts_are_told_before_a_model_is_opened():
    run = ran("nope.keras", "-q", "a:*", "-q", "a/b:kernel[", "-q", "a//b")
    assert run.returncode == 2
    assert "nope.keras" not in run.stderr
    assert run.stderr.count("  a/b:kernel[\n") == 2
    assert "  a//b\n" in run.stderr


LIGHT = {"numpy", "h5py", "dataclasses", "inspect", "json"} | {
    f"weightrepl.{room}" for room in ("engine", "readers", "model")
}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["m.keras", "-q", "a/b:kernel["]])
def test_what_needs_no_model_loads_next_to_nothing(arguments: list[str]):
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "weightrepl", *arguments],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    loaded = {
        line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time")
    }
    assert "weightrepl.frontends.cli" in loaded
    assert loaded.isdisjoint(LIGHT)


def test_a_listing_loads_neither_numpy_nor_rich():
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "weightrepl", "m.keras", "-q", "**:*", "--color", "always"],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    loaded = {
        line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time")
    }
    assert "weightrepl.readers.registry" in loaded
    assert loaded.isdisjoint({"numpy", "h5py", "ml_dtypes", "safetensors"})


# ------------------------------------------------------------------ answers


def test_without_a_query_there_is_the_tree():
    assert printed("m.keras") == [
        "larger_model          LargerModel   272  1.1 kB",
        "├── custom_module     CustomModule  236   944 B",
        "│   ├── inner_dense1  Dense         132   528 B  kernel (10, 12)  bias (12,)",
        "│   └── inner_dense2  Dense         104   416 B  kernel (12, 8)  bias (8,)",
        "└── outer_dense       Dense          36   144 B  kernel (8, 4)  bias (4,)",
        "5 layers · 6 weights · 272 params · 1.1 kB",
    ]
    assert printed("m.keras", "-m", "custom_module", "--format", "paths") == [
        "larger_model/custom_module",
        "larger_model/custom_module/inner_dense1",
        "larger_model/custom_module/inner_dense2",
    ]


def test_a_query_gives_a_table_without_totals_in_a_pipe():
    assert printed("m.keras", "-q", "larger_model/custom_module/*dense1:kernel") == [
        "address                                         shape     dtype    bytes",
        f"{KERNEL}  (10, 12)  float32  480 B",
    ]


def test_several_queries_are_answered_in_turn_each_under_its_text():
    assert printed("-q", "outer_dense:bias | show address", "m.keras", "-q", "** | count") == [
        "outer_dense:bias | show address",
        "address",
        "larger_model/outer_dense:bias",
        "",
        "** | count",
        "5",
    ]


def test_layers_are_asked_for():
    arguments = ("--layers", "--format", "paths")
    assert printed("m.keras", "-q", "**:kernel | head 2", *arguments) == [
        "larger_model/custom_module/inner_dense1",
        "larger_model/custom_module/inner_dense2",
    ]


def test_paths_start_at_the_location():
    assert printed("m.keras", "-m", "larger_model/custom_module", "-q", "*1:kernel", "--format", "paths") == [
        KERNEL
    ]
    run = ran("m.keras", "-m", "*", "-q", "*:*")
    assert run.returncode == 2
    assert run.stderr == (
        "error[not-a-location]: a location is one layer, and this selects 2\n"
        "  *\n  ~\n  one of 'larger_model/custom_module', 'larger_model/outer_dense'\n"
    )


def test_models_are_named_on_the_way():
    shutil.copy("m.keras", "a=b.keras")
    both = printed("x=m.keras", "a=b.keras", "-q", "/*/outer_dense:bias", "--format", "paths")
    assert both == ["x/outer_dense:bias", "a\\=b/outer_dense:bias"]


def test_an_explanation_is_given_of_wrong_queries_too():
    assert printed("m.keras", "-q", "custom_modul:*", "--explain") == [
        "custom_modul:*",
        "└── custom_modul  0 layers  nearest: custom_module",
        "error[no-such-layer]: no layer 'custom_modul' in larger_model",
        "  custom_modul:*",
        "  ~~~~~~~~~~~~",
        "  did you mean 'custom_module'?",
    ]


def test_json_is_as_its_schema_says():
    run = ran("m.keras", "-q", "**:kernel", "-q", "nope", "--format", "json")
    assert run.returncode == 2
    found = json.loads(run.stdout)
    jsonschema.validate(
        found, json.loads((files("weightrepl") / "render" / "schema.json").read_text("utf-8"))
    )
    assert [result["kind"] for result in found["results"]] == ["weights", "error"]
    assert found["results"][0]["rows"][0]["shape"] == [10, 12]


def test_odd_names_reach_no_terminal_as_they_are():
    (path,) = ODD_NAMES.glob("*.keras")
    for format in ("table", "tree", "json", "jsonl", "csv", "paths"):
        run = ran(str(path), "-q", "**:* | show address, layer, name", "--format", format, "--color", "never")
        assert run.returncode == 0
        assert all(line.isprintable() for line in run.stdout.split("\n"))
        assert "emoji🙂" in run.stdout


def test_a_stream_that_can_not_show_everything_gets_escapes():
    run = ran("m.keras", PYTHONIOENCODING="ascii")
    assert run.stdout.splitlines()[1].startswith("|-- custom_module")
    assert "\\xb7" in run.stdout.splitlines()[-1]


# ------------------------------------------------------------------ exit status and standard error


@pytest.mark.parametrize(
    ("queries", "status"),
    [
        (["**:kernel"], 0),
        (["zz*:*"], 1),
        (["zz*:*", "**:kernel"], 0),
        (["**:* | where size > 1000"], 1),
        (["zz* | count"], 1),
        (["** | count"], 0),
        (["nope:*"], 2),
        (["nope:*", "**:kernel"], 2),
    ],
)
def test_the_exit_status_is_greps(queries: list[str], status: int):
    run = ran("m.keras", *(part for query in queries for part in ("-q", query)))
    assert run.returncode == status
    assert ("larger_model/outer_dense:kernel" in run.stdout) == ("**:kernel" in queries)


def test_errors_have_a_picture_on_standard_error():
    told = (
        "error[no-such-layer]: no layer 'custom_modul' in larger_model\n"
        "  larger_model/custom_modul/*dense1:kernel\n"
        "               ~~~~~~~~~~~~\n"
        "  did you mean 'custom_module'?\n"
    )
    assert printed("m.keras", "-q", "larger_model/custom_modul/*dense1:kernel", status=2, told=told) == []


def test_a_damaged_file_is_named(folder: Path):
    (folder / "cut.keras").write_bytes(MODEL.read_bytes()[:5000])
    run = ran("cut.keras")
    assert run.returncode == 2
    assert re.fullmatch(r"error: cut\.keras: .*\n", run.stderr)


# ------------------------------------------------------------------ runs of alike layers


def stack_of_blocks() -> None:
    """Write s.weights.h5, three layers alike."""
    kernel = [np.zeros((2, 2), "f4"), np.zeros(2, "f4")]
    write_store(
        "s.weights.h5", {f"layers/{name}": (name, kernel) for name in ("dense", "dense_1", "dense_2")}
    )


def test_alike_layers_are_one_row_for_people(folder: Path):
    stack_of_blocks()
    table = [
        "address                   ×  shape   dtype    bytes",
        "s/dense{,_{1..2}}:kernel  3  (2, 2)  float32   16 B",
    ]
    assert printed("s.weights.h5", "-q", "**:kernel") == table
    assert printed("s.weights.h5", "-q", "s/dense{,_{1..2}}:kernel") == table
    assert len(printed("s.weights.h5", "-q", "**:kernel", "--unfold")) == 1 + 3
    assert len(printed("s.weights.h5", "-q", "**:kernel", "--format", "paths")) == 3
    assert printed("s.weights.h5")[1].split("  ")[0] == "└── dense{,_{1..2}}"
    assert len(printed("s.weights.h5", "--unfold")) == 1 + 3 + 1
    assert len(printed("s.weights.h5", "--unfold", "-m", "s")) == 1 + 3
