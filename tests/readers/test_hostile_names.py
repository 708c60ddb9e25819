"""Names out of a file never drive a terminal, a page or a log, whichever way they are shown."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import traceback
import unicodedata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest

import weightrepl
from tests.readers.hostile import F4, safetensors_bytes
from weightrepl.errors import SourceError
from weightrepl.frontends.repl_menu import Menu
from weightrepl.service.complete import complete

EVIL = {
    "a title": "\x1b]0;owned\x07",
    "a colour": "\x1b[31mred",
    "cleared": "\x1b[2J\x1b[H",
    "a link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "one byte": "\x9b31m",
    "lines": "a\nb\rc\x0b\x0c\x85\u2028\u2029",
    "backspace": "safe\x08\x08\x08\x08evil",
    "nul": "a\0b",
    "bidi": "\u202egnp.exe\u2066\u2069",
    "no width": "ker\u200bnel\u200d\ufeff\u00ad",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>&quot;\"'",
    "surrogate": "\udc80",
    "tags": "\U000e0041\U000e0042",
}
HTML_TAGS = ("<script", "<img", "onerror=alert(1)>")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file whose layers and weights have these names."""
    keys = [f"{name}/{name}{i}/{name}k" for name in EVIL.values() for i in (1, 2)]
    header = {key: {**F4, "data_offsets": [4 * i, 4 * i + 4]} for i, key in enumerate(keys)}
    (tmp_path / "m.safetensors").write_bytes(safetensors_bytes(header, np.ones(len(keys), "f4").tobytes()))
    return tmp_path / "m.safetensors"


def assert_harmless(text: str, *, html: bool = False) -> None:
    drives = [
        c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c not in "\n\t"
    ]
    assert drives == [], ascii(text)
    if html:
        assert not any(tag in text for tag in HTML_TAGS)


def printed(*arguments: str, cwd: Path) -> str:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "200"}
    run = subprocess.run(
        [sys.executable, "-m", "weightrepl", *arguments],
        cwd=cwd, env=environment, capture_output=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return (run.stdout + run.stderr).decode("utf-8")


def test_the_command_line(file: Path):
    """Each format, the overview, what it says of a wrong query, and of a result."""
    queries = [
        ["-q", "**:*", "--format", each] for each in ("table", "tree", "json", "jsonl", "csv", "tsv", "paths")
    ]
    for arguments in (
        *queries,
        ["-q", "**:* | where size > 0 | show path shape stats"],
        ["-q", "**:* | hist"],
        ["--explain", "-q", "nothing/here:kernel"],
        ["-q", "*/nothing:kernel", "-q", ":nothing", "-q", "**:* | group layer"],
        [],
    ):
        text = printed(str(file.name), *arguments, cwd=file.parent)
        assert text
        assert_harmless(text)


def test_what_a_notebook_shows(file: Path):
    with weightrepl.open(file) as model:
        found = weightrepl.select(model, "**:*")
        shown: list[Any] = [
            model,
            found,
            weightrepl.select_layers(model),
            weightrepl.evaluate(model, "**:* | group dtype"),
        ]
        for thing in shown:
            for kind, text in thing._repr_mimebundle_().items():
                assert_harmless(text if isinstance(text, str) else json.dumps(text), html=kind == "text/html")
            assert_harmless(repr(thing))
        assert_harmless("".join(map(repr, found)))


def test_a_picture(file: Path):
    from weightrepl.writers import write

    with weightrepl.open(file) as model:
        write(weightrepl.select(model, "**:*"), str(file.parent / "p.svg"), True)
    text = (file.parent / "p.svg").read_text()
    assert_harmless(text, html=True)


def test_what_completes(file: Path):
    """What a menu shows of a name is harmless, and so is what is typed for it."""
    with weightrepl.open(file) as model:
        workspace = weightrepl.Workspace((model,))
        for item in complete("", 0, workspace).items:
            assert_harmless(item.text)
            shown = Menu._entry(SimpleNamespace(_resolved={}), item)  # type: ignore[arg-type]
            assert_harmless(shown.display_text + shown.display_meta_text)
        assert_harmless("\n".join(model._ipython_key_completions_()))
    for shell in ("bash", "zsh", "fish"):
        assert_harmless(printed("--complete-words", shell, "weightrepl m.safetensors -q ''", cwd=file.parent))


@pytest.mark.parametrize("name", EVIL.values(), ids=EVIL)
def test_errors_and_tracebacks(tmp_path: Path, name: str):
    """A path or a place with such a name stands in the error; Python prints it as it is."""
    folder = tmp_path / name.replace("/", "").replace("\0", "")
    try:
        folder.mkdir()
        path = folder / "m.safetensors"
        path.write_bytes(safetensors_bytes({f"{name}x": {**F4, "shape": [7]}}, b"1234"))
    except (OSError, UnicodeEncodeError):
        path = tmp_path / "m.safetensors"
        path.write_bytes(safetensors_bytes({f"{name}x": {**F4, "shape": [7]}}, b"1234"))
    for make in (lambda: weightrepl.open(path), lambda: weightrepl.open(str(path) + "z")):
        with pytest.raises(SourceError) as caught:
            make()
        assert_harmless(str(caught.value))
        told = io.StringIO()
        traceback.print_exception(caught.value, file=told)
        assert_harmless(told.getvalue().splitlines()[-1])


def test_names_of_hdf5_groups(tmp_path: Path):
    """Another way in: h5py's own names, which may be any bytes but a slash and a NUL."""
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for name in EVIL.values():
            bare = name.replace("/", "").replace("\0", "").encode("utf-8", "surrogateescape")
            file.create_group(bare + b"g").create_dataset(bare + b"k", data=np.ones(2))
    text = printed("m.h5", "-q", "**:*", cwd=tmp_path) + printed("m.h5", cwd=tmp_path)
    assert "g" in text
    assert_harmless(text)
