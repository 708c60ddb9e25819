"""The service for whole lines, commands included: what is a query's part goes to it, offsets moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weightrepl.service.answers import Completions, Highlight, Hover, Matched, Signature

if TYPE_CHECKING:
    from weightrepl.errors import Problem
    from weightrepl.frontends.shell import Shell


def complete_line(shell: Shell, line: str, offset: int, wait: bool = True) -> Completions:
    """Return what may stand at `offset` of a line: commands, their arguments, files, and all that a query may hold."""
    return Completions()


def diagnose_line(shell: Shell, line: str, offset: int | None = None) -> tuple[Problem, ...]:
    """Return what is wrong with a line; with the cursor's offset, even if somebody types on there."""
    return ()


def matched_line(shell: Shell, line: str) -> Matched | None:
    """Return how much the query of a line matches. May raise NotReadYetError within `without_reading()`."""
    return None


def highlight_line(line: str) -> tuple[Highlight, ...]:
    """Return the roles of the pieces of a line."""
    return ()


def hover_line(shell: Shell, line: str, offset: int) -> Hover | None:
    """Return what is known of what stands at `offset` of a line."""
    return None


def signature_line(line: str, offset: int) -> Signature | None:
    """Return what the stage or the command at `offset` of a line takes."""
    return None


def goes_on(line: str) -> bool:
    """Return whether a line is not finished, since a bracket or a quote is open, or a `|` or `,` ends it."""
    return False
