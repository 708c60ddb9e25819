"""The standard streams: made ready, written to, told about, let go of."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

ERROR = 2
"""The exit status after an error."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable
    from typing import TextIO

    from weightrepl.errors import WeightreplError
    from weightrepl.frontends.progress import Waiting
    from weightrepl.render.blocks import ProblemBlock
    from weightrepl.render.text import Screen


def die_of_a_closed_pipe() -> None:
    """Let the process end as other tools do when nobody reads on (`| head`): at once, by the signal, without a word."""
    import signal

    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def die_of_an_interrupt() -> None:
    """End by the signal itself, so that a shell's loop around the command ends too."""
    import signal

    abandon_stdout()
    if os.name == "posix":
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


def abandon_stdout() -> None:
    """Let what is still buffered go nowhere, so that ending does not fail on it once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def ready_streams() -> None:
    """Let streams take every character, and closed ones nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
        setattr(sys, name, stream)
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to standard output."""
    sys.stdout.writelines(line + "\n" for line in lines)


class Teller:
    """Says on standard error what there is to say about a run, and while it lasts what is going on."""

    def __init__(self, screen: Screen, waiting: Waiting) -> None:
        self._screen, self.waiting = screen, waiting

    def print_as_they_come(self, lines: Iterable[str]) -> None:
        """Write lines to standard output; what is going on is shown until there is the next one."""
        from weightrepl.frontends.progress import piped_on

        for n, line in enumerate(self.waiting.each(lines)):
            sys.stdout.write(line + "\n")
            if n == 0 and piped_on():
                self.waiting.leave_alone()

    def show(self, pictures: Iterable[ProblemBlock]) -> None:
        """Draw problems, after all that was printed so far."""
        from weightrepl.render.text import lines

        drawn = [line + "\n" for line in lines(pictures, self._screen)]
        if drawn:
            sys.stdout.flush()
            self.waiting.clear()
            sys.stderr.writelines(drawn)

    def tell(self, error: WeightreplError) -> None:
        """Say what an exception says."""
        from weightrepl.errors import QueryError
        from weightrepl.render.blocks import ProblemBlock

        if isinstance(error, QueryError):
            self.show(ProblemBlock(problem, error.text) for problem in error.problems)
        else:
            self.complain(f"{self._screen.paint('error:', 'error')} {error}")

    def fail(self, message: str) -> int:
        """Say why nothing can be done; return the exit status for that."""
        self.complain(f"{self._screen.paint('error:', 'error')} {message}")
        return ERROR

    def complain(self, message: str) -> None:
        """Say one line."""
        sys.stdout.flush()
        self.waiting.clear()
        sys.stderr.write(message + "\n")


def tell_failure(message: str) -> None:
    """Say on standard error, before any colour is known, why nothing can be done."""
    sys.stderr.write(f"error: {message}\n")


def screen_for(stream: TextIO, options: Namespace) -> Screen:
    """Return what a stream is like, colours as the options say."""
    from weightrepl.render.text import screen_of

    return screen_of(stream, options.color)
