"""The colours of queries: for each role of a piece one look, on terminals and in HTML, light and dark."""

from __future__ import annotations

from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.service.answers import Role

HUES: dict[str, tuple[str, str]] = {
    "": ("#1f2328", "#e6edf3"),
    "red": ("#cf222e", "#ff7b72"),
    "green": ("#116329", "#7ee787"),
    "yellow": ("#953800", "#ffa657"),
    "blue": ("#0550ae", "#79c0ff"),
    "magenta": ("#8250df", "#d2a8ff"),
    "cyan": ("#0a6c74", "#76e3ea"),
    "brightblack": ("#57606a", "#9198a1"),
}
"""The colours by the names that terminals have for them (none: their text colour), and as light and dark pages have
them: on white and on `#1e1e1e` the contrast is at least 4.5 to 1, as WCAG 2.1 asks for in 1.4.3."""


class Look(Value):
    """How a piece of a query looks: in one of the hues, and perhaps bold."""

    hue: str
    bold: bool = False

    @property
    def ansi(self) -> str:
        """It in the words that prompt_toolkit and pygments have for terminals: `ansiblue bold`."""
        return " ".join((f"ansi{self.hue}",) * bool(self.hue) + ("bold",) * self.bold)


LOOKS: dict[Role, Look] = {
    "model": Look("blue", bold=True),
    "layer": Look("blue"),
    "attribute": Look("cyan"),
    "class": Look("yellow"),
    "weight": Look("green"),
    "reference": Look("magenta", bold=True),
    "wildcard": Look("magenta"),
    "escape": Look("brightblack"),
    "separator": Look(""),
    "exclusion": Look("red", bold=True),
    "pipe": Look("", bold=True),
    "stage": Look("magenta", bold=True),
    "column": Look("blue"),
    "keyword": Look("magenta"),
    "operator": Look(""),
    "number": Look("cyan"),
    "string": Look("green"),
    "constant": Look("cyan"),
    "slice": Look("cyan"),
    "comment": Look("brightblack"),
    "directive": Look("magenta", bold=True),
    "path": Look("green"),
    "error": Look("red"),
}
