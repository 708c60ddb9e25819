"""What an editor shows of a whole document: outline, folds, colours, links, and its canonical spelling."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from lsprotocol import types as lsp
from pygls.uris import from_fs_path

from weightrepl.frontends import language_server_answers as answers
from weightrepl.frontends.language_server_files import Said, is_python
from weightrepl.frontends.language_server_models import is_within
from weightrepl.frontends.language_server_server import WeightServer
from weightrepl.frontends.language_server_texts import Text
from weightrepl.service import file_outline
from weightrepl.spans import Span

T = TypeVar("T")


async def _of_file(
    server: WeightServer, given: lsp.TextDocumentIdentifier, ask: Callable[[Text], T]
) -> T | None:
    """Return what is to say of an open query file; None of anything else."""
    document = server.documents.get(given.uri)
    if document is None or is_python(document.text):
        return None
    return await server.aside(partial(ask, document.text))


async def symbols(
    server: WeightServer, params: lsp.DocumentSymbolParams
) -> list[lsp.DocumentSymbol] | list[lsp.SymbolInformation] | None:
    """Return the outline of a query file."""

    def ask(text: Text) -> list[lsp.DocumentSymbol] | list[lsp.SymbolInformation]:
        found = file_outline.symbols(text.text)
        if server.client.nests_symbols:
            return [answers.document_symbol(each, text) for each in found]
        return [answers.flat_symbol(each, text) for each in found]

    return await _of_file(server, params.text_document, ask)


async def folding(server: WeightServer, params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange] | None:
    """Return what of a query file can be folded."""

    def ask(text: Text) -> list[lsp.FoldingRange]:
        found = file_outline.folds(text.text)
        return [answers.folding_range(span, kind, text, server.client) for span, kind in found]

    return await _of_file(server, params.text_document, ask)


async def formatting(
    server: WeightServer, params: lsp.DocumentFormattingParams | lsp.DocumentRangeFormattingParams
) -> list[lsp.TextEdit] | None:
    """Return the changes that give queries their canonical spelling: of all, or those in a range."""

    def ask(text: Text) -> list[lsp.TextEdit]:
        fixes = file_outline.formatted(text.text)
        if isinstance(params, lsp.DocumentRangeFormattingParams):
            wanted = text.span(params.range)
            fixes = tuple(
                each for each in fixes if each.span.start < wanted.end and wanted.start < each.span.end
            )
        return answers.edits(fixes, text)

    return await _of_file(server, params.text_document, ask)


async def tokens(
    server: WeightServer, params: lsp.SemanticTokensParams | lsp.SemanticTokensRangeParams
) -> lsp.SemanticTokens | None:
    """Return what the pieces of queries are: of all, or those in a range."""
    if (document := server.documents.get(params.text_document.uri)) is None:
        return None

    def work(text: Text, said: Said) -> lsp.SemanticTokens:
        wanted = Span(0, len(text.text))
        if isinstance(params, lsp.SemanticTokensRangeParams):
            wanted = text.span(params.range)
        pieces = (piece for region in said.regions for piece in region.pieces())
        here = (piece for piece in pieces if piece.span.start < wanted.end and wanted.start < piece.span.end)
        return answers.semantic_tokens(here, text)

    return await server.aside(partial(work, document.text, await document.said()))


async def links(server: WeightServer, params: lsp.DocumentLinkParams) -> list[lsp.DocumentLink] | None:
    """Return the files that the paths of a query file lead to, where they are and may be opened."""
    if (document := server.documents.get(params.text_document.uri)) is None:
        return None

    tips = server.client.link_tips

    def work(text: Text, said: Said) -> list[lsp.DocumentLink]:
        return [
            lsp.DocumentLink(
                text.range(each.span), from_fs_path(each.wanted.path), each.wanted.path if tips else None
            )
            for each in said.asked
            if each.span is not None
            and is_within(each.wanted.path, each.wanted.within)
            and os.path.exists(each.wanted.path)
        ]

    return await server.aside(partial(work, document.text, await document.said()))
