"""Notebook documents: each cell is a document, and knows what those above it say."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor, marked
from tests.language_server.test_hover import hover

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPENING = "import weightrepl as wr\nm = wr.open('model.keras')\n"
ASKING = "# 🙂\nm['custom_module/[[inner_¦dense1]]:kernel']\n"


class Notebook:
    """A notebook that is open in an editor."""

    def __init__(self, editor: Editor, *cells: str) -> None:
        self.editor = editor
        self.uri = (editor.folder / "book.ipynb").as_uri()
        self.count, self.version = 0, 1
        self.cells = [self.made(cell) for cell in cells]
        editor.client.notebook_document_did_open(
            lsp.DidOpenNotebookDocumentParams(
                lsp.NotebookDocument(self.uri, "jupyter-notebook", 1, [cell(each) for each in self.cells]),
                [item(each) for each in self.cells],
            )
        )

    def made(self, text: str) -> Doc:
        text, cursor, spans = marked(text)
        self.count += 1
        uri = self.uri.replace("file:", "vscode-notebook-cell:") + f"#{self.count}"
        return Doc(self.editor, uri, text, cursor, spans)

    def change(self, change: lsp.NotebookDocumentCellChanges) -> None:
        self.version += 1
        notebook = lsp.VersionedNotebookDocumentIdentifier(self.version, self.uri)
        self.editor.client.notebook_document_did_change(
            lsp.DidChangeNotebookDocumentParams(notebook, lsp.NotebookDocumentChangeEvent(cells=change))
        )

    def replace(self, start: int, count: int, *cells: str) -> None:
        """Put new cells in the place of some."""
        made = [self.made(each) for each in cells]
        gone, self.cells[start : start + count] = self.cells[start : start + count], made
        array = lsp.NotebookCellArrayChange(start, count, [cell(each) for each in made])
        structure = lsp.NotebookDocumentCellChangeStructure(
            array, [item(each) for each in made], [each.id for each in gone]
        )
        self.change(lsp.NotebookDocumentCellChanges(structure))

    def edit(self, number: int, text: str) -> None:
        """Let a cell be another text."""
        doc = self.cells[number]
        doc.version += 1
        doc.text, doc.cursor, doc.spans = marked(text)
        content = lsp.NotebookDocumentCellContentChanges(
            lsp.VersionedTextDocumentIdentifier(doc.version, doc.uri),
            [lsp.TextDocumentContentChangeWholeDocument(doc.text)],
        )
        self.change(lsp.NotebookDocumentCellChanges(text_content=[content]))

    def close(self) -> None:
        notebook = lsp.NotebookDocumentIdentifier(self.uri)
        params = lsp.DidCloseNotebookDocumentParams(notebook, [each.id for each in self.cells])
        self.editor.client.notebook_document_did_close(params)


def cell(doc: Doc) -> lsp.NotebookCell:
    return lsp.NotebookCell(lsp.NotebookCellKind.Code, doc.uri)


def item(doc: Doc) -> lsp.TextDocumentItem:
    return lsp.TextDocumentItem(doc.uri, "python", doc.version, doc.text)


async def test_a_model_of_another_cell_is_known(editor: Editor):
    book = Notebook(editor, OPENING, "m.names", ASKING)
    found = await hover(book.cells[2])
    assert "custom_module/inner_dense1`" in found.contents.value
    assert found.range == book.cells[2].ranges[0]


async def test_not_one_of_a_cell_below(editor: Editor):
    book = Notebook(editor, ASKING, OPENING)
    assert await hover(book.cells[0]) is None


async def test_magics_see_the_variables(editor: Editor):
    book = Notebook(editor, OPENING, "%weights m/cus¦", "%%weights\n\nm/cus¦\n**:* | [[sorted]] size")
    for each in book.cells[1:]:
        assert "custom_module" in await each.completions()
    (problem,) = await book.cells[2].problems()
    assert (problem.code, problem.range) == ("no-such-stage", book.cells[2].ranges[0])


async def test_a_cell_of_queries_may_open_models(editor: Editor):
    book = Notebook(editor, "%%weights\n#: open m = [[model.keras]]\nm/cus¦")
    (doc,) = book.cells
    assert "custom_module" in await doc.completions()
    (link,) = await editor.client.text_document_document_link_async(lsp.DocumentLinkParams(doc.id))
    assert link.range == doc.ranges[0]


async def test_cells_come_go_and_change(editor: Editor):
    book = Notebook(editor, ASKING)
    assert await hover(book.cells[0]) is None
    book.replace(0, 0, OPENING)
    assert await hover(book.cells[1])
    book.edit(0, "import weightrepl\n")
    assert await hover(book.cells[1]) is None
    book.edit(0, OPENING)
    assert await hover(book.cells[1])
    book.replace(0, 1)
    assert await hover(book.cells[0]) is None
    book.replace(0, 1, OPENING, ASKING)
    assert await hover(book.cells[1])


async def test_problems_of_a_cell_that_is_gone_go_too(editor: Editor):
    book = Notebook(editor, "%weights a | sorted", "%weights b | sorted")
    first, second = book.cells
    assert [await first.codes(), await second.codes()] == [["no-such-stage"]] * 2
    book.replace(0, 1)
    book.close()
    if editor.pulls:
        assert [await first.codes(), await second.codes()] == [[], []]
    else:
        await editor.until(lambda: not any(editor.told[each.uri].diagnostics for each in (first, second)))
