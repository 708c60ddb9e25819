"""What the README shows is what comes out."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import weightrepl
from tests import pages

PAGE = Path(__file__).parent.parent / "README.md"
README = PAGE.read_text("utf-8")
QUERIES = [query.replace("\\|", "|") for query in re.findall(r"^\| `(.+?)` \| ", README, re.MULTILINE)]


def test_what_it_shows_comes_out(tmp_path: Path) -> None:
    assert pages.run(PAGE, pages.environment_with(str(tmp_path)), tensorflow=False) == []


def test_five_queries_are_shown() -> None:
    assert README.count("$ weightrepl larger_model.keras -q '") == 5 + 1  # and a mistake
    assert len(QUERIES) == 5


@pytest.mark.parametrize("query", QUERIES)
def test_more_queries_find_what_is_there(query: str) -> None:
    """Each, over the demo's model under several names: no value in it is NaN or infinite."""
    models = dict.fromkeys(("base", "tuned", "q8"), weightrepl.demo_path())
    assert (len(weightrepl.evaluate(models, query)) > 0) is ("nans" not in query)


def test_the_shell_lines_run(tmp_path: Path) -> None:
    """Each command line, over copies of the demo's model."""
    for name in ("model.keras", "a.keras", "b.keras"):
        (tmp_path / name).write_bytes(Path(weightrepl.demo_path()).read_bytes())
    (tmp_path / "checks.wq").write_text("base/**:kernel\n", "utf-8")
    lines = re.findall(r"^    (weightrepl .*?)(?:  +#.*)?$", README, re.MULTILINE)
    shutil.copytree(Path(__file__).parent / "zoo/keras3/trained_optimizer/ckpt", tmp_path / "checkpoints")
    assert len(lines) == 5
    for line in lines:
        command = [sys.executable, "-m", *shlex.split(line.replace("**/head:*", "**/outer_dense:*"))]
        ran = subprocess.run(
            command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, (line, ran.stderr)
