"""The command as a user has it: a process with arguments, streams, signals and an exit status."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
from importlib.resources import files
from pathlib import Path

import h5py
import jsonschema
import numpy as np
import pytest
from safetensors import safe_open

from tests.readers.files import write_store
from weightrepl import __version__

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "weightrepl" / "demo" / "larger_model.keras"
ODD_NAMES = ROOT / "tests" / "zoo" / "keras3" / "weird_names"
COMMAND = [sys.executable, "-m", "weightrepl"]
KERNEL = "larger_model/custom_module/inner_dense1:kernel"


def environment(**changes: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")}
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "LC_ALL": "C.UTF-8"} | changes


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the demo's model as m.keras, in which the command runs."""
    shutil.copy(MODEL, tmp_path / "m.keras")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*arguments: str, given: str | None = None, **changes: str) -> subprocess.CompletedProcess[str]:
    """The command's run; without text given its standard input is /dev/null."""
    streams = {"stdin": subprocess.DEVNULL} if given is None else {"input": given}
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**changes),
        capture_output=True,
        text=True,
        check=False,
        **streams,
    )


def printed(*arguments: str, given: str | None = None, status: int = 0, told: str = "") -> list[str]:
    """The lines that the command prints, once it ended as it should and told that on standard error."""
    run = ran(*arguments, given=given)
    assert (run.returncode, run.stderr) == (status, told)
    return run.stdout.splitlines()


# ------------------------------------------------------------------ before any model is opened


def test_help_fits_a_screen_and_names_every_option():
    lines = printed("--help")
    assert len(lines) <= 23  # the prompt takes the last
    assert max(map(len, lines)) <= 80
    options = {
        "-q",
        "-f",
        "-m",
        "--layers",
        "--explain",
        "--format",
        "-o",
        "--force",
        "--labels",
        "--unfold",
        "--color",
        "--completion",
        "--allow",
    }
    assert options | {"--demo", "--version", "--help", "-h"} <= set(
        re.findall(r"(?<!\S)--?[a-z]+", "\n".join(lines))
    )
    assert printed("m.keras", "-h") == lines


def test_every_example_of_the_help_runs(folder: Path):
    for name in ("model.keras", "a.keras", "b.keras"):
        shutil.copy("m.keras", name)
    examples = [line.strip() for line in printed("--help") if line.startswith("  weightrepl")]
    assert len(examples) >= 4
    for example in examples:
        example = example.replace("encoder/", "custom_module/").replace("size > 1M", "size > 1")
        run = subprocess.run(
            example.replace("weightrepl", " ".join(COMMAND), 1), shell=True, env=environment(), check=False
        )
        assert run.returncode == 0, example


