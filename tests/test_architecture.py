"""The walls of the house: who may import whom, how long a file or function gets, what is never loaded.

`docs/architecture.md` draws what this file checks. The checks read sources with `ast` and run none of them, except the
last group, which imports modules in a fresh interpreter and looks at what that loaded.
"""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys

import pytest

from tests.house import (
    CHECKS,
    House,
    Module,
    code_runners,
    cycles,
    house_at,
    house_of,
    neighbours_met,
    rooms_crossed,
    strangers_let_in,
    too_long,
    undescribed,
)
from tests.house_rules import AT_MODULE_LEVEL, HEAVY, PACKAGE, ROOT


@pytest.fixture(scope="module")
def house() -> House:
    return house_at(ROOT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_stands(check, house: House):
    assert "" in house
    assert check(house) == []


def test_the_page_names_what_is_there(house: House):
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    there = {path.name for folder in ("weightrepl", "tests", "docs") for path in (ROOT / folder).rglob("*.*")}
    files = re.findall(r"`(?:[\w./]*/)?([\w*-]+\.(?:py|json|md|toml))", page)
    dotted = re.findall(r"`((?:query|model|readers|engine|service|render|frontends)\.\w+)", page)
    assert len(files) > 50
    assert len(dotted) > 10
    there |= {"pyproject.toml", "render.json"}
    assert [each for each in files if not fnmatch.filter(there, each)] == []
    assert [each for each in dotted if each not in house] == []


def test_tests_and_examples_fit():
    paths = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    names = {path.relative_to(ROOT).as_posix(): path for path in paths}
    assert "tests/test_architecture.py" in names
    assert too_long({n: Module(n, False, p.read_text("utf-8")) for n, p in names.items()}) == []


def test_no_other_text_file_runs_code():
    calls = re.compile(r"(?<![.\w])(eval|exec)\(|\bpickle\.loads?\(|\bunpickle\(")
    for path in (ROOT / PACKAGE).rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            text = path.read_bytes().decode("utf-8", "replace")
            assert not calls.search(text), path


# -- what a fresh interpreter loads -----------------------------------------------------------------------------------


def loaded_by(*names: str) -> list[str]:
    """Which of the heavy libraries are in `sys.modules` once these modules were imported by a fresh interpreter."""
    script = (
        "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\nprint(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *names], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return [library for library in HEAVY if library in ran.stdout.split()]


@pytest.mark.parametrize("name", [PACKAGE, f"{PACKAGE}.query.parser", f"{PACKAGE}.frontends.cli"])
def test_starting_is_light(name: str):
    assert loaded_by(name) == []


def test_every_module_that_owns_no_library_is_light(house: House):
    light = [name for name in house if name not in AT_MODULE_LEVEL and not name.endswith("__main__")]
    assert loaded_by(*(f"{PACKAGE}.{name}".rstrip(".") for name in light)) == []


def test_loading_is_seen():
    assert loaded_by("numpy") == ["numpy"]


# -- the checker itself, on made-up houses ----------------------------------------------------------------------------

FAULTS = [
    # check, the made-up sources, the complaint
    (
        rooms_crossed,
        {"query__parser": "import weightrepl.model.tree"},
        "query.parser:1: query may not import",
    ),
    (rooms_crossed, {"query__parser": "from ..model import tree"}, "query.parser:1: query may not import"),
    (rooms_crossed, {"query": "from ..engine import x"}, "query:1: query may not import weightrepl.engine"),
    (
        rooms_crossed,
        {"spans": "from weightrepl import errors", "errors": ""},
        "spans:1: spans may not import",
    ),
    (rooms_crossed, {"model__tree": "from weightrepl import __version__"}, "model.tree:1: model may not"),
    (
        rooms_crossed,
        {"readers__arrays": "if TYPE_CHECKING:\n    from weightrepl.engine.selection import Selection"},
        "readers.arrays:2: readers may not import weightrepl.engine.selection",
    ),
    (
        rooms_crossed,
        {"engine__resolve": "def f():\n    from ..readers import arrays"},
        "engine.resolve:2: engine",
    ),
    (rooms_crossed, {"helpers__text": ""}, "helpers.text:1: 'helpers' is no room"),
    (
        neighbours_met,
        {"readers__arrays": "from . import legacy_h5", "readers__legacy_h5": ""},
        "arrays may not",
    ),
    (
        neighbours_met,
        {"readers__keras_roles": "from .keras_store import x", "readers__keras_store": ""},
        "may not",
    ),
    (neighbours_met, {"readers__guards": "from .arrays import x", "readers__arrays": ""}, "guards may not"),
    (
        neighbours_met,
        {"service__hover": "import weightrepl.service.complete"},
        "hover may not import complete",
    ),
    (
        neighbours_met,
        {"frontends__cli": "from .magics import x", "frontends__magics": ""},
        "cli may not import magics",
    ),
    (strangers_let_in, {"model__tensor": "import numpy as np"}, "numpy is imported inside the function"),
    (
        strangers_let_in,
        {"query__parser": "def f():\n    import numpy"},
        "parser:2: numpy is not imported here",
    ),
    (strangers_let_in, {"engine__stages": "import numpy"}, "engine.stages:1: numpy is not imported here"),
    (
        strangers_let_in,
        {"readers__keras_objects": "def f():\n    import keras"},
        "keras is not imported here",
    ),
    (strangers_let_in, {"frontends__cli": "from tomlkit import parse"}, "tomlkit is not imported here"),
    (
        strangers_let_in,
        {"model__tensor": "try:\n    import numpy\nexcept ImportError:\n    pass"},
        "tensor:2: numpy",
    ),
    (
        strangers_let_in,
        {"model__tensor": "if TYPE_CHECKING:\n    pass\nelse:\n    import numpy"},
        "model.tensor:4: numpy is imported inside the function",
    ),
    (
        cycles,
        {"query__a": "from .b import x", "query__b": "from weightrepl.query import a"},
        "query.a -> query.b -> query.a",
    ),
    (cycles, {"query": "from .a import x", "query__a": "from . import y"}, "query -> query.a -> query"),
    (
        cycles,
        {"query__a": "def f():\n    from . import b", "query__b": "from .a import x"},
        "query.a -> query.b -> query.a",
    ),
    (too_long, {"spans": "x = 1\n" * 401}, "spans:1: 401 lines"),
    (too_long, {"spans": "def f():\n" + "    x = 1\n" * 60}, "spans:1: f has 61 lines"),
    (undescribed, {"spans": "x = 1"}, "spans:1: no docstring"),
    (code_runners, {"spans": "def f(text):\n    return eval(text)"}, "spans:2: calls eval"),
    (code_runners, {"spans": "import builtins\nbuiltins.exec('x')"}, "spans:2: calls exec"),
    (code_runners, {"readers__arrays": "def f():\n    from pickle import loads"}, "arrays:2: imports pickle"),
    (code_runners, {"readers__arrays": "np.load(f, allow_pickle=True)"}, "readers.arrays:1: allows pickle"),
]


@pytest.mark.parametrize(("check", "sources", "complaint"), FAULTS)
def test_a_fault_is_found(check, sources: dict[str, str], complaint: str):
    complaints = check(house_of(**sources))
    assert len(complaints) == 1
    assert complaint in complaints[0]


SOUND = {
    "": '"""The package."""\nfrom weightrepl.spans import Span',
    "spans": '"""Spans."""\nimport bisect',
    "errors": '"""Errors."""\nfrom .spans import Span',
    "query__a": '"""One of two that know each other for their types only."""\nfrom . import b',
    "query__b": '"""The other."""\nif TYPE_CHECKING:\n    from .a import x',
    "model__tensor": '"""NumPy for types and in a function."""\nif TYPE_CHECKING:\n    import numpy\n'
    "def f():\n    import numpy\n",
    "readers__keras_archive": '"""The chain."""\nfrom . import guards, keras_store',
    "readers__keras_store": '"""The chain."""\nfrom .keras_roles import roles',
    "readers__keras_roles": '"""The chain."""\nimport json',
    "readers__guards": '"""Shared."""\nfrom weightrepl.errors import Problem',
    "engine__statistics": '"""Numbers."""\nimport numpy as np\nnp.load("x", allow_pickle=False)',
    "frontends__settings": '"""What is set."""\ndef f():\n    from tomlkit import parse',
    "frontends__cli": '"""The shell."""\nfrom weightrepl import __version__\nfrom . import session\nre.compile("x")',
    "frontends__session": '"""Shared."""\n' + "def f():\n" + "    x = 1\n" * 59,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_sound_house_is_left_alone(check):
    assert check(house_of(**SOUND)) == []
