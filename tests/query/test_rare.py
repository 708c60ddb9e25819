"""What only long, deep or doubly broken texts reach, shown one by one rather than left to chance."""

from __future__ import annotations

import pytest

from weightrepl.query.globs import compile_dotted
from weightrepl.query.parser import parse
from weightrepl.query.printer import format_query
from weightrepl.query.syntax import Name, Selector

LONG = 200


def codes(text: str) -> set[str]:
    """Return the codes of a text's problems."""
    return {problem.code for problem in parse(text).problems}


@pytest.mark.parametrize(
    "text",
    [
        "a | where " + " < ".join(["size"] * LONG),
        "a | where " + ", ".join(["trainable"] * LONG),
        "a | where size in " + "[" * LONG,
        "a | where size in " + "(" * LONG,
    ],
    ids=["comparisons", "conditions", "brackets", "parentheses"],
)
def test_what_is_too_long_or_too_deep_is_refused(text: str) -> None:
    """No text exhausts the stack."""
    assert "too-deep" in codes(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a#2?b", "bad-ordinal"),
        ("a | head 1kb", "bad-number"),
        ("a | reduce norm axis=0 axis=1", "no-such-argument"),
        ("a | reduce norm ax 0", "missing-value"),
        ("a | hist bins=,3", "missing-value"),
    ],
)
def test_doubly_broken(text: str, code: str) -> None:
    """Each has its code."""
    assert code in codes(text)


def test_a_run_after_alternatives_that_overlap() -> None:
    """`*` goes on from where either alternative ends, once."""
    (selector,) = parse("{a,ab}*").query.selectors
    assert isinstance(selector, Selector)
    assert selector.path is not None
    (segment,) = selector.path.segments
    assert isinstance(segment, Name)
    assert segment.glob is not None
    matcher = compile_dotted(segment.glob)
    assert [matcher.matches(name) for name in ("abc", "ab", "a.b", "b")] == [True, True, False, False]


@pytest.mark.parametrize(("text", "printed"), [("a?b", "a?b"), ("a{b", "ab"), ("a@", "a@")])
def test_a_hole_is_printed_as_nothing(text: str, printed: str) -> None:
    """The tree's own text, without what is missing."""
    assert format_query(parse(text).query) == printed
