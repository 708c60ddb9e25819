"""What is to be shown, before it is known where: headings, tables, trees, pictures of problems.

    Block = Heading | TableBlock | TreeBlock | Picture | Line

Cells hold text as a person reads it; what a machine reads is made from the results themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from weightrepl.errors import Problem

Role: TypeAlias = Literal["name", "number", "shape", "word", "unknown", "dim", "title", "list"]
"""What a cell is: it says the colour, and that numbers stand to the right."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One value of a table, as text of one line without control characters.

    parts: where the role is `list`, the items that may go to lines of their own.
    """

    text: str
    role: Role = "word"
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above one result of several: its query."""

    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of its own, such as the totals."""

    text: str
    role: Role = "word"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """Rows of cells under the names of their columns. The first column is never cut nor moved."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A row of a tree: how deep its first cell hangs (0: a root), and its cells."""

    depth: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class TreeBlock:
    """Rows in tree order, each below the last one before it that is less deep."""

    rows: tuple[TreeRow, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A problem with the place that it is about.

    text: what the problem's span counts in. where: `file:line:column`, if it stands in a file.
    """

    problem: Problem
    text: str = ""
    where: str = ""


Block: TypeAlias = Heading | Line | TableBlock | TreeBlock | Picture
