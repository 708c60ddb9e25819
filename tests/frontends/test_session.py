"""The session: what an argument names, where a query stands, and what comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from weightrepl.errors import Fix, Problem, QueryError, SourceError
from weightrepl.frontends.session import (
    Question,
    Session,
    read_queries,
    read_query_file,
    read_text,
    split_name,
)
from weightrepl.spans import Span

MODEL = Path(__file__).resolve().parents[2] / "weightrepl" / "demo" / "larger_model.keras"


@pytest.mark.parametrize(
    ("argument", "name", "path"),
    [
        ("m.keras", None, "m.keras"),
        ("a=m.keras", "a", "m.keras"),
        ("a=runs/lr=0.1/m.keras", "a", "runs/lr=0.1/m.keras"),
        ("runs/lr=0.1/m.keras", None, "runs/lr=0.1/m.keras"),
        ("=m.keras", None, "=m.keras"),
        ("there=1.keras", None, "there=1.keras"),
        ("x=there=1.keras", "x", "there=1.keras"),
    ],
)
def test_an_argument_is_a_name_and_a_path(argument, name, path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there=1.keras").touch()
    assert split_name(argument) == (name, path)


def test_without_a_model_the_error_says_what_to_do():
    with Session() as session, pytest.raises(QueryError, match="no model is open") as caught:
        session.run("**:*")
    assert caught.value.problems[0].hint == "open one: weightrepl MODEL, or in a query file '#: open MODEL'"


def test_what_goes_wrong_is_part_of_the_answer(tmp_path):
    with Session() as session:
        session.open(MODEL, "base")
        assert session.answer(Question("base/**:kernel")).size == 3
        assert session.answer(Question("** | count")).size == 5
        wrong = session.answer(Question("nope:*"))
        assert (wrong.result, wrong.size, wrong.problems[0].code) == (None, 0, "no-such-layer")

        def unreadable(text, want=None):
            raise SourceError("cut short", "m.keras")

        session.run = unreadable
        assert session.answer(Question("x")).problems == (Problem("unreadable", "m.keras: cut short"),)


def test_a_location_is_one_layer():
    with Session() as session:
        session.open(MODEL)
        assert session.go("custom_module").layer.name == "custom_module"
        assert session.run("*1:kernel").addresses == ("larger_model/custom_module/inner_dense1:kernel",)
        session.go("..")
        with pytest.raises(QueryError, match="a location is one layer, and this selects 2"):
            session.go("*")
        with pytest.raises(QueryError, match="a location is one layer"):
            session.go("** | count")


def test_errors_in_queries_are_known_before_they_run():
    script = read_queries(["a:*", "b/c["])
    assert [q.text for q in script.questions] == ["a:*", "b/c["]
    assert {picture.text for picture in script.errors} == {"b/c["}


FILE = "#: open x = ~/m.keras\n#: open sub/n.keras\n#: let k = **:kernel\n# why\n#: expect none\n$k\n  | head 1\n"


def test_a_query_file_is_read(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    script = read_query_file(FILE, "dir/c.wq", "dir")
    assert script.opens == (("x", "/home/me/m.keras"), (None, "dir/sub/n.keras"))
    assert set(script.named) == {"k"}
    (question,) = script.questions
    assert (question.text, question.expect, question.where) == ("$k\n  | head 1", "none", "dir/c.wq:6")


def test_a_problem_in_a_file_shows_its_lines_only():
    whole = "a:*\nb/c:*\n  | head 1\n"
    question = Question("b/c:*\n  | head 1", path="c.wq", whole=whole, start=4)
    at = Problem("x", "y", Span(2, 3), Fix(Span(2, 3), "d"))
    over = Problem("x", "y", Span(2, 3), Fix(Span(10, 14), "tail"))
    empty = Problem("x", "y", Span(0, 0))
    placeless = Problem("x", "y")
    pictures = list(question.pictures([at, over, empty, placeless]))
    assert [p.where for p in pictures] == ["c.wq:2:3", "c.wq:2:3", "c.wq:2:1", "c.wq:2"]
    assert [p.text for p in pictures] == ["b/c:*", "b/c:*\n  | head 1", "b/c:*", ""]
    assert pictures[0].problem == at
    assert pictures[1].problem.advice(pictures[1].text) == ("type instead: b/c:*\n  | tail 1",)


def test_what_is_no_text_is_no_query_file(tmp_path):
    (tmp_path / "a.wq").write_bytes(b"\xef\xbb\xbf**:*\n")
    assert read_text(str(tmp_path / "a.wq")) == "**:*\n"
    (tmp_path / "b.wq").write_bytes(b"ok\xff")
    with pytest.raises(SourceError, match="byte 2: is not UTF-8"):
        read_text(str(tmp_path / "b.wq"))
    with pytest.raises(SourceError, match="No such file"):
        read_text(str(tmp_path / "c.wq"))
