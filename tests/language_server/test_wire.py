"""What comes over the wire as it should not, and a client that dies: the server goes on, or ends as it should."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.language_server.editors import COMMAND, LIMIT_S, ROOT
from weightrepl import __version__

ENVIRONMENT = {**os.environ, "PYTHONPATH": ROOT}
INITIALIZE = {"capabilities": {}, "processId": None, "rootUri": None}


class Wire:
    """A server and the bytes that go to it and come from it."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
        )

    def write(self, data: bytes) -> None:
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def body(self, body: bytes) -> None:
        self.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def send(self, method: str, params: Any = None, number: Any = None) -> None:
        message = {"jsonrpc": "2.0", "method": method}
        message |= {} if params is None else {"params": params}
        message |= {} if number is None else {"id": number}
        self.body(json.dumps(message).encode())

    def read(self) -> dict[str, Any]:
        """Return the next answer; what the server says or asks by itself is left out."""
        return next(message for message in messages(self.process.stdout) if "method" not in message)

    def ask(self, method: str, params: Any = None, number: Any = 1) -> dict[str, Any]:
        self.send(method, params, number)
        found = self.read()
        assert found["id"] == number
        return found

    def begin(self, **params: Any) -> None:
        assert "result" in self.ask("initialize", {**INITIALIZE, **params}, 0)
        self.send("initialized", {})

    def is_well(self) -> bool:
        return self.ask("textDocument/hover", AT, "well?") == {
            "jsonrpc": "2.0",
            "id": "well?",
            "result": None,
        }

    def end(self) -> tuple[int, str]:
        """Return the exit status, and what was said on standard error."""
        status = self.process.wait(LIMIT_S)
        return status, self.process.stderr.read().decode()


AT = {"textDocument": {"uri": "file:///a.wq"}, "position": {"line": 0, "character": 0}}


def ran(
    command: Sequence[str], environment: Mapping[str, str] = ENVIRONMENT
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, check=False, capture_output=True, env=environment, text=True, timeout=LIMIT_S
    )


def messages(stream: Any) -> Iterator[dict[str, Any]]:
    while header := stream.readline():
        length = int(re.fullmatch(rb"Content-Length: (\d+)\r\n", header)[1])
        while stream.readline() != b"\r\n":
            pass
        yield json.loads(stream.read(length))


@pytest.fixture
def wire() -> Iterator[Wire]:
    made = Wire()
    yield made
    made.process.kill()
    made.process.wait()
    for stream in (made.process.stdin, made.process.stdout, made.process.stderr):
        stream.close()


def test_a_session(wire: Wire):
    wire.begin()
    assert wire.ask("shutdown")["result"] is None
    wire.send("exit")
    assert wire.end() == (0, "")


def test_exit_without_shutdown(wire: Wire):
    wire.begin()
    wire.send("exit")
    assert wire.end() == (1, "")


def test_exit_before_anything(wire: Wire):
    wire.send("exit")
    assert wire.end() == (1, "")


def test_the_client_is_gone(wire: Wire):
    wire.begin()
    wire.process.stdin.close()
    assert wire.end() == (1, "")


def test_the_client_is_gone_after_shutdown(wire: Wire):
    wire.begin()
    wire.ask("shutdown")
    wire.process.stdin.close()
    assert wire.end() == (0, "")


def test_the_client_is_gone_in_the_middle_of_a_message(wire: Wire):
    wire.begin()
    wire.write(b'Content-Length: 400\r\n\r\n{"jsonrpc"')
    wire.process.stdin.close()
    assert wire.end() == (1, "")


@pytest.mark.skipif(os.name != "posix", reason="a client's process is watched on POSIX alone")
def test_the_client_was_killed_and_somebody_else_holds_its_end(wire: Wire):
    client = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    wire.begin(processId=client.pid)
    client.send_signal(signal.SIGKILL)
    client.wait()
    client.stdin.close()
    assert wire.end() == (1, "")


def test_nobody_reads_the_answers(wire: Wire):
    wire.begin()
    wire.process.stdout.close()
    wire.send("textDocument/hover", AT, 1)
    wire.process.stdin.close()
    assert wire.end() == (1, "")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b'"hover"', -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 5}', -32600),
    ],
    ids=["cut", "bytes", "deep", "batch", "string", "empty", "version", "method"],
)
def test_what_is_no_message(wire: Wire, body: bytes, code: int):
    wire.begin()
    wire.body(body)
    assert wire.read()["error"]["code"] == code
    assert wire.is_well()


@pytest.mark.parametrize(
    "params",
    [None, [], {}, {"textDocument": 5}, {**AT, "position": {"line": "x"}}, {**AT, "position": None}],
)
def test_params_of_the_wrong_kind(wire: Wire, params: Any):
    wire.begin()
    assert wire.ask("textDocument/hover", params, 7)["error"]["code"] == -32602
    assert wire.is_well()


