"""The page about the prompt says what it does: its lines are entered, its tables are those of the program."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from tests.record_screens import SCENES
from tests.terminal import DEMO
from weightrepl.frontends import commands, settings
from weightrepl.frontends.commands import COMMANDS
from weightrepl.frontends.session import Session
from weightrepl.frontends.settings import Settings
from weightrepl.frontends.shell import Shell
from weightrepl.render.blocks import ProblemBlock
from weightrepl.render.text import Screen, lines

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "repl.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(?:wq)?\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEIGHTREPL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(DEMO, tmp_path / DEMO.name)
    with Session() as session:
        session.open(DEMO.name)
        yield Shell(session, Settings())


def test_there_is_something_to_enter():
    assert sum(block.count("\n") for block in BLOCKS) > 15


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_its_lines_are_answered(shell: Shell, block: str):
    for line in block.splitlines():
        blocks = list(shell.enter(line))
        problems = [
            b.problem for b in blocks if isinstance(b, ProblemBlock) and b.problem.severity == "error"
        ]
        assert not problems, line
        assert list(lines(blocks, Screen(80))) or line.startswith(("%cd", "%alias")), line


@pytest.mark.parametrize(
    ("name", "table"), [("commands", commands.as_markdown()), ("settings", settings.as_markdown())]
)
def test_its_tables_are_those_of_the_program(name: str, table: str):
    before, mark, rest = PAGE.read_text(encoding="utf-8").partition(
        f"<!-- {name}: made by WEIGHTREPL_GOLDEN=1 -->\n"
    )
    shown, end, after = rest.partition("<!-- end -->")
    if os.environ.get("WEIGHTREPL_GOLDEN"):
        PAGE.write_text(f"{before}{mark}{table}{end}{after}", encoding="utf-8")
        shown = table
    assert shown == table


def test_its_commands_and_pictures_exist():
    named = set(re.findall(r"`%([a-z]+)", TEXT))
    assert named <= set(COMMANDS)
    assert set(re.findall(r"\(screens/(\w+)\.svg\)", TEXT)) <= set(SCENES)
