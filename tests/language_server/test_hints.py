"""Inlay hints: how much each query matches."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def hints(doc: Doc, found: lsp.Range | None = None) -> dict[tuple[int, int], str]:
    params = lsp.InlayHintParams(doc.id, found or doc.whole)
    hints = await doc.editor.client.text_document_inlay_hint_async(params) or ()
    return {(each.position.line, each.position.character): each.label for each in hints}


async def test_each_query(editor: Editor):
    doc = editor.open("#: open m = model.keras\n#: let k = m/**:kernel\n$k | head 1\nm/nothing\nm/**\n")
    assert await hints(doc) == {
        (1, 22): "3 weights",
        (2, 11): "1 weight",
        (4, 4): "5 layers",
    }


async def test_in_a_range(editor: Editor):
    doc = editor.open("#: open m = model.keras\nm/*\n[[m/**:bias]]\nm/*\n")
    assert await hints(doc, doc.ranges[0]) == {(2, 9): "3 weights"}


async def test_none_without_a_model(editor: Editor):
    assert await hints(editor.open("**:kernel\n")) == {}
