"""Globs against names: the cases, a plain reference, and the number of steps taken."""

from __future__ import annotations

import itertools
import re
import sys
import unicodedata
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.query.test_cases import cases
from tests.query.test_properties import thorough
from weightrepl.query import syntax as s
from weightrepl.query.globs import Matcher, compile_dotted, compile_glob, compile_text, expand_literals
from weightrepl.query.names import text_glob
from weightrepl.query.parser import parse
from weightrepl.spans import Span

HERE = Span(0, 0)


def glob_of(text: str) -> s.Glob:
    """Return the glob that a query of one name is."""
    parsed = parse(text)
    assert not parsed.problems
    (selector,) = parsed.query.selectors
    assert isinstance(selector, s.Selector)
    assert selector.path is not None
    (segment,) = selector.path.segments
    assert isinstance(segment, s.Name)
    assert segment.glob is not None
    return segment.glob


def matcher(case: dict[str, Any]) -> Matcher:
    """Return the matcher of a case, by the place where its glob stands."""
    match case.get("place"):
        case "text":
            return compile_text(case["glob"])
        case "attribute":
            return compile_dotted(text_glob(case["glob"])[0])
    return compile_glob(glob_of(case["glob"]))


@pytest.mark.parametrize("case", cases("globs"))
def test_matches(case: dict[str, Any]) -> None:
    matches = matcher(case).matches
    assert [name for name in case["yes"] if not matches(name)] == []
    assert [name for name in case["no"] if matches(name)] == []


def test_a_literal_is_known_in_nfc() -> None:
    assert compile_glob(glob_of("cafe\u0301")).literal == "café"
    assert compile_glob(glob_of("caf*")).literal is None


def test_a_hole_matches_nothing() -> None:
    broken = compile_text("a[")
    assert broken.literal is None
    assert not broken.matches("a")
    assert not broken.matches("a[")
    posix = s.Glob((s.CharClass(False, (s.PosixClass("nothing"),), span=HERE),), span=HERE)
    assert not compile_glob(posix).matches("a")


# ------------------------------------------------------------------ a plain reference


ALPHABET = "ab.-01é"
chars = st.sampled_from(ALPHABET)
names = st.text(chars, max_size=8)


def node(kind: type[Any], *args: Any) -> Any:
    return kind(*args, span=HERE)


leaves = st.one_of(
    st.builds(lambda t: node(s.Text, t), st.text(chars, min_size=1, max_size=3)),
    st.just(node(s.AnyRun)),
    st.just(node(s.AnyOne)),
    st.builds(
        lambda n, m: node(s.CharClass, n, tuple(m)),
        st.booleans(),
        st.lists(
            st.one_of(
                chars,
                st.tuples(chars, chars),
                st.sampled_from(["alpha", "digit", "punct"]).map(s.PosixClass),
            ),
            min_size=1,
            max_size=3,
        ),
    ),
    st.builds(
        lambda a, b, pad: node(
            s.Range, min(a, b), max(a, b), max(pad, len(str(a)), len(str(b))) if pad else 0
        ),
        st.integers(-12, 12),
        st.integers(-12, 12),
        st.integers(0, 4),
    ),
)
globs = st.recursive(
    st.lists(leaves, max_size=3).map(lambda parts: node(s.Glob, tuple(parts))),
    lambda inner: st.lists(
        st.one_of(leaves, st.lists(inner, min_size=1, max_size=3).map(lambda g: node(s.Braces, tuple(g)))),
        max_size=4,
    ).map(lambda parts: node(s.Glob, tuple(parts))),
    max_leaves=6,
)


def expression(glob: s.Glob, dotted: bool) -> str:
    """Return a glob as a regular expression."""
    return "".join(f"(?:{part(p, dotted)})" for p in glob.parts)


def part(part: s.GlobPart, dotted: bool) -> str:
    taken = [c for c in ALPHABET if not (dotted and c == ".")]
    match part:
        case s.Text(text):
            return re.escape(text)
        case s.AnyRun():
            return f"[{re.escape(''.join(taken))}]*"
        case s.AnyOne():
            return f"[{re.escape(''.join(taken))}]"
        case s.CharClass(negated, members):
            kept = [c for c in taken if any(is_member(c, m) for m in members) != negated]
            return f"[{re.escape(''.join(kept))}]" if kept else "(?!)"
        case s.Braces(alternatives):
            return "|".join(expression(a, dotted) for a in alternatives)
        case s.Range(low, high, pad):
            return "|".join(re.escape(f"{n:0{pad}d}") for n in range(low, high + 1))
    raise TypeError(part)


