"""What is known of a line while it is typed: asked in threads, so that no key waits for an answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from threading import Condition, Thread
from time import monotonic
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from weightrepl.service.answers import Completions

if TYPE_CHECKING:
    from weightrepl.errors import Problem
    from weightrepl.frontends.shell import Shell
    from weightrepl.model.tree import Place
    from weightrepl.model.workspace import Workspace
    from weightrepl.service.answers import Completion, Highlight, Hover, Matched, Signature

Q = TypeVar("Q")
A = TypeVar("A")

LONGEST = 5000
"""Longer texts are not looked at while they are typed: somebody pasted them."""

SLOW_S = 0.5
"""A count that takes longer is not waited for: there is none until it is done."""

PATIENCE_S = 0.008
"""So long a key waits for an answer, since most answers take less, and what is drawn once does not flicker."""


_NEEDED_BY_KEYS = (
    "weightrepl.frontends.lines",
    *(f"weightrepl.service.{name}" for name in ("highlight", "diagnose", "matched", "complete")),
)
"""Loaded behind the prompt, so that the first key does not wait for it."""


class Worker(Generic[Q, A]):
    """Answers the newest question in a thread of its own; an older one that it did not come to is dropped.

    changed: is called when there is another answer.
    """

    def __init__(self, answer: Callable[[Q], A], changed: Callable[[], None]) -> None:
        self._answer, self._changed = answer, changed
        self._condition = Condition()
        self._asked: Q | None = None
        self._begun: Q | None = None
        self._known: tuple[Q, A] | None = None
        self._thread: Thread | None = None
        self._stopped = False
        self._asked_at = self._took_s = 0.0

    @property
    def waited_s(self) -> float:
        """How long the newest question has been without an answer."""
        with self._condition:
            answered = self._known is not None and self._known[0] == self._asked
            return 0.0 if answered else monotonic() - self._asked_at

    def ask(self, question: Q, patience_s: float = 0.0) -> tuple[Q, A] | None:
        """Return the last question that has an answer, and that: the one asked if it takes no longer than so long.

        Only who asks first waits, and nobody where the last answer took longer.
        """
        with self._condition:
            if self._thread is None:
                self._thread = Thread(target=self._work, daemon=True)
                self._thread.start()
            if self._asked == question:
                return self._known
            self._asked, self._asked_at = question, monotonic()
            self._condition.notify_all()
            if self._took_s <= patience_s:
                self._condition.wait_for(
                    lambda: self._known is not None and self._known[0] == question, patience_s
                )
            return self._known

    def answer(self, question: Q, patience_s: float = 0.0) -> A | None:
        """Return the answer to this question; None as long as there is none."""
        known = self.ask(question, patience_s)
        return known[1] if known is not None and known[0] == question else None

    @property
    def known(self) -> A | None:
        """The last answer."""
        return None if self._known is None else self._known[1]

    def stop(self) -> None:
        """Answer no more."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def _work(self) -> None:
        while (question := self._next()) is not None:
            answer = self._answer(question)
            with self._condition:
                self._took_s = monotonic() - self._asked_at
                self._known = question, answer
                self._condition.notify_all()
            self._changed()

    def _next(self) -> Q | None:
        with self._condition:
            self._condition.wait_for(lambda: self._stopped or self._asked != self._begun)
            self._begun = self._asked
            return None if self._stopped else self._asked


