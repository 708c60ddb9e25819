"""The server's state: open documents, models, settings; and the way from a request to an answer of the service."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar
from uuid import uuid4

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from weightrepl import __version__
from weightrepl.errors import Problem
from weightrepl.frontends.language_server_answers import diagnostic
from weightrepl.frontends.language_server_files import Asked, Settings, asked_by, asked_of, regions_of
from weightrepl.frontends.language_server_models import Library
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_texts import Text
from weightrepl.model.workspace import Workspace
from weightrepl.spans import Span

QUIET_S = 0.15
"""So long nobody types before problems are told."""

_WORKERS = 4

T = TypeVar("T")


class WeightServer(LanguageServer):
    """What is open in an editor, and in its models."""

    def __init__(self) -> None:
        super().__init__("weightrepl", __version__)
        self.settings = Settings()
        self.texts: dict[str, Text] = {}
        self._pool = ThreadPoolExecutor(_WORKERS, "weightrepl")
        self.library = Library(self._pool, self._begin, self._models_changed)
        self._pending: dict[str, asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None

    # ---------------------------------------------------------------- documents

    def started(self, options: object) -> None:
        """Begin, with what the client set; a lookout for files that change is kept from now on."""
        sys.setswitchinterval(0.001)  # what is computed in a thread must not keep the next request waiting
        self.settings = Settings.of(options)
        self._watching = asyncio.ensure_future(self.library.watch())

    def set(self, settings: object) -> None:
        """Take other settings."""
        self.settings = Settings.of(settings)
        self._models_changed()

    def put(self, text: Text) -> None:
        """Take a document as it is now; its models are opened, and soon its problems told."""
        self.texts[text.uri] = text
        self.openings(text)
        self.tell_problems(text.uri)

    def drop(self, uri: str) -> None:
        """Forget a document, its problems and what only it asked of."""
        self.texts.pop(uri, None)
        if uri in self._pending:
            self._pending.pop(uri).cancel()
        if not self._pulls:
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))
        self.library.keep(
            asked.wanted for text in self.texts.values() for asked in self.asked(text) if asked.wanted
        )

    def asked(self, text: Text) -> tuple[Asked, ...]:
        """Return the models that a document asks of."""
        return asked_by(text, self.settings, self._folders)

    @property
    def _folders(self) -> tuple[str, ...]:
        uris = list(self.workspace.folders) or ([self.workspace.root_uri] if self.workspace.root_uri else [])
        return tuple(path for path in map(to_fs_path, uris) if path)

    # ---------------------------------------------------------------- answers

    async def here(
        self, uri: str, position: lsp.Position, ask: Callable[[Text, Region, int, Workspace], T]
    ) -> T | None:
        """Return what the service says of a place, once its models are here; None where no query is."""
        text = self.texts.get(uri)
        if text is None:
            return None
        offset = text.offset(position)
        for region in regions_of(text):
            if region.span.start <= offset <= region.span.end:
                workspace = await self._models_of(text, region)
                return await self.aside(partial(ask, text, region, offset, workspace))
        return None

    async def each(self, uri: str, ask: Callable[[Text, Region, Workspace], Iterable[T]]) -> list[T] | None:
        """Return what the service says of all queries of a document, once their models are here."""
        text = self.texts.get(uri)
        if text is None:
            return None
        found: list[T] = []
        for region in regions_of(text):
            workspace = await self._models_of(text, region)
            found += await self.aside(lambda r=region, w=workspace: list(ask(text, r, w)))  # type: ignore[misc]
        return found

    async def _models_of(self, text: Text, region: Region) -> Workspace:
        asked = asked_of(region, self.asked(text))
        return await self.library.ready(each.wanted for each in asked if each.wanted)

    async def aside(self, work: Callable[[], T]) -> T:
        """Return what comes of work that other requests do not wait for."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def openings(self, text: Text) -> None:
        """Begin to open what a document asks of."""
        self.library.openings(each.wanted for each in self.asked(text) if each.wanted)

    def opened_names(self, text: Text) -> list[tuple[str, ...]]:
        """Return what the model of each `open` of a document answers to, as far as it is here."""
        names = []
        for asked in self.asked(text):
            if asked.span is not None:
                found = self.library.openings([asked.wanted]) if asked.wanted else ()
                names.append(next((each.model.names for each in found if each.model), ()))
        return names

    # ---------------------------------------------------------------- problems

    async def problems(self, uri: str) -> list[Problem]:
        """Return all that is wrong with a document; what keeps a model from being opened stands at its path."""
        text = self.texts.get(uri)
        if text is None:
            return []
        diagnosed = await self.each(uri, lambda _, region, workspace: region.problems(workspace)) or []
        found = []
        for asked in self.asked(text):
            problem = asked.problem
            for opening in self.library.openings([asked.wanted]) if asked.wanted else ():
                if opening.error is not None:
                    problem = Problem("cannot-open", str(opening.error), asked.span or Span(0, 0))
            found += [problem] if problem is not None else []
        if found:  # what was not opened has layers that nobody knows
            diagnosed = [problem for problem in diagnosed if problem.code != "no-such-layer"]
        return sorted([*found, *diagnosed], key=lambda problem: problem.span or Span(0, 0))

    def tell_problems(self, uri: str) -> None:
        """Tell the problems of a document when nobody has typed for a moment, if the client does not ask itself."""
        if self._pulls:
            return
        if uri in self._pending:
            self._pending[uri].cancel()
        self._pending[uri] = asyncio.ensure_future(self._tell(uri))

    async def _tell(self, uri: str) -> None:
        await asyncio.sleep(QUIET_S)
        text = self.texts.get(uri)
        problems = await self.problems(uri)
        if text is not None and self.texts.get(uri) is text:
            shown = [diagnostic(problem, text) for problem in problems]
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, shown, text.version))

    @property
    def _pulls(self) -> bool:
        capabilities = self.client_capabilities.text_document
        return capabilities is not None and capabilities.diagnostic is not None

    # ---------------------------------------------------------------- models

    def _models_changed(self) -> None:
        """Tell everybody that answers may be others now."""
        for uri in self.texts:
            self.tell_problems(uri)
        workspace = self.client_capabilities.workspace
        if workspace is None:
            return
        if self._pulls and workspace.diagnostics and workspace.diagnostics.refresh_support:
            self.workspace_diagnostic_refresh(None)
        if workspace.inlay_hint and workspace.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)

    async def _begin(self, title: str) -> Callable[[], None]:
        """Show that something is under way, if the client can; return what ends that."""
        window = self.client_capabilities.window
        if not (window and window.work_done_progress):
            return lambda: None
        token = str(uuid4())
        await self.work_done_progress.create_async(token)
        self.work_done_progress.begin(token, lsp.WorkDoneProgressBegin(title))
        return lambda: self.work_done_progress.end(token, lsp.WorkDoneProgressEnd())


def fixes_of(problems: Iterable[Problem]) -> list[Problem]:
    """Return those of problems that can be mended by a change of the text."""
    return [problem for problem in problems if problem.fix is not None]
