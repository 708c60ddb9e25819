"""A real server over standard input and output, and an editor of the tests' that has documents open in it."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_lsp
from lsprotocol import types as lsp
from pygls.protocol import default_converter
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, LanguageClient, register_lsp_features

import weightrepl

COMMAND = (sys.executable, "-m", "weightrepl.frontends.language_server")
ROOT = str(Path(weightrepl.__file__).parents[1])
CLIENTS = ("visual-studio-code", "neovim", "emacs")
LIMIT_S = 120
"""So long nothing may take: a test that waits for what never comes fails."""


@dataclass
class Doc:
    """An open document. Marks of its text are taken out: `|` is the cursor, what `[[` and `]]` are around is spans."""

    editor: Editor
    uri: str
    text: str
    cursor: int = 0
    spans: tuple[tuple[int, int], ...] = ()
    version: int = 1

    @property
    def id(self) -> lsp.TextDocumentIdentifier:
        return lsp.TextDocumentIdentifier(self.uri)

    @property
    def at(self) -> lsp.Position:
        return self.position(self.cursor)

    def position(self, offset: int) -> lsp.Position:
        return position(self.text, offset, self.editor.encoding)

    def range(self, start: int, end: int) -> lsp.Range:
        return lsp.Range(self.position(start), self.position(end))

    @property
    def ranges(self) -> list[lsp.Range]:
        return [self.range(*span) for span in self.spans]

    @property
    def whole(self) -> lsp.Range:
        return self.range(0, len(self.text))

    def of(self, found: lsp.Range) -> str:
        """Return the text in a range."""
        return self.text[self.offset(found.start) : self.offset(found.end)]

    def offset(self, found: lsp.Position) -> int:
        return next(i for i in range(len(self.text) + 1) if self.position(i) == found)

    def with_edits(self, edits: Any) -> str:
        """Return the text after edits of the server's."""
        text = self.text
        for edit in sorted(edits, key=lambda edit: self.offset(edit.range.start), reverse=True):
            text = text[: self.offset(edit.range.start)] + edit.new_text + text[self.offset(edit.range.end) :]
        return text

    def change(self, text: str) -> None:
        """Let the document be another text."""
        self.version += 1
        self.text, self.cursor, self.spans = marked(text)
        self.editor.told.pop(self.uri, None)
        self.editor.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self.version, self.uri),
                [lsp.TextDocumentContentChangeWholeDocument(self.text)],
            )
        )

    def close(self) -> None:
        self.editor.client.text_document_did_close(lsp.DidCloseTextDocumentParams(self.id))

    async def problems(self) -> list[lsp.Diagnostic]:
        """Return what is wrong, as the client gets it: asked for, or told since the last change."""
        return await self.editor.problems(self.uri)

    async def codes(self) -> list[Any]:
        return [problem.code for problem in await self.problems()]

    async def completions(self) -> dict[str, lsp.CompletionItem]:
        """Return what may stand at the cursor, by label, in the order in which a client shows it."""
        params = lsp.CompletionParams(self.id, self.at)
        found = await self.editor.client.text_document_completion_async(params)
        items = [] if found is None else sorted(found.items, key=lambda item: item.sort_text)
        return {item.label: item for item in items}


@dataclass
class Editor:
    """A client and the folder that it has open. told: the problems that it was told last, by document."""

    client: LanguageClient
    folder: Path
    capabilities: lsp.ClientCapabilities
    server: lsp.InitializeResult
    told: dict[str, lsp.PublishDiagnosticsParams]
    news: asyncio.Condition

    @property
    def encoding(self) -> str:
        found = self.server.capabilities.position_encoding
        return str(getattr(found, "value", found))

    @property
    def pulls(self) -> bool:
        return self.capabilities.text_document.diagnostic is not None

    def open(self, text: str, name: str = "queries.wq", language: str = "weightquery") -> Doc:
        """Return a document that is open from now on; it need not be on the disk."""
        text, cursor, spans = marked(text)
        uri = (self.folder / name).as_uri()
        self.told.pop(uri, None)
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, language, 1, text))
        )
        return Doc(self, uri, text, cursor, spans)

    async def problems(self, uri: str) -> list[lsp.Diagnostic]:
        if self.pulls:
            params = lsp.DocumentDiagnosticParams(lsp.TextDocumentIdentifier(uri))
            return list((await self.client.text_document_diagnostic_async(params)).items)
        await self.until(lambda: uri in self.told)
        return list(self.told[uri].diagnostics)

    async def until(self, holds: Callable[[], Any]) -> None:
        """Wait for news from the server until something holds."""
        async with asyncio.timeout(LIMIT_S) if sys.version_info >= (3, 11) else _forever(), self.news:
            await self.news.wait_for(holds)


