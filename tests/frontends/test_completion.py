"""Completion: the words, and in real shells the keys."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from weightrepl.frontends.completion_scripts import SCRIPTS, answer, split_line, typed_for_readline

ROOT = Path(__file__).resolve().parents[2]
BREAKS = " \t\n\"'><=;|&(:"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(ROOT / "weightrepl" / "demo" / "larger_model.keras", tmp_path / "m.keras")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("weightrepl ", ["weightrepl", "", ""]),
        ("weightrepl m", ["weightrepl", "m", "m"]),
        ("weightrepl 'my model' -q 'a b", ["weightrepl", "my model", "-q", "a b", "'a b"]),
        ('w "a\\"b c', ["w", 'a"b c', '"a\\"b c']),
        ('w "a\\b', ["w", "a\\b", '"a\\b']),
        ("w a\\ b'c'd", ["w", "a bcd", "a\\ b'c'd"]),
        ("w '' x", ["w", "", "x", "x"]),
        ("w 'a\\", ["w", "a\\", "'a\\"]),
        ("", ["", ""]),
    ],
)
def test_a_command_line_is_split_as_shells_do(line: str, words: list[str]):
    assert split_line(line) == words


@pytest.mark.parametrize(
    ("typed", "done"),
    [
        ("a/b:ker", "a/b:"),
        ("'a/b:ker", ""),
        ("a/b", ""),
        ("a\\:b:k", "a:b:"),
        ('"a', ""),
        ("'a/'b", "a/"),
        ("", ""),
    ],
)
def test_readline_keeps_what_stands_before_its_last_break(typed: str, done: str):
    assert typed_for_readline(typed, BREAKS) == done


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("m.keras --fo", ["words", "--force", "--format"]),
        ("m.keras --format j", ["words", "json", "jsonl"]),
        ("m.keras --color ", ["words", "auto", "always", "never"]),
        ("m", ["files"]),
        ("m.keras -o x", ["files"]),
        ("-f ", ["files"]),
        ("m.keras -q 'larg", ["query", "larger_model/custom_module/", "larger_model/outer_dense:"]),
        ("m.keras -q ", ["query", "larger_model/", "custom_module/", "outer_dense:"]),
        ("m.keras -q /", ["query", "/larger_model/custom_module/", "/larger_model/outer_dense:"]),
        ("m.keras -q :", ["query"]),
        ("m.keras -q 'a, !c", ["query", "a, !custom_module/inner_dense1:", "a, !custom_module/inner_dense2:"]),
        ("m.keras -q '{a,outer_dense:b", ["query"]),
        ("m.keras -q '**/inner_dense1:", ["query", "**/inner_dense1:kernel", "**/inner_dense1:bias"]),
        ("m.keras -q 'outer_dense:kernel | s", [
            "query",
            *(f"outer_dense:kernel | {stage}" for stage in ("sort", "show", "stats")),
        ]),
        ("m.keras -m ", ["query", "larger_model/", "larger_model", "custom_module/", "custom_module", "outer_dense"]),
        ("m.keras -m custom_module -q inner_dense2:k", ["query", "inner_dense2:kernel"]),
        ("x=m.keras -q x/o", ["query", "x/outer_dense:kernel", "x/outer_dense:bias"]),
        ("nope.keras -q x", ["query"]),
        ("-q x", ["query"]),
        ("m.keras -q nope/", ["query"]),
    ],
)  # fmt: skip
def test_what_may_come_next(line: str, words: list[str]):
    assert list(answer(["zsh", f"weightrepl {line}"])) == words


def test_bash_gets_only_what_it_replaces():
    assert list(answer(["bash", "weightrepl m.keras -q outer_dense:k", BREAKS])) == ["query", "kernel"]
    assert list(answer(["bash", "weightrepl m.keras -q 'outer_dense:k", BREAKS])) == [
        "query",
        "outer_dense:kernel",
    ]


def test_words_are_found_without_heavy_libraries():
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "weightrepl", "--complete-words", "fish", "w m.keras -q o"],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.stdout.splitlines() == ["query", "outer_dense:kernel", "outer_dense:bias"]
    loaded = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert loaded.isdisjoint({"numpy", "h5py", "weightrepl.render.compose"})


# ------------------------------------------------------------------ real shells, by their keys

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(weightrepl --completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -Uz compinit; compinit -u -D; source <(weightrepl --completion zsh)",
    ),
    "fish": (["fish", "--no-config", "-i"], "weightrepl --completion fish | source"),
}


class Shell:
    """A shell on a pseudo-terminal in which `weightrepl` can be typed; it writes each line that is run to a file."""

    def __init__(self, name: str, folder: Path) -> None:
        arguments, setup = SHELLS[name]
        self.seen = folder / "seen"
        binary = folder / "bin" / "weightrepl"
        binary.parent.mkdir()
        binary.write_text(
            f"#!{sys.executable}\nimport sys\n"
            "if '--complete-words' in sys.argv or '--completion' in sys.argv:\n"
            "    from weightrepl.frontends.cli import main\n    main()\n"
            f"open({str(self.seen)!r}, 'a').write(repr(sys.argv[1:]) + '\\n')\n"
        )
        binary.chmod(0o755)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(
                PATH=f"{binary.parent}:{os.environ['PATH']}",
                PYTHONPATH=str(ROOT),
                TERM="xterm",
                HOME=str(folder),
            )
            os.execvp(arguments[0], arguments)
        self.type(setup + "\n")
        self.run("weightrepl ready\n")

    def type(self, keys: str) -> None:
        os.write(self.terminal, keys.encode())

    def run(self, keys: str) -> str:
        """Type keys that run the command; return its arguments. Waits for the line in the file."""
        before = self.seen.read_text() if self.seen.exists() else ""
        self.type(keys)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if select.select([self.terminal], [], [], 0.05)[0]:
                os.read(self.terminal, 65536)
            if self.seen.exists() and (new := self.seen.read_text()[len(before) :]).endswith("\n"):
                return new.strip()
        pytest.fail(f"the shell never ran {keys!r}")

    def close(self) -> None:
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.mark.parametrize("name", SHELLS)
def test_keys_in_a_real_shell(name: str, folder: Path):
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    shell = Shell(name, folder)
    try:
        closing = "'" if name == "zsh" else ""  # the others close the quote themselves
        within_quotes = shell.run(f"weightrepl m.keras -q 'larg\tcus\t1:k\t{closing}\n")
        unquoted = shell.run("weightrepl m.keras -q custom_module/inner_dense2:b\t\n")
        option = shell.run("weightrepl m.keras --form\tjsonl\n")
        file = shell.run("weightrepl m.k\t\n")
    finally:
        shell.close()
    kernel = "larger_model/custom_module/inner_dense1:kernel"
    assert within_quotes == f"['m.keras', '-q', '{kernel}']"
    assert unquoted == "['m.keras', '-q', 'custom_module/inner_dense2:bias']"
    assert option == "['m.keras', '--format', 'jsonl']"
    assert file == "['m.keras']"


@pytest.mark.parametrize("name", SHELLS)
def test_a_script_says_how_it_is_loaded(name: str):
    assert f"weightrepl --completion {name}" in SCRIPTS[name].split("\n\n")[0]
