"""A shell for tests: on the demo's model, in a folder of its own, and what it shows in 80 columns."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import weightrepl
from weightrepl.frontends.session import Session
from weightrepl.frontends.settings import Settings
from weightrepl.frontends.shell import Shell
from weightrepl.render.text import Screen, lines

OTHER = Path(__file__).parents[1] / "zoo" / "keras3" / "seq_dense" / "model.keras"
"""A model `seq`: three Dense layers, among others."""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """A shell without a model; `m.keras` and `other.keras` lie in the folder where it runs."""
    monkeypatch.setenv("WEIGHTREPL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    shutil.copyfile(weightrepl.demo_path(), "m.keras")
    shutil.copyfile(OTHER, "other.keras")
    with Session() as session:
        yield Shell(session, Settings())


@pytest.fixture
def shell(empty: Shell) -> Shell:
    """A shell on `m.keras`, the demo's model."""
    empty.session.open("m.keras")
    return empty


def shown(shell: Shell, *entered: str) -> str:
    """Enter lines; return what comes of the last."""
    text = ""
    for line in entered:
        text = "\n".join(lines(shell.enter(line), Screen(80)))
    return text
