"""Runs pages of documentation as they stand: what a block says comes out has to come out.

    python tests/pages.py docs/tutorial.md …            with the weightrepl of that Python; no test library is needed
    python tests/pages.py --write docs/tutorial.md      puts into the page what came out, for its author to read

A page runs in an empty folder, its blocks in order. All that comes out is compared, and `...` stands for any text:

- `console`: after `$ ` a command, then what it shows on a terminal of 100 columns.
- `python`: in one namespace for the page; a `text` block that follows is what it prints, or the error that it raises.
  With `>>>` it is a doctest. From `%load_ext` on, each block is a cell of a notebook.
- a block of any language with title="NAME" is the content of a file; all others are only to be read, as `sh` is.

`<!-- begins with NAME: PATH -->` puts a copy of the repository's PATH there first. Below a line that says "TensorFlow:
needed" blocks run only where there is TensorFlow, below one that says "TensorFlow: not needed" everywhere.
"""

from __future__ import annotations

import argparse
import difflib
import doctest
import importlib.util
import io
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEADLINE_S = 120
"""So long a command may say nothing: one that waits for somebody to type ends the run then."""

_FENCE = re.compile(
    r'^```(?P<language>\w+)(?: title="(?P<title>[^"\n]+)")?\n(?P<body>.*?)^```$', re.MULTILINE | re.DOTALL
)
_NEEDS = re.compile(r"^\W*TensorFlow: (not )?needed", re.MULTILINE)
_BEGINS = re.compile(r"^<!-- begins with (\S+): (\S+) -->$", re.MULTILINE)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*\n)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block. `start` is the offset of its body in the page, `line` is 1-based."""

    language: str
    title: str
    body: str
    start: int
    line: int
    tensorflow: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A piece of a page that is not what came out."""

    line: int
    start: int
    expected: str
    came: str

    def __str__(self) -> str:
        came, expected = self.came.splitlines(), self.expected.splitlines()
        difference = difflib.unified_diff(expected, came, "the page", "came out", lineterm="", n=1)
        return "\n  ".join([f"line {self.line}:", *difference])


def blocks_of(text: str) -> list[Block]:
    """Return the blocks of a page, in order.

    Raises:
        ValueError: a fence is of no form that is known, so that something would be left out without a word.
    """
    found = []
    for fence in _FENCE.finditer(text):
        marks = list(_NEEDS.finditer(text, 0, fence.start()))
        needed = bool(marks) and marks[-1][1] is None
        line = text.count("\n", 0, fence.start("body")) + 1
        found.append(
            Block(fence["language"], fence["title"] or "", fence["body"], fence.start("body"), line, needed)
        )
        if fence["language"] == "console" and not fence["body"].startswith("$ "):
            raise ValueError(f"line {line}: a console begins with a command, behind '$ '")
    if 2 * len(found) != len(re.findall("^```", text, re.MULTILINE)):
        raise ValueError('a fence is not ```LANGUAGE or ```LANGUAGE title="NAME", or is not closed')
    return found


def same(expected: str, came: str) -> bool:
    """Return whether two texts are the same, but for white space at the ends of lines and what `...` stands for."""
    left, right = ("".join(f"{line.rstrip()}\n" for line in t.splitlines()) for t in (expected, came))
    return doctest.OutputChecker().check_output(left, right, doctest.ELLIPSIS)


# ------------------------------------------------------------------ what runs


class Reader:
    """Does what a page says, in the current folder, as somebody who reads it would."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._status = 0
        self._notebook: Any = None

    def faults(self, block: Block, behind: Block | None) -> Iterator[Fault]:
        """Do what a block says, and yield what of it, or of the text that follows, is not what came out."""
        if block.title:
            Path(block.title).write_text(block.body, encoding="utf-8")
        elif block.language == "console":
            yield from self._console(block)
        elif block.language == "python" and ">>> " in block.body:
            yield from self._doctest(block)
        elif block.language == "python":
            came = self._python(block.body)
            told = behind if behind is not None and behind.language == "text" and not behind.title else None
            expected, start = (told.body, told.start) if told else ("", -1)
            if not same(expected, came):
                yield Fault(block.line, start, expected, came)

    def _console(self, block: Block) -> Iterator[Fault]:
        commands = list(_COMMAND.finditer(block.body))
        ends = [c.start() for c in commands[1:]] + [len(block.body)]
        for command, end in zip(commands, ends, strict=True):
            expected = block.body[command.end() : end]
            self._status, came = shown(f"(exit {self._status}); {command[1]}", self._environment)
            if not same(expected, came):
                line = block.line + block.body.count("\n", 0, command.start())
                yield Fault(line, block.start + command.end(), expected, came)

    def _doctest(self, block: Block) -> Iterator[Fault]:
        test = doctest.DocTestParser().get_doctest(block.body, {}, "page", "page", block.line - 1)
        test.globs = self._names
        out = io.StringIO()
        if doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, None, out.write, False).failed:
            yield Fault(block.line, -1, "", out.getvalue())

    def _python(self, code: str) -> str:
        """Return what code prints, and the error that ends it."""
        out = io.StringIO()
        with redirect_stdout(out):
            if self._notebook is not None or code.startswith("%load_ext"):
                self._cell(code)
            else:
                try:
                    exec(compile(code, "page", "exec"), self._names)  # noqa: S102
                except Exception as error:
                    print(f"{type(error).__name__}: {error}")
        return re.sub(r"^Out\[\d+\]: ?\n?", "", out.getvalue(), flags=re.MULTILINE)

    def _cell(self, code: str) -> None:
        from IPython.core.interactiveshell import InteractiveShell
        from traitlets.config import Config

        if self._notebook is None:
            config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "NoColor"}})
            InteractiveShell.clear_instance()
            self._notebook = InteractiveShell.instance(user_ns=self._names, config=config)
        self._notebook.run_cell(code)


def shown(command: str, environment: dict[str, str]) -> tuple[int, str]:
    """Run a line of the shell in a terminal; return its exit status and all that is seen there."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        ["sh", "-c", command], stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )  # fmt: skip
    os.close(theirs)
    seen = b"".join(_read_from(ours, process))
    os.close(ours)
    text = seen.decode("utf-8", "replace").replace("\r\n", "\n")
    return process.wait(), re.sub(r"\x1b\[\?25[hl]", "", text)  # pipx hides the cursor, and shows it again


