"""Times processes beside each other: the same work on both sides, in turns, medians."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from types import MappingProxyType

ROOT = Path(__file__).resolve().parent.parent.parent
TIMEOUT_S = 900

Command = tuple[str, ...]


class BenchError(Exception):
    """What is measured does not work, or does not do the same as its peers: no figure would mean anything."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A command that does the work of a row, as a fresh process each time.

    check: commands to run once and unmeasured to see what it finds, which the last prints; none: `command` itself.
    slow: whether once in each round has to do.
    status: the exit status that it has to have.
    """

    name: str
    command: Command
    check: tuple[Command, ...] = ()
    slow: bool = False
    status: int = 0


@dataclass(slots=True)
class Progress:
    """Tells on standard error what is being measured, with the time since the start."""

    started: float = field(default_factory=time.perf_counter)
    told: float = 0.0

    def say(self, text: str, every_s: float = 0.0) -> None:
        """Write one line, unless another was written less than `every_s` ago."""
        now = time.perf_counter()
        if now - self.told >= every_s:
            self.told = now
            print(f"[{now - self.started:5.0f} s] {text}", file=sys.stderr, flush=True)


def environment() -> dict[str, str]:
    """Return the variables that all processes run with: Python as it is without any set, TensorFlow quiet.

    Compiled files are written and output is buffered, whatever the caller's variables ask for.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "KERAS_BACKEND": "tensorflow"}
    return kept | quiet | {"PYTHONPATH": path}


def output_of(command: Command, status: int = 0) -> str:
    """Run a command and return what it prints.

    Raises:
        BenchError: it ends with another exit status.
    """
    done = subprocess.run(
        command,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    if done.returncode != status:
        raise BenchError(f"{command[:2]} ended with {done.returncode}, not {status}:\n{done.stderr[-2000:]}")
    return done.stdout


def seconds_of(command: Command, status: int = 0) -> float:
    """Return the seconds from a process's start to its end; what it prints goes nowhere.

    There is no time limit: waiting with one looks only now and then, at last every 50 ms, whether the process ended.
    """
    env = environment()
    null = subprocess.DEVNULL
    start = time.perf_counter()
    done = subprocess.run(command, env=env, stdin=null, stdout=null, stderr=null, check=False)
    elapsed_s = time.perf_counter() - start
    if done.returncode != status:
        raise BenchError(f"{command[:2]} ended with {done.returncode}, not {status}")
    return elapsed_s


def seconds_within(work: Callable[[], object]) -> float:
    """Return the seconds that pass in one call: threads count once, and letting go of what it returns does not."""
    start = time.perf_counter()
    result = work()
    elapsed_s = time.perf_counter() - start
    del result
    return elapsed_s


def found(contender: Contender) -> tuple[str, ...]:
    """Return what a contender finds, sorted, by running it once and unmeasured, which also warms caches."""
    printed = "" if contender.check else output_of(contender.command, contender.status)
    for command in contender.check:
        printed = output_of(command)
    return tuple(sorted(printed.splitlines()))


def agree(contenders: Sequence[Contender]) -> tuple[str, ...]:
    """Return what all contenders found.

    Raises:
        BenchError: two found different things, or one found nothing.
    """
    answers = {contender.name: found(contender) for contender in contenders}
    first_name, first = next(iter(answers.items()))
    for name, answer in answers.items():
        if not answer:
            raise BenchError(f"{name} found nothing")
        if answer != first:
            differing = sorted(set(answer) ^ set(first))[:3]
            raise BenchError(f"{first_name} and {name} found different things: {differing}")
    return first


def process_medians(
    contenders: Sequence[Contender], rounds: int, often: int, progress: Progress, title: str
) -> dict[str, float]:
    """Return each contender's median seconds; they take turns, so that a drift of the machine hits all alike.

    often: how many times those that are not slow run in each round.
    """
    measures = {c.name: partial(seconds_of, c.command, c.status) for c in contenders}
    times = {c.name: 1 if c.slow else often for c in contenders}
    return medians(measures, rounds, progress, title, times)


def medians(
    measures: Mapping[str, Callable[[], float]],
    rounds: int,
    progress: Progress,
    title: str,
    times: Mapping[str, int] = MappingProxyType({}),
) -> dict[str, float]:
    """Return the median of what each measure gives, called in turns: A B C A B C …

    times: how often a measure is called in each round, where it is not once.
    """
    samples: dict[str, list[float]] = {name: [] for name in measures}
    for n in range(rounds):
        progress.say(f"{title}: round {n + 1} of {rounds}", every_s=2.0)
        for turn in range(max(times.values(), default=1)):
            for name, measure in measures.items():
                if turn < times.get(name, 1):
                    samples[name].append(measure())
    return {name: median(values) for name, values in samples.items()}


def warm(paths: Iterable[Path]) -> None:
    """Bring files into the page cache."""
    for path in paths:
        with path.open("rb") as file:
            while file.read(1 << 24):
                pass