def is_member(char: str, member: Any) -> bool:
    match member:
        case s.PosixClass("alpha"):
            return char.isalpha()
        case s.PosixClass("digit"):
            return char in "0123456789"
        case s.PosixClass("punct"):
            return char in ".-"
        case (low, high):
            return bool(low <= char <= high)
    return bool(member == char)


@thorough
@given(globs, names)
def test_as_a_plain_reference_does(glob: s.Glob, name: str) -> None:
    assert compile_glob(glob).matches(name) == bool(re.fullmatch(expression(glob, False), name))
    assert compile_dotted(glob).matches(name) == bool(re.fullmatch(expression(glob, True), name))


@thorough
@given(st.text(max_size=6))
def test_any_name_is_matched_by_itself(name: str) -> None:
    text = s.Glob((s.Text(name, span=HERE),), span=HERE)
    assert compile_glob(text).matches(name)
    assert compile_glob(text).matches(unicodedata.normalize("NFD", name))


# ------------------------------------------------------------------ the number of steps


def steps(matcher: Matcher, name: str) -> int:
    """Return how many lines of Python a match runs."""
    count = 0

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        matcher.matches(name)
    finally:
        sys.settrace(before)
    return count


def hostile(size: int) -> Iterator[tuple[str, str]]:
    """Yield patterns and names, both `size` long, on which backtracking explodes."""
    yield "a*" * size + "b", "a" * size
    yield "{a,aa}" * size + "b", "a" * size
    yield "{a*,a}" * size + "*b", "a" * size
    yield "*a?" * size + "b", "a" * size
    yield "{0..9}*" * size + "x", "1" * size


def test_steps_grow_with_pattern_times_name() -> None:
    for (small, name), (large, longer) in zip(hostile(15), hostile(60), strict=True):
        few, many = steps(compile_text(small), name), steps(compile_text(large), longer)
        assert many < 1.5 * 16 * few, small[:8]


def test_deep_braces_take_steps_by_their_size() -> None:
    nested = "a*"
    for _ in range(20):
        nested = f"{{{nested},a*{nested}}}" if len(nested) < 2000 else f"{{{nested},b}}"
    assert steps(compile_text(nested), "a" * 50) < 200 * len(nested)


def test_a_range_is_never_expanded() -> None:
    ranges = compile_text("{0..1" + "0" * 90 + "}")
    assert ranges.matches("9" * 90)
    assert steps(ranges, "9" * 90) < 2000


# ------------------------------------------------------------------ names spelled out


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("kernel", ["kernel"]),
        ('""', [""]),
        ("{a,b}", ["a", "b"]),
        ("x{a,b}y", ["xay", "xby"]),
        ("{a,b}{c,d}", ["ac", "ad", "bc", "bd"]),
        ("{a,{b,c}d,}", ["a", "bd", "cd", ""]),
        ("a*", None),
        ("{a,b*}", None),
        ("{0..3}", None),
        ("{a,{0..3}}", None),
        ("{a,b,c,d,e,f,g,h,i,j}" * 3, 1000),
        ("{a,b,c,d,e,f,g,h,i,j}" * 3 + "{x,y}", None),
    ],
)
def test_names_that_are_spelled_out(glob: str, expected: list[str] | int | None) -> None:
    found = expand_literals(glob_of(glob))
    if isinstance(expected, int):
        assert found is not None
        assert len(found) == expected
    else:
        assert (None if found is None else [name for name, _ in found]) == expected


def test_each_name_has_the_span_of_its_alternative() -> None:
    text = "x{ab,c{d,e}}"
    found = expand_literals(glob_of(text))
    assert found is not None
    assert [(name, span.of(text)) for name, span in found] == [("xab", "ab"), ("xcd", "d"), ("xce", "e")]


def test_braces_side_by_side_multiply() -> None:
    found = expand_literals(glob_of("{a,b}{c,d}"))
    assert found is not None
    assert [n for n, _ in found] == ["".join(p) for p in itertools.product("ab", "cd")]
