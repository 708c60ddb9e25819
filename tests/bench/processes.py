"""The sections of the table that are measured as fresh processes: one weight, a listing, a start, peak memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from tests.bench import peers
from tests.bench.measure import (
    BenchError,
    Command,
    Contender,
    Progress,
    agree,
    found,
    output_of,
    process_medians,
)
from tests.bench.models import BLOCK, LAYER, Files, Sizes
from tests.bench.table import Pair, Section, rows_of

FLOOR, ZIPFILE, TENSORFLOW = "h5py, .weights.h5", "zipfile + h5py, .keras", "TensorFlow, load_model"
FLOOR_SAVED = f"{FLOOR}, np.save"
API, CLI, API_STORE, CLI_STORE = (
    "Python, .keras",
    "shell, .keras",
    "Python, .weights.h5",
    "shell, .weights.h5",
)
NO_TENSORFLOW = "The peers that need TensorFlow are left out: it is not installed, or not wanted."
MB = 1_000_000
ALLOWED_NBYTES = 30 * MB


@dataclass(frozen=True, slots=True)
class Setting:
    """What all sections are measured with.

    rounds: of turns. often: how often all but the slow ones run in each round.
    tensorflow: whether peers that need it take part.
    """

    files: Files
    sizes: Sizes
    rounds: int
    often: int
    tensorflow: bool
    progress: Progress

    @property
    def left_out(self) -> tuple[str, ...]:
        """The remark that peers are left out, where they are."""
        return () if self.tensorflow else (NO_TENSORFLOW,)

    @property
    def query(self) -> str:
        """The weight that is read, as a query."""
        return f"block_{BLOCK}/dense_{LAYER}:kernel"

    @property
    def key(self) -> str:
        """The same weight as a path within the HDF5 file: whoever writes the script by hand has to find it out."""
        return f"layers/functional_{BLOCK}/layers/dense_{LAYER}/vars/0"

    @property
    def layers(self) -> str:
        """The way of `get_layer` to the layer of that weight."""
        return f"block_{BLOCK}/dense_{LAYER}"

    @property
    def scratch(self) -> Path:
        """The folder for what the commands write."""
        return self.files.heavy.parent


def script(text: str, *arguments: object) -> Command:
    """Return the command that runs a script with arguments."""
    return (sys.executable, "-c", text, *map(str, arguments))


def console_script() -> str | None:
    """Return the installed command `weightrepl` of this interpreter, None where it is not installed."""
    path = Path(sys.executable).with_name("weightrepl")  # not resolved: python is a link out of its venv
    return str(path) if path.exists() else None


def shell_commands() -> dict[str, Command]:
    """Return the ways to run the command, the usual one first."""
    commands: dict[str, Command] = {}
    if installed := console_script():
        commands["weightrepl"] = (installed,)
    return commands | {"-m weightrepl": (sys.executable, "-m", "weightrepl")}


# ------------------------------------------------------------------ one weight


def one_weight(setting: Setting) -> Section:
    """Return what it takes from process start to one named weight's values out of the heavy model."""
    contenders = {c.name: c for c in one_weight_contenders(setting)}
    setting.progress.say("one weight: do all find the same values?")
    agree(tuple(contenders.values()))
    seconds = process_medians(
        tuple(contenders.values()), setting.rounds, setting.often, setting.progress, "one weight"
    )
    pairs: list[Pair] = [
        (API, FLOOR, 1.5),
        (CLI, FLOOR_SAVED, 1.5),
        (API, ZIPFILE, None),
        (CLI, ZIPFILE, None),
    ]
    if setting.tensorflow:
        pairs += [(API, TENSORFLOW, 0.05), (CLI, TENSORFLOW, 0.05)]
    pairs.append((API_STORE, FLOOR, None))
    megabytes = setting.files.heavy.stat().st_size / MB
    weights = setting.sizes.heavy_weights
    title = f"One weight of a model of {megabytes:.0f} MB and {weights} weights, from process start to end"
    shell = "The shell's command writes the values to an .npy file, `weightrepl MODEL -q … -o x.npy --force`."
    return Section(title, rows_of(pairs, seconds), (shell, *setting.left_out))