def test_version():
    assert printed("--version") == [f"weightrepl {__version__}"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("m.keras --frmat json", "error: no option --frmat, did you mean --format?; see weightrepl --help\n"),
        ("m.keras -q", "error: argument -q/--query: expected one argument; see weightrepl --help\n"),
        ("m.keras -q a -o x.npz --layers", "error: --layers says nothing with -o, which writes the weights"),
        ("m.keras --force", "error: --force is for -o"),
        ("m.keras --demo", "error: --demo brings its own model and queries; --demo -o FILE.keras writes"),
        ("--demo -q **", "error: --demo brings its own model and queries"),
        ("--demo -o x.npz", "error: --demo -o writes a .keras file, and x.npz is called otherwise"),
        ("--demo -o m.keras", "error: m.keras: exists already; --force (in Python force=True) overwrites it"),
        (
            "m.keras --allow json_bytes=1G",
            "error: --allow: no limit is called 'json_bytes', did you mean json_nbytes?; see weightrepl --help",
        ),
        (
            "m.keras --allow depth=deep",
            "error: --allow: 'depth=deep' sets no limit: a whole number is expected",
        ),
        (
            "m.keras --allow depth=1.5",
            "error: --allow: 'depth=1.5' sets no limit: a whole number is expected",
        ),
        ("m.keras -q a -o x.npz --unfold", "error: --unfold says nothing with -o"),
        ("m.keras --explain --unfold", "error: --unfold says nothing with --explain"),
        (
            "m.keras --unfold --format csv",
            "error: --unfold is for tables and trees: --format csv never folds",
        ),
        ("m.keras -q a --explain --format json", "error: --explain is for reading, and has no --format json"),
        ("m.keras --explain", "error: --explain explains queries, and there is none\n"),
        ("m.keras -q a -q b -o x.npz", "error: -o writes what one query selects, and there is 2 queries"),
        ("m.keras -o x.npz", "error: -o writes what one query selects, and there is no query"),
        ("m.keras -q a -o x.foo", "error: x.foo: unknown format '.foo'; known are .npz, .npy, .safetensors"),
        ("-q a", "error: no model is given: weightrepl MODEL -q QUERY"),
        ("", "error: no model is given"),
        ("nope.keras -q a", "error: nope.keras: no such file"),
        ("m.keras -f nope.wq", "error: nope.wq: No such file or directory\n"),
    ],
)
def test_what_is_wrong_with_the_arguments(arguments: str, told: str):
    run = ran(*arguments.split())
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.startswith(told)
    assert os.listdir() == ["m.keras"]


def test_wrong_texts_are_told_before_a_model_is_opened():
    run = ran("nope.keras", "-q", "a:*", "-q", "a/b:kernel[", "-q", "a//b")
    assert run.returncode == 2
    assert "nope.keras" not in run.stderr
    assert run.stderr.count("  a/b:kernel[\n") == 2
    assert "  a//b\n" in run.stderr


LIGHT = {"numpy", "h5py", "rich", "dataclasses", "inspect", "json"} | {
    f"weightrepl.{room}" for room in ("engine", "readers", "model")
}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["m.keras", "-q", "a/b:kernel["]])
def test_what_needs_no_model_loads_next_to_nothing(arguments: list[str]):
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "weightrepl", *arguments],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    loaded = {
        line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time")
    }
    assert "weightrepl.frontends.cli" in loaded
    assert loaded.isdisjoint(LIGHT)


def test_a_listing_loads_neither_numpy_nor_rich():
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "weightrepl", "m.keras", "-q", "**:*", "--color", "always"],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    loaded = {
        line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time")
    }
    assert "weightrepl.readers.registry" in loaded
    assert loaded.isdisjoint({"numpy", "h5py", "ml_dtypes", "rich", "safetensors"})


# ------------------------------------------------------------------ answers


def test_without_a_query_there_is_the_tree():
    assert printed("m.keras") == [
        "larger_model          LargerModel   272  1.1 kB",
        "├── custom_module     CustomModule  236   944 B",
        "│   ├── inner_dense1  Dense         132   528 B  kernel (10, 12)  bias (12,)",
        "│   └── inner_dense2  Dense         104   416 B  kernel (12, 8)  bias (8,)",
        "└── outer_dense       Dense          36   144 B  kernel (8, 4)  bias (4,)",
        "5 layers · 6 weights · 272 params · 1.1 kB",
    ]
    assert printed("m.keras", "-m", "custom_module", "--format", "paths") == [
        "larger_model/custom_module",
        "larger_model/custom_module/inner_dense1",
        "larger_model/custom_module/inner_dense2",
    ]


def test_a_query_gives_a_table_without_totals_in_a_pipe():
    assert printed("m.keras", "-q", "larger_model/custom_module/*dense1:kernel") == [
        "address                                         shape     dtype    bytes",
        f"{KERNEL}  (10, 12)  float32  480 B",
    ]


def test_several_queries_are_answered_in_turn_each_under_its_text():
    assert printed("-q", "outer_dense:bias | show address", "m.keras", "-q", "** | count") == [
        "outer_dense:bias | show address",
        "address",
        "larger_model/outer_dense:bias",
        "",
        "** | count",
        "5",
    ]


