"""Language servers as real processes, and a client that reads their answers as they come: no thread, no library."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

from tests.bench.measure import TIMEOUT_S, BenchError, Command, environment

CAPABILITIES = {"textDocument": {"diagnostic": {}, "inlayHint": {}}}


class Server:
    """A language server with one client. answers: those that nobody has waited for yet, by number."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._number = 0
        self.answers: dict[int, Any] = {}

    @property
    def nbytes(self) -> int:
        """The memory that it has resident."""
        lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))

    def ask(self, method: str, **params: Any) -> Any:
        """Return the answer to a request."""
        return self.answer(self.begin(method, **params))

    def begin(self, method: str, **params: Any) -> int:
        """Send a request; return its number."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        return self._number

    def tell(self, method: str, **params: Any) -> None:
        """Send what is not answered."""
        self._send({"method": method, "params": params})

    def answer(self, number: int) -> Any:
        """Return the answer to a request that was sent.

        Raises:
            BenchError: there is none, or an error.
        """
        while number not in self.answers:
            message = self._read()
            if "method" not in message:
                self.answers[message["id"]] = message
        answer = self.answers.pop(number)
        if "error" in answer:
            raise BenchError(f"a server answered: {answer['error']}")
        return answer["result"]

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        stream = self._process.stdout
        assert stream is not None
        nbytes = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            nbytes = int(value) if name.lower() == b"content-length" else nbytes
        if not nbytes:
            raise BenchError("a language server has ended")
        message: dict[str, Any] = json.loads(stream.read(nbytes))
        return message


@contextmanager
def server_of(command: Command, folder: Path) -> Iterator[tuple[Server, float]]:
    """Give a server that has answered `initialize`, and the seconds from its start until then."""
    pipe = subprocess.PIPE
    env = environment()
    start = time.perf_counter()
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        limit = Timer(TIMEOUT_S, process.kill)
        limit.start()
        try:
            server = Server(process)
            server.ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities=CAPABILITIES)
            elapsed_s = time.perf_counter() - start
            server.tell("initialized")
            yield server, elapsed_s
        finally:
            limit.cancel()
            process.kill()


class Page:
    """A document that is open in a server; edits are of its last line."""

    def __init__(self, server: Server, uri: str, text: str, language: str = "weightquery") -> None:
        self.server, self.uri, self.version = server, uri, 1
        *above, last = text.split("\n")
        self.line, self.typed = len(above), last
        item = {"uri": uri, "languageId": language, "version": 1, "text": text}
        server.tell("textDocument/didOpen", textDocument=item)

    def write(self, text: str) -> None:
        """Let the last line be another."""
        self.version += 1
        span = {"start": self._at(0), "end": self._at(len(self.typed))}
        self.server.tell(
            "textDocument/didChange",
            textDocument={"uri": self.uri, "version": self.version},
            contentChanges=[{"range": span, "text": text}],
        )
        self.typed = text

    def begin(self, method: str, **params: Any) -> int:
        """Send a request about the document; return its number."""
        return self.server.begin(f"textDocument/{method}", textDocument={"uri": self.uri}, **params)

    def ask(self, method: str, **params: Any) -> Any:
        """Return the answer to a request about the document."""
        return self.server.answer(self.begin(method, **params))

    def ask_at(self, method: str, column: int) -> Any:
        """Return the answer to a request about a place in the last line."""
        return self.ask(method, position=self._at(column))

    @property
    def whole(self) -> dict[str, Any]:
        """The range of all of it."""
        return {"start": {"line": 0, "character": 0}, "end": self._at(len(self.typed))}

    def _at(self, column: int) -> dict[str, int]:
        return {"line": self.line, "character": column}
