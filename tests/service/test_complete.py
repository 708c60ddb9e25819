"""Completion: at every place of the grammar, at every position of every query, of trees that are read level by level.

The cases are those of `tests/cases/complete.json`: `q` with the cursor as `‸`, `gives` the texts and details in order
(`…`: and more), `replaces` what they take the place of, `tree` and `named` as in the results' cases.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import trees
from tests.engine.test_results import CASES, TREES, cases, setting, unmarked, workspace
from tests.service.samples import Lazy, queries
from weightrepl.engine.scope import NamedQuery, NamedResult
from weightrepl.errors import errors_in
from weightrepl.model.tree import Content, Layer, Model
from weightrepl.query.parser import parse
from weightrepl.service.complete import MOST, complete, resolved
from weightrepl.service.complete_ranking import Names
from weightrepl.service.diagnose import diagnose
from weightrepl.spans import Span

WRITTEN = json.loads((CASES / "complete.json").read_text("utf-8"))


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=f"{group}: {case['q']}") for group, each in WRITTEN.items() for case in each],
)
def test_what_may_stand_at_the_cursor(case: dict[str, Any]):
    before, after = case["q"].split("‸")
    named = {name: NamedQuery(text, parse(text).query) for name, text in case.get("named", {}).items()}
    found = complete(before + after, len(before), workspace(case.get("tree", "seed")), named=named)
    gives = [[item.text, item.detail] if item.detail else [item.text] for item in found.items]
    if "…" in case["gives"]:
        gives = [*gives[: len(case["gives"]) - 1], "…"]
    assert gives == case["gives"]
    assert not found.coming
    assert not found.cut
    if found.items:
        assert found.items[0].span.of(before + after) == case.get("replaces", "")


# ------------------------------------------------------------------ every position of every query


@pytest.mark.parametrize("tree", ["seed", "shared"])
def test_every_position_of_every_query_can_be_completed(tree: str):
    space = workspace(tree)
    for number, text in enumerate(queries()):
        for offset in range(len(text) + 1)[number % 29 :: 29]:
            for item in complete(text, offset, space).items:
                assert 0 <= item.span.start <= offset <= item.span.end <= len(text), (text, offset, item)


LONG = os.environ.get("WEIGHTREPL_LONG") == "1"
MAY_GO_ON = {"no-condition", "wrong-kind", "no-size"}
"""What an expression that is only begun may be."""


def inserted(text: str, item: Any) -> tuple[str, int]:
    head = text[: item.span.start] + item.text
    return head + text[item.span.end :], len(head)


@pytest.mark.slow
@pytest.mark.parametrize("case", [case for case in cases() if "error" not in case.values[0]])
def test_a_completion_brings_no_new_problem(case: dict[str, Any]):
    """What it is followed by may not fit it; then the problem is there."""
    text, _ = unmarked(case["q"])
    space, where = setting(case)
    where["want"] = case.get("want")
    before = {problem.code for problem in errors_in(diagnose(text, space, **where))}
    del where["want"]
    step = 1 if LONG else 5
    for offset in range(len(text) + 1)[len(text) % step :: step]:
        for item in complete(text, offset, space, **where).items:
            new, end = inserted(text, item)
            for problem in errors_in(diagnose(new, space, want=case.get("want"), offset=end, **where)):
                assert problem.span is not None
                own = problem.span.end <= end and problem.code not in {*before, *MAY_GO_ON}
                assert not own or problem.code in ("diff-path", "not-built"), (text, offset, new, problem)


def test_what_is_offered_selects_something():
    """Names, one after the other, up to a whole query."""
    space, seen = workspace("seed"), set()
    begun = ["", "."]
    while begun:
        text = begun.pop()
        for item in complete(text, len(text), space).items:
            new, _ = inserted(text, item)
            if item.kind not in ("model", "layer", "attribute", "system", "weight") or new in seen:
                continue
            seen.add(new)
            assert not diagnose(new, space), new
            begun += [new, f"{new}/", f"{new}:"] if item.kind != "weight" and new.count("/") < 4 else []
    assert {"larger_model/custom_module/inner_dense1:kernel", "custom_module/inner_dense2:bias"} <= seen
    assert ".optimizer/momentum/outer_dense:kernel" in seen


PIECES = [*"ab/:*?[]{},|!@#$.\"'\\ 0-=<~()", "where ", "size", "| ", "sort "]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=20).map("".join)


@settings(max_examples=150, deadline=None)
@given(text=TEXTS, offset=st.integers(-2, 40))
def test_no_text_is_too_odd(text: str, offset: int):  # an offset may lie outside
    found = complete(text, offset, workspace("twins"))
    assert len(found.items) <= MOST
    for item in found.items:
        assert 0 <= item.span.start <= item.span.end <= len(text)


# ------------------------------------------------------------------ what is read


def lazy_space() -> tuple[Lazy, Any]:
    lazy = Lazy(trees.model(TREES["seed"]))
    return lazy, trees.workspace(lazy.model)


def test_one_level_is_read_to_complete_one_level():
    lazy, space = lazy_space()
    assert [item.text for item in complete("custom_module/", 14, space).items][:2] == [
        "inner_dense1",
        "inner_dense2",
    ]
    assert lazy.read == ["larger_model", "custom_module"]
    complete("custom_module/inner_dense1:k", 28, space)
    assert lazy.read == ["larger_model", "custom_module", "inner_dense1"]


def test_a_keystroke_waits_for_nothing():
    lazy, space = lazy_space()
    found = complete("", 0, space, wait=False)
    assert [item.text for item in found.items] == ["!"]
    assert found.coming
    assert lazy.read == []
    complete("", 0, space)
    found = complete("", 0, space, wait=False)
    assert [item.text for item in found.items][:2] == ["larger_model", "custom_module"]
    assert not found.coming
    assert complete("**:", 3, space, wait=False).coming
    assert complete("** | where ", 11, space, wait=False).coming


def test_figures_are_told_once_all_below_was_read():
    _, space = lazy_space()
    item = complete("custom", 6, space).items[0]
    assert (item.detail, item.address) == ("CustomModule", "larger_model/custom_module")
    assert resolved(item, space).detail == "CustomModule · 4 weights · 236 params"
    assert resolved(item, space, most=3).detail == "CustomModule · 4 weights · 236 params"
    assert resolved(item, space, most=2) == item  # three layers
    word = complete("** | so", 7, space).items[0]
    assert resolved(word, space) == word
    gone = item.replace(address="larger_model/gone")
    assert resolved(gone, space) == gone


# ------------------------------------------------------------------ many, several, odd


def wide(count: int) -> Any:
    children = tuple(Layer(f"dense_{i}", class_name="Dense") for i in range(count))
    return trees.workspace(Model(Layer("net", Content((), children)), ("net",)))


def test_more_than_can_be_shown_is_cut():
    space = wide(MOST + 100)
    found = complete("dense", 5, space)
    assert len(found.items) == MOST
    assert found.cut
    assert [item.text for item in found.items[:3]] == ["dense_0", "dense_1", "dense_2"]
    assert complete("dense_59", 8, space).items[0].text == "dense_59"
    assert not complete("dense_59", 8, space).cut


def test_as_many_as_are_wanted_and_a_fifth_of_them_lead_on():
    below = Content((), tuple(Layer(name, class_name="Dense") for name in "abcd"))
    children = tuple(Layer(f"dense_{i}", below, class_name="Dense") for i in range(20))
    space = trees.workspace(Model(Layer("net", Content((), children)), ("net",)))
    found = complete("dense_1", 7, space, most=10)
    assert [item.text for item in found.items if not len(item.span)] == ["/a", "/b"]
    assert (len(found.items), found.cut, found.items[0].text) == (10, True, "dense_1")


def test_several_models_and_where_one_stands():
    space = workspace({"left": "seed", "right": "seed"})
    assert [item.text for item in complete("", 0, space).items] == ["left", "right", "**", "!"]
    here = space.places[0].children[0]
    texts = [item.text for item in complete(".", 1, space, location=here).items]
    assert texts == ["..", ".dense1", ".dense2", "/inner_dense1", "/inner_dense2"]


def test_a_layer_that_is_called_like_a_model():
    child = Layer("net", Content((), (Layer("inner"),)))
    space = trees.workspace(Model(Layer("net", Content((), (child,))), ("net",)))
    assert [item.text for item in complete("n", 1, space).items][:2] == ["net", "./net"]


def test_earlier_results_are_named():
    rows = workspace("seed").places[0].weights_below
    named = {
        "3": NamedResult("weights", rows),
        "4": NamedResult("table"),
        "_": NamedResult("weights", rows[:1]),
    }
    found = complete("$", 1, workspace("seed"), named=named).items
    assert [(item.text, item.detail) for item in found] == [("3", "6 weights"), ("_", "1 weight")]
    assert found[0].span == Span(1, 1)


# ------------------------------------------------------------------ the order


@pytest.mark.parametrize(
    ("typed", "best"),
    [
        ("", ["outer_dense", "inner_dense1", "dense", "Dense_2", "conv2d"]),
        ("dense", ["dense", "Dense_2", "outer_dense", "inner_dense1"]),
        ("DENSE", ["dense", "Dense_2", "outer_dense", "inner_dense1"]),
        ("De", ["Dense_2", "dense", "outer_dense", "inner_dense1"]),
        ("ind1", ["inner_dense1"]),
        ("d1", ["inner_dense1"]),
        ("od", ["outer_dense", "conv2d"]),
        ("v2", ["conv2d"]),
        ("odn", ["outer_dense"]),
        ("x", []),
        ("dense\n", []),
    ],
)
def test_the_best_come_first(typed: str, best: list[str]):
    names = Names(["outer_dense", "inner_dense1", "dense", "Dense_2", "conv2d"])
    assert [names.labels[i] for i in names.best(typed, 10)] == best
    assert [names.labels[i] for i in names.best(typed, 1)] == best[:1]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*den", ["dense", "outer_dense", "inner_dense1"]),
        ("de?s", ["dense"]),
        ("*e*1", ["inner_dense1"]),
        ("[c]on", ["conv2d"]),
        ("{inner,outer}_*", ["outer_dense", "inner_dense1"]),
        ("conv{1..3}", ["conv2d"]),
        ("*é*", []),
        ("*", ["dense", "conv2d", "Dense_2", "outer_dense", "inner_dense1"]),
    ],
)
def test_patterns_find_what_begins_as_they_do(pattern: str, found: list[str]):
    names = Names(["outer_dense", "inner_dense1", "dense", "Dense_2", "conv2d"])
    glob = parse(pattern).query.selectors[0].path.segments[0].glob
    assert [names.labels[i] for i in names.matching(glob, 10)] == found