def test_layers_are_asked_for():
    arguments = ("--layers", "--format", "paths")
    assert printed("m.keras", "-q", "**:kernel | head 2", *arguments) == [
        "larger_model/custom_module/inner_dense1",
        "larger_model/custom_module/inner_dense2",
    ]


def test_paths_start_at_the_location():
    assert printed("m.keras", "-m", "larger_model/custom_module", "-q", "*1:kernel", "--format", "paths") == [
        KERNEL
    ]
    run = ran("m.keras", "-m", "*", "-q", "*:*")
    assert run.returncode == 2
    assert run.stderr == (
        "error[not-a-location]: a location is one layer, and this selects 2\n"
        "  *\n  ~\n  one of 'larger_model/custom_module', 'larger_model/outer_dense'\n"
    )


def test_models_are_named_on_the_way():
    shutil.copy("m.keras", "a=b.keras")
    both = printed("x=m.keras", "a=b.keras", "-q", "/*/outer_dense:bias", "--format", "paths")
    assert both == ["x/outer_dense:bias", "a\\=b/outer_dense:bias"]


def test_an_explanation_is_given_of_wrong_queries_too():
    assert printed("m.keras", "-q", "custom_modul:*", "--explain") == [
        "custom_modul:*",
        "└── custom_modul  0 layers  nearest: custom_module",
        "error[no-such-layer]: no layer 'custom_modul' in larger_model",
        "  custom_modul:*",
        "  ~~~~~~~~~~~~",
        "  did you mean 'custom_module'?",
    ]


def test_json_is_as_its_schema_says():
    run = ran("m.keras", "-q", "**:kernel", "-q", "nope", "--format", "json")
    assert run.returncode == 2
    found = json.loads(run.stdout)
    jsonschema.validate(
        found, json.loads((files("weightrepl") / "render" / "schema.json").read_text("utf-8"))
    )
    assert [result["kind"] for result in found["results"]] == ["weights", "error"]
    assert found["results"][0]["rows"][0]["shape"] == [10, 12]


def test_odd_names_reach_no_terminal_as_they_are():
    (path,) = ODD_NAMES.glob("*.keras")
    for format in ("table", "tree", "json", "jsonl", "csv", "paths"):
        run = ran(str(path), "-q", "**:* | show address, layer, name", "--format", format, "--color", "never")
        assert run.returncode == 0
        assert all(line.isprintable() for line in run.stdout.split("\n"))
        assert "emoji🙂" in run.stdout


def test_a_stream_that_can_not_show_everything_gets_escapes():
    run = ran("m.keras", PYTHONIOENCODING="ascii")
    assert run.stdout.splitlines()[1].startswith("|-- custom_module")
    assert "\\xb7" in run.stdout.splitlines()[-1]


# ------------------------------------------------------------------ exit status and standard error


@pytest.mark.parametrize(
    ("queries", "status"),
    [
        (["**:kernel"], 0),
        (["zz*:*"], 1),
        (["zz*:*", "**:kernel"], 0),
        (["**:* | where size > 1000"], 1),
        (["zz* | count"], 1),
        (["** | count"], 0),
        (["nope:*"], 2),
        (["nope:*", "**:kernel"], 2),
    ],
)
def test_the_exit_status_is_greps(queries: list[str], status: int):
    run = ran("m.keras", *(part for query in queries for part in ("-q", query)))
    assert run.returncode == status
    assert ("larger_model/outer_dense:kernel" in run.stdout) == ("**:kernel" in queries)


def test_errors_have_a_picture_on_standard_error():
    told = (
        "error[no-such-layer]: no layer 'custom_modul' in larger_model\n"
        "  larger_model/custom_modul/*dense1:kernel\n"
        "               ~~~~~~~~~~~~\n"
        "  did you mean 'custom_module'?\n"
    )
    assert printed("m.keras", "-q", "larger_model/custom_modul/*dense1:kernel", status=2, told=told) == []


