"""The cases of the language that need a tree: queries, and what they give over it.

A case of `tests/cases/results*.json`: `tree` (a name in trees.json, or a dict from model name to one), `q` the query
(a span that a problem must have stands between « and »), and of these what is expected:

    gives     the addresses, in order        shows    the table, columns first
    via       the column via                 count    the number
              in shows numbers have six digits, "nan" and "inf" stand for them, a histogram is the list of its counts
    error     the code of the error, or codes    notes    the codes of all notes and warnings
    fix       the query with the first fix made       says, hint   words in the first problem's message, advice
    want      weights or layers; at          the location, as an address       named   queries by name
    results   queries by name, of which the names stand for the results
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests import trees
from weightrepl.engine.evaluate import evaluate, named_result
from weightrepl.engine.scope import Named, NamedQuery
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.engine.table import Count, Histogram, Table
from weightrepl.errors import QueryError
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.spans import Span

CASES = Path(__file__).parent.parent / "cases"
TREES = json.loads((CASES / "trees.json").read_text("utf-8"))
KEYS = {
    "tree", "q", "gives", "shows", "via", "count", "error", "fix", "says", "hint", "notes", "want", "at", "named",
    "results", "why",
}  # fmt: skip


def cases() -> list[Any]:
    """Return every case, named by its file, group and query."""
    found = []
    for path in sorted(CASES.glob("results*.json")):
        for group, members in json.loads(path.read_text("utf-8")).items():
            for case in members:
                assert set(case) <= KEYS, set(case) - KEYS
                found.append(pytest.param(case, id=f"{path.stem}: {group}: {case['q']}"))
    return found


def workspace(tree: str | dict[str, str]) -> Any:
    """Return the workspace of a case."""
    if isinstance(tree, str):
        return trees.workspace(trees.model(TREES[tree]))
    return trees.workspace(*(trees.model(TREES[t], (name,) if name else ()) for name, t in tree.items()))


def unmarked(text: str) -> tuple[str, Span | None]:
    """Return a query without its marks, and the span between them."""
    if "«" not in text:
        return text, None
    start = text.index("«")
    return text.replace("«", "").replace("»", ""), Span(start, text.index("»") - 1)


def setting(case: dict[str, Any]) -> tuple[Workspace, dict[str, Any]]:
    """Return what is open in a case, and as keywords where its query is asked and which others have names."""
    space = workspace(case.get("tree", "seed"))
    location = evaluate(case["at"], space, want="layers").rows[0] if "at" in case else None
    named: dict[str, Named] = {n: NamedQuery(q, parse(q).query) for n, q in case.get("named", {}).items()}
    for name, query in case.get("results", {}).items():
        named[name] = named_result(evaluate(query, space, location=location, named=named))
    return space, {"location": location, "named": named}


@pytest.mark.parametrize("case", cases())
def test_case(case: dict[str, Any]) -> None:
    """What a case expects comes out."""
    text, span = unmarked(case["q"])
    space, where = setting(case)
    try:
        result = evaluate(text, space, want=case.get("want"), **where)
        problems = result.notes
    except QueryError as error:
        result, problems = None, error.problems
    errors = [p for p in problems if p.severity == "error"]
    told = "\n".join(p.picture(text) for p in problems)
    wanted = case.get("error", [])
    assert [p.code for p in errors] == ([wanted] if isinstance(wanted, str) else wanted), told
    notes = [p.code for p in problems if p.severity != "error"]
    assert notes == case.get("notes", []), told
    first = errors[0] if errors else problems[0] if problems else None
    if span is not None:
        assert first is not None
        assert first.span == span, f"{first.span}: {text[first.span.start : first.span.end]!r}"
    if "fix" in case:
        assert first is not None
        assert (first.fix and first.fix.applied(text)) == case["fix"], told
    if "says" in case:
        assert first is not None
        assert case["says"] in first.message
    if "hint" in case:
        assert first is not None
        assert case["hint"] in "\n".join(first.advice(text))
    check_result(case, result)


def check_result(case: dict[str, Any], result: Any) -> None:
    """The rows, table or number are those of the case."""
    if "error" in case:
        return
    assert {"gives", "shows", "count"} & set(case), "a case must say what comes out"
    if "gives" in case:
        assert isinstance(result, Selection | LayerSelection)
        assert list(result.addresses) == case["gives"]
    if "via" in case:
        assert [row[0] for row in result.table(["via"]).rows] == case["via"]
    if "count" in case:
        assert isinstance(result, Count)
        assert result.value == case["count"]
    if "shows" in case:
        table = result if isinstance(result, Table) else result.table()
        assert [list(table.columns), *([_shown(v) for v in row] for row in table.rows)] == case["shows"]


def _shown(value: Any) -> Any:
    """Return a value as JSON has it, floats with six digits."""
    match value:
        case float():
            return float(f"{value:.6g}") if math.isfinite(value) else str(value)
        case tuple():
            return list(value)
        case Histogram():
            return list(value.counts)
    return value
