"""Whether what was not read so far may be read now: for answers between two keystrokes it may not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

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
