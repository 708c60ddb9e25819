"""Models that are opened while somebody types already, and what is to be told meanwhile."""

from __future__ import annotations

import os
from collections import deque
from threading import Event, Thread
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from weightrepl.errors import QueryError, WeightreplError
from weightrepl.frontends.model_files import fingerprint
from weightrepl.render.blocks import Line, ProblemBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from weightrepl.frontends.session import Session
    from weightrepl.model.tree import Model
    from weightrepl.render.blocks import Block

CHECK_S = 1.0
"""So often the files of open models are looked at."""


class Notices:
    """What any thread has to tell, until somebody shows it.

    wake: is called when there is something new, or something else to be seen.
    """

    def __init__(self) -> None:
        self._blocks: deque[Block] = deque()
        self.wake: Callable[[], None] = lambda: None

    def tell(self, *blocks: Block) -> None:
        """Keep these for whoever shows them."""
        self._blocks.extend(blocks)
        self.wake()

    @property
    def any(self) -> bool:
        """Whether there is something to tell."""
        return bool(self._blocks)

    def taken(self) -> list[Block]:
        """Return what was told since this was asked last."""
        blocks = []
        while self._blocks:
            blocks.append(self._blocks.popleft())
        return blocks


class Opening:
    """Opens models in a thread of its own, and goes to a location then.

    path: what is being opened; None when all is done. number, count: which of how many it is, from 1.
    """

    def __init__(
        self,
        session: Session,
        models: Sequence[tuple[str | None, str]],
        location: str | None,
        notices: Notices,
    ) -> None:
        self.path: str | None = models[0][1] if models else None
        self.number, self.count = 1, len(models)
        self._session, self._location, self._notices = session, location, notices
        self._thread = Thread(target=self._open, args=(models,), daemon=True)
        self._thread.start()

    def wait(self, show: Callable[[Iterable[Block]], None]) -> None:
        """Return when everything is open; say what is waited for if it lasts.

        Raises:
            KeyboardInterrupt: somebody does not want to wait.
        """
        self._thread.join(0.2)
        if self._thread.is_alive():
            show([Line(f"waiting for {self.path}; Ctrl-C cancels", "dim")])
        while self._thread.is_alive():
            self._thread.join(0.1)  # in steps: not on every system does an interrupt end a longer one
        show(self._notices.taken())

    def _open(self, models: Sequence[tuple[str | None, str]]) -> None:
        for self.number, (name, self.path) in enumerate(models, 1):
            self._notices.wake()
            try:
                self._session.open(self.path, name)
            except WeightreplError as error:
                self._notices.tell(Line(f"error: {error}", "title"))
            except Exception as error:
                self._notices.tell(Line(f"{self.path}: a bug in weightrepl: {type(error).__name__}: {error}"))
        if self._location is not None:
            self._go(self._location)
        self.path = None
        self._notices.wake()

    def _go(self, location: str) -> None:
        try:
            self._session.go(location)
        except QueryError as error:
            self._notices.tell(*(ProblemBlock(problem, error.text) for problem in error.problems))
        except WeightreplError as error:
            self._notices.tell(Line(f"error: {error}", "title"))


# ------------------------------------------------------------------ files that change


class Watch:
    """Notices when the file of an open model is another one, by looking at it every second in a thread of its own."""

    def __init__(self, session: Session, notices: Notices) -> None:
        self._session, self._notices = session, notices
        self._opened: WeakKeyDictionary[Model, object] = WeakKeyDictionary()
        self._seen: WeakKeyDictionary[Model, object] = WeakKeyDictionary()
        self._changed: WeakSet[Model] = WeakSet()
        self._stopped = Event()
        Thread(target=self._look_on, daemon=True).start()

    @property
    def changed(self) -> str | None:
        """The path of an open model whose file has changed, if there is one."""
        return next((m.source for m in self._session.workspace.models if m in self._changed), None)

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def note(self) -> None:
        """Remember what the files of models are like that were just opened."""
        for model in self._session.workspace.models:
            if model.source and model not in self._opened:
                self._opened[model] = fingerprint(model.source)

    def look(self) -> None:
        """Tell of each file that has changed and is not being written at the moment: once."""
        self.note()
        for model in self._session.workspace.models:
            now = fingerprint(model.source) if model.source and model not in self._changed else None
            if now is not None and now != self._opened[model] and now == self._seen.get(model):
                self._changed.add(model)
                name, path = os.path.basename(model.source), model.source
                self._notices.tell(
                    Line(f"{name} changed on disk: %open {path}, or F5, reads it anew", "hint")
                )
            self._seen[model] = now

    def _look_on(self) -> None:
        while not self._stopped.wait(CHECK_S):
            self.look()
