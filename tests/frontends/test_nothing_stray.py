"""Nothing but our own words comes on any stream: no log of TensorFlow's, no warning, nothing at the end."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.readers.files import ZOO
from tests.readers.zoo_files import files
from tests.terminal import DEMO, ENTER, PROMPT, ROOT, Terminal

STRICT = (sys.executable, "-X", "dev", "-W", "error")
"""Python that warns of whatever is left open, and ends with what it warns of."""

MAGICS = """
import weightrepl
model = weightrepl.open(weightrepl.demo_path())
%load_ext weightrepl
found = %weights **:* | stats
%layers **
"""


def run(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*STRICT, *arguments), input=text, cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_the_command_says_only_its_own_of_every_file():
    kept = [str(file.path) for file in files()]
    kept += map(
        str, [*(ZOO / "quantized").glob("*.*"), *(ZOO / "old_keras").iterdir(), *(ZOO / "tfjs").iterdir()]
    )
    done = run("-m", "tests.frontends.every_file", *kept)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_what_is_stray_is_seen(tmp_path: Path):
    """The sweep itself can fail."""
    code = f"""
import os
from tests.frontends import every_file
from weightrepl.frontends import cli
run = cli.run
cli.run = lambda arguments: os.write(2, b"a log\\n") and run(arguments)
print(every_file.stray({str(DEMO)!r}, ()))
"""
    assert run("-c", code).stdout == "on standard error: ['a log']\n"


@pytest.mark.parametrize("path", sorted((ZOO / "keras3" / "norms").iterdir()), ids=lambda path: path.name)
def test_a_process_ends_without_a_word(path: Path):
    if path.suffix == ".json" and "index" not in path.name:
        pytest.skip("no model")
    done = run("-m", "weightrepl", str(path), "-q", "**:kernel | stats", "-q", "no-such-layer")
    assert done.returncode in (1, 2)
    assert all(re.match(r"(error|note)\[[a-z-]+\]: |  ", line) for line in done.stderr.splitlines()), (
        done.stderr
    )


def test_the_repl_ends_without_a_word(tmp_path: Path):
    shutil.copyfile(DEMO, tmp_path / DEMO.name)
    environment = {"PYTHONPATH": str(ROOT), "WEIGHTREPL_CONFIG": "none", "WEIGHTREPL_HISTORY": "none"}
    with Terminal((*STRICT, "-m", "weightrepl", DEMO.name), cwd=tmp_path, environment=environment) as seen:
        seen.wait(lambda t: t.line == PROMPT)
        seen.send("**:* | count" + ENTER)
        seen.wait(lambda t: "\n6\n" in t.text and t.line == PROMPT)
        seen.send("\x04")
        assert seen.end() == 0
        assert seen.rows[:4] == [f"{PROMPT} **:* | count", "6", PROMPT, ""]


SLOW = re.compile(r"Executing <.*> took [\d.]+ seconds")
"""What asyncio says, in Python's development mode, of a step that lasts a tenth of a second on a busy machine."""


def test_the_language_server_ends_without_a_word():
    def message(method: str, number: int | None = None, **parameters: object) -> str:
        body = {"jsonrpc": "2.0", "method": method, "params": parameters} | (
            {} if number is None else {"id": number}
        )
        text = json.dumps(body)
        return f"Content-Length: {len(text)}\r\n\r\n{text}"

    uri = (ROOT / "a.wq").as_uri()
    document = {
        "uri": uri,
        "languageId": "wq",
        "version": 1,
        "text": f"#: open m = {DEMO}\nm/no-such-layer:*\n",
    }
    said = (
        message("initialize", 1, processId=None, rootUri=ROOT.as_uri(), capabilities={}),
        message("initialized"),
        message("textDocument/didOpen", textDocument=document),
        message("textDocument/hover", 2, textDocument={"uri": uri}, position={"line": 1, "character": 0}),
        message("shutdown", 3),
        message("exit"),
    )
    code = "from weightrepl.frontends.language_server import main; main()"
    done = run("-c", code, text="".join(said))
    stray = [line for line in done.stderr.splitlines() if not SLOW.fullmatch(line)]
    assert (stray, done.returncode) == ([], 0)
    before, *messages = re.split(r"Content-Length: \d+\n(?:Content-Type: .+\n)?\n", done.stdout)
    assert before == ""
    assert {"id", "jsonrpc"} <= {key for message in messages for key in json.loads(message)}


def test_magics_say_only_their_own(tmp_path: Path):
    (tmp_path / "cell.ipy").write_text(MAGICS)
    command = (*STRICT[:3], "-W", "error::ResourceWarning", "-m", "IPython", "--no-banner", "cell.ipy")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    assert "Out" not in done.stdout


LIVE = """
import os, sys, warnings
os.environ["KERAS_BACKEND"] = "tensorflow"
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what they say when they are imported is theirs
    import keras, tensorflow
net = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)], name="net")
sys.stderr.flush()
os.dup2(os.open("said", os.O_WRONLY | os.O_CREAT), 1)
os.dup2(1, 2)

import weightrepl
found = weightrepl.select(net, "**:*")
found.stats(), found.arrays(), found.picture(), repr(found), found._repr_mimebundle_()
found.assign(lambda values: values * 2).undo()
found.save("live.npz")
weightrepl.evaluate(net, "**:* | diff net | group verdict")
weightrepl.explain(net, "**/none:*")
"""


@pytest.mark.tensorflow
def test_a_live_model_is_asked_without_a_word(tmp_path: Path):
    command = (sys.executable, "-X", "dev", "-W", "error::ResourceWarning", "-c", LIVE)
    subprocess.run(
        command, cwd=tmp_path, capture_output=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert (tmp_path / "said").read_text() == ""
