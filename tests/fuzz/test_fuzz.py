"""A few seconds of the fuzzer: the same inputs each time, and others each time. `make fuzz` tries 200,000."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.fuzz import checks
from tests.fuzz.mutations import BY_KIND, MUTATIONS
from tests.fuzz.run import Case, again, case_of, in_a_process, kept, outcome_of, run
from tests.fuzz.seeds import seed_named, seeds

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited as Linux can")


@pytest.mark.parametrize("seed", [7, int(time.time())], ids=["the same", "others"])
def test_any_input_is_read_or_refused_by_name(seed: int):
    report = run(400, seed, workers=1)
    assert report.failures == {}, f"seed {seed}"
    assert report.inputs == 400
    if seed == 7:  # others may leave out one that is seldom taken
        assert {kind for kind, _ in report.outcomes} == set(BY_KIND)


@pytest.mark.parametrize("kind", sorted(BY_KIND))
def test_the_seeds_are_sound(kind: str):
    found = [seed for seed in seeds() if seed.kind == kind]
    assert found
    for seed in found:
        assert outcome_of(seed.opened, seed.files).partition(",")[0] == "read", seed.name


def test_an_input_comes_again():
    for number in range(50):
        assert case_of(number, 3).files == case_of(number, 3).files
    assert set(MUTATIONS) == {name for names in BY_KIND.values() for name in names}


def out_of_memory(*_: object) -> str:
    return str(len(bytearray(300_000_000)))


def endless(*_: object) -> str:
    while True:
        pass


def crash(*_: object) -> str:
    import ctypes
    import faulthandler

    faulthandler.disable()
    return ctypes.string_at(0).decode()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (out_of_memory, "FAILED: MemoryError"),
        (endless, "FAILED: TooSlow"),
        (crash, "FAILED: the process ended with -11"),
    ],
)
def test_the_fuzzer_finds_what_takes_too_much(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault, told: str
):
    """With a reader that is wrong in one way each run fails, and what is kept fails again."""
    monkeypatch.setattr("tests.fuzz.run.checked", fault)
    monkeypatch.setattr("tests.fuzz.run.CPU_S", 0.2)
    report = run(2, 1, workers=1)
    (outcome,) = report.failures
    assert outcome.startswith(told)
    assert again(kept(report.failures[outcome], outcome, tmp_path)) == outcome


def test_what_is_kept_is_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Of three steps only the one that matters is kept, and of its bytes only the one that matters."""
    sound = seed_named("built/c").files["m.npy"]

    def strict(folder: Path, opened: str, files: dict[str, bytes]) -> str:
        assert files[opened][:1] == sound[:1]
        return "read"

    monkeypatch.setattr("tests.fuzz.run.checked", strict)
    numbers = iter(range(10_000))
    case = next(
        case
        for number in numbers
        if (case := Case("built/c", [("grown", 1), ("some_bytes", number)])).files["m.npy"][:1] != sound[:1]
    )
    opened = seed_named(case.seed).opened
    target = kept(case, in_a_process(opened, case.files), tmp_path)
    found = (target / "files" / "m.npy").read_bytes()
    assert [i for i, (a, b) in enumerate(zip(found, sound, strict=True)) if a != b] == [0]


def test_the_scratch_folder_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(checks, "scratch", lambda: tmp_path / "x")
    seed = seed_named("built/c")
    assert outcome_of(seed.opened, seed.files) == "read"
    assert not checks.scratch().exists()
