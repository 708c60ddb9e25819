"""The names that a file gives: definition, references, highlights, rename."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from tests.language_server.editors import Doc, Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")

QUERIES = "# 🙂\n#: let [[kern]] = **:kernel\n'🙂', $[[ke¦rn]] | sort size\n$[[kern]]\n"
MODELS = "#: open [[m]] = model.keras\n[[¦m]]/**:*\n!other, [[m]]/*\n"


def ranges(found) -> list[lsp.Range]:
    return [each.range for each in found or ()]


async def definition(doc: Doc) -> list[lsp.Range]:
    params = lsp.DefinitionParams(doc.id, doc.at)
    return ranges(await doc.editor.client.text_document_definition_async(params))


@pytest.mark.parametrize("text", [QUERIES, MODELS])
async def test_where_it_is_given_and_used(editor: Editor, text: str):
    doc = editor.open(text)
    client = editor.client
    assert await definition(doc) == doc.ranges[:1]
    for included, expected in ((True, doc.ranges), (False, doc.ranges[1:])):
        context = lsp.ReferenceContext(include_declaration=included)
        params = lsp.ReferenceParams(context, doc.id, doc.at)
        assert ranges(await client.text_document_references_async(params)) == expected
    params = lsp.DocumentHighlightParams(doc.id, doc.at)
    found = await client.text_document_document_highlight_async(params)
    assert ranges(found) == doc.ranges
    assert [each.kind for each in found] == [lsp.DocumentHighlightKind.Write] + [
        lsp.DocumentHighlightKind.Read
    ] * 2


async def test_a_model_without_a_name_is_given_by_its_path(editor: Editor):
    doc = editor.open("#: open [[model.keras]]\n[[larger¦_model]]/*")
    await doc.problems()  # the name stands in the model
    assert await definition(doc) == doc.ranges[:1]


async def test_layers_are_no_names_of_the_file(editor: Editor):
    assert await definition(editor.open("#: open m = model.keras\nm/custom¦_module")) == []


async def prepared(doc: Doc) -> lsp.PrepareRenamePlaceholder | None:
    params = lsp.PrepareRenameParams(doc.id, doc.at)
    return await doc.editor.client.text_document_prepare_rename_async(params)


async def renamed(doc: Doc, name: str) -> str:
    params = lsp.RenameParams(doc.id, doc.at, name)
    edit = await doc.editor.client.text_document_rename_async(params)
    if edit.changes is not None:
        return doc.with_edits(edit.changes[doc.uri])
    (change,) = edit.document_changes
    return doc.with_edits(change.edits)


async def test_renaming(editor: Editor):
    doc = editor.open(QUERIES)
    found = await prepared(doc)
    assert (found.placeholder, found.range) == ("kern", doc.ranges[1])
    assert await renamed(doc, "k2") == doc.text.replace("kern ", "k2 ").replace("$kern", "$k2")
    doc = editor.open(MODELS)
    assert await renamed(doc, "base") == "#: open base = model.keras\nbase/**:*\n!other, base/*\n"


async def test_a_model_gets_a_name(editor: Editor):
    doc = editor.open("#: open model.keras\nlarger¦_model/*")
    await doc.problems()
    assert await renamed(doc, "m") == "#: open m = model.keras\nm/*"


async def test_what_gets_no_other_name(editor: Editor):
    doc = editor.open("#: open m = model.keras\n#: let a = **\n#: let b = **\n$¦a, m/custom_module")
    for name, reason in (
        ("b", "another query of the name 'b'"),
        ("x y", "expected"),
        ("", "expected a name"),
    ):
        with pytest.raises(JsonRpcException, match=reason) as caught:
            await renamed(doc, name)
        assert caught.value.code == lsp.LSPErrorCodes.RequestFailed
    doc.cursor = len(doc.text)
    assert await prepared(doc) is None
    with pytest.raises(JsonRpcException, match="only names that the file gives"):
        await renamed(doc, "layer")
