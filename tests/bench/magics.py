"""The sections of the table about notebooks: what the extension and its magics take in a real kernel."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from tests.bench.measure import BenchError
from tests.bench.processes import Setting
from tests.bench.table import Row, Section
from tests.kernel import Kernel

AIM = "what we aim at"
LOAD_AIM_S, OVERHEAD_AIM_S, KEY_AIM_S = 0.15, 0.005, 0.03
OURS, PEER = "%load_ext weightrepl", "%load_ext autoreload"
IN_MEMORY, LIVE = "in memory", "live Keras"
QUERIES = {"all kernels": "**:kernel", "one kernel": "block_1/dense_1:kernel"}
TYPED = "block_1/dense_1*:kernel | where size > 1"
PYTHON = "weightrepl.selec"
FIRST = "The first Tab after a cell looks anew at the variables and what they hold."

TIMED = """
import gc as _gc
from time import perf_counter as _now
def _magic(query):
    return get_ipython().run_line_magic("weights", query)
def _bare(query):
    return weightrepl.select(model, query)
def _medians_s(query, often):
    _gc.collect()
    _gc.freeze()  # else one of both has to look through all of TensorFlow's objects, whichever comes at the wrong time
    times = {_magic: [], _bare: []}
    for _ in range(often + 1):
        for work, seconds in times.items():
            start = _now()
            work(query)
            seconds.append(_now() - start)
    return [sorted(seconds[1:])[often // 2] for seconds in times.values()]
"""


def magics(setting: Setting) -> tuple[Section, ...]:
    """Return what loading takes, what a magic costs above a call, and how long Tab takes."""
    loading = _loading(setting)
    models = [IN_MEMORY, *([LIVE] if setting.tensorflow else [])]
    costs, keys = [], []
    for kind in models:
        with _kernel() as kernel:
            setting.progress.say(f"magics: {kind}")
            kernel.ok(_model(kind, setting))
            costs += _costs(kernel, kind, setting)
            keys += _keys(kernel, kind, setting)
    weights = f"{setting.sizes.trees[1]:,} weights"
    remarks = setting.left_out
    beside = f"%weights beside weightrepl.select, in a notebook with a model of {weights}"
    tab = f"Tab in a notebook, over the kernel's protocol, with a model of {weights}"
    return loading, Section(beside, tuple(costs), remarks), Section(tab, tuple(keys), (FIRST, *remarks))


@contextmanager
def _kernel() -> Iterator[Kernel]:
    with TemporaryDirectory() as folder, Kernel(Path(folder)) as kernel:
        yield kernel


def _loading(setting: Setting) -> Section:
    """Return what `%load_ext` takes the first time in a kernel, each in one of its own."""
    seconds: dict[str, list[float]] = {OURS: [], PEER: []}
    for n in range(setting.rounds):
        setting.progress.say(f"magics: kernel {n + 1} of {setting.rounds}", every_s=2.0)
        for line, times in seconds.items():
            with _kernel() as kernel:
                kernel.ok("from time import perf_counter")
                times.append(kernel.value(f"start = perf_counter()\n{line}\nperf_counter() - start"))
                if kernel.value("import sys\n'tensorflow' in sys.modules"):
                    raise BenchError(f"{line} imports TensorFlow")
    ours, theirs = (median(times) for times in seconds.values())
    rows = Row(OURS, PEER, ours, theirs), Row(OURS, AIM, ours, LOAD_AIM_S, aim=1.0)
    return Section("To load the extension in a kernel that runs", rows)


def _model(kind: str, setting: Setting) -> str:
    """Return the cell that makes `model`, in a notebook that has other variables too."""
    made = {
        IN_MEMORY: f"from tests.bench.models import tree\nmodel = tree({setting.sizes.trees[1]})",
        LIVE: "from tests.bench.models import FULL, QUICK, _model_of_many\n"
        f"model = _model_of_many({setting.sizes.name.upper()})",
    }
    variables = "globals().update((f'variable_{n}', [n]) for n in range(100))"
    return f"%load_ext weightrepl\nimport weightrepl\n{TIMED}\n{made[kind]}\n{variables}"


def _costs(kernel: Kernel, kind: str, setting: Setting) -> Iterator[Row]:
    """Yield what a query takes as a magic, beside the call in Python."""
    often = setting.rounds * setting.often
    for what, query in QUERIES.items():
        found = f"len(_magic({query!r})) == len(_bare({query!r}))"
        if kernel.value(found) is not True:
            raise BenchError(f"%weights {query} and select find different weights")
        magic, bare = kernel.value(f"_medians_s({query!r}, {often})")
        yield Row(f"{what}, {kind}", "weightrepl.select", magic, bare)
        yield Row("above the call", AIM, max(magic - bare, 0.0), OVERHEAD_AIM_S, aim=1.0)


def _keys(kernel: Kernel, kind: str, setting: Setting) -> Iterator[Row]:
    """Yield what Tab takes behind each key of a query, and of a line of Python; and the first after a cell was run."""
    kernel.ok("1")
    start = time.perf_counter()
    kernel.complete("%weights |")
    yield Row(f"first Tab, {kind}", AIM, time.perf_counter() - start, KEY_AIM_S)
    ours = _percentiles(kernel, "%weights ", TYPED, setting)
    python = _percentiles(kernel, "", PYTHON, setting)
    for what, seconds, theirs in zip(("p50", "p95"), ours, python, strict=True):
        yield Row(f"Tab, {what}, {kind}", "a line of Python", seconds, theirs)
    yield Row(f"Tab, p95, {kind}", AIM, ours[1], KEY_AIM_S, aim=1.0)


def _percentiles(kernel: Kernel, before: str, typed: str, setting: Setting) -> tuple[float, float]:
    """Return the seconds that half of the requests take at most, and 95 of 100."""
    seconds, found = [], 0
    for _ in range(setting.rounds):
        for n in range(len(typed) + 1):
            start = time.perf_counter()
            found += bool(kernel.complete(f"{before}{typed[:n]}|").matches)
            seconds.append(time.perf_counter() - start)
    if not found:
        raise BenchError(f"nothing is completed in {before}{typed}")
    parts = quantiles(seconds, n=20)
    return parts[9], parts[18]
