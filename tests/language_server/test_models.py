"""Models: opened in the background, watched, given back; and never from where documents may not ask."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from tests.language_server.editors import Doc, capabilities_of, copy_model, editor_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = capabilities_of("visual-studio-code")
NEOVIM = capabilities_of("neovim")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace, with something beside it that is no part of it."""
    copy_model(tmp_path, "outside/model.keras")
    copy_model(tmp_path, "inside/model.keras")
    return tmp_path / "inside"


async def labels(doc: Doc) -> set[str]:
    return set(await doc.completions())


# -- where they lie ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["../outside/model.keras", "{top}/outside/model.keras", "link.keras", "links/model.keras", "~/m.keras"],
)
async def test_what_lies_outside_is_left_alone(folder: Path, path: str):
    (folder / "link.keras").symlink_to(folder.parent / "outside" / "model.keras")
    (folder / "links").symlink_to(folder.parent / "outside")
    copy_model(folder.parent, "home/m.keras")
    (folder / "home").symlink_to(folder.parent / "home")
    path = path.format(top=folder.parent)
    trace = folder.parent / "opened"
    watching = folder.parent / "watching"
    watching.mkdir()
    (watching / "sitecustomize.py").write_text(
        "import sys\n"
        f"log = open({str(trace)!r}, 'a')\n"
        "looks = ('open', 'os.scandir', 'os.listdir')\n"
        "sys.addaudithook(lambda event, args: event in looks and log.write(f'{args[0]}\\n') and log.flush())\n"
    )
    async with editor_of(folder, CODE, path=(str(watching),)) as editor:
        doc = editor.open(f"#: open m = [[{path}]]\n#: open inner = model.keras\nm/nothing:*\n")
        (problem,) = await doc.problems()
        assert (problem.code, problem.severity) == ("outside-workspace", lsp.DiagnosticSeverity.Warning)
        assert problem.range == doc.ranges[0]
        assert '"weightrepl.allowedFolders"' in problem.message
        assert "custom_module" not in await labels(editor.open(f"#: open m = {path}\nm/¦", "other.wq"))
    opened = trace.read_text().splitlines()
    assert str(folder / "model.keras") in opened  # what may be opened was, so the hook does see it
    forbidden = (
        str(folder.parent / "outside"),
        str(folder.parent / "home"),
        str(folder / "link"),
        str(folder / "home"),
    )
    assert [each for each in opened if os.path.normpath(each).startswith(forbidden)] == []


async def test_settings_allow_more(folder: Path):
    text = "#: open m = ../outside/model.keras\nm/cus¦"
    for options in ({"allowedFolders": [str(folder.parent / "outside")]}, {"allowOutside": True}):
        async with editor_of(folder, CODE, options) as editor:
            assert "custom_module" in await labels(editor.open(text))


async def test_without_a_workspace_only_what_lies_beside(folder: Path):
    async with editor_of(folder, CODE, folders=()) as editor:
        assert "custom_module" in await labels(editor.open("#: open m = model.keras\nm/cus¦"))
        doc = editor.open("#: open m = ../outside/model.keras\nm/**\n", "other.wq")
        assert await doc.codes() == ["outside-workspace"]


async def test_a_document_without_a_file_asks_of_the_workspace_alone(folder: Path):
    for folders, codes in (((folder,), []), ((), ["outside-workspace"])):
        async with editor_of(folder, CODE, folders=folders) as editor:
            item = lsp.TextDocumentItem("untitled:1", "weightquery", 1, "#: open m = model.keras\nm/**\n")
            editor.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
            assert [problem.code for problem in await editor.problems(item.uri)] == codes


async def test_folders_of_the_workspace_change(folder: Path):
    outside = lsp.WorkspaceFolder((folder.parent / "outside").as_uri(), "outside")
    async with editor_of(folder, CODE) as editor:
        doc = editor.open("#: open m = ../outside/model.keras\nm/**\n")
        assert await doc.codes() == ["outside-workspace"]
        for event, codes in (
            (lsp.WorkspaceFoldersChangeEvent([outside], []), []),
            (lsp.WorkspaceFoldersChangeEvent([], [outside]), ["outside-workspace"]),
        ):
            editor.told.clear()
            params = lsp.DidChangeWorkspaceFoldersParams(event)
            editor.client.workspace_did_change_workspace_folders(params)
            assert await doc.codes() == codes


async def test_a_path_is_looked_for_beside_the_document_first(folder: Path):
    (folder / "deep").mkdir()
    shutil.copy(folder / "model.keras", folder / "deep" / "own.keras")
    async with editor_of(folder, CODE) as editor:
        for path in ("own.keras", "model.keras", "deep/own.keras", "../model.keras"):
            doc = editor.open(f"#: open m = {path}\nm/cus¦", f"deep/{path.replace('/', '-')}.wq")
            assert "custom_module" in await labels(doc), path


# -- settings ---------------------------------------------------------------------------------------------------------


async def test_models_of_the_settings(folder: Path):
    for models, text in (({"base": "model.keras"}, "base/cus¦"), (["../outside/model.keras"], "cus¦")):
        async with editor_of(folder, CODE, {"models": models}) as editor:
            assert "custom_module" in await labels(editor.open(text))


