"""JupyterLab and Notebook: a query is typed, completed, explained, run, folded, and read in light and dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.lab import Notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator

READABLE = 4.5
CONTRAST = (Path(__file__).parent / "contrast.js").read_text("utf-8")

SETUP = "%load_ext weightrepl\nimport weightrepl\nmodel = weightrepl.open('larger_model.keras')"
ASKED = (
    *(
        "%layers",
        "%weights",
        "%weights outer_dense:kernel",
        "%weights **:* | stats",
        "%weights **:kernel | hist",
    ),
    *(
        "model",
        "%%weights\n**:kernel | head 1\nouter_dense:* | count",
        "%weights --no-stats **:kernel | head 1",
    ),
)

OTHER = """
from IPython.display import HTML
HTML('<details open><summary>a</summary><table class="dataframe"><thead><tr><th>b</th></tr></thead><tbody><tr>'
     '<td>1</td></tr><tr><td>2</td></tr></tbody></table><code>c</code><svg><text>d</text></svg></details>')
"""
WRONG = "%weights larger_model/custom_modul/*dense1:kernel"
STYLES = """(root) => [root, ...root.querySelectorAll("*")].map((element) => {
    const style = getComputedStyle(element);
    return [...style].map((name) => name + ":" + style.getPropertyValue(name)).join(";");
})"""

Open = Callable[..., Notebook]


@dataclass(frozen=True, slots=True)
class Answered:
    """A notebook in which all of ASKED was run, and before it what others show; last, a mistake.

    before: what OTHER looked like before anything of ours was there.
    """

    theme: str
    notebook: Notebook
    before: list[str]

    def shown(self) -> Iterator[tuple[str, Locator]]:
        """Yield what was asked, and what it shows."""
        for n, asked in enumerate(ASKED, 2):
            yield asked, self.notebook.output(n).first


@pytest.fixture(scope="module", params=["light", "dark"])
def answered(request: pytest.FixtureRequest, opened: Open) -> Answered:
    notebook = opened(OTHER, SETUP, *ASKED, WRONG, theme=request.param)
    other = notebook.run(0).first
    notebook.page.mouse.move(0, 0)
    before = other.evaluate(STYLES)
    for n in range(1, len(ASKED) + 3):
        notebook.run(n)
    return Answered(request.param, notebook, before)


def typed_and_completed(notebook: Notebook, n: int) -> list[str]:
    """Type the beginning of a query, choose from what is offered, and return what was offered."""
    keyboard = notebook.page.keyboard
    notebook.edit(n)
    keyboard.type("%weights larger_model/cus")
    keyboard.press("Tab")
    items = notebook.page.locator(".jp-Completer-item")
    items.first.wait_for()
    offered = items.all_inner_texts()
    keyboard.press("Enter")
    items.first.wait_for(state="hidden")
    return offered


# ------------------------------------------------------------------ typed


@pytest.mark.parametrize("front_end", ["doc/tree", "notebooks"])
def test_a_query_is_typed_completed_explained_and_run(opened: Open, front_end: str):
    notebook = opened(SETUP, "", front_end=front_end)
    notebook.run(0)
    first, *_ = typed_and_completed(notebook, 1)
    assert first.split("\n")[1:] == [
        "custom_module",
        "custommodule\xa0·\xa04\xa0weights\xa0·\xa0236\xa0params",
    ]
    assert notebook.cell(1).locator(".cm-content").inner_text() == "%weights larger_model/custom_module"
    notebook.page.keyboard.press("Shift+Tab")
    tooltip = notebook.page.locator(".jp-Tooltip")
    tooltip.wait_for()
    assert "CustomModule" in tooltip.inner_text()
    assert "inner_dense1" in tooltip.inner_text()
    notebook.page.keyboard.press("Escape")
    table = notebook.run(1).locator("table").first
    assert table.locator("tr").count() == 5
    assert "inner_dense1:kernel" in table.inner_text()
    assert "(10, 12)" in table.inner_text()


def test_the_whole_detail_is_seen_in_one_line(opened: Open):
    notebook = opened(SETUP, "")
    notebook.run(0)
    notebook.edit(1)
    notebook.page.keyboard.type("%weights **/*dense1:")
    notebook.page.keyboard.press("Tab")
    detail = notebook.page.locator(".jp-Completer-item .jp-Completer-typeExtended").first
    detail.wait_for()
    assert detail.inner_text() == "float32\xa0(10,\xa012)"
    menu = notebook.page.locator(".jp-Completer").bounding_box()
    box = detail.bounding_box()
    assert box
    assert menu
    assert box["x"] + box["width"] <= menu["x"] + menu["width"]
    assert box["height"] < 30


# ------------------------------------------------------------------ shown


def test_the_tree_folds_by_mouse_and_keyboard(answered: Answered):
    tree = answered.notebook.output(2)
    inner = tree.get_by_text("inner_dense1", exact=True)
    module = tree.locator("summary", has_text="custom_module").last
    assert inner.is_visible()
    module.click()
    inner.wait_for(state="hidden")
    assert tree.get_by_text("outer_dense", exact=True).is_visible()
    module.focus()
    answered.notebook.page.keyboard.press("Enter")
    inner.wait_for(state="visible")
    ring = module.evaluate("e => [getComputedStyle(e).outlineStyle, getComputedStyle(e).outlineWidth]")
    assert ring[0] != "none"
    assert ring[1] != "0px"


def test_all_texts_can_be_read(answered: Answered):
    dark = answered.notebook.page.evaluate("document.body.dataset.jpThemeLight") == "false"
    assert dark == (answered.theme == "dark")
    for asked, output in answered.shown():
        texts = contrasts(output)
        assert texts, asked
        assert [each for each in texts if each["ratio"] < READABLE] == [], asked


def test_a_mistake_can_be_read(answered: Answered):
    error = answered.notebook.output(len(ASKED) + 2)
    assert "did you mean 'custom_module'?" in error.inner_text()
    assert "Traceback" not in error.inner_text()
    assert [each for each in contrasts(error) if each["ratio"] < READABLE] == []


def contrasts(shown: Locator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shown.evaluate(CONTRAST)
    return found


def test_what_others_show_looks_the_same_as_before(answered: Answered):
    answered.notebook.page.mouse.move(0, 0)
    assert len(answered.before) > 12
    assert answered.notebook.output(0).first.evaluate(STYLES) == answered.before


def test_nothing_is_wider_than_a_narrow_notebook(answered: Answered):
    page = answered.notebook.page
    size = page.viewport_size
    page.set_viewport_size({"width": 500, "height": 900})
    widths = {
        asked: output.evaluate("e => e.scrollWidth - e.clientWidth") for asked, output in answered.shown()
    }
    page.set_viewport_size(size)
    assert {asked: width for asked, width in widths.items() if width > 0} == {}
