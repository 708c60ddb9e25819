"""The page of problem codes shows what the program shows; that it is up to date tests/language_server tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.problem_pictures import EXAMPLES, WAYS, instead_of, shown
from weightrepl.frontends.commands_codes import ALL_CODES

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("code", ALL_CODES)
def test_a_code_has_its_picture_and_what_to_do(code: str) -> None:
    """The picture is of this code; a text mends it, or words say what to do."""
    picture, instead = shown(code)
    assert f"[{code}]: " in picture.splitlines()[0]
    assert instead or EXAMPLES[code]["do"]


@pytest.mark.parametrize("code", [code for code in ALL_CODES if code not in WAYS and shown(code).instead])
def test_what_to_type_instead_mends_it(code: str) -> None:
    """Where it is typed, the code is gone, and nothing worse is there."""
    assert [p.code for p in instead_of(code) if p.code == code or p.severity == "error"] == []


def test_every_example_is_of_a_code() -> None:
    """None is left over."""
    assert EXAMPLES.keys() | WAYS.keys() <= ALL_CODES.keys()


def test_every_code_of_the_cases_has_a_meaning() -> None:
    """Also those that the code of the program puts together."""
    cases = [json.loads(path.read_text("utf-8")) for path in CASES.glob("*.json")]
    assert set(_codes(cases)) <= ALL_CODES.keys()


def _codes(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name in ("error", "notes", "code"):
            found = value.get(name, [])
            yield from [found] if isinstance(found, str) else [c for c in found if isinstance(c, str)]
        value = [*value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _codes(each)
