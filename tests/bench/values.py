"""The sections of the table about values: `stats` of one large weight, and the memory that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench import peers
from tests.bench.measure import BenchError, medians, output_of, seconds_within, warm
from tests.bench.processes import MB, Setting, script
from tests.bench.table import Pair, Row, Section, rows_of

if TYPE_CHECKING:
    import numpy as np

    from weightrepl.engine.table import Value

ROWS = {"full": 250_000, "quick": 100}
COLUMNS = 1_000
KEY = "layers/dense/vars/0"
QUERY = "**:kernel | stats"
OURS, FLOOR, CALLS = "stats, float32", "np.sum, np.memmap", "ten NumPy calls, np.memmap"
OURS_BFLOAT16 = "stats, bfloat16"
TENSORFLOW = "TensorFlow, loaded weights"
ALLOWED_NBYTES = 100 * MB
NUMPY_IS_OFF = 1e-2  # so much for a gigabyte: np.linalg.norm of float32 adds up in float32

Figures = Mapping[str, "Value"]


def statistics(setting: Setting) -> tuple[Section, Section]:
    """Return what all columns of `stats` take for one large weight on disk, and the memory for it."""
    setting.scratch.mkdir(parents=True, exist_ok=True)
    paths = {dtype: _file(setting, dtype) for dtype in ("float32", "bfloat16")}
    warm(paths.values())
    return _time(setting, paths), _memory(setting, paths)


def _file(setting: Setting, dtype: str) -> Path:
    """Return the file of one weight in the layout that Keras gives it, written once."""
    rows = ROWS[setting.sizes.name]
    path = setting.scratch / f"{dtype}-{rows}x{COLUMNS}.weights.h5"
    if not path.exists():
        setting.progress.say(f"a weight of {rows * COLUMNS:,} values of {dtype} is written, once")
        partial_path = path.with_name(f"partial-{path.name}")
        _write(partial_path, rows, dtype)
        partial_path.replace(path)
    return path


def _write(path: Path, rows: int, dtype: str) -> None:
    import h5py
    import numpy as np

    random = np.random.default_rng(3)
    with h5py.File(path, "w") as file:
        values = file.create_dataset(KEY, (rows, COLUMNS), "f4" if dtype == "float32" else "V2")
        if dtype == "bfloat16":
            values.attrs["dtype"] = "bfloat16"
        for row in range(0, rows, 1000):
            part = random.standard_normal((min(1000, rows - row), COLUMNS), np.float32) * np.float32(0.05)
            values[row : row + len(part)] = part if dtype == "float32" else _upper_halves(part)


def _upper_halves(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return float32 cut to bfloat16, as HDF5 holds them: two bytes without a meaning."""
    return (values.view("<u4") >> 16).astype("<u2").view("V2")


# ------------------------------------------------------------------ time


def _time(setting: Setting, paths: Mapping[str, Path]) -> Section:
    nbytes = paths["float32"].stat().st_size
    title = f"All columns of `stats` of one weight of {nbytes / MB:,.0f} MB on disk, within a process"
    works: dict[str, Callable[[], Figures]] = {
        OURS: partial(_ours, paths["float32"]),
        OURS_BFLOAT16: partial(_ours, paths["bfloat16"]),
        FLOOR: partial(_sum, paths["float32"]),
        CALLS: partial(_ten_calls, paths["float32"]),
    }
    if setting.tensorflow:
        works[TENSORFLOW] = partial(_tensorflow, _loaded(paths["float32"]))
    setting.progress.say("stats: do all find the same figures?")
    _agree({name: work() for name, work in works.items()}, but=OURS_BFLOAT16)
    times = dict.fromkeys((OURS, OURS_BFLOAT16, FLOOR), setting.often)
    seconds = medians(
        {name: partial(seconds_within, work) for name, work in works.items()},
        setting.rounds,
        setting.progress,
        title,
        times,
    )
    pairs: list[Pair] = [(OURS, FLOOR, 3.0), (OURS, CALLS, 0.5), (OURS_BFLOAT16, OURS, 2.0)]
    pairs += [(OURS, TENSORFLOW, None)] * setting.tensorflow
    remark = (
        "Each opens or maps the file anew, but TensorFlow, whose weights are loaded before. np.sum adds up the same "
        "bytes in float32: the least that a statistic could take. bfloat16 is as many values in half the bytes."
    )
    return Section(title, rows_of(pairs, seconds), (remark, *setting.left_out))