def test_positions_beyond_everything(wire: Wire):
    wire.begin()
    item = {"uri": "file:///a.wq", "languageId": "weightquery", "version": 1, "text": "a | sort x"}
    wire.send("textDocument/didOpen", {"textDocument": item})
    for line, character in ((10**9, 10**9), (0, 2**31 - 1), (-1, -1), (0, -5)):
        asked = {**AT, "position": {"line": line, "character": character}}
        assert "id" in wire.ask("textDocument/completion", asked, line)
    assert wire.ask("textDocument/signatureHelp", {**AT, "position": {"line": 0, "character": 9}})["result"]


def test_methods_that_there_are_not(wire: Wire):
    wire.begin()
    assert wire.ask("textDocument/dance")["error"]["code"] == -32601
    assert wire.ask("$/dance")["error"]["code"] == -32601
    wire.send("textDocument/dance", {})
    wire.send("$/dance", {"a": 1})
    wire.send("$/cancelRequest", {"id": 99})
    wire.body(b'{"jsonrpc": "2.0", "id": "nobody-asked", "result": 5}')
    wire.body(b'{"jsonrpc": "2.0", "id": "nobody-asked", "error": {"code": 1, "message": ""}}')
    wire.body(b'{"jsonrpc": "2.0", "id": null, "error": 5}')
    assert wire.is_well()


def test_notifications_of_the_wrong_kind(wire: Wire):
    wire.begin()
    edit = {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}, "text": ""}
    wire.send("textDocument/didOpen", {"textDocument": {"uri": 5}})
    for text_document in (
        {"uri": "file:///never-opened.wq", "version": 2},
        {"uri": "nonsense", "version": 1},
    ):
        wire.send("textDocument/didChange", {"textDocument": text_document, "contentChanges": [edit]})
        wire.send("textDocument/didClose", {"textDocument": text_document})
    wire.send("workspace/didChangeConfiguration", {"settings": 5})
    assert wire.is_well()


def test_requests_at_the_wrong_time(wire: Wire):
    assert wire.ask("textDocument/hover", AT)["error"]["code"] == -32002
    wire.send("textDocument/didOpen", {"textDocument": {}})
    wire.begin()
    assert wire.ask("initialize", INITIALIZE)["error"]["code"] == -32600
    assert wire.is_well()
    wire.ask("shutdown")
    assert wire.ask("textDocument/hover", AT)["error"]["code"] == -32600
    wire.send("textDocument/didClose", {"textDocument": {"uri": ""}})
    wire.send("exit")
    assert wire.end() == (0, "")


def test_headers_as_they_may_be(wire: Wire):
    message = json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": INITIALIZE}).encode()
    header = b"content-length:%d\nContent-Type: application/vscode-jsonrpc; charset=utf-8\n\n"
    wire.write(header % len(message) + message)
    assert wire.read()["id"] == 0
    assert wire.is_well()


def test_headers_as_they_may_not_be(wire: Wire):
    wire.begin()
    wire.write(b'Hello\r\n\r\n{"jsonrpc": "2.0"}')  # without a length: what follows is found nevertheless
    assert wire.is_well()
    wire.write(b"Content-Length: -5\r\n\r\nContent-Length: many\r\n\r\n\r\n")
    assert wire.is_well()


def test_over_a_port():
    process = subprocess.Popen([*COMMAND, "--tcp", "127.0.0.1:0"], stderr=subprocess.PIPE, env=ENVIRONMENT)
    try:
        port = int(re.search(rb"listening on 127\.0\.0\.1:(\d+)", process.stderr.readline())[1])
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as connection:
            wire = Wire.__new__(Wire)
            wire.process = process
            with connection.makefile("rwb") as process.stdin:
                process.stdout = process.stdin
                wire.begin()
                assert wire.is_well()
                wire.ask("shutdown")
                wire.send("exit")
                assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.stderr.close()


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        found = ran([*COMMAND, "--tcp", place])
    assert found.returncode == 2
    assert found.stderr.startswith("weightrepl-lsp: ")
    assert len(found.stderr.splitlines()) == 1


@pytest.mark.parametrize("place", ["nowhere", "127.0.0.1:x", "127.0.0.1:99999"])
def test_a_port_that_is_none(place: str):
    found = ran([*COMMAND, "--tcp", place])
    assert found.returncode == 2
    assert f"expected HOST:PORT, found '{place}'" in found.stderr


def test_the_version():
    found = ran([*COMMAND, "--version"])
    assert found.stdout == f"weightrepl-lsp {__version__}\n"


def test_without_pygls(tmp_path: Path):
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError('No module named pygls', name='pygls')")
    environment = {**ENVIRONMENT, "PYTHONPATH": os.pathsep.join((str(tmp_path), ROOT))}
    found = ran(COMMAND, environment)
    assert found.returncode == 2
    assert found.stderr == "weightrepl-lsp: No module named pygls: pip install 'weightrepl[lsp]'\n"
