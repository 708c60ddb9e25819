"""Records what the prompt looks like: `python -m tests.record_screens` writes docs/screens/*.svg.

Each scene is played in a pseudo-terminal on the model of the demo; the same scenes are golden files of the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.sax.saxutils import escape, quoteattr

import pyte

from tests.terminal import ENTER, PROMPT, TAB, Terminal, repl

ROOT = Path(__file__).resolve().parent.parent
SCREENS = ROOT / "docs" / "screens"

STILL_S = 2.0
"""Who has drawn nothing for so long has drawn all."""

Char = pyte.screens.Char


@dataclass(frozen=True, slots=True)
class Scene:
    """Something to see.

    what: it in words. keys: what is typed, line by line. seen: whether all of it has been drawn.
    """

    what: str
    keys: tuple[str, ...]
    seen: Callable[[Terminal], object]
    columns: int = 80
    lines: int = 24


SCENES = {
    "start": Scene(
        "A first query and its table", ("**:kernel" + ENTER,), lambda t: "$1" in t.text and t.line == PROMPT
    ),
    "completion": Scene(
        "What may come next, with what it is",
        ("custom_module/" + TAB,),
        lambda t: t.text.count("params") >= 2,
        lines=12,
    ),
    "problem": Scene(
        "A name that is not there is underlined, and told below",
        ("custom_modul/*dense1:kernel",),
        lambda t: "no layer" in t.text and t.cells("custom_modul/")[0].underscore,
        lines=8,
    ),
    "table": Scene(
        "Statistics, and a selection of them in another order",
        ("**:kernel" + ENTER, "$_ | stats | sort norm desc | show address, mean, std, norm" + ENTER),
        lambda t: "$2" in t.text and t.line == PROMPT,
        lines=14,
    ),
    "help": Scene("The help", ("%help" + ENTER,), lambda t: "%quit" in t.text and t.line == PROMPT),
    "narrow": Scene(
        "The same in forty columns",
        ("**:kernel" + ENTER, "custom_module/" + TAB),
        lambda t: "inner_dense2  Dense" in t.text,
        columns=40,
        lines=16,
    ),
}


def played(scene: Scene, folder: Path) -> Terminal:
    """Return the terminal in which a scene was played, still there."""
    terminal = repl(folder, columns=scene.columns, lines=scene.lines)
    for n, keys in enumerate(scene.keys, 1):
        terminal.wait(lambda t: t.line == PROMPT)
        terminal.send(keys)
        if n < len(scene.keys):
            terminal.wait(lambda t, n=n: f"${n}" in t.text)  # type: ignore[misc]
    terminal.wait(scene.seen)
    return terminal


def main() -> None:
    """Write all screens."""
    SCREENS.mkdir(exist_ok=True)
    for name, scene in SCENES.items():
        with TemporaryDirectory() as folder, played(scene, Path(folder)) as terminal:
            terminal.wait(lambda t: t.still_s > STILL_S)
            (SCREENS / f"{name}.svg").write_text(svg(terminal.screen, scene.what), encoding="utf-8")


# ------------------------------------------------------------------ a screen as SVG

_COLOURS = {
    "black": "#1e2127", "red": "#e06c75", "green": "#98c379", "brown": "#d19a66", "blue": "#61afef",
    "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#abb2bf", "brightblack": "#7f8794",
    "brightred": "#ef8f97", "brightgreen": "#b5d99c", "brightbrown": "#e5c07b", "brightblue": "#8cc7f7",
    "brightmagenta": "#d9a0ea", "brightcyan": "#7fd0da", "brightwhite": "#ffffff",
}  # fmt: skip
_TEXT, _PAPER = "#d7dae0", "#1b1e24"
_CELL_WIDTH, _LINE_HEIGHT, _SIZE, _MARGIN = 8.4, 18, 14, 14


def svg(screen: pyte.Screen, what: str) -> str:
    """Return a screen as an SVG document that stands by itself: any monospaced font will do, each run has its place."""
    width = round(screen.columns * _CELL_WIDTH + 2 * _MARGIN)
    height = screen.lines * _LINE_HEIGHT + 2 * _MARGIN
    elements = [
        f'<rect width="{width}" height="{height}" rx="8" fill="{_PAPER}"/>',
        *(element for y in range(screen.lines) for element in _row(screen, y)),
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'role="img" aria-label={quoteattr(what)} font-family="ui-monospace, Menlo, Consolas, \'DejaVu Sans Mono\', '
        f'monospace" font-size="{_SIZE}">\n<title>{escape(what)}</title>\n'
        + "\n".join(elements)
        + "\n</svg>\n"
    )


def _row(screen: pyte.Screen, y: int) -> Iterator[str]:
    """Yield what a line of the screen is made of: first all that lies behind letters, then these."""
    cells = [screen.buffer[y][x] for x in range(screen.columns)]
    if not screen.cursor.hidden and screen.cursor.y == y and screen.cursor.x < screen.columns:
        cells[screen.cursor.x] = cells[screen.cursor.x]._replace(reverse=not cells[screen.cursor.x].reverse)
    top = _MARGIN + y * _LINE_HEIGHT
    behind, letters = [], []
    for x, run in _runs(cells):
        colour, paper = _colours_of(run[0])
        left, wide = f"{_MARGIN + x * _CELL_WIDTH:.1f}", f"{len(run) * _CELL_WIDTH:.1f}"
        if paper != _PAPER:
            behind.append(
                f'<rect x="{left}" y="{top}" width="{wide}" height="{_LINE_HEIGHT}" fill="{paper}"/>'
            )
        if run[0].underscore:
            line = f"M{left} {top + 15.5}h{wide}"
            behind.append(f'<path d="{line}" stroke="{colour}"/>')
        text = "".join(cell.data for cell in run)
        if text.strip():
            place = f'x="{left}" y="{top + 13}" textLength="{wide}" lengthAdjust="spacingAndGlyphs"'
            letters.append(f'<text {place} fill="{colour}"{_face(run[0])}>{_kept(text)}</text>')
    yield from behind
    yield from letters


def _runs(cells: Sequence[Char]) -> Iterator[tuple[int, Sequence[Char]]]:
    """Yield cells of one look with where they begin; a letter of two columns, its second cell empty, is by itself."""
    begin = 0
    for x in range(1, len(cells) + 1):
        alone = x < len(cells) and (_is_wide(cells, x) or _is_wide(cells, x - 2))
        if x == len(cells) or alone or _look(cells[x]) != _look(cells[begin]):
            yield begin, cells[begin:x]
            begin = x


def _look(cell: Char) -> Char:
    """Return what can be seen of a cell but its letter; of a blank only what is behind it."""
    if cell.data == " " and not (cell.reverse or cell.underscore):
        return Char("", bg=cell.bg)
    return cell._replace(data="")


def _is_wide(cells: Sequence[Char], x: int) -> bool:
    return 0 <= x < len(cells) - 1 and not cells[x + 1].data


def _colours_of(cell: Char) -> tuple[str, str]:
    """Return the colour of a cell's letter, and of what is behind it."""
    colour, paper = _colour(cell.fg, _TEXT), _colour(cell.bg, _PAPER)
    return (paper, colour) if cell.reverse else (colour, paper)


def _colour(name: str, default: str) -> str:
    return default if name == "default" else _COLOURS.get(name) or f"#{name}"


def _face(cell: Char) -> str:
    return (' font-weight="bold"' if cell.bold else "") + (' font-style="italic"' if cell.italics else "")


def _kept(text: str) -> str:
    """Return text in which blanks stay as many as they are."""
    return escape(text).replace(" ", "\u00a0")


if __name__ == "__main__":
    main()