def one_weight_contenders(setting: Setting) -> Iterator[Contender]:
    """Yield all that read the weight, and print what tells whether it is the same."""
    files, query, key = setting.files, setting.query, setting.key
    ours, theirs = setting.scratch / "ours.npy", setting.scratch / "theirs.npy"
    shell, *_ = shell_commands().values()
    written = (*shell, str(files.heavy), "-q", query, "-o", str(ours), "--force")
    yield _reading(API, peers.ONE_OURS, files.heavy, query)
    yield Contender(CLI, written, (written, script(peers.LOAD_VALUES + peers.PRINT_DIGEST, ours)))
    yield _reading(API_STORE, peers.ONE_OURS, files.heavy_store, query)
    yield _reading(FLOOR, peers.ONE_H5PY, files.heavy_store, key)
    saved = script(peers.ONE_H5PY + peers.SAVE_VALUES, files.heavy_store, key, theirs)
    check = (saved, script(peers.LOAD_VALUES + peers.PRINT_DIGEST, theirs))
    yield Contender(FLOOR_SAVED, saved, check)
    yield _reading(ZIPFILE, peers.ONE_ZIPFILE, files.heavy, key)
    if setting.tensorflow:
        reading = _reading(TENSORFLOW, peers.ONE_TENSORFLOW, files.heavy, setting.layers)
        yield replace(reading, slow=True)


def _reading(name: str, text: str, path: Path, weight: str) -> Contender:
    check = script(text + peers.PRINT_DIGEST, path, weight)
    return Contender(name, script(text, path, weight), (check,))


# ------------------------------------------------------------------ start


def start(setting: Setting) -> Section:
    """Return what the command takes to say what needs no model, beside Python alone."""
    nothing = Contender("python -c pass", (sys.executable, "-c", "pass"))
    contenders = [nothing]
    for name, command in shell_commands().items():
        wrong = (*command, str(setting.files.heavy), "-q", "a:[")
        contenders += [
            Contender(f"{name} --help", (*command, "--help")),
            Contender(f"{name} --version", (*command, "--version")),
            Contender(f"{name} -q 'a:['", wrong, status=2),
        ]
    for contender in contenders[1:]:
        found(contender)
    seconds = process_medians(contenders, setting.rounds, setting.often, setting.progress, "start")
    pairs = [(c.name, nothing.name, 4.0) for c in contenders[1:]]
    remarks = (
        ()
        if console_script()
        else ("The command `weightrepl` is left out: it is not installed beside this Python.",)
    )
    return Section("Start, to an answer that needs no model", rows_of(pairs, seconds), remarks)


# ------------------------------------------------------------------ listing


def listing(setting: Setting) -> tuple[Section, ...]:
    """Return what it takes from process start to the printed addresses of all weights, for both models."""
    files, sizes = setting.files, setting.sizes
    heavy = f"All addresses of the model of {sizes.heavy_weights} weights, {files.heavy.stat().st_size / MB:.0f} MB"
    many = f"All addresses of a model of {sizes.many_weights:,} weights"
    return (
        _listing(setting, heavy, files.heavy, files.heavy_store, sizes.heavy_weights),
        _listing(setting, many, files.many, files.many_store, sizes.many_weights),
    )


