"""The table that the bench prints: rows of ours beside a peer, as text of 100 columns or as Markdown."""

from __future__ import annotations

import math
import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from textwrap import wrap

WIDTH = 100
MAX_DECIMALS = 6
HEADINGS = ("weightrepl", "beside", "ours", "theirs", "ratio", "aim", "")
VERSIONS = ("weightrepl", "numpy", "h5py", "keras", "tensorflow", "safetensors")


@dataclass(frozen=True, slots=True)
class Row:
    """What weightrepl needs for something, and what a peer needs for it in the same run.

    unit: of `ours` and `theirs`, `s` or `bytes`; medians.
    aim: the highest ratio that is good enough; None where none was set.
    """

    what: str
    peer: str
    ours: float
    theirs: float
    unit: str = "s"
    aim: float | None = None

    @property
    def ratio(self) -> float:
        """Ours over theirs: below 1 is less than the peer needs."""
        return self.ours / self.theirs

    @property
    def reached(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        return None if self.aim is None else self.ratio <= self.aim

    @property
    def cells(self) -> tuple[str, ...]:
        """The row as it is printed, a text for each of HEADINGS."""
        aim = "" if self.aim is None else f"≤ {self.aim:g}"
        reached = {None: "", True: "yes", False: "NO"}[self.reached]
        amounts = amount(self.ours, self.unit), amount(self.theirs, self.unit)
        return (self.what, self.peer, *amounts, significant(self.ratio), aim, reached)


@dataclass(frozen=True, slots=True)
class Section:
    """Rows that belong together, and remarks on them: one sentence each."""

    title: str
    rows: tuple[Row, ...] = ()
    remarks: tuple[str, ...] = ()


Pair = tuple[str, str, "float | None"]
"""What of ours stands beside which peer, and the aim for their ratio."""


def rows_of(pairs: Iterable[Pair], amounts: Mapping[str, float], unit: str = "s") -> tuple[Row, ...]:
    """Return a row for each pair, with what was measured of both."""
    return tuple(Row(ours, peer, amounts[ours], amounts[peer], unit, aim) for ours, peer, aim in pairs)


def significant(number: float) -> str:
    """Return a number with three significant digits, and never with an exponent.

    >>> significant(0.0312), significant(6.6), significant(1362)
    ('0.0312', '6.60', '1362')
    """
    decimals = 2 - math.floor(math.log10(number)) if number > 0 else 2
    return f"{number:.{min(max(decimals, 0), MAX_DECIMALS)}f}"


def amount(number: float, unit: str) -> str:
    """Return seconds or bytes as people read them, in powers of 1000.

    >>> amount(0.0000194, "s"), amount(6.61, "s"), amount(62_100_000, "bytes")
    ('19.4 µs', '6.61 s', '62.1 MB')
    """
    if unit == "bytes":
        return f"{significant(number / 1e6)} MB"
    for scale, name in ((1, "s"), (1e-3, "ms")):
        if number >= scale:
            return f"{significant(number / scale)} {name}"
    return f"{significant(number / 1e-6)} µs"


def machine() -> tuple[str, ...]:
    """Return in two lines when, on what and with which versions this runs."""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    system = f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}"
    return (
        f"{now}, {sys.implementation.name} {platform.python_version()}, {_versions()}",
        f"{_processor()}, {os.cpu_count()} cores, {system}{load}",
    )


def _versions() -> str:
    found = []
    for name in VERSIONS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:  # not a Linux
        pass
    return platform.processor() or platform.machine()


def as_text(sections: Sequence[Section], head: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table for a terminal of WIDTH columns."""
    for line in head:
        yield from wrap(line, WIDTH)
    rows = [row.cells for section in sections for row in section.rows]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for section in sections:
        yield ""
        yield section.title
        if section.rows:
            yield _line(HEADINGS, widths)
            yield _line(["─" * width for width in widths], widths)
        for row in section.rows:
            yield _line(row.cells, widths)
        for remark in section.remarks:
            yield from wrap(remark, WIDTH, initial_indent="  ", subsequent_indent="  ")
    yield ""
    yield from wrap(verdict(sections), WIDTH)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return "  ".join([*left, *right]).rstrip()


def as_markdown(sections: Sequence[Section], head: Sequence[str]) -> Iterator[str]:
    """Yield the lines of a page with a table for each section."""
    yield "# Speed and memory"
    yield ""
    yield "`make bench` measures all of this anew; `tests/bench/run.py --markdown FILE` writes this page."
    yield "Ratios below 1 mean that weightrepl needs less. " + " ".join(f"{line}." for line in head)
    for section in sections:
        yield f"\n## {section.title}\n"
        if section.rows:
            yield f"| {' | '.join(HEADINGS[:-1])} | reached |"
            yield f"| {' | '.join(['---', '---', *['---:'] * 5])} |"
        for row in section.rows:
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row.cells)} |"
        for remark in section.remarks:
            yield f"\n{remark.replace('**', chr(92) + '*' + chr(92) + '*')}"
    yield f"\n{verdict(sections)}"


def verdict(sections: Sequence[Section]) -> str:
    """Return in one sentence how many aims were reached."""
    judged = [row for section in sections for row in section.rows if row.reached is not None]
    missed = [row for row in judged if not row.reached]
    if not missed:
        return f"All {len(judged)} aims are reached."
    return f"{len(judged) - len(missed)} of {len(judged)} aims are reached; the others are marked NO."
