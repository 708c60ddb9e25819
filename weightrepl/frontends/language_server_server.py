"""The server's state: open documents, models, settings; and the way from a request to an answer of the service."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from weightrepl import __version__
from weightrepl.errors import Problem, SourceError
from weightrepl.frontends.language_server_answers import diagnostic
from weightrepl.frontends.language_server_client import Client, client_of
from weightrepl.frontends.language_server_files import Asked, Said, said_by
from weightrepl.frontends.language_server_models import Library, Opening, OutsideError
from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.language_server_settings import Rules, Settings, path_of, settings_of
from weightrepl.frontends.language_server_texts import Text
from weightrepl.frontends.language_server_wire import Protocol, log
from weightrepl.model.reading import never_collect_what_is_read
from weightrepl.model.workspace import Workspace

QUIET_S = 0.15
"""So long nobody types before a document is read without being asked for."""

T = TypeVar("T")


class Document:
    """A document as it was at one moment; what it says is read in a thread, once and when somebody asks."""

    def __init__(self, text: Text, read: Callable[[], Any]) -> None:
        self.text, self._read = text, read
        self._said: asyncio.Future[Said] | None = None

    async def said(self) -> Said:
        """Return what it says."""
        if self._said is None:
            self._said = asyncio.ensure_future(self._read())
        return await asyncio.shield(self._said)


class WeightServer(LanguageServer):
    """What is open in an editor, and in its models.

    notebooks: of each its cells' documents, in order. shows_results: whether the table of a query that is run is shown.
    """

    protocol: Protocol

    def __init__(self) -> None:
        cells = [lsp.NotebookDocumentFilterWithCells([lsp.NotebookCellLanguage("python")])]
        sync = lsp.NotebookDocumentSyncOptions(cells)
        super().__init__("weightrepl", __version__, notebook_document_sync=sync, protocol_cls=Protocol)
        self.settings = Settings()
        self.client = Client()
        self.shows_results = True
        self.documents: dict[str, Document] = {}
        self.notebooks: dict[str, list[str]] = {}
        self._quick = ThreadPoolExecutor(3, "answers")
        self._slow = ThreadPoolExecutor(4, "long answers")
        self.library = Library(ThreadPoolExecutor(4, "files"), self._show_progress, self._models_changed)
        self._settling: dict[str, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Future[Any]] = set()

    # ---------------------------------------------------------------- documents

    def put(self, text: Text, quiet_s: float = QUIET_S) -> None:
        """Take a document as it is now; soon its models are opened, and its problems told."""
        self.documents[text.uri] = Document(text, partial(self._read, text))
        self._settle(text.uri, quiet_s)

    def put_below(self, uri: str) -> None:
        """Take the cells below one anew, which know what it says."""
        cells = self._cells(uri)
        self.put_again(cells[cells.index(uri) + 1 :] if cells else ())

    def put_again(self, uris: Iterable[str]) -> None:
        """Take documents anew, since others say or allow something else by now."""
        for document in [self.documents[uri] for uri in uris if uri in self.documents]:
            self.put(document.text)

    def _cells(self, uri: str) -> list[str]:
        """Return all cells of the notebook that a document is a cell of."""
        return next((cells for cells in self.notebooks.values() if uri in cells), [])

    async def _read(self, text: Text) -> Said:
        cells = self._cells(text.uri)
        above = cells[: cells.index(text.uri)] if cells else ()
        before = tuple(self.documents[uri].text.text for uri in above if uri in self.documents)
        return await self.aside(partial(said_by, text, before, self.rules))

    def drop(self, uri: str) -> None:
        """Forget a document, its problems and what only it asked of."""
        if self.documents.pop(uri, None) is None:
            return
        if uri in self._settling:
            self._settling.pop(uri).cancel()
        if not self.client.pulls:
            self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))
        self.soon(self._let_go())

    @property
    def rules(self) -> Rules:
        """Where paths lead and which may be followed."""
        uris = list(self.workspace.folders) or ([self.workspace.root_uri] if self.workspace.root_uri else [])
        return Rules(self.settings, tuple(path for path in map(path_of, uris) if path))

    def read_again(self) -> None:
        """Take all documents anew, since the rules are others."""
        self.put_again(tuple(self.documents))
        self._models_changed()

    # ---------------------------------------------------------------- answers

    async def here(
        self,
        document: Document | None,
        position: lsp.Position,
        ask: Callable[[Text, Region, int, Workspace], T],
    ) -> T | None:
        """Return what the service says of a place, once its models are here; None where no query is."""
        if document is None:
            return None
        said = await document.said()
        offset = document.text.offset(position)
        for region in said.regions:
            if region.span.start <= offset <= region.span.end:
                workspace = await self.models_of(region, said)
                return await self.aside(partial(ask, document.text, region, offset, workspace))
        return None

    async def each(
        self, document: Document | None, ask: Callable[[Text, Region, Workspace], Iterable[T]]
    ) -> list[T] | None:
        """Return what the service says of all queries of a document, once their models are here."""
        if document is None:
            return None
        found: list[T] = []
        said = await document.said()
        for region in said.regions:
            workspace = await self.models_of(region, said)
            found += await self.long(lambda r=region, w=workspace: list(ask(document.text, r, w)))  # type: ignore[misc]
        return found

    async def models_of(self, region: Region, said: Said) -> Workspace:
        """Return the models that a query is asked of, once they are here."""
        return await self.library.ready(asked.wanted for asked in said.asked_of(region))

    async def aside(self, work: Callable[[], T]) -> T:
        """Return what comes of short work that other requests do not wait for; dropped where nobody waits any more."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, work)

    async def long(self, work: Callable[[], T]) -> T:
        """Return what comes of work that may take long: short work does not queue behind it."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, work)

    def soon(self, work: Any) -> asyncio.Future[Any]:
        """Do something without anybody waiting for it; return what can be cancelled."""
        task: asyncio.Future[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Future[Any]) -> None:
        """Tell of what went wrong though nobody waited for it."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s", error, exc_info=error)

    # ---------------------------------------------------------------- problems

    async def problems(self, document: Document) -> list[Problem]:
        """Return all that is wrong with a document; what keeps a model from being opened stands at its path."""
        said = await document.said()
        found: list[Problem] = []
        for region in said.regions:
            workspace = await self.models_of(region, said)
            missing = [asked for asked in said.asked_of(region) if self.library.opening(asked.wanted).error]
            if region.is_file:
                found += [self._unopened(asked) for asked in missing if asked.span or asked.is_setting]
            is_sure = region.is_sure and not missing
            try:
                found += await self.long(partial(region.problems, workspace, is_sure))
            except SourceError as error:  # what is deeper in a file is damaged, or the file is another by now
                found.append(Problem("unreadable", str(error), region.span))
        return sorted(found, key=lambda problem: problem.place)

    def _unopened(self, asked: Asked) -> Problem:
        """Return why a model could not be opened, at its path in the document."""
        error, span = self.library.opening(asked.wanted).error, asked.span
        assert error is not None
        if isinstance(error, OutsideError):
            hint = 'the setting "weightrepl.allowedFolders" names further folders, "weightrepl.allowOutside" allows all'
            return Problem("outside-workspace", error.reason, span, severity="warning", hint=hint)
        return Problem("cannot-open", str(error), span)

    def _settle(self, uri: str, quiet_s: float) -> None:
        """Read a document when nobody has typed for a moment: open its models, tell its problems."""
        if uri in self._settling:
            self._settling[uri].cancel()
        self._settling[uri] = self.soon(self._settled(uri, quiet_s))

    async def _settled(self, uri: str, quiet_s: float) -> None:
        await asyncio.sleep(quiet_s)
        document = self.documents[uri]
        for asked in (await document.said()).asked:
            self.library.opening(asked.wanted)
        await self._let_go()
        if not self.client.pulls:
            problems = await self.problems(document)
            if self.documents.get(uri) is document:
                told = [diagnostic(problem, document.text, self.client) for problem in problems]
                version = document.text.version if self.client.versions else None
                self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, told, version))

    async def _let_go(self) -> None:
        """Give back the models that no document asks of any more."""
        saids: list[Said] = []
        documents: list[Document] = []
        while documents != list(self.documents.values()):  # others may come while these are read
            documents = list(self.documents.values())
            saids = [await document.said() for document in documents]
        self.library.keep(asked.wanted for said in saids for asked in said.asked)

    # ---------------------------------------------------------------- the client

    def started(self, params: lsp.InitializeParams) -> None:
        """Begin, with what the client can do and has set; files and the client are watched from now on."""
        gc.freeze()  # a look for garbage stops all threads: none through what is there for good
        never_collect_what_is_read()
        sys.setswitchinterval(0.001)  # what is computed in a thread must not keep the next request waiting
        self.client = client_of(params.capabilities)
        options = params.initialization_options
        self.shows_results = not (isinstance(options, dict) and options.get("showResults") is False)
        self.set(options)
        self.soon(self.library.watch())
        if params.process_id is not None and _is_running(
            params.process_id
        ):  # else it can't be seen from here
            self.soon(self._watch_client(params.process_id))

    def set(self, given: object) -> None:
        """Take other settings; what is wrong with them is shown."""
        self.settings, wrong = settings_of(given)
        for message in wrong:
            self.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, message))
        self.read_again()

    async def ask_settings(self) -> None:
        """Ask the client for its settings, if it can tell them."""
        if self.client.tells_settings:
            section = lsp.ConfigurationItem(section="weightrepl")
            given = await self.workspace_configuration_async(lsp.ConfigurationParams([section]))
            if given and given[0]:
                self.set(given[0])

    async def _watch_client(self, process_id: int) -> None:
        """End when the client's process is gone."""
        while _is_running(process_id):
            await asyncio.sleep(1)
        self.protocol.end(1)

    def _models_changed(self) -> None:
        """Tell everybody that answers may be others now."""
        if not self.documents:
            return
        for uri in self.documents:
            self._settle(uri, 0)
        if self.client.pulls and self.client.refreshes_problems:
            self.workspace_diagnostic_refresh(None)
        if self.client.refreshes_hints:
            self.workspace_inlay_hint_refresh(None)

    async def _show_progress(self, opening: Opening) -> None:
        """Show that a model is being opened, if the client can, until that is done."""
        if not self.client.progress:
            return
        token = str(uuid4())
        try:
            await self.work_done_progress.create_async(token)
        except JsonRpcException:
            return
        title = f"opening {os.path.basename(opening.wanted.path)}"
        self.work_done_progress.begin(token, lsp.WorkDoneProgressBegin(title))
        await opening.done.wait()
        self.work_done_progress.end(token, lsp.WorkDoneProgressEnd())


def _is_running(process_id: int) -> bool:
    if os.name != "posix":  # where to ask would be to end it
        return False
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
