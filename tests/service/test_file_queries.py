"""Query files as an editor sees them: what the service says of a query, at the offsets of the file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import weightrepl
from weightrepl.errors import Fix, errors_in
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.service.file_names import name_at, names_in, renamed, span_at
from weightrepl.service.file_outline import folds, formatted, symbols
from weightrepl.service.file_queries import (
    complete_file,
    diagnose_file,
    hover_file,
    matched_in,
    named_of,
    parsed,
    queries_of,
    query_at,
    query_spans,
    signature_file,
)

FILE = """\
# what is asked
# of the demo
#: open base = demo.keras
#: let kernels = **:kernel
base/*dense:kernel
    | head 3
#: expect none
$kernels | where name == x
"""


@pytest.fixture(scope="module")
def demo() -> Workspace:
    return Workspace((weightrepl.open(weightrepl.demo_path(), name="base"),))


def at(marked: str) -> tuple[str, int]:
    """Return a text and the offset of the `‸` in it."""
    return marked.replace("‸", ""), marked.index("‸")


@pytest.mark.parametrize(
    ("marked", "query"),
    [
        ("a:b\n‸c | head", "c | head"),
        ("a:b | ‸\nc", "a:b | "),
        ("a\n  | he‸ad 3\nb", "a\n  | head 3"),
        ("a\n‸\nb", ""),
        ("‸", ""),
        ("# com‸ment", None),
        ("#: open ‸x", None),
        ("#: let x = a/‸b", "a/b"),
    ],
)
def test_the_query_at_a_place(marked: str, query: str | None):
    text, offset = at(marked)
    span = query_at(text, offset)
    assert (None if span is None else span.of(text)) == query


@pytest.mark.parametrize(
    ("marked", "first"),
    [
        ("#: open base = x\nbase/out‸", "outer_dense"),
        ("#: let k = **:kernel\n$‸", "k"),
        ("#: let k = **:kernel\n#: let other = $‸", "k"),
        ("#: ‸", "open"),
        ("#: l‸", "let"),
        ("#: expect ‸", "some"),
        ("#: expect n‸\na", "none"),
        ("base:* | co‸\n", "count"),
    ],
)
def test_completion_counts_from_the_file_s_beginning(marked: str, first: str, demo: Workspace):
    text, offset = at(marked)
    items = complete_file(text, offset, demo).items
    assert items[0].text.startswith(first)
    changed = Fix(items[0].span, items[0].text).applied(text)
    if items[0].kind != "keyword":
        assert not errors_in(diagnose_file(changed, demo))


def test_a_query_does_not_refer_to_itself(demo: Workspace):
    text, offset = at("#: let k = $‸")
    assert not [item for item in complete_file(text, offset, demo).items if item.text == "k"]


def test_a_comment_completes_nothing(demo: Workspace):
    assert complete_file("# $", 3, demo).items == ()


def test_problems_lie_where_they_are_in_the_file(demo: Workspace):
    assert diagnose_file(FILE.replace("*dense", "outer_dense"), demo) == ()
    text = FILE.replace("*dense", "outer_dens").replace("expect none", "expect nothing")
    found = [(problem.code, problem.span.of(text)) for problem in diagnose_file(text, demo) if problem.span]
    assert found == [("no-such-layer", "outer_dens"), ("bad-expectation", "nothing")]
    changed = diagnose_file(text, demo)[0].fix
    assert changed is not None
    assert changed.applied(text) == FILE.replace("*dense", "outer_dense").replace("none", "nothing")


def test_a_named_query_with_an_error_is_told_once_where_it_stands(demo: Workspace):
    text = "#: let k = **:kernel | sorted\n$k | head 2\n"
    assert [problem.code for problem in diagnose_file(text, demo)] == ["no-such-stage", "no-such-name"]


def test_hover_signature_and_count(demo: Workspace):
    text = FILE.replace("*dense", "outer_dense")
    offset = text.index("outer_dense")
    found = hover_file(text, offset, demo)
    assert found is not None
    assert found.span.of(text) == "outer_dense"
    assert hover_file(text, 3, demo) is None
    shown = signature_file(text, text.index("head 3") + 5)
    assert shown is not None
    assert shown.label == "head [N]"
    assert signature_file(text, 3) is None
    span = query_at(text, offset)
    assert span is not None
    counted = matched_in(text, span, demo)
    assert counted is not None
    assert counted.count == 1


# ------------------------------------------------------------------ outline


def test_the_outline_has_models_named_queries_and_queries():
    assert [(s.kind, s.name, s.detail) for s in symbols(FILE)] == [
        ("model", "base", "demo.keras"),
        ("query", "$kernels", "**:kernel"),
        ("entry", "base/*dense:kernel | head 3", ""),
        ("entry", "$kernels | where name == x", "expect none"),
    ]
    assert symbols("a/" + "b" * 200)[0].name.endswith("b…")


def test_queries_of_several_lines_and_comments_fold():
    assert [(span.of(FILE).split()[0], kind) for span, kind in folds(FILE)] == [
        ("#", "comment"),
        ("base/*dense:kernel", "region"),
    ]
    assert folds("# one\na\n# two") == ()


def test_formatting_spells_queries_canonically_and_keeps_their_lines():
    text = '"a"/b:c|head  5\nx:y|sort size\n   | head  3\nbroken |\nq # comment\n#: let k="z":w\n'
    changed = text
    for fix in reversed(formatted(text)):
        changed = fix.applied(changed)
    assert changed == (
        "a/b:c | head 5\nx:y\n    | sort size\n    | head 3\nbroken |\nq # comment\n#: let k=z:w\n"
    )
    assert formatted(changed) == ()


# ------------------------------------------------------------------ names


def test_names_and_where_they_are_used():
    model, query = names_in(FILE)
    assert (model.kind, model.name, model.given.of(FILE)) == ("model", "base", "base")
    assert [span.start for span in model.uses] == [FILE.index("base/")]
    assert (query.kind, query.name, query.given.of(FILE)) == ("query", "kernels", "kernels")
    assert [span.start for span in query.uses] == [FILE.index("$kernels") + 1]
    found = name_at(FILE, FILE.index("$kernels") + 3)
    assert found == query
    assert span_at(query, FILE.index("$kernels") + 3).of(FILE) == "kernels"
    assert name_at(FILE, 0) is None


def test_a_model_that_names_itself_is_known_by_what_it_answers_to():
    text = "#: open let.keras\nlarger_model/a:b\ndiff:x | diff /larger_model/a\n*:c"
    (name,) = names_in(text, [("larger_model", "let")])
    assert (name.name, name.given.of(text), len(name.uses)) == ("larger_model", "let.keras", 2)
    assert names_in(text)[0].uses == ()


@pytest.mark.parametrize(
    ("where", "new", "expected"),
    [
        ("kernels", "k", FILE.replace("kernels", "k")),
        ("base", "my model", FILE.replace("base =", "my model =").replace("base/", "my\\ model/")),
    ],
)
def test_renaming_changes_all_places(where: str, new: str, expected: str):
    name = name_at(FILE, FILE.index(where))
    assert name is not None
    if new == "my model":
        with pytest.raises(ValueError, match="can't be a name"):
            renamed(FILE, name, new)
        return
    changed = FILE
    for fix in sorted(renamed(FILE, name, new), key=lambda fix: fix.span, reverse=True):
        changed = fix.applied(changed)
    assert changed == expected


def test_renaming_a_model_that_names_itself_gives_it_a_name():
    text = "#: open m.keras\nlarger/a:b"
    (name,) = names_in(text, [("larger",)])
    changed = text
    for fix in sorted(renamed(text, name, "big"), key=lambda fix: fix.span, reverse=True):
        changed = fix.applied(changed)
    assert changed == "#: open big = m.keras\nbig/a:b"


@pytest.mark.parametrize("new", ["", "a b", "a$", "other"])
def test_a_name_that_can_not_be_is_refused(new: str):
    text = "#: let k = a\n#: let other = b\n"
    with pytest.raises(ValueError, match=r"name|expected"):
        renamed(text, names_in(text)[0], new)


LINES = (
    *(
        "a:b",
        "a | sort",
        "  | head 3",
        "  ",
        "",
        "# b",
        "  # c",
        "  : kernel",
        "$k | count",
        "a\r",
        "\t",
        "\ufeff",
    ),
    *("#: let k = a", "#: let k = ", "#: let l = b | (", "#: let", "#:", "#: open m = x", "#: expect none"),
)


@given(st.lists(st.sampled_from(LINES)).map("\n".join))
def test_places_of_queries_are_found_without_reading_them(text: str):
    assert list(query_spans(text)) == [query.span for query in queries_of(text)]
    lets = {let.name: let for let in reversed(parsed(text).file.lets) if let.name}
    assert {name: named.query for name, named in named_of(text).items()} == {
        name: let.query
        for name, let in lets.items()
        if not errors_in(parse(let.query.span.of(text)).problems)
    }


def test_problems_that_are_known_are_told_anew(demo: Workspace):
    text = "base/a\n#: expect some\nbase/a"
    first, second = diagnose_file(text, demo)
    assert [text[each.span.start :][:1] for each in (first, second)] == ["a", "a"]
    assert first.span.start < second.span.start
    lets = "#: let k = base/*\n$k/x", "#: let k = base/nothing\n$k"
    assert [{each.code for each in diagnose_file(text, demo)} for text in lets] == [
        {each.code for each in diagnose_file(text, Workspace(demo.models))} for text in lets
    ]