def test_a_damaged_file_is_named(folder: Path):
    (folder / "cut.keras").write_bytes(MODEL.read_bytes()[:5000])
    run = ran("cut.keras")
    assert run.returncode == 2
    assert re.fullmatch(r"error: cut\.keras: .*\n", run.stderr)


# ------------------------------------------------------------------ query files and standard input


def test_queries_come_from_standard_input():
    given = "# two of them\n**:kernel\n    | head 1\n\n** | count\n"
    assert printed("m.keras", "--format", "csv", given=given)[1:] == [
        f'{KERNEL},"(10, 12)",float32,480',
        "",
        "count",
        "5",
    ]
    assert printed("-f", "-", "m.keras", "--format", "paths", given="*:bias") == [
        "larger_model/outer_dense:bias"
    ]
    assert (
        printed(
            "m.keras", given="", status=2, told="error: there is no query to answer; see weightrepl --help\n"
        )
        == []
    )


CHECKS = """\
#: open base = m.keras
#: let kernels = **:kernel

#: expect some
$kernels | count
#: expect none
base/**:*
  | where size > 1000
"""


def test_a_query_file_opens_names_and_expects(folder: Path):
    (folder / "sub").mkdir()
    shutil.move("m.keras", "sub/m.keras")
    Path("sub/checks.wq").write_text(CHECKS)
    assert printed("-f", "sub/checks.wq", "--format", "jsonl") == [
        '{"version": 1, "query": "$kernels | count", "count": 3}'
    ]
    both = printed("-f", "sub/checks.wq", "-q", "$kernels | head 1 | show name", "--format", "tsv")
    assert both[-2:] == ["name", "kernel"]


def test_an_expectation_that_does_not_hold_is_told_with_its_line():
    Path("checks.wq").write_text(
        CHECKS.replace("1000", "100") + "#: expect some\nbase/**:* | where size < 1\n"
    )
    told = "checks.wq:7: expected none, found 1\nchecks.wq:10: expected some, found 0\n"
    printed("-f", "checks.wq", status=1, told=told)


def test_an_error_in_a_query_file_is_shown_where_it_stands():
    Path("checks.wq").write_text("# first\n**:kernel\n  | where\n    siz > 1\n")
    told = "checks.wq:4:5: error[no-such-column]: no column 'siz'\n      siz > 1\n      ~~~\n  did you mean 'size'?\n"
    run = ran("m.keras", "-f", "checks.wq")
    assert (run.returncode, run.stderr) == (2, told)


def test_a_syntax_error_in_a_query_file_is_told_before_models_are_opened():
    Path("checks.wq").write_text("#: open nope.keras\n\nb//a\n")
    run = ran("-f", "checks.wq")
    assert run.returncode == 2
    assert run.stderr.startswith("checks.wq:3:")
    assert "\n  b//a\n" in run.stderr
    assert "nope" not in run.stderr


def test_what_is_no_query_file_is_told():
    told = "error: m.keras: byte 4096: is not UTF-8 text, so no query file\n"
    run = ran("-f", "m.keras")
    assert run.returncode == 2
    assert re.sub(r"byte \d+", "byte 4096", run.stderr) == told


# ------------------------------------------------------------------ files to write


def expected(address: str) -> np.ndarray:
    from weightrepl import open, select

    with open(MODEL) as model:
        return select(model, address).one().numpy()


