"""No request waits for another: a slow one is answered after those that were sent later, or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcRequestCancelled

from tests.language_server.editors import Editor, capabilities_of, editor_of

pytestmark = pytest.mark.asyncio(loop_scope="session")

CODE = capabilities_of("visual-studio-code")


async def when(path: Path) -> None:
    """Wait until a file is there."""
    while not path.exists():
        await asyncio.sleep(0.01)


def sent(editor: Editor, method: str, params: object, number: str | None = None) -> asyncio.Future:
    """Send a request now; return what will be its answer."""
    return asyncio.wrap_future(editor.client.protocol.send_request(method, params, msg_id=number))


def hover(editor: Editor, uri: str, line: int, character: int) -> asyncio.Future:
    place = lsp.HoverParams(lsp.TextDocumentIdentifier(uri), lsp.Position(line, character))
    return sent(editor, lsp.TEXT_DOCUMENT_HOVER, place)


async def test_models_that_never_come_hold_up_nobody_else(tmp_path: Path, slow):
    """More models are being opened than there are threads for it."""
    async with editor_of(tmp_path, CODE, path=slow) as editor:
        names = [f"{i}.slow" for i in range(12)]
        for name in names:
            (tmp_path / name).write_text("3")
        late = editor.open("".join(f"#: open {name}\n" for name in names) + "slow/plain", "late.wq")
        await when(tmp_path / "0.slow.begun")
        waiting = [hover(editor, late.uri, 12, 7) for _ in range(20)]
        other = editor.open("a | sort size")
        assert (await hover(editor, other.uri, 0, 5)).contents
        assert await other.problems() == []
        assert await late.editor.client.text_document_document_symbol_async(lsp.DocumentSymbolParams(late.id))
        assert not any(each.done() for each in waiting)
        for name in names:
            (tmp_path / f"{name}.go").touch()
        assert await asyncio.gather(*waiting)


async def test_a_model_that_is_read_slowly_holds_up_nobody_else(tmp_path: Path, slow):
    (tmp_path / "m.slow").write_text("1000 lazy")
    (tmp_path / "m.slow.go").touch()
    async with editor_of(tmp_path, CODE, path=slow) as editor:
        late = editor.open("#: open m.slow\nslow/lazy/layer_0:kernel", "late.wq")
        other = editor.open("a | sort size")
        params = lsp.InlayHintParams(late.id, late.whole)
        waiting = [sent(editor, lsp.TEXT_DOCUMENT_INLAY_HINT, params) for _ in range(20)]
        await when(tmp_path / "m.slow.reading")
        for _ in range(20):
            assert (await hover(editor, other.uri, 0, 5)).contents
        assert not any(each.done() for each in waiting)
        (tmp_path / "m.slow.read").touch()
        assert {each.label for found in await asyncio.gather(*waiting) for each in found} == {"1 weight"}


async def test_shutdown_waits_for_nothing(tmp_path: Path, slow):
    (tmp_path / "m.slow").write_text("3")
    async with editor_of(tmp_path, CODE, path=slow) as editor:
        doc = editor.open("#: open m.slow\nslow/plain")
        await when(tmp_path / "m.slow.begun")
        waiting = hover(editor, doc.uri, 1, 7)
    with pytest.raises(JsonRpcRequestCancelled):
        await waiting
    assert editor.client._server.returncode == 0


async def cancelled(editor: Editor, method: str, params: object) -> None:
    """Send a request and cancel it; wait for the answer that says so."""
    number = f"{method} is cancelled"
    asked = sent(editor, method, params, number)
    editor.client.protocol.notify(lsp.CANCEL_REQUEST, lsp.CancelParams(number))
    with pytest.raises(JsonRpcRequestCancelled):
        await asked


async def test_what_is_cancelled_is_answered_so_at_once(tmp_path: Path, slow):
    (tmp_path / "m.slow").write_text("3")
    async with editor_of(tmp_path, CODE, path=slow) as editor:
        doc = editor.open("#: open m.slow\nslow/plain")
        await when(tmp_path / "m.slow.begun")
        place = {"text_document": doc.id, "position": lsp.Position(1, 7)}
        await cancelled(editor, lsp.TEXT_DOCUMENT_HOVER, lsp.HoverParams(**place))
        await cancelled(editor, lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionParams(**place))
        await cancelled(editor, lsp.TEXT_DOCUMENT_INLAY_HINT, lsp.InlayHintParams(doc.id, doc.whole))
        run = lsp.ExecuteCommandParams("weightrepl.run", [doc.uri, 0])
        await cancelled(editor, lsp.WORKSPACE_EXECUTE_COMMAND, run)
        (tmp_path / "m.slow.go").touch()
        assert (await hover(editor, doc.uri, 1, 7)).contents  # the model comes all the same, for all others


async def test_what_is_cancelled_before_its_turn_is_not_done_at_all(tmp_path: Path, slow):
    """All threads for long answers are busy with one model; what waits behind them would read another."""
    for name in ("busy", "never"):
        (tmp_path / f"{name}.slow").write_text("1000 lazy")
        (tmp_path / f"{name}.slow.go").touch()
    pulls = capabilities_of("visual-studio-code")  # its problems are looked for when it asks
    pulls.text_document.diagnostic = lsp.DiagnosticClientCapabilities()
    async with editor_of(tmp_path, pulls, path=slow) as editor:
        busy, never = (
            editor.open(f"#: open {name}.slow\nslow/lazy/layer_0:kernel", f"{name}.wq")
            for name in ("busy", "never")
        )
        hints = lsp.InlayHintParams(busy.id, busy.whole)
        waiting = [sent(editor, lsp.TEXT_DOCUMENT_INLAY_HINT, hints) for _ in range(4)]
        await when(tmp_path / "busy.slow.reading")
        await cancelled(editor, lsp.TEXT_DOCUMENT_INLAY_HINT, lsp.InlayHintParams(never.id, never.whole))
        last = sent(editor, lsp.TEXT_DOCUMENT_INLAY_HINT, hints)
        (tmp_path / "busy.slow.read").touch()
        (tmp_path / "never.slow.read").touch()
        assert all(await asyncio.gather(*waiting, last))
        assert not (tmp_path / "never.slow.reading").exists()


async def test_answers_are_of_the_text_as_it_was(tmp_path: Path, slow):
    """Requests and edits come in one go; each answer is that of its moment."""
    async with editor_of(tmp_path, CODE) as editor:
        doc = editor.open("first | sort size")
        asked = []
        for name in ("second", "third", "fourth"):
            asked.append(sent(editor, lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL, lsp.DocumentSymbolParams(doc.id)))
            doc.change(name)
        names = [symbol.name for found in await asyncio.gather(*asked) for symbol in found]
        assert names == ["first | sort size", "second", "third"]
