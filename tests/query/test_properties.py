"""What holds for every text: nothing raises, tokens join, spans slice back, printing reads back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.query.test_cases import cases
from weightrepl.errors import errors_in
from weightrepl.query import syntax as s
from weightrepl.query.files import parse_file
from weightrepl.query.formatter import format_text
from weightrepl.query.globs import compile_glob
from weightrepl.query.parser import parse
from weightrepl.query.printer import escape_name, format_query, quoted
from weightrepl.query.tokens import tokenize, tokenize_pattern
from weightrepl.spans import Span
from weightrepl.values import Value

QUERIES = [
    *(p.values[0]["q"] for name in ("parse", "globs_parse", "slices", "print") for p in cases(name)),
    *("a | where " + p.values[0]["q"] for p in cases("expressions")),
    *("a:* | " + p.values[0]["q"] for p in cases("stages")),
    *(p.values[0]["q"].replace("«", "").replace("»", "") for p in cases("problems")),
]
PIECES = [
    *"/:*?[]{}(),|!@#$~;=<>\\'\" \n\t.-+_0ax&^%é\u0301\u200f\x00",
    "**", "..", "...", " not ", " in ", " and ", " or ", "| where ", "| sort ", "| reduce norm ", "| diff ", "| top ",
    "\\u{", "[[", "[:alpha:]", "&&", "||", "{0..3}", " desc", "get_layer(", "nan", "1e5", " # ", "#2", "\ufeff",
    "#: let x = ",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A query of the cases, with some of it cut out and some of it grown."""
    text = draw(st.sampled_from(QUERIES))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 3))
        text = text[:at] + draw(st.sampled_from(["", *PIECES])) + text[at + cut :]
    return text


LONG = os.environ.get("WEIGHTREPL_LONG") == "1"
thorough = settings(deadline=None, max_examples=5000 if LONG else 150)

anything = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join), mutated())


