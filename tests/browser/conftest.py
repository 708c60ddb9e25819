"""Chromium, a server of JupyterLab, and pages of theirs; what is not there is told, and the tests are left out."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import weightrepl
from tests.browser.chromium import NAMES, found
from tests.browser.lab import Notebook, Server, launched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Chromium, without a window."""
    absent = [
        name for name in ("playwright", "jupyterlab", "nbconvert", "notebook") if find_spec(name) is None
    ]
    absent += [] if found() else [" or ".join(NAMES)]
    if absent:
        wanted = request.config.getoption("markexpr") == "browser"
        (pytest.fail if wanted else pytest.skip)(f"not installed: {', '.join(absent)}")
    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in whose folder the demo's model lies."""
    with Server(tmp_path_factory.mktemp("lab")) as server:
        shutil.copy(weightrepl.demo_path(), server.notebooks)
        yield server


@pytest.fixture(scope="module")
def opened(browser: Browser, server: Server) -> Iterator[Callable[..., Notebook]]:
    """Open a notebook of cells in a page of its own, in a theme, under a front end's path."""
    pages: list[Page] = []

    def open_(*cells: object, theme: str = "light", **options: str) -> Notebook:
        server.dress(theme)
        file = server.notebook(f"notebook_{len(pages)}", cells)
        pages.append(browser.new_page(viewport={"width": 1000, "height": 900}))
        return Notebook(pages[-1], server, file, **options)

    yield open_
    for page in pages:
        page.close()
