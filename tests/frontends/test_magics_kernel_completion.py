"""Completion and Shift-Tab of %weights and %layers, over the protocol of a real kernel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel import Kernel

SETUP = """
%load_ext weightrepl
import weightrepl
model = weightrepl.open(weightrepl.demo_path())
outer, outer_dense_of_mine, where = 1, 2, 3
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel(tmp_path_factory.mktemp("kernel")) as kernel:
        kernel.ok(SETUP)
        yield kernel


@pytest.mark.parametrize(
    ("query", "becomes", "detail"),
    [
        ("lar|", "larger_model", "params"),
        ("larger_model/cus|", "larger_model/custom_module", "4 weights · 236 params"),
        ("larger_model/|", "larger_model/custom_module", "CustomModule"),
        ("**/*dense1:|", "**/*dense1:kernel", "float32 (10, 12)"),
        ("**/*dense1:k|", "**/*dense1:kernel", "float32 (10, 12)"),
        ("{custom_module,ou|", "{custom_module,outer_dense", "Dense"),
        ("{custom_module, ou|", "{custom_module, outer_dense", "Dense"),
        ("outer_dense:kernel[|", "outer_dense:kernel[:", "axis 0"),
        ("outer_dense:kernel[-1, |", "outer_dense:kernel[-1, :", "axis 1"),
        ("'outer|", "'outer_dense'", "Dense"),
        ('"outer|', '"outer_dense"', "Dense"),
        ("outer_dense:*, cus|", "outer_dense:*, custom_module", "CustomModule"),
        ("!cus|", "!custom_module", "CustomModule"),
        ("**:* | wh|", "**:* | where", "rows"),
        ("**:* | where si|", "**:* | where size", "number of values"),
        ("outer_dense:kernel | so|", "outer_dense:kernel | sort", "order"),
        ("larger_model/cus|tom_module:kernel", "larger_model/custom_module:kernel", "CustomModule"),
        ("-m model outer_dense:k|", "-m model outer_dense:kernel", "float32 (8, 4)"),
        ("--limit 3 cus|", "--limit 3 custom_module", "CustomModule"),
    ],
)
def test_what_may_come_next(kernel, query, becomes, detail):
    for before, after in (
        ("%weights ", ""),
        ("k = %weights ", ""),
        ("x = 1\nif x:\n    k = %weights ", "\nprint(x)\n"),
        ("%%weights\n**:kernel\n", "\n"),
    ):
        if before.startswith("%%") and query.startswith("-"):
            continue
        completed = kernel.complete(before + query + after)
        assert completed.matches, before
        assert completed.with_match(0) == before + becomes + after
        assert detail in completed.kinds[0], before


def test_layers_are_completed_as_layers(kernel):
    completed = kernel.complete("%layers custom_module/inner|")
    assert completed.with_match(0) == "%layers custom_module/inner_dense1"


def test_the_best_is_first_and_no_name_of_python_between(kernel):
    completed = kernel.complete("%weights ou|")
    assert completed.with_match(0) == "%weights outer_dense"
    assert not {"outer", "outer_dense_of_mine"} & {*completed.matches}
    many = kernel.complete("%weights **/inner_dense|")
    assert [kind for kind in many.kinds if kind in ("<unknown>", "path", "instance", "magic")] == []


@pytest.mark.parametrize("cell", ["oute|", "x = oute|", "%weights **:kernel\noute|", "k = 1; oute|"])
def test_other_lines_are_ipythons_alone(kernel, cell):
    completed = kernel.complete(cell)
    assert "outer_dense_of_mine" in {match.rpartition(" ")[2] for match in completed.matches}
    assert "outer_dense" not in completed.matches


def test_nothing_is_offered_where_nothing_can_follow(kernel):
    assert kernel.complete("%weights outer_dense:kernel[0, 0] zzz|").matches == ()


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("%weights --li|", "--limit"),
        ("%weights --|", "--format"),
        ("%layers -m mo|", "model"),
        ("%weights -f js|", "json"),
        ("%weights --format pa|", "paths"),
        ("%%weights --no|\n**:kernel", "--no-stats"),
    ],
)
def test_options_and_their_values(kernel, cell, expected):
    completed = kernel.complete(cell)
    assert any(
        completed.with_match(n).split("\n")[0].split()[-1].endswith(expected)
        for n in range(len(completed.matches))
    )


def test_the_names_of_the_magics_themselves(kernel):
    assert "%weights" in kernel.complete("%weig|").matches
    assert "%%weights" in kernel.complete("%%weig|").matches


def test_completion_sees_the_namespace_of_now(kernel):
    kernel.ok("renamed = weightrepl.open(weightrepl.demo_path())")
    try:
        assert kernel.complete("%weights rena|").with_match(0) == "%weights renamed"
    finally:
        kernel.ok("del renamed")
    assert "renamed" not in kernel.complete("%weights rena|").matches


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("%weights outer_dense:ker|nel", ["kernel", "(8, 4)", "float32"]),
        ("%weights custom_|module/*dense1:kernel", ["custom_module", "CustomModule"]),
        ("%weights **:* | whe|re size > 1", ["where"]),
        ("k = %layers outer_d|ense", ["Dense"]),
        ("x = 1\n%weights outer_dense:b|ias\nx", ["bias", "(4,)"]),
        ("%%weights\n**:kernel\nouter_dense:b|ias", ["bias", "(4,)"]),
    ],
)
def test_shift_tab_tells_what_stands_there(kernel, cell, shown):
    text = kernel.inspect(cell)
    assert [each for each in shown if each not in text] == []


def test_shift_tab_elsewhere_is_ipythons(kernel):
    assert "abs(" in kernel.inspect("ab|s(1)")
    assert "--limit" in kernel.inspect("%wei|ghts **:kernel")
