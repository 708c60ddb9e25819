"""The bench itself works: on tiny models, once each; and it refuses figures of things that differ."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.bench import run
from tests.bench.measure import BenchError, Contender, Progress, agree, medians, output_of, seconds_of
from tests.bench.models import QUICK, Files, paths, tree, write_files
from tests.bench.processes import TENSORFLOW, Setting, editors_of, one_weight_contenders, shown_by
from tests.bench.table import (
    HEADINGS,
    WIDTH,
    Row,
    Section,
    amount,
    as_markdown,
    as_text,
    significant,
    verdict,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the tiny models are, once they are written."""
    return tmp_path_factory.mktemp("bench")


def printing(name: str, *lines: str) -> Contender:
    return Contender(name, (sys.executable, "-c", f"print({chr(10).join(lines)!r})"))


# -- the whole, on tiny models ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("WEIGHTREPL_LONG") != "1", reason="TensorFlow starts often: a minute")
@pytest.mark.tensorflow
def test_the_quick_form_measures_all_sections_and_finds_the_same_as_its_peers(folder, capsys):
    pytest.importorskip("tensorflow")
    page = folder / "performance.md"
    assert run.main(["--quick", "--cache", str(folder), "--markdown", str(page)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert max(map(len, printed)) <= WIDTH
    titles = [
        line.removeprefix("## ")
        for line in page.read_text(encoding="utf-8").splitlines()
        if line[:3] == "## "
    ]
    more = {
        "list": 1,
        "stats": 1,
        "prompt": 1,
        "magics": 2,
        "sources": 4,
        "lsp": 4,
    }  # tables besides the first
    assert len(titles) == len(run.SECTIONS) + sum(more.values())
    assert [title for title in titles if title not in printed] == []
    assert run.ONLY_QUICK in " ".join(printed)


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("WEIGHTREPL_LONG") != "1", reason="TensorFlow starts often: a minute")
@pytest.mark.tensorflow
def test_tensorflow_finds_the_same_weight_and_keras_loses_the_nested_ones(folder):
    pytest.importorskip("tensorflow")
    setting = Setting(Files.of(folder, QUICK), QUICK, 1, 1, True, Progress())
    write_files(folder, QUICK)
    contenders = list(one_weight_contenders(setting))
    assert TENSORFLOW in [contender.name for contender in contenders]
    (digest,) = agree(contenders)
    assert digest.startswith(f"({QUICK.units}, {QUICK.units}) <f4 ")
    editor, _ = editors_of(setting.files.many, setting.files.many_store)
    assert shown_by(editor) == QUICK.many_weights // 2


def test_without_tensorflow_and_files_the_other_sections_are_measured(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tests.bench.processes.find_spec", lambda name: None)
    assert run.main(["--quick", "--only", "one", "--only", "address", "--cache", str(tmp_path)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert run.NO_FILES in printed
    assert "One address, in trees of growing size in memory" in printed


def test_it_runs_as_a_script():
    done = subprocess.run(
        [sys.executable, run.__file__, "--help"], capture_output=True, text=True, check=True
    )
    assert "--markdown FILE" in done.stdout


# -- what is compared is the same -------------------------------------------------------------------------------------


def test_contenders_that_find_the_same_agree_whatever_the_order():
    assert agree([printing("a", "x", "y"), printing("b", "y", "x")]) == ("x", "y")


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        (printing("b", "x", "z"), "a and b found different things: ['y', 'z']"),
        (printing("b", "x"), "a and b found different things: ['y']"),
        (Contender("b", (sys.executable, "-c", "")), "b found nothing"),
        (Contender("b", (sys.executable, "-c", "raise SystemExit('no')")), "ended with 1, not 0:\nno"),
    ],
)
def test_contenders_that_find_different_things_are_refused(other: Contender, complaint: str):
    with pytest.raises(BenchError, match=re.escape(complaint)):
        agree([printing("a", "x", "y"), other])


def test_what_a_check_prints_is_compared_not_what_the_command_does():
    checked = Contender("a", printing("", "x").command, (printing("", "z").command,))
    assert agree([checked]) == ("z",)


def test_a_refusal_is_told_by_the_exit_status(monkeypatch, capsys):
    monkeypatch.setattr("tests.bench.in_memory.PEER_PATTERN", "*:bias")
    assert run.main(["--quick", "--only", "pattern"]) == 1
    assert "bench: **:kernel and fnmatch found different weights" in capsys.readouterr().err


def test_a_process_with_the_wrong_exit_status_has_no_time():
    with pytest.raises(BenchError, match="ended with 3, not 2"):
        seconds_of((sys.executable, "-c", "raise SystemExit(3)"), status=2)


def test_the_end_of_a_process_is_waited_for_not_polled(monkeypatch):
    limits: list[float | None] = []
    wait = subprocess.Popen._wait
    monkeypatch.setattr(
        subprocess.Popen, "_wait", lambda self, timeout: (limits.append(timeout), wait(self, timeout))[1]
    )
    assert seconds_of((sys.executable, "-c", "pass")) > 0
    assert limits
    assert set(limits) == {None}


def test_processes_find_the_package_of_this_checkout():
    where = output_of((sys.executable, "-c", "import weightrepl; print(weightrepl.__file__)"))
    assert where.strip() == str(run.ROOT / "weightrepl" / "__init__.py")


def test_the_list_of_paths_is_that_of_the_tree():
    from weightrepl.engine.evaluate import evaluate
    from weightrepl.model.workspace import Workspace

    found = evaluate("**:*", Workspace((tree(200),)))
    assert list(found.addresses) == paths(200)


# -- figures ----------------------------------------------------------------------------------------------------------


def test_contenders_take_turns_and_medians_are_given():
    calls: list[str] = []
    values = {"a": iter([9.0, 1.0, 2.0, 3.0, 8.0, 4.0]), "b": iter([5.0, 70.0, 6.0])}

    def measure(name: str) -> float:
        calls.append(name)
        return next(values[name])

    measures = {name: lambda name=name: measure(name) for name in values}
    assert medians(measures, 3, Progress(), "", {"a": 2}) == {"a": 3.5, "b": 6.0}
    assert "".join(calls) == "abaabaaba"


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *((0.0, "0.00"), (0.00312, "0.00312"), (0.0312, "0.0312"), (0.312, "0.312"), (1.0, "1.00")),
        *((6.614, "6.61"), (66.14, "66.1"), (661.4, "661"), (1362.2, "1362")),
    ],
)
def test_three_digits_are_shown(number: float, text: str):
    assert significant(number) == text


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        *((1.94e-5, "s", "19.4 µs"), (0.0194, "s", "19.4 ms"), (6.61, "s", "6.61 s")),
        *((62_100_000, "bytes", "62.1 MB"), (1_362_000_000, "bytes", "1362 MB")),
    ],
)
def test_amounts_have_the_unit_that_people_read(number: float, unit: str, text: str):
    assert amount(number, unit) == text