def _read_from(terminal: int, process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    while True:
        if not select.select([terminal], [], [], DEADLINE_S)[0]:
            os.killpg(process.pid, signal.SIGKILL)
            yield f"(nothing came for {DEADLINE_S} seconds)\n".encode()
            return
        try:
            part = os.read(terminal, 65536)
        except OSError:  # how Linux tells that nobody is there any more
            return
        if not part:
            return
        yield part


# ------------------------------------------------------------------ pages


def run(page: Path, environment: dict[str, str], tensorflow: bool) -> list[Fault]:
    """Run a page in an empty folder; return what of it is not true."""
    text = page.read_text(encoding="utf-8")
    blocks = [block for block in blocks_of(text) if tensorflow or not block.tensorflow]
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        for name, path in _BEGINS.findall(text):
            copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copyfile
            copy(ROOT / path, Path(folder, name))
        os.chdir(folder)
        try:
            reader = Reader(environment)
            pairs = zip(blocks, (*blocks, None)[1:], strict=True)
            return [fault for block, behind in pairs for fault in reader.faults(block, behind)]
        finally:
            os.chdir(before)


def corrected(text: str, faults: Sequence[Fault]) -> str:
    """Return a page with what came out in place of what it said, where it said anything that can be replaced."""
    for fault in sorted(faults, key=lambda fault: -fault.start):
        if fault.start >= 0:
            came = "".join(f"{line.rstrip()}\n" for line in fault.came.splitlines())
            text = text[: fault.start] + came + text[fault.start + len(fault.expected) :]
    return text


def environment_with(scripts: str) -> dict[str, str]:
    """Return what commands run in: a terminal of 100 columns without colours, and those scripts before all others."""
    kept = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "PYTHONPATH")}
    path = os.pathsep.join([scripts, os.path.dirname(sys.executable), os.environ["PATH"]])
    return kept | {
        "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "LC_ALL": "C.UTF-8", "PAGER": "cat",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }  # fmt: skip


def report(page: Path, found: Sequence[Fault], tensorflow: bool) -> Iterator[str]:
    """Yield the lines that tell how a page did."""
    parts = blocks_of(page.read_text(encoding="utf-8"))
    left_out = 0 if tensorflow else sum(block.tensorflow for block in parts)
    so_far = f", without {left_out} of its blocks, which need TensorFlow" if left_out else ""
    yield f"{page}: {f'NOT as it says ({len(found)})' if found else 'as it says'}{so_far}"
    yield from (f"  {fault}" for fault in found)


def main() -> int:
    """Run the pages that the command line names; return 1 if one is not true."""
    parser = argparse.ArgumentParser(description="Run pages of documentation as they stand.")
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="put into the pages what came out")
    parser.add_argument("--command", help="what to run in place of weightrepl: 'uvx --from x.whl weightrepl'")
    options = parser.parse_args()
    tensorflow = importlib.util.find_spec("tensorflow") is not None
    untrue = False
    with tempfile.TemporaryDirectory() as scripts:
        os.environ["IPYTHONDIR"] = scripts
        if options.command:
            script = Path(scripts, "weightrepl")
            script.write_text(f'#!/bin/sh\nexec {options.command} "$@"\n')
            script.chmod(0o755)
        for page in options.pages:
            found = run(page.resolve(), environment_with(scripts), tensorflow)
            print("\n".join(report(page, found, tensorflow)), flush=True)
            untrue |= bool(found)
            if options.write:
                page.write_text(corrected(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    return int(untrue)


if __name__ == "__main__":
    raise SystemExit(main())
