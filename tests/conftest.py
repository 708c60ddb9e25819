"""Settings that all tests share."""

from __future__ import annotations

import gc
import os
import re
from pathlib import Path

import pytest
from hypothesis import settings

# In CI the same examples each time, so that a change is judged by what it changes; elsewhere new ones at every run.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_collection_finish() -> None:
    """Keep TensorFlow and all tests out of the search for garbage, which takes a second each time else."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Keep out what the tests of one file leave, too: thousands of reports, and what libraries remember."""
    if nextitem is not None and nextitem.path != item.path:
        pytest_collection_finish()


if os.name == "nt":  # what needs a terminal, signals or limits as POSIX has them is left out there
    _POSIX = re.compile(
        r"^(import|from) (fcntl|pty|resource|termios|tests\.(pages|terminal))"
        r"|^from tests import .*\b(pages|terminal)\b",
        re.MULTILINE,
    )
    _HERE = Path(__file__).parent
    collect_ignore = [
        str(path) for path in _HERE.rglob("test_*.py") if _POSIX.search(path.read_text("utf-8"))
    ]
