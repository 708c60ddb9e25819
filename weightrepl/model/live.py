"""The live object that a model was read from, as far as a model knows of it."""

from __future__ import annotations

from typing import Protocol


class Live(Protocol):
    """Keeps a live object alive until it is loosened."""

    @property
    def thing(self) -> object | None:
        """The live object; None once it is gone."""
        ...

    def loosen(self) -> None:
        """Keep it no longer: what was not looked at so far, and all values, are a ChangedError once it is gone."""
        ...
