"""Settings: what may be set, the file that keeps them, and what becomes of a broken one."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from weightrepl.errors import OutputError, SourceError
from weightrepl.frontends.settings import SETTINGS, Settings, config_path, history_path, spelled, template


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file of settings would lie."""
    file = tmp_path / "folder" / "config.toml"
    monkeypatch.setenv("WEIGHTREPL_CONFIG", str(file))
    return file


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


# -- values


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("mouse", "on", True),
        ("mouse", "False", False),
        ("mouse", "maybe", None),
        ("rows", "50", 50),
        ("rows", "1_000", 1000),
        ("rows", "0", None),
        ("rows", "-1", None),
        ("rows", "²", None),
        ("edit-mode", "vi", "vi"),
        ("edit-mode", "nano", None),
    ],
)
def test_a_value_is_read_as_it_is_typed(name: str, typed: str, value: object):
    assert SETTINGS[name].read(typed) == value


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda s: s.name)
def test_every_default_is_a_value_that_may_be_typed(setting):
    assert setting.takes(setting.default)
    assert setting.read(spelled(setting.default)) == setting.default
    assert spelled(setting.default) in setting.spelled_values
    assert len(setting.summary) <= 50


def test_one_kind_is_not_taken_for_another():
    assert not SETTINGS["mouse"].takes(1)
    assert not SETTINGS["rows"].takes(True)
    assert not SETTINGS["rows"].takes("5")
    assert not SETTINGS["edit-mode"].takes(["vi"])


# -- the file


def test_without_a_file_there_are_the_defaults(path: Path):
    settings = Settings()
    assert not settings.problems
    assert {setting.name: value for setting, value in settings} == {
        s.name: s.default for s in SETTINGS.values()
    }
    assert not path.exists()


def test_a_file_is_read(path: Path):
    write(path, 'mouse = true\nedit-mode = "vi"\nrows = 7\n[aliases]\nbig = "**:* | where size > 9"\n')
    settings = Settings()
    assert (settings["mouse"], settings["edit-mode"], settings["rows"]) == (True, "vi", 7)
    assert settings.aliases == {"big": "**:* | where size > 9"}
    assert not settings.problems


def test_saving_changes_one_line_and_keeps_remarks_and_order(path: Path):
    text = '# mine\nrows = 5   # few\n\nmouse = true # squeak\n\n[aliases]\n# of mine\nb = "**:b"\n'
    write(path, text)
    settings = Settings()
    settings.set("rows", 9)
    settings.save("rows")
    assert path.read_text(encoding="utf-8") == text.replace("rows = 5", "rows = 9")


def test_saving_what_the_file_does_not_have_goes_above_the_aliases(path: Path):
    write(path, '# mine\n[aliases]\npager = "**:b"\n')
    settings = Settings()
    settings.set("pager", "never")
    settings.save("pager")
    again = Settings()
    assert again["pager"] == "never"
    assert again.aliases == {"pager": "**:b"}
    assert path.read_text(encoding="utf-8").startswith("# mine\n")


def test_a_commented_line_among_the_aliases_is_no_setting(path: Path):
    write(path, '[aliases]\nb = "**:b"\n# mouse = false\n')
    settings = Settings()
    settings.set("mouse", True)
    settings.save("mouse")
    assert Settings()["mouse"] is True
    assert Settings().aliases == {"b": "**:b"}


def test_the_first_saving_writes_a_file_that_explains_all(path: Path):
    settings = Settings()
    settings.set("edit-mode", "vi")
    settings.save("edit-mode")
    text = path.read_text(encoding="utf-8")
    assert text == template().replace('# edit-mode = "emacs"', 'edit-mode = "vi"')
    assert all(f"{name} = " in text for name in SETTINGS)
    assert Settings()["edit-mode"] == "vi"
    assert not Settings().problems


def test_the_template_sets_nothing(path: Path):
    write(path, template())
    settings = Settings()
    assert not settings.problems
    assert all(value == setting.default for setting, value in settings)


