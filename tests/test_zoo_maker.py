"""The maker of the zoo: its table is that of the zoo, and what it makes is what is there."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.zoo_maker.__main__ import main
from tests.zoo_maker.cases import CASES, chosen

ZOO = Path(__file__).parent / "zoo"


def test_the_zoo_has_the_cases_of_the_table() -> None:
    there = {path.parent.relative_to(ZOO).as_posix() for path in ZOO.glob("*/*/oracle.json")}
    assert there == {case.folder for case in CASES}


def test_the_list_tells_every_case(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["zoo_maker", "--list"])
    assert main() == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        case.folder for case in CASES
    ]


def test_a_case_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["zoo_maker", str(tmp_path), "--only", "seq_dense", "xyzzy"])
    with pytest.raises(SystemExit):
        main()
    assert "no case is called xyzzy; --list names them all" in capsys.readouterr().err


@pytest.mark.tensorflow
@pytest.mark.filterwarnings("ignore")  # Keras warns of old formats, which are wanted here
@pytest.mark.parametrize(
    ("part", "name"), [("keras3", "seq_nested"), ("tf_keras", "rnns"), ("tf", "escaped_keys")]
)
def test_a_case_that_is_made_again_holds_what_it_held(part: str, name: str, tmp_path: Path) -> None:
    pytest.importorskip("tf_keras" if part == "tf_keras" else "tensorflow")
    [case] = chosen(part, [name])
    import_module(f"tests.zoo_maker.part_{part}").make(case, tmp_path)
    made, there = (json.loads((at / "oracle.json").read_text()) for at in (tmp_path, ZOO / case.folder))
    assert (made["layers"], made["weights"]) == (there["layers"], there["weights"])
    assert {key: file["missing"] for key, file in made["files"].items()} == {
        key: file["missing"] for key, file in there["files"].items()
    }
