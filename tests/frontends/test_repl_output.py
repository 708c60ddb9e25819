"""What comes of a line, on its way to the screen: at once, as it comes, or through a pager."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest

from weightrepl.frontends import repl_output
from weightrepl.frontends.repl_output import Output
from weightrepl.render.blocks import Block, Line


class Terminal(io.StringIO):
    """A stream that says that it is a terminal of ten lines."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    monkeypatch.setenv("LINES", "10")
    monkeypatch.setenv("COLUMNS", "80")
    return Output({"pager": "auto", "colour": "auto"}, "never", Terminal())  # type: ignore[arg-type]


@pytest.fixture
def paged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file that a pager writes what it gets to, and LESS."""
    if os.name != "posix":
        pytest.skip("the pager is a script of POSIX's shell")
    script = tmp_path / "pager.sh"
    script.write_text(f'#!/bin/sh\necho "LESS=$LESS" > {tmp_path}/paged\ncat >> {tmp_path}/paged\n')
    script.chmod(0o755)
    monkeypatch.setenv("PAGER", str(script))
    monkeypatch.delenv("LESS", raising=False)
    return tmp_path / "paged"


def numbered(count: int) -> list[Block]:
    return [Line(str(n)) for n in range(count)]


def shown(output: Output) -> str:
    assert isinstance(output.stream, io.StringIO)
    return output.stream.getvalue()


def test_what_fits_is_printed(output: Output, paged: Path):
    output.show(numbered(9))
    assert shown(output) == "".join(f"{n}\n" for n in range(9))
    assert not paged.exists()


def test_what_does_not_fit_goes_through_a_pager(output: Output, paged: Path):
    for count in (10, 5000):
        output.show(numbered(count))
        assert shown(output) == ""
        assert paged.read_text() == "LESS=FRX\n" + "".join(f"{n}\n" for n in range(count))


def test_what_less_is_told_already_it_is_told(output: Output, paged: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LESS", "S")
    output.show(numbered(20))
    assert paged.read_text().startswith("LESS=S\n")


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager-anywhere"])
def test_without_a_pager_all_is_printed(pager: str, output: Output, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAGER", pager)
    output.show(numbered(100))
    assert shown(output).count("\n") == 100


def test_who_wants_no_pager_gets_none(paged: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LINES", "10")
    output = Output({"pager": "never", "colour": "auto"}, "never", Terminal())  # type: ignore[arg-type]
    output.show(numbered(100))
    assert shown(output).count("\n") == 100
    assert not paged.exists()


def test_who_wants_it_always_gets_it(paged: Path):
    Output({"pager": "always", "colour": "auto"}, "never", Terminal()).show(numbered(1))  # type: ignore[arg-type]
    assert paged.read_text() == "LESS=FRX\n0\n"


def test_what_is_no_terminal_has_no_pager(paged: Path):
    output = Output({"pager": "auto", "colour": "auto"}, "never", io.StringIO())  # type: ignore[arg-type]
    output.show(numbered(100))
    assert shown(output).count("\n") == 100


def test_what_goes_on_is_shown_as_it_comes(output: Output, paged: Path):
    seen: list[str] = []

    def blocks() -> Iterator[Block]:
        for block in numbered(30):
            yield block
            seen.append(shown(output))

    output.show(blocks(), live=True)
    assert seen[0] == "0\n"
    assert seen[-1].count("\n") == 30
    assert not paged.exists()


def test_what_takes_time_is_not_held_back(output: Output, paged: Path):
    def blocks() -> Iterator[Block]:
        yield Line("soon")
        waiting = Event()
        while shown(output) == "":
            waiting.wait(0.01)
        yield from numbered(30)

    output.show(blocks())
    assert shown(output).startswith("soon\n0\n")
    assert shown(output).count("\n") == 31


def test_a_pager_that_is_left_ends_what_comes(output: Output, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAGER", "sh -c 'exit 0'")
    came: list[int] = []

    def blocks() -> Iterator[Block]:
        n = 0
        while True:
            came.append(n := n + 1)
            yield Line("x" * 1000)

    output.show(blocks())
    assert len(came) < 100_000


def test_an_interrupt_is_the_pagers_while_it_is_up(
    output: Output, paged: Path, monkeypatch: pytest.MonkeyPatch
):
    real = repl_output.subprocess.Popen.communicate
    interrupts = iter([True, True, False])

    def communicate(self: Any) -> Any:
        if next(interrupts):
            signal.raise_signal(signal.SIGINT)
        return real(self)

    monkeypatch.setattr(repl_output.subprocess.Popen, "communicate", communicate)
    output.show(numbered(20))
    assert paged.read_text().endswith("\n19\n")


def test_what_comes_before_an_error_is_shown(output: Output):
    def blocks() -> Iterator[Block]:
        yield Line("before")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        output.show(blocks())
    assert shown(output) == "before\n"


def test_colours_are_as_somebody_wants_them():
    assert Output({"pager": "auto", "colour": "always"}, "auto", Terminal()).screen.colour  # type: ignore[arg-type]
    assert not Output({"pager": "auto", "colour": "always"}, "never", Terminal()).screen.colour  # type: ignore[arg-type]
    plain = Output({"pager": "auto", "colour": "always"}, "always", Terminal())  # type: ignore[arg-type]
    plain.plain = True
    assert not plain.screen.colour


def test_how_high_a_terminal_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LINES", raising=False)
    assert repl_output._height(io.StringIO()) == 24
    monkeypatch.setattr(os, "get_terminal_size", lambda number: SimpleNamespace(lines=50))
    with open(os.devnull) as file:
        assert repl_output._height(file) == 50
