"""Heat maps, bars and histograms as SVG elements, with axes, numbers and legends.

Colours diverge from 0 and are as dark (on dark pages as light) as the magnitude is large, alike on both sides. Without
colours the sign is told by a dash on what is negative; NaN is a cross, infinite a plus or a minus on the colour of
text. A run of cells is a piece of a line as thick as they are high: cells of one colour are one path, and their
dashes the same path, thin and dashed.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

from weightrepl.engine.pictures import Bars, HeatMap
from weightrepl.engine.table import Histogram
from weightrepl.render.charts import number, numbers
from weightrepl.render.svg_elements import LEVELS, LINE, MONO, SANS, Drawn, colour, group, short, text
from weightrepl.values import Value


class Size(Value):
    """How large a panel, and what is drawn in it, may get, in pixels.

    cell: the side of a cell. swatch: the width of a colour in the legend. ticks: how many an axis has.
    """

    width: int
    map_height: int
    plot_height: int
    cell: int
    swatch: int
    ticks: int


LARGE = Size(720, 480, 240, 28, 14, 10)
MEDIUM = Size(480, 320, 160, 20, 10, 6)
SMALL = Size(236, 165, 100, 14, 8, 4)

_SWATCH = 11

# ------------------------------------------------------------------ heat maps


def heat_map(drawn: HeatMap, size: Size, name: str) -> Drawn:
    """Return a heat map with its axes and its legend. name: begins the identities of its elements."""
    high, wide = drawn.tile or (len(drawn.cells), len(drawn.cells[0]))
    across = _start(len(drawn.cells[0]) - 1, wide) + 1
    down = _start(len(drawn.cells) - 1, high) + 1
    left = LINE + 4 if drawn.down else 0
    w, h = _cell_size((size.width - left) / across, size.map_height / down, size.cell, drawn.tile)
    values = [value for row in drawn.cells for value in row if value is not None]
    scale = largest(values)
    cells = _cells(_runs(drawn, scale, high, wide), name, h)
    scaled = f'<g transform="translate({left} 0) scale({short(w)} {short(h)})" shape-rendering="crispEdges">'
    elements = [scaled, *cells, "</g>"]
    bottom = max(down * h, SANS * len(drawn.down))
    if drawn.down:
        elements.append(text(0, 0, drawn.down, "dim", ' transform="translate(4 0) rotate(90)"'))
    elements.append(text(left, bottom + 13, drawn.across, "dim"))
    key = _legend(values, scale, name, size.swatch)
    elements.append(group(left, bottom + 22, key.elements))
    needed = max(left + max(across * w, SANS * len(drawn.across)), left + key.width)
    return Drawn(tuple(elements), bottom + 22 + key.height, needed)


def _start(i: int, tile: int) -> float:
    """Return where the i-th cell begins, in cells: after each tile there is half a cell of nothing."""
    return i + i // tile * 0.5


def _cell_size(w: float, h: float, most: int, tile: tuple[int, int] | None) -> tuple[float, float]:
    """Return the width and height of a cell in pixels; square if it is of a filter, or has 4 pixels at least."""
    w, h = min(w, most), min(h, most)
    if tile or min(w, h) >= 4:
        w = h = min(w, h)
    w, h = min(w, 3 * h), min(h, 3 * w)
    return (float(int(w)) if w >= 3 else w), (float(int(h)) if h >= 3 else h)


def largest(values: Sequence[float]) -> float:
    """Return the largest finite magnitude; 0 if there is none."""
    return max((abs(value) for value in values if math.isfinite(value)), default=0.0)


def class_of(value: float, scale: float) -> str:
    """Return the colour of a value: `p1` … `p7`, `zero`, `n1` … `n7`, `nan`, `above` and `below` for infinite ones."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "above" if value > 0 else "below"
    level = round(abs(value) / scale * LEVELS) if scale else 0
    return f"{'p' if value > 0 else 'n'}{level}" if level else "zero"


def _runs(drawn: HeatMap, scale: float, high: int, wide: int) -> dict[str, list[tuple[float, float, int]]]:
    """Return for each colour its runs of cells: where they begin, in cells, and how many they are."""
    found: dict[str, list[tuple[float, float, int]]] = {}
    for y, row in enumerate(drawn.cells):
        before = ""
        for x, value in enumerate(row):
            key = "" if value is None else class_of(value, scale)
            if key and key == before and x % wide:
                left, top, length = found[key][-1]
                found[key][-1] = (left, top, length + 1)
            elif key:
                found.setdefault(key, []).append((_start(x, wide), _start(y, high), 1))
            before = key
    return dict(sorted(found.items()))