def test_weights_are_written_and_read_back_by_each_library():
    for name in ("out.npz", "out.h5", "out.safetensors"):
        assert printed("m.keras", "-q", "**:kernel", "-o", name) == []
    with np.load("out.npz") as npz, h5py.File("out.h5") as h5, safe_open("out.safetensors", "np") as tensors:
        assert len(npz.files) == len(tensors.keys()) == 3
        for values in (npz[KERNEL], h5[KERNEL][()], tensors.get_tensor(KERNEL)):
            assert np.array_equal(values, expected(KERNEL))
    for name in ("out.npy", "out.csv", "out.tsv"):
        assert printed("m.keras", "-q", f"{KERNEL}[:2]", "-o", name) == []
    for values in (
        np.load("out.npy"),
        np.loadtxt("out.csv", delimiter=","),
        np.loadtxt("out.tsv", delimiter="\t"),
    ):
        assert np.array_equal(values.astype("f4"), expected(KERNEL)[:2])


def test_a_layer_means_its_weights_and_a_group_its_table():
    printed("m.keras", "-q", "custom_module", "-o", "out.npz")
    with np.load("out.npz") as npz:
        assert len(npz.files) == 4
    printed("m.keras", "-q", "**:* | group name", "-o", "out.csv")
    assert Path("out.csv").read_text() == "name,weights,params,bytes\nkernel,3,248,992\nbias,3,24,96\n"


@pytest.mark.parametrize(
    ("query", "out", "status", "told"),
    [
        ("**:kernel", "out.npy", 2, "error: out.npy: holds exactly one weight, and 3 are selected"),
        ("**:kernel", "no/out.npz", 2, "error: no/out.npz: there is no folder no"),
        ("**:kernel", "m.npz", 2, "error: m.npz: exists already; --force"),
        (
            "**:kernel | count",
            "out.npz",
            2,
            "error: -o writes weights or a table, and this query gives a number",
        ),
        (
            "**:kernel | group name",
            "out.npz",
            2,
            "error: out.npz: this result is a table, which goes to .csv",
        ),
        ("nope:kernel", "out.npz", 2, "error[no-such-layer]: no layer 'nope'"),
        ("zz*:kernel", "out.npz", 1, "note[no-match]: nothing matches 'zz*'"),
    ],
)
def test_what_can_not_be_written_leaves_nothing(query: str, out: str, status: int, told: str, folder: Path):
    (folder / "m.npz").write_text("precious")
    run = ran("m.keras", "-q", query, "-o", out)
    assert (run.returncode, run.stdout) == (status, "")
    assert run.stderr.startswith(told)
    assert sorted(os.listdir()) == ["m.keras", "m.npz"]
    assert (folder / "m.npz").read_text() == "precious"


def test_force_overwrites(folder: Path):
    (folder / "out.npy").write_text("old")
    printed("m.keras", "-q", KERNEL, "-o", "out.npy", "--force")
    assert np.array_equal(np.load("out.npy"), expected(KERNEL))


# ------------------------------------------------------------------ runs of alike layers


def stack_of_blocks() -> None:
    """Write s.weights.h5, three layers alike."""
    kernel = [np.zeros((2, 2), "f4"), np.zeros(2, "f4")]
    write_store(
        "s.weights.h5", {f"layers/{name}": (name, kernel) for name in ("dense", "dense_1", "dense_2")}
    )


def test_alike_layers_are_one_row_for_people(folder: Path):
    stack_of_blocks()
    table = [
        "address                   ×  shape   dtype    bytes",
        "s/dense{,_{1..2}}:kernel  3  (2, 2)  float32   16 B",
    ]
    assert printed("s.weights.h5", "-q", "**:kernel") == table
    assert printed("s.weights.h5", "-q", "s/dense{,_{1..2}}:kernel") == table
    assert len(printed("s.weights.h5", "-q", "**:kernel", "--unfold")) == 1 + 3
    assert len(printed("s.weights.h5", "-q", "**:kernel", "--format", "paths")) == 3
    assert printed("s.weights.h5")[1].split("  ")[0] == "└── dense{,_{1..2}}"
    assert len(printed("s.weights.h5", "--unfold")) == 1 + 3 + 1
    assert len(printed("s.weights.h5", "--unfold", "-m", "s")) == 1 + 3


