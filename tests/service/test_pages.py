"""The help pages: there is one of every word of the language, and every example runs."""

from __future__ import annotations

import pytest

import weightrepl
from weightrepl.engine.columns import LAYER_COLUMNS, VALUE_COLUMNS, WEIGHT_COLUMNS
from weightrepl.engine.evaluate import evaluate
from weightrepl.errors import errors_in
from weightrepl.model.workspace import Workspace
from weightrepl.query.parser import parse
from weightrepl.query.words import KEYWORDS, RESERVED, STAGES
from weightrepl.service.pages import COLUMN_PAGES, OPERATOR_PAGES, STAGE_PAGES, TOPIC_PAGES, Page

ALL = (STAGE_PAGES, COLUMN_PAGES, OPERATOR_PAGES, TOPIC_PAGES)
PAGES = [(name, page) for pages in ALL for name, page in pages.items()]
EXAMPLES = list(dict.fromkeys(example for _, page in PAGES for example in page.examples))


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(tuple(weightrepl.open(weightrepl.demo_path(), name=name) for name in ("base", "tuned")))


def test_every_stage_has_a_page():
    assert tuple(STAGE_PAGES) == STAGES


def test_every_column_has_a_page_and_nothing_else_has():
    assert set(COLUMN_PAGES) == {*WEIGHT_COLUMNS, *LAYER_COLUMNS, *VALUE_COLUMNS}


def test_every_reserved_word_and_every_argument_by_name_has_a_page():
    assert {*RESERVED, *(word for words in KEYWORDS.values() for word in words)} <= set(OPERATOR_PAGES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_runs(example: str, workspace: Workspace):
    result = evaluate(example, workspace, location=workspace.places[0])
    assert repr(result)
    assert not errors_in(result.notes)


@pytest.mark.parametrize(("name", "page"), PAGES, ids=[name for name, _ in PAGES])
def test_a_page_reads_well(name: str, page: Page):
    assert page.summary == page.summary.strip().rstrip(".")
    assert "`" not in page.summary
    assert len(page.summary) <= 90
    assert page.text.count("`") % 2 == 0
    assert not page.text or page.text.endswith((".", "`"))


@pytest.mark.parametrize("pages", [COLUMN_PAGES, OPERATOR_PAGES])
def test_examples_show_what_they_are_of(pages: dict[str, Page]):
    for name, page in pages.items():
        assert page.examples or name == "hist"
        assert all(name in example for example in page.examples)


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_is_what_its_examples_show(name: str):
    for example in STAGE_PAGES[name].examples:
        assert name in [stage.name for stage in parse(example).query.stages]
