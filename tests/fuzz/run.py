"""The fuzzer: damaged models by the hundred thousand, each opened and read in a process that may take little.

    python -m tests.fuzz.run [--inputs 200000] [--seed N] [--workers 2] [--kind safetensors]
    python -m tests.fuzz.run --again build/fuzz/NAME

Each input has 2 s of the processor's time and may take 200 MB more than the process had before: the system refuses what
is beyond (RLIMIT_DATA, which counts what is allocated, by C libraries too), so that it ends in a MemoryError. What
fails is made as small as it goes and kept with the steps that make it from its seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import select
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz.checks import checked, scratch
from tests.fuzz.mutations import BY_KIND, drawn, mutated
from tests.fuzz.seeds import Seed, seed_named, seeds

CPU_S = 2.0
MORE_NBYTES = 200_000_000
KEPT = Path("build") / "fuzz"

_BATCH = 400
_HANGS_S = 60.0  # of the clock: what waits takes no processor's time

_KINDS = sorted(BY_KIND)
_WEIGHTS = [
    1 if kind in ("library", "npy") else 8 for kind in _KINDS
]  # each of these starts a process; is a line

Steps = list[tuple[str, int]]


class TooSlow(BaseException):
    """An input took more of the processor's time than it may."""


class Case(NamedTuple):
    """An input: a seed's name and the steps from it."""

    seed: str
    steps: Steps

    @property
    def files(self) -> dict[str, bytes]:
        """The files of the input."""
        return mutated(seed_named(self.seed), self.steps)


def case_of(number: int, seed: int, kind: str | None = None) -> Case:
    """Return the input of a number, the same one each time."""
    chance = Random(f"{seed}/{number}")
    kind = kind or chance.choices(_KINDS, _WEIGHTS)[0]
    found: Seed = chance.choice([each for each in seeds() if each.kind == kind])
    return Case(found.name, drawn(found, chance))


# ------------------------------------------------------------------ one input, in a process of its own


def outcome_of(opened: str, files: dict[str, bytes]) -> str:
    """Return what comes of an input: `read`, the name of our error, or what else came out, told as `FAILED: …`."""
    folder = scratch()
    signal.signal(signal.SIGPROF, _too_slow)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (_allocated() + MORE_NBYTES, before[1]))
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        return checked(folder, opened, files)
    except (Exception, TooSlow) as error:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, before)
        return f"FAILED: {_signature(error)}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, before)
        shutil.rmtree(folder, ignore_errors=True)


def _too_slow(number: int, frame: object) -> None:
    raise TooSlow


def _allocated() -> int:
    """Return how many bytes this process has for data (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no VmData")


def _signature(error: BaseException) -> str:
    """Return an error's name, where it was raised, its innermost place in weightrepl, and its words."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f"{os.sep}weightrepl{os.sep}" in f.filename] or frames
    if isinstance(error, TooSlow | MemoryError):
        own = own[:1]  # where it happens to end is chance
    place = f"{Path(own[-1].filename).name}:{own[-1].lineno}" if own else "?"
    return f"{type(error).__name__} at {place}: {str(error)[:150]!r}"


# ------------------------------------------------------------------ many


class Report(NamedTuple):
    """What came of a run: how many inputs had which outcome by the kind of their seed, and the failures."""

    outcomes: Counter[tuple[str, str]]
    failures: dict[str, Case]
    peak_nbytes: int

    @property
    def inputs(self) -> int:
        """How many inputs were tried."""
        return self.outcomes.total()


class _Child:
    """A process that tries inputs one after the other and tells of each."""

    def __init__(self, numbers: range, seed: int, kind: str | None) -> None:
        self.numbers, self.done, self.heard = numbers, 0, time.monotonic()
        seeds()
        self.pipe, writing = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(self.pipe)
            _try_all(numbers, seed, kind, writing)
        os.close(writing)
        self._rest = b""

    def lines(self) -> list[dict[str, object]] | None:
        """Return what was told since; None when the process has ended."""
        raw = os.read(self.pipe, 1 << 16)
        *whole, self._rest = (self._rest + raw).split(b"\n")
        self.done, self.heard = self.done + len(whole), time.monotonic()
        return [json.loads(line) for line in whole] if raw else None

    def ended(self) -> str:
        """Return how the process ended; empty if well."""
        os.close(self.pipe)
        _, status = os.waitpid(self.process, 0)
        code = os.waitstatus_to_exitcode(status)
        return "" if code == 0 else f"FAILED: the process ended with {code}"


def _try_all(numbers: range, seed: int, kind: str | None, writing: int) -> None:
    """Try inputs and leave the process."""
    try:
        warnings.simplefilter("error")
        with os.fdopen(writing, "w", buffering=1) as told:
            for number in numbers:
                case = case_of(number, seed, kind)
                outcome = outcome_of(seed_named(case.seed).opened, case.files)
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
                told.write(json.dumps({"outcome": outcome, "peak": peak}) + "\n")
        os._exit(0)
    finally:
        os._exit(1)


