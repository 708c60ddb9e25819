"""The REPL in a terminal: lines are read, mean what a shell says, and what comes of them is shown.

How lines are read is told apart: `repl_terminal` with all that a terminal can show, `repl_plain` with nothing but
lines. Opening begins before the library for the former is loaded, and goes on while somebody types.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Protocol

from weightrepl.errors import WeightreplError
from weightrepl.frontends.repl_opening import Notices, Opening
from weightrepl.frontends.session import Session
from weightrepl.frontends.shell import Leave, Shell
from weightrepl.readers.folders import is_there
from weightrepl.render.blocks import Line, ProblemBlock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from weightrepl.api import Source
    from weightrepl.frontends.repl_output import Output
    from weightrepl.frontends.settings import Settings
    from weightrepl.readers.guards import Limits
    from weightrepl.render.blocks import Block

_NOTEBOOK = (
    "a notebook has no terminal for the REPL: ask weightrepl.select(model, QUERY) here, "
    "or run 'weightrepl MODEL' in a terminal"
)

_PATIENCE_S = 10
"""So long an end from outside may take to leave the terminal as it was, and to save."""


class Reader(Protocol):
    """Reads lines from somebody."""

    def read(self) -> str:
        """Return the next line, which may have line breaks in it.

        Raises:
            EOFError: there is none.
            KeyboardInterrupt: it was cancelled.
        """
        ...

    def close(self) -> None:
        """Let go of all that was needed for reading."""
        ...


def run(
    models: Sequence[tuple[str | None, str]],
    *,
    location: str | None = None,
    colour: str = "auto",
    limits: Limits | None = None,
) -> int:
    """Talk with somebody in a terminal about models; return the exit status.

    models: names, where they are given, and paths. location: where paths of queries start. colour: auto, always, never.
    limits: what files may claim.

    Raises:
        SourceError: there is no such file.
    """
    for _, path in models:
        if not is_there(path):
            from weightrepl.readers.other_formats import not_there

            raise not_there(path)
    _end_well()
    with Session() as session:
        session.limits = limits
        _talk(session, models, location, colour)
    return 0


def repl(*sources: Source, **named_sources: Source) -> None:
    """Start the REPL over models, in the terminal that Python runs in.

    `weightrepl.repl(model)` opens one under its own name, `weightrepl.repl(old=a, new=b)` two under other names.

    Args:
        sources: what `select` takes: live models, paths, opened models, or dicts from name to these.
        named_sources: the same, each under the name of its argument.

    Raises:
        WeightreplError: in a notebook, which has no terminal.
        SourceError: something can't be opened.
    """
    from weightrepl.api import workspace_of

    if _in_notebook():
        raise WeightreplError(_NOTEBOOK)
    session = Session()
    for source in (*sources, *({name: source} for name, source in named_sources.items())):
        session.workspace = session.workspace.opened(*workspace_of(source).models)
    given = session.workspace.models
    try:
        _talk(session, (), None, "auto")
    finally:
        for model in session.workspace.models:
            if model not in given:
                model.close()


def _in_notebook() -> bool:
    """Return whether this runs in a kernel; IPython in a terminal is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _end_well() -> None:
    """Let a pager that is left not end this process, and an end from outside leave the terminal as it was."""
    import signal

    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _ended)


def _ended(number: int, frame: object) -> None:
    """End as found, by the way of an exception; should that be held up, end all the same."""
    import signal

    if hasattr(signal, "alarm"):  # not on Windows
        signal.signal(signal.SIGALRM, lambda _, frame: os._exit(128 + number))
        signal.alarm(_PATIENCE_S)
    sys.exit(128 + number)


# ------------------------------------------------------------------ the conversation


def _talk(
    session: Session, models: Sequence[tuple[str | None, str]], location: str | None, colour: str
) -> None:
    notices = Notices()
    opening = Opening(session, models, location, notices)
    from weightrepl.frontends.progress import Waiting, can_show_progress
    from weightrepl.frontends.repl_output import Output
    from weightrepl.frontends.settings import Settings

    settings = Settings()
    shell = Shell(session, settings)
    notices.tell(*map(ProblemBlock, shell.complaints))
    output = Output(settings, colour)
    output.waiting = Waiting(not _is_plain(settings) and can_show_progress())
    session.watcher = output.waiting if output.waiting.shown else None
    reader = _reader(shell, output, opening, notices)
    try:
        converse(shell, reader, output, opening)
    finally:
        reader.close()


def _is_plain(settings: Settings) -> bool:
    """Return whether lines are all that may be shown: asked for, or all that the terminal can."""
    wanted = bool(os.environ.get("WEIGHTREPL_PLAIN")) or bool(settings["plain"])
    return wanted or os.environ.get("TERM", "") in ("dumb", "unknown") or not sys.stdin.isatty()


def _reader(shell: Shell, output: Output, opening: Opening, notices: Notices) -> Reader:
    if _is_plain(shell.settings):
        from weightrepl.frontends.repl_plain import PlainReader

        return PlainReader(shell, output, opening, notices)
    from weightrepl.frontends.repl_terminal import TerminalReader

    return TerminalReader(shell, output, opening, notices)


def converse(shell: Shell, reader: Reader, output: Output, opening: Opening) -> None:
    """Read lines and show what comes of them, until somebody leaves."""
    while True:
        try:
            line = reader.read()
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        try:
            if line.strip():
                opening.wait(output.show)
                output.show(shell.enter(line), live=is_live(line))
        except Leave:
            return
        except KeyboardInterrupt:
            output.show([Line(""), Line("interrupted", "dim")])  # behind the ^C that the terminal shows
        except WeightreplError as error:
            output.show([Line(f"error: {error}")])
        except Exception as error:
            output.show(_confessed(error))


def is_live(line: str) -> bool:
    """Return whether a line is a command that goes on until it is interrupted."""
    if not line.lstrip().startswith("%"):
        return False
    from weightrepl.frontends.commands import COMMANDS

    command = COMMANDS.get(line.split(maxsplit=1)[0][1:])
    return command is not None and command.live


def _confessed(error: Exception) -> Iterable[Block]:
    """Return what to say of an error that is nobody's but ours; with WEIGHTREPL_DEBUG where it comes from, too."""
    if os.environ.get("WEIGHTREPL_DEBUG"):
        import traceback

        yield from map(Line, "".join(traceback.format_exception(error)).splitlines())
    yield Line(f"a bug in weightrepl: {type(error).__name__}: {error}")
    if not os.environ.get("WEIGHTREPL_DEBUG"):
        yield Line("WEIGHTREPL_DEBUG=1 in the environment shows where; please report it", "hint")
