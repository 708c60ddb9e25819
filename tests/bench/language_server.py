"""The sections of the table about the language server: its start, its answers, what waits for what, its memory."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from statistics import median, quantiles

from tests.bench.measure import BenchError, Command, medians
from tests.bench.models import paths
from tests.bench.processes import Setting, script
from tests.bench.servers import Page, Server, server_of
from tests.bench.table import Row, Section, amount

OURS, JEDI, BARE, AIM = "weightrepl-lsp", "jedi-language-server", "bare pygls", "what we aim at"
SERVER: Command = (sys.executable, "-m", "weightrepl.frontends.language_server")
BARE_SERVER = script("from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()")
JEDI_SERVER = script("from jedi_language_server.cli import cli; cli()")
NO_JEDI = "jedi-language-server is left out: it is not installed beside this Python."

KEY_AIMS_S = (0.03, 0.05)
FILE_AIM_S, WAIT_AIM_S = 1.0, 0.05
TYPED = "block_3/dense_1*:kernel | where size > 1"
TYPED_FLAT = "dense_4*:kernel | where size > 1"
PYTHON = "os.path.commonprefix"
QUERIES = {"full": 1_000, "quick": 20}


def language_server(setting: Setting) -> tuple[Section, ...]:
    """Return what the server takes to start, to answer and to keep, beside servers of the same library."""
    setting.scratch.mkdir(parents=True, exist_ok=True)
    return _start(setting), _answers(setting), _whole_files(setting), _waits(setting), _memory(setting)


def _peers() -> dict[str, Command]:
    jedi = {JEDI: JEDI_SERVER} if find_spec("jedi_language_server") else {}
    return {BARE: BARE_SERVER} | jedi


def _remarks() -> tuple[str, ...]:
    return () if JEDI in _peers() else (NO_JEDI,)


def _start(setting: Setting) -> Section:
    """Return what passes until `initialize` is answered."""

    def seconds(command: Command) -> float:
        with server_of(command, setting.scratch) as (_, elapsed_s):
            return elapsed_s

    commands = {OURS: SERVER, **_peers()}
    measures = {name: lambda command=command: seconds(command) for name, command in commands.items()}
    for measure in measures.values():
        measure()  # compiled files are written
    found = medians(measures, setting.rounds * setting.often, setting.progress, "start of a language server")
    aims = {BARE: 1.25, JEDI: 1.0}
    rows = tuple(Row(OURS, peer, found[OURS], found[peer], aim=aims[peer]) for peer in _peers())
    return Section("From the start of a language server to its answer to `initialize`", rows, _remarks())


# ------------------------------------------------------------------ models


def _nested(setting: Setting, weights: int) -> Path:
    """Return a file of so many weights in blocks of 50 layers."""
    keys = (path.partition("/")[2].replace("/", ".").replace(":", ".") for path in paths(weights))
    return _written(setting.scratch / f"nested-{weights}.safetensors", keys)


def _flat(setting: Setting, weights: int) -> Path:
    """Return a file of so many weights in layers side by side."""
    keys = (f"dense_{n}.{role}" for n in range(weights // 2) for role in ("kernel", "bias"))
    return _written(setting.scratch / f"flat-{weights}.safetensors", keys)


def _written(path: Path, keys: Iterator[str]) -> Path:
    if not path.exists():
        entries = {
            key: {"dtype": "U8", "shape": [2], "data_offsets": [2 * n, 2 * n + 2]}
            for n, key in enumerate(keys)
        }
        header = json.dumps(entries).encode()
        partial = path.with_name(f"partial-{path.name}")
        partial.write_bytes(len(header).to_bytes(8, "little") + header + bytes(2 * len(entries)))
        partial.replace(path)
    return path


def _page(server: Server, model: Path, *lines: str) -> Page:
    """Return an open query file about a model, which is here."""
    text = "\n".join((f"#: open {model.name}", *lines, ""))
    page = Page(server, (model.parent / f"{model.stem}-{len(lines)}.wq").as_uri(), text)
    page.ask_at("completion", 0)
    return page


def _lines(setting: Setting) -> list[str]:
    """Return many queries, each another."""
    return [
        f"block_{n % 10}/dense_{n % 50}*:kernel | where size > {n}"
        for n in range(QUERIES[setting.sizes.name])
    ]


# ------------------------------------------------------------------ answers


def _answers(setting: Setting) -> Section:
    """Return what passes between a key, or a mouse that rests, and the answer."""
    rows = []
    with server_of(SERVER, setting.scratch) as (server, _):
        found = {}
        for weights, aim_s in zip(setting.sizes.trees[-2:], KEY_AIMS_S, strict=True):
            for kind, model, typed in (
                ("", _nested(setting, weights), TYPED),
                (", flat", _flat(setting, weights), TYPED_FLAT),
            ):
                setting.progress.say(f"language server: {weights:,} weights{kind}")
                page = _page(server, model)
                name = f"{weights:,} weights{kind}"
                found[name] = _percentiles(setting, page, typed)
                rows.append(Row(f"Tab, {name}", AIM, found[name]["completion"], aim_s, aim=1.0))
    if JEDI in _peers():
        theirs = _of_jedi(setting)
        name = f"{setting.sizes.trees[-1]:,} weights"
        rows += [Row(f"{what}, {name}", JEDI, found[name][what], theirs[what]) for what in theirs]
    remarks = ("Every key of a query is an edit and a request.", f"jedi-language-server: of {PYTHON}.")
    return Section(
        "p95 of the answers to keys, and to a mouse that rests", tuple(rows), (*remarks, *_remarks())
    )


def _of_jedi(setting: Setting) -> dict[str, float]:
    with server_of(JEDI_SERVER, setting.scratch) as (server, _):
        page = Page(server, (setting.scratch / "script.py").as_uri(), "import os\n", "python")
        return _percentiles(setting, page, PYTHON)


def _percentiles(setting: Setting, page: Page, typed: str) -> dict[str, float]:
    """Return the seconds that 95 of 100 answers take at most, of completions and of hovers."""
    keys, hovers, found = [], [], 0
    page.write(typed)
    page.ask_at("completion", 0)
    for n in range(setting.rounds * len(typed)):
        end = n % len(typed) + 1
        start = time.perf_counter()
        page.write(typed[:end])
        answer = page.ask_at("completion", end)
        keys.append(time.perf_counter() - start)
        found += bool(answer and (answer["items"] if isinstance(answer, dict) else answer))
    for n in range(setting.rounds * len(typed)):
        start = time.perf_counter()
        found += bool(page.ask_at("hover", n % len(typed)))
        hovers.append(time.perf_counter() - start)
    if found < setting.rounds * len(typed) // 2:
        raise BenchError(f"hardly anything is known of {typed}")
    return {"completion": _p95(keys), "hover": _p95(hovers)}


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[18]


# ------------------------------------------------------------------ whole files

WHOLE = ("diagnostic", "semanticTokens/full", "inlayHint", "codeLens", "documentSymbol", "formatting")
PARAMS = {"formatting": {"options": {"tabSize": 4, "insertSpaces": True}}}


def _begun(page: Page, method: str) -> int:
    span = {"range": page.whole} if method == "inlayHint" else {}
    return page.begin(method, **PARAMS.get(method, {}), **span)


def _whole_files(setting: Setting) -> Section:
    """Return what answers about a file of many queries take."""
    weights, lines = setting.sizes.trees[-2], _lines(setting)
    rows = []
    with server_of(SERVER, setting.scratch) as (server, _):
        page = _page(server, _nested(setting, weights), *lines)
        works: dict[str, Callable[[], object]] = {
            method: lambda method=method: server.answer(_begun(page, method)) for method in WHOLE
        }
        for method, work in works.items():
            seconds = []
            for n in range(setting.rounds + 1):
                page.write(f"block_1/dense_{n}:kernel")
                page.ask_at("hover", 0)
                start = time.perf_counter()
                work()
                seconds.append(time.perf_counter() - start)
            rows.append(Row(method, AIM, median(seconds), FILE_AIM_S, aim=1.0))
    return Section(
        f"Answers about a file of {len(lines):,} queries of {weights:,} weights, after an edit", tuple(rows)
    )


# ------------------------------------------------------------------ what waits


def _waits(setting: Setting) -> Section:
    """Return how long a hover takes at most while something else is under way."""
    weights, lines = setting.sizes.trees[-1], _lines(setting)
    flat = _flat(setting, weights)
    rows = []
    with server_of(SERVER, setting.scratch) as (server, _):
        small = _page(server, _nested(setting, setting.sizes.trees[0]))
        small.write(TYPED)
        quiet_s = max(_hover_seconds(small) for _ in range(100))
        heavy = _page(server, _nested(setting, weights), *lines, "**:kernel")
        run = {"command": "weightrepl.run", "arguments": [heavy.uri, len(lines)]}

        def opened() -> int:
            text = f"#: open {flat.name}\n"
            page = Page(server, (flat.parent / "opened.wq").as_uri(), text)
            return page.begin("completion", position={"line": 1, "character": 0})

        works: dict[str, Callable[[], int]] = {
            method: lambda method=method: _begun(heavy, method) for method in WHOLE
        }
        works[f"opening {weights:,} weights"] = opened
        works[f"listing {weights // 2:,} weights"] = lambda: server.begin("workspace/executeCommand", **run)
        for what, begin in works.items():
            setting.progress.say(f"language server: what waits for {what}")
            rows.append(Row(what, AIM, _longest(small, begin), WAIT_AIM_S, aim=1.0))
    title = (
        f"The longest hover while something else is under way: {len(lines):,} queries, {weights:,} weights"
    )
    return Section(title, tuple(rows), (f"With nothing under way: {amount(quiet_s, 's')}.",))


def _longest(page: Page, begin: Callable[[], int]) -> float:
    """Return the longest that a hover took until a request was answered."""
    server, seconds = page.server, []
    number = begin()
    while number not in server.answers:
        seconds.append(_hover_seconds(page))
    server.answer(number)
    return max(seconds)


def _hover_seconds(page: Page) -> float:
    start = time.perf_counter()
    page.ask_at("hover", 3)
    return time.perf_counter() - start


# ------------------------------------------------------------------ memory


def _memory(setting: Setting) -> Section:
    """Return the memory of servers that wait, and of ours with a large model."""
    title = "Resident memory of a language server"
    if not Path("/proc/self/status").exists():
        return Section(title, (), ("Left out: this system has no /proc/self/status.",))
    nbytes = {}
    for name, command in {OURS: SERVER, **_peers()}.items():
        with server_of(command, setting.scratch) as (server, _):
            nbytes[name] = float(server.nbytes)
    rows = [Row("at rest", peer, nbytes[OURS], nbytes[peer], "bytes") for peer in _peers()]
    for weights in setting.sizes.trees[-2:]:
        with server_of(SERVER, setting.scratch) as (server, _):
            _page(server, _nested(setting, weights))
            held = float(server.nbytes)
        rows.append(Row(f"{weights:,} weights", "ours at rest", held, nbytes[OURS], "bytes"))
    return Section(title, tuple(rows), _remarks())
