"""Queries in Python: strings that weightrepl is given and lines of magics, at the right places."""

from __future__ import annotations

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, Editor
from tests.language_server.test_hover import hover

pytestmark = pytest.mark.asyncio(loop_scope="session")

KERNEL = "inner_dense1:kernel"


def python(editor: Editor, text: str) -> Doc:
    return editor.open(text, "script.py", "python")


PLACES = {
    "call": 'weightrepl.select("model.keras", "QUERY")\n',
    "variable": 'import weightrepl as wr\nm = wr.open("model.keras")\nwr.select(m, "QUERY")\n',
    "named": 'from weightrepl import (select_layers, select as s)\ns("model.keras", query="QUERY")\n',
    "subscript": 'm = weightrepl.open("model.keras")\nm["QUERY"]\n',
    "with": 'with weightrepl.open("model.keras") as m:\n    m["QUERY"]\n',
    "raw": "weightrepl.evaluate('''model.keras''', r'''\n  QUERY''')\n",
    "joined": 'weightrepl.select("model.keras", "**:bias, "\n   \'QUERY\')\n',
    "emoji": 'x = "🙂"; weightrepl.select("model.keras", "QUERY")\n',
    "escapes": 'weightrepl.select("model.keras", "\\x2a*:bias\\u002c QUERY")\n',
    "crlf": 'import weightrepl\r\nweightrepl.select(\r\n"model.keras",\r\n"QUERY")\r\n',
    "cell": 'm = weightrepl.open("model.keras")\n# %%\n%weights m/QUERY\n',
    "option": 'm = weightrepl.open("model.keras")\n# %weights -m m QUERY\n',
    "layers": 'm = weightrepl.open("model.keras")\r\nk = %layers m/QUERY\r\n',
    "open": 'weightrepl.select("model.keras", "QUERY',
}


@pytest.mark.parametrize("text", PLACES.values(), ids=PLACES)
async def test_what_stands_there_is_known(editor: Editor, text: str):
    doc = python(
        editor, "import weightrepl\n" + text.replace("QUERY", "custom_module/[[inner_¦dense1]]:kernel")
    )
    found = await hover(doc)
    assert "custom_module/inner_dense1`" in found.contents.value
    assert found.range == doc.ranges[0]


@pytest.mark.parametrize(
    "text",
    [
        '"custom_module/inner_¦dense1"\n',
        'print("custom_module/inner_¦dense1")\n',
        '# weightrepl.select("model.keras", "custom_module/inner_¦dense1")\n',
        'other.select("model.keras", "custom_module/inner_¦dense1")\n',
        'weightrepl.select("model.keras", f"custom_module/inner_¦dense1")\n',
        'weightrepl.select("model.keras", name("custom_module/inner_¦dense1"))\n',
        'm = weightrepl.open("model.keras")\nm = build()\nm["custom_module/inner_¦dense1"]\n',
    ],
    ids=["bare", "other", "comment", "another", "f-string", "nested", "again"],
)
async def test_what_is_no_query_is_left_alone(editor: Editor, text: str):
    assert await hover(python(editor, "import weightrepl\n" + text)) is None


async def test_completion_is_written_as_the_string_is(editor: Editor):
    for text, completed in (
        ('select("model.keras", "cus¦")', 'select("model.keras", "custom_module")'),
        ("select('model.keras', '\"cus¦')", "select('model.keras', '\"custom_module\"')"),
        ('select("model.keras", "\\"cus¦")', 'select("model.keras", "\\"custom_module\\"")'),
        ('select("model.keras", r\'"cus¦\')', 'select("model.keras", r\'"custom_module"\')'),
    ):
        doc = python(editor, "import weightrepl\nweightrepl." + text)
        item = (await doc.completions())["custom_module"]
        assert doc.with_edits([item.text_edit]) == "import weightrepl\nweightrepl." + completed
        resolved = await editor.client.completion_item_resolve_async(item)
        assert resolved.detail == "CustomModule · 4 weights · 236 params"


