"""What a stage takes, with the cursor (`‸`) at every kind of place."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.samples import CASES, queries
from weightrepl.query.words import STAGES
from weightrepl.service.answers import Signature
from weightrepl.service.pages import STAGE_PAGES
from weightrepl.service.signature import signature

GROUPS = json.loads((CASES / "signature.json").read_text("utf-8"))


def told(answer: Signature | None) -> str | None:
    """Return the label, with the active parameter between `«` and `»`."""
    if answer is None or answer.active is None:
        return answer and answer.label
    span = answer.parameters[answer.active].span
    label = answer.label
    return f"{label[: span.start]}«{span.of(label)}»{label[span.end :]}"


@pytest.mark.parametrize(
    "case", [case for group in GROUPS.values() for case in group], ids=lambda case: case["q"]
)
def test_at_the_cursor(case):
    text, offset = case["q"].replace("‸", ""), case["q"].index("‸")
    assert told(signature(text, offset)) == case["label"]


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_has_the_signature_of_its_page(name: str):
    answer = signature(f"a | {name}", 5)
    assert answer is not None
    assert (answer.label, answer.text) == (STAGE_PAGES[name].usage, STAGE_PAGES[name].summary)
    assert bool(answer.parameters) == (name not in ("count", "stats", "dequantize"))


def test_every_place_of_every_sample():
    for query in queries()[::23]:
        for offset in range(len(query) + 1):
            signature(query, offset)


@given(
    st.text(st.sampled_from('a |top5,()[]{}:"\\=<~#\n') | st.characters(), max_size=30), st.integers(0, 30)
)
def test_any_text(text: str, offset: int):
    answer = signature(f"a | {text}", min(offset, len(text)) + 4)
    assert answer is None or answer.label in {page.usage for page in STAGE_PAGES.values()}
