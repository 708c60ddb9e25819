"""The section of the table about completion: a key typed in a layer of very many children."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from statistics import quantiles

from tests.bench.measure import BenchError
from tests.bench.processes import Setting
from tests.bench.table import Row, Section

KINDS = ("dense", "batch_normalization", "conv2d", "multi_head_attention")
TYPED = (
    "", "d", "de", "den", "dense_", "dense_9", "b", "bn1", "batch", "c2", "conv", "mha", "mha9", "att", "attention_99",
    "e", "n", "_", "1", "77", "1_2", "z", "zz", "x9", "DENSE_1", "norm", "999999", "*9", "*_77", "dense_?1", "[d]en",
)  # fmt: skip
COUNTS = {"full": 100_000, "quick": 1_000}
AIM_S = 0.05


def completions(setting: Setting) -> Section:
    """Return what a keystroke takes once the level was read, beside what others search the same names with."""
    count = COUNTS.get(setting.sizes.name, COUNTS["full"])
    names = [f"{KINDS[i * 7919 % len(KINDS)]}_{i}" for i in range(count)]
    ours = _ours(names)
    works = {"weightrepl": ours, "filter": _prefixes(names), "fuzzy": _fuzzy(names)}
    if "dense_0" not in ours("dense_0"):
        raise BenchError("dense_0 was not found")
    found = {name: _percentiles(work, setting.rounds if work is ours else 1) for name, work in works.items()}
    rows = [
        Row(f"a key, {what}", peer, found["weightrepl"][i], found[key][i])
        for i, what in enumerate(("p50", "p99"))
        for key, peer in (
            ("fuzzy", "FuzzyWordCompleter"),
            ("filter", "startswith, of all names"),
        )
    ]
    rows.append(Row("a key, p99", "what we aim at", found["weightrepl"][1], AIM_S, aim=1.0))
    remarks = (
        "FuzzyWordCompleter is prompt_toolkit's; startswith finds beginnings only. Ours ranks and adds details.",
        "The index of the level is made before: it takes half a second, once.",
    )
    return Section(f"Completion in a layer of {count:,} children", tuple(rows), remarks)


def _percentiles(work: Callable[[str], object], rounds: int) -> tuple[float, float]:
    """Return the seconds that half of the texts take at most, and 99 of 100; the index is made before."""
    work("")
    seconds = []
    for _ in range(rounds):
        for typed in TYPED:
            start = time.perf_counter()
            work(typed)
            seconds.append(time.perf_counter() - start)
    parts = quantiles(seconds, n=100)
    return parts[49], parts[98]


def _ours(names: list[str]) -> Callable[[str], list[str]]:
    from weightrepl.model.tree import Content, Layer, Model
    from weightrepl.model.workspace import Workspace
    from weightrepl.service.complete import complete

    children = tuple(Layer(name, class_name="Dense") for name in names)
    workspace = Workspace((Model(Layer("net", Content((), children)), ("net",)),))
    return lambda typed: [item.text for item in complete(typed, len(typed), workspace).items]


def _prefixes(names: list[str]) -> Callable[[str], list[str]]:
    return lambda typed: [name for name in names if name.casefold().startswith(typed.casefold())]


def _fuzzy(names: list[str]) -> Callable[[str], list[str]]:
    from prompt_toolkit.completion import CompleteEvent, FuzzyWordCompleter
    from prompt_toolkit.document import Document

    completer = FuzzyWordCompleter(names)
    word = re.compile(r"\w*$")

    def found(typed: str) -> list[str]:
        typed = "".join(filter(word.match, typed))
        return [c.text for c in completer.get_completions(Document(typed), CompleteEvent())]

    return found
