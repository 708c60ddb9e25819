"""The REPL: what is done with what is typed, shown, interrupted and left."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import weightrepl
from tests.frontends.repl_talks import CTRL_C, CTRL_D, CTRL_R, ENTER, F4, F5, UP, Talk, talk
from weightrepl.errors import SourceError, WeightreplError
from weightrepl.frontends import lines, repl
from weightrepl.frontends.repl_history import KeptHistory, kept_history
from weightrepl.frontends.repl_opening import Notices, Opening, Watch
from weightrepl.frontends.session import Session
from weightrepl.frontends.settings import Settings
from weightrepl.frontends.shell import Leave, Shell
from weightrepl.render.blocks import Block, Line
from weightrepl.render.text import Screen
from weightrepl.render.text import lines as drawn


class Echo(Shell):
    """Says what was entered; some lines are special."""

    def __init__(self) -> None:
        super().__init__(Session(), Settings())
        self.entered: list[str] = []

    @property
    def prompt(self) -> str:
        return "here"

    def enter(self, line: str) -> Iterator[Block]:
        self.entered.append(line)
        yield Line(f"<{line}>")
        if line == "leave":
            raise Leave
        if line == "slow":
            signal.raise_signal(signal.SIGINT)
        if line == "bug":
            raise ZeroDivisionError("oh")
        if line == "gone":
            raise SourceError("is not there any more", "x.keras")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Echo:
    monkeypatch.setenv("WEIGHTREPL_HISTORY", str(tmp_path / "history"))
    monkeypatch.setenv("WEIGHTREPL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.delenv("WEIGHTREPL_DEBUG", raising=False)
    return Echo()


@pytest.fixture
def sitting(shell: Echo) -> Iterator[Talk]:
    with talk(shell) as talking:
        yield talking


def text(blocks: list[Block]) -> str:
    return "\n".join(drawn(blocks, Screen()))


# -- lines


def test_lines_are_entered_and_answered(sitting: Talk, shell: Echo):
    assert sitting.go("a:*", ENTER, ENTER, "  ", ENTER, "b", ENTER) == "<a:*>\n<b>\n"
    assert shell.entered == ["a:*", "b"]


def test_ctrl_c_cancels_the_line_and_ctrl_d_leaves(sitting: Talk, shell: Echo):
    assert sitting.go("gone wrong", CTRL_C, "b", ENTER, CTRL_D, "never", ENTER) == "<b>\n"


def test_ctrl_d_in_a_line_does_not_leave(sitting: Talk, shell: Echo):
    assert sitting.go("ab", CTRL_D, "c", ENTER) == "<abc>\n"


def test_a_command_leaves(sitting: Talk, shell: Echo):
    assert sitting.go("leave", ENTER, "never", ENTER) == "<leave>\n"
    assert shell.entered == ["leave"]


def test_an_interrupt_ends_what_runs_and_nothing_else(sitting: Talk, shell: Echo):
    assert sitting.go("slow", ENTER, "b", ENTER) == "<slow>\n\ninterrupted\n<b>\n"


def test_a_bug_is_said_to_be_one(sitting: Talk, shell: Echo):
    shown = sitting.go("bug", ENTER, "b", ENTER)
    assert shown.startswith("<bug>\na bug in weightrepl: ZeroDivisionError: oh\nWEIGHTREPL_DEBUG=1 ")
    assert shown.endswith("\n<b>\n")


def test_where_a_bug_is_can_be_seen(sitting: Talk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEIGHTREPL_DEBUG", "1")
    shown = sitting.go("bug", ENTER)
    assert "Traceback" in shown
    assert "test_repl.py" in shown


def test_an_error_of_ours_is_a_line(sitting: Talk, shell: Echo):
    assert sitting.go("gone", ENTER) == "<gone>\nerror: x.keras: is not there any more\n"


def test_an_unfinished_line_goes_on(sitting: Talk, shell: Echo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lines, "goes_on", lambda line: line.rstrip().endswith(("[", "|")))
    sitting.go("a[", ENTER, "0]", ENTER, "b |", ENTER, ENTER)
    assert shell.entered == ["a[\n0]", "b |\n"]  # an empty line ends what is never finished


def test_alt_enter_is_a_new_line(sitting: Talk, shell: Echo):
    sitting.go("a,", "\x1b\r", "b", ENTER)
    assert shell.entered == ["a,\nb"]


def test_a_paste_runs_nothing_by_itself(sitting: Talk, shell: Echo):
    pasted = "**:kernel | top 5 size\r\n" * 4500
    sitting.go(
        f"\x1b[200~{pasted}\x1b[201~", lambda t: "characters: too long" in t.toolbar, CTRL_C, "b", ENTER
    )
    assert shell.entered == ["b"]


# -- history


def test_what_was_entered_comes_back(sitting: Talk, shell: Echo):
    sitting.go(
        "first", ENTER, "second", ENTER, lambda t: t.recalled == 2, UP, UP, ENTER, CTRL_R, "sec", ENTER, ENTER
    )
    assert shell.entered == ["first", "second", "first", "second"]


def test_two_repls_share_a_history_and_lose_nothing(shell: Echo, tmp_path: Path):
    with talk(shell) as one, talk(shell) as other:
        other.go("of the other", ENTER)
        one.go("of one", ENTER)
    with talk(shell) as third:
        third.go(lambda t: t.recalled == 2, UP, UP, ENTER)
    assert shell.entered[-1] == "of the other"
    assert (tmp_path / "history").stat().st_mode & 0o777 == 0o600


def test_a_history_that_cannot_be_kept_is_told_of(shell: Echo, tmp_path: Path):
    (tmp_path / "history").mkdir()
    with talk(shell) as talking:
        shown = talking.go("a", ENTER, lambda t: t.recalled == 1, UP, ENTER)
    assert "no history is kept: " in shown
    assert shown.endswith("history: Is a directory\n<a>\n<a>\n")


def test_a_history_that_becomes_unreadable_is_told_of(tmp_path: Path):
    notices = Notices()
    history = kept_history(str(tmp_path / "history"), notices)
    assert isinstance(history, KeptHistory)
    (tmp_path / "history").unlink()
    (tmp_path / "history").mkdir()
    history.append_string("a")
    assert list(history.load_history_strings()) == []
    assert [str(block.text).split(":")[0] for block in notices.taken()] == [
        "the history can't be kept",
        "the history can't be read",
    ]


# -- opening


def test_a_line_waits_until_the_models_are_open(shell: Echo):
    with talk(shell, [("m", weightrepl.demo_path())]) as talking:
        talking.go("a", ENTER)
    assert [model.names[0] for model in shell.session.workspace.models] == ["m"]


def test_a_model_that_cannot_be_opened_is_told_above_the_prompt(shell: Echo, tmp_path: Path):
    (tmp_path / "broken.keras").write_bytes(b"no model")
    models = [(None, str(tmp_path / "broken.keras")), (None, weightrepl.demo_path())]
    with talk(shell, models) as talking:
        shown = talking.go("a", ENTER)
    assert shown.startswith(f"error: {tmp_path / 'broken.keras'}: ")
    assert shown.endswith("\n<a>\n")
    assert len(shell.session.workspace.models) == 1


def test_a_bug_in_a_reader_is_told_above_the_prompt(shell: Echo, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shell.session, "open", lambda path, name: 1 / 0)
    with talk(shell, [(None, "a.keras")]) as talking:
        shown = talking.go("a", ENTER)
    assert shown == "a.keras: a bug in weightrepl: ZeroDivisionError: division by zero\n<a>\n"


def test_what_is_being_opened_is_seen(shell: Echo, monkeypatch: pytest.MonkeyPatch):
    seen = Event()
    monkeypatch.setattr(shell.session, "open", lambda path, name: seen.wait(20))
    with talk(shell, [(None, "a.keras"), (None, "b.keras")]) as talking:
        talking.go(
            lambda t: t.toolbar.startswith("opening a.keras") and t.toolbar.endswith("] 1 of 2"),
            lambda t: seen.set() or t.opening.path is None,
            lambda t: t.toolbar.startswith("Tab completes"),
        )


def test_who_does_not_want_to_wait_gets_the_prompt_back(shell: Echo, monkeypatch: pytest.MonkeyPatch):
    gone = Event()
    monkeypatch.setattr(shell.session, "open", lambda path, name: gone.wait(20))
    with talk(shell, [(None, "a.keras")]) as talking:
        show = talking.output.show

        def interrupted(blocks: list[Block], live: bool = False) -> None:
            show(blocks, live)
            if talking.out.getvalue().endswith("waiting for a.keras; Ctrl-C cancels\n"):
                signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(talking.output, "show", interrupted)
        shown = talking.go("a", ENTER)
        gone.set()
    assert shown == "waiting for a.keras; Ctrl-C cancels\n\ninterrupted\n"
    assert shell.entered == []


def test_a_location_is_gone_to(shell: Echo):
    session, notices = shell.session, Notices()
    Opening(session, [(None, weightrepl.demo_path())], "custom_module", notices).wait(list)
    assert session.location is not None
    assert session.location.layer.name == "custom_module"


@pytest.mark.parametrize("location", ["nowhere", "**["])
def test_a_location_that_is_none_is_told(shell: Echo, location: str):
    notices, told = Notices(), []
    Opening(shell.session, [(None, weightrepl.demo_path())], location, notices).wait(told.extend)
    assert text(told).startswith("error[")


def test_a_file_that_is_not_there_is_told_before_any_prompt():
    with pytest.raises(SourceError, match="no-such"):
        repl.run([(None, "no-such.keras")])


# -- files that change


@pytest.fixture
def changing(shell: Echo, tmp_path: Path) -> Path:
    path = tmp_path / "m.keras"
    path.write_bytes(Path(weightrepl.demo_path()).read_bytes())
    shell.session.open(str(path))
    return path


def test_a_file_that_changed_is_offered_again(shell: Echo, changing: Path):
    notices = Notices()
    shell.session.open(weightrepl.demo_path())
    watch = Watch(shell.session, notices)
    watch.stop()
    watch.note()
    changing.write_bytes(changing.read_bytes() + b" ")
    watch.look()
    assert notices.taken() == []  # it may be being written
    assert watch.changed is None
    watch.look()
    watch.look()
    told = f"m.keras changed on disk: %open {changing}, or F5, reads it anew"
    assert text(notices.taken()) == told
    assert watch.changed == str(changing)
    shell.session.open_again(shell.session.workspace.models[0])
    assert watch.changed is None
    changing.unlink()
    watch.look()
    watch.look()
    assert notices.taken() == []


def test_a_key_opens_it_again(shell: Echo, changing: Path):
    def change(t: Talk) -> bool:
        if t.reader.watch.changed is None:
            changing.write_bytes(b"another")
            t.reader.watch.look()
        return t.reader.watch.changed is not None

    with talk(shell) as talking:
        talking.go(F5, "a", ENTER, change, F5, "b", ENTER)
    assert shell.entered == ["a", f"%open {changing}", "b"]


def test_what_is_told_meanwhile_stands_above_the_prompt(sitting: Talk):
    def tell(t: Talk) -> bool:
        t.notices.tell(Line("news"))
        return True

    assert (
        sitting.go("half", tell, lambda t: t.out.getvalue() == "news\n", " a line", ENTER)
        == "news\n<half a line>\n"
    )


# -- modes


def test_vi_keys(sitting: Talk, shell: Echo):
    sitting.go(
        F4, "ab", "\x1b", lambda t: t.reader.prompt.app.vi_state.input_mode.name == "NAVIGATION", "xix", ENTER
    )
    assert shell.entered == ["xa"]


@pytest.mark.parametrize("terminal", ["dumb", "plain"])
def test_plain_lines(
    terminal: str, shell: Echo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    typed = iter(["a[", "0]", "bug", KeyboardInterrupt, "b", EOFError])
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        answer: Any = next(typed)
        if not isinstance(answer, str):
            raise answer
        return answer

    monkeypatch.setattr("builtins.input", answer)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(lines, "goes_on", lambda line: line.endswith("["))
    monkeypatch.setattr(repl, "Shell", lambda session, settings: shell)
    monkeypatch.setenv("TERM", "dumb" if terminal == "dumb" else "xterm")
    monkeypatch.setenv("WEIGHTREPL_PLAIN", "1" if terminal == "plain" else "")
    monkeypatch.setenv("FORCE_COLOR", "1")
    weightrepl_repl = repl.repl
    weightrepl_repl(weightrepl.demo_path())
    assert shell.entered == ["a[\n0]", "bug", "b"]
    assert asked == ["here> ", "... ", "here> ", "here> ", "here> ", "here> "]
    assert "\x1b" not in capsys.readouterr().out


def test_it_all_together(
    shell: Echo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    (tmp_path / "config.toml").write_text('colour = "pink"\n')
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("sys.stderr", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(repl, "_end_well", lambda: None)
    monkeypatch.setenv("TERM", "xterm")
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text(f"outer_dense:bias{ENTER}{CTRL_D}")
        assert repl.run([("m", weightrepl.demo_path())], location="m") == 0
    told, weights = capsys.readouterr().out.split("address", 1)
    assert told.startswith("warning[configuration]: ")
    assert "colour" in told
    assert "m/outer_dense:bias  (4,)" in weights


def test_only_some_commands_go_on_until_they_are_interrupted():
    assert repl.is_live(" %watch 2 **:*")
    assert not repl.is_live("%weights **:*")
    assert not repl.is_live("%no-such")
    assert not repl.is_live("watch")


def test_models_of_all_kinds_are_talked_about(monkeypatch: pytest.MonkeyPatch):
    seen: list[Session] = []
    monkeypatch.setattr(repl, "_talk", lambda session, *rest: seen.append(session))
    path = weightrepl.demo_path()
    with weightrepl.open(path) as model:
        repl.repl(path, {"a": path}, model, b=model)
        assert weightrepl.select(model, "outer_dense:bias").one().numpy().shape == (4,)
    (session,) = seen
    assert [m.names[0] for m in session.workspace.models] == ["larger_model", "a", "larger_model", "b"]


def test_a_notebook_is_told_what_to_use_there(monkeypatch: pytest.MonkeyPatch):
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    with pytest.raises(WeightreplError, match=r"weightrepl\.select\(model, QUERY\)"):
        repl.repl(weightrepl.demo_path())


def test_it_works_where_a_loop_is_running(shell: Echo):
    import asyncio

    async def within() -> str:
        with talk(shell) as talking:
            return talking.go("a", ENTER)

    assert asyncio.run(within()) == "<a>\n"
