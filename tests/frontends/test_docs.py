"""The pages about the command line say what it does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from weightrepl.frontends.cli import HELP
from weightrepl.render.formats import FORMATS
from weightrepl.writers import _WRITERS

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def test_the_page_knows_every_option_format_and_suffix():
    text = page("command-line.md")
    for option in set(re.findall(r"--[a-z]+", HELP)) - {"--query", "--file", "--model", "--output", "--help"}:
        assert f"`{option}" in text or f" {option}" in text, option
    for word in (*FORMATS, *_WRITERS):
        assert f"`{word}`" in text, word


def test_the_help_knows_every_format_and_suffix():
    assert all(word in HELP for word in (*FORMATS, *_WRITERS))


def test_the_example_document_is_what_is_printed():
    (example,) = re.findall(r"```json\n(.*?)```", page("json-schema.md"), re.S)
    run = subprocess.run(
        [sys.executable, "-m", "weightrepl", "larger_model.keras", "-q", "outer_dense:bias", "--format", "json"],
        cwd=ROOT / "weightrepl" / "demo", env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(run.stdout) == json.loads(example)