@asynccontextmanager
async def _forever() -> AsyncIterator[None]:
    yield


def marked(text: str) -> tuple[str, int, tuple[tuple[int, int], ...]]:
    """Return a text without its marks, the place of `¦`, and the spans within `[[` and `]]`."""
    plain, cursor, starts, spans = "", 0, [], []
    for part in re.split(r"(¦|\[\[|\]\])", text):
        if part == "¦":
            cursor = len(plain)
        elif part == "[[":
            starts.append(len(plain))
        elif part == "]]":
            spans.append((starts.pop(), len(plain)))
        else:
            plain += part
    return plain, cursor, tuple(spans)


def position(text: str, offset: int, encoding: str) -> lsp.Position:
    """Return line and column of an offset, counted the long way."""
    before = re.split(r"\r\n|\r|\n", text[:offset])
    if text[offset - 1 : offset + 1] == "\r\n" and offset:
        before = [*before[:-1]] if len(before) > 1 else before  # between both: still the line's end
    units = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}[encoding]
    return lsp.Position(len(before) - 1, len(before[-1].encode(units[0], "surrogatepass")) // units[1])


def capabilities_of(client: str) -> lsp.ClientCapabilities:
    return pytest_lsp.client_capabilities(client)


def copy_model(folder: Path, name: str = "model.keras") -> Path:
    """Return the path of a small model, put into a folder."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copy(weightrepl.demo_path(), folder / name))


@asynccontextmanager
async def editor_of(
    folder: Path,
    capabilities: lsp.ClientCapabilities,
    options: Any = None,
    *,
    path: tuple[str, ...] = (),
    configuration: Any = None,
    folders: tuple[Path, ...] | None = None,
) -> AsyncIterator[Editor]:
    """Give an editor with a server. path: where Python finds more modules. folders: of the workspace, if not one."""
    client = LanguageClient(converter_factory=default_converter, configuration=configuration)
    told: dict[str, lsp.PublishDiagnosticsParams] = {}
    news = asyncio.Condition()

    async def tell() -> None:
        async with news:
            news.notify_all()

    def publish(client: LanguageClient, params: lsp.PublishDiagnosticsParams) -> None:
        told[params.uri] = params
        client.diagnostics[params.uri] = params.diagnostics

    def heard(handler: Any) -> Any:
        def handled(params: Any) -> Any:
            found = handler(client, params)
            asyncio.ensure_future(tell())  # noqa: RUF006
            return found

        return handled

    def hint_refresh(client: LanguageClient, _: None) -> None:
        client.hint_refreshes = getattr(client, "hint_refreshes", 0) + 1

    def register(client: LanguageClient, params: lsp.RegistrationParams) -> None:
        client.registered = [each.method for each in params.registrations]

    features = {
        **DEFAULT_CLIENT_FEATURES,
        lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS: publish,
        lsp.WORKSPACE_INLAY_HINT_REFRESH: hint_refresh,
        lsp.CLIENT_REGISTER_CAPABILITY: register,
    }
    register_lsp_features(client, {method: heard(handler) for method, handler in features.items()})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((*path, ROOT)), "HOME": str(folder / "home")}
    await client.start_io(*COMMAND, env=environment)
    tops = (folder,) if folders is None else folders
    params = lsp.InitializeParams(
        capabilities,
        initialization_options=options,
        workspace_folders=[lsp.WorkspaceFolder(top.as_uri(), top.name) for top in tops],
    )
    server = await client.initialize_session(params)
    yield Editor(client, folder, capabilities, server, told, news)
    await client.shutdown_session()
    await client.stop()
