"""Signature help: what the stage at the cursor takes, and which part of it is being typed."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def signature(doc: Doc) -> lsp.SignatureHelp | None:
    params = lsp.SignatureHelpParams(doc.id, doc.at)
    return await doc.editor.client.text_document_signature_help_async(params)


async def test_what_is_typed_is_marked(editor: Editor):
    found = await signature(editor.open("**:*\n  | top 5 ¦"))
    (one,) = found.signatures
    assert (one.label, found.active_parameter) == ("top N COLUMN", 1)
    label = one.parameters[1].label
    assert (one.label[slice(*label)] if isinstance(label, tuple | list) else label) == "COLUMN"


async def test_none_in_a_path(editor: Editor):
    assert await signature(editor.open("**:ker¦nel | top 5 size")) is None