async def test_what_a_raw_string_can_not_hold_is_not_offered(editor: Editor):
    doc = python(editor, 'import weightrepl\nweightrepl.select("model.keras", r"\'cus¦")')
    assert "custom_module" in await doc.completions()
    doc = python(
        editor, "import weightrepl\nweightrepl.select('model.keras', r\"'cus¦\")".replace("\"'", "''")
    )
    assert await doc.completions() == {}


async def test_layers_of_a_file_are_checked(editor: Editor):
    doc = python(editor, 'import weightrepl\nweightrepl.select("model.keras", "[[custom_modul]]/*:kernel")\n')
    (problem,) = await doc.problems()
    assert (problem.code, problem.range) == ("no-such-layer", doc.ranges[0])


@pytest.mark.parametrize(
    "text",
    [
        "net = build()\nweightrepl.select(net, 'whatever:kernel | [[sorted]] size')\n",
        "weightrepl.select(build(), 'whatever:kernel | [[sorted]] size')\n",
        "m = weightrepl.open('model.keras')\n%weights whatever:kernel | [[sorted]] size\n",
        "m = weightrepl.open('model.keras')\n%weights -m net whatever:kernel | [[sorted]] size\n",
        "weightrepl.select('missing.keras', 'whatever:kernel | [[sorted]] size')\n",
    ],
    ids=["live", "call", "magic", "option", "missing"],
)
async def test_of_live_models_only_the_spelling_is_checked(editor: Editor, text: str):
    doc = python(editor, "import weightrepl\n" + text)
    (problem,) = await doc.problems()
    assert (problem.code, problem.range) == ("no-such-stage", doc.ranges[0])


async def test_what_is_missing_at_the_end_is_told_there(editor: Editor):
    doc = python(editor, "x = 1\n%weights outer_dense:kernel |[[]]")
    (problem,) = await doc.problems()
    assert (problem.code, problem.range) == ("missing-stage", doc.ranges[0])
    assert "x = 1" not in problem.message


async def test_what_python_puts_in_is_not_checked(editor: Editor):
    assert await python(editor, "%weights --vars {name(1)}:kernel | $stage\n").codes() == []


async def test_a_fix_is_written_as_the_string_is(editor: Editor):
    doc = python(editor, "import weightrepl\nweightrepl.select(m, '** | where (name ~ \"a\"')\n")
    (problem,) = await doc.problems()
    params = lsp.CodeActionParams(doc.id, problem.range, lsp.CodeActionContext([problem]))
    (action,) = await editor.client.text_document_code_action_async(params)
    edit = action.edit
    edits = edit.changes[doc.uri] if edit.changes else edit.document_changes[0].edits
    assert doc.with_edits(edits) == doc.text.replace('"a"\'', '"a")\'')


async def test_hints_stand_behind_the_string(editor: Editor):
    doc = python(editor, 'import weightrepl\nweightrepl.select("model.keras", """**:kernel""")\n')
    (hint,) = await editor.client.text_document_inlay_hint_async(lsp.InlayHintParams(doc.id, doc.whole))
    assert hint.position == doc.position(doc.text.index('""")') + 3)
    assert hint.label == "3 weights"


async def test_tokens_and_signatures(editor: Editor):
    doc = python(editor, 'import weightrepl\nweightrepl.select(m, "[[a]] | [[sort]] ¦[[size]]")\n')
    tokens = await editor.client.text_document_semantic_tokens_full_async(lsp.SemanticTokensParams(doc.id))
    assert len(tokens.data) == 5 * 4
    found = await editor.client.text_document_signature_help_async(lsp.SignatureHelpParams(doc.id, doc.at))
    assert found.signatures[0].label.startswith("sort ")


async def test_running(editor: Editor):
    doc = python(editor, 'import weightrepl\nweightrepl.select("model.keras", "**:kernel | head 1")\n')
    (lens,) = await editor.client.text_document_code_lens_async(lsp.CodeLensParams(doc.id))
    params = lsp.ExecuteCommandParams(lens.command.command, list(lens.command.arguments))
    found = await editor.client.workspace_execute_command_async(params)
    assert KERNEL in found["text"]


async def test_the_outline_is_left_to_pythons_own_server(editor: Editor):
    doc = python(editor, "x = 1\n")
    assert await editor.client.text_document_document_symbol_async(lsp.DocumentSymbolParams(doc.id)) is None
