"""Query files: the cases of `tests/cases/files.json`.

`entries`, `lets`, `opens`: what the file holds, queries in canonical spelling (with what is expected of them, where
that is said). `code`, `says`, `fix`: its problems, the span of the first between « and ». `expects`: the half-typed
word at the end, and what may stand there.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.query.test_cases import cases, unmarked
from weightrepl.query.codes import CODES, FILE_CODES
from weightrepl.query.files import parse_file
from weightrepl.query.printer import format_query


def kind_of(key: str) -> list[Any]:
    """Return the cases that hold a key."""
    return [case for case in cases("files") if key in case.values[0]]


@pytest.mark.parametrize("case", [c for c in cases("files") if not {"code", "expects"} & set(c.values[0])])
def test_what_a_file_says(case: dict[str, Any]) -> None:
    text = case["file"]
    parsed = parse_file(text)
    assert not [p for p in parsed.problems if p.severity == "error"]
    file = parsed.file
    entries = [
        format_query(e.query) if e.expect is None else [e.expect, format_query(e.query)] for e in file.entries
    ]
    assert entries == case.get("entries", [])
    assert [[o.name, o.path] for o in file.opens] == case.get("opens", [])
    assert [[x.name, format_query(x.query)] for x in file.lets] == case.get("lets", [])


@pytest.mark.parametrize("case", kind_of("code"))
def test_what_is_wrong_with_a_file(case: dict[str, Any]) -> None:
    text, span = unmarked(case["file"])
    problems = parse_file(text).problems
    first = problems[0]
    assert [p.code for p in problems] == (case["code"] if isinstance(case["code"], list) else [case["code"]])
    assert first.span == span
    assert first.message == case.get("says", first.message)
    if "fix" in case:
        assert first.fix is not None
        assert first.fix.applied(text) == case["fix"]
        assert len(parse_file(case["fix"]).problems) < len(problems)


@pytest.mark.parametrize("case", kind_of("expects"))
def test_what_may_come_next(case: dict[str, Any]) -> None:
    text = case["file"]
    expected = parse_file(text).expected
    assert [expected.span.of(text), *(e.kind for e in expected.kinds)] == case["expects"]


def test_spans_are_those_of_the_file() -> None:
    text = "#: open base = b.keras\n#: let k = **:kernel\n\n#: expect some\nbase/a:*,\n  $k | head 3\n"
    file = parse_file(text).file
    assert file.opens[0].span.of(text) == "#: open base = b.keras"
    assert file.lets[0].span.of(text) == "#: let k = **:kernel"
    assert file.lets[0].query.selectors[0].span.of(text) == "**:kernel"
    (entry,) = file.entries
    assert entry.span.of(text) == "base/a:*,\n  $k | head 3"
    assert [x.span.of(text) for x in entry.query.selectors] == ["base/a:*", "$k"]
    assert entry.query.stages[0].span.of(text) == "head 3"


@pytest.mark.parametrize("code", FILE_CODES)
def test_every_code_is_shown_by_its_example(code: str) -> None:
    assert [p.code for p in parse_file(FILE_CODES[code][1]).problems] == [code]


def test_every_code_is_in_a_table() -> None:
    shown: set[str] = set()
    for param in kind_of("code"):
        code = param.values[0]["code"]
        shown |= {code} if isinstance(code, str) else set(code)
    assert shown >= set(FILE_CODES)
    assert shown <= set(FILE_CODES) | set(CODES)
