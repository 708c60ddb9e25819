"""What is built while a tree is read is not looked through for garbage; in a process that says so, never."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from weightrepl.model.reading import uncollected


@pytest.fixture(autouse=True)
def _collecting():
    yield
    gc.enable()


def test_garbage_is_collected_again_after_the_last_reading():
    with uncollected():
        with uncollected():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), uncollected():
        raise KeyError
    assert gc.isenabled()


def test_who_collects_no_garbage_goes_on_so():
    gc.disable()
    with uncollected():
        pass
    assert not gc.isenabled()


def test_what_is_read_is_kept_out_of_the_search_for_good_where_a_process_wants_that():
    script = """
import gc
from weightrepl.model.reading import never_collect_what_is_read, uncollected

with uncollected():
    pass
assert not gc.get_freeze_count()
never_collect_what_is_read()
with uncollected():
    with uncollected():
        made = [[] for _ in range(10_000)]
    assert not gc.get_freeze_count()
assert gc.get_freeze_count() > 10_000
assert gc.isenabled()
"""
    subprocess.run([sys.executable, "-c", script], check=True)
