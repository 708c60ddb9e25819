"""Semantic tokens: what each piece of a file is, all of it or a range."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


def read(doc: Doc, tokens: lsp.SemanticTokens) -> list[tuple[str, str]]:
    """Return the pieces and what each is, as a client reads them."""
    legend = doc.editor.server.capabilities.semantic_tokens_provider.legend
    found, line, column = [], 0, 0
    data = list(tokens.data)
    for down, right, length, kind, _ in zip(*(iter(data),) * 5, strict=True):
        line, column = line + down, right if down else column + right
        piece = lsp.Range(lsp.Position(line, column), lsp.Position(line, column + length))
        found.append((doc.of(piece), legend.token_types[kind]))
    return found


async def test_all(editor: Editor):
    doc = editor.open('#: open m = "🙂".keras\n# 🙂\nm/"🙂":kernel[0] | where name ~ "🙂"\n')
    tokens = await editor.client.text_document_semantic_tokens_full_async(lsp.SemanticTokensParams(doc.id))
    found = read(doc, tokens)
    assert found[:4] == [
        ("#: open", "macro"),
        ("m", "namespace"),
        ("=", "operator"),
        ('"🙂".keras', "string"),
    ]
    assert [kind for piece, kind in found if piece == "# 🙂"] == ["comment"]
    assert ("kernel", "property") in found
    assert found[-1] == ('"🙂"', "string")


async def test_a_range(editor: Editor):
    doc = editor.open("a | sort size\n[[b | head 3]]\nc\n")
    params = lsp.SemanticTokensRangeParams(doc.id, doc.ranges[0])
    found = read(doc, await editor.client.text_document_semantic_tokens_range_async(params))
    assert [piece for piece, _ in found] == ["b", "|", "head", "3"]


async def test_no_piece_goes_over_a_line(editor: Editor):
    doc = editor.open("a |\r\n  sort\r\n  size\r\n")
    tokens = await editor.client.text_document_semantic_tokens_full_async(lsp.SemanticTokensParams(doc.id))
    assert [piece for piece, _ in read(doc, tokens)] == ["a", "|", "sort", "size"]