def nodes(value: Any) -> Iterator[s.Node]:
    """Yield every node of a tree."""
    if isinstance(value, s.Node):
        yield value
    if isinstance(value, Value) and not isinstance(value, Span):
        for name in type(value)._fields:  # type: ignore[attr-defined]
            yield from nodes(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from nodes(item)


@thorough
@given(anything)
def test_tokens_join_to_the_text(text: str) -> None:
    for tokens in (tokenize(text), tokenize_pattern(text)):
        assert "".join(token.text for token in tokens) == text
        assert all(token.span.of(text) == token.text != "" for token in tokens)


@thorough
@given(anything, st.text(max_size=3), st.text(max_size=3))
def test_part_of_a_text_is_read_as_if_alone(text: str, before: str, after: str) -> None:
    alone, within = parse(text), parse(before + text + after, len(before), len(before) + len(text))
    assert alone.query == within.query
    assert [p.code for p in alone.problems] == [p.code for p in within.problems]
    moved = [p.span.shifted(len(before)) for p in alone.problems if p.span is not None]
    assert [p.span for p in within.problems] == moved


@thorough
@given(anything)
@example("(" * 1000)
@example("{" * 1000)
@example("a | where " + "(" * 1000)
@example("a | where " + "not " * 1000)
@example("a | where " + "- " * 1000)
@example("a | where " + "a + " * 1000)
@example("a | where a in " + "(" * 1000)
@example("a | where name in " + "(" * 1000)
@example("a:k[" + "[" * 1000)
@example("a | where a" + ", a" * 1000)
@example("a | where " + "[" * 1000)
@example("a | where x" + "[" * 1000)
@example("a | reduce norm axis=" + "(" * 1000)
@example("a | where " + "! " * 1000)
@example("a | where a" + " in b" * 1000)
@example("a | where a" + " < b" * 1000)
@example("/" * 1000)
@example("a#" + "9" * 5000)
@example("a:k[" + "9" * 5000 + "]")
@example("a | head " + "9" * 5000)
@example("{0.." + "9" * 5000 + "}")
@example("a | where x > 1" + "e99999")
@example("\ud800")
def test_nothing_raises_and_every_span_is_of_the_text(text: str) -> None:
    parsed = parse(text)
    assert repr(parsed.query.replace()) == repr(parsed.query)
    assert isinstance(format_query(parsed.query), str)
    for node in nodes(parsed.query):
        assert 0 <= node.span.start <= node.span.end <= len(text)
    for problem in parsed.problems:
        assert problem.span is not None
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
    for problem in parsed.problems[:3]:
        assert problem.picture(text)
        if problem.fix is not None:
            parse(problem.fix.applied(text))
    assert parsed.expected.span.end == len(text)
    starts = [p.span.start for p in parsed.problems if p.span is not None]
    assert starts == sorted(starts)


@thorough
@given(anything)
def test_a_tree_with_a_hole_has_an_error(text: str) -> None:
    parsed = parse(text)
    if any(isinstance(node, s.Missing) for node in nodes(parsed.query)):
        assert errors_in(parsed.problems)


@thorough
@given(anything)
def test_what_is_printed_reads_back(text: str) -> None:
    parsed = parse(text)
    printed = format_query(parsed.query)
    if not errors_in(parsed.problems):
        again = parse(printed)
        assert not errors_in(again.problems)
        assert again.query == parsed.query
        assert format_query(again.query) == printed


@thorough
@given(anything)
def test_formatting_a_second_time_changes_nothing(text: str) -> None:
    once = format_text(text)
    assert format_text(once) == once
    if not parse(text).problems:
        assert not parse(once).problems


@thorough
@given(mutated())
def test_spans_hold_what_was_read(text: str) -> None:
    parsed = parse(text)
    if errors_in(parsed.problems):
        return
    for node in nodes(parsed.query):
        if isinstance(node, s.Selector | s.Reference):
            assert parse(node.span.of(text)).query.selectors == (node,)
        elif isinstance(node, s.Stage):
            assert parse("|" + node.span.of(text)).query.stages == (node,)
            assert node.name_span.of(text) == node.name


@thorough
@given(st.text())
@example(".")
@example("..")
@example("**")
@example("-x")
@example("$x")
@example("#2")
@example("a#2")
@example("!a")
@example("")
@example("a\nb\tc\x1b[2J\u200f")
@example("\ud800")
@example("{0..3}")
@example("get_layer(x)")
@example(" ")
@example("#")
def test_an_escaped_name_is_that_name(name: str) -> None:
    spelled = escape_name(name)
    parsed = parse(f"{spelled}/{spelled}@{spelled}:{spelled}")
    assert not parsed.problems
    (selector,) = parsed.query.selectors
    assert isinstance(selector, s.Selector)
    assert selector.path is not None
    assert selector.weight is not None
    first, second = selector.path.segments
    assert isinstance(first, s.Name)
    assert isinstance(second, s.Name)
    globs = (first.glob, second.glob, second.class_glob, selector.weight.glob)
    assert all(isinstance(glob, s.Glob) and glob.literal == name for glob in globs)
    assert first.glob is not None
    assert compile_glob(first.glob).matches(name)
    assert "\x1b" not in spelled
    assert "\n" not in spelled


@thorough
@given(st.text())
def test_an_escaped_attribute_is_that_attribute(name: str) -> None:
    (selector,) = parse("." + escape_name(name)).query.selectors
    assert isinstance(selector, s.Selector)
    assert selector.path is not None
    (segment,) = selector.path.segments
    assert isinstance(segment, s.Dotted)
    assert segment.glob.literal == name


@thorough
@given(st.text())
def test_a_quoted_text_is_that_text(text: str) -> None:
    (stage,) = parse(f"| where x == {quoted(text)}").query.stages
    assert isinstance(stage, s.Stage)
    (comparison,) = stage.arguments
    assert isinstance(comparison, s.Binary)
    assert isinstance(comparison.right, s.String)
    assert comparison.right.value == text


@thorough
@given(st.lists(anything).map("\n".join))
def test_no_file_raises(text: str) -> None:
    parsed = parse_file(text)
    for node in nodes(parsed.file):
        assert 0 <= node.span.start <= node.span.end <= len(text)
    for problem in parsed.problems:
        assert problem.span is not None
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
    assert 0 <= parsed.expected.span.start <= parsed.expected.span.end <= len(text)