def _listing(setting: Setting, title: str, archive: Path, store: Path, weights: int) -> Section:
    shell, *_ = shell_commands().values()
    visit_store, visit_archive = "visititems, .weights.h5", "visititems, zipfile, .keras"
    listed = ("-q", "**:*", "--format", "paths")
    contenders = [
        Contender(API, script(peers.LIST_OURS, archive), (script(peers.LIST_OUR_KEYS, archive),)),
        Contender(API_STORE, script(peers.LIST_OURS, store), (script(peers.LIST_OUR_KEYS, store),)),
        Contender(visit_store, script(peers.LIST_H5PY, store)),
        Contender(visit_archive, script(peers.LIST_ZIPFILE, archive), slow=True),
    ]
    setting.progress.say(f"{title}: do all find the same weights?")
    if (count := len(agree(contenders))) != weights:
        raise BenchError(f"{title}: all agree on {count:,}, which is wrong")
    commands = [
        Contender(CLI, (*shell, str(archive), *listed)),
        Contender(CLI_STORE, (*shell, str(store), *listed)),
    ]
    agree([replace(contenders[0], check=()), replace(contenders[1], check=()), *commands])
    editors = list(editors_of(archive, store)) if setting.tensorflow else []
    shown = {editor.name: shown_by(editor) for editor in editors}
    everybody = [*contenders, *commands, *editors]
    seconds = process_medians(everybody, setting.rounds, setting.often, setting.progress, title)
    pairs: list[Pair] = [(ours, visit_store, 0.5) for ours in (API, CLI, API_STORE, CLI_STORE)]
    pairs += [(API, visit_archive, 0.5)]
    pairs += [(ours, editor.name, None) for ours, editor in zip((API, API_STORE), editors, strict=False)]
    remarks = [f"{name} shows {count:,} of the {weights:,} weights." for name, count in shown.items()]
    return Section(title, rows_of(pairs, seconds), (*remarks, *setting.left_out))


def editors_of(archive: Path, store: Path) -> Iterator[Contender]:
    """Yield KerasFileEditor on either file."""
    for path, suffix in ((archive, ".keras"), (store, ".weights.h5")):
        yield Contender(f"KerasFileEditor, {suffix}", script(peers.LIST_KERAS, path), slow=True)


def shown_by(editor: Contender) -> int:
    """Return how many weights KerasFileEditor shows; it prints a heading of its own before them."""
    return len(output_of(editor.command).partition("weights:\n")[2].splitlines())


# ------------------------------------------------------------------ memory


def memory(setting: Setting) -> Section:
    """Return the highest resident memory of a process that reads one weight."""
    title = "Peak memory of a process that reads one weight"
    if not Path("/proc/self/status").exists():
        return Section(title, (), ("Left out: this system has no /proc/self/status.",))
    files, query, key = setting.files, setting.query, setting.key
    imports = "numpy + h5py imported"
    texts: dict[str, tuple[str, Path, str]] = {
        imports: (peers.IMPORTS_ONLY, files.heavy, ""),
        API: (peers.ONE_OURS, files.heavy, query),
        API_STORE: (peers.ONE_OURS, files.heavy_store, query),
        FLOOR: (peers.ONE_H5PY, files.heavy_store, key),
    }
    if setting.tensorflow:
        texts[TENSORFLOW] = (peers.ONE_TENSORFLOW, files.heavy, setting.layers)
    peaks: dict[str, list[int]] = {name: [] for name in texts}
    for n in range(setting.rounds):
        setting.progress.say(f"memory: round {n + 1} of {setting.rounds}")
        for name, (text, path, weight) in texts.items():
            peaks[name].append(int(output_of(script(text + peers.PRINT_PEAK, path, weight))))
    peak = {name: float(median(values)) for name, values in peaks.items()}
    weight_nbytes = setting.sizes.units**2 * 4
    allowed = f"numpy + h5py + weight + {ALLOWED_NBYTES // MB} MB"
    peak[allowed] = peak[imports] + weight_nbytes + ALLOWED_NBYTES
    pairs: list[Pair] = [
        (API, allowed, 1.0),
        (API_STORE, allowed, 1.0),
        (API, FLOOR, None),
    ]
    if setting.tensorflow:
        pairs.append((API, TENSORFLOW, None))
    above = (peak[API] - peak[imports] - weight_nbytes) / MB
    remark = (
        f"numpy and h5py imported take {peak[imports] / MB:.1f} MB, the weight {weight_nbytes / MB:.1f} MB; "
        f"weightrepl {abs(above):.1f} MB {'more' if above >= 0 else 'less'} than both together."
    )
    return Section(title, rows_of(pairs, peak, "bytes"), (remark, *setting.left_out))


def tensorflow_is_installed() -> bool:
    """Return whether TensorFlow could be imported, without importing it."""
    return find_spec("tensorflow") is not None
