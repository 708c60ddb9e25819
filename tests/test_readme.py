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

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
QUERIES = [query.replace("\\|", "|") for query in re.findall(r"^\| `(.+?)` \| ", README, re.MULTILINE)]
FIVE, OF_VALUES = QUERIES[:5], QUERIES[5:]


def test_the_tree_is_the_demos() -> None:
    """The picture of the model is what the command prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "weightrepl", weightrepl.demo_path()],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    shown = [line.strip() for line in ran.stdout.splitlines()]
    for line in (
        README.split("## Five queries")[1].split("    larger_model")[1].split("\n\n")[0].splitlines()[1:]
    ):
        assert line.strip() in shown


@pytest.mark.parametrize("query", FIVE)
def test_the_queries_select_something(query: str) -> None:
    """Each of the five, over the demo's model."""
    assert len(weightrepl.evaluate(weightrepl.demo_path(), query)) > 0


@pytest.mark.parametrize("query", OF_VALUES)
def test_the_queries_of_values_find_what_is_there(query: str) -> None:
    """Each, over the demo's model under several names: no value in it is NaN or infinite."""
    models = dict.fromkeys(("base", "tuned", "q8"), weightrepl.demo_path())
    assert (len(weightrepl.evaluate(models, query)) > 0) is ("nans" not in query)


def test_the_python_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Line by line, with the demo's model standing for the user's."""
    (tmp_path / "larger_model.keras").write_bytes(Path(weightrepl.demo_path()).read_bytes())
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    script = f"import weightrepl\nmodel = weightrepl.demo_path()\n{code}"
    subprocess.run([sys.executable, "-c", script], check=True, cwd=tmp_path)


def test_the_mistake_looks_like_that() -> None:
    """The error's picture."""
    with pytest.raises(weightrepl.QueryError) as error:
        weightrepl.select(weightrepl.demo_path(), "larger_model/custom_modul/*dense1:kernel")
    picture = "\n".join(f"    {line}" for line in str(error.value).splitlines())
    assert picture in README


def test_the_shell_lines_run(tmp_path: Path) -> None:
    """Each command line, over copies of the demo's model."""
    for name in ("model.keras", "a.keras", "b.keras"):
        (tmp_path / name).write_bytes(Path(weightrepl.demo_path()).read_bytes())
    (tmp_path / "checks.wq").write_text("base/**:kernel\n", "utf-8")
    lines = re.findall(r"^    (weightrepl .*?)(?:  +#.*)?$", README, re.MULTILINE)
    shutil.copytree(Path(__file__).parent / "zoo/keras3/trained_optimizer/ckpt", tmp_path / "checkpoints")
    assert len(lines) == 8
    for line in lines:
        command = [sys.executable, "-m", *shlex.split(line.replace("**/head:*", "**/outer_dense:*"))]
        ran = subprocess.run(
            command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert ran.returncode == ("verdict != same" in line), (line, ran.stderr)
