"""A folder as a user has it: a model, a query file beside it, and `weightrepl-lsp` on the path."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

import weightrepl

ROOT = Path(__file__).parents[2]
CHECKS = """\
#: open m = m.keras
m/custom_modul/*dense1:kernel
m/outer_dense:kernel | stats
m/
"""
SERVER = """\
#!/bin/sh
exec {python} -m weightrepl.frontends.language_server "$@"
"""


@dataclass(frozen=True)
class Desk:
    """What an editor is started with. folder: with `checks.wq`, and `m.keras`, to which that refers."""

    folder: Path
    environment: dict[str, str]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """A desk of its own for a module, whose editor knows nothing of the user's settings."""
    pytest.importorskip("pygls", reason="there is no pygls")
    folder = tmp_path_factory.mktemp("desk")
    shutil.copyfile(weightrepl.demo_path(), folder / "m.keras")
    (folder / "checks.wq").write_text(CHECKS, "utf-8")
    server = folder / "bin" / "weightrepl-lsp"
    server.parent.mkdir()
    server.write_text(SERVER.format(python=sys.executable), "utf-8")
    server.chmod(0o755)
    own = {name: text for name, text in os.environ.items() if not name.startswith("XDG_")}
    path = os.pathsep.join((str(server.parent), own["PATH"]))
    return Desk(folder, {**own, "HOME": str(folder), "PATH": path, "PYTHONPATH": str(ROOT)})
