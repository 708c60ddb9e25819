"""The notebooks of examples/ run, show what is stored in them, and tell nothing of the machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tests.kernel import HTML, TEXT
from tests.record_notebooks import NOTEBOOKS, run

NUMBER = re.compile(r"-?(\d[\d,]*(\.\d+)?(e[+-]\d+)?|inf|nan)\b")


def shown(notebook: Any) -> list[object]:
    """Return what the cells of a notebook show: the kinds of outputs, and their text without numbers and blanks."""
    found: list[object] = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            text = output.get("text") or output.get("data", {}).get(TEXT) or "\n".join(output["traceback"])
            words = NUMBER.sub("0", text).split()
            found.append((cell.id, output.output_type, sorted(output.get("data", ())), words))
    return found


def names(path: Path) -> str:
    return path.stem


def test_there_are_some():
    assert [path.stem for path in NOTEBOOKS] == ["compare_and_assign", "first_look", "seed"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_it_runs_and_shows_what_is_stored(path):
    pytest.importorskip("tensorflow")
    assert shown(run(path)) == shown(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_its_outputs_are_stored_and_tell_nothing_of_the_machine(path):
    stored = path.read_text("utf-8")
    assert HTML in stored
    assert [
        word for word in ("/home/", "/root/", "/tmp/", "/usr/", "site-packages", "0x7") if word in stored
    ] == []
