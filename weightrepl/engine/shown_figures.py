"""Figures for a display: of as many weights as a short time allows, the small ones first."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial, reduce
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, cast

from weightrepl.engine.figures import FIGURES, known_figures, remember
from weightrepl.engine.histograms import DEFAULT_BINS
from weightrepl.engine.passes import blocks_of, folded
from weightrepl.engine.table import Histogram, Value
from weightrepl.errors import SourceError
from weightrepl.model.tensor import Array
from weightrepl.model.tree import Site
from weightrepl.values import Value as Frozen

if TYPE_CHECKING:
    from weightrepl.engine.statistics import Room, Tally

SAMPLE = 1 << 14
"""So many values are counted for a histogram; of a weight that has more, every k-th."""

_TELLING_S = 0.02
"""After so long the speed of reading a weight tells how long the rest will take."""


class Figured(Frozen):
    """What a display shows of a weight's values.

    figures: those of FIGURES by name; none where the values can't be read.
    histogram: of at most SAMPLE values, between the least and the largest of all; None where the values are no
        numbers, or there was no time for it.
    reason: why the values can't be read; else empty.
    """

    figures: Mapping[str, Value]
    histogram: Histogram | None = None
    reason: str = ""


def figures_within(rows: Sequence[Site], seconds: float) -> list[Figured | None]:
    """Return what to show of each row; None of those for which `seconds` for all together were not enough.

    The small weights come first, so that a large one leaves none of them out. Each is read once.
    """
    shown, clock = [_known(row) for row in rows], _Clock(seconds)
    by_size = sorted(range(len(rows)), key=lambda number: rows[number].nbytes_to_read)
    for number in by_size if seconds > 0 else ():
        try:
            shown[number] = _looked_at(rows[number], clock)
        except SourceError as error:
            shown[number] = Figured({}, reason=str(error))
        except _LateError:
            break
    return shown


def _known(row: Site) -> Figured | None:
    known = cast("Mapping[str, Value]", known_figures(row))
    return Figured({name: known[name] for name in FIGURES}) if known.keys() >= FIGURES.keys() else None


# ------------------------------------------------------------------ one weight


class _LateError(Exception):
    """The time is over, or will be before the weight is read."""


class _Clock:
    """Raises a _LateError once the time is over, or will be before the weight at hand is read.

    It starts when the first values are there: what has to be loaded before any can be read is not counted.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds, self.deadline = seconds, math.inf

    def begin(self, nbytes: int) -> None:
        """So many bytes of a weight are going to be read."""
        self.nbytes, self.read, self.begun = nbytes, 0, monotonic()
        if self.begun >= self.deadline:
            raise _LateError

    def advance(self, nbytes: int) -> None:
        """So many more have been."""
        now = monotonic()
        if self.deadline == math.inf:
            self.begun, self.deadline = now, now + self.seconds
        self.read += nbytes
        elapsed = now - self.begun
        rest = elapsed * (self.nbytes / max(1, self.read) - 1) if elapsed > _TELLING_S else 0
        if now + rest / 2 > self.deadline:  # the beginning is slow, but hardly by more than that
            raise _LateError


class _Look(NamedTuple):
    """What is known of some values: their tally, that of their magnitudes if they are complex, and a sample."""

    total: Tally
    ends: Tally
    sample: tuple[Array, ...]


def _looked_at(row: Site, clock: _Clock) -> Figured:
    """Return the figures and the histogram of a weight, read now.

    Raises:
        SourceError: the values can't be read.
        _LateError: not in time.
    """
    from weightrepl.engine.statistics import Room, Tally, are_numbers, figure

    spec = row.spec
    if not are_numbers(spec):
        return Figured(dict.fromkeys(FIGURES))
    clock.begin(spec.nbytes or 0)
    size = spec.size or 0
    step = max(1, -(-size // SAMPLE))
    while math.gcd(step, size) > 1:  # else some columns are never taken
        step += 1
    blocks = blocks_of(row.tensor, spec, clock.advance)
    look = folded(
        blocks, size, lambda: partial(_look, step=step, room=Room()), _joined, _Look(Tally(), Tally(), ())
    )
    figures = {name: figure(name, look.total, spec.dtype) for name in FIGURES}
    remember(row, figures)
    return Figured(figures, _histogram(look, spec.dtype))


def _look(block: Array, step: int, room: Room) -> _Look:
    from weightrepl.engine.statistics import magnitudes_tallied, tallied

    total = tallied(block, frozenset(("zeros", "ends", "norm", "moments")), room)
    ends = magnitudes_tallied(block, room) if block.dtype.kind == "c" else total
    return _Look(total, ends, (block[::step].copy(),))


def _joined(a: _Look, b: _Look) -> _Look:
    from weightrepl.engine.statistics import merged

    return _Look(merged(a.total, b.total), merged(a.ends, b.ends), a.sample + b.sample)


def _histogram(look: _Look, dtype: str) -> Histogram:
    from weightrepl.engine.statistics import Room, added, counted, empty_histogram

    ends = (0, 1) if dtype == "bool" else (look.ends.low, look.ends.high)
    empty, room = empty_histogram(*ends, DEFAULT_BINS), Room()
    return reduce(added, (counted(empty, part, room) for part in look.sample), empty)
