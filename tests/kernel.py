"""A real kernel of IPython, talked to over its protocol as a notebook does; nothing here sleeps.

`|` marks the cursor in what is completed or inspected.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parent.parent

DEADLINE_S = 120.0
"""So long a reply may take, on the slowest machine and with an import of TensorFlow."""

TEXT, HTML, JSON = "text/plain", "text/html", "application/vnd.weightrepl+json"

_OUTPUTS = ("stream", "display_data", "execute_result", "error")

WITHOUT = """
import sys

class _Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, _Absent())
"""
"""Makes a kernel one where libraries are not installed."""


def environment() -> dict[str, str]:
    """Return the variables that kernels run with: this checkout is imported, and TensorFlow is quiet."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **quiet, "PYTHONPATH": path}


def plain(text: str) -> str:
    """Return a text without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a cell.

    status: that of the reply, `ok` or `error`. outputs: the messages that a notebook shows, in order.
    """

    status: str
    content: dict[str, Any]
    outputs: tuple[dict[str, Any], ...]

    @property
    def stdout(self) -> str:
        """What it printed."""
        return self._stream("stdout")

    @property
    def stderr(self) -> str:
        """What it printed as a warning or an error."""
        return self._stream("stderr")

    def _stream(self, name: str) -> str:
        return "".join(o["content"]["text"] for o in self._of("stream") if o["content"]["name"] == name)

    @property
    def shown(self) -> tuple[dict[str, Any], ...]:
        """What it shows: each a dict from MIME type to content, the value of its last line among them."""
        return tuple(o["content"]["data"] for o in self._of("display_data", "execute_result"))

    @property
    def result(self) -> dict[str, Any]:
        """The value of its last line, by MIME type; empty where there is none."""
        return next((o["content"]["data"] for o in self._of("execute_result")), {})

    @property
    def text(self) -> str:
        """All that a reader of plain text sees of it."""
        return self.stdout + self.stderr + "\n".join(data.get(TEXT, "") for data in self.shown)

    @property
    def help(self) -> str:
        """What the pager of the front end is asked to show."""
        pages = (page for page in self.content.get("payload", ()) if page["source"] == "page")
        return plain("\n".join(page["data"][TEXT] for page in pages))

    @property
    def traceback(self) -> str:
        """What is shown of an error."""
        return plain("\n".join("\n".join(o["content"]["traceback"]) for o in self._of("error")))

    def _of(self, *kinds: str) -> list[dict[str, Any]]:
        return [o for o in self.outputs if o["msg_type"] in kinds]


@dataclass(frozen=True, slots=True)
class Completed:
    """What may stand at the cursor.

    start, end: what is replaced, in code points of the cell. kinds: the type column, one for each match, with plain
    blanks; empty where no matcher tells any.
    """

    code: str
    start: int
    end: int
    matches: tuple[str, ...]
    kinds: tuple[str, ...] = field(default=())

    @property
    def replaced(self) -> str:
        """The text that a match takes the place of."""
        return self.code[self.start : self.end]

    def with_match(self, n: int) -> str:
        """Return the cell with a match in its place."""
        return self.code[: self.start] + self.matches[n] + self.code[self.end :]


class Kernel:
    """A kernel that runs in a folder; what it remembers lies there too. To be closed."""

    def __init__(self, folder: Path) -> None:
        self._runtime = TemporaryDirectory()  # its path is short, as the names of sockets have to be
        own = {"IPYTHONDIR": str(folder / "ipython"), "JUPYTER_RUNTIME_DIR": self._runtime.name}
        self._manager = KernelManager(
            connection_file=os.path.join(self._runtime.name, "kernel.json"),
            transport="ipc",  # ports may be taken by others
            kernel_spec_manager=KernelSpecManager(
                kernel_dirs=[]
            ),  # none that is installed: that of this Python
        )
        self._log = (folder / "kernel.log").open("wb")
        self._manager.start_kernel(
            env=environment() | own, cwd=str(folder), stdout=self._log, stderr=self._log
        )
        self._client: BlockingKernelClient = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(DEADLINE_S)

    def restart(self) -> None:
        """Start it anew: nothing is left of what ran."""
        self._manager.restart_kernel(now=True)
        self._client.wait_for_ready(DEADLINE_S)

    def run(self, code: str) -> Reply:
        """Run a cell and return what came of it."""
        asked = self._client.execute(code, allow_stdin=False)
        outputs: list[dict[str, Any]] = []
        while True:
            message = self._client.get_iopub_msg(DEADLINE_S)
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
            if message["msg_type"] in _OUTPUTS:
                outputs.append(message)
        content = self._answer(asked)
        return Reply(content["status"], content, tuple(outputs))

    def ok(self, code: str) -> Reply:
        """Run a cell in which nothing may fail."""
        reply = self.run(code)
        assert reply.status == "ok", reply.traceback or reply.text
        return reply

    def value(self, code: str) -> Any:
        """Run a cell, and return the value of its last line, which has to be a literal."""
        from ast import literal_eval

        return literal_eval(self.ok(code).result[TEXT])

    def complete(self, marked: str) -> Completed:
        """Return what may stand at the `|` of a cell."""
        code, cursor = _at_cursor(marked)
        content = self._answer(self._client.complete(code, cursor))
        assert content["status"] == "ok", content
        told = content["metadata"].get("_jupyter_types_experimental", ())
        kinds = tuple(each["type"].replace("\xa0", " ") for each in told)
        return Completed(
            code, content["cursor_start"], content["cursor_end"], tuple(content["matches"]), kinds
        )

    def inspect(self, marked: str) -> str:
        """Return what Shift-Tab shows at the `|` of a cell; empty where nothing is found."""
        code, cursor = _at_cursor(marked)
        content = self._answer(self._client.inspect(code, cursor))
        return plain(content["data"][TEXT]) if content["found"] else ""

    def _answer(self, asked: str) -> dict[str, Any]:
        while True:
            message = self._client.get_shell_msg(DEADLINE_S)
            if message["parent_header"].get("msg_id") == asked:
                content: dict[str, Any] = message["content"]
                return content

    def close(self) -> None:
        """End it."""
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
        self._manager.cleanup_resources()
        self._log.close()
        self._runtime.cleanup()

    def __enter__(self) -> Kernel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _at_cursor(marked: str) -> tuple[str, int]:
    """Return the cell without its last `|`, and where that stood."""
    cursor = marked.rindex("|")
    return marked[:cursor] + marked[cursor + 1 :], cursor
