"""Asks the command about files, one after the other in one process, and prints what it said that is not its own.

Run by `python -X dev -W error -m tests.frontends.every_file FILE...`. What libraries print counts too.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence

from weightrepl.frontends import cli

QUESTIONS = (
    (),
    ("-q", "**:*, .*/**:* | stats", "--format", "json"),
    ("-q", "**:* | hist"),
    ("-q", "**:*", "--explain"),
    ("-q", "no-such-layer:*"),
)
OURS = re.compile(r"(error|warning|note)\[[a-z-]+\]: .|error: .|  ")
"""How each line on standard error begins: a problem, an error, or what belongs to one."""


def said(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Return the exit status of the command, and all that came on both streams, from libraries in C too."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        kept = [(stream, os.dup(number)) for number, stream in ((1, sys.stdout), (2, sys.stderr))]
        for number, file in ((1, out), (2, err)):
            os.dup2(file.fileno(), number)
        try:
            status = cli.run(arguments)
        finally:
            for number, (stream, own) in enumerate(kept, 1):
                stream.flush()
                os.dup2(own, number)
                os.close(own)
        return status, *(file.seek(0) or file.read().decode() for file in (out, err))


def stray(path: str, question: Sequence[str]) -> str:
    """Return what is not the command's own in its answer; nothing if all is."""
    status, out, err = said([path, *question])
    if lines := [line for line in err.splitlines() if not OURS.match(line)]:
        return f"on standard error: {lines}"
    if "json" in question and status != cli.ERROR:
        json.loads(out)
    return (
        "" if (status == cli.ERROR) == ("error" in err) else f"status {status} and on standard error {err!r}"
    )


if __name__ == "__main__":
    for path in sys.argv[1:]:
        for question in QUESTIONS:
            if told := stray(path, question):
                print(path, *question, told)
