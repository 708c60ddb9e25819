"""A real Emacs with eglot and the set-up of `examples/emacs`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.editors.conftest import CHECKS, Desk

EMACS = shutil.which("emacs")
HAS_EGLOT = '(progn (package-initialize) (kill-emacs (if (locate-library "eglot") 0 1)))'


@pytest.fixture(scope="module")
def shown(desk: Desk) -> dict[str, Any]:
    """What Emacs shows of the query file."""
    if EMACS is None:
        pytest.skip("there is no emacs")

    def emacs(*given: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [EMACS, "--batch", "--no-init-file", *given],
            cwd=desk.folder, env=desk.environment, check=False, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    if emacs("--eval", HAS_EGLOT).returncode:
        pytest.skip("this emacs has no eglot")
    done = emacs("--load", Path(__file__).with_name("emacs.el"))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_query_file_has_its_mode(shown: dict[str, Any]):
    assert shown["mode"] == "weightquery-mode"


def test_a_problem_is_shown_where_it_is(shown: dict[str, Any]):
    ((start, end, text),) = shown["problems"]
    assert CHECKS[start - 1 : end - 1] == "custom_modul"
    assert "no layer 'custom_modul' in m" in text


def test_layers_of_the_model_are_completed(shown: dict[str, Any]):
    assert {"custom_module", "outer_dense"} <= set(shown["completions"])


def test_a_weight_is_told_of(shown: dict[str, Any]):
    assert "m/outer_dense:kernel" in shown["hover"]
    assert "(8, 4)" in shown["hover"]
