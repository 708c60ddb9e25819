"""The sections of the table about checkpoints, safetensors and SavedModels, each beside the library that wrote them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench import peers
from tests.bench.measure import (
    BenchError,
    Contender,
    agree,
    found,
    medians,
    output_of,
    process_medians,
    seconds_within,
    warm,
)
from tests.bench.processes import (
    ALLOWED_NBYTES,
    MB,
    NO_TENSORFLOW,
    Setting,
    script,
    tensorflow_is_installed,
)
from tests.bench.source_files import KEY, SHAPES, SourceFiles
from tests.bench.table import Pair, Section, rows_of

NO_FILES = "Left out: the files are not written yet, and that needs TensorFlow, which is not installed."
CHECKPOINT, SAFETENSORS, SAVED_MODEL = "checkpoint", "safetensors", "SavedModel"
LIST_VARIABLES, LOAD_CHECKPOINT, LOAD = "list_variables", "load_checkpoint", "saved_model.load"
SAFE_OPEN = "safe_open"
QUERY = ":".join(KEY.rsplit("/", 1))

Listed = list[tuple[str, tuple[int, ...]]]


def _new(name: str) -> str:
    """Return what the work of a whole process is called."""
    return f"{name}, a process"


def sources(setting: Setting) -> tuple[Section, ...]:
    """Return what listing and reading take beside TensorFlow and the safetensors library, and the memory for it."""
    files = SourceFiles.of(setting.files.heavy.parent, setting.sizes.name)
    if not files.are_there:
        if not tensorflow_is_installed():
            return (Section("Checkpoints, safetensors and SavedModels", (), (NO_FILES,)),)
        setting.progress.say("TensorFlow and safetensors write their files, once")
        output_of((sys.executable, "-m", "tests.bench.source_files", str(files.folder), setting.sizes.name))
    warm(files.written)
    layers, _, scalars, _ = SHAPES[setting.sizes.name]
    megabytes = files.safetensors["big"].stat().st_size / MB
    return (
        _listing(setting, files, "big", f"Keys and shapes of {2 * layers:,} variables, {megabytes:.0f} MB"),
        _listing(setting, files, "many", f"Keys and shapes of {scalars:,} tiny variables"),
        _saved_model(setting, files.saved_model),
        _values(setting, files),
        _memory(setting, files),
    )


# ------------------------------------------------------------------ listing


def _listing(setting: Setting, files: SourceFiles, name: str, title: str) -> Section:
    checkpoint, safetensors = files.checkpoints[name], files.safetensors[name]
    is_slow = name == "many"
    processes = [
        Contender(_new(CHECKPOINT), script(peers.LIST_OUR_SHAPES, checkpoint), slow=is_slow),
        Contender(_new(SAFETENSORS), script(peers.LIST_OUR_SHAPES, safetensors), slow=is_slow),
        Contender(_new(SAFE_OPEN), script(peers.LIST_SAFETENSORS, safetensors), slow=is_slow),
    ]
    works: dict[str, Callable[[], Listed]] = {
        CHECKPOINT: partial(_ours, checkpoint),
        SAFETENSORS: partial(_ours, safetensors),
        SAFE_OPEN: partial(_safe_open, safetensors),
    }
    pairs: list[Pair] = [(SAFETENSORS, SAFE_OPEN, 1.0), (_new(SAFETENSORS), _new(SAFE_OPEN), 1.0)]
    if setting.tensorflow:
        listing = script(peers.LIST_CHECKPOINT, checkpoint)
        processes.append(Contender(_new(LIST_VARIABLES), listing, slow=True))
        works[LIST_VARIABLES] = partial(_list_variables, checkpoint)
        pairs = [
            (CHECKPOINT, LIST_VARIABLES, 1.0),
            (_new(CHECKPOINT), LIST_VARIABLES, None),
            (_new(CHECKPOINT), _new(LIST_VARIABLES), 0.1),
            *pairs,
        ]
    setting.progress.say(f"{title}: do all find the same?")
    agree(processes)
    _agree({name: sorted(work()) for name, work in works.items()})
    seconds = process_medians(processes, setting.rounds, setting.often, setting.progress, title)
    seconds |= _medians(setting, works, title, slow=tuple(works) if is_slow else ())
    remark = "Where it does not say that it is a process, nothing is imported, and the file is opened anew."
    return Section(title, rows_of(pairs, seconds), (remark, *setting.left_out))


def _ours(path: Path) -> Listed:
    import weightrepl

    with weightrepl.open(path) as model:
        return [(str(weight.key), weight.shape or ()) for weight in weightrepl.select(model, "**:*")]


def _list_variables(path: Path) -> Listed:
    import tensorflow as tf

    return [(name, tuple(shape)) for name, shape in tf.train.list_variables(str(path))]


def _safe_open(path: Path) -> Listed:
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        return [(key, tuple(file.get_slice(key).get_shape())) for key in file.keys()]  # noqa: SIM118 - no dict


def _saved_model(setting: Setting, folder: Path) -> Section:
    size = sum(path.stat().st_size for path in folder.rglob("*")) / MB
    title = f"Addresses of a SavedModel of Keras's of 48 weights, {size:.0f} MB"
    ours = Contender(_new(SAVED_MODEL), script(peers.LIST_OUR_NAMES, folder))
    if not setting.tensorflow:
        return Section(title, (), (NO_TENSORFLOW,))
    load = Contender(_new(LOAD), script(peers.LOAD_SAVED_MODEL, folder), slow=True)
    works: dict[str, Callable[[], object]] = {
        SAVED_MODEL: partial(_our_addresses, folder),
        LOAD: partial(_loaded, folder),
    }
    if len(found(ours)) != 48:
        raise BenchError(f"{title}: not all are found")
    for work in works.values():
        work()
    seconds = process_medians((ours, load), setting.rounds, setting.often, setting.progress, title)
    seconds |= _medians(setting, works, title, slow=(LOAD,))
    pairs: list[Pair] = [(SAVED_MODEL, LOAD, 0.1), (_new(SAVED_MODEL), _new(LOAD), 0.1)]
    return Section(title, rows_of(pairs, seconds))


def _our_addresses(folder: Path) -> object:
    import weightrepl

    with weightrepl.open(folder) as model:
        return weightrepl.select(model, "**:*").addresses


def _loaded(folder: Path) -> object:
    import tensorflow as tf

    return tf.saved_model.load(str(folder))


# ------------------------------------------------------------------ values


def _values(setting: Setting, files: SourceFiles) -> Section:
    checkpoint, safetensors = files.checkpoints["one"], files.safetensors["one"]
    title = f"Values of one matrix of {safetensors.stat().st_size / MB:.1f} MB"
    processes = [
        _reading(CHECKPOINT, peers.ONE_OURS, checkpoint, QUERY),
        _reading(SAFETENSORS, peers.ONE_OURS, safetensors, QUERY),
        _reading(SAFE_OPEN, peers.ONE_SAFETENSORS, safetensors, KEY),
    ]
    works: dict[str, Callable[[], object]] = {
        CHECKPOINT: partial(_our_values, checkpoint),
        SAFETENSORS: partial(_our_values, safetensors),
        SAFE_OPEN: partial(_get_tensor, safetensors),
    }
    pairs: list[Pair] = [(SAFETENSORS, SAFE_OPEN, 1.2), (_new(SAFETENSORS), _new(SAFE_OPEN), 1.2)]
    if setting.tensorflow:
        loading = _reading(LOAD_CHECKPOINT, peers.ONE_CHECKPOINT, checkpoint, KEY)
        processes.append(replace(loading, slow=True))
        works[LOAD_CHECKPOINT] = partial(_load_checkpoint, checkpoint)
        more: list[Pair] = [
            (CHECKPOINT, LOAD_CHECKPOINT, None),
            (_new(CHECKPOINT), _new(LOAD_CHECKPOINT), 0.1),
        ]
        pairs += more
    setting.progress.say(f"{title}: do all find the same values?")
    agree(processes)
    for work in works.values():
        work()
    seconds = process_medians(processes, setting.rounds, setting.often, setting.progress, title)
    seconds |= _medians(setting, works, title)
    remark = "Of a checkpoint both compare the checksum; safetensors has none."
    return Section(title, rows_of(pairs, seconds), (remark, *setting.left_out))


def _reading(name: str, text: str, path: Path, weight: str) -> Contender:
    check = script(text + peers.PRINT_DIGEST, path, weight)
    return Contender(_new(name), script(text, path, weight), (check,))


def _our_values(path: Path) -> object:
    import weightrepl

    with weightrepl.open(path) as model:
        return weightrepl.select(model, QUERY).one().numpy()


def _get_tensor(path: Path) -> object:
    from safetensors import safe_open

    with safe_open(path, "numpy") as file:
        return file.get_tensor(KEY)


def _load_checkpoint(path: Path) -> object:
    import tensorflow as tf

    return tf.train.load_checkpoint(str(path)).get_tensor(KEY)


# ------------------------------------------------------------------ memory


def _memory(setting: Setting, files: SourceFiles) -> Section:
    title = "Peak memory of a process that reads that matrix"
    if not Path("/proc/self/status").exists():
        return Section(title, (), ("Left out: this system has no /proc/self/status.",))
    texts: dict[str, tuple[str, Path, str]] = {
        "imports": (peers.NUMPY_ONLY, files.folder, ""),
        CHECKPOINT: (peers.ONE_OURS, files.checkpoints["one"], QUERY),
        SAFETENSORS: (peers.ONE_OURS, files.safetensors["one"], QUERY),
        SAFE_OPEN: (peers.ONE_SAFETENSORS, files.safetensors["one"], KEY),
    }
    if setting.tensorflow:
        texts[LOAD_CHECKPOINT] = (peers.ONE_CHECKPOINT, files.checkpoints["one"], KEY)
    peak = {
        name: float(median(_peak(script(text + peers.PRINT_PEAK, path, what)) for _ in range(setting.rounds)))
        for name, (text, path, what) in texts.items()
    }
    allowed = f"numpy + matrix + {ALLOWED_NBYTES // MB} MB"
    peak[allowed] = peak["imports"] + SHAPES[setting.sizes.name][3] ** 2 * 4 + ALLOWED_NBYTES
    pairs: list[Pair] = [
        (CHECKPOINT, allowed, 1.0),
        (SAFETENSORS, allowed, 1.0),
        (SAFETENSORS, SAFE_OPEN, None),
    ]
    pairs += [(CHECKPOINT, LOAD_CHECKPOINT, None)] * setting.tensorflow
    return Section(title, rows_of(pairs, peak, "bytes"), setting.left_out)


def _peak(command: tuple[str, ...]) -> int:
    return int(output_of(command))


# ------------------------------------------------------------------ what all share


def _medians(
    setting: Setting, works: Mapping[str, Callable[[], object]], title: str, slow: tuple[str, ...] = ()
) -> dict[str, float]:
    """Return the median seconds of works within this process, in turns; all were called once before."""
    measures = {name: partial(seconds_within, work) for name, work in works.items()}
    times = {name: 1 if name in slow else setting.often for name in works}
    return medians(measures, setting.rounds, setting.progress, f"{title}, within a process", times)


def _agree(found: Mapping[str, Listed]) -> None:
    """Check that all found the same.

    Raises:
        BenchError: two did not.
    """
    (first, expected), *others = found.items()
    for name, listed in others:
        if listed != expected:
            raise BenchError(f"{first} and {name} found different things")
