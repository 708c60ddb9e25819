"""How a tree is read: whether it may be now, between two keystrokes for one; and without looking for garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Lock

reading_forbidden = ContextVar("reading_forbidden", default=False)
"""Whether a layer that was not read so far raises NotReadYetError instead of being read."""


class NotReadYetError(Exception):
    """What is asked for would have to be read from its source first, and nobody is to wait for that."""


@contextmanager
def without_reading() -> Iterator[None]:
    """Let what was not read so far raise NotReadYetError when it is asked for: for answers between two keystrokes."""
    token = reading_forbidden.set(True)
    try:
        yield
    finally:
        reading_forbidden.reset(token)


class _Pause:
    """How many trees are being read at the moment, whether garbage was collected before the first, and what comes then.

    keeps: whether what was read is never looked at again.
    """

    lock = Lock()
    readings = 0
    was_collecting = False
    keeps = False


def never_collect_what_is_read() -> None:
    """Let Python's search for garbage pass over all trees that are read from now on, since each look stops all threads.

    For a process that answers many; it frees a model that it gave back by `gc.unfreeze()` and `gc.collect()`.
    """
    _Pause.keeps = True


@contextmanager
def uncollected() -> Iterator[None]:
    """Keep Python from looking for garbage while a tree is built: nothing of it is, and each look goes through all.

    For a model of 100,000 weights that is a third of the time; other threads may go on, and make garbage meanwhile.
    """
    with _Pause.lock:
        if not _Pause.readings:
            _Pause.was_collecting = gc.isenabled()
            gc.disable()
        _Pause.readings += 1
    try:
        yield
    finally:
        with _Pause.lock:
            _Pause.readings -= 1
            if not _Pause.readings:
                if _Pause.keeps:
                    gc.freeze()
                if _Pause.was_collecting:
                    gc.enable()
