"""Messages as they come over a pair of streams: each is answered as JSON-RPC says, the malformed ones too."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread
from typing import Any, BinaryIO

from lsprotocol import types as lsp
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol

_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,9})[ \t]*\r?\n\Z", re.IGNORECASE)
"""What follows a message without a header stands on one line with the header of the next."""

_LONGEST_LINE = 1 << 20

_OURS = (
    lsp.TEXT_DOCUMENT_DID_OPEN, lsp.TEXT_DOCUMENT_DID_CHANGE, lsp.TEXT_DOCUMENT_DID_CLOSE,
    lsp.NOTEBOOK_DOCUMENT_DID_OPEN, lsp.NOTEBOOK_DOCUMENT_DID_CHANGE, lsp.NOTEBOOK_DOCUMENT_DID_CLOSE,
    lsp.WORKSPACE_EXECUTE_COMMAND,
)  # fmt: skip
"""What pygls would do as well: it keeps texts of its own, whose lines end at other characters than the protocol's, and
reads from the disk what was never opened; its commands can't be cancelled."""

log = logging.getLogger(__name__)
logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)  # tells what a client did wrong as if we had


class Protocol(LanguageServerProtocol):
    """The protocol, with an answer for each request. status: with what the process ends, once it is to."""

    def __init__(self, server: Any, converter: Any) -> None:
        super().__init__(server, converter)
        self.status: int | None = None
        self.ended = asyncio.Event()
        self._is_initialized = False
        for method in _OURS:
            self.fm.builtin_features.pop(method)

    def end(self, status: int | None = None) -> None:
        """Let the process end; without a status with that of a client that is gone."""
        if self.status is None:
            self.status = status if status is not None else 0 if self._shutdown else 1
        self.ended.set()

    def take(self, body: bytes | None) -> None:
        """Do what a message asks for; None: there is no more."""
        if body is None:
            self.end()
            return
        message: Any = None
        try:
            message = _read(body)
            if self._is_in_order(message):
                self.handle_message(self.structure_message(message))
        except JsonRpcException as error:
            self._refuse(message, error)

    def _is_in_order(self, message: dict[str, Any]) -> bool:
        """Return whether a message is for a handler now.

        Raises:
            JsonRpcException: it is a request that may not come now.
        """
        method, is_request = message.get("method"), "id" in message
        if method is None:
            return True
        if method == lsp.EXIT:
            self.end()
            return False
        if self._shutdown:
            wrong: JsonRpcException = JsonRpcInvalidRequest("the server was shut down")
        elif self._is_initialized == (method == lsp.INITIALIZE):
            began = "'initialize' comes once" if self._is_initialized else "'initialize' comes first"
            wrong = (JsonRpcInvalidRequest if self._is_initialized else JsonRpcServerNotInitialized)(began)
        elif self.get_message_type(method) is None:
            wrong = JsonRpcMethodNotFound.of(method)
        else:
            self._is_initialized = True
            return True
        if is_request:
            raise wrong
        return False

    def _refuse(self, message: Any, error: JsonRpcException) -> None:
        """Answer what can't be handled; of notifications and answers it is only noted."""
        if not isinstance(message, dict):
            number = None
        elif "id" in message and "method" in message:
            number = message["id"] if isinstance(message["id"], (int, str)) else None
        else:
            log.warning("%s: %.200s", error, message)
            return
        told = {"code": error.code, "message": error.message}
        self._send_data({"jsonrpc": self.VERSION, "id": number, "error": told})


def _read(body: bytes) -> dict[str, Any]:
    """Return a message.

    Raises:
        JsonRpcException: it is none.
    """
    try:
        message = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise JsonRpcParseError(f"no JSON: {error}") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise JsonRpcInvalidRequest("no message of JSON-RPC 2.0")
    if not isinstance(message.get("method", ""), str):
        raise JsonRpcInvalidRequest("'method' is no string")
    return message


# ------------------------------------------------------------------ streams


class _Writer:
    """Writes in a thread of its own, so that nothing waits for a client that reads slowly."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._pool = stream, ThreadPoolExecutor(1, "writer")

    def write(self, message: bytes) -> None:
        """Write a message after those before it."""
        self._pool.submit(self._write, message)

    def _write(self, message: bytes) -> None:
        # where nobody reads any more the input ends, too, and so does the server
        with suppress(OSError, ValueError):
            self._stream.write(message)
            self._stream.flush()

    def close(self) -> None:
        """Wait until all is written."""
        self._pool.shutdown()


async def serve(protocol: Protocol, reader: BinaryIO, writer: BinaryIO) -> int:
    """Handle what comes until the client says `exit` or is gone; return the exit status."""
    loop = asyncio.get_running_loop()
    out, bodies = _Writer(writer), asyncio.Queue[bytes | None]()
    protocol.set_writer(out)

    def pump() -> None:
        body: bytes | None = b""
        with suppress(RuntimeError):  # the server has ended
            while body is not None:
                body = next_message(reader)
                loop.call_soon_threadsafe(bodies.put_nowait, body)

    async def take() -> None:
        while True:
            protocol.take(await bodies.get())
            await asyncio.sleep(0)  # so who answers sees the documents as they are before the next message

    Thread(target=pump, daemon=True).start()
    taking = asyncio.ensure_future(take())
    await protocol.ended.wait()
    taking.cancel()
    out.close()
    assert protocol.status is not None
    return protocol.status


def next_message(stream: BinaryIO) -> bytes | None:
    """Return the body of the next message; None where the stream ends. What has no header is passed over."""
    length: int | None = None
    while line := stream.readline(_LONGEST_LINE):
        if found := _LENGTH.search(line):
            length = int(found[1])
        elif not line.strip() and length is not None:
            body = stream.read(length)
            return body if len(body) == length else None
    return None
