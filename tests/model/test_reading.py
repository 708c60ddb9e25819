"""What is built while a tree is read is not looked through for garbage."""

from __future__ import annotations

import gc

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