# ------------------------------------------------------------------ streams and signals


def test_a_closed_pipe_ends_quietly_as_other_tools_do():
    many = " ".join(["-q '**:*'"] * 2000)
    script = f"{' '.join(COMMAND)} m.keras {many} | head -1; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(
        ["bash", "-c", script], env=environment(), capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("**:*\n141\n", "")


def test_a_full_disk_behind_standard_output_is_told():
    run = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} m.keras > /dev/full"],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (2, "error: standard output: No space left on device\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_crash(closed: str):
    run = subprocess.run(
        ["bash", "-c", f"{' '.join(COMMAND)} m.keras -q '**:kernel' {closed}"],
        env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr) == (0, "")


def test_an_interrupt_ends_quietly_by_its_signal(folder: Path):
    os.mkfifo("slow.wq")
    process = subprocess.Popen(
        [*COMMAND, "m.keras", "-f", "slow.wq"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    pipe = opened_for_writing("slow.wq", process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    os.close(pipe)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")


def opened_for_writing(path: str, process: subprocess.Popen) -> int:
    """The pipe, as soon as the process has begun to read it."""
    while process.poll() is None:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # which is: nobody reads yet
                raise
    pytest.fail(f"ended before it read {path}")


def on_terminal(*arguments: str, columns: int = 80, **changes: str) -> str:
    """What the command writes to a terminal so wide, from which it also could read."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=environment(**changes), stdin=inner, stdout=inner, stderr=inner
    )
    os.close(inner)
    written = b""
    try:
        while part := os.read(outer, 65536):
            written += part
    except OSError:  # how Linux says that the other side is closed
        pass
    os.close(outer)
    process.wait(timeout=20)
    return written.decode().replace("\r\n", "\n")


QUERY = ("m.keras", "-q", KERNEL)
NARROW = [
    "address",
    "  shape     dtype    bytes",
    KERNEL,
    "  (10, 12)  float32  480 B",
    "1 weight · 120 params · 480 B",
    "",
]
WIDE = [
    "address                                         shape     dtype    bytes",
    f"{KERNEL}  (10, 12)  float32  480 B",
    *NARROW[-2:],
]


def test_a_terminal_gets_colours_and_totals():
    lines = on_terminal(*QUERY, columns=120).split("\n")
    assert lines[1:] == [
        f"{KERNEL}  \x1b[36m(10, 12)\x1b[0m  float32  480 B",
        "\x1b[2m1 weight · 120 params · 480 B\x1b[0m",
        "",
    ]
    assert "  \x1b[31m~~~~\x1b[0m\n" in on_terminal("m.keras", "-q", "nope:*")


@pytest.mark.parametrize(
    ("columns", "changes", "lines"),
    [
        (120, {"NO_COLOR": "1"}, WIDE),
        (60, {"NO_COLOR": "1"}, NARROW),
        (60, {"TERM": "dumb"}, NARROW),
        (60, {"NO_COLOR": "1", "COLUMNS": "83"}, WIDE),
    ],
)
def test_a_terminals_width_and_wishes_are_obeyed(columns: int, changes: dict[str, str], lines: list[str]):
    assert on_terminal(*QUERY, columns=columns, **changes).split("\n") == lines


def test_a_terminal_gets_the_tree_if_asked_and_no_query_is_waited_for():
    tree = on_terminal("m.keras", "--format", "tree", columns=120, NO_COLOR="1")
    assert tree.split("\n") == [*printed("m.keras"), ""]


def test_the_user_can_have_colours_in_a_pipe():
    for run in (ran(*QUERY, FORCE_COLOR="1"), ran(*QUERY, "--color", "always", NO_COLOR="1")):
        assert "\x1b[36m(10, 12)\x1b[0m" in run.stdout
    assert "\x1b" not in ran(*QUERY, "--color", "never", FORCE_COLOR="1").stdout