def test_every_line_of_the_template_may_be_uncommented(path: Path):
    lines = [
        line[2:] if " = " in line and line.startswith("# ") else line for line in template().splitlines()
    ]
    write(path, "\n".join(lines))
    assert not Settings().problems


def test_aliases_are_kept_and_taken_away(path: Path):
    settings = Settings()
    settings.keep_alias("big", "**:* | where size > 9")
    settings.keep_alias("odd", '"a b":*')
    settings.keep_alias("big", None)
    settings.keep_alias("never-was", None)
    assert settings.aliases == Settings().aliases == {"odd": '"a b":*'}
    write(path, "# mine\nrows = 5\n")
    settings.keep_alias("new", "**:n")
    assert path.read_text(encoding="utf-8").startswith("# mine\nrows = 5\n")
    assert Settings().aliases == {"new": "**:n"}


# -- what is broken


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mouse = ", "is no TOML: "),
        ("mous = true", "no setting 'mous', perhaps mouse?"),
        ("xyzzy = true", "no setting 'xyzzy'"),
        ("mouse = 3", "mouse is true or false, not 3"),
        ('edit-mode = "nano"', 'edit-mode is "emacs" or "vi", not \'nano\''),
        ("rows = 0", "rows is a whole number from 1, not 0"),
        ("[aliases]\nx = 3", "the alias 'x' is no name and a query in quotes"),
        ('[aliases]\n3 = "**:b"', "the alias '3' is no name and a query in quotes"),
        ("aliases = 3", "no setting 'aliases'"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_and_the_rest_holds(path: Path, text: str, message: str):
    write(path, text)
    settings = Settings()
    (problem,) = settings.problems
    assert problem.severity == "warning"
    assert str(path) in problem.message
    assert message in problem.message
    assert all(value == setting.default for setting, value in settings)


def test_a_file_that_is_no_text_is_told(path: Path):
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    assert "is not UTF-8 text" in Settings().problems[0].message
    path.unlink()
    path.mkdir()
    assert "Is a directory" in Settings().problems[0].message


def test_nothing_is_saved_into_a_broken_file(path: Path):
    settings = Settings()
    write(path, "mouse = ")
    for save in (lambda: settings.save("rows"), lambda: settings.keep_alias("a", "**:a")):
        with pytest.raises(SourceError, match="is no TOML"):
            save()
    assert path.read_text(encoding="utf-8") == "mouse = "
    assert settings.aliases == {}


def test_a_place_that_takes_no_file_is_told(path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = Settings()

    def refused(folder: str, exist_ok: bool) -> None:
        raise PermissionError(13, "Permission denied", folder)

    with monkeypatch.context() as patched:
        patched.setattr(os, "makedirs", refused)
        with pytest.raises(OutputError, match=r"config\.toml: Permission denied"):
            settings.save("rows")
    path.parent.write_text("a file where a folder had to be", encoding="utf-8")
    with pytest.raises(SourceError, match="Not a directory"):
        settings.save("rows")


# -- where they lie


def test_without_a_word_they_lie_in_the_folders_of_the_platform(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WEIGHTREPL_CONFIG", raising=False)
    monkeypatch.delenv("WEIGHTREPL_HISTORY", raising=False)
    assert config_path().endswith(os.path.join("weightrepl", "config.toml"))
    assert history_path().endswith(os.path.join("weightrepl", "history"))
    if sys.platform == "linux":
        monkeypatch.setenv("XDG_CONFIG_HOME", "/c")
        monkeypatch.setenv("XDG_STATE_HOME", "/s")
        assert (config_path(), history_path()) == ("/c/weightrepl/config.toml", "/s/weightrepl/history")


def test_the_environment_says_where_they_lie(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEIGHTREPL_CONFIG", "~/c.toml")
    monkeypatch.setenv("WEIGHTREPL_HISTORY", "h")
    assert config_path() == os.path.expanduser("~/c.toml")
    assert history_path() == "h"
