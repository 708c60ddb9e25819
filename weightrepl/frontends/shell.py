"""A session as somebody uses it by hand, line by line: numbered inputs and their results, commands, aliases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weightrepl.frontends.session import Session
    from weightrepl.frontends.settings import Settings
    from weightrepl.render.blocks import Block


class Leave(Exception):  # noqa: N818
    """Somebody wants to go: raised by `%quit`."""


class Shell:
    """What a line means, whoever reads it from whatever: a terminal now, a notebook as well.

    inputs: how many lines were entered. $N and $_ are in `session.named`.
    """

    def __init__(self, session: Session, settings: Settings) -> None:
        self.session, self.settings = session, settings
        self.inputs = 0

    @property
    def prompt(self) -> str:
        """The location's address, or nothing at the workspace."""
        return ""

    def enter(self, line: str) -> Iterator[Block]:
        """Yield what comes of a line, a query or a command, as it comes; what is wrong with it is among that.

        Raises:
            Leave: the line was `%quit`.
        """
        yield from ()
