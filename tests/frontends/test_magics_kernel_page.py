"""docs/notebook.md: its cells run in a real kernel, one after the other, and show what the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import weightrepl
from tests.kernel import ROOT, TEXT, WITHOUT, Kernel

PAGE = (ROOT / "docs" / "notebook.md").read_text("utf-8")
CELLS = re.findall(r"^```python\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("page")
    shutil.copy(weightrepl.demo_path(), folder)
    with Kernel(folder) as kernel:
        kernel.ok(WITHOUT.format(names=("tensorflow", "keras", "pandas")))
        yield kernel


def test_its_cells_show_what_it_says(kernel):
    assert len(CELLS) == 8
    for cell, expected in CELLS:
        reply = kernel.run(cell)
        assert (reply.status == "error") == expected.startswith("error["), reply.traceback
        shown = reply.traceback or reply.result.get(TEXT, "")
        if expected:
            assert [line.rstrip() for line in shown.splitlines()] == expected.splitlines()


def test_it_knows_every_option(kernel):
    told = kernel.ok("%weights?").help
    options = {*re.findall(r"^    +(?:-\w, )?(--[\w-]+)", told, re.MULTILINE)}
    assert len(options) == 6
    assert [option for option in options if f"`{option}" not in PAGE] == []


@pytest.mark.parametrize("method", re.findall(r"`k\.(\w+)", PAGE))
def test_what_it_says_of_results_is_there(method):
    assert callable(getattr(weightrepl.Selection, method))


def test_its_pictures_are_there():
    pictures = re.findall(r"\]\((screens/[\w./-]+)\)", PAGE)
    assert len(pictures) == 3
    assert [name for name in pictures if not Path(ROOT, "docs", name).is_file()] == []
