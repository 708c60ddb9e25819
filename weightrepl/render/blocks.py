"""What is to be shown, before it is known where: headings, tables, trees, charts, problems.

    Block = Heading | TableBlock | TreeBlock | Chart | ProblemBlock | Line
    Part = Block | Facts | Image | Beside    where there is more room than lines of text have

Cells hold text as a person reads it; what a machine reads is made from the results themselves.
"""

from __future__ import annotations

from typing import NamedTuple

from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal, TypeAlias

    from weightrepl.engine.pictures import Panel
    from weightrepl.engine.table import Histogram
    from weightrepl.errors import Problem

Role: TypeAlias = (
    "Literal['name', 'number', 'shape', 'word', 'unknown', 'dim', 'title', 'list', 'hint', 'bars', 'flag']"
)
"""What a cell is: it says the colour, and that numbers stand to the right."""


class Cell(NamedTuple):
    """One value of a table, as text of one line without control characters.

    parts: where the role is `list`, the items that may go to lines of their own.
    histogram: what `bars` are drawn of.
    """

    text: str
    role: Role = "word"
    parts: tuple[str, ...] = ()
    histogram: Histogram | None = None


class Heading(Value):
    """What stands above one result of several: its query."""

    text: str


class Line(Value):
    """A line of its own, such as the totals."""

    text: str
    role: Role = "word"


class TableBlock(Value):
    """Rows of cells under the names of their columns. The first column is never cut nor moved.

    caption: what they are together, where that is part of a table.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


class TreeRow(NamedTuple):
    """A row of a tree: how deep its first cell hangs (0: a root), and its cells."""

    depth: int
    cells: tuple[Cell, ...]


class TreeBlock(Value):
    """Rows in tree order, each below the last one before it that is less deep.

    columns: what the cells are, where that is shown. caption: what the rows are together, likewise.
    """

    rows: tuple[TreeRow, ...]
    columns: tuple[str, ...] = ()
    caption: str = ""


class Chart(Value):
    """A histogram as large as the screen allows."""

    histogram: Histogram


class ProblemBlock(Value):
    """A problem with the place that it is about.

    text: what the problem's span counts in. where: `file:line:column`, if it stands in a file.
    """

    problem: Problem
    text: str = ""
    where: str = ""


class Facts(Value):
    """What is told of one thing: the name of each fact, and the fact."""

    rows: tuple[tuple[str, Cell], ...]


class Image(Value):
    """A weight as a picture: a heat map, bars or a histogram."""

    panel: Panel


class Beside(Value):
    """Parts that stand beside each other where there is room."""

    parts: tuple[Facts | Image, ...]


Block: TypeAlias = "Heading | Line | TableBlock | TreeBlock | Chart | ProblemBlock"

Part: TypeAlias = "Block | Facts | Image | Beside"
"""What HTML can show."""
