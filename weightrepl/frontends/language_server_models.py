"""The models that documents ask of: opened in the background, shared by all, read anew when their files change."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from weightrepl.errors import SourceError
from weightrepl.frontends.model_files import file_print
from weightrepl.model.tree import Model
from weightrepl.model.workspace import Workspace
from weightrepl.readers.registry import open_source
from weightrepl.values import Value

CHECK_S = 1.0
"""So often is looked whether files have changed."""


class Wanted(Value):
    """A model that a document asks of. name: what queries call it, if that is told. path: absolute."""

    name: str | None
    path: str


class Opening:
    """A model on its way: the model, or what kept it from being opened, once `done` is set."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.done = asyncio.Event()
        self.model: Model | None = None
        self.error: SourceError | None = None
        self.print = file_print(wanted.path)


Progress = Callable[[str], Coroutine[Any, Any, Callable[[], None]]]
"""Begins to tell that something is under way; gives what ends that."""


class Library:
    """All models that open documents ask of, each open once.

    begin: tells that a model is being opened. changed: is called when one has come, or is another by now.
    """

    def __init__(self, pool: ThreadPoolExecutor, begin: Progress, changed: Callable[[], None]) -> None:
        self._pool, self._begin, self._changed = pool, begin, changed
        self._openings: dict[Wanted, Opening] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def openings(self, wanted: Iterable[Wanted]) -> tuple[Opening, ...]:
        """Return the models on their way or here; what was not asked for before is opened from now on."""
        return tuple(self._opening(each) for each in wanted)

    def _opening(self, wanted: Wanted) -> Opening:
        if wanted not in self._openings:
            self._openings[wanted] = Opening(wanted)
            self._soon(self._open(self._openings[wanted]))
        return self._openings[wanted]

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, opening: Opening) -> None:
        end = await self._begin(f"opening {os.path.basename(opening.wanted.path)}")
        try:
            opening.model = await asyncio.get_running_loop().run_in_executor(
                self._pool, _opened, opening.wanted
            )
        except SourceError as error:
            opening.error = error
        finally:
            end()
            opening.done.set()
        self._changed()

    async def ready(self, wanted: Iterable[Wanted]) -> Workspace:
        """Return the models that could be opened, once all are here."""
        openings = self.openings(wanted)
        for opening in openings:
            await opening.done.wait()
        return Workspace(tuple(each.model for each in openings if each.model is not None))

    async def watch(self) -> None:
        """Look for ever whether the files of models have changed; those that have are opened anew."""
        seen: dict[Wanted, object] = {}
        while True:
            await asyncio.sleep(CHECK_S)
            for wanted, opening in list(self._openings.items()):
                now = file_print(wanted.path)
                if opening.done.is_set() and now != opening.print and now == seen.get(wanted):
                    self._openings[wanted] = Opening(wanted)
                    self._soon(self._open(self._openings[wanted]))
                seen[wanted] = now

    def keep(self, wanted: Iterable[Wanted]) -> None:
        """Let go of all models but these."""
        kept = set(wanted)
        for each in [each for each in self._openings if each not in kept]:
            model = self._openings.pop(each).model
            if model is not None:
                model.close()


def _opened(wanted: Wanted) -> Model:
    """Return a model whose first layers were read, since somebody will ask of them."""
    model = open_source(wanted.path, wanted.name)
    _ = model.root.content
    return model


def is_within(path: str, folders: Iterable[str]) -> bool:
    """Return whether a path leads to a place in one of the folders, all links followed."""
    real = os.path.realpath(path)
    for folder in folders:
        top = os.path.realpath(folder)
        if real == top or real.startswith(top.rstrip(os.sep) + os.sep):
            return True
    return False
