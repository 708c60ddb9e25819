"""What is seen while somebody types: completions, problems, figures, explanations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from prompt_toolkit.document import Document

from tests.frontends.repl_talks import (
    BACKSPACE,
    CTRL_G,
    DOWN,
    ENTER,
    ESCAPE,
    LEFT,
    SHIFT_TAB,
    TAB,
    Talk,
    talk,
)
from tests.frontends.test_repl import Echo
from weightrepl.frontends import lines
from weightrepl.frontends.repl_style import Highlighting
from weightrepl.frontends.repl_toolbar import cut, shortened
from weightrepl.frontends.repl_typed import LONGEST, Typed, Worker
from weightrepl.service import complete
from weightrepl.service.answers import (
    Completion,
    Completions,
    Highlight,
)
from weightrepl.spans import Span, width

LAYERS = ("encoder", "encoder_norm", "head", "日本🙂")


class Names:
    """Completes words to names. held: what has to be set before the last of them are read."""

    def __init__(self, names: Sequence[str], coming: Sequence[str] = ()) -> None:
        self.names, self.coming, self.held = names, coming, Event()
        self.asked: list[tuple[str, bool]] = []

    def __call__(self, shell: Any, line: str, offset: int, wait: bool = True) -> Completions:
        self.asked.append((line, wait))
        found = re.search(r"\w*$", line[:offset])
        assert found is not None
        start, word, end = found.start(), found[0], offset
        while line[end : end + 1].isalnum():
            end += 1
        missing = bool(self.coming) and not self.held.is_set()
        if wait and self.coming:
            assert self.held.wait(20)
            missing = False
        names = (*self.names, *(() if missing else self.coming))
        begun = [name for name in names if name.startswith(word)]
        others = [name for name in names if word and word in name and name not in begun]
        return Completions(
            tuple(
                Completion(name, Span(start, end), "layer", name, "Dense", address=f"m/{name}")
                for name in begun + others
            ),
            coming=missing,
        )


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Echo:
    monkeypatch.setenv("WEIGHTREPL_HISTORY", str(tmp_path / "history"))
    monkeypatch.setenv("WEIGHTREPL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr(lines, "diagnose_line", lambda shell, line, offset=None: ())
    monkeypatch.setattr(lines, "matched_line", lambda shell, line: None)
    monkeypatch.setattr(lines, "signature_line", lambda line, offset: None)
    monkeypatch.setattr(lines, "hover_line", lambda shell, line, offset: None)
    monkeypatch.setattr(lines, "goes_on", lambda line: False)
    monkeypatch.setattr(complete, "resolved", lambda item, workspace: item)
    return Echo()


@pytest.fixture
def sitting(shell: Echo) -> Iterator[Talk]:
    with talk(shell) as talking:
        yield talking


def offer(monkeypatch: pytest.MonkeyPatch, *names: str, coming: Sequence[str] = ()) -> Names:
    offered = Names(names, coming)
    monkeypatch.setattr(lines, "complete_line", offered)
    return offered


def seen(name: str, value: object) -> Any:
    """A condition: what a talk has under this name is that."""
    return lambda t: getattr(t, name) == value


# -- the menu


def test_tab_puts_in_what_all_begin_with_and_shows_them(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go("e", TAB, lambda t: t.menu == ["encoder", "encoder_norm"] or t.text == "encoder", ENTER)
    assert sitting.shell.entered == ["encoder"]


def test_what_is_there_already_is_no_completion(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go(
        "e", TAB, seen("text", "encoder"), seen("menu", ["encoder_norm"]), TAB, seen("text", "encoder_norm")
    )


def test_the_only_completion_is_taken(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go("a | h", TAB, seen("text", "a | head"), seen("menu", None), ENTER)
    assert sitting.shell.entered == ["a | head"]


def test_where_nothing_completes_nothing_happens(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go("x", TAB, ENTER)
    assert sitting.shell.entered == ["x"]


def test_enter_takes_what_is_selected_and_runs_nothing(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go(TAB, seen("menu", list(LAYERS)), TAB, TAB, ENTER, seen("menu", None), ":*", ENTER)
    assert sitting.shell.entered == ["encoder_norm:*"]


def test_ways_through_the_menu(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go(TAB, DOWN, DOWN, DOWN, SHIFT_TAB, seen("text", "encoder_norm"), ENTER, ENTER)
    assert sitting.shell.entered == ["encoder_norm"]


@pytest.mark.parametrize("key", [ESCAPE, CTRL_G])
def test_a_menu_is_cancelled(key: str, sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go(
        "e", TAB, seen("menu", ["encoder_norm"]), TAB, key, seen("menu", None), seen("text", "encoder")
    )


def test_the_menu_stays_while_somebody_types_on(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, "da", "db", "dab", "dac")
    shown: list[Any] = []
    sitting.reader.prompt.app.after_render += lambda app: shown.append(sitting.menu)
    sitting.go(
        TAB, seen("text", "d"), seen("menu", ["da", "db", "dab", "dac"]), "a", seen("menu", ["dab", "dac"]),
        BACKSPACE, seen("menu", ["da", "db", "dab", "dac"]), "b", seen("menu", None),
    )  # fmt: skip
    up = [menu is not None for menu in shown]
    assert sum(a != b for a, b in pairwise(up)) == 2  # it comes, and goes, once each


def test_a_moved_cursor_closes_the_menu(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, "da", "db")
    sitting.go(TAB, seen("menu", ["da", "db"]), LEFT, seen("menu", None), ENTER)
    assert sitting.shell.entered == ["d"]


def test_only_what_is_missing_is_put_into_a_word(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, "head")
    sitting.go("hd", LEFT, TAB, seen("text", "head"), ":*", ENTER)
    assert sitting.shell.entered == ["head:*"]


def test_wide_names_are_whole(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    sitting.go("日", TAB, ENTER)
    assert sitting.shell.entered == ["日本🙂"]


def test_what_is_read_later_comes_into_the_menu(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    names = offer(monkeypatch, "da", coming=["db"])
    sitting.go(
        "d", TAB, seen("menu", ["da"]), seen("toolbar", "reading …"), TAB, seen("text", "da"),
        lambda t: names.held.set() or t.menu == ["da", "db"], seen("text", "da"), TAB, seen("text", "db"), ENTER, ENTER,
    )  # fmt: skip
    assert sitting.shell.entered == ["db"]


def test_a_tab_waits_for_what_is_read(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    names = offer(monkeypatch, coming=["head"])
    sitting.go("h", TAB, seen("toolbar", "reading …"), lambda t: names.held.set() or t.text == "head", ENTER)
    assert sitting.shell.entered == ["head"]


def test_who_typed_on_gets_nothing_of_what_was_read_before(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    names = offer(monkeypatch, coming=["head"])
    sitting.go(
        "h", TAB, seen("toolbar", "reading …"), "x", ENTER, lambda t: names.held.set() or True, "b", ENTER
    )
    assert sitting.shell.entered == ["hx", "b"]


def test_details_come_for_the_rows_in_sight(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *(f"d{n:03}" for n in range(400)))
    read: list[str] = []

    def resolved(item: Completion, workspace: object) -> Completion:
        read.append(item.text)
        return item.replace(detail=f"Dense · {item.text}")

    monkeypatch.setattr(complete, "resolved", resolved)
    sitting.go(
        "d", TAB, lambda t: t.details[:2] == ["Dense · d000", "Dense · d001"], lambda t: len(read) >= 16
    )
    assert max(read) < "d040"


def test_the_menu_comes_by_itself_if_that_is_set(shell: Echo, monkeypatch: pytest.MonkeyPatch):
    offer(monkeypatch, *LAYERS)
    with talk(shell) as talking:
        talking.reader.menu._while_typing = lambda: True
        talking.go(
            "e",
            seen("menu", ["encoder", "encoder_norm", "head"]),
            seen("text", "e"),
            "x",
            seen("menu", None),
            ENTER,
        )
    assert shell.entered == ["ex"]


# -- pieces


def test_pieces_have_the_colours_of_their_roles(shell: Echo, monkeypatch: pytest.MonkeyPatch):
    roles = (Highlight(Span(0, 2), "layer"), Highlight(Span(3, 5), "weight"))
    monkeypatch.setattr(lines, "highlight_line", lambda line: roles)
    highlighting = Highlighting(Typed(shell, lambda: None, lambda: False))
    line = highlighting.lex_document(Document("ab\nde"))
    assert line(0) == [("class:role-layer", "a"), ("class:role-layer", "b")]
    assert line(1) == [("class:role-weight", "d"), ("class:role-weight", "e")]
    assert line(2) == []
    assert highlighting.lex_document(Document("a" * (LONGEST + 1)))(0) == [("", "a" * (LONGEST + 1))]


@pytest.mark.parametrize("room", range(1, 25))
@pytest.mark.parametrize("address", ["larger_model/custom", "日本語/モデル/レイヤー", "🙂" * 12, "", "a\nb"])
def test_what_is_shortened_fits(address: str, room: int):
    assert width(shortened(address, room)) <= room
    assert width("".join(piece[1] for piece in cut([("", address[:3]), ("", address[3:])], room))) <= room


def test_the_newest_question_is_answered():
    begun, held, answered = Event(), Event(), Event()
    asked: list[int] = []

    def answer(question: int) -> int:
        asked.append(question)
        begun.set()
        assert held.wait(20)
        return -question

    worker = Worker(answer, answered.set)
    assert worker.ask(1) is None
    assert begun.wait(20)
    assert worker.answer(2) is None
    assert worker.answer(3) is None
    held.set()
    assert worker.answer(4, 20) == -4
    assert set(asked) <= {1, 3, 4}
    assert worker.ask(5, 20) == (5, -5)
    worker.stop()
