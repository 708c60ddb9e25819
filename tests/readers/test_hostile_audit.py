"""Whatever a file holds, opening and reading it runs nothing and touches nothing but that file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readers.files import ZOO
from tests.readers.hostile import CANARY
from tests.readers.hostile_checkpoints import HOSTILE

ROOT = Path(__file__).resolve().parents[2]


def audited(cwd: Path, *folders: Path) -> list[str]:
    """Return the lines of tests.readers.audited; the canary stands where an import of it would find it."""
    (cwd / f"{CANARY}.py").write_text(f"import os\nos.mkdir({CANARY!r})\n")
    run = subprocess.run(
        [sys.executable, "-m", "tests.readers.audited", *map(str, folders)],
        cwd=cwd, env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{cwd}"}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert not (cwd / CANARY).exists()
    return run.stdout.splitlines()


def test_nothing_happens_with_a_hostile_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name, case in HOSTILE.items():
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        case.make(folder)
    for outside in (tmp_path / "models").glob("*-outside"):
        outside.rename(tmp_path / outside.name)  # where links lead now is not among what may be opened
    found = audited(tmp_path, tmp_path / "models")
    assert [line for line in found if line.startswith("EVENT")] == []
    assert len(found) >= len(HOSTILE)


def test_nothing_happens_with_any_model_of_the_zoo(tmp_path: Path):
    found = audited(tmp_path, ZOO)
    assert [line for line in found if line.startswith("EVENT")] == []
    assert sum(line.startswith("read ") for line in found) > 300


def test_the_hook_sees(tmp_path: Path):
    """A reader that imported, ran or opened anything would be told of."""
    program = """
import os, sys
from tests.readers.audited import ready, watch
ready()
told = []
watch([sys.argv[1]], told.append)
def tried(act):
    try:
        act()
    except Exception:
        pass
import weightrepl_canary_module_that_is_not_there
"""
    for act, event in (
        ("import weightrepl_not_there", "import"),
        ("eval('1+1')", "exec"),
        ("open('/etc/hostname')", "open"),
        ("open(sys.argv[1] + '/x', 'w')", "open"),
        ("__import__('socket').socket()", "socket.__new__"),
        ("os.system('true')", "os.system"),
        ("__import__('pickle').loads(b'cos\\nmkdir\\n.')", "pickle.find_class"),
        ("__import__('subprocess').run(['true'])", "subprocess.Popen"),
    ):
        tries = (
            program.rpartition("import weightrepl_canary")[0]
            + f"""
import pickle, socket
try:
    exec({act!r})
except Exception:
    pass
print(*told, sep="\\n")
"""
        )
        run = subprocess.run(
            [sys.executable, "-c", tries, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True
        )
        assert any(line.startswith(event) for line in run.stdout.splitlines()), (act, run.stdout)
