"""The command as a process of its own, in a folder with the demo's model."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "weightrepl" / "demo" / "larger_model.keras"
ODD_NAMES = ROOT / "tests" / "zoo" / "keras3" / "weird_names"
COMMAND = [sys.executable, "-m", "weightrepl"]
KERNEL = "larger_model/custom_module/inner_dense1:kernel"


def environment(**changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "LC_ALL": "C.UTF-8"} | changes


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the demo's model as m.keras, in which the command runs."""
    shutil.copy(MODEL, tmp_path / "m.keras")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*arguments: str, given: str | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
    """The command's run; without text given its standard input is /dev/null."""
    streams = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**changes),
        capture_output=True,
        text=True,
        check=False,
        **streams,
    )


def printed(*arguments: str, given: str | None = None, status: int = 0, told: str = "") -> list[str]:
    """The lines that the command prints, once it ended as it should and told that on standard error."""
    run = ran(*arguments, given=given)
    assert (run.returncode, run.stderr) == (status, told)
    return run.stdout.splitlines()
