"""The options of magics: which there are, what they take, where the query begins."""

from __future__ import annotations

import pytest

from weightrepl.engine.view import USUAL
from weightrepl.errors import QueryError
from weightrepl.frontends.magics_options import Options, options_of, parts_of
from weightrepl.frontends.shell import Given
from weightrepl.render.formats import FORMATS

HEAD = "%weights "


def read(line: str) -> tuple[Options, str]:
    parts = parts_of(Given(HEAD + line, len(HEAD)))
    return options_of(parts), parts.query.text


@pytest.mark.parametrize(
    "query",
    [
        "a/{b,c}:kernel[-1, :]", "$k, !x", '"a b":\'c\'', "**:* | where x != ';' ", "C:\\a\\b", ":1", "a\\ ",
        "-", "- a", "  ".strip(),
    ],
)  # fmt: skip
def test_the_query_is_what_is_left(query: str):
    for before in ("", "  ", "--limit 5 ", "-m 'a b' -f json  "):
        assert read(before + query)[1] == query


@pytest.mark.parametrize(
    ("line", "view"),
    [
        ("-f csv a", USUAL.replace(format="csv")),
        ("--format=csv a", USUAL.replace(format="csv")),
        ("--limit=5 --no-stats a", USUAL.replace(most=5, seconds=0.0)),
        ("--limit '5' a", USUAL.replace(most=5)),
    ],
)
def test_what_is_shown(line: str, view: object):
    options, query = read(line)
    assert options.view == view
    assert query == "a"


def test_what_else_is_said():
    options, query = read("-m models['a b'].x --out k --vars -- -a/b")
    assert options.model is not None
    assert options.model.span.of(f"{HEAD}-m models['a b'].x") == "models['a b'].x"
    assert (options.out, options.expanding, query) == ("k", True, "-a/b")
    equals, _ = read('--model="a b" x')
    assert equals.model is not None
    assert equals.model.text == "a b"


@pytest.mark.parametrize(
    ("line", "message", "advice"),
    [
        ("[[--limti]] 5 a", "no option '--limti'", "did you mean '--limit'?"),
        ("[[-x]] a", "no option '-x'", None),
        ("[[-m]]", "expected MODEL after '-m'", "-m MODEL: where paths start"),
        ("[[--out=]] a", "expected NAME after '--out'", "--out NAME: "),
        ("--vars=[[yes]] a", "'--vars' takes no value", None),
        ("-f [[jso]] a", f"expected one of {', '.join(FORMATS)}, found 'jso'", "did you mean 'json'?"),
        ("--limit [[few]] a", "expected a whole number, found 'few'", None),
        ("--limit=[[-5]] a", "expected a whole number, found '-5'", None),
        ("-o [[a-b]] a", "expected a name for a variable, found 'a-b'", None),
        ("-o [[class]] a", "expected a name for a variable, found 'class'", None),
    ],
)  # fmt: skip
def test_what_is_wrong(line: str, message: str, advice: str | None):
    start, end = line.index("[["), line.index("]]") - 2
    plain = line.replace("[[", "").replace("]]", "")
    with pytest.raises(QueryError) as raised:
        read(plain)
    (problem,) = raised.value.problems
    assert raised.value.text == HEAD + plain
    assert problem.message == message
    assert problem.span is not None
    assert problem.span.of(HEAD + plain) == plain[start:end] or plain[start:end] == "--out="
    if advice is not None:
        assert problem.advice(HEAD + plain)[0].startswith(advice)
