"""The guided run: what it shows is what the engine answers, and it needs no TensorFlow."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.terminal import PROMPT, repl
from weightrepl.api import demo_path
from weightrepl.frontends.demo import STEPS, demonstration
from weightrepl.render.text import Screen

ROOT = Path(__file__).resolve().parents[2]


def test_every_step_is_shown_with_its_answer():
    text = "\n".join(demonstration(Screen()))
    for words, query in STEPS:
        assert f"\n\n{words}\n$ weightrepl larger_model.keras -q '{query}'\n\n" in text
    assert "5 layers · 6 weights · 272 params · 1.1 kB" in text
    assert "larger_model/outer_dense:kernel[:2, ::2]  (2, 2)  float32" in text
    assert text.count("error[") == 1
    assert "               ~~~~~~~~~~~~\n  did you mean 'custom_module'?" in text


def test_every_step_selects_something_but_the_one_that_is_mistyped():
    text = "\n".join(demonstration(Screen()))
    found = [int(n) for n in re.findall(r"^(\d+) weights?\b", text, re.M)]
    assert len(found) == len(STEPS) - 1
    assert 0 not in found


def test_the_command_runs_it_without_heavy_libraries():
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "weightrepl", "--demo"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0
    assert run.stdout.splitlines() == list(demonstration(Screen()))
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert loaded.isdisjoint({"tensorflow", "keras", "h5py"})


def test_the_shipped_file_is_small():
    assert (ROOT / "weightrepl" / "demo" / "larger_model.keras").stat().st_size < 32_000


def test_its_model_is_written_to_a_file_of_ones_own(tmp_path: Path):
    mine = tmp_path / "mine.keras"
    for force in ([], ["--force"]):
        command = [sys.executable, "-m", "weightrepl", "--demo", "-o", str(mine), *force]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
        assert mine.read_bytes() == Path(demo_path()).read_bytes()
    assert [*tmp_path.iterdir()] == [mine]


def test_on_a_terminal_it_ends_at_a_prompt_over_the_same_model(tmp_path: Path):
    with repl(tmp_path, "--demo") as terminal:
        terminal.wait(lambda t: t.line == PROMPT)
        assert "Your turn, on the same model." in terminal.text
        terminal.send("**:bias | count\r")
        terminal.wait(lambda t: t.line == PROMPT and "count" in t.text)
        assert terminal.row(terminal.rows.index(next(r for r in terminal.rows if "| count" in r)) + 1) == "3"
        terminal.send("\x04")
        assert terminal.end() == 0


def test_without_a_model_there_is_a_prompt_too(tmp_path: Path):
    with repl(tmp_path, "--color", "never") as terminal:
        terminal.wait(">")
        terminal.send(f"%open {ROOT}/weightrepl/demo/larger_model.keras\r")
        terminal.wait(lambda t: t.line == PROMPT)
