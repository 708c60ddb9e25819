"""The scripts in examples/ run, and docs/seed.md tells the truth about what fails and what works."""

from __future__ import annotations

import re
import runpy
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "seed.md"
SEEN_WITH_KERAS = (
    "3.15."  # whose error texts the page quotes; with another only the error's class is compared
)

BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:```text\n(?P<error>.*?)^```\n)?", re.DOTALL | re.MULTILINE
)

pytestmark = pytest.mark.tensorflow


@pytest.fixture(autouse=True)
def _needs_tensorflow(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("seed_1", ["Shape of first layer weights: (784, 10)", "dense_layer_2:bias (5,)"]),
        (
            "seed_2",
            ["larger_model/custom_module/inner_dense1:kernel (10, 12)", "outer dense weights: (8, 4)"],
        ),
        (
            "seed_3",
            ["from loaded model: (784, 10)", "my_model.keras ", "my_model.weights.h5 ", "my_model.h5 "],
        ),
    ],
)
def test_an_example_runs(name: str, printed: list[str], capsys):
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")
    out = capsys.readouterr().out
    assert [text for text in printed if text not in out] == []


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the page's code, and the error it is said to raise ("" for none). `line` is 1-based."""

    line: int
    code: str
    error: str


def blocks_of(page: str) -> list[Block]:
    return [
        Block(page.count("\n", 0, found.start("code")) + 1, found["code"], one_line(found["error"] or ""))
        for found in BLOCK.finditer(page)
    ]


def one_line(text: str) -> str:
    return " ".join(text.split())


def fault_of(block: Block, namespace: dict[str, object], keras_version: str) -> str:
    """What a block of the page says wrongly, "" if it is right. Its names go into `namespace`."""
    code = compile("\n" * (block.line - 1) + block.code, str(PAGE), "exec")
    try:
        exec(code, namespace)  # noqa: S102
    except Exception as error:
        if not block.error:
            raise
        raised = one_line(f"{type(error).__name__}: {error}")
        if not keras_version.startswith(SEEN_WITH_KERAS):
            raised, told = raised.partition(":")[0], block.error.partition(":")[0]
        elif block.error.endswith("…"):
            told = block.error.removesuffix("…").strip()
            raised = raised[: len(told)]
        else:
            told = block.error
        return "" if raised == told else f"line {block.line}: raises {raised}"
    return f"line {block.line}: raises nothing" if block.error else ""


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`:UserWarning")
def test_the_page_is_true():
    import keras

    namespace: dict[str, object] = {"__name__": "seed"}
    blocks = blocks_of(PAGE.read_text(encoding="utf-8"))
    assert len(blocks) > 15
    assert [fault for block in blocks if (fault := fault_of(block, namespace, keras.__version__))] == []


@pytest.mark.parametrize(
    ("code", "error", "fault"),
    [
        ("x = 1", "", ""),
        ("x = 1", "ValueError: a", "line 1: raises nothing"),
        ("raise ValueError('a b')", "ValueError: a b", ""),
        ("raise ValueError('a b')", "ValueError: a …", ""),
        ("raise ValueError('a b')", "ValueError: b", "line 1: raises ValueError: a b"),
        ("raise KeyError('a')", "ValueError: 'a'", "line 1: raises KeyError: 'a'"),
    ],
)
def test_an_untrue_page_is_found_out(code: str, error: str, fault: str):
    assert fault_of(Block(1, code, error), {}, SEEN_WITH_KERAS) == fault


def test_another_keras_may_word_its_errors_otherwise():
    block = Block(1, "raise ValueError('new')", "ValueError: old")
    assert fault_of(block, {}, "4.0.0") == ""
    assert fault_of(block, {}, SEEN_WITH_KERAS) != ""
