"""The commands, each as somebody types it: what comes of it, and of what is wrong with it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.frontends.shells import OTHER, empty, shell, shown
from tests.trees import model
from weightrepl.frontends.commands import COMMANDS, as_markdown
from weightrepl.frontends.commands_codes import ALL_CODES, MEANINGS
from weightrepl.frontends.commands_words import Word, quoted, seconds_in, sides_of, word_at, words_of
from weightrepl.frontends.settings import SETTINGS
from weightrepl.frontends.settings import as_markdown as settings_as_markdown
from weightrepl.frontends.shell import Given, Shell
from weightrepl.query.codes import CODES, FILE_CODES

__all__ = ["empty", "shell"]

ROOT = Path(__file__).resolve().parents[2]


# -- the table


def test_every_command_has_its_row():
    table = as_markdown()
    assert table.count("\n") == len(COMMANDS) + 2
    assert "| `%save OUT QUERY` | write what a query selects to a file |" in table
    assert all(line.count("|") - line.count("\\|") == 3 for line in table.splitlines())
    assert settings_as_markdown().count("\n") == len(SETTINGS) + 2


@pytest.mark.parametrize("line", [e for c in COMMANDS.values() for e in c.examples])
def test_every_example_is_right(shell: Shell, line: str):
    shutil.copyfile(OTHER, "model.keras")
    os.mkdir("runs")
    shutil.copyfile(OTHER, "runs/last.keras")
    assert not re.search("^error", shown(shell, line), re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_that_fits(shell: Shell, name: str):
    text = shown(shell, f"%help %{name}")
    assert text.startswith(f"%{name}")
    assert max(map(len, text.splitlines())) <= 80
    assert shown(shell, f"%help {name}").startswith(text)
    assert shown(shell, f"%{name}?").startswith(text)


# -- help


def test_help_fits_a_screen_and_names_every_command(shell: Shell):
    rows = shown(shell, "%help").splitlines()
    assert len(rows) <= 20
    assert max(map(len, rows)) <= 80
    assert {f"%{name}" for name in COMMANDS} <= set(" ".join(rows).replace(",", " ").split())


def test_help_lists_commands_a_line_each(shell: Shell):
    rows = shown(shell, "%help commands").splitlines()
    assert len(rows) == len(COMMANDS) + 1
    assert max(map(len, rows)) <= 80


@pytest.mark.parametrize(
    ("topic", "seen"),
    [
        ("where", "where EXPRESSION"),
        ("| where", "where EXPRESSION"),
        ("size", "the number of values"),
        ("diff", "diff PATH"),
        ("weights", "%weights [QUERY]"),
        ("==", "COLUMN == VALUE"),
        ("edit-mode", "emacs or vi"),
        ("unclosed-bracket", "a '[' is never closed"),
        ("no-such-layer", "is none of the layers there"),
        ("no-such-layer", "               ~~~~~~~~~~~~\n    did you mean 'custom_module'?"),
        ("no-such-layer", "Type instead:\n\n  larger_model/custom_module/*dense1:kernel"),
        ("operators", "Compares columns with =="),
        ("settings", "%set edit-mode vi"),
        ("wher", "did you mean %help where"),
        ("xyzzy", "%help says what there is"),
    ],
)
def test_help_tells_of_a_topic(shell: Shell, topic: str, seen: str):
    assert seen in shown(shell, f"%help {topic}")


def test_every_code_has_a_meaning():
    codes = set()
    for path in (ROOT / "weightrepl").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        codes |= set(re.findall(r'\b(?:Problem|ExpressionError)\(\s*"([^"]+)"', text))
    assert "no-such-layer" in codes
    assert codes <= set(ALL_CODES)
    assert not MEANINGS.keys() & (CODES | FILE_CODES).keys()


# -- asking


def test_layers_are_a_tree_or_what_a_query_selects(shell: Shell):
    tree = shown(shell, "%layers")
    assert "├── custom_module" in tree
    assert tree.endswith("5 layers · 6 weights · 272 params · 1.1 kB · $1")
    assert "2 layers" in shown(shell, "%layers custom_module/*:kernel")
    assert "larger_model" not in shown(shell, "%cd custom_module", "%layers").splitlines()[1]


def test_weights_are_those_of_a_query_or_all(shell: Shell):
    assert "4 weights" in shown(shell, "%weights custom_module")
    assert "6 weights" in shown(shell, "%weights")


def test_info_tells_all_of_a_weight(shell: Shell):
    text = shown(shell, "%info outer_dense:kernel")
    assert text.startswith("larger_model/outer_dense:kernel\nname       kernel\n")
    facts = dict(re.findall(r"^(\w+) +(.*)$", text, re.MULTILINE))
    assert (facts["shape"], facts["class"], facts["min"], facts["key"]) == (
        "(8, 4)",
        "Dense",
        "-0.932",
        "dense_outer/vars/0",
    )


def test_info_tells_all_of_a_layer(shell: Shell):
    text = shown(shell, "%info outer_dense")
    assert re.search(r"^attribute +\.dense_outer$", text, re.MULTILINE)
    assert "larger_model/outer_dense:bias" in text
    assert "larger_model/custom_module" in shown(shell, "%info .")


def test_info_tells_how_a_layer_is_built_and_where_else_it_is(empty: Shell):
    text = "net\n  a @Dense unbuilt=a.build((None, 4))\n  b @Dense &b\n    :kernel (4, 4)\n  c @Block\n    *b"
    empty.session.workspace = empty.session.workspace.opened(model(text))
    assert re.search(r"^built by +a\.build\(\(None, 4\)\)$", shown(empty, "%info a"), re.MULTILINE)
    assert re.search(r"^also +net/c/b$", shown(empty, "%info b"), re.MULTILINE)
    assert re.search(r"^also +net/c/b:kernel$", shown(empty, "%info b:kernel"), re.MULTILINE)


def test_info_is_of_one(shell: Shell):
    assert "this selects 6" in shown(shell, "%info **:*")
    assert "this selects 0" in shown(shell, "%info **:nothing*")
    assert "this selects 0" in shown(shell, "%info ** | count")
    assert "expected a query" in shown(shell, "%info")
    assert "did you mean 'outer_dense'?" in shown(shell, "%info outer_dens")


def test_hist_is_the_stage(shell: Shell):
    wanted = shown(shell, "outer_dense:kernel | hist").rpartition(" ")[0]
    assert shown(shell, "%hist outer_dense:kernel").rpartition(" ")[0] == wanted
    assert shown(shell, "%hist outer_dense:kernel | hist bins=20").rpartition(" ")[0] == wanted
    assert shown(shell, "%hist outer_dense:kernel  # a remark").rpartition(" ")[0] == wanted
    assert "error" in shown(shell, "%hist # a remark")
    assert "  %hist outer_dens:kernel | hist\n        ~~~~~~~~~~" in shown(shell, "%hist outer_dens:kernel")


@pytest.mark.parametrize(
    "line",
    [
        "%diff custom_module/inner_dense1 outer_dense",
        "%diff custom_module/inner_dense1,   outer_dense",
        "%diff custom_module/inner_dense1 , outer_dense",
    ],
)
def test_diff_has_two_sides(shell: Shell, line: str):
    assert shown(shell, line) == shown(shell, "custom_module/inner_dense1 | diff outer_dense").replace(
        "$2", "$1"
    )


def test_diff_goes_on_with_stages(shell: Shell):
    assert "1 row" in shown(shell, "%diff outer_dense custom_module/inner_dense1 | where name == bias")
    assert "1 row" in shown(shell, "%diff outer_dense:kernel[0, :] custom_module/inner_dense1:kernel")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("%diff", "expected a query"),
        ("%diff outer_dense", "and this has 1"),
        ("%diff a b c", "and this has 3"),
        ("%diff outer_dense | diff custom_module", "type instead: outer_dense | diff custom_module"),
        ("%diff outer_dense nowhere", "no layer 'nowhere'"),
    ],
)
def test_diff_says_what_it_takes(shell: Shell, line: str, seen: str):
    assert seen in shown(shell, line)


def test_explain_explains_what_is_wrong_too(shell: Shell):
    assert "3 weights" in shown(shell, "%explain **/@Dense:kernel")
    text = shown(shell, "%explain custom_modul/*")
    assert "nearest: custom_module" in text
    assert "  %explain custom_modul/*\n           ~~~~~~~~~~~~" in text
    assert "expected a query" in shown(shell, "%explain ")


# -- saving


def test_what_is_saved_is_there_and_told(shell: Shell):
    assert shown(shell, "%save k.npz **:kernel") == "wrote 3 weights · 248 params · 992 B to k.npz"
    with np.load("k.npz") as saved:
        assert saved["larger_model/outer_dense:kernel"].shape == (8, 4)
    assert "exists already" in shown(shell, "%save k.npz **:bias")
    assert "wrote 3 weights" in shown(shell, "**:bias", "%save --force k.npz $_")


def test_tables_and_labels_are_saved(shell: Shell):
    assert shown(shell, '%save "a b.csv" **:* | group name') == "wrote 2 rows to a b.csv"
    Path("names.txt").write_text("a\nb\nc\nd\ne\nf\ng\nh\n", encoding="utf-8")
    assert "wrote 1 weight" in shown(shell, "%save --labels names.txt k.tsv outer_dense:kernel")
    assert Path("k_metadata.tsv").exists()
    assert "--labels names the rows" in shown(shell, "%save --labels names.txt t.tsv **:* | group name")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("%save", "expected the file to write to"),
        ("%save --force", "expected the file to write to"),
        ("%save k.npz", "expected a query after the file"),
        ("%save k.foo **:*", "unknown format '.foo'"),
        ("%save k.npz **:* | count", "this query gives a number"),
        ("%save k.npz nowhere", "  %save k.npz nowhere\n              ~~~~~~~"),
        ("%save k.npz **:nothing*", "nothing is selected"),
    ],
)
def test_nothing_is_saved_by_mistake(shell: Shell, line: str, seen: str):
    assert seen in shown(shell, line)
    assert not list(Path().glob("k.*"))


# -- lines that others answer


def test_a_file_of_queries_is_answered(shell: Shell):
    Path("q").mkdir()
    shutil.copyfile("other.keras", "q/b.keras")
    text = "#: open b = b.keras\n#: let k = **:kernel\n$k\n#: expect none\nb/**:bias\n#: expect some\nb/**:bias\n"
    Path("q/checks.wq").write_text(text, encoding="utf-8")
    rows = shown(shell, "%source q/checks.wq").splitlines()
    assert rows[0] == "opened b: Keras archive (3.15.1), q/b.keras"
    assert rows[1] == "$k"
    assert "3 weights · 248 params · 992 B" in rows
    assert "q/checks.wq:5: expected none, found 3" in rows
    assert rows[-2].endswith("· $1")
    assert rows[-1] == "as expected"
    assert "opened" not in shown(shell, "%source q/checks.wq")
    assert "3 weights" in shown(shell, "$k")


def test_a_broken_file_of_queries_is_told_and_nothing_done(shell: Shell):
    Path("bad.wq").write_text("#: open b = other.keras\n**:*\na[\n", encoding="utf-8")
    text = shown(shell, "%source bad.wq")
    assert "bad.wq:3:" in text
    assert len(shell.session.workspace.models) == 1
    assert "expected a file of queries" in shown(shell, "%source")
    assert shown(shell, "%source none.wq") == "error: none.wq: No such file or directory"


def test_a_query_in_a_file_that_is_wrong_is_told_with_its_place(shell: Shell):
    Path("q.wq").write_text("#: expect some\nnowhere\n", encoding="utf-8")
    assert "q.wq:2:1" in shown(shell, "%source q.wq")


@pytest.mark.skipif(os.name != "posix", reason="a POSIX shell")
def test_the_systems_shell(shell: Shell, capfd: pytest.CaptureFixture[str]):
    assert shown(shell, "%! echo hi") == ""
    assert shown(shell, "%!exit 3") == "exit status 3"
    assert capfd.readouterr().out == "hi\n"
    assert "expected a command" in shown(shell, "%!")
    assert COMMANDS["!"].live


# -- settings and aliases


def test_settings_are_listed_a_line_each(shell: Shell):
    rows = shown(shell, "%set").splitlines()
    assert len(rows) == len(SETTINGS) + 3
    assert max(map(len, rows[:-1])) <= 80
    assert rows[-1] == shell.settings.path


def test_a_setting_is_changed_and_kept(shell: Shell):
    assert shown(shell, "%set mouse on").startswith("mouse is on (on or off)")
    assert shell.settings["mouse"] is True
    assert not os.path.exists("config.toml")
    for line in ("%set rows 5 --save", "%set --save rows = 5", "%set rows=5 --save"):
        assert f"kept in {shell.settings.path}" in shown(shell, "%set rows 7", line)
        assert "\nrows = 5\n" in Path("config.toml").read_text(encoding="utf-8")
        assert shell.settings["rows"] == 5
    assert shown(shell, "%set rows").startswith("rows is 5 (a whole number from 1)")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("%set muse on", "did you mean 'mouse'?"),
        ("%set xyzzy", "%set lists them"),
        ("%set rows many", "rows is a whole number from 1, not 'many'"),
        ("%set edit-mode nano", "edit-mode is emacs or vi, not 'nano'"),
    ],
)
def test_a_setting_that_is_none_is_told(shell: Shell, line: str, seen: str):
    assert seen in shown(shell, line)


def test_saving_into_a_broken_file_is_refused(shell: Shell):
    Path("config.toml").write_text("mouse = ", encoding="utf-8")
    assert "is no TOML" in shown(shell, "%set rows 5 --save")
    assert "is no TOML" in shown(shell, "%alias a **:a")
    assert Path("config.toml").read_text(encoding="utf-8") == "mouse = "


def test_an_alias_lasts_until_it_is_taken_away(shell: Shell):
    assert "no query has a name yet" in shown(shell, "%alias")
    for line in ("%alias big **:* | where size > 90", "%alias $big = **:* | where size > 90"):
        assert shown(shell, line).startswith("$big is **:* | where size > 90\nkept in ")
    assert "2 weights" in shown(shell, "$big")
    assert shown(shell, "%alias big") == "$big is **:* | where size > 90"
    assert shown(shell, "%alias").splitlines()[1] == "$big   **:* | where size > 90"
    assert 'big = "**:* | where size > 90"' in Path("config.toml").read_text(encoding="utf-8")
    assert shown(shell, "%alias -d $big") == "$big stands for nothing any more"
    assert "no query or result is called '$big'" in shown(shell, "$big")
    assert "big" not in Path("config.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("line", "seen"),
    [
        ("%alias 3 **:a", "numbers and '_' stand for results"),
        ("%alias _ **:a", "numbers and '_' stand for results"),
        ("%alias a.b **:a", "a name is of letters, digits, '_' and '-', not 'a.b'"),
        ("%alias a **[", "  %alias a **[\n             ~"),
        ("%alias nope", "no alias 'nope'"),
        ("%alias -d nope", "no alias 'nope'"),
    ],
)
def test_a_name_that_is_none_is_told(shell: Shell, line: str, seen: str):
    assert seen in shown(shell, line)
    assert not shell.settings.aliases


def test_the_nearest_alias_is_named(shell: Shell):
    assert "did you mean 'kernels'?" in shown(shell, "%alias kernels **:kernel", "%alias -d kernel")


# -- words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a  b", ["a", "b"]),
        ('"a b" c', ["a b", "c"]),
        ("'a b'c d", ["a bc", "d"]),
        ('"open end', ["open end "]),
        (r"C:\dir\m.keras", [r"C:\dir\m.keras"]),
        ('n="a b"', ["n=a b"]),
        ("", []),
        ('"" x', ["", "x"]),
    ],
)
def test_words(text: str, words: list[str]):
    assert [word.text for word in words_of(Given(f"% {text} ", 1))] == words


@pytest.mark.parametrize("path", ["a", "a b", "it's", 'a "b"', "C:\\x y"])
def test_what_is_quoted_reads_back(path: str):
    assert word_at(Given(quoted(path))).text == path
    assert isinstance(word_at(Given(quoted(path))), Word)


def test_sides_and_seconds():
    def sides(text: str) -> list[str]:
        return [span.of(text) for span in sides_of(text)]

    assert sides("a:k[0, :] {x, y}/b | where a b") == ["a:k[0, :]", "{x, y}/b"]
    assert sides(' "a b" ,c # d') == ['"a b"', "c"]
    assert sides("") == []
    assert [seconds_in(t) for t in ("5", "0.5", "0", "-1", "nan", "inf", "x")] == [
        5,
        0.5,
        None,
        None,
        None,
        None,
        None,
    ]
