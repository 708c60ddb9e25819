"""Code actions: a change for each problem that has one, and all of them at once."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor, capabilities_of, editor_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = "#: open m = model.keras\n"


async def actions(doc: Doc, found: lsp.Range, *only: str) -> list[lsp.CodeAction]:
    context = lsp.CodeActionContext([], only=list(only) or None)
    params = lsp.CodeActionParams(doc.id, found, context)
    return list(await doc.editor.client.text_document_code_action_async(params))


def edited(doc: Doc, action: lsp.CodeAction) -> str:
    """Return the document with the change made, as the client takes it."""
    takes_versions = doc.editor.capabilities.workspace.workspace_edit.document_changes
    if takes_versions:
        (change,) = action.edit.document_changes
        assert (change.text_document.uri, change.text_document.version) == (doc.uri, doc.version)
        return doc.with_edits(change.edits)
    return doc.with_edits(action.edit.changes[doc.uri])


async def test_the_problem_here_is_mended(editor: Editor):
    doc = editor.open(OPEN + "m/[[custom_modul]]:*\nm/** | sorted size")
    (action,) = await actions(doc, doc.ranges[0], lsp.CodeActionKind.QuickFix)
    assert action.title == "replace 'custom_modul' by 'custom_module'"
    assert action.is_preferred
    assert [problem.code for problem in action.diagnostics] == ["no-such-layer"]
    assert edited(doc, action) == OPEN + "m/custom_module:*\nm/** | sorted size"


async def test_what_is_missing_is_inserted(editor: Editor):
    doc = editor.open("**:* | where (size > 1[[]]")
    (action,) = await actions(doc, doc.ranges[0], "quickfix")
    assert action.title == "insert ')'"
    assert edited(doc, action) == "**:* | where (size > 1)"


@pytest.mark.parametrize("kind", ["source", "source.fixAll"])
async def test_all_at_once(editor: Editor, kind: str):
    doc = editor.open(OPEN + "m/custom_modul:*\nm/** | sorted size\nm/**:* | where size = 5")
    (action, *_) = await actions(doc, doc.range(0, 0), kind)
    assert action.kind == lsp.CodeActionKind.SourceFixAll
    assert edited(doc, action) == OPEN + "m/custom_module:*\nm/** | sort size\nm/**:* | where size == 5"


async def test_kinds_that_there_are_not(editor: Editor):
    doc = editor.open("**:* | sorted size")
    assert await actions(doc, doc.whole, "refactor") == []
    assert await actions(doc, doc.whole, "source.organizeImports") == []


async def test_nothing_to_mend(editor: Editor):
    doc = editor.open(OPEN + "m/**:* | sort size")
    assert await actions(doc, doc.whole, "quickfix", "source.fixAll") == []


async def test_the_query_here_is_run_where_no_lens_is_shown(editor: Editor):
    doc = editor.open(OPEN + "m/**:bias\n[[m/**:* | count]]\n")
    found = await actions(doc, doc.ranges[0])
    if editor.capabilities.text_document.code_lens is not None:
        assert found == []
        return
    (command,) = found
    assert (command.title, command.command) == ("run this query", "weightrepl.run")
    params = lsp.ExecuteCommandParams(command.command, list(command.arguments))
    answer = await editor.client.workspace_execute_command_async(params)
    assert answer["query"] == "m/**:* | count"


async def test_a_client_that_takes_none(tmp_path):
    capabilities = capabilities_of("emacs")
    capabilities.text_document.code_action.code_action_literal_support = None
    async with editor_of(tmp_path, capabilities) as editor:
        doc = editor.open("**:* | sorted size")
        assert await actions(doc, doc.whole) == []
