"""Completion where files can't be read, where there are very many names, and of what has none."""

from __future__ import annotations

import pytest

from tests import trees
from tests.engine.test_results import workspace
from weightrepl.errors import FormatError
from weightrepl.model.tree import Content, Layer, Model
from weightrepl.model.workspace import Workspace
from weightrepl.service.complete import MOST, complete, resolved


def texts(text: str, space: Workspace) -> list[str]:
    return [item.text for item in complete(text, len(text), space).items]


def damaged() -> Content:
    raise FormatError("is cut short", "a.keras")


def test_what_can_not_be_read_has_no_names_and_hides_no_others():
    broken = Layer("broken", damaged, class_name="Dense")
    space = trees.workspace(Model(Layer("net", Content((), (broken, Layer("whole")))), ("net",)))
    assert texts("", space) == ["net", "broken", "whole", "**", "!"]
    assert texts("broken/", space) == []
    assert texts("broken:", space) == []
    item = complete("bro", 3, space).items[0]
    assert item.detail == "Dense"
    assert resolved(item, space) == item


def test_what_a_pattern_leads_to_is_not_asked_where_it_may_be_very_much():
    inner = Layer("inner")
    children = tuple(Layer(f"dense_{i}", Content((), (inner,) if i == 7 else ())) for i in range(5001))
    space = trees.workspace(Model(Layer("net", Content((), children)), ("net",)))
    found = texts("dense_7", space)
    assert (len(found), found[0], found[-1]) == (MOST, "dense_7", "/inner")
    assert "/inner" not in texts("*_7", space)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("$x[", "seed"),
        ("table:vocabulary[", "shapeless"),
        ("**:* | where values == ", "seed"),
        ("outer_dense:kernel, outer_dense@x@", "seed"),
    ],
)
def test_where_there_is_nothing_to_offer(text: str, tree: str):
    assert texts(text, workspace(tree)) == []


def test_classes_that_are_not_known_are_not_offered():
    assert texts("*@", workspace("raw")) == []
    assert texts("**/@", workspace("raw")) == []
