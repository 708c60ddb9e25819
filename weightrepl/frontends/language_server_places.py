"""What may stand at a place, and what is known of what does."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from lsprotocol import types as lsp

from weightrepl.frontends import language_server_answers as answers
from weightrepl.frontends.language_server_paths import complete_path
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_server import WeightServer
from weightrepl.frontends.language_server_texts import Text
from weightrepl.model.workspace import Workspace
from weightrepl.quantities import numbered
from weightrepl.service.answers import Completion
from weightrepl.service.complete import resolved
from weightrepl.spans import Span


async def complete(server: WeightServer, params: lsp.CompletionParams) -> lsp.CompletionList | None:
    """Return what may stand at a place: words of the language, names of the model, paths of files."""
    document = server.documents.get(params.text_document.uri)
    if document is not None:
        offset = document.text.offset(params.position)
        files = await server.aside(partial(complete_path, document.text, offset, server.rules))
        if files is not None:
            return answers.completion_list(files, document.text, offset, server.client)

    def ask(text: Text, region: Region, offset: int, workspace: Workspace) -> lsp.CompletionList:
        return answers.completion_list(
            region.complete(offset, workspace), text, offset, server.client, region.source
        )

    return await server.here(document, params.position, ask)


async def resolve(server: WeightServer, item: lsp.CompletionItem) -> lsp.CompletionItem:
    """Return a completion with what takes longer to tell: how much is below a layer."""
    data = item.data if isinstance(item.data, dict) else {}
    document = server.documents.get(str(data.get("uri")))
    if document is None or not data.get("address"):
        return item
    source = data.get("source")
    asked = [each for each in (await document.said()).asked if each.source == source or each.is_setting]
    workspace = await server.library.ready(each.wanted for each in asked)
    known = Completion("", Span(0, 0), "layer", item.label, item.detail or "", address=str(data["address"]))
    item.detail = (await server.long(partial(resolved, known, workspace))).detail
    return item


async def hover(server: WeightServer, params: lsp.HoverParams) -> lsp.Hover | None:
    """Return what is known of what stands at a place."""

    def ask(text: Text, region: Region, offset: int, workspace: Workspace) -> lsp.Hover | None:
        found = region.hover(offset, workspace)
        return None if found is None else answers.hover(found, text, server.client)

    return await server.here(server.documents.get(params.text_document.uri), params.position, ask)


async def signature(server: WeightServer, params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
    """Return what the stage at a place takes."""

    def ask(_: Text, region: Region, offset: int, __: Workspace) -> lsp.SignatureHelp | None:
        found = region.signature(offset)
        return None if found is None else answers.signature_help(found, server.client)

    return await server.here(server.documents.get(params.text_document.uri), params.position, ask)


async def hints(server: WeightServer, params: lsp.InlayHintParams) -> list[lsp.InlayHint] | None:
    """Return how much each query in a range matches."""

    def ask(text: Text, region: Region, workspace: Workspace) -> Iterator[lsp.InlayHint]:
        if workspace.models:
            for offset, found in region.counts(text.span(params.range), workspace):
                noun = found.noun.removesuffix("s")
                yield lsp.InlayHint(text.position(offset), numbered(found.count, noun), padding_left=True)

    return await server.each(server.documents.get(params.text_document.uri), ask)
