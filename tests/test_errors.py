"""Problems as data and as pictures, and the tree of exceptions."""

from __future__ import annotations

import pickle

import pytest

from weightrepl import errors
from weightrepl.errors import Fix, Problem, QueryError, errors_in
from weightrepl.spans import Span

TEXT = "larger_model/custom_modul/*:kernel"
PROBLEM = Problem(
    "no-such-layer", "no layer 'custom_modul'", Span(13, 25), Fix(Span(13, 25), "custom_module")
)


def test_a_fix_is_made() -> None:
    assert Fix(Span(1, 2), "xy").applied("abc") == "axyc"
    assert Fix(Span(3, 3), "!").applied("abc") == "abc!"


def test_a_picture_is_the_terminals() -> None:
    assert PROBLEM.picture(TEXT).splitlines() == [
        "error[no-such-layer]: no layer 'custom_modul'",
        "  larger_model/custom_modul/*:kernel",
        "               ~~~~~~~~~~~~",
        "  did you mean 'custom_module'?",
    ]


def test_a_fix_elsewhere_is_shown_whole() -> None:
    problem = Problem("missing-comma", "expected ','", Span(2, 3), Fix(Span(1, 1), ","))
    assert problem.advice("a b") == ("type instead: a, b",)
    gone = Problem("unexpected", "found 'b'", Span(1, 3), Fix(Span(1, 3), ""))
    assert gone.advice("a b") == ("type instead: a",)


def test_a_long_text_is_not_repeated_for_a_fix_in_one_of_its_lines() -> None:
    for before, after in (("", "\n" + "c\n" * 400), ("c\n" * 400, ""), ("c\n" * 200, "\nc" * 200)):
        at = len(before) + 1
        problem = Problem("p", "m", Span(at, at + 1), Fix(Span(at, at), ","))
        assert problem.advice(f"{before}a b{after}") == ("type instead: a, b",)


def test_a_hint_speaks_for_itself() -> None:
    problem = PROBLEM.replace(hint="one\ntwo", severity="note")
    assert problem.picture(TEXT).splitlines()[-2:] == ["  one", "  two"]
    assert problem.picture(TEXT).startswith("note[no-such-layer]:")


def test_a_problem_of_a_source_has_no_picture_of_a_text() -> None:
    assert Problem("damaged", "cut short").picture("") == "error[damaged]: cut short"
    assert Problem("damaged", "cut short", Span(0, 0)).picture("") == "error[damaged]: cut short"


def test_only_errors_keep_a_query_from_running() -> None:
    note = PROBLEM.replace(severity="note")
    assert errors_in([note, PROBLEM]) == (PROBLEM,)


def test_a_query_error_carries_its_problems() -> None:
    error = QueryError(TEXT, [PROBLEM])
    assert (error.text, error.problems) == (TEXT, (PROBLEM,))
    assert str(error) == PROBLEM.picture(TEXT)
    assert isinstance(error, ValueError)
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert (twin.text, twin.problems) == (TEXT, (PROBLEM,))


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("NotOneError", LookupError),
        ("UnknownAddressError", KeyError),
        ("SourceError", OSError),
        ("FormatError", ValueError),
        ("UnknownFormatError", ValueError),
        ("UnsafeFileError", ValueError),
        ("ChangedError", ValueError),
        ("OutputError", OSError),
        ("MissingExtraError", ImportError),
    ],
)
def test_an_error_is_also_the_fitting_builtin(name: str, builtin: type[Exception]) -> None:
    error = getattr(errors, name)("what is wrong")
    assert isinstance(error, builtin)
    assert isinstance(error, errors.WeightreplError)
    assert str(error) == "what is wrong"
    assert name in (errors.__doc__ or "")


def test_a_source_error_names_path_and_place() -> None:
    error = errors.FormatError("cut short", "a.keras", "model.weights.h5")
    assert str(error) == "a.keras: model.weights.h5: cut short"
    assert str(errors.SourceError("cut short", "a.keras")) == "a.keras: cut short"
    twin = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert str(twin) == str(error)
