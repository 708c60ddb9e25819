"""Names of legacy files: taken apart, placed, and never placed wrongly."""

from __future__ import annotations

import doctest
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightrepl.readers import legacy_config, legacy_names, legacy_optimizer
from weightrepl.readers.legacy_config import layer_tree, walk
from weightrepl.readers.legacy_names import FileName, file_name, role, spots
from weightrepl.readers.legacy_optimizer import State, Target, states

Tree = dict[str, Any]


@pytest.mark.parametrize("module", [legacy_config, legacy_names, legacy_optimizer], ids=lambda m: m.__name__)
def test_examples_run(module: ModuleType):
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0


@pytest.mark.parametrize(
    ("raw", "major", "scope", "name"),
    [
        ("a/b/kernel", 3, ("a", "b"), "kernel"),
        ("a:0/kernel:0", 3, ("a:0",), "kernel:0"),
        ("a/kernel:0", 2, ("a",), "kernel"),
        ("a/kernel:12", 2, ("a",), "kernel"),
        ("kernel", 2, (), "kernel"),
        ("dense_1_W:0", 1, ("dense_1",), "W"),
        ("dense_11_W", 1, ("dense_11",), "W"),
        ("dense_", 1, (), "dense_"),
        ("param_0", 1, (), "param_0"),
    ],
)
def test_a_name_is_taken_apart(raw: str, major: int, scope: tuple[str, ...], name: str):
    assert file_name(raw, major, ["dense", "dense_1", "dense_11", ""]) == FileName(scope, name)


@pytest.mark.parametrize(
    ("name", "kind", "major", "siblings", "wanted"),
    [
        ("W", "Conv2D", 1, ["W", "b"], "kernel"),
        ("W", None, 1, ["W", "b"], "W"),
        ("W_i", "LSTM", 1, ["W_i"], "W_i"),
        ("kernel_1", "Dense", 2, ["kernel_1"], "kernel"),
        ("kernel_1", "Dense", 2, ["kernel", "kernel_1"], "kernel_1"),
        ("kernel_1", None, 2, ["kernel_1"], "kernel_1"),
        ("kernel_1", "Dense", 3, ["kernel_1"], "kernel_1"),
        ("other_1", "Dense", 2, ["other_1"], "other_1"),
    ],
)
def test_a_role_is_given_where_it_is_certain(
    name: str, kind: str | None, major: int, siblings: list[str], wanted: str
):
    found, remark = role(name, kind, major, siblings)
    assert found == wanted
    assert (remark is None) == (major > 1 and found == name)


LEAVES = st.builds(dict, class_name=st.just("Dense"))


def models(below: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    return st.builds(
        dict,
        class_name=st.sampled_from(["Functional", "Sequential", "Model"]),
        layers=st.lists(below, min_size=1, max_size=4),
    )


def entry_of(tree: Tree, names: Any) -> Tree:
    config: Tree = {"name": next(names), "trainable": True}
    if "layers" in tree:
        config["layers"] = [entry_of(child, names) for child in tree["layers"]]
    return {"class_name": tree["class_name"], "config": config}


@given(models(st.recursive(LEAVES, models, max_leaves=12)), st.integers(2, 3), st.data())
def test_a_unique_name_is_placed_whatever_its_scope_leaves_out(tree: Tree, major: int, data: Any):
    node = layer_tree(entry_of(tree, (f"layer{i}" for i in range(1000))))
    ways = [way for way in walk(node) if way[-1].class_name == "Dense"]
    names = {}
    for way in ways:
        path = ["root", *(each.name for each in way)]
        start = data.draw(st.integers(0, len(path) - 1))
        names[FileName(tuple(path[start:]), "kernel")] = way
    found = spots(node, ("root",), list(names), major, lambda owner, each: False)
    assert {name: spot.way for name, spot in found.items()} == names
    assert all(not spot.rest and spot.remark is None for spot in found.values())


@given(
    models(st.recursive(LEAVES, models, max_leaves=12)),
    st.lists(st.sampled_from("abc"), min_size=100, max_size=100),
    st.data(),
)
def test_a_name_of_several_layers_is_placed_rightly_or_told_to_be_unsure(
    tree: Tree, used: list[str], data: Any
):
    node = layer_tree(entry_of(tree, iter(used + ["z"] * 1000)))
    names: dict[FileName, Any] = {}
    for way in [way for way in walk(node) if way[-1].class_name == "Dense"]:
        path = ["root", *(each.name for each in way)]
        start = data.draw(st.integers(0, len(path) - 1))
        names.setdefault(FileName(tuple(path[start:]), "kernel"), set()).add(
            way
        )  # a file holds each name once
    certain = [name for name, owners in names.items() if len(owners) == 1]
    if len(certain) < len(names):
        return  # such a model can't be saved
    for name, spot in spots(node, ("root",), certain, 3, lambda owner, each: False).items():
        assert spot.remark is not None or spot.way in names[name]


def test_the_longest_path_owns_a_slot():
    targets = [Target(("p", "kernel"), ("p",), "kernel"), Target(("b", "p", "kernel"), ("x", "p"), "kernel")]
    assert states(["Adam/m/b/p/kernel:0", "Adam/b/p/kernel/v:0"], [False, False], targets, 2) == [
        State("m", ("x", "p"), "kernel"),
        State("v", ("x", "p"), "kernel"),
    ]


def test_a_slot_that_reads_two_ways_is_the_usual_one():
    targets = [Target(("a",), (), "a"), Target(("a_b",), (), "a_b")]
    found = states(["opt/a_m", "opt/a_b_m"], [False, False], targets, 3)
    assert [(state.slot, state.name) for state in found] == [("m", "a"), ("m", "a_b")]
    assert states(["opt/a_b_m"], [False], targets, 3)[0].slot is None
