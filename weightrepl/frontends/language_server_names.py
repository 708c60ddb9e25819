"""The names that a query file gives: where each is given and used, and other ones for it."""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from weightrepl.frontends import language_server_answers as answers
from weightrepl.frontends.language_server_files import is_python
from weightrepl.frontends.language_server_server import WeightServer
from weightrepl.frontends.language_server_texts import Text
from weightrepl.service.file_names import FileName, name_at, renamed, span_at

Params: TypeAlias = (
    lsp.DefinitionParams
    | lsp.ReferenceParams
    | lsp.DocumentHighlightParams
    | lsp.PrepareRenameParams
    | lsp.RenameParams
)


async def _name(server: WeightServer, params: Params) -> tuple[Text, FileName, int] | None:
    """Return the document, the name that is given or used at a position, and its offset."""
    document = server.documents.get(params.text_document.uri)
    if document is None or is_python(document.text):
        return None
    text, offset = document.text, document.text.offset(params.position)
    openings = [server.library.opening(each.wanted) for each in (await document.said()).asked if each.span]
    known = [each.model.names if each.model is not None else () for each in openings]
    name = await server.aside(partial(name_at, text.text, offset, known))
    return None if name is None else (text, name, offset)


async def definition(server: WeightServer, params: lsp.DefinitionParams) -> list[lsp.Location] | None:
    """Return where the name at a position is given."""
    found = await _name(server, params)
    return None if found is None else [lsp.Location(found[0].uri, found[0].range(found[1].given))]


async def references(server: WeightServer, params: lsp.ReferenceParams) -> list[lsp.Location] | None:
    """Return where the name at a position is used, and where it is given if that is asked for."""
    found = await _name(server, params)
    if found is None:
        return None
    text, name, _ = found
    spans = (name.given, *name.uses) if params.context.include_declaration else name.uses
    return [lsp.Location(text.uri, text.range(span)) for span in spans]


async def highlights(
    server: WeightServer, params: lsp.DocumentHighlightParams
) -> list[lsp.DocumentHighlight] | None:
    """Return all places of the name at a position."""
    found = await _name(server, params)
    if found is None:
        return None
    text, name, _ = found
    kind = lsp.DocumentHighlightKind
    return [
        lsp.DocumentHighlight(text.range(name.given), kind.Write),
        *(lsp.DocumentHighlight(text.range(span), kind.Read) for span in name.uses),
    ]


async def prepare_rename(
    server: WeightServer, params: lsp.PrepareRenameParams
) -> lsp.PrepareRenamePlaceholder | None:
    """Return the name at a position, if the file gives it and so can give another."""
    found = await _name(server, params)
    if found is None:
        return None
    text, name, offset = found
    return lsp.PrepareRenamePlaceholder(text.range(span_at(name, offset)), name.name)


async def rename(server: WeightServer, params: lsp.RenameParams) -> lsp.WorkspaceEdit:
    """Return the changes that give the name at a position another spelling everywhere."""
    found = await _name(server, params)
    if found is None:
        raise _refused("only names that the file gives to models and queries can be others")
    text, name, _ = found
    try:
        return answers.workspace_edit(renamed(text.text, name, params.new_name), text, server.client)
    except ValueError as error:
        raise _refused(str(error)) from None


def _refused(reason: str) -> JsonRpcException:
    return JsonRpcException(reason, lsp.LSPErrorCodes.RequestFailed)
