"""The stage `diff`: what the weights that stand against each other are found to be; docs/diff.md is the contract."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from weightrepl.engine.columns import Column, site_address, weight_columns
from weightrepl.engine.pairing import OtherSide, SitePair, of_the_right, paired, unpaired_note
from weightrepl.engine.relation import Relation
from weightrepl.engine.renames import is_transpose, same_values
from weightrepl.engine.stages import words_of
from weightrepl.engine.table import Value
from weightrepl.model.tree import Site
from weightrepl.model.workspace import Workspace
from weightrepl.query.syntax import Stage

if TYPE_CHECKING:
    from weightrepl.engine.comparison import Difference

SHOWN = ("address", "verdict", "maxabs", "rel", "cosine", "hint")
_NUMBERS = ("maxabs", "meanabs", "rel", "cosine")
_ORDER = ("changed", "shape", "only-left", "only-right", "cast", "same")


class Pair(NamedTuple):
    """A weight and its counterpart, one of which may be missing, and what was found of them.

    difference: None where one is missing. hint: a text, or empty.
    """

    left: Site | None
    right: Site | None
    difference: Difference | None
    hint: str = ""

    @property
    def site(self) -> Site:
        """The weight that the row is of: the left one, where there is one."""
        site = self.left or self.right
        assert site is not None
        return site

    @property
    def verdict(self) -> str:
        """What the column of this name shows."""
        if self.difference is not None:
            return self.difference.verdict
        return "only-right" if self.left is None else "only-left"


def compared(given: Relation, other: Relation, side: OtherSide, stages: Iterable[Stage]) -> Relation:
    """Return the pairs of both sides with their verdicts, the largest changes first.

    stages: those that follow: they tell whether all columns are asked for.

    Raises:
        SourceError: values can't be read.
    """
    sites = paired(given.rows, other.rows, side)
    mean = any(word.text == "meanabs" for stage in stages for word in words_of(stage))
    workspace, figures = side.scope.workspace, given.figures
    with figures.reading(_to_read(sites)):
        pairs = [_pair(left, right, mean, figures.advance) for left, right in sites]
        pairs = _with_twins(pairs, workspace, figures.advance)
    pairs.sort(key=_rank)
    columns = _columns(weight_columns(workspace, figures), workspace)
    result = Relation("pairs", tuple(pairs), columns, SHOWN, figures, given.problems)
    told = tuple(p for p in other.problems if p.code != "not-quantised")  # floats are what one compares with
    result = result.noted(*side.notes, *of_the_right(told))
    if given.rows and not any(left and right for left, right in sites):
        return result.noted(unpaired_note(side))
    return result


def _to_read(pairs: Sequence[SitePair]) -> Iterator[Site]:
    """Yield the weights that may be read: of those without a counterpart it is known only later."""
    for left, right in pairs:
        if left is None or right is None or left.spec.shape == right.spec.shape:
            yield from (site for site in (left, right) if site is not None)


def _pair(left: Site | None, right: Site | None, mean: bool, advance: Callable[[int], None]) -> Pair:
    if left is None or right is None:
        return Pair(left, right, None)
    from weightrepl.engine.comparison import difference

    found = difference(left.tensor, right.tensor, (left.spec, right.spec), mean=mean, advance=advance)
    changes = [f"{left.spec.dtype} -> {right.spec.dtype}"] if left.spec.dtype != right.spec.dtype else []
    if found.verdict == "shape":
        changes.insert(0, f"{left.spec.shape} -> {right.spec.shape}")
        if is_transpose(left, right, advance):
            changes.append("the transpose")
    return Pair(left, right, found, ", ".join(changes))


def _with_twins(pairs: list[Pair], workspace: Workspace, advance: Callable[[int], None]) -> list[Pair]:
    """Return the pairs with a hint where values of a weight without a counterpart are found again."""
    lefts = [site for site, right, *_ in pairs if site and not right]
    rights = [site for left, site, *_ in pairs if site and not left]
    twins: dict[int, list[str]] = {}
    for left, right, transposed in same_values(lefts, rights, advance):
        for one, other in ((left, right), (right, left)):
            text = f"{'transposed' if transposed else 'renamed'}? = {site_address(other, workspace)}"
            twins.setdefault(id(one), []).append(text)
    return [
        pair._replace(hint=_told(twins[id(pair.site)])) if id(pair.site) in twins else pair for pair in pairs
    ]


def _told(twins: list[str]) -> str:
    return twins[0] if len(twins) == 1 else f"{twins[0]} or {len(twins) - 1:,} more"


def _rank(pair: Pair) -> tuple[int, float]:
    """Return what sorts the largest changes first, those whose size is undefined before all."""
    rel = None if pair.difference is None else pair.difference.rel
    largest_first = -math.inf if rel is None or math.isnan(rel) else -rel
    return _ORDER.index(pair.verdict), largest_first


# ------------------------------------------------------------------ columns


def _columns(of_weights: Mapping[str, Column], workspace: Workspace) -> dict[str, Column]:
    """Return the columns of pairs: those of weights that need no values, of the row's weight, and their own."""
    columns = [
        Column(column.name, column.type, partial(_of_site, column))
        for column in of_weights.values()
        if not column.reads
    ]
    columns += [
        Column("other", "text", partial(_other, workspace)),
        Column("verdict", "text", lambda pair: pair.verdict),
        *(Column(name, "number", partial(_number, name)) for name in _NUMBERS),
        Column("hint", "text", lambda pair: pair.hint),
    ]
    return {column.name: column for column in columns}


def _of_site(column: Column, pair: Pair) -> Value:
    return column.of(pair.site)


def _other(workspace: Workspace, pair: Pair) -> Value:
    return site_address(pair.right, workspace) if pair.left and pair.right else ""


def _number(name: str, pair: Pair) -> Value:
    number: float | None = getattr(pair.difference, name, None)
    return number