SECTIONS = (
    Section(
        "Title", (Row("a", "b", 3.0, 2.0, "s", 1.5), Row("a|c", "d", 3.1, 2.0, "s", 1.5)), ("**:x is it.",)
    ),
    Section("Left out", (), ("no weights",)),
)


def test_an_aim_that_is_missed_stays_in_and_says_so():
    met, missed = SECTIONS[0].rows
    assert (met.reached, missed.reached, Row("a", "b", 1.0, 2.0).reached) == (True, False, None)
    lines = list(as_text(SECTIONS, ("head",)))
    assert lines[0] == "head"
    assert [line.split()[-1] for line in lines if "≤" in line] == ["yes", "NO"]
    assert lines[-1] == verdict(SECTIONS) == "1 of 2 aims are reached; the others are marked NO."
    assert verdict((Section("", (met,)),)) == "All 1 aims are reached."


def test_markdown_holds_the_same_cells():
    lines = list(as_markdown(SECTIONS, ("head", "machine")))
    assert "Ratios below 1 mean that weightrepl needs less. head. machine." in lines
    assert "| a | b | 3.00 s | 2.00 s | 1.50 | ≤ 1.5 | yes |" in lines
    assert "| a\\|c | d | 3.10 s | 2.00 s | 1.55 | ≤ 1.5 | NO |" in lines
    assert f"| {' | '.join(HEADINGS[:-1])} | reached |" in lines
    assert "\n\\*\\*:x is it." in lines