def run(inputs: int, seed: int, workers: int = 2, kind: str | None = None) -> Report:
    """Try so many inputs; return what came of them. Tells on standard error how far it is."""
    report = Report(Counter(), {}, 0)
    waiting = [range(start, min(start + _BATCH, inputs)) for start in range(0, inputs, _BATCH)][::-1]
    children: list[_Child] = []
    while waiting or children:
        while waiting and len(children) < workers:
            children.append(_Child(waiting.pop(), seed, kind))
        ready, _, _ = select.select([child.pipe for child in children], [], [], 1.0)
        for child in list(children):
            told = child.lines() if child.pipe in ready else []
            for line in told or ():
                number = child.numbers[child.done - len(told or ()) + (told or []).index(line)]
                report = _counted(report, case_of(number, seed, kind), str(line["outcome"]), line["peak"])
                if report.inputs % 10_000 == 0:
                    print(f"{report.inputs:,} of {inputs:,}, {len(report.failures)} failed", file=sys.stderr)
            if told is None:
                children.remove(child)
                waiting += _after_the_end(child, report, seed, kind)
            elif time.monotonic() - child.heard > _HANGS_S:
                os.kill(child.process, signal.SIGKILL)
    return report


def _counted(report: Report, case: Case, outcome: str, peak: object) -> Report:
    kind = seed_named(case.seed).kind
    if outcome.startswith("FAILED"):
        if outcome not in report.failures:
            print(f"{case.seed} {case.steps}: {outcome}", file=sys.stderr)
        report.failures.setdefault(outcome, case)
        outcome = "FAILED"
    report.outcomes[kind, outcome] += 1
    return report._replace(peak_nbytes=max(report.peak_nbytes, int(str(peak))))


def _after_the_end(child: _Child, report: Report, seed: int, kind: str | None) -> Iterator[range]:
    """Yield what is left to try; a process that was killed died of the input after the last that it told of."""
    how = child.ended()
    if how and child.done < len(child.numbers):
        _counted(report, case_of(child.numbers[child.done], seed, kind), how, 0)
        yield child.numbers[child.done + 1 :]


# ------------------------------------------------------------------ what failed


def in_a_process(opened: str, files: dict[str, bytes]) -> str:
    """Return what comes of an input that may end the process."""
    pipe, writing = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(pipe)
        warnings.simplefilter("error")
        os.write(writing, outcome_of(opened, files).encode("utf-8", "backslashreplace"))
        os._exit(0)
    os.close(writing)
    with os.fdopen(pipe, "rb") as told:
        outcome = told.read().decode() if select.select([told], [], [], _HANGS_S)[0] else "FAILED: it hangs"
    os.kill(process, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    return outcome or f"FAILED: the process ended with {code}"


def kept(case: Case, outcome: str, folder: Path) -> Path:
    """Write an input that failed, as small as it goes, into a folder of its own, with the steps to it; return that."""
    opened = seed_named(case.seed).opened
    steps = list(case.steps)
    for step in case.steps:
        fewer = [each for each in steps if each is not step]
        if fewer and in_a_process(opened, Case(case.seed, fewer).files) == outcome:
            steps = fewer
    files = _nearer(seed_named(case.seed), Case(case.seed, steps).files, outcome)
    told = {"seed": case.seed, "steps": steps, "opened": opened, "outcome": outcome}
    target = folder / hashlib.sha256(outcome.encode()).hexdigest()[:12]
    shutil.rmtree(target, ignore_errors=True)
    for name, content in files.items():
        (target / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (target / "files" / name).write_bytes(content)
    (target / "case.json").write_text(json.dumps(told, indent=1))
    return target


def _nearer(seed: Seed, files: dict[str, bytes], outcome: str) -> dict[str, bytes]:
    """Return files with as many bytes as the seed's as can be, where they are as long."""
    tries = 200
    for name, content in files.items():
        sound = seed.files.get(name, b"")
        places = [i for i, (a, b) in enumerate(zip(content, sound, strict=False)) if a != b]
        size = len(places) if len(content) == len(sound) else 0
        while size and tries:
            for start in range(0, len(places), size):
                changed = bytearray(files[name])
                for at in places[start : start + size]:
                    changed[at] = sound[at]
                tries -= 1
                if tries > 0 and in_a_process(seed.opened, {**files, name: bytes(changed)}) == outcome:
                    files = {**files, name: bytes(changed)}
            size //= 2
    return files


def again(folder: Path) -> str:
    """Return what comes now of an input that was kept."""
    told = json.loads((folder / "case.json").read_text())
    top = folder / "files"
    files = {
        str(path.relative_to(top)): path.read_bytes() for path in sorted(top.rglob("*")) if path.is_file()
    }
    return in_a_process(told["opened"], files)


def main() -> int:
    """Run as the arguments say; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inputs", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--kind")
    parser.add_argument("--again", type=Path)
    options = parser.parse_args()
    if options.again:
        print(again(options.again))
        return 0
    started = time.monotonic()
    report = run(options.inputs, options.seed, options.workers, options.kind)
    took = time.monotonic() - started
    for (kind, outcome), count in sorted(report.outcomes.items()):
        print(f"{kind:12} {count:8,}  {outcome}")
    print(
        f"{report.inputs:,} inputs from seed {options.seed} in {took:.0f} s; the largest process had "
        f"{report.peak_nbytes / 1e6:.0f} MB; {len(report.failures)} kinds of failure"
    )
    for outcome, case in report.failures.items():
        print(f"{outcome}\n  {case.seed} {case.steps}", flush=True)
        print(f"  {kept(case, outcome, KEPT)}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
