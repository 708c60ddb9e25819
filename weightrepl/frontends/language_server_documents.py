"""The life of a session: the client begins, sets, opens, edits and closes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import uuid4

from lsprotocol import types as lsp

from weightrepl.frontends.language_server_server import WeightServer
from weightrepl.frontends.language_server_texts import Text


def initialize(server: WeightServer, params: lsp.InitializeParams) -> None:
    """Begin."""
    server.started(params)


async def initialized(server: WeightServer, _: lsp.InitializedParams) -> None:
    """Ask for the settings, and to be told when they change."""
    if server.client.registers_settings:
        registration = lsp.Registration(str(uuid4()), lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
        server.client_register_capability(lsp.RegistrationParams([registration]))
    await server.ask_settings()


async def configured(server: WeightServer, params: lsp.DidChangeConfigurationParams) -> None:
    """Take other settings, or ask for them where the client only says that there are."""
    if server.client.tells_settings:
        await server.ask_settings()
    elif params.settings is not None:
        server.set(params.settings)


def folders_changed(server: WeightServer, _: lsp.DidChangeWorkspaceFoldersParams) -> None:
    """Look anew at what documents may ask of."""
    server.read_again()


def opened(server: WeightServer, params: lsp.DidOpenTextDocumentParams) -> None:
    """Take a document."""
    server.put(_text(server, params.text_document), 0)


def changed(server: WeightServer, params: lsp.DidChangeTextDocumentParams) -> None:
    """Take a document's edits."""
    _edit(server, params.text_document, params.content_changes)


def closed(server: WeightServer, params: lsp.DidCloseTextDocumentParams) -> None:
    """Forget a document."""
    server.drop(params.text_document.uri)


def _text(server: WeightServer, given: lsp.TextDocumentItem, notebook: str | None = None) -> Text:
    return Text(given.uri, given.text, server.client.encoding, given.version, given.language_id, notebook)


def _edit(
    server: WeightServer,
    given: lsp.VersionedTextDocumentIdentifier,
    changes: Sequence[lsp.TextDocumentContentChangeEvent],
) -> None:
    if (document := server.documents.get(given.uri)) is not None:
        text = document.text.edited(changes, given.version)
        server.put(text)
        if text.notebook is not None:
            server.put_below(text.uri)


# ------------------------------------------------------------------ notebooks


def notebook_opened(server: WeightServer, params: lsp.DidOpenNotebookDocumentParams) -> None:
    """Take the cells of a notebook."""
    notebook = params.notebook_document
    server.notebooks[notebook.uri] = [cell.document for cell in notebook.cells]
    _take_cells(server, notebook.uri, params.cell_text_documents)


def notebook_changed(server: WeightServer, params: lsp.DidChangeNotebookDocumentParams) -> None:
    """Take, forget and edit cells of a notebook."""
    uri, cells = params.notebook_document.uri, params.change.cells
    if cells is None or uri not in server.notebooks:
        return
    structure = cells.structure
    if structure is not None:
        array = structure.array
        server.notebooks[uri][array.start : array.start + array.delete_count] = [
            cell.document for cell in array.cells or ()
        ]
        for closed_cell in structure.did_close or ():
            server.drop(closed_cell.uri)
        _take_cells(server, uri, structure.did_open or ())
    for content in cells.text_content or ():
        _edit(server, content.document, content.changes)
    if structure is not None:
        server.put_again(server.notebooks[uri])


def notebook_closed(server: WeightServer, params: lsp.DidCloseNotebookDocumentParams) -> None:
    """Forget the cells of a notebook."""
    server.notebooks.pop(params.notebook_document.uri, None)
    for cell in params.cell_text_documents:
        server.drop(cell.uri)


def _take_cells(server: WeightServer, notebook: str, cells: Iterable[lsp.TextDocumentItem]) -> None:
    for cell in cells:
        server.put(_text(server, cell, notebook), 0)
