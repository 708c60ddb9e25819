"""Pictures of weights as SVG: one large, or a sheet of small ones, self-contained, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence

from weightrepl.engine.pictures import Bars, Drawing, HeatMap, Panel, Picture
from weightrepl.engine.table import Histogram
from weightrepl.render.charts import number
from weightrepl.render.plots import LARGE, MEDIUM, SMALL, Size, bars, heat_map, histogram, outline, scales
from weightrepl.render.svg_elements import (
    LINE,
    MONO,
    NOTEBOOK,
    SANS,
    SYSTEM,
    Drawn,
    document,
    group,
    identity,
    safe,
    text,
    wrapped,
)
from weightrepl.spans import visible

_MARGIN = 16
_GAP = 28
_IN_A_ROW = 4


def svg(picture: Picture, dark_where: str = SYSTEM) -> str:
    """Return a picture as an SVG document without a declaration, so that it may stand in HTML too.

    dark_where: SYSTEM or NOTEBOOK, which tell whether the page is dark.
    """
    name = identity(picture.panels, picture.hidden)
    size = LARGE if len(picture.panels) == 1 else SMALL
    drawn = [_panel(panel, size, f"{name}-{i}") for i, panel in enumerate(picture.panels)]
    elements, y = [], float(_MARGIN)
    for start in range(0, len(drawn), _IN_A_ROW):
        row = drawn[start : start + _IN_A_ROW]
        for i, panel in enumerate(row):
            elements.append(group(_MARGIN + i * (size.width + _GAP), y, panel.elements))
        y += max(panel.height for panel in row) + _GAP
    if picture.hidden:
        elements.append(text(_MARGIN, y, f"and {picture.hidden:,} more, which are not drawn", "dim"))
        y += LINE
    body = "".join(elements)
    used = [strip for key, strip in scales(name).items() if f'href="#{key}"' in body]
    defined = [f"<defs>{''.join(used)}</defs>"] if used else []
    width = 2 * _MARGIN + min(len(drawn), _IN_A_ROW) * (size.width + _GAP) - _GAP
    high, drawings = y - _GAP + _MARGIN, [*defined, *elements]
    return document(name, width, high, title(picture), description(picture), drawings, dark_where)


def figure(picture: Picture) -> str:
    """Return a picture as a piece of HTML with a caption, light or dark as the notebook is that it stands in."""
    caption = safe(title(picture)) + (f" and {picture.hidden:,} more" if picture.hidden else "")
    return (
        f'<figure style="margin:0;overflow-x:auto">\n{svg(picture, NOTEBOOK)}'
        f'<figcaption style="font-size:small">{caption}</figcaption>\n</figure>'
    )


def drawing(panel: Panel) -> str:
    """Return a weight as a picture for a notebook which names it elsewhere: what was drawn, and its remarks."""
    name = identity(panel)
    drawn = _drawn(panel.drawing, MEDIUM, f"{name}-0")
    elements, y = list(drawn.elements), drawn.height
    remarks = [line for remark in panel.remarks for line in wrapped(remark, int(MEDIUM.width / SANS))]
    for line in remarks:
        y += LINE
        elements.append(text(0, y, line, "dim"))
    body = "".join(elements)
    used = [strip for key, strip in scales(name).items() if f'href="#{key}"' in body]
    elements[:0] = [f"<defs>{''.join(used)}</defs>"] if used else []
    told = ", ".join([_in_words(panel.drawing), *panel.remarks])
    wide = min(MEDIUM.width, max([drawn.width, *(SANS * len(line) for line in remarks)]))
    return document(name, wide, y + 4, panel.address, told, elements, NOTEBOOK)


def thumbnail(drawn: Histogram) -> str:
    """Return a histogram as a small picture without axes, for a cell of a table, in the colour of its text.

    Its title says the numbers.
    """
    width, height = 80, 18
    total, span = sum(drawn.counts), f"{number(drawn.low)} … {number(drawn.high)}"
    words = f"{total:,} values in {len(drawn.counts)} bins, {span}" if total else "no finite values"
    if drawn.outside:
        words += f"; {drawn.outside:,} NaN or infinite"
    shown = f'<path d="{outline(drawn.counts, width, height - 1)}"/>' if total else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="wr-bars" width="{width}" height="{height}" role="img" '
        f'fill="currentColor"><title>{safe(words)}</title>'
        f'<path d="M0 {height - 0.5}h{width}" stroke="currentColor" opacity=".4"/>{shown}</svg>'
    )


# ------------------------------------------------------------------ words


def title(picture: Picture) -> str:
    """Return what a picture is of."""
    return picture.panels[0].address if len(picture.panels) == 1 else f"{len(picture.panels):,} weights"


def description(picture: Picture) -> str:
    """Return in words what there is to see of each weight, for who does not see it."""
    return "; ".join(
        ", ".join([panel.address, *_facts(panel), _in_words(panel.drawing), *panel.remarks])
        for panel in picture.panels
    )


def _facts(panel: Panel) -> tuple[str, str]:
    return "shape unknown" if panel.shape is None else str(panel.shape), panel.dtype


def _in_words(drawing: Drawing) -> str:
    match drawing:
        case HeatMap(cells, across, down):
            values = [value for row in cells for value in row if value is not None]
            axes = f"rows {down}, columns {across}" if down else across
            return f"heat map, {axes}, {_range(values)}"
        case Bars(values, across):
            return f"bars, {across}, {_range(values)}"
        case Histogram(low, high, counts):
            return f"histogram from {number(low)} to {number(high)}, at most {max(counts):,} in a bin"
        case str():
            return drawing


def _range(values: Sequence[float]) -> str:
    finite = [value for value in values if math.isfinite(value)]
    return f"from {number(min(finite))} to {number(max(finite))}" if finite else "nothing finite"


# ------------------------------------------------------------------ panels


def _panel(panel: Panel, size: Size, name: str) -> Drawn:
    """Return a weight under its address, with its shape, dtype and remarks. name: begins the identities within it."""
    elements, y = [f"<title>{safe(panel.address)}</title>"], 0.0
    for line in wrapped(visible(panel.address), int(size.width / MONO)):
        y += LINE
        elements.append(text(0, y - 4, line, more=' font-family="ui-monospace, monospace" font-weight="600"'))
    for line in wrapped(" ".join(_facts(panel)), int(size.width / SANS)):
        y += LINE
        elements.append(text(0, y - 4, line, "dim"))
    drawn = _drawn(panel.drawing, size, name)
    elements.append(group(0, y + 4, drawn.elements))
    y += 4 + drawn.height
    for remark in panel.remarks:
        for line in wrapped(remark, int(size.width / SANS)):
            y += LINE
            elements.append(text(0, y, line, "dim"))
    return Drawn(tuple(elements), y)


def _drawn(drawing: Drawing, size: Size, name: str) -> Drawn:
    match drawing:
        case HeatMap():
            return heat_map(drawing, size, name)
        case Bars():
            return bars(drawing, size, name)
        case Histogram():
            return histogram(drawing, size)
        case str():
            return Drawn((text(0, 24, drawing, more=' font-size="20"'),), 30)
