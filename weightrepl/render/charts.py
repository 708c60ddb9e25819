"""Histograms in block characters: one that fits a cell, and one that fills a screen.

A bin with a single value is always seen; only one without any is blank. Heights and lengths are in eighths of a
character (Unicode's Block Elements, U+2580 to U+259F).
"""

from __future__ import annotations

from weightrepl.render.blocks import Cell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from weightrepl.engine.table import Histogram

HEIGHTS = " ▁▂▃▄▅▆▇█"
LENGTHS = " ▏▎▍▌▋▊▉█"
_ASCII_HEIGHTS = " .:-=+*%@"
_IN_ASCII = str.maketrans(HEIGHTS, _ASCII_HEIGHTS)

_WIDEST = 80
"""How long lines get where they may be of any length, and on a wide screen."""


def number(value: float, digits: int = 4) -> str:
    """Return a number as axes show it, of at most ten characters.

    >>> number(-0.123456), number(123456), number(3e-9)
    ('-0.1235', '123456', '3e-09')
    """
    return f"{value + 0.0:.{max(digits, 6) if 1e4 <= abs(value) < 1e6 else digits}g}"


def numbers(values: Sequence[float]) -> list[str]:
    """Return numbers with as many digits as it takes to tell them apart.

    >>> numbers([1000.001, 1000.002]), numbers([1, 2])
    (['1000.001', '1000.002'], ['1', '2'])
    """
    different = len(set(values))
    digits_tried = range(4, 18)  # 17 tell all floats apart
    tried = ([number(value, digits) for value in values] for digits in digits_tried)
    return next(texts for texts in tried if len(set(texts)) == different)


def spark(histogram: Histogram) -> Cell:
    """Return a histogram as a cell: its low edge, a character for each bin, its high edge."""
    if not any(histogram.counts):
        return Cell(f"{'':10} no finite values{_left_out(histogram)}", "bars", histogram=histogram)
    low, high = numbers([histogram.low, histogram.high])
    text = f"{low:>10} {heights(histogram)} {high}{_left_out(histogram)}"
    return Cell(text, "bars", histogram=histogram)


def heights(histogram: Histogram) -> str:
    """Return a character for each bin of a histogram, a blank where there is nothing in it."""
    most = max(histogram.counts)
    return "".join(HEIGHTS[_eighths(count, most, 8)] for count in histogram.counts)


def in_ascii(cell: Cell) -> Cell:
    """Return a cell as it is where only ASCII can be shown."""
    return cell._replace(text=cell.text.translate(_IN_ASCII)) if cell.role == "bars" else cell


def chart(histogram: Histogram, width: int | None, unicode: bool = True) -> Iterator[str]:
    """Yield the lines of a chart: for each bin its edges, a bar and its count; below, what is in no bin.

    width: of the screen in cells, None where lines may be of any length.
    """
    counts = histogram.counts
    if any(counts):
        dots, line = ("…", "│") if unicode else ("..", "|")
        edges = numbers(edges_of(histogram))
        written = [f"{count:,}" for count in counts]
        wide, right = max(map(len, edges)), max(map(len, [*written, "count"]))
        left = 2 * wide + len(dots) + 2
        room = max(8, min(width or _WIDEST, _WIDEST) - left - right - 4)
        yield f"{'value':>{left}}   {'':{room}} {'count':>{right}}"
        for i, (count, text) in enumerate(zip(counts, written, strict=True)):
            span = f"{edges[i]:>{wide}} {dots} {edges[i + 1]:>{wide}}"
            yield f"{span} {line} {_bar(count, max(counts), room, unicode)} {text:>{right}}"
    if histogram.outside or not any(counts):
        yield outside_in_words(histogram)


def edges_of(histogram: Histogram) -> list[float]:
    """Return the edges of all bins, one more than there are bins; none overflows on the way."""
    low, high, bins = histogram.low, histogram.high, len(histogram.counts)
    edges = (low * (1 - i / bins) + high * (i / bins) for i in range(bins + 1))
    nothing = 1e-9 * (high / bins - low / bins)  # what rounding makes of 0
    return [0.0 if abs(edge) < nothing else edge for edge in edges]


def outside_in_words(histogram: Histogram) -> str:
    """Return what is in no bin, as a sentence; empty if nothing is."""
    outside = histogram.outside
    if not any(histogram.counts):
        return f"no finite values; {outside:,} NaN or infinite" if outside else "no values"
    values = "value is" if outside == 1 else "values are"
    return f"{outside:,} NaN or infinite {values} in no bin" if outside else ""


def _left_out(histogram: Histogram) -> str:
    return f"  +{histogram.outside:,} NaN or inf" if histogram.outside else ""


def _bar(count: int, most: int, room: int, unicode: bool) -> str:
    if not unicode:
        return f"{'#' * _eighths(count, most, room):{room}}"
    full, rest = divmod(_eighths(count, most, room * 8), 8)
    return f"{LENGTHS[8] * full + LENGTHS[rest].strip():{room}}"


def _eighths(count: int, most: int, whole: int) -> int:
    """Return how many of `whole` parts stand for `count` of at most `most`; at least one for one."""
    return max(int(count > 0), round(count * whole / most))
