"""A query of the file is run: the lens above it, the command, and what comes back."""

from __future__ import annotations

import numpy as np
import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from safetensors.numpy import save_file

from tests.language_server.editors import Doc, Editor, capabilities_of, copy_model, editor_of
from weightrepl.frontends.language_server_running import MOST_ROWS

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE = "#: open m = model.keras\n#: let k = m/**:kernel\n$k | sort size desc | head 1\nm/nothing:x\n"


async def lenses(doc: Doc) -> list[lsp.CodeLens]:
    return list(await doc.editor.client.text_document_code_lens_async(lsp.CodeLensParams(doc.id)))


async def run(doc: Doc, command: lsp.Command):
    params = lsp.ExecuteCommandParams(command.command, list(command.arguments))
    return await doc.editor.client.workspace_execute_command_async(params)


async def test_a_lens_stands_above_each_query(editor: Editor):
    doc = editor.open(FILE)
    assert [each.range.start for each in await lenses(doc)] == [lsp.Position(2, 0), lsp.Position(3, 0)]


async def test_it_gives_the_table(editor: Editor):
    doc = editor.open(FILE)
    first, second = await lenses(doc)
    found = await run(doc, first.command)
    assert found["query"] == "$k | sort size desc | head 1"
    assert found["text"].splitlines()[1].startswith("m/custom_module/inner_dense1:kernel")
    (result,) = found["json"]["results"]
    assert [row["shape"] for row in result["rows"]] == [[10, 12]]
    wrong = await run(doc, second.command)
    assert wrong.keys() == {"query", "error"}
    assert wrong["error"].startswith("error[no-such-layer]: no layer 'nothing'")


async def test_it_is_shown_in_a_client_that_knows_nothing_of_it(editor: Editor):
    doc = editor.open(FILE)
    first, second = await lenses(doc)
    editor.client.messages.clear()
    for lens in (first, second):
        await run(doc, lens.command)
    await editor.until(lambda: len(editor.client.messages) == 2)
    shown, wrong = editor.client.messages
    assert shown.type == lsp.MessageType.Info
    assert "inner_dense1:kernel" in shown.message
    assert wrong.type == lsp.MessageType.Error


async def test_it_is_not_shown_twice(tmp_path):
    copy_model(tmp_path)
    async with editor_of(tmp_path, capabilities_of("emacs"), {"showResults": False}) as editor:
        doc = editor.open(FILE)
        (lens, _) = await lenses(doc)
        assert "text" in await run(doc, lens.command)
        assert editor.client.messages == []


@pytest.mark.parametrize("arguments", [[], ["file:///nowhere.wq", 0], [0, 0], ["", "", ""]])
async def test_arguments_that_are_none(editor: Editor, arguments: list):
    with pytest.raises(JsonRpcException) as caught:
        await run(editor.open(FILE), lsp.Command("run", "weightrepl.run", arguments=arguments))
    assert caught.value.code == lsp.ErrorCodes.InvalidParams


async def test_a_query_and_a_command_that_there_is_not(editor: Editor):
    doc = editor.open(FILE)
    for command in (
        lsp.Command("", "weightrepl.run", arguments=[doc.uri, 7]),
        lsp.Command("", "rm", arguments=[]),
    ):
        with pytest.raises(JsonRpcException) as caught:
            await run(doc, command)
        assert caught.value.code == lsp.ErrorCodes.InvalidParams


async def test_a_long_result_is_its_table_alone(editor: Editor):
    keys = [f"dense_{n}.kernel" for n in range(MOST_ROWS + 1)]
    save_file({key: np.zeros(1, "float32") for key in keys}, editor.folder / "long.safetensors")
    doc = editor.open(f"#: open long.safetensors\n**:*\n**:* | head {MOST_ROWS}\n")
    every, most = [await run(doc, lens.command) for lens in await lenses(doc)]
    assert every.keys() == {"query", "text"}
    assert len(most["json"]["results"][0]["rows"]) == MOST_ROWS
