"""`explain`: how many layers each step left, and the nearest miss."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests import trees
from weightrepl.engine.explain import explain
from weightrepl.engine.scope import NamedQuery
from weightrepl.query.parser import parse

TREES = json.loads((Path(__file__).parent.parent / "cases" / "trees.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("query", "steps", "codes"),
    [
        ("custom_module/*dense1:kernel", [("custom_module", 1, None), ("*dense1", 1, None), (":kernel", 1, None)], []),
        ("**/@Dense", [("**", 5, None), ("@Dense", 3, None)], []),
        ("custom_modul/x", [("custom_modul", 0, "custom_module")], ["no-such-layer"]),
        ("custom_module/dense2x*", [("custom_module", 1, None), ("dense2x*", 0, "inner_dense2")], ["no-match"]),
        ("outer_dense:kernl", [("outer_dense", 1, None), (":kernl", 0, "kernel")], ["no-such-weight"]),
        ("outer_dense:", [("outer_dense", 1, None), (":", 0, None)], ["missing-weight"]),
        ("custom_module, :bias", [("custom_module", 1, None), ("all in and below", 4, None), (":bias", 0, None)],
         ["no-such-weight"]),
        (".optimiser", [(".optimiser", 0, None)], ["no-such-attribute"]),
        ("$x", [], []),
    ],
)  # fmt: skip
def test_steps(query: str, steps: list[object], codes: list[str]) -> None:
    """Every step with what it left, and the problems as evaluation has them."""
    explanation = explain(query, trees.workspace(trees.model(TREES["seed"])))
    found = [(s.text, s.found, s.nearest) for selector in explanation.selectors for s in selector.steps]
    assert found == steps
    assert [p.code for p in explanation.problems] == codes


def test_broken_queries_are_followed_as_far_as_they_go() -> None:
    """What could be read of it is followed."""
    space = trees.workspace(trees.model(TREES["seed"]))
    for query in ("custom_module//x:kernel", "", "a |", "custom_module/[", "custom_module:kernel["):
        assert explain(query, space).text == query
    steps = explain("custom_module//x", space).selectors[0].steps
    assert [(s.text, s.found) for s in steps] == [("custom_module", 1), ("x", 0)]


def test_a_query_by_name_is_of_weights() -> None:
    """`$name` counts for what a query is of, also where it refers to itself."""
    space = trees.workspace(trees.model(TREES["seed"]))
    named = {"a": NamedQuery("$a, :kernel", parse("$a, :kernel").query)}
    assert explain("outer_dense, $a", space, named=named).selectors[0].steps[-1].noun == "weights"


def test_a_hole_in_a_path_ends_it() -> None:
    """`…` and the like: nothing is reached."""
    steps = explain("custom_module/#2:kernel", trees.workspace(trees.model(TREES["seed"]))).selectors[0].steps
    assert [(s.text, s.found) for s in steps] == [("custom_module", 1), ("#2", 0)]


def test_a_half_written_query_by_name_is_looked_through() -> None:
    """What stands behind the hole counts too: a stage that looks into weights."""
    space = trees.workspace(trees.model(TREES["seed"]))
    for text, noun in (("custom_module |", "layers"), ("custom_module | | stats", "weights")):
        named = {"a": NamedQuery(text, parse(text).query)}
        steps = explain("outer_dense, $a", space, named=named).selectors[0].steps
        assert steps[-1].noun == noun
