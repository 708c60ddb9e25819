"""Completion: names of the model, words of the language, paths; what an editor does with them."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Editor

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = "#: open m = model.keras\n"


async def test_layers_come_from_the_model(editor: Editor):
    doc = editor.open(OPEN + "m/cus¦")
    found = await doc.completions()
    item = found["custom_module"]
    assert item.kind == lsp.CompletionItemKind.Struct
    assert item.detail.startswith("CustomModule")
    assert doc.with_edits([item.text_edit]) == OPEN + "m/custom_module"


async def test_resolving_tells_how_much_is_below(editor: Editor):
    doc = editor.open(OPEN + "m/cus¦")
    item = (await doc.completions())["custom_module"]
    resolved = await editor.client.completion_item_resolve_async(item)
    assert resolved.detail == "CustomModule · 4 weights · 236 params"


async def test_what_stands_after_characters_of_two_units(editor: Editor):
    doc = editor.open(OPEN + "# 🙂\n'🙂', m/cus¦")
    found = await doc.completions()
    assert doc.with_edits([found["custom_module"].text_edit]) == OPEN + "# 🙂\n'🙂', m/custom_module"


async def test_what_begins_as_typed_is_filtered_by_its_own_text(editor: Editor):
    doc = editor.open(OPEN + 'm/"cus¦')
    item = (await doc.completions())["custom_module"]
    assert item.filter_text == item.text_edit.new_text == '"custom_module"'


async def test_what_only_holds_it_is_not_filtered_away(editor: Editor):
    doc = editor.open(OPEN + "m/module¦")
    found = await editor.client.text_document_completion_async(lsp.CompletionParams(doc.id, doc.at))
    (item,) = (each for each in found.items if each.label == "custom_module")
    assert item.filter_text == "module"
    assert found.is_incomplete


async def test_words_of_directives(editor: Editor):
    assert list(await editor.open("#: ¦").completions()) == ["open", "let", "expect"]
    assert list(await editor.open("#: expect n¦").completions()) == ["none"]


async def test_stages(editor: Editor):
    item = (await editor.open(OPEN + "m/**:* | so¦").completions())["sort"]
    assert item.kind == lsp.CompletionItemKind.Function
    takes_markdown = editor.client.capabilities.text_document.completion.completion_item.documentation_format
    assert isinstance(item.documentation, lsp.MarkupContent if takes_markdown else str)


async def test_names_of_queries(editor: Editor):
    doc = editor.open("#: let kernels = **:kernel\n$¦")
    item = (await doc.completions())["kernels"]
    assert doc.with_edits([item.text_edit]).endswith("\n$kernels")


async def test_paths_folders_first_then_models(editor: Editor):
    (editor.folder / "models").mkdir()
    for name in ("a.txt", "x.weights.json", ".hidden", "models/deep.h5"):
        (editor.folder / name).touch()
    offered = ["models/", "model.keras", "x.weights.json", "a.txt"]
    assert list(await editor.open("#: open ¦").completions()) == offered
    assert list(await editor.open("#: open x = mod¦").completions()) == ["models/", "model.keras"]
    assert list(await editor.open("#: open .h¦").completions()) == [".hidden"]
    doc = editor.open("#: open models/de¦\n**")
    found = await doc.completions()
    assert doc.with_edits([found["deep.h5"].text_edit]) == "#: open models/deep.h5\n**"


async def test_paths_outside_are_not_listed(editor: Editor):
    above = editor.folder.parent.parent
    (above / "secret.keras").touch()
    (editor.folder / "out").symlink_to(above)
    for path in ("../../", "out/", f"{above}/", "/etc/", "~/", "\0/", "~\0/"):
        assert await editor.open(f"#: open {path}¦").completions() == {}
    assert f"{editor.folder.name}/" in await editor.open("#: open ../¦").completions()


async def test_nothing_in_a_comment(editor: Editor):
    assert await editor.open(OPEN + "# m/cus¦\n").completions() == {}
