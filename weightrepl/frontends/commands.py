"""The commands of a line that begins with `%`: one table, of which help, completion and documentation are made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.frontends.shell import Shell
    from weightrepl.render.blocks import Block

Argument: TypeAlias = Literal["", "query", "layer", "file", "model", "setting", "alias", "topic", "shell"]


class Command(Value):
    """A command.

    usage: its arguments, `[SECONDS] QUERY`. summary: one sentence, without a full stop. text: more, Markdown.
    argument: what completes behind it. run: yields what comes of it, as it comes.
    live: what it yields is shown at once and never through a pager: it goes on until it is interrupted.
    """

    name: str
    usage: str
    summary: str
    argument: Argument
    run: Callable[[Shell, str], Iterator[Block]]
    text: str = ""
    examples: tuple[str, ...] = ()
    live: bool = False


COMMANDS: dict[str, Command] = {}
"""All commands by name, without the `%`, in the order in which help lists them."""
