"""What docs/pictures.md shows is what comes out."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from weightrepl import demo_path
from weightrepl.frontends.cli import run

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "pictures.md").read_text("utf-8")
COMMANDS = re.findall(r"^    weightrepl (.*)\n\n(?:((?:    .*\n)+)|!\[.*\]\((.*)\))", PAGE, re.MULTILINE)


@pytest.fixture(autouse=True)
def in_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(demo_path()).parent)
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize(("command", "shown"), [(c, shown) for c, shown, _ in COMMANDS if shown])
def test_the_terminal_shows_that(command: str, shown: str, capsys: pytest.CaptureFixture[str]):
    assert run(shlex.split(command)) == 0
    assert capsys.readouterr().out == re.sub(r"^    ", "", shown, flags=re.MULTILINE)


@pytest.mark.parametrize(("command", "name"), [(c, name) for c, _, name in COMMANDS if name])
def test_the_pictures_are_those(command: str, name: str, tmp_path: Path):
    arguments = shlex.split(command)
    assert arguments[-2:] == ["-o", name]
    assert run([*arguments[:-1], str(tmp_path / name)]) == 0
    assert (tmp_path / name).read_bytes() == (DOCS / name).read_bytes()


def test_there_are_two_of_each():
    assert [bool(name) for _, _, name in COMMANDS] == [False, False, True, True]


def test_the_python_runs(tmp_path: Path):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    assert (tmp_path / "kernels.svg").read_bytes() == (DOCS / "kernels.svg").read_bytes()
