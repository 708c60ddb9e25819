"""The shell: queries and their numbered results, what is told of mistakes, names, the location."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.frontends.shells import empty, shell, shown
from tests.trees import model
from weightrepl.errors import SourceError
from weightrepl.frontends.session import Session
from weightrepl.frontends.settings import Settings
from weightrepl.frontends.shell import Given, Leave, Shell

__all__ = ["empty", "shell"]

KERNELS = """\
address                                         shape     dtype    bytes
larger_model/custom_module/inner_dense1:kernel  (10, 12)  float32  480 B
larger_model/custom_module/inner_dense2:kernel  (12, 8)   float32  384 B
larger_model/outer_dense:kernel                 (8, 4)    float32  128 B
3 weights · 248 params · 992 B · $1"""


# -- results


def test_a_query_shows_its_table_totals_and_number(shell: Shell):
    assert shown(shell, "**:kernel") == KERNELS


def test_a_bare_path_is_a_layer(shell: Shell):
    text = shown(shell, "custom_module")
    assert text.splitlines()[1].split() == [
        "larger_model/custom_module",
        "CustomModule",
        "4",
        "236",
        "944",
        "B",
    ]
    assert text.endswith("1 layer · 4 weights · 236 params · 944 B · $1")


def test_results_stand_for_their_rows(shell: Shell):
    assert "3 weights" in shown(shell, "**:kernel", "**:bias", "$1")
    assert (
        shown(shell, "$_ | where size > 100")
        .splitlines()[1]
        .startswith("larger_model/custom_module/inner_dense1:kernel")
    )
    assert shown(shell, "$_ | count") == "1"
    assert "6 weights" in shown(shell, "$1, $2")


def test_every_line_counts_and_an_empty_one_is_none(shell: Shell):
    shown(shell, "**:kernel", "", "  ", "%pwd", "nowhere")
    assert shell.inputs == 3
    assert shown(shell, "**:bias").endswith("$4")
    assert "3 weights" in shown(shell, "$1")


def test_a_failed_line_has_no_result_and_the_last_one_stays(shell: Shell):
    shown(shell, "**:kernel", "nowhere")
    assert "line 2 has no result" in shown(shell, "$2")
    assert "3 weights" in shown(shell, "$_")


def test_a_number_that_was_not_reached_is_told(shell: Shell):
    assert "the last line was 1" in shown(shell, "**:kernel", "$7")
    assert "did you mean '$kernels'?" in shown(shell, "%alias kernels **:kernel", "$kernel")


def test_nothing_has_a_result_yet(shell: Shell):
    assert "nothing has a result yet" in shown(shell, "$_")


def test_counts_and_groups_have_no_number(shell: Shell):
    assert shown(shell, "**:* | count") == "6"
    assert shown(shell, "**:* | group dtype").endswith("1 row")
    assert "'$2' is a table that holds no weights or layers" in shown(shell, "$2")


def test_who_looks_at_the_first_block_only_has_the_result(shell: Shell):
    blocks = shell.enter("**:kernel")
    next(blocks)
    blocks.close()
    assert shown(shell, "$_ | count") == "3"


def test_rows_are_bounded_and_it_is_said(shell: Shell):
    text = shown(shell, "%set rows 2", "**:*")
    assert text.splitlines()[2:] == [
        "larger_model/custom_module/inner_dense1:bias    (12,)     float32   48 B",
        "… and 4 more",
        "'%set rows NUMBER' shows more",
        "6 weights · 272 params · 1.1 kB · $2",
    ]
    assert "… and 3 more" in shown(shell, "%layers")


def test_runs_are_folded_unless_unfold_is_set(empty: Shell):
    blocks = "\n".join(f"  block_{n} @Dense\n    :kernel (4, 4)" for n in range(5))
    empty.session.workspace = empty.session.workspace.opened(model(f"net\n{blocks}"))
    assert "block_{0..4}:kernel" in shown(empty, "**:kernel")
    assert "block_3:kernel" in shown(empty, "%set unfold on", "**:kernel")


# -- mistakes


def test_a_mistake_is_a_picture_in_the_line_as_typed(shell: Shell):
    assert shown(shell, "%weights   custom_modul/*:kernel").splitlines() == [
        "error[no-such-layer]: no layer 'custom_modul' in larger_model",
        "  %weights   custom_modul/*:kernel",
        "             ~~~~~~~~~~~~",
        "  did you mean 'custom_module'?",
    ]


def test_a_note_stands_below_the_table(shell: Shell):
    text = shown(shell, "**:kernel, **:nothing*")
    assert text.index("3 weights") < text.index("note[no-match]")


def test_without_a_model_it_is_said_how_to_open_one(empty: Shell):
    for line in ("**:*", "%weights", "%explain **", "%cd a", "$_"):
        assert "%open FILE opens one" in shown(empty, line), line


def test_values_that_cannot_be_read_are_an_error_and_no_end(shell: Shell):
    shell.session.workspace.models[0].close()
    assert "error[unreadable]: m.keras" in shown(shell, "**:* | stats")
    assert shown(shell, "%info outer_dense:kernel").startswith("error: m.keras")


def test_an_error_while_a_table_is_made_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    def broken(*args: object, **options: object):
        raise SourceError("is gone", "m.keras")

    monkeypatch.setattr("weightrepl.render.compose.as_table", broken)
    assert shown(shell, "**:*") == "error: m.keras: is gone"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("ls", "%layers"),
        ("ls()", "%layers"),
        ("ls -l", "%layers -l"),
        ("cd custom_module", "%cd custom_module"),
        ("help", "%help"),
        ("?", "%help"),
        (".help", "%help"),
        ("\\q", "%quit"),
        (":q", "%quit"),
        ("big = **:* | where size > 100", "%alias big **:* | where size > 100"),
        ("big =", "%alias big"),
        ("weights **:kernel", "%weights **:kernel"),
        ("exit now", "%quit now"),
    ],
)
def test_habits_from_elsewhere_are_answered(shell: Shell, line: str, meant: str):
    assert f"did you mean '{meant}'?" in shown(shell, line)


@pytest.mark.parametrize("line", ["exit", "quit", "quit()", " exit ", "%quit"])
def test_who_wants_to_leave_may(shell: Shell, line: str):
    with pytest.raises(Leave):
        list(shell.enter(line))


def test_a_layer_that_is_called_like_a_habit_is_a_layer(empty: Shell):
    empty.session.workspace = empty.session.workspace.opened(model("net\n  quit @Dense\n    :kernel (4, 4)"))
    assert "net/quit" in shown(empty, "quit")


@pytest.mark.parametrize(
    "line", ["%", "%nothing", "%wieghts **:*", "% weights", "%%", "%\x1b[2J", "%'", '%open "']
)
def test_no_line_is_more_than_a_mistake(shell: Shell, line: str):
    assert "\x1b" not in shown(shell, line)


# -- names and places


def test_aliases_are_names_from_the_start(empty: Shell, tmp_path: Path):
    (tmp_path / "config.toml").write_text('[aliases]\nk = "**:kernel"\nbad = "a["\n', encoding="utf-8")
    shell = Shell(empty.session, Settings())
    shell.session.open("m.keras")
    assert shown(shell, "$k").endswith("3 weights · 248 params · 992 B · $1")
    (complaint,) = shell.complaints
    assert "the alias bad is left out: the '[' is never closed" in complaint.message
    assert "no query or result is called '$bad'" in shown(shell, "$bad")


def test_complaints_of_the_settings_are_handed_on(empty: Shell, tmp_path: Path):
    (tmp_path / "config.toml").write_text("mouse = 3", encoding="utf-8")
    with Session() as session:
        assert [p.code for p in Shell(session, Settings()).complaints] == ["configuration"]


def test_the_prompt_is_the_location(shell: Shell):
    assert shell.prompt == "larger_model"
    shown(shell, "%cd custom_module")
    assert shell.prompt == "larger_model/custom_module"


def test_what_is_given_keeps_its_place():
    given = Given("%save  x  y", 5)
    assert (given.text, given.behind(0).text, given.behind(3).text) == ("  x  y", "x  y", "y")
    assert given.behind(0).start == 7


@pytest.mark.parametrize(
    "line", ["%open \x1b[2J", "%source \x1b", "%cd \x1b", "a | b\x1b **x", "%alias \x1b", "%set \x1b"]
)
def test_nothing_that_is_typed_drives_the_terminal(shell: Shell, line: str):
    text = shown(shell, line)
    assert "error" in text
    assert "\x1b" not in text


def test_what_diff_found_goes_with_its_model(shell: Shell):
    """Its rows stand for weights of the left side, whatever became of the right one."""
    shell.session.open("m.keras", "twin")
    left = "larger_model#1/**:kernel"
    assert "$1" in shown(shell, f"{left} | diff twin")
    assert "$2" in shown(shell, "$1")
    assert "3 weights" in shown(shell, "%close twin", "$1")


def test_what_diff_found_is_lost_with_its_model(shell: Shell):
    shell.session.open("m.keras", "twin")
    assert "$1" in shown(shell, "twin/**:kernel | diff larger_model#1")
    assert "the model of $1 was closed" in shown(shell, "%close twin", "$1")


def test_an_alias_stays_when_a_model_is_closed(shell: Shell):
    shown(shell, "%open other.keras", "%alias all **:*", "%close seq")
    assert "6 weights" in shown(shell, "$all")
