"""The service for whole lines: what a command's line may hold, and the query within it, in the places of the line.

`¦` is the cursor.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.frontends.shells import empty, shell, shown
from weightrepl.frontends import lines_arguments
from weightrepl.frontends.commands import COMMANDS
from weightrepl.frontends.lines import (
    complete_line,
    diagnose_line,
    goes_on,
    highlight_line,
    hover_line,
    matched_line,
    signature_line,
)
from weightrepl.frontends.settings import SETTINGS
from weightrepl.frontends.shell import Shell
from weightrepl.model.reading import NotReadYetError, without_reading
from weightrepl.service.answers import Matched

__all__ = ["empty", "shell"]


def cursor(marked: str) -> tuple[str, int]:
    return marked.replace("¦", ""), marked.index("¦")


def completed(shell: Shell, marked: str) -> list[str]:
    """The lines that the completions give."""
    line, offset = cursor(marked)
    found = complete_line(shell, line, offset)
    return [line[: i.span.start] + i.text + line[i.span.end :] for i in found.items]


def underlined(shell: Shell, marked: str) -> list[tuple[str, str]]:
    line = marked.replace("¦", "")
    offset = marked.index("¦") if "¦" in marked else None
    return [(p.code, "" if p.span is None else p.span.of(line)) for p in diagnose_line(shell, line, offset)]


# -- completing


@pytest.mark.parametrize(
    ("marked", "lines"),
    [
        ("%we¦", ["%weights"]),
        ("%w¦ **:*", ["%weights **:*", "%watch **:*"]),
        ("%eights¦", ["%weights"]),
        ("%nothing¦", []),
        ("%weights custom_module/inner_dense1:k¦", ["%weights custom_module/inner_dense1:kernel"]),
        ("  %hist outer_dense:k¦", ["  %hist outer_dense:kernel"]),
        ("%diff outer_dense cust¦", ["%diff outer_dense custom_module"]),
        ("%diff outer_d¦ custom_module", ["%diff outer_dense custom_module"]),
        ("%diff outer_dense,  cust¦", ["%diff outer_dense,  custom_module"]),
        ("%watch 5 outer_d¦", ["%watch 5 outer_dense"]),
        ("%watch outer_d¦", ["%watch outer_dense"]),
        ("%watch 5¦", []),
        ("%cd outer_d¦", ["%cd outer_dense"]),
        ("%cd outer_dense:k¦", []),
        ("%set edit¦", ["%set edit-mode"]),
        ("%set edit-mode ¦", ["%set edit-mode emacs", "%set edit-mode vi"]),
        ("%set --save pager n¦", ["%set --save pager never"]),
        ("%set pager never -¦", ["%set pager never --save"]),
        ("%set nothing ¦", []),
        ("%set pag¦er never", ["%set pager never"]),
        ("%set mous¦  never", ["%set mouse  never"]),
        ("%close ¦  x", ["%close larger_model  x"]),
        ("%set pager never ¦", []),
        ("%save --f¦", ["%save --force"]),
        ("%save --force a.npz outer_d¦", ["%save --force a.npz outer_dense"]),
        ("%save --labels m.keras a.tsv outer_d¦", ["%save --labels m.keras a.tsv outer_dense"]),
        ("%save --labels ¦", ["%save --labels m.keras", "%save --labels other.keras"]),
        ("%alias -¦", ["%alias -d"]),
        ("%alias n¦", []),
        ("%alias n outer_d¦", ["%alias n outer_dense"]),
        ("%alias n = outer_d¦", ["%alias n = outer_dense"]),
        ("%alias -d n ¦", []),
        ("%close l¦", ["%close larger_model"]),
        ("%help unclosed-b¦", ["%help unclosed-bracket", "%help unclosed-brace"]),
        ("%help %we¦", ["%help %weights"]),
        ("%pwd ¦", []),
        ("%! l¦", []),
        ("%nothing outer_d¦", []),
        ("outer_dense:k¦", ["outer_dense:kernel"]),
    ],
)
def test_what_may_stand_there(shell: Shell, marked: str, lines: list[str]):
    assert completed(shell, marked) == lines


def test_every_command_and_setting_is_there_with_what_it_is(shell: Shell):
    assert completed(shell, "%¦") == [f"%{name}" for name in COMMANDS]
    assert completed(shell, "%set ¦") == [f"%set {name}" for name in SETTINGS]
    (item,) = complete_line(shell, "%weights", 3).items[:1]
    assert (item.label, item.detail) == ("%weights", COMMANDS["weights"].summary)
    (item,) = complete_line(shell, "%set mou", 8).items
    assert item.detail == f"off · {SETTINGS['mouse'].summary}"
    assert [i.detail for i in complete_line(shell, "%set mouse ", 11).items] == ["", "the default"]


def test_aliases_and_models_are_there(shell: Shell):
    shown(shell, "%alias big **:* | where size > 1", "%open other.keras as b")
    assert completed(shell, "%alias ¦") == ["%alias big"]
    assert completed(shell, "%alias -d b¦") == ["%alias -d big"]
    assert completed(shell, "%close ¦") == ["%close larger_model", "%close b"]


def test_files_are_there_folders_first_then_what_is_wanted(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.txt", "my model.keras", ".hidden.keras", "q.wq"):
        Path(name).touch()
    os.mkdir("runs")
    os.mkdir("old runs")
    Path("old runs/x.keras").touch()
    assert completed(shell, "%open ¦") == [
        '%open "old runs/', "%open runs/",
        "%open m.keras", '%open "my model.keras"', "%open other.keras",
        "%open a.txt", "%open q.wq",
    ]  # fmt: skip
    assert completed(shell, "%source ¦")[2] == "%source q.wq"
    assert completed(shell, "%open .h¦") == ["%open .hidden.keras"]
    assert completed(shell, "%open MY¦") == ['%open "my model.keras"']
    assert completed(shell, "%open b=ot¦") == ["%open b=other.keras"]
    assert completed(shell, '%open "old runs/¦') == ['%open "old runs/x.keras"']
    assert completed(shell, "%open ./ot¦") == ["%open ./other.keras"]
    assert completed(shell, "%open nowhere/¦") == []
    monkeypatch.setenv("HOME", os.getcwd())
    monkeypatch.setenv("USERPROFILE", os.getcwd())
    assert completed(shell, "%open ~/ot¦") == ["%open ~/other.keras"]
    monkeypatch.setattr(lines_arguments, "MOST", 2)
    assert complete_line(shell, "%open ", 6).cut
    assert complete_line(shell, "%", 1).cut


def test_a_checkpoint_s_files_are_one(shell: Shell):
    for name in ("ck-1.index", "ck-1.data-00000-of-00001", "ck-1.meta", "ckeep.meta", "checkpoint"):
        Path(name).touch()
    assert completed(shell, "%open ck¦") == ["%open ck-1", "%open ckeep.meta"]
    assert completed(shell, "%open ch¦") == ["%open checkpoint"]
    assert "%source ck-1.index" in completed(shell, "%source ck¦")


def test_no_disk_is_waited_for(shell: Shell):
    assert complete_line(shell, "%open ", 6, wait=False).coming
    found = complete_line(shell, "custom_module/", 14, wait=False)
    assert found.coming
    with without_reading(), pytest.raises(NotReadYetError):
        diagnose_line(shell, "%weights custom_module/inner_dense1:*")
    with without_reading(), pytest.raises(NotReadYetError):
        matched_line(shell, "%weights custom_module/inner_dense1:*")
    assert not complete_line(shell, "custom_module/", 14).coming


# -- what is wrong


@pytest.mark.parametrize(
    ("marked", "found"),
    [
        ("%weights custom_modul/*:kernel", [("no-such-layer", "custom_modul")]),
        ("%weights custom_modul¦", []),
        ("%wieghts", [("no-such-command", "%wieghts")]),
        ("%wieg¦", [("no-such-command", "%wieg")]),
        ("%wei¦", []),
        ("%wei", [("no-such-command", "%wei")]),
        ("%wei¦ **:*", []),
        ("%diff outer_dense nowhere/x", [("no-such-layer", "nowhere")]),
        ("%diff nowhere/x outer_dense", [("no-such-layer", "nowhere")]),
        ("%diff outer_dense custom_module | where verdict == same", []),
        ("%diff outer_dense ¦", []),
        ("%layers **:kernel | stats", [("needs-weights", "stats")]),
        ("%alias n = **[", [("unexpected", "[")]),
        ("%set nothing", []),
        ("%weights", []),
        ("%pwd", []),
        ("$3", [("no-such-name", "$3")]),
        ("", []),
    ],
)
def test_what_is_wrong_is_underlined(shell: Shell, marked: str, found: list[tuple[str, str]]):
    assert underlined(shell, marked) == found


def test_a_fix_is_for_the_line(shell: Shell):
    line = "%diff outer_dense custom_modul"
    (problem,) = diagnose_line(shell, line)
    assert problem.fix is not None
    assert problem.fix.applied(line) == "%diff outer_dense custom_module"


def test_a_result_that_is_missing_is_told_as_when_it_is_entered(shell: Shell):
    shown(shell, "%pwd")
    (problem,) = diagnose_line(shell, "%weights $1")
    assert problem.hint == "line 1 has no result"


def test_without_a_model_nothing_is_wrong_yet(empty: Shell):
    assert diagnose_line(empty, "**:kernel") == ()


# -- how much, what it is


@pytest.mark.parametrize(
    ("line", "matched"),
    [
        ("**:kernel", Matched(3, "weights", 248)),
        ("%layers **:kernel", Matched(3, "layers", 272)),
        ("%weights custom_module", Matched(4, "weights", 236)),
        ("%save k.npz **:kernel", Matched(3, "weights", 248)),
        ("%save k.npz", None),
        ("%save k.npz ", None),
        ("%weights", None),
        ("%pwd", None),
        ("%weights nowhere", None),
    ],
)
def test_how_much_matches(shell: Shell, line: str, matched: Matched | None):
    assert matched_line(shell, line) == matched


@pytest.mark.parametrize(
    ("line", "pieces"),
    [
        ("%weights a:k", [("%weights", "keyword"), ("a", "layer"), (":", "separator"), ("k", "weight")]),
        ("%we", [("%we", "keyword")]),
        ("%wx", [("%wx", "error")]),
        (
            " %diff a b | count",
            [("%diff", "keyword"), ("a", "layer"), ("b", "layer"), ("|", "pipe"), ("count", "stage")],
        ),
        ("%! ls", [("%!", "keyword")]),
        ("a", [("a", "layer")]),
    ],
)
def test_pieces_have_roles(line: str, pieces: list[tuple[str, str]]):
    assert [(h.span.of(line), h.role) for h in highlight_line(line)] == pieces


def test_hover_tells_of_commands_and_of_what_they_ask(shell: Shell):
    known = hover_line(shell, "%save k.npz outer_dense:kernel", 2)
    assert known is not None
    assert known.title == "%save OUT QUERY"
    assert known.text.startswith("write what a query selects to a file.\nThe suffix")
    line = "%diff custom_module/inner_dense1 outer_dense"
    for layer in ("inner_dense1", "outer_dense"):
        known = hover_line(shell, line, line.index(layer) + 2)
        assert known is not None
        assert known.span.of(line) == layer
    assert hover_line(shell, "%save k.npz **:*", 8) is None
    assert hover_line(shell, "%nothing", 2) is None
    assert hover_line(shell, "%pwd ", 5) is None


def test_the_signature_is_of_the_stage_or_the_command():
    known = signature_line("%save k.npz **:*", 8)
    assert known is not None
    assert (known.label, known.text) == ("%save OUT QUERY", "write what a query selects to a file")
    assert [p.span.of(known.label) for p in known.parameters] == ["OUT", "QUERY"]
    for line in ("**:* | top 5 size", "%weights **:* | top 5 size"):
        known = signature_line(line, len(line) - 5)
        assert known is not None
        assert known.label.startswith("top ")
    assert signature_line("%nothing a", 9) is None
    assert signature_line("a:*", 2) is None


@pytest.mark.parametrize(
    ("line", "does"),
    [
        ("a:k[0,", True),
        ("%weights a:k[[0, 1],", True),
        ("{a,", True),
        ("a |", True),
        ("a, ", True),
        ("**:* | where (size > 1", True),
        ("**:* | where size >", True),
        ("**:* | where size > 1 and", True),
        ('"a', False),
        ("a", False),
        ("nowhere | filter", False),
        ("a || b", False),
        ("%pwd", False),
        ("%weights", False),
        ("%save k.npz a,", True),
        ("%! ls |", False),
        ("", False),
    ],
)
def test_what_goes_on(line: str, does: bool):
    assert goes_on(line) is does


@pytest.mark.parametrize(
    "line",
    ["%weights **:k[0 | where (", "%save --labels x", '%open "a', "%alias = =", "%diff , ,", "%\u200b"],
)
def test_nothing_raises_wherever_the_cursor_is(shell: Shell, line: str):
    for offset in range(len(line) + 1):
        complete_line(shell, line, offset)
        diagnose_line(shell, line, offset)
        hover_line(shell, line, offset)
        signature_line(line, offset)
    for end in range(len(line) + 1):
        matched_line(shell, line[:end])
        goes_on(line[:end])
        assert all(len(piece.span) for piece in highlight_line(line[:end]))
