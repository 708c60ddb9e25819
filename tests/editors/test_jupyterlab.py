"""What jupyterlab-lsp says to a server, as it was seen to: copies of notebooks, in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import copy_model, editor_of

CAPABILITIES = lsp.ClientCapabilities(
    lsp.WorkspaceClientCapabilities(
        did_change_configuration=lsp.DidChangeConfigurationClientCapabilities(dynamic_registration=True)
    ),
    lsp.TextDocumentClientCapabilities(
        lsp.TextDocumentSyncClientCapabilities(dynamic_registration=True, did_save=True)
    ),
)
NOTEBOOK = """\
import weightrepl
model = weightrepl.open("model.keras")
model["custom_modul:*"]


%load_ext weightrepl
%weights outer_dense:kernel
"""


@pytest.mark.asyncio(loop_scope="session")
async def test_a_model_beside_the_notebook_is_found(tmp_path: Path):
    copy_model(tmp_path, "work/model.keras")
    async with editor_of(tmp_path, CAPABILITIES, folders=(tmp_path / ".virtual_documents",)) as editor:
        notebook = editor.open(NOTEBOOK, ".virtual_documents/work/first.ipynb", "python")
        (problem,) = await notebook.problems()
        assert notebook.of(problem.range) == "custom_modul"
