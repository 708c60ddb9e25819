"""Diagnosis says what evaluation would, before anybody asks, and reads no values for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests import trees
from tests.engine.test_results import TREES, cases, setting, unmarked, workspace
from tests.service.samples import Lazy, queries
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.scope import NamedQuery
from weightrepl.errors import QueryError, errors_in
from weightrepl.model.reading import NotReadYetError, without_reading
from weightrepl.query.parser import parse
from weightrepl.service.diagnose import diagnose
from weightrepl.service.matched import matched


class Untouchable:
    """A tensor of which nothing may be read."""

    def read(self, index=()):
        raise AssertionError("values were read")

    blocks = read


def seal(space) -> None:
    """Let no weight's values be read any more."""
    for place in space.places:
        for site in place.weights_below:
            object.__setattr__(site.weight, "tensor", Untouchable())


@pytest.mark.parametrize("case", cases())
def test_it_says_what_evaluation_says(case: dict[str, Any]):
    text, _ = unmarked(case["q"])
    space, where = setting(case)
    try:
        result = evaluate(text, space, want=case.get("want"), **where)
        told = result.notes
    except QueryError as error:
        result, told = None, error.problems
    space_sealed, where = setting(case)
    seal(space_sealed)
    problems = diagnose(text, space_sealed, want=case.get("want"), **where)
    codes, found = ({p.code for p in errors_in(each)} for each in (told, problems))
    if result is None:
        assert codes <= found, [p.picture(text) for p in problems]
    else:
        assert not found, [p.picture(text) for p in problems]


@pytest.mark.parametrize(("tree", "step"), [("seed", 29), ("shared", 1000)])
def test_every_beginning_of_every_query_can_be_diagnosed(tree: str, step: int):
    space = workspace(tree)
    seal(space)
    for query in queries():
        for end in {len(query), *range(1, len(query), step)}:
            text = query[:end]
            for offset in (None, end):
                problems = diagnose(text, space, offset=offset)
                spans = [p.span for p in problems if p.span]
                assert all(0 <= span.start <= span.end <= len(text) for span in spans), text
                assert spans == sorted(spans, key=lambda span: span.start), text
                assert len(set(problems)) == len(problems), text
            count = matched(text, space)
            assert count is None or not errors_in(diagnose(text, space)), text


def codes(text: str, offset: int | None, tree: str = "seed", **where: Any) -> list[str]:
    return [p.code for p in diagnose(text, workspace(tree), offset=offset, **where)]


@pytest.mark.parametrize(
    "begun",
    [
        "lar", "larger_model/cus", "custom_module/inner_dense1:ker", "outer_dense:", "**/@De", '"custom', "$bi", "!",
        "custom_module/inner_dense1:kernel[", "custom_module/inner_dense1:kernel[0, ", "**:kernel,", ".opt",
        "**:kernel |", "**:kernel | whe", "**:kernel | where", "**:kernel | where (si", "**:* | sort siz",
        "** | top 5 ", "**:* | reduce no", "**:* | reduce norm axis=", "**:* | diff ", "**:* | where name == ",
        "custom_module/inner_{dense1,", "**:* | where size", "**:* | where dtype ",
        "custom_module/{inner_dense1,", "custom_module/{inner_dense1,inner", "custom_module/.den", "**:* | group clas",
        "**:* | diff cus", "outer_dense:kernel | diff custom_module/inner_dense1:ker",
    ],
)  # fmt: skip
def test_what_may_become_right_is_no_problem_yet(begun: str):
    named = {"big": NamedQuery("**:*", parse("**:*").query)}
    assert codes(begun, None, named=named)
    assert codes(begun, len(begun), named=named) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("xyz", "no-such-layer"),
        ("custom_module/innr", "no-such-layer"),
        ("outer_dense:gamma", "no-such-weight"),
        ("lar ", "no-such-layer"),
        ("cus/inner_dense1", "no-such-layer"),
        ("**:* | wxy", "no-such-stage"),
        ("**:* | where siz > 3 ", "no-such-column"),
        ("**:* | | count", "missing-stage"),
        ("**/@Dens:kernel", "no-match"),
        ("larger_model/{ab:kernel | count", "unclosed-brace"),
        ("**:* | where (size > 3 | count", "unclosed-paren"),
    ],
)
def test_what_stays_wrong_is_told_at_once(text: str, code: str):
    assert code in codes(text, len(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**:* | where | count", ["missing-value"]),
        ("**:* | where not | show siz", ["missing-value", "no-such-column"]),
        ("**:* | sort size, | count", ["missing-column"]),
        ("**:* | top | count", ["missing-count"]),
        ("**:* | reduce | count", ["missing-reduction"]),
        ("**:* | hist bins= | count", ["missing-value"]),
        ("**:* | diff | count", ["missing-path"]),
    ],
)
def test_a_hole_is_told_once_whatever_follows(text: str, expected: list[str]):
    assert codes(text, None) == expected
    assert matched(text, workspace("seed")) is None


def test_values_behind_a_name_are_not_read():
    space = workspace("seed")
    seal(space)
    named = {"big": NamedQuery("**:* | head 3 | where max > 1", parse("**:* | head 3 | where max > 1").query)}
    assert diagnose("$big, **:bias", space, named=named) == ()
    assert matched("$big, **:bias", space, named=named) is None
    assert matched("**:bias", space, named=named).count == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**:kernel", (3, "weights", 248)),
        ("**:kernel[0]", (3, "weights", 24)),
        ("**:kernel | where size > 90 | top 1 size", (1, "weights", 120)),
        ("**:kernel | where size > 90 | head 1", (1, "weights", 120)),
        ("custom_module", (1, "layers", 236)),
        ("**", (5, "layers", 272)),
        ("** | group class", (3, "rows", None)),
        ("**:nothing*", (0, "weights", 0)),
        ("**:kernel | stats", (3, "weights", 248)),
        ("", (0, "layers", 0)),
    ],
)
def test_how_much_is_matched(text: str, expected: tuple[int, str, int | None]):
    found = matched(text, workspace("seed"))
    assert found is not None
    assert (found.count, found.noun, found.params) == expected


@pytest.mark.parametrize(
    "text", ["**:kernel | where max > 1", "**:kernel | count", "nothing", "**:k[", "a | diff a"]
)
def test_how_much_is_not_known(text: str):
    assert matched(text, workspace("seed")) is None


def test_nothing_is_read_unless_it_may_be():
    lazy = Lazy(trees.model(TREES["seed"]))
    space = trees.workspace(lazy.model)
    for asked in (diagnose, matched):
        with without_reading(), pytest.raises(NotReadYetError):
            asked("outer_dense:kernel", space)
        assert lazy.read == []
    assert diagnose("outer_dense:kernel", space) == ()
    assert lazy.read == ["larger_model", "outer_dense"]
    with without_reading():
        assert matched("outer_dense:kernel", space).count == 1


def test_what_a_name_stands_for_is_looked_at_anew():
    space = workspace("seed")
    named = {"k": NamedQuery("**:kernel", parse("**:kernel").query)}
    counts = [matched("$k", space, named=named).count]
    named["k"] = NamedQuery("**:*", parse("**:*").query)
    counts += [
        matched("$k", space, named=named).count,
        matched("$k", space, named=named, want="layers").count,
    ]
    assert counts == [3, 6, 3]
    assert diagnose("$k", space, named={})[0].code == "no-such-name"
