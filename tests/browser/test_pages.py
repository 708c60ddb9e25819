"""The notebooks of examples/ as pages: by nbconvert without scripts, and in JupyterLab where they are not trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import nbformat
import pytest

from tests.browser.lab import Notebook
from tests.browser.test_lab import READABLE, contrasts
from tests.kernel import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST_LOOK = ROOT / "examples" / "first_look.ipynb"
LOOKS = {"light": ("lab", "light"), "dark": ("lab", "dark"), "classic": ("classic", "light")}


@pytest.fixture(scope="module", params=LOOKS)
def page(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The page that nbconvert makes of an example, without scripts and alone in the world."""
    import nbconvert

    template, theme = LOOKS[request.param]
    body, _ = nbconvert.HTMLExporter(template_name=template, theme=theme).from_filename(str(FIRST_LOOK))
    file = tmp_path_factory.mktemp("page") / "page.html"
    file.write_text(body, encoding="utf-8")
    context = browser.new_context(
        java_script_enabled=False, offline=True, viewport={"width": 1000, "height": 900}
    )
    page = context.new_page()
    page.goto(file.as_uri(), wait_until="domcontentloaded")
    yield page
    context.close()


def test_a_saved_page_can_be_read(page: Page):
    outputs = page.locator(".weightrepl")
    assert outputs.count() == 6
    for output in outputs.all():
        texts = contrasts(output)
        assert texts
        assert [each for each in texts if each["ratio"] < READABLE] == []


def test_a_saved_page_folds_without_scripts(page: Page):
    tree = page.locator(".weightrepl", has=page.locator("summary")).first
    inner = tree.get_by_text("attention_output", exact=True)
    assert inner.is_visible()
    tree.locator("summary", has_text="block_").first.click()
    inner.wait_for(state="hidden")


def test_a_notebook_that_is_not_trusted_still_reads(opened: Callable[..., Notebook]):
    stored = nbformat.read(FIRST_LOOK, as_version=4)
    notebook = opened(*stored.cells)
    shown = notebook.page.locator(".jp-Notebook").inner_text()
    for part in (
        "tiny/block_0/wide:kernel",
        "(32, 64)",
        "attention_output",
        "MultiHeadAttention",
        "embeddings (100, 32)",
    ):
        assert part in shown
    assert "border-collapse" not in shown
    assert notebook.page.locator(".jp-OutputArea-output style").count() == 0, (
        "it was trusted: nothing was tried"
    )


STRIPPED = """(html) => {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    parsed.querySelectorAll("style, svg").forEach((element) => element.remove());
    for (const element of parsed.querySelectorAll("*"))
        for (const name of ["class", "style"]) element.removeAttribute(name);
    document.body.replaceChildren(...parsed.body.childNodes);
    return document.body.innerText;
}"""


def test_without_styles_and_pictures_there_is_still_all_to_read(browser: Browser):
    """As GitHub shows it."""
    page = browser.new_page()
    outputs = [
        output for cell in nbformat.read(FIRST_LOOK, as_version=4).cells for output in cell.get("outputs", ())
    ]
    texts = [
        page.evaluate(STRIPPED, o.data["text/html"]) for o in outputs if "text/html" in o.get("data", ())
    ]
    page.close()
    tree, table, weight, *_ = texts
    assert len(texts) == 6
    for part in ("block_{0..3}", "MultiHeadAttention", "8,544", "kernel (32, 64)"):
        assert part in tree
    assert "tiny/block_0/wide:kernel\t(32, 64)\tfloat32\t8.2 kB" in table
    assert "EinsumDense" in weight
