"""Commands about models and places: opened, read anew, closed, gone about in, watched."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from tests.frontends.shells import empty, shell, shown
from tests.trees import model
from weightrepl.frontends import commands_models
from weightrepl.frontends.commands import COMMANDS
from weightrepl.frontends.shell import Shell
from weightrepl.render.text import Screen, lines

__all__ = ["empty", "shell"]


@pytest.mark.parametrize(
    "line",
    ["%open other.keras as b", "%open b=other.keras", '%open "other.keras" as b', "%open 'b=other.keras'"],
)
def test_a_model_is_opened_under_a_name(shell: Shell, line: str):
    assert shown(shell, line).startswith("opened b: Keras archive")
    assert shell.prompt == "larger_model"
    assert "b/dense:kernel" in shown(shell, "b/dense:*")


def test_a_path_with_blanks_is_a_path(empty: Shell):
    shutil.copyfile("m.keras", "my model.keras")
    assert "opened larger_model" in shown(empty, "%open my model.keras")
    assert "read my model.keras anew" in shown(empty, '%open "my model.keras"')
    assert "expected one file" in shown(empty, "%open two models.keras")
    assert "expected a file" in shown(empty, "%open")
    assert shown(empty, "%open nowhere.keras").startswith("error: nowhere.keras: ")


def test_a_file_in_the_home_folder(empty: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert "opened larger_model" in shown(empty, "%open ~/m.keras")


def test_opening_again_reads_anew_and_stays(shell: Shell):
    shown(shell, "**:kernel", "%cd custom_module")
    assert shown(shell, "%open ./m.keras") == "read m.keras anew"
    assert shell.prompt == "larger_model/custom_module"
    assert "the model of $1 was closed" in shown(shell, "$1")
    os.replace("other.keras", "m.keras")
    assert "there is no layer 'custom_module' in it any more" in shown(shell, "%open m.keras")
    assert shell.prompt == "seq"
    assert len(shell.session.workspace.models) == 1


def test_a_limit_is_for_the_file_that_is_opened_with_it(empty: Shell):
    told = shown(empty, "%open --allow json_nbytes=100 m.keras")
    assert "json_nbytes is limited to 100; where you trust the file: --allow json_nbytes=10000" in told
    assert "opened m:" in shown(empty, "%open --allow json_nbytes=10000 --allow rank=9 m.keras as m")
    assert shown(empty, "%open m.keras") == "read m.keras anew"  # as it was opened
    assert empty.session._limits["m.keras"].json_nbytes == 10000
    assert "opened seq" in shown(empty, "%open other.keras")
    assert empty.session._limits["other.keras"].json_nbytes > 10000
    assert "no limit is called 'jsonnbytes', did you mean json_nbytes?" in shown(
        empty, "%open --allow jsonnbytes=1 m.keras"
    )
    assert "expected a file" in shown(empty, "%open --allow depth=1")


def test_a_given_name_stays_and_another_opens_once_more(empty: Shell):
    shown(empty, "%open a=m.keras", "%open m.keras")
    assert empty.prompt == "a"
    shown(empty, "%open b=m.keras")
    assert [m.names[0] for m in empty.session.workspace.models] == ["a", "b"]


def test_what_can_not_be_read_anew_stays_open(shell: Shell):
    Path("m.keras").write_bytes(b"no model")
    assert shown(shell, "%open m.keras").startswith("error: m.keras")
    assert shown(shell, "%models").endswith("m.keras")


def test_closing_lets_go_of_results(shell: Shell):
    shown(shell, "%open other.keras", "/seq/dense:*", "**:kernel", "%alias k **:kernel", "%cd /seq")
    assert shown(shell, "%close seq") == "closed seq"
    assert shell.prompt == "larger_model"
    assert "the model of $2 was closed" in shown(shell, "$2")
    assert "3 weights" in shown(shell, "$3")
    assert "no layer where you were before" in shown(
        shell, "%cd seq", "%open other.keras", "%cd seq", "%cd", "%close seq", "%cd -"
    )
    assert shown(shell, "%close") == "closed larger_model"
    assert "no model is open" in shown(shell, "%close")


def test_closing_asks_which(shell: Shell):
    shown(shell, "%open other.keras as b")
    assert "open: 'larger_model', 'b'" in shown(shell, "%close")
    assert "did you mean 'larger_model'?" in shown(shell, "%close larger")
    assert "open: 'larger_model', 'b'" in shown(shell, "%close xyz")
    shutil.copyfile("m.keras", "twin.keras")
    shown(shell, "%open m2=twin.keras")
    assert "several models are called 'larger_model'" in shown(shell, "%close larger_model")
    assert shown(shell, "%close m2") == "closed m2"


def test_models_are_listed(shell: Shell):
    assert shown(shell, "%open other.keras as b", "%models").splitlines() == [
        "model         also        format                  file",
        "larger_model  m           Keras archive (3.15.1)  m.keras",
        "b             seq, other  Keras archive (3.15.1)  other.keras",
    ]
    assert "no model is open" in shown(shell, "%close b", "%close", "%models")


# -- places


def test_going_about(shell: Shell):
    def where(*lines: str) -> str:
        shown(shell, *lines)
        return shell.prompt

    assert "no layer where you were before" in shown(shell, "%cd -")
    assert where("%cd custom_module") == "larger_model/custom_module"
    assert where("%cd inner_dense1") == "larger_model/custom_module/inner_dense1"
    assert where("%cd ..") == "larger_model/custom_module"
    assert where("%cd -") == "larger_model/custom_module/inner_dense1"
    assert where("%cd ../..") == "larger_model"
    assert where("%cd ..") == "larger_model"
    assert where("%cd custom_module", "%cd") == "larger_model"
    assert shown(shell, "%pwd") == "larger_model"
    assert where("%open other.keras", "%cd /") == ""
    assert shown(shell, "%pwd") == "/ (2 models)"
    assert where("%cd seq", "%cd ..") == ""
    assert "selects 5" in shown(shell, "%cd larger_model/**")
    assert "no model 'nowhere' is open" in shown(shell, "%cd nowhere")
    assert where() == ""


def test_nowhere_is_a_place(empty: Shell):
    assert shown(empty, "%pwd") == "/ (no models)"


# -- again and again


class EnoughError(Exception):
    """Nobody looks on any longer."""


def watched(shell: Shell, line: str, monkeypatch: pytest.MonkeyPatch, *happens) -> tuple[str, list[float]]:
    """Return what a watching shows while things happen in its pauses, and how long these were."""
    things, pauses = iter(happens), []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        thing = next(things, None)
        if thing is None:
            raise EnoughError
        thing()

    monkeypatch.setattr(commands_models, "pause", pause)
    seen = []
    with suppress(EnoughError):
        for text in lines(shell.enter(line), Screen(80)):
            seen.append(text)
        raise AssertionError("it ended by itself")
    return "\n".join(seen), pauses


def nothing() -> None:
    """Nothing happens."""


def test_a_file_that_changes_is_read_anew_and_shown(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    def replace() -> None:
        os.replace("other.keras", "m.keras")

    text, pauses = watched(shell, "%watch **:* | count", monkeypatch, nothing, replace, nothing, nothing)
    assert [line for line in text.splitlines() if "again" not in line] == ["6", "read m.keras anew", "10"]
    assert set(pauses) == {commands_models.LOOK_S}


def test_what_is_being_written_is_waited_for(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    def write(size: int):
        return lambda: Path("m.keras").write_bytes(b"x" * size)

    def gone() -> None:
        os.unlink("m.keras")

    text, _ = watched(shell, "%watch ** | count", monkeypatch, write(5), gone, write(9), nothing)
    assert text.count("error: m.keras") == 1
    assert text.count("again when a file changes") == 2


def test_every_so_many_seconds(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    text, pauses = watched(shell, "%watch 1.2 ** | count", monkeypatch, *[nothing] * 3)
    assert pauses == pytest.approx([0.5, 0.5, 0.2, 0.5])
    assert text.count("again in 1.2 s") == 2
    assert shown(shell, "$_").startswith("error")


def test_watching_needs_a_query(shell: Shell):
    assert "expected a query" in shown(shell, "%watch")
    assert "expected a query" in shown(shell, "%watch 5")
    assert COMMANDS["watch"].live


def test_what_has_no_file_is_watched_by_the_clock(empty: Shell, monkeypatch: pytest.MonkeyPatch):
    empty.session.workspace = empty.session.workspace.opened(model("net\n  a @Dense\n    :kernel (4, 4)"))
    assert "say how often to look" in shown(empty, "%watch ** | count")
    text, _ = watched(empty, "%watch 0.1 ** | count", monkeypatch, nothing)
    assert text.count("again in 0.1 s") == 2
