"""The cases of the language that need no tree, and the properties that hold for any text.

The files of `tests/cases` hold groups of cases; a group is named by the rule that it shows. `q` is the query; where a
problem is expected its span stands between « and ».

    tokens.json       tokens: kind and text of each
    parse.json, globs_parse.json, slices.json, expressions.json, stages.json     tree: as in compact.py
    problems.json     code: of the one problem, or of all; says, hint, severity: of the first; fix: the text it makes
    print.json        prints: what format_text makes of it
    expected.json     word: what a completion replaces; kinds, after: what may stand there, and behind it
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.query.compact import compact
from weightrepl.errors import errors_in
from weightrepl.query.codes import CODES
from weightrepl.query.formatter import format_text
from weightrepl.query.parser import parse
from weightrepl.query.printer import format_query
from weightrepl.query.tokens import tokenize
from weightrepl.spans import Span

CASES = Path(__file__).parent.parent / "cases"


def cases(name: str) -> list[Any]:
    """Return the cases of a file, each named by its group and query."""
    groups = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return [
        pytest.param(case, id=f"{group}: {next(iter(case.values()))}")
        for group, all_ in groups.items()
        for case in all_
    ]


def unmarked(text: str) -> tuple[str, Span]:
    """Return a text without its marks, and the span between them."""
    start = text.index("«")
    return text.replace("«", "").replace("»", ""), Span(start, text.index("»") - 1)


@pytest.mark.parametrize("case", cases("tokens"))
def test_tokens(case: dict[str, Any]) -> None:
    assert [f"{t.kind} {t.text}" for t in tokenize(case["q"])] == case["tokens"]


@pytest.mark.parametrize("case", cases("parse"))
def test_query(case: dict[str, Any]) -> None:
    parsed = parse(case["q"])
    assert compact(parsed.query) == case["tree"]
    assert not parsed.problems


@pytest.mark.parametrize("case", cases("globs_parse"))
def test_selector(case: dict[str, Any]) -> None:
    parsed = parse(case["q"])
    assert compact(parsed.query)["select"] == [case["tree"]]
    assert not parsed.problems


@pytest.mark.parametrize("case", cases("slices"))
def test_slice(case: dict[str, Any]) -> None:
    parsed = parse(case["q"])
    assert compact(parsed.query)["select"][0]["slice"] == case["tree"]
    assert not parsed.problems


@pytest.mark.parametrize("case", cases("expressions"))
def test_expression(case: dict[str, Any]) -> None:
    parsed = parse("a | where " + case["q"])
    assert compact(parsed.query)["stages"] == [["where", case["tree"]]]
    assert not parsed.problems


@pytest.mark.parametrize("case", cases("stages"))
def test_stages(case: dict[str, Any]) -> None:
    parsed = parse("a | " + case["q"])
    assert compact(parsed.query)["stages"] == case["tree"]
    assert not parsed.problems


@pytest.mark.parametrize("case", cases("problems"))
def test_problem(case: dict[str, Any]) -> None:
    text, span = unmarked(case["q"])
    problems = parse(text).problems
    first = problems[0]
    codes = case["code"] if isinstance(case["code"], list) else [case["code"]]
    assert [p.code for p in problems] == codes
    assert first.span == span
    assert (first.message, first.severity) == (case["says"], case.get("severity", "error"))
    assert first.hint == case.get("hint")
    assert (first.fix and first.fix.applied(text)) == case.get("fix")


@pytest.mark.parametrize("case", cases("problems"))
def test_each_fix_leaves_fewer_problems(case: dict[str, Any]) -> None:
    text, _ = unmarked(case["q"])
    problems = parse(text).problems
    for problem in problems:
        if problem.fix is not None:
            left = parse(problem.fix.applied(text)).problems
            assert len(left) < len(problems), problem


@pytest.mark.parametrize("case", cases("print"))
def test_printing(case: dict[str, Any]) -> None:
    assert format_text(case["q"]) == case["prints"]
    assert format_text(case["prints"]) == case["prints"]


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a/#2/b:k[x, 1]", "a//b:k[, 1]"),
        ("a, , b | | head x", "a, , b |  | head"),
        ("a:b[, c}", "a:b[, ]"),
        ("a | where x in", "a | where x in "),
        ("a: | sort", "a: | sort"),
    ],
)
def test_a_hole_is_left_out(text: str, printed: str) -> None:
    assert format_query(parse(text).query) == printed
    assert format_text(text) == text


@pytest.mark.parametrize("case", cases("expected"))
def test_what_may_come_next(case: dict[str, Any]) -> None:
    expected = parse(case["q"]).expected
    assert expected.span.of(case["q"]) == case["word"]
    assert expected.span.end == len(case["q"])
    assert [f"{e.kind} {e.context}".strip() for e in expected.kinds] == case["kinds"]
    assert [f"{e.kind} {e.context}".strip() for e in expected.after] == case["after"]


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_shown_by_its_example(code: str) -> None:
    assert [p.code for p in parse(CODES[code][1]).problems] == [code]


def test_every_code_is_in_the_table_and_in_a_case() -> None:
    shown: set[str] = set()
    for param in cases("problems"):
        code = param.values[0]["code"]
        shown |= {code} if isinstance(code, str) else set(code)
    assert shown == set(CODES)


def test_an_example_of_the_language_has_no_error() -> None:
    for param in cases("parse"):
        assert not errors_in(parse(param.values[0]["q"]).problems)
