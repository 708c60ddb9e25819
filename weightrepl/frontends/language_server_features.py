"""What an editor may ask: the methods of the protocol, and what answers each."""

from __future__ import annotations

import asyncio
import socket
import sys
from inspect import iscoroutinefunction
from typing import Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from weightrepl.errors import ChangedError, WeightreplError
from weightrepl.frontends import language_server_documents as documents
from weightrepl.frontends import language_server_names as names
from weightrepl.frontends import language_server_outline as outline
from weightrepl.frontends import language_server_places as places
from weightrepl.frontends import language_server_problems as problems
from weightrepl.frontends import language_server_running as running
from weightrepl.frontends.language_server_answers import LEGEND
from weightrepl.frontends.language_server_server import WeightServer
from weightrepl.frontends.language_server_wire import log, serve

_TRIGGERS = ["/", ":", "@", "|", ".", "$", "#", "[", "(", " ", ",", "=", "{"]

FEATURES: dict[str, tuple[Any, Any]] = {
    lsp.INITIALIZE: (documents.initialize, None),
    lsp.INITIALIZED: (documents.initialized, None),
    lsp.WORKSPACE_DID_CHANGE_CONFIGURATION: (documents.configured, None),
    lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS: (documents.folders_changed, None),
    lsp.TEXT_DOCUMENT_DID_OPEN: (documents.opened, None),
    lsp.TEXT_DOCUMENT_DID_CHANGE: (documents.changed, None),
    lsp.TEXT_DOCUMENT_DID_CLOSE: (documents.closed, None),
    lsp.NOTEBOOK_DOCUMENT_DID_OPEN: (documents.notebook_opened, None),
    lsp.NOTEBOOK_DOCUMENT_DID_CHANGE: (documents.notebook_changed, None),
    lsp.NOTEBOOK_DOCUMENT_DID_CLOSE: (documents.notebook_closed, None),
    lsp.TEXT_DOCUMENT_COMPLETION: (places.complete, lsp.CompletionOptions(_TRIGGERS, resolve_provider=True)),
    lsp.COMPLETION_ITEM_RESOLVE: (places.resolve, None),
    lsp.TEXT_DOCUMENT_HOVER: (places.hover, None),
    lsp.TEXT_DOCUMENT_SIGNATURE_HELP: (places.signature, lsp.SignatureHelpOptions(["|", " "])),
    lsp.TEXT_DOCUMENT_DIAGNOSTIC: (problems.diagnose, lsp.DiagnosticOptions(False, False, "weightrepl")),
    lsp.TEXT_DOCUMENT_CODE_ACTION: (problems.actions, lsp.CodeActionOptions(problems.KINDS)),
    lsp.TEXT_DOCUMENT_DEFINITION: (names.definition, None),
    lsp.TEXT_DOCUMENT_REFERENCES: (names.references, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (names.highlights, None),
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: (names.prepare_rename, None),
    lsp.TEXT_DOCUMENT_RENAME: (names.rename, lsp.RenameOptions(prepare_provider=True)),
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (outline.symbols, None),
    lsp.TEXT_DOCUMENT_FOLDING_RANGE: (outline.folding, None),
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: (outline.tokens, LEGEND),
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE: (outline.tokens, LEGEND),
    lsp.TEXT_DOCUMENT_FORMATTING: (outline.formatting, None),
    lsp.TEXT_DOCUMENT_RANGE_FORMATTING: (outline.formatting, None),
    lsp.TEXT_DOCUMENT_DOCUMENT_LINK: (outline.links, None),
    lsp.TEXT_DOCUMENT_INLAY_HINT: (places.hints, None),
    lsp.TEXT_DOCUMENT_CODE_LENS: (running.lenses, None),
    lsp.WORKSPACE_EXECUTE_COMMAND: (running.execute, None),
}
"""The methods of the protocol, what answers each, and what is said of it beforehand."""


def serve_io() -> int:
    """Serve the editor at standard input and output; return the exit status."""
    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no message
    return asyncio.run(serve(made().protocol, reader, writer))


def serve_tcp(host: str, port: int) -> int:
    """Serve the first editor that comes to a port; return the exit status.

    Raises:
        OSError: nobody can listen there.
    """
    with socket.create_server((host, port)) as listener:
        print("listening on {}:{}".format(*listener.getsockname()), file=sys.stderr, flush=True)
        connection, _ = listener.accept()
    # they stay open: a thread reads until the process ends
    reader, writer = connection.makefile("rb"), connection.makefile("wb")
    return asyncio.run(serve(made().protocol, reader, writer))


def made() -> WeightServer:
    """Return a server that answers all this."""
    server = WeightServer()
    for method, (handler, options) in FEATURES.items():
        server.feature(method, options)(_bound(server, method, handler))
    server.command(running.RUN)(running.execute)  # so that it is announced; who answers stands above
    return server


def _bound(server: WeightServer, method: str, handler: Any) -> Any:
    """Return a handler as pygls calls it. What comes as a notification is done before the next message is looked at."""
    if not iscoroutinefunction(handler):
        return lambda params: handler(server, params)

    async def handled(params: Any) -> Any:
        try:
            return await handler(server, params)
        except JsonRpcException:
            raise
        except ChangedError as error:  # nobody asks of this model any more, or it is another by now
            raise JsonRpcException(str(error), lsp.LSPErrorCodes.ContentModified) from None
        except WeightreplError as error:  # what is deeper in a file is damaged
            raise JsonRpcException(str(error), lsp.LSPErrorCodes.RequestFailed) from None
        except Exception:
            log.exception("%s", method)
            raise

    return handled
