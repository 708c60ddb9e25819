"""Leave to read and write taken away, also where root runs the tests, to whom nothing can be forbidden."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NEEDED = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users as POSIX has them")

_NOBODY = 65534


@contextmanager
def without_leave(folder: Path, mode: int, *within: str) -> Iterator[Path]:
    """Yield a copy of a folder in which what is named (else itself) has this mode, and be nobody who is above it.

    What is run within has to be imported before: nobody may be forbidden to look into Python's own folders.
    """
    copy = Path(tempfile.mkdtemp()) / folder.name
    shutil.copytree(folder, copy)
    changed = [copy / name for name in within] or [copy]
    for path in changed:
        path.chmod(mode)
    is_root = os.geteuid() == 0
    if is_root:
        for path in (copy.parent, copy, *copy.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
        os.seteuid(_NOBODY)
    try:
        yield copy
    finally:
        if is_root:
            os.seteuid(0)
        for path in changed:
            path.chmod(0o700)
        shutil.rmtree(copy.parent)