def common_beginning(texts: Sequence[str]) -> str:
    """Return what all texts begin with."""
    first, last = min(texts), max(texts)
    return first[: next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


class Question(NamedTuple):
    """A text, and all on which it depends what is to be said of it."""

    text: str
    offset: int
    workspace: Workspace
    location: Place | None
    inputs: int


class Typed:
    """What is known of what is typed: the one way to the service from the prompt.

    changed: is called, in any thread, when more is. paused: whether nothing can be said, since models are missing.
    failure: a bug that was met; nobody who types is to be stopped by one, but to be told.
    """

    def __init__(self, shell: Shell, changed: Callable[[], None], paused: Callable[[], bool]) -> None:
        self._shell, self._paused = shell, paused
        self.failure: Exception | None = None
        self._is_made_ready = False
        nothing: tuple[Problem, ...] = ()
        unknown: tuple[Hover | None] = (None,)
        self._problems = Worker(self._safe(self._diagnosed, nothing), changed)
        self._counts = Worker(self._safe(self._counted, None), changed)
        self._hovers = Worker(self._safe(self._hovered, unknown), changed)
        self._waiting = Worker(self._safe(self._completed, Completions()), changed)
        self._resolving = Worker(self._resolved, changed)

    def make_ready(self) -> None:
        """Load what the first key needs, in a thread."""
        if not self._is_made_ready:
            self._is_made_ready = True
            Thread(target=lambda: [*map(import_module, _NEEDED_BY_KEYS)], daemon=True).start()

    def stop(self) -> None:
        """Let the threads end."""
        for worker in (self._problems, self._counts, self._hovers, self._waiting, self._resolving):
            worker.stop()

    # -- told at once

    def pieces(self, text: str) -> Sequence[Highlight]:
        """Return what the pieces of a text are."""
        from weightrepl.frontends.lines import highlight_line

        return self._safely(lambda: highlight_line(text), ()) if 0 < len(text) <= LONGEST else ()

    def signature(self, text: str, offset: int) -> Signature | None:
        """Return what the stage or command at the cursor takes."""
        from weightrepl.frontends.lines import signature_line

        return self._safely(lambda: signature_line(text, offset), None) if 0 < len(text) <= LONGEST else None

    def goes_on(self, text: str) -> bool:
        """Return whether a text is not finished; an empty line ends it in any case, so nobody is caught in it."""
        from weightrepl.frontends.lines import goes_on

        return len(text) <= LONGEST and not text.endswith("\n") and self._safely(lambda: goes_on(text), False)

    def completions(self, text: str, offset: int) -> Completions:
        """Return what may stand at the cursor, as far as it is known without reading."""
        return self._safely(lambda: self._complete(text, offset, False), Completions())

    # -- told when it is known

    def problems(self, text: str, offset: int) -> tuple[Problem, ...]:
        """Return what is wrong with a text even if somebody types on at `offset`.

        Of a text that was not looked at yet: what was wrong with the part that is the same as before.
        """
        if not self._is_looked_at(text):
            return ()
        known = self._problems.ask(self._question(text, offset), PATIENCE_S)
        if known is None:
            return ()
        same = len(common_beginning([text, known[0].text]))
        return tuple(
            p for p in known[1] if known[0].text == text or (p.span is not None and p.span.end <= same)
        )

    def matched(self, text: str) -> Matched | None:
        """Return how much a text without problems matches; for a moment what was matched before."""
        if not self._is_looked_at(text):
            return None
        if self._problems.waited_s == 0.0:  # else the two would only take each other's time
            self._counts.ask(self._question(text, 0), PATIENCE_S)
        return self._counts.known if self._counts.waited_s <= SLOW_S else None

    @property
    def is_counting(self) -> bool:
        """Whether it is not known yet how much is matched."""
        return self._counts.waited_s > 0.0

    def hover(self, text: str, offset: int) -> tuple[Hover | None] | None:
        """Return what is known of what stands there, which may be nothing; None as long as it is being read."""
        return self._hovers.answer(self._question(text, offset), PATIENCE_S)

    def read_completions(self, text: str, offset: int) -> Completions | None:
        """Return all that may stand at the cursor; None as long as it is being read."""
        return self._waiting.answer(self._question(text, offset))

    def in_full(self, item: Completion) -> Completion | None:
        """Return a completion with its detail; None as long as it is being read."""
        return self._resolving.answer(item)

    # -- how it is asked

    def _question(self, text: str, offset: int) -> Question:
        session = self._shell.session
        return Question(text, offset, session.workspace, session.location, self._shell.inputs)

    def _is_looked_at(self, text: str) -> bool:
        return bool(text.strip()) and len(text) <= LONGEST and not self._paused()

    def _safely(self, answer: Callable[[], A], otherwise: A) -> A:
        try:
            return answer()
        except Exception as error:
            self.failure = error
            return otherwise

    def _safe(self, answer: Callable[[Q], A], otherwise: A) -> Callable[[Q], A]:
        return lambda question: self._safely(lambda: answer(question), otherwise)

    def _complete(self, text: str, offset: int, wait: bool) -> Completions:
        from weightrepl.frontends.lines import complete_line

        return complete_line(self._shell, text, offset, wait) if len(text) <= LONGEST else Completions()

    def _completed(self, question: Question) -> Completions:
        return self._complete(question.text, question.offset, True)

    def _resolved(self, item: Completion) -> Completion:
        from weightrepl.service.complete import resolved

        return self._safely(lambda: resolved(item, self._shell.session.workspace), item)

    def _diagnosed(self, question: Question) -> tuple[Problem, ...]:
        from weightrepl.frontends.lines import diagnose_line

        return diagnose_line(self._shell, question.text, question.offset)

    def _counted(self, question: Question) -> Matched | None:
        from weightrepl.frontends.lines import matched_line

        return matched_line(self._shell, question.text)

    def _hovered(self, question: Question) -> tuple[Hover | None]:
        from weightrepl.frontends.lines import hover_line

        return (hover_line(self._shell, question.text, question.offset),)
