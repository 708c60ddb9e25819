"""The section of the table for `diff`: two files of float32, equal and changed, beside reading both.

The files are plain numbers without a header, so that reading is all that the limit does, and are read by the sources
that the readers use. They are written once, into the folder of the models.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.bench.measure import BenchError, medians, seconds_within, warm
from tests.bench.processes import Setting
from tests.bench.table import Row, Section

NBYTES = {"full": 1 << 30, "quick": 1 << 22}
COLUMNS = 1 << 10
BLOCK_NBYTES = 1 << 20
AIM = 2.0
NUMPY_IS_OFF = 1e-3  # so much for a gigabyte: np.linalg.norm of float32 adds up in float32
QUERY = "left/**:* | diff right"


def differences(setting: Setting) -> Section:
    """Return what `diff` of two files takes, beside reading them and beside what users write with NumPy.

    Raises:
        BenchError: `diff` and NumPy find different things.
    """
    nbytes = NBYTES[setting.sizes.name]
    left, equal, changed = paths = _files(setting.scratch, nbytes)
    _agree(paths)
    warm(paths)
    limit, whole = "readinto of both, one buffer", "np.fromfile of both"
    users = "np.fromfile, np.linalg.norm"
    ours = {"equal files": equal, "changed files": changed}
    measures: dict[str, Callable[[], float]] = {
        limit: lambda: seconds_within(lambda: _read_both(left, changed)),
        whole: lambda: seconds_within(lambda: _read_whole(left, changed)),
        users: lambda: seconds_within(lambda: _by_numpy(left, changed)),
    }
    for name, other in ours.items():
        measures[name] = lambda other=other: seconds_within(lambda: _diff(left, other))  # type: ignore[misc]
    median = medians(measures, setting.rounds, setting.progress, QUERY)
    peers = ((limit, AIM), (whole, AIM), (users, None))
    rows = [Row(name, peer, median[name], median[peer], "s", aim) for peer, aim in peers for name in ours]
    remark = "Both files lie in the page cache; readinto fills the same megabyte of memory again and again."
    return Section(f"{QUERY}: two files of {nbytes / 1e9:.3g} GB of float32", tuple(rows), (remark,))


def _files(folder: Path, nbytes: int) -> tuple[Path, Path, Path]:
    """Return the left file, an equal one and one whose every value differs a little; written if they are not there."""
    import numpy as np

    paths = tuple(folder / f"{name}-{nbytes}.f32" for name in ("left", "equal", "changed"))
    if not all(path.exists() for path in paths):
        folder.mkdir(parents=True, exist_ok=True)
        partial = [path.with_name(f"partial-{path.name}") for path in paths]
        random = np.random.default_rng(0)
        files = [path.open("wb") for path in partial]
        for _ in range(nbytes >> 22):
            values = random.standard_normal(1 << 20, dtype="f4")
            for file, shown in zip(files, (values, values, values * np.float32(1.001)), strict=True):
                file.write(shown.data)
        for file, unfinished, path in zip(files, partial, paths, strict=True):
            file.close()
            unfinished.replace(path)
    left, equal, changed = paths
    return left, equal, changed


def _diff(left: Path, right: Path) -> tuple[object, ...]:
    """Return verdict, maxabs, rel and cosine, by the query."""
    from weightrepl.engine.evaluate import evaluate
    from weightrepl.engine.table import Table
    from weightrepl.model.tensor import TensorSpec
    from weightrepl.model.tree import Content, Layer, Model, Weight
    from weightrepl.model.workspace import Workspace
    from weightrepl.readers.sources import ByteSource

    models = []
    for name, path in (("left", left), ("right", right)):
        spec = TensorSpec((path.stat().st_size // 4 // COLUMNS, COLUMNS), "float32")
        weight = Weight("kernel", spec, ByteSource(str(path)).tensor(spec, 0))
        models.append(Model(Layer(name, Content((), (Layer("dense", Content((weight,))),))), (name,)))
    found = evaluate(f"{QUERY} | show verdict, maxabs, rel, cosine", Workspace(tuple(models)))
    assert isinstance(found, Table)
    return found.rows[0]


def _by_numpy(left: Path, right: Path) -> tuple[float, ...]:
    """Return maxabs, rel and cosine as users compute them, with both files in memory."""
    import numpy as np

    a, b = np.fromfile(left, "f4"), np.fromfile(right, "f4")
    norms = np.linalg.norm(a), np.linalg.norm(b)
    rel = np.linalg.norm(a - b) / norms[0]
    return float(np.abs(a - b).max()), float(rel), float(np.dot(a, b) / (norms[0] * norms[1]))


def _read_both(left: Path, right: Path) -> None:
    buffer = bytearray(BLOCK_NBYTES)
    with left.open("rb", buffering=0) as ours, right.open("rb", buffering=0) as theirs:
        while ours.readinto(buffer):
            theirs.readinto(buffer)


def _read_whole(left: Path, right: Path) -> None:
    import numpy as np

    both = np.fromfile(left, "f4"), np.fromfile(right, "f4")
    del both


def _agree(paths: tuple[Path, Path, Path]) -> None:
    left, equal, changed = paths
    verdict, *numbers = _diff(left, changed)
    theirs = _by_numpy(left, changed)
    close = all(abs(float(str(a)) - b) <= NUMPY_IS_OFF * abs(b) for a, b in zip(numbers, theirs, strict=True))
    if (verdict, _diff(left, equal)[0], close) != ("changed", "same", True):
        raise BenchError(f"diff found {verdict} {numbers}, and NumPy {theirs}")
