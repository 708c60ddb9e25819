"""Queries out of files, and files that the command writes."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from safetensors import safe_open

from tests.frontends.processes import KERNEL, MODEL, folder, printed, ran

__all__ = ["folder"]


def test_queries_come_from_standard_input():
    given = "# two of them\n**:kernel\n    | head 1\n\n** | count\n"
    assert printed("m.keras", "--format", "csv", given=given)[1:] == [
        f'{KERNEL},"(10, 12)",float32,480',
        "",
        "count",
        "5",
    ]
    assert printed("-f", "-", "m.keras", "--format", "paths", given="*:bias") == [
        "larger_model/outer_dense:bias"
    ]
    assert (
        printed(
            "m.keras", given="", status=2, told="error: there is no query to answer; see weightrepl --help\n"
        )
        == []
    )


CHECKS = """\
#: open base = m.keras
#: let kernels = **:kernel

#: expect some
$kernels | count
#: expect none
base/**:*
  | where size > 1000
"""


def test_a_query_file_opens_names_and_expects(folder: Path):
    (folder / "sub").mkdir()
    shutil.move("m.keras", "sub/m.keras")
    Path("sub/checks.wq").write_text(CHECKS)
    assert printed("-f", "sub/checks.wq", "--format", "jsonl") == [
        '{"version": 1, "query": "$kernels | count", "count": 3}'
    ]
    both = printed("-f", "sub/checks.wq", "-q", "$kernels | head 1 | show name", "--format", "tsv")
    assert both[-2:] == ["name", "kernel"]


def test_an_expectation_that_does_not_hold_is_told_with_its_line():
    Path("checks.wq").write_text(
        CHECKS.replace("1000", "100") + "#: expect some\nbase/**:* | where size < 1\n"
    )
    told = "checks.wq:7: expected none, found 1\nchecks.wq:10: expected some, found 0\n"
    printed("-f", "checks.wq", status=1, told=told)


def test_an_error_in_a_query_file_is_shown_where_it_stands():
    Path("checks.wq").write_text("# first\n**:kernel\n  | where\n    siz > 1\n")
    told = "checks.wq:4:5: error[no-such-column]: no column 'siz'\n      siz > 1\n      ~~~\n  did you mean 'size'?\n"
    run = ran("m.keras", "-f", "checks.wq")
    assert (run.returncode, run.stderr) == (2, told)


def test_a_syntax_error_in_a_query_file_is_told_before_models_are_opened():
    Path("checks.wq").write_text("#: open nope.keras\n\nb//a\n")
    run = ran("-f", "checks.wq")
    assert run.returncode == 2
    assert run.stderr.startswith("checks.wq:3:")
    assert "\n  b//a\n" in run.stderr
    assert "nope" not in run.stderr


def test_what_is_no_query_file_is_told():
    told = "error: m.keras: byte 4096: is not UTF-8 text, so no query file\n"
    run = ran("-f", "m.keras")
    assert run.returncode == 2
    assert re.sub(r"byte \d+", "byte 4096", run.stderr) == told


def expected(address: str) -> np.ndarray:
    from weightrepl import open, select

    with open(MODEL) as model:
        return select(model, address).one().numpy()


def test_weights_are_written_and_read_back_by_each_library():
    for name in ("out.npz", "out.h5", "out.safetensors"):
        assert printed("m.keras", "-q", "**:kernel", "-o", name) == []
    with np.load("out.npz") as npz, h5py.File("out.h5") as h5, safe_open("out.safetensors", "np") as tensors:
        assert len(npz.files) == len(tensors.keys()) == 3
        for values in (npz[KERNEL], h5[KERNEL][()], tensors.get_tensor(KERNEL)):
            assert np.array_equal(values, expected(KERNEL))
    for name in ("out.npy", "out.csv", "out.tsv"):
        assert printed("m.keras", "-q", f"{KERNEL}[:2]", "-o", name) == []
    for values in (
        np.load("out.npy"),
        np.loadtxt("out.csv", delimiter=","),
        np.loadtxt("out.tsv", delimiter="\t"),
    ):
        assert np.array_equal(values.astype("f4"), expected(KERNEL)[:2])


def test_a_layer_means_its_weights_and_a_group_its_table():
    printed("m.keras", "-q", "custom_module", "-o", "out.npz")
    with np.load("out.npz") as npz:
        assert len(npz.files) == 4
    printed("m.keras", "-q", "**:* | group name", "-o", "out.csv")
    assert Path("out.csv").read_text() == "name,weights,params,bytes\nkernel,3,248,992\nbias,3,24,96\n"


@pytest.mark.parametrize(
    ("query", "out", "status", "told"),
    [
        ("**:kernel", "out.npy", 2, "error: out.npy: holds exactly one weight, and 3 are selected"),
        ("**:kernel", "no/out.npz", 2, "error: no/out.npz: there is no folder no"),
        ("**:kernel", "m.npz", 2, "error: m.npz: exists already; --force"),
        (
            "**:kernel | count",
            "out.npz",
            2,
            "error: -o writes weights or a table, and this query gives a number",
        ),
        (
            "**:kernel | group name",
            "out.npz",
            2,
            "error: out.npz: this result is a table, which goes to .csv",
        ),
        ("nope:kernel", "out.npz", 2, "error[no-such-layer]: no layer 'nope'"),
        ("zz*:kernel", "out.npz", 1, "note[no-match]: nothing matches 'zz*'"),
    ],
)
def test_what_can_not_be_written_leaves_nothing(query: str, out: str, status: int, told: str, folder: Path):
    (folder / "m.npz").write_text("precious")
    run = ran("m.keras", "-q", query, "-o", out)
    assert (run.returncode, run.stdout) == (status, "")
    assert run.stderr.startswith(told)
    assert sorted(os.listdir()) == ["m.keras", "m.npz"]
    assert (folder / "m.npz").read_text() == "precious"


def test_force_overwrites(folder: Path):
    (folder / "out.npy").write_text("old")
    printed("m.keras", "-q", KERNEL, "-o", "out.npy", "--force")
    assert np.array_equal(np.load("out.npy"), expected(KERNEL))
