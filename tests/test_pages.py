"""The tutorial and the how-tos are true, and whoever runs them would notice if they were not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pages import ROOT, blocks_of, corrected, environment_with, run

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="the system has no pseudo-terminals")

HOW_TO = ROOT / "docs" / "how-to"
PAGES = [ROOT / "docs" / "tutorial.md", *sorted(HOW_TO.glob("*.md"))]
LONG = os.environ.get("WEIGHTREPL_LONG") == "1"
OTHERS = [ROOT / "docs" / name for name in ("assign.md", "embeddings.md")]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES + OTHERS, ids=lambda page: page.stem)
def test_a_page_is_as_it_says(page: Path) -> None:
    if not (LONG or any(block.tensorflow for block in blocks_of(page.read_text("utf-8")))):
        pytest.skip("it needs no TensorFlow: 'make test-wheel' runs it")
    command = [sys.executable, str(ROOT / "tests" / "pages.py"), str(page)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_says_at_its_top_whether_tensorflow_is_needed(page: Path) -> None:
    title, _, first = page.read_text("utf-8").split("\n")[:3]
    assert title.startswith("# ")
    assert first.startswith(("*TensorFlow: needed", "*TensorFlow: not needed"))


def test_every_how_to_is_listed_by_its_question() -> None:
    listed = (HOW_TO / "index.md").read_text("utf-8")
    for page in set(HOW_TO.glob("*.md")) - {HOW_TO / "index.md"}:
        question = page.read_text("utf-8").split("\n")[0].removeprefix("# ")
        assert f"[{question}]({page.name})" in listed


# ------------------------------------------------------------------ the runner itself


def faults(text: str, folder: Path, tensorflow: bool = True) -> list[str]:
    """What comes out of the blocks of a page where it is not what the page says."""
    page = folder / "page.md"
    page.write_text(text.replace("'''", "```"), encoding="utf-8")
    return [fault.came for fault in run(page, environment_with(str(folder)), tensorflow)]


@pytest.mark.parametrize(
    ("page", "came"),
    [
        ("'''console\n$ echo a\na\n'''", []),
        ("'''console\n$ echo a\nb\n'''", ["a\n"]),
        ("'''console\n$ echo a\n'''", ["a\n"]),
        ("'''console\n$ echo a; echo b >&2\na\nb\n'''", []),
        ("'''console\n$ echo a b c\na ... c\n$ echo d \\\n      e\nd e\n'''", []),
        ("'''console\n$ false\n$ echo $?\n0\n'''", ["1\n"]),
        ("'''console\n$ test -t 0 && test -t 1 && test -t 2 && ls\n'''", []),
        ("'''python\nprint(1)\n'''\n'''text\n1\n'''", []),
        ("'''python\nprint(1)\n'''\n'''text\n2\n'''", ["1\n"]),
        ("'''python\nprint(1)\n'''", ["1\n"]),
        ("'''python\na = 1\n'''\n'''python\nprint(a)\n'''\n'''text\n1\n'''", []),
        ("'''python\n1 / 0\n'''\n'''text\nZeroDivisionError: division by zero\n'''", []),
        ("'''python\n1 / 0\n'''", ["ZeroDivisionError: division by zero\n"]),
        ("'''python title=\"a.py\"\nprint(1)\n'''\n'''console\n$ cat a.py\nprint(1)\n'''", []),
        ("'''python\nprint(1)\n'''\n'''text title=\"a\"\n2\n'''", ["1\n"]),
        ("'''sh\nexit 1\n'''\n'''text\nanything\n'''", []),
        (
            "<!-- begins with m.keras: weightrepl/demo/larger_model.keras -->\n'''console\n$ ls\nm.keras\n'''",
            [],
        ),
        ("<!-- begins with demo: weightrepl/demo -->\n'''console\n$ ls demo\nlarger_model.keras\n'''", []),
    ],
)
def test_what_is_not_as_it_says_is_found(page: str, came: list[str], tmp_path: Path) -> None:
    assert faults(page, tmp_path) == came


def test_a_doctest_shares_the_names(tmp_path: Path) -> None:
    page = "'''python\na = 1\n'''\n'''python\n>>> a\n{}\n>>> b = 2\n'''\n'''python\nprint(b)\n'''\n'''text\n2\n'''"
    assert faults(page.format("1"), tmp_path) == []
    (came,) = faults(page.format("3"), tmp_path)
    assert "Expected:\n    3\nGot:\n    1\n" in came


def test_what_needs_tensorflow_is_left_out_where_there_is_none(tmp_path: Path) -> None:
    page = "*TensorFlow: {}.*\n'''console\n$ echo 1\n'''\n## B\n*TensorFlow: {}.*\n'''console\n$ echo 2\n'''"
    assert faults(page.format("not needed", "needed"), tmp_path, tensorflow=False) == ["1\n"]
    assert faults(page.format("needed", "not needed"), tmp_path, tensorflow=False) == ["2\n"]
    assert faults(page.format("needed", "not needed"), tmp_path, tensorflow=True) == ["1\n", "2\n"]


def test_the_author_gets_what_came_out(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo a\nb\n$ echo c\n```\nx\n```python\nprint(1)\n```\n```text\n2\n3\n```\n"
    )
    found = run(page, environment_with(str(tmp_path)), tensorflow=True)
    page.write_text(corrected(page.read_text("utf-8"), found), encoding="utf-8")
    assert "$ echo a\na\n$ echo c\nc\n```\nx\n" in page.read_text("utf-8")
    assert run(page, environment_with(str(tmp_path)), tensorflow=True) == []


@pytest.mark.parametrize(
    "page", ["```\na\n```\n", "```sh\na\n", "```sh x\na\n```\n", "```console\na\n$ b\n```\n"]
)
def test_nothing_is_left_out_without_a_word(page: str) -> None:
    with pytest.raises(ValueError, match=r"fence|console"):
        blocks_of(page)


def test_a_command_that_waits_for_somebody_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.pages.DEADLINE_S", 0.5)
    assert faults("'''console\n$ cat\n'''", tmp_path) == ["(nothing came for 0.5 seconds)\n"]


def test_lines_are_counted_from_one() -> None:
    assert [block.line for block in blocks_of("a\n```sh\nb\n```\n\n```sh\n```\n")] == [3, 7]