def _cells(runs: dict[str, list[tuple[float, float, int]]], name: str, height: float) -> Iterator[str]:
    """Yield the cells of each colour, with the marks that they carry. height: of a cell, in pixels."""
    thin = f'stroke-width="{short(min(0.5, max(0.14, 1 / height)))}"'
    for key, pieces in runs.items():
        path = "".join(f"M{short(x)} {short(y + 0.5)}h{length}" for x, y, length in pieces)
        fill = "ink" if key in ("above", "below") else key
        yield f'<g {colour(fill)} stroke="currentColor"><path id="{name}{key}" d="{path}"/></g>'
        if key in _DASHES:
            dash = f'{thin} stroke-dasharray=".5 .5" stroke-dashoffset="-.25"'
            yield f'<use href="#{name}{key}" {colour(_DASHES[key])} stroke="currentColor" {dash}/>'
        if key in _STROKES:
            stroke, mark = _STROKES[key]
            each = ((x + i, y) for x, y, length in pieces for i in range(length))
            marks = "".join(f"M{short(x + 0.25)} {short(y + 0.25)}{stroke}" for x, y in each)
            yield f'<path d="{marks}" {colour(mark)} stroke="currentColor" {thin}/>'


_DASHES = {f"n{i}": "onlow" if i <= 3 else "onhigh" for i in range(1, LEVELS + 1)} | {
    "above": "paper",
    "below": "paper",
}
"""The colour of the dash on a cell, if it has one."""

_STROKES = {"nan": ("l.5 .5m-.5 0l.5-.5", "ink"), "above": ("m.25 0v.5", "paper")}
"""What else is drawn on a cell, from a quarter into it, and its colour."""


# ------------------------------------------------------------------ legends

_SIDES = {
    "both": [*(f"n{i}" for i in range(LEVELS, 0, -1)), "zero", *(f"p{i}" for i in range(1, LEVELS + 1))],
    "plus": ["zero", *(f"p{i}" for i in range(1, LEVELS + 1))],
    "minus": [*(f"n{i}" for i in range(LEVELS, 0, -1)), "zero"],
}


def scales(name: str) -> dict[str, str]:
    """Return the strips of colours that legends use, by identity. name: of the picture."""
    return {
        f"{name}-{side}": f'<g id="{name}-{side}" shape-rendering="crispEdges">'
        + "".join(_cells({key: [(i, 0, 1)] for i, key in enumerate(keys)}, f"{name}-{side}-", 10))
        + "</g>"
        for side, keys in _SIDES.items()
    }


def _legend(values: Sequence[float], scale: float, name: str, step: int) -> Drawn:
    """Return the strip of colours between the numbers at its ends, and how many cells are not finite."""
    kinds = Counter(class_of(value, scale) for value in values)
    sides = {key[0] for key in kinds if key[1:].isdigit()}
    elements, y, right = [], 0.0, 17 * SANS
    if sides:
        side = "both" if len(sides) == 2 else "plus" if "p" in sides else "minus"
        low, high = number(-scale if "n" in sides else 0.0), number(scale if "p" in sides else 0.0)
        x, width = len(low) * SANS + 6, len(_SIDES[side]) * step
        strip = f'href="#{name.rpartition("-")[0]}-{side}"'
        elements = [
            text(0, 10, low),
            f'<use {strip} transform="translate({short(x)} 0) scale({step} {_SWATCH})"/>',
            text(x + width + 6, 10, high),
        ]
        right = max(right, x + width + 6 + len(high) * MONO)
        y += LINE + 2
    elif "zero" in kinds:
        elements.append(text(0, 10, "every value is 0", "dim"))
        y += LINE + 2
    others = list(_not_finite(kinds, name, y, "cell"))
    return Drawn((*elements, *others), y + LINE * len(kinds.keys() & _NOT_FINITE), right)


_NOT_FINITE = {"nan": "NaN", "above": "+∞", "below": "-∞"}


def _not_finite(kinds: Counter[str], name: str, y: float, noun: str) -> Iterator[str]:
    """Yield lines that tell, beside what they look like, how many cells or bars are not finite."""
    for key, words in _NOT_FINITE.items():
        if count := kinds[key]:
            swatch = "".join(_cells({key: [(0, 0, 1)]}, f"{name}-key", _SWATCH))
            yield f'<g transform="translate(0 {short(y)}) scale({_SWATCH})">{swatch}</g>'
            yield text(_SWATCH + 5, y + 10, f"{words} in {count:,} {noun}{'s' * (count > 1)}", "dim")
            y += LINE


# ------------------------------------------------------------------ bars