def _ours(path: Path) -> Figures:
    import weightrepl

    with weightrepl.open(path) as model:
        return weightrepl.select(model, QUERY).table().to_dicts()[0]


def _mapped(path: Path) -> np.ndarray[Any, Any]:
    import h5py
    import numpy as np

    with h5py.File(path) as file:
        values = file[KEY]
        return np.memmap(path, values.dtype, "r", values.id.get_offset(), values.shape)


def _sum(path: Path) -> Figures:
    values = _mapped(path)
    return {"mean": float(values.sum()) / values.size}


def _ten_calls(path: Path) -> Figures:
    import numpy as np

    values = _mapped(path)
    figures: dict[str, Any] = {
        "min": values.min(),
        "max": values.max(),
        "mean": values.mean(),
        "std": values.std(),
        "norm": np.linalg.norm(values),
        "absmax": np.abs(values).max(),
        "zeros": (values == 0).sum(),
        "nans": np.isnan(values).sum(),
        "infs": np.isinf(values).sum(),
        "sparsity": (values == 0).mean(),
    }
    return {name: float(figure) for name, figure in figures.items()}


def _loaded(path: Path) -> Any:
    import tensorflow as tf

    return tf.constant(_mapped(path))


def _tensorflow(values: Any) -> Figures:
    import tensorflow as tf

    magnitudes, zeros = tf.abs(values), tf.equal(values, 0)
    figures = {
        "min": tf.reduce_min(values),
        "max": tf.reduce_max(values),
        "mean": tf.reduce_mean(values),
        "std": tf.math.reduce_std(values),
        "norm": tf.norm(values),
        "absmax": tf.reduce_max(magnitudes),
        "zeros": tf.math.count_nonzero(zeros),
        "nans": tf.math.count_nonzero(tf.math.is_nan(values)),
        "infs": tf.math.count_nonzero(tf.math.is_inf(values)),
        "sparsity": tf.reduce_mean(tf.cast(zeros, tf.float32)),
    }
    return {name: float(figure) for name, figure in figures.items()}


def _agree(found: Mapping[str, Figures], but: str) -> None:
    """Check that all found the same, as far as sums in float32 are the same.

    Raises:
        BenchError: two found different things.
    """
    ours = found[OURS]
    for name, figures in found.items():
        for what, figure in figures.items():
            if name == but or not isinstance(figure, float):
                continue
            expected = ours[what]
            assert isinstance(expected, int | float)
            if not math.isclose(figure, expected, rel_tol=NUMPY_IS_OFF, abs_tol=1e-5):
                raise BenchError(f"{OURS} and {name} found different things: {what} {expected} and {figure}")


# ------------------------------------------------------------------ memory


def _memory(setting: Setting, paths: Mapping[str, Path]) -> Section:
    title = "Peak memory of a process that shows all columns of `stats` of that weight"
    if not Path("/proc/self/status").exists():
        return Section(title, (), ("Left out: this system has no /proc/self/status.",))
    commands = {
        "imports": script(peers.STATS_IMPORTS + peers.PRINT_PEAK),
        OURS: script(peers.STATS_OURS + peers.PRINT_PEAK, paths["float32"], QUERY),
        OURS_BFLOAT16: script(peers.STATS_OURS + peers.PRINT_PEAK, paths["bfloat16"], QUERY),
    }
    peak = {
        name: float(median(int(output_of(command)) for _ in range(setting.rounds)))
        for name, command in commands.items()
    }
    allowed = peak["imports"] + ALLOWED_NBYTES
    beside = f"imports + {ALLOWED_NBYTES // MB} MB"
    rows = tuple(Row(name, beside, peak[name], allowed, "bytes", 1.0) for name in (OURS, OURS_BFLOAT16))
    return Section(title, rows, (f"The imports alone take {peak['imports'] / MB:.1f} MB.",))
