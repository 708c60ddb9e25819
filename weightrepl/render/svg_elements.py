"""The elements that SVG pictures are made of: text, lines and groups, in colours for light and dark.

An element has its light colour in an attribute, which every program understands, and a class, by which the style
sheet of the picture changes it on dark pages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from html import escape

from weightrepl.spans import visible
from weightrepl.values import Value

LEVELS = 7
"""How many steps of magnitude are told apart on either side of 0."""

# p and n: OKLCH of hue 45 and 255, lightness .88 to .40 (on dark .35 to .90): https://www.w3.org/TR/css-color-4/
LIGHT = {
    "ink": "#1f2328", "dim": "#59636e", "line": "#c8ccd1", "paper": "#ffffff",
    "zero": "#f1f1f1", "nan": "#d5d5d5", "onlow": "#3f3f3f", "onhigh": "#ffffff",
    "p1": "#f3d1c1", "p2": "#eeae92", "p3": "#e38c65", "p4": "#d26c3a", "p5": "#bc4f08", "p6": "#9a3d00",
    "p7": "#772e02",
    "n1": "#c6dbf6", "n2": "#9ac2f5", "n3": "#71a8ef", "n4": "#4b8ee2", "n5": "#2774ce", "n6": "#025cb3",
    "n7": "#01468c",
}  # fmt: skip
DARK = {
    "ink": "#e6e8eb", "dim": "#9aa4af", "line": "#444a52", "paper": "#121416",
    "zero": "#242526", "nan": "#4a4d50", "onlow": "#d0d0d0", "onhigh": "#000000",
    "p1": "#513224", "p2": "#7e4021", "p3": "#a94f21", "p4": "#d1642b", "p5": "#f37f45", "p6": "#ffa881",
    "p7": "#ffd3c0",
    "n1": "#283c55", "n2": "#2b5487", "n3": "#316eb7", "n4": "#3f89e2", "n5": "#5fa6fe", "n6": "#96c4ff",
    "n7": "#c9e0ff",
}  # fmt: skip

LINE = 15
"""From one line of text to the next, in pixels."""

MONO, SANS = 6.65, 5.9
"""About how wide a character of 11 pixels is."""


class Drawn(Value):
    """Elements that begin at (0, 0), and how high they are; how wide, where that is less than they may be."""

    elements: tuple[str, ...]
    height: float
    width: float = math.inf


def identity(*drawn: object) -> str:
    """Return a name that is the same for the same picture and no other, so that several may share a page."""
    from hashlib import sha256

    return "wr" + sha256(repr(drawn).encode("utf-8", "surrogatepass")).hexdigest()[:10]


SYSTEM = "@media (prefers-color-scheme:dark)"
"""Where a picture that stands by itself is dark."""

NOTEBOOK = (
    ':is([data-jp-theme-light="false"],.vscode-dark,.vscode-high-contrast,[theme=dark],[data-theme=dark])'
)
"""Where one in a notebook is: JupyterLab, VS Code, Colab and pages of documentation have themes of their own."""


_OF_THE_PAGE = {"ink": "inherit", "dim": "inherit;opacity:.75", "line": "inherit;opacity:.3"}
"""What is of the page's own colour in a notebook."""


def document(
    name: str,
    width: float,
    height: float,
    title: str,
    description: str,
    elements: Iterable[str],
    dark_where: str = SYSTEM,
) -> str:
    """Return a picture that stands by itself, and may stand in HTML. name: its identity.

    One in a notebook stands on the page itself, its text and lines in the page's own colour.
    """
    w, h = math.ceil(width), math.ceil(height)
    paper = [f'<rect width="{w}" height="{h}" {colour("paper")}/>'] if dark_where == SYSTEM else []
    body = "\n".join([*paper, *elements])
    sheet = _sheet(name, [key for key in DARK if f'class="{key}"' in body], dark_where)
    body = body.replace('class="', f'class="{name}-')  # of its own: no page's style sheet meets another's
    told = f'<title id="{name}-t">{safe(title)}</title>'
    if description:
        told += f'\n<desc id="{name}-d">{safe(description)}</desc>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" width="{w}" height="{h}" viewBox="0 0 {w} {h}" '
        f'role="img" aria-labelledby="{name}-t{f" {name}-d" if description else ""}" '
        f'fill="currentColor" font-family="system-ui, sans-serif" font-size="11">\n{told}\n'
        f"<style>{sheet}</style>\n{body}\n</svg>\n"
    )


def _sheet(name: str, keys: Iterable[str], dark_where: str) -> str:
    """Return the style of a picture that has these colours."""
    if dark_where == SYSTEM:
        return f"{SYSTEM}{{{''.join(f'.{name}-{key}{{color:{DARK[key]}}}' for key in keys)}}}"
    # variables, since what `<use>` draws knows nothing of the page around the picture but what it inherits
    dark = "".join(f"--{key}:{DARK[key]};" for key in keys if key not in _OF_THE_PAGE)
    rules = (f".{name}-{key}{{color:{_OF_THE_PAGE.get(key, f'var(--{key},{LIGHT[key]})')}}}" for key in keys)
    return f"{NOTEBOOK} #{name}{{{dark}}}{''.join(rules)}"


def colour(key: str) -> str:
    """Return the attributes that give an element and all within it a colour."""
    return f'class="{key}" color="{LIGHT[key]}"'


def text(x: float, y: float, content: str, key: str = "ink", more: str = "") -> str:
    """Return a line of text that begins at `x`, on the base line `y`."""
    return f'<text x="{short(x)}" y="{short(y)}" {colour(key)}{more}>{safe(content)}</text>'


def group(x: float, y: float, elements: Iterable[str]) -> str:
    """Return elements, moved."""
    return f'<g transform="translate({short(x)} {short(y)})">\n' + "\n".join(elements) + "\n</g>"


def safe(content: str) -> str:
    """Return text as XML has it, control characters as escapes."""
    return escape(visible(content))


def short(value: float) -> str:
    """Return a coordinate as short as a hundredth of a pixel allows.

    >>> short(3.0), short(0.456)
    ('3', '0.46')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def wrapped(content: str, most: int) -> Iterator[str]:
    """Yield text in lines of at most so many characters, broken at blanks, behind `/` or before `:` if there are.

    >>> list(wrapped("model/encoder:kernel", 14))
    ['model/encoder', ':kernel']
    """
    while len(content) > most:
        cut = max(
            content.rfind(" ", 0, most) + 1, content.rfind("/", 0, most) + 1, content.rfind(":", 1, most + 1)
        )
        yield content[: cut if cut > 0 else most].rstrip()
        content = content[cut if cut > 0 else most :]
    yield content
