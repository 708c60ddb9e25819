"""Hover: what is known of a layer, a weight, a stage, in the form that the client reads."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor, capabilities_of, editor_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = "#: open m = model.keras\n"


async def hover(doc: Doc) -> lsp.Hover | None:
    return await doc.editor.client.text_document_hover_async(lsp.HoverParams(doc.id, doc.at))


async def test_a_weight(editor: Editor):
    doc = editor.open(OPEN + "# 🙂\nm/custom_module/inner_dense1:[[ker¦nel]] # 🙂")
    found = await hover(doc)
    assert found.range == doc.ranges[0]
    assert found.contents.kind == lsp.MarkupKind.Markdown
    assert found.contents.value.startswith("**`m/custom_module/inner_dense1:kernel`**\n")
    assert "- shape: `(10, 12)`" in found.contents.value


async def test_a_stage(editor: Editor):
    found = await hover(editor.open(OPEN + "m/**:* | so¦rt size"))
    assert "order the rows" in found.contents.value


async def test_what_a_directive_names(editor: Editor):
    doc = editor.open("#: open [[m]] = model.ke¦ras\nm/**:*")
    found = await hover(doc)
    assert found.range == doc.ranges[0]
    assert "- class: `LargerModel`" in found.contents.value
    doc = editor.open(OPEN + "#: let [[k¦ernels]] = m/**:kernel")
    found = await hover(doc)
    assert found.range == doc.ranges[0]
    assert "m/**:kernel" in found.contents.value


async def test_nothing(editor: Editor):
    assert await hover(editor.open(OPEN + "\n\n¦\n")) is None


async def test_a_client_that_reads_no_markdown(tmp_path):
    capabilities = capabilities_of("emacs")
    capabilities.text_document.hover.content_format = [lsp.MarkupKind.PlainText]
    async with editor_of(tmp_path, capabilities) as editor:
        found = await hover(editor.open("m | so¦rt size"))
    assert found.contents.kind == lsp.MarkupKind.PlainText
    assert "`" not in found.contents.value.splitlines()[0]
