"""Problems: told or asked for, never both; with code, page, related places."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Editor, copy_model
from tests.make_problem_page import PATH, page
from weightrepl.frontends.commands_codes import ALL_CODES

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = "#: open m = model.keras\n"


async def test_what_is_wrong_stands_at_its_place(editor: Editor):
    doc = editor.open(OPEN + "# 🙂\nm/[[custom_modul]]:*\nm/** | [[sorted]] size\n")
    layer, stage = await doc.problems()
    assert [layer.code, stage.code] == ["no-such-layer", "no-such-stage"]
    assert [layer.range, stage.range] == doc.ranges
    assert (layer.severity, layer.source) == (lsp.DiagnosticSeverity.Error, "weightrepl")
    assert layer.message.endswith("did you mean 'custom_module'?")


async def test_nothing_is_wrong(editor: Editor):
    assert await editor.open(OPEN + "m/custom_module/**:kernel | sort size\n").problems() == []


async def test_an_edit_mends_it(editor: Editor):
    doc = editor.open(OPEN + "m/custom_modul:*")
    assert await doc.codes() == ["no-such-layer"]
    doc.change(OPEN + "m/custom_module/**:*")
    assert await doc.codes() == []


async def test_they_are_told_or_asked_for(editor: Editor):
    doc = editor.open("**:* | sorted size")
    await doc.problems()
    other = editor.open("**:*", "other.wq")  # what is told of it is told after all that is told of the first
    await other.problems()
    assert (doc.uri in editor.told) is not editor.pulls
    other.close()
    doc.close()
    if not editor.pulls:
        await editor.until(lambda: editor.told[doc.uri].diagnostics == ())


async def test_a_version_is_told_where_it_is_read(editor: Editor):
    if editor.pulls:
        pytest.skip("this client asks itself")
    doc = editor.open("**:* | sorted size")
    await doc.problems()
    takes = editor.capabilities.text_document.publish_diagnostics.version_support
    assert editor.told[doc.uri].version == (1 if takes else None)


async def test_a_code_leads_to_its_page(editor: Editor):
    (problem,) = await editor.open("**:* | sorted size").problems()
    publish = editor.capabilities.text_document.publish_diagnostics
    if not publish.code_description_support:
        assert problem.code_description is None
        return
    link = urlsplit(problem.code_description.href)
    lines = Path(unquote(link.path)).read_text(encoding="utf-8").splitlines()
    assert lines[int(link.fragment[1:]) - 1] == "### no-such-stage"


async def test_the_page_tells_of_all_codes():
    assert PATH.read_text(encoding="utf-8") == page()
    assert set(re.findall("^### (.*)$", page(), re.MULTILINE)) == set(ALL_CODES)


async def test_a_second_name_leads_to_the_first(editor: Editor):
    doc = editor.open("#: let [[k]] = **:kernel\n#: let [[k]] = **:bias\n$k")
    (problem,) = await doc.problems()
    assert (problem.code, problem.range) == ("second-name", doc.ranges[1])
    if editor.capabilities.text_document.publish_diagnostics.related_information:
        (related,) = problem.related_information
        assert (related.location.uri, related.location.range) == (doc.uri, doc.ranges[0])
    else:
        assert problem.related_information is None


async def test_what_a_name_stands_for_is_related(editor: Editor):
    doc = editor.open(OPEN + "#: let [[k]] = m/** | count\n[[$k]] | sort size")
    (problem,) = await doc.problems()
    assert problem.range == doc.ranges[1]
    if editor.capabilities.text_document.publish_diagnostics.related_information:
        assert problem.related_information[0].location.range == doc.ranges[0]


async def test_a_model_that_is_not_there(editor: Editor):
    doc = editor.open("#: open m = [[missing.keras]]\nm/whatever:kernel\nm/** | sorted x")
    gone, stage = await doc.problems()
    assert (gone.code, gone.range) == ("cannot-open", doc.ranges[0])
    assert stage.code == "no-such-stage"  # what is misspelt is told all the same


async def test_a_model_that_is_damaged(editor: Editor):
    path = copy_model(editor.folder, "damaged.keras")
    path.write_bytes(path.read_bytes()[:5000])
    doc = editor.open("#: open m = [[damaged.keras]]\nm/whatever:kernel")
    (problem,) = await doc.problems()
    assert (problem.code, problem.range) == ("cannot-open", doc.ranges[0])
    assert str(path) in problem.message


async def test_paths_that_are_none(editor: Editor):
    for path in ("a\0b.keras", "\ud83d.keras", "~\0/x", "x" * 5000):
        doc = editor.open(f"#: open m = {path}\nm/**", f"{len(path)}.wq")
        assert await doc.codes() in (["cannot-open"], ["outside-workspace"])


async def test_a_document_that_is_not_open(editor: Editor):
    uri = lsp.TextDocumentIdentifier((editor.folder / "never.wq").as_uri())
    found = await editor.client.text_document_diagnostic_async(lsp.DocumentDiagnosticParams(uri))
    assert found.items == ()
    assert await editor.client.text_document_hover_async(lsp.HoverParams(uri, lsp.Position(0, 0))) is None
