"""The command's streams: pipes and disks that end, signals, terminals of any width, colours as wished."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from tests.frontends.processes import COMMAND, KERNEL, environment, folder, printed, ran

__all__ = ["folder"]


def test_a_closed_pipe_ends_quietly_as_other_tools_do():
    many = " ".join(["-q '**:*'"] * 2000)
    script = f"{' '.join(COMMAND)} m.keras {many} | head -1; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(
        ["bash", "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("**:*\n141\n", "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_full_disk_behind_standard_output_is_told():
    run = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} m.keras > /dev/full"],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (2, "error: standard output: No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_crash(closed: str):
    run = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} m.keras -q '**:kernel' {closed}"],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")


def test_an_interrupt_ends_quietly_by_its_signal(folder: Path):
    os.mkfifo("slow.wq")
    process = subprocess.Popen(
        [*COMMAND, "m.keras", "-f", "slow.wq"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    pipe = opened_for_writing("slow.wq", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    os.close(pipe)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")


def opened_for_writing(path: str, process: subprocess.Popen) -> int:
    """The pipe, as soon as the process has begun to read it."""
    while process.poll() is None:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # which is: nobody reads yet
                raise
    pytest.fail(f"ended before it read {path}")


def on_terminal(*arguments: str, columns: int = 80, **changes: str) -> str:
    """What the command writes to a terminal so wide, from which it also could read."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environment(**changes), stdin=inner, stdout=inner, stderr=inner
    )
    os.close(inner)
    written = b""
    try:
        while part := os.read(outer, 65536):
            written += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(outer)
    process.wait(timeout=20)
    return written.decode().replace("\r\n", "\n")


QUERY = ("m.keras", "-q", KERNEL)
NARROW = [
    "address",
    "  shape     dtype    bytes",
    KERNEL,
    "  (10, 12)  float32  480 B",
    "1 weight · 120 params · 480 B",
    "",
]
WIDE = [
    "address                                         shape     dtype    bytes",
    f"{KERNEL}  (10, 12)  float32  480 B",
    *NARROW[-2:],
]


def test_a_terminal_gets_colours_and_totals():
    lines = on_terminal(*QUERY, columns=120).split("\n")
    assert lines[1:] == [
        f"{KERNEL}  \x1b[36m(10, 12)\x1b[0m  float32  480 B",
        "\x1b[2m1 weight · 120 params · 480 B\x1b[0m",
        "",
    ]
    assert "  \x1b[31m~~~~\x1b[0m\n" in on_terminal("m.keras", "-q", "nope:*")


@pytest.mark.parametrize(
    ("columns", "changes", "lines"),
    [
        (120, {"NO_COLOR": "1"}, WIDE),
        (60, {"NO_COLOR": "1"}, NARROW),
        (60, {"TERM": "dumb"}, NARROW),
        (60, {"NO_COLOR": "1", "COLUMNS": "83"}, WIDE),
    ],
)
def test_a_terminals_width_and_wishes_are_obeyed(columns: int, changes: dict[str, str], lines: list[str]):
    assert on_terminal(*QUERY, columns=columns, **changes).split("\n") == lines


def test_a_terminal_gets_the_tree_if_asked_and_no_query_is_waited_for():
    tree = on_terminal("m.keras", "--format", "tree", columns=120, NO_COLOR="1")
    assert tree.split("\n") == [*printed("m.keras"), ""]


def test_the_user_can_have_colours_in_a_pipe():
    for run in (ran(*QUERY, FORCE_COLOR="1"), ran(*QUERY, "--color", "always", NO_COLOR="1")):
        assert "\x1b[36m(10, 12)\x1b[0m" in run.stdout
    assert "\x1b" not in ran(*QUERY, "--color", "never", FORCE_COLOR="1").stdout
