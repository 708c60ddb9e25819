"""What a model's path stands for: a file, a folder, or what the names of a checkpoint's files begin with."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import leave
from weightrepl.frontends.model_files import fingerprint
from weightrepl.frontends.session import split_name
from weightrepl.readers.folders import is_there


def written(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("file", "path"),
    [
        *(("m.keras", "m.keras"), ("m.keras", "."), ("ck-1.index", "ck-1")),
        *(("a/ck-1.index", "a/ck-1"), ("v1-00000-of-00002", "v1"), ("[a]-00000-of-00002", "[a]")),
    ],
)
def test_a_path_stands_for_files_and_shows_when_they_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, path: str
):
    monkeypatch.chdir(tmp_path)
    assert (is_there(path), fingerprint(path) or None) == (path == ".", None)
    written(tmp_path / file)
    before = fingerprint(path)
    assert is_there(path)
    assert before
    assert before == fingerprint(path)
    written(tmp_path / file, "longer")
    assert fingerprint(path) != before


def test_a_folder_changes_when_a_file_in_it_or_in_its_folders_does(tmp_path: Path):
    deep = written(tmp_path / "variables" / "variables.index")
    deeper = written(tmp_path / "assets" / "more" / "text")
    before = fingerprint(str(tmp_path))
    written(deeper, "longer")
    assert fingerprint(str(tmp_path)) == before
    written(deep, "longer")
    assert fingerprint(str(tmp_path)) != before


@leave.NEEDED
def test_a_folder_that_may_not_be_listed_is_another_when_it_may(tmp_path: Path):
    written(tmp_path / "a.keras")
    with leave.without_leave(tmp_path, 0o300) as folder:
        assert fingerprint(str(folder)) == ()
        folder.chmod(0o700)
        assert fingerprint(str(folder))


def test_a_name_before_a_prefix_is_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert split_name("lr=ck-1") == ("lr", "ck-1")
    written(Path("lr=ck-1.index"))
    assert split_name("lr=ck-1") == (None, "lr=ck-1")
    os.remove("lr=ck-1.index")
