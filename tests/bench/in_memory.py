"""The sections of the table that are measured within one process: patterns and addresses over trees in memory."""

from __future__ import annotations

import fnmatch
import gc
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from tests.bench.measure import BenchError, medians
from tests.bench.models import LAYERS_PER_BLOCK, paths, tree
from tests.bench.processes import Setting
from tests.bench.table import Row, Section

if TYPE_CHECKING:
    from weightrepl.engine.selection import Selection
    from weightrepl.model.tree import Layer
    from weightrepl.model.workspace import Workspace

PATTERN, PEER_PATTERN = "**:kernel", "*:kernel"
REPEATS = 100
GROWTH = 1.25


def seconds(work: Callable[[], object], repeats: int = 1) -> float:
    """Return the seconds of processor time that one call takes, the mean of `repeats`.

    The collector of garbage stays on, as it is for users, but what others left is collected before.
    """
    gc.collect()
    start = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - start) / repeats


def workspace(weights: int) -> Workspace:
    """Return a workspace of one new tree, none of it unfolded yet."""
    from weightrepl.model.workspace import Workspace

    return Workspace((tree(weights),))


def select(query: str, models: Workspace) -> Selection:
    """Return the weights that a query selects."""
    from weightrepl.engine.evaluate import evaluate
    from weightrepl.engine.selection import Selection

    found = evaluate(query, models, want="weights")
    assert isinstance(found, Selection)
    return found


def patterns(setting: Setting) -> Section:
    """Return what a pattern takes over a large tree, beside fnmatch over the list of the tree's paths.

    Raises:
        BenchError: they find different weights.
    """
    count = setting.sizes.tree
    names, unfolded = paths(count), workspace(count)
    if list(select(PATTERN, unfolded).addresses) != fnmatch.filter(names, PEER_PATTERN):
        raise BenchError(f"{PATTERN} and fnmatch found different weights")
    ours = {
        "the first time": lambda: _first_time(PATTERN, count),
        "again": lambda: seconds(lambda: select(PATTERN, unfolded)),
        "again, with its addresses": lambda: seconds(lambda: select(PATTERN, unfolded).addresses),
    }
    theirs = {
        "fnmatch.filter": lambda: seconds(lambda: fnmatch.filter(names, PEER_PATTERN)),
        "fnmatch.fnmatch, each": lambda: seconds(lambda: _matched_one_by_one(names)),
    }
    walk = {"a walk, fnmatch.filter": lambda: _walked_first(count)}
    median = medians(ours | theirs | walk, setting.often * setting.rounds, setting.progress, PATTERN)
    rows = tuple(Row(what, peer, median[what], median[peer], "s", 1.0) for what in ours for peer in theirs)
    rows = (Row(first := next(iter(ours)), peer := next(iter(walk)), median[first], median[peer]), *rows)
    remark = (
        "The first time unfolds the tree; fnmatch is given the list of all paths ready made, "
        "but where it says that a walk over the same tree makes it."
    )
    return Section(f"{PATTERN} over a tree of {count:,} weights in memory", rows, (remark,))


def _matched_one_by_one(names: list[str]) -> list[str]:
    return [name for name in names if fnmatch.fnmatch(name, PEER_PATTERN)]


def _walked_first(count: int) -> float:
    root = tree(count).root
    return seconds(lambda: fnmatch.filter(list(_walked(root, root.name)), PEER_PATTERN))


def _walked(layer: Layer, path: str) -> Iterator[str]:
    for weight in layer.weights:
        yield f"{path}:{weight.name}"
    for child in layer.children:
        yield from _walked(child, f"{path}/{child.name}")


def _first_time(query: str, count: int) -> float:
    models = workspace(count)
    return seconds(lambda: select(query, models))


def addresses(setting: Setting) -> Section:
    """Return what one address takes in trees of growing size: it should not grow."""
    sizes = setting.sizes.trees
    query = "net/block_1/dense_3:kernel"
    unfolded = {count: workspace(count) for count in sizes}
    for models in unfolded.values():
        if select(query, models).addresses != (query,):
            raise BenchError(f"{query} found something else")
    again = {
        f"again, {count:,} weights": partial(seconds, partial(select, query, models), REPEATS)
        for count, models in unfolded.items()
    }
    first = {f"the first time, {count:,}": partial(_first_time, query, count) for count in sizes}
    median = medians(again | first, setting.often * setting.rounds, setting.progress, query)
    rows = []
    for names in (list(again), list(first)):
        rows += [Row(name, names[0], median[name], median[names[0]], "s", GROWTH) for name in names[1:]]
    remark = (
        f"The first time opens the levels that the address names: the root of the largest tree "
        f"has {sizes[-1] // (2 * LAYERS_PER_BLOCK):,} blocks."
    )
    return Section("One address, in trees of growing size in memory", tuple(rows), (remark,))