def bars(drawn: Bars, size: Size, name: str) -> Drawn:
    """Return values as bars up and down from 0; those that are not finite go from edge to edge and carry a mark."""
    finite = [value for value in drawn.values if math.isfinite(value)]
    low, high = min([0.0, *finite]), max([0.0, *finite])
    high = high if low < high else 1.0
    tall = float(size.plot_height)
    zero = tall * (1 - fraction(0.0, low, high))
    ticks = {number(high): 9.0, number(low): tall} | ({"0": zero + 4} if 12 < zero < tall - 12 else {})
    left = max(map(len, ticks)) * SANS + 6
    step = min((size.width - left) / len(drawn.values), size.cell)
    across = f"M{short(left)} {short(zero)}h{short(step * len(drawn.values))}"
    elements = [f'<path d="{across}" {colour("line")} {_THIN}/>']
    for key, side in (("p5", 1), ("n5", -1)):
        boxes = (
            (left + i * step, tall * abs(fraction(value, low, high) - fraction(0.0, low, high)))
            for i, value in enumerate(drawn.values)
            if math.isfinite(value) and value * side > 0
        )
        path = "".join(_box(x, zero, step * 0.85, -side * max(0.75, reach)) for x, reach in boxes)
        elements += [f'<path d="{path}" {colour(key)}/>'] if path else []
    for i, value in enumerate(drawn.values):
        if not math.isfinite(value):
            elements.append(_marked(class_of(value, 1.0), left + i * step, step * 0.85, tall, f"{name}-{i}"))
    elements += [_tick(left, y, label) for label, y in ticks.items()]
    elements.append(text(left, tall + 14, drawn.across, "dim"))
    kinds = Counter(class_of(value, 1.0) for value in drawn.values if not math.isfinite(value))
    return Drawn((*elements, *_not_finite(kinds, name, tall + 20, "bar")), tall + 18 + LINE * len(kinds))


def _box(x: float, y: float, width: float, height: float) -> str:
    return f"M{short(x)} {short(y)}h{short(width)}v{short(height)}h{short(-width)}z"


def _marked(key: str, x: float, width: float, tall: float, name: str) -> str:
    """Return a bar from edge to edge for a value that is not finite, with the mark of such in its middle."""
    band = f'<path d="{_box(x, 0, width, tall)}" {colour("nan" if key == "nan" else "ink")}/>'
    cell = "".join(_cells({key: [(0, 0, 1)]}, name, width))
    place = f"translate({short(x)} {short((tall - width) / 2)}) scale({short(width)})"
    return f'{band}<g transform="{place}">{cell}</g>'


_THIN = 'stroke="currentColor" fill="none"'


def _tick(x: float, y: float, content: str) -> str:
    return text(x - 5, y, content, "dim", ' text-anchor="end"')


# ------------------------------------------------------------------ histograms


def histogram(drawn: Histogram, size: Size) -> Drawn:
    """Return a histogram with its axes: values from left to right, counts upwards."""
    most = f"{max(drawn.counts):,}"
    left, top, tall = max(len(most), len("count")) * SANS + 6, LINE, size.plot_height
    wide = size.width - left - 8
    low, high = drawn.low, drawn.high
    elements = [
        _tick(left, 10, "count"),
        group(left, top, [columns(drawn.counts, wide, tall)]),
        f'<path d="M{short(left)} {top + tall}h{short(wide)}" {colour("line")} {_THIN}/>',
        _tick(left, top + 13, most),
        _tick(left, top + tall, "0"),
    ]
    marks = ticks(low, high, size.ticks)
    for value, written in zip(marks, numbers(marks), strict=True):
        x = left + wide * fraction(value, low, high)
        elements.append(f'<path d="M{short(x)} {top + tall}v4" {colour("line")} {_THIN}/>')
        elements.append(text(x, top + tall + 15, written, "dim", ' text-anchor="middle"'))
    elements.append(text(left + wide / 2, top + tall + 29, "value", "dim", ' text-anchor="middle"'))
    return Drawn(tuple(elements), top + tall + 32)


def fraction(value: float, low: float, high: float) -> float:
    """Return how far a value lies on the way from `low` to `high`; the way may be longer than a float can say."""
    part = 1.0 if math.isfinite(high - low) else 0.5
    return (value * part - low * part) / (high * part - low * part)


def columns(counts: Sequence[int], width: float, height: float) -> str:
    """Return a path of a column for each count."""
    return f'<path d="{outline(counts, width, height)}" {colour("n5")}/>'


def outline(counts: Sequence[int], width: float, height: float) -> str:
    """Return the `d` of a path of a column for each count; one that is not 0 is at least a pixel high."""
    step, most = width / len(counts), max(counts)
    gap = 1 if step > 4 else 0
    path = ""
    for i, count in enumerate(counts):
        if count:
            tall = max(1.0, height * count / most)
            path += f"M{short(i * step)} {short(height)}v-{short(tall)}h{short(step - gap)}v{short(tall)}z"
    return path


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most about `most` round numbers between two others, at equal steps of 1, 2 or 5.

    >>> ticks(-0.93, 0.92, 5)
    [-0.5, 0.0, 0.5]
    """
    rough = high / most - low / most
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else 0.0
    step = next((s * power for s in (1, 2, 5, 10) if s * power >= 0.999 * rough), 0.0)
    if not 0.0 < step < math.inf or low + step == low or high - step == high:
        return [low, high]
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{i * step:.12g}") for i in range(first, last + 1)]
