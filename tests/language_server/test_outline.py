"""What an editor shows of a whole file: symbols, folds, links, canonical spelling."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor, capabilities_of, editor_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE = """\
#: open m = model.keras
#: let [[kernels]] = **:kernel
# one
# two
#: expect some
m/**:*
  | sort size
  | head 2
$kernels
"""


async def symbols(doc: Doc) -> list:
    params = lsp.DocumentSymbolParams(doc.id)
    return list(await doc.editor.client.text_document_document_symbol_async(params))


async def test_symbols(editor: Editor):
    doc = editor.open(FILE)
    model, let, entry, last = await symbols(doc)
    assert isinstance(model, lsp.DocumentSymbol)
    assert [each.name for each in (model, let, entry, last)] == [
        "m",
        "$kernels",
        "m/**:* | sort size | head 2",
        "$kernels",
    ]
    assert (model.detail, let.detail, entry.detail) == ("model.keras", "**:kernel", "expect some")
    assert doc.of(entry.range) == "m/**:*\n  | sort size\n  | head 2"
    assert let.selection_range == doc.ranges[0]


async def test_symbols_for_a_client_that_nests_none(tmp_path):
    capabilities = capabilities_of("emacs")
    capabilities.text_document.document_symbol.hierarchical_document_symbol_support = None
    async with editor_of(tmp_path, capabilities) as editor:
        doc = editor.open(FILE)
        found = await symbols(doc)
    assert [type(each) for each in found] == [lsp.SymbolInformation] * 4
    assert doc.of(found[0].location.range) == "#: open m = model.keras"


async def folds(doc: Doc) -> list[lsp.FoldingRange]:
    return list(await doc.editor.client.text_document_folding_range_async(lsp.FoldingRangeParams(doc.id)))


async def test_folding(editor: Editor):
    if editor.capabilities.text_document.folding_range is None:
        pytest.skip("this client folds nothing")
    found = await folds(editor.open(FILE))
    assert [(each.start_line, each.end_line, each.kind) for each in found] == [
        (2, 3, lsp.FoldingRangeKind.Comment),
        (5, 7, lsp.FoldingRangeKind.Region),
    ]
    assert {each.end_character for each in found} == {None}


async def test_folding_within_lines(tmp_path):
    capabilities = capabilities_of("neovim")
    capabilities.text_document.folding_range.line_folding_only = False
    async with editor_of(tmp_path, capabilities) as editor:
        found = await folds(editor.open(FILE))
    assert [(each.start_character, each.end_character) for each in found] == [(0, 5), (0, 10)]


async def links(doc: Doc) -> list[lsp.DocumentLink]:
    return list(await doc.editor.client.text_document_document_link_async(lsp.DocumentLinkParams(doc.id)))


async def test_a_link_to_the_model(editor: Editor):
    doc = editor.open("#: open m = [[model.keras]]\n#: open gone.keras\n#: open /etc/passwd\n")
    (link,) = await links(doc)
    assert link.range == doc.ranges[0]
    assert link.target == (editor.folder / "model.keras").as_uri()


async def formatted(doc: Doc, found: lsp.Range | None = None) -> str:
    options, client = lsp.FormattingOptions(4, True), doc.editor.client
    if found is None:
        edits = await client.text_document_formatting_async(lsp.DocumentFormattingParams(doc.id, options))
    else:
        params = lsp.DocumentRangeFormattingParams(doc.id, found, options)
        edits = await client.text_document_range_formatting_async(params)
    return doc.with_edits(edits)


async def test_formatting(editor: Editor):
    doc = editor.open("#: open m = model.keras\n# 🙂\nm/**:*|sort  size\n[[m/a , m/b]]\n")
    assert await formatted(doc) == "#: open m = model.keras\n# 🙂\nm/**:* | sort size\nm/a, m/b\n"
    assert (
        await formatted(doc, doc.ranges[0]) == "#: open m = model.keras\n# 🙂\nm/**:*|sort  size\nm/a, m/b\n"
    )


async def test_what_is_broken_is_not_formatted(editor: Editor):
    text = "m/**:*|sort  size|(\n"
    assert await formatted(editor.open(text)) == text
