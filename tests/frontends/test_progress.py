"""The bar of long readings, on a real terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "weightrepl" / "demo" / "larger_model.keras"
READING = """
from threading import Event
from weightrepl.frontends import progress
progress.PATIENCE_S = {patience}
bar = progress.ReadingBar()
bar.begin(4_000_000)
bar.begin(4_000_000)
for step in range(8):
    bar.advance(1_000_000)
    Event().wait(0.15)
bar.end()
bar.end()
print("done")
"""


def on_a_terminal(*command: str) -> str:
    """What a command writes to standard error, which is a terminal; its output goes elsewhere."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs, cwd=ROOT, env=environment
    )
    os.close(theirs)
    told = b""
    try:
        while piece := os.read(ours, 65536):
            told += piece
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return told.decode()


def test_a_long_reading_shows_how_far_it_is_and_leaves_nothing():
    told = on_a_terminal(sys.executable, "-c", READING.format(patience=0))
    assert "reading values" in told
    assert "/8.0 MB" in told
    after = told.rpartition("reading values")[2]
    assert "\x1b[2K" in after, "the line of the bar is taken away"
    assert told.rfind("\x1b[?25h") > told.rfind("\x1b[?25l"), "the cursor is there again"


def test_a_short_reading_shows_nothing():
    assert on_a_terminal(sys.executable, "-c", READING.format(patience=60)) == ""


def test_a_query_that_is_quick_shows_nothing():
    assert on_a_terminal(sys.executable, "-m", "weightrepl", str(DEMO), "-q", "**:* | stats") == ""