async def test_settings_are_asked_for_and_change(folder: Path):
    configuration = {"": {"weightrepl": {"models": {"base": "model.keras"}}}}
    async with editor_of(folder, CODE, configuration=configuration) as editor:
        doc = editor.open("tuned/**:*\n")

        def codes() -> list[object]:
            return [each.code for each in editor.told[doc.uri].diagnostics] if doc.uri in editor.told else []

        await editor.until(lambda: getattr(editor.client, "registered", None))
        assert editor.client.registered == [lsp.WORKSPACE_DID_CHANGE_CONFIGURATION]
        await editor.until(lambda: codes() == ["no-such-layer"])
        editor.client.set_configuration({"tuned": "model.keras"}, section="weightrepl.models")
        editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))
        await editor.until(lambda: codes() == [])


async def test_settings_are_told(folder: Path):
    capabilities = capabilities_of("visual-studio-code")
    capabilities.workspace.configuration = False
    async with editor_of(folder, capabilities) as editor:
        doc = editor.open("base/cus¦")
        settings = {"weightrepl": {"models": {"base": "model.keras"}}}
        editor.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings))
        assert "custom_module" in await labels(doc)


@pytest.mark.parametrize(
    "options",
    [5, {"models": "m.keras"}, {"models": {"a": 5}}, {"allowedFolders": "/"}, {"allowOutside": "yes"}],
)
async def test_settings_of_the_wrong_kind_are_told(folder: Path, options):
    async with editor_of(folder, CODE, options) as editor:
        await editor.open("**").problems()
        (message,) = editor.client.messages
    assert message.type == lsp.MessageType.Warning
    assert message.message.startswith("weightrepl")


# -- their life -------------------------------------------------------------------------------------------------------


async def test_a_file_that_changes_is_read_again(folder: Path):
    async with editor_of(folder, CODE) as editor:
        doc = editor.open("#: open m = model.keras\nm/**:*\n")
        assert await doc.codes() == []
        editor.told.clear()
        (folder / "model.keras").write_bytes(b"no model any more")
        assert await doc.codes() == ["cannot-open"]
        editor.told.clear()
        (folder / "model.keras").unlink()
        assert await doc.codes() == ["cannot-open"]
        editor.told.clear()
        copy_model(folder)
        assert await doc.codes() == []


async def test_a_client_that_asks_itself_is_told_to_ask_again(folder: Path):
    capabilities = capabilities_of("neovim")
    capabilities.workspace.diagnostics = lsp.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    async with editor_of(folder, capabilities) as editor:
        doc = editor.open("#: open m = missing.keras\nm/**:*\n")
        assert await doc.codes() == ["cannot-open"]
        before = editor.client.diagnostic_refresh_count, editor.client.hint_refreshes
        copy_model(folder, "missing.keras")
        await editor.until(lambda: editor.client.diagnostic_refresh_count > before[0])
        assert await doc.codes() == []
        await editor.until(lambda: editor.client.hint_refreshes > before[1])


async def test_opening_shows_progress(folder: Path, slow):
    (folder / "m.slow").write_text("3")
    async with editor_of(folder, CODE, path=slow) as editor:
        doc = editor.open("#: open m = m.slow\nm/pl¦")
        await editor.until(lambda: any(editor.client.progress_reports.values()))
        (reports,) = editor.client.progress_reports.values()
        assert [(each.kind, each.title) for each in reports] == [("begin", "opening m.slow")]
        asked = asyncio.ensure_future(labels(doc))
        assert not asked.done()
        (folder / "m.slow.go").touch()
        assert "plain" in await asked  # the answer came when the model was there
        await editor.until(lambda: len(reports) == 2)
        assert reports[1].kind == "end"


async def test_no_progress_where_none_is_shown(folder: Path):
    capabilities = capabilities_of("visual-studio-code")
    capabilities.window.work_done_progress = False
    async with editor_of(folder, capabilities) as editor:
        assert await editor.open("#: open m = model.keras\nm/**:*\n").codes() == []
        assert editor.client.progress_reports == {}


async def test_what_nobody_asks_of_any_more_is_given_back(folder: Path):
    """What is open is seen by the operating system; a model of HDF5 keeps its file open."""
    h5 = Path(__file__).parents[1] / "zoo"
    source = next(iter(sorted(h5.rglob("*.h5"))), None)
    assert source is not None
    shutil.copy(source, folder / "m.h5")
    async with editor_of(folder, CODE) as editor:
        descriptors = Path(f"/proc/{editor.client._server.pid}/fd")
        if not descriptors.exists():
            pytest.skip("this system has no /proc")

        def is_open() -> bool:
            return any(os.path.realpath(each) == str(folder / "m.h5") for each in descriptors.iterdir())

        first, second = (editor.open("#: open m = m.h5\nm/**:*\n", name) for name in ("a.wq", "b.wq"))
        await first.problems(), await second.problems()
        assert is_open()
        first.close()
        await editor.until(lambda: editor.told[first.uri].diagnostics == ())
        assert is_open()
        second.change("**:*")
        await second.problems()
        while is_open():
            await asyncio.sleep(0.01)
