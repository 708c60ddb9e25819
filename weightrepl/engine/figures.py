"""The figures of weights' values: each read once, all that a query asks for in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol, TypeVar

from weightrepl.engine.table import ColumnType, Value
from weightrepl.model.tree import Site

T = TypeVar("T")

FIGURES: dict[str, ColumnType] = {
    "min": "number", "max": "number", "mean": "number", "std": "number", "norm": "number", "absmax": "number",
    "zeros": "number", "nans": "number", "infs": "number", "sparsity": "number", "flags": "text",
}  # fmt: skip
"""What `stats` shows, and of what kind it is; docs/statistics.md defines each."""


class Watcher(Protocol):
    """Is told how far the reading of values has come; may be told by several threads."""

    def begin(self, nbytes: int) -> None:
        """About so many bytes are going to be read."""
        ...

    def advance(self, nbytes: int) -> None:
        """So many more have been."""
        ...

    def end(self) -> None:
        """No more are, for now."""
        ...


def kept(compute: Callable[[Site], T]) -> Callable[[Site], T]:
    """Return what computes something of a site once; it holds the site, so that no other gets its identity."""
    known: dict[tuple[int, str, int], tuple[Site, T]] = {}

    def of(site: Site) -> T:
        key = (id(site.weight), site.slice_text, id(site.derived))
        if key not in known:
            known[key] = site, compute(site)
        return known[key][1]

    return of


def known_figures(site: Site) -> Mapping[str, object]:
    """Return what was last computed of a weight in a file; of live ones, which may have changed since, nothing."""
    return {} if site.derived else site.place.model.figures.get((site.weight, site.slice_text), {})


def remember(site: Site, known: Mapping[str, Value]) -> None:
    """Keep what was computed of a weight in a file, for `known_figures`."""
    if site.place.model.source and not site.derived:
        site.place.model.figures[site.weight, site.slice_text] = known


class Figures:
    """The figures of the weights of one result, computed when first asked for and then kept.

    wanted: those that the query asks for, which are computed together.
    """

    def __init__(self, wanted: Iterable[str] = (), watcher: Watcher | None = None) -> None:
        self._wanted: frozenset[str] = frozenset()
        self.want(wanted)
        self._known: Callable[[Site], dict[str, Value]] = kept(lambda site: {})
        self.watcher = watcher

    def want(self, names: Iterable[str]) -> None:
        """Compute these together with whatever is asked for, if they are figures."""
        self._wanted |= FIGURES.keys() & set(names)

    def of(self, site: Site, name: str) -> Value:
        """Return a figure of what is at `site`.

        Raises:
            SourceError: the values can't be read.
        """
        known = self._known(site)
        if name not in known:
            from weightrepl.engine.statistics import measured

            known |= measured(site.tensor, site.spec, self._wanted | {name}, self.advance)
            remember(site, known)
        return known[name]

    def advance(self, nbytes: int) -> None:
        """Tell the watcher that so many more bytes have been read."""
        if self.watcher is not None:
            self.watcher.advance(nbytes)

    @contextmanager
    def reading(self, rows: Iterable[Site]) -> Iterator[None]:
        """Tell the watcher what is going to be read, as long as it lasts."""
        if self.watcher is None:
            yield
            return
        self.watcher.begin(sum(row.nbytes_to_read for row in rows))
        try:
            yield
        finally:
            self.watcher.end()
