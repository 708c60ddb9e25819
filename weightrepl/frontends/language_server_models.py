"""The models that documents ask of: opened in the background, shared by all, read anew when their files change."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from weightrepl.errors import SourceError
from weightrepl.frontends.model_files import fingerprint
from weightrepl.model.reading import uncollected
from weightrepl.model.tree import Model
from weightrepl.model.workspace import Workspace
from weightrepl.readers.guards import lies_in
from weightrepl.readers.registry import open_source
from weightrepl.values import Value

CHECK_S = 0.5
"""So often is looked whether files have changed."""


class Wanted(Value):
    """A model that a document asks of.

    name: what queries call it, if that is told. path: absolute. within: the folders that it has to lie in, all links
    followed; None where it may lie anywhere.
    """

    name: str | None
    path: str
    within: tuple[str, ...] | None = None


class OutsideError(SourceError):
    """A document asks of a file that lies in none of the folders that it may ask of; the file was left alone."""


class Opening:
    """A model on its way: the model, or what kept it from being opened, once `done` is set.

    fingerprint: of its files as they were when it was opened; None of those that were left alone.
    """

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.done = asyncio.Event()
        self.model: Model | None = None
        self.error: SourceError | None = None
        self.fingerprint: object = None


class Library:
    """All models that open documents ask of, each open once.

    begun: is called with each opening that begins. changed: when a model has come, or is another by now.
    """

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        begun: Callable[[Opening], Coroutine[Any, Any, None]],
        changed: Callable[[], None],
    ) -> None:
        self._pool, self._begun, self._changed = pool, begun, changed
        self._openings: dict[Wanted, Opening] = {}
        self._workspaces: dict[tuple[int, ...], Workspace] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def opening(self, wanted: Wanted) -> Opening:
        """Return a model on its way or here; what was not asked for before is opened from now on."""
        if wanted not in self._openings:
            self._begin(wanted)
        return self._openings[wanted]

    def _begin(self, wanted: Wanted) -> None:
        before = self._openings.get(wanted)
        opening = self._openings[wanted] = Opening(wanted)
        for work in (self._open(opening, is_again=before is not None), self._begun(opening)):
            task = asyncio.ensure_future(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _open(self, opening: Opening, is_again: bool) -> None:
        await asyncio.get_running_loop().run_in_executor(self._pool, _fill, opening)
        opening.done.set()
        if self._openings.get(opening.wanted) is opening:
            self._workspaces.clear()
            self._changed()
        elif opening.model is not None:  # nobody asks any more
            opening.model.close()
            _tidy_soon()
        if is_again:
            _tidy_soon()

    async def ready(self, wanted: Iterable[Wanted]) -> Workspace:
        """Return the models that could be opened, once all are here; one workspace for as long as it is the same."""
        openings = [self.opening(each) for each in wanted]
        for opening in openings:
            await opening.done.wait()
        models = tuple(each.model for each in openings if each.model is not None)
        return self._workspaces.setdefault(tuple(map(id, models)), Workspace(models))

    async def watch(self) -> None:
        """Look for ever whether the files of models have changed; those that have and rest again are opened anew."""
        seen: dict[Wanted, object] = {}
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(CHECK_S)
            openings = [each for each in self._openings.values() if each.done.is_set()]
            now = await loop.run_in_executor(self._pool, _fingerprints_now, openings)
            for opening, found in zip(openings, now, strict=True):
                wanted = opening.wanted
                is_current = self._openings.get(wanted) is opening
                if (
                    is_current
                    and found != opening.fingerprint
                    and found == seen.get(wanted, opening.fingerprint)
                ):
                    self._begin(wanted)
                seen[wanted] = found

    def keep(self, wanted: Iterable[Wanted]) -> None:
        """Let go of all models but these."""
        kept = set(wanted)
        for each in [each for each in self._openings if each not in kept]:
            model = self._openings.pop(each).model
            self._workspaces.clear()
            if model is not None:
                model.close()
                _tidy_soon()


def _fill(opening: Opening) -> None:
    """Open a model; its first layers are read, since somebody will ask of them."""
    wanted = opening.wanted
    try:
        if not is_within(wanted.path, wanted.within):
            raise OutsideError("not opened: it lies outside the workspace", wanted.path)
        with uncollected():
            opening.fingerprint = fingerprint(wanted.path)
            model = open_source(wanted.path, wanted.name)
            _ = model.root.content
        opening.model = model
    except SourceError as error:
        opening.error = error
    except ValueError:  # a NUL, or half a character
        opening.error = SourceError("no path of a file", wanted.path)
    except MemoryError:
        opening.error = SourceError("there is not enough memory for it", wanted.path)


def _tidy_soon() -> None:
    """Free the memory of models that nobody asks of any more, when nobody here holds them any more."""
    loop = asyncio.get_running_loop()
    for work in (gc.unfreeze, gc.collect, gc.freeze):
        loop.call_soon(work)


def _fingerprints_now(openings: Iterable[Opening]) -> list[object]:
    """Return of each what its files are like now."""
    asked = (each.wanted for each in openings)
    return [fingerprint(each.path) if is_within(each.path, each.within) else None for each in asked]


def is_within(path: str, folders: tuple[str, ...] | None) -> bool:
    """Return whether a path leads to a place in one of the folders, all links followed; None is everywhere."""
    if folders is None:
        return True
    try:
        real = os.path.realpath(path)
    except ValueError:  # no path: a NUL, or half a character
        return False
    return any(lies_in(real, os.path.realpath(folder)) for folder in folders)
