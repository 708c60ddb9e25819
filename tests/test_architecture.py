"""The walls of the house: who may import whom, how long a file or function gets, what is never loaded.

`docs/architecture.md` draws what this file checks. The checks read sources with `ast` and run none of them, except the
last group, which imports modules in a fresh interpreter and looks at what that loaded.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "weightrepl"
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

# Room -> the rooms that it may import. A room is a folder or a single file directly below the package; "" is the
# package's own __init__, which hands out the public names.
ROOMS = {
    "values": set(),
    "quantities": set(),
    "spans": {"values"},
    "errors": {"spans", "values"},
    "query": {"spans", "errors", "values"},
    "model": {"errors", "values"},
    "readers": {"model", "errors", "values"},
    "engine": {"query", "model", "errors", "spans", "values"},
    "service": {"query", "model", "engine", "errors", "spans", "values", "quantities"},
    "writers": {"engine", "model", "errors", "values"},
    "render": {"engine", "model", "errors", "spans", "service", "values", "quantities"},
}
ROOMS |= {"api": {"readers", "engine", "model", "errors"}, "plugin": {"readers", "model", "errors"}}
EVERYTHING = {*ROOMS, "frontends", ""}
ROOMS |= {"frontends": EVERYTHING, "__main__": {"frontends"}, "": {*EVERYTHING, "__main__"}}

# Module -> rooms that it may import within a function: a result shows itself and saves itself.
DOORS = {
    "engine.selection": {"render", "writers"},
    "engine.table": {"render"},
    "model.tree": {"api", "render"},
    "engine.pictures": {"render", "writers"},
}

# Of the REPL, what draws and edits: the rest is there before the library is loaded.
PROMPT = tuple(
    f"frontends.repl_{name}" for name in ("terminal", "menu", "keys", "style", "history", "toolbar")
)

# What joins IPython, and is loaded only by it.
MAGICS = ("frontends.magics", *(f"frontends.magics_{name}" for name in ("input", "completion")))

# Of the language server, what speaks the protocol or asks what does: the rest is there before the library is loaded.
LANGUAGE_SERVER = tuple(
    f"frontends.language_server_{name}"
    for name in (
        *("answers", "client", "documents", "features", "files", "names", "outline", "paths"),
        *("places", "problems", "running", "server", "settings", "texts", "wire"),
    )
)

# Third-party library -> the rooms or modules that may import it, in a function or (where AT_MODULE_LEVEL says so) on
# top. A library that is not here may be imported nowhere: tensorflow and keras above all, which only users import.
OWNERS = {
    "numpy": {
        "model",
        "readers",
        "engine.statistics",
        "engine.comparison",
        "engine.reductions",
        "engine.quantization",
        "engine.pictures",
        "engine.assignment",
        "engine.selection",
        "writers",
    },
    "ml_dtypes": {
        "model",
        "readers",
        "engine.statistics",
        "engine.comparison",
        "engine.selection",
        "writers",
    },
    "h5py": {"readers", "writers"},
    "safetensors": {"readers", "writers"},
    "pandas": {"engine.extras"},
    "rich": {"frontends.progress"},
    "prompt_toolkit": {*PROMPT},
    "platformdirs": {"frontends.settings"},
    "tomlkit": {"frontends.settings"},
    "pygments": {"frontends.lexer"},
    "IPython": {*MAGICS},
    "pygls": {*LANGUAGE_SERVER},
    "lsprotocol": {*LANGUAGE_SERVER},
}
AT_MODULE_LEVEL = {
    "engine.statistics": {"numpy", "ml_dtypes"},
    "engine.comparison": {"numpy", "ml_dtypes"},
    **{module: {"prompt_toolkit"} for module in PROMPT},
    "frontends.lexer": {"pygments"},
    **{module: {"IPython"} for module in MAGICS},
    **{module: {"pygls", "lsprotocol"} for module in LANGUAGE_SERVER},
}

# Modules of a room whose names begin alike are one.
FAMILIES = (
    *("legacy_", "keras_object", "tf_objects", "live_", "tensor_", "graph_", "checkpoint", "saved_model"),
    *("complete", "file_", "repl", "commands", "lines", "magics", "language_server"),
)

# Within these rooms modules do not import each other, except what is listed: module -> modules of the same room that
# it may import; "*" is every module of the room. What is shared by all is listed under "*".
SEPARATE = {
    "readers": {
        "*": {
            "registry",
            "guards",
            "hdf5",
            "sources",
            "keras_roles",
            "keras_quantization",
            "live_tree",
            "mirrors",
        },
        "sources": {"gathering"},
        "hdf5": {"hdf5_file", "hdf5_objects", "hdf5_types", "hdf5_library"},
        "hdf5_file": {"hdf5_types"},
        "hdf5_objects": {"hdf5_file", "hdf5_types"},
        "hdf5_h5py": {"hdf5_objects"},
        "hdf5_library": {"hdf5_objects"},
        "keras_layers": {"config", "keras_groups"},
        "keras_optimizer": {"keras_groups", "keras_layers"},
        "keras_store": {"config", "keras_groups", "keras_layers", "keras_optimizer", "shards"},
        "keras_archive": {"keras_groups", "keras_store", "zip_members"},
        "arrays": {"flat_keys", "zip_members"},
        "safetensors": {"flat_keys", "shards"},
        "registry": {"folders", "other_formats"},
        "other_formats": {"folders", "zip_members"},
        **{
            f"tensor_{name}": {"protobuf"}
            for name in ("crc", "entries", "proto", "snappy", "strings", "table")
        },
        "tensor_bundle": {"flat_keys", "protobuf"},
        "tensor_shards": {"gathering"},
        "tensor_v1": {"flat_keys", "protobuf"},
        "graph_nodes": {"flat_keys"},
        "graph_tree": {"flat_keys"},
        "graph_objects": {"flat_keys", "protobuf"},
        "checkpoint": {"graph_objects", "graph_tree", "tensor_bundle", "tensor_v1"},
        "checkpoint_files": {"tensor_table"},
        "checkpoint_names": {"flat_keys"},
        "saved_model": {"checkpoint_names", "graph_tree", "tensor_bundle"},
        "saved_model_export": {"flat_keys"},
        "saved_model_graph": {"protobuf", "tensor_entries"},
        "saved_model_keras": {"protobuf"},
        "saved_model_stored": {"flat_keys", "graph_objects", "tensor_bundle"},
    },
    "service": {
        "*": {"answers", "pages"},
        "file_queries": {"complete", "diagnose", "hover", "matched", "signature"},
        "file_names": {"hover"},
    },
    "frontends": {
        "*": {"session", "shell", "commands", "lines", "settings", "demo", "model_files", "progress"},
        "cli": {"completion_scripts", "repl", "streams"},
        "repl": {"streams"},
        "lines": {"commands_words"},
        "lines_arguments": {"commands_words", "commands_telling"},
        "magics_options": {"commands_words"},
        "language_server_python": {"magics_options"},
        "magics_completion": {"lines_arguments"},
        "magics_namespace": {"commands_words"},
    },
}

# What a fresh interpreter must not have loaded for the sake of a light import.
HEAVY = (
    *("tensorflow", "keras", "tf_keras", "h5py", "numpy", "ml_dtypes", "safetensors", "pandas"),
    *("IPython", "prompt_toolkit", "pygments", "rich", "pygls", "lsprotocol"),
)

RUNS_CODE = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}


@dataclass(frozen=True, slots=True)
class Module:
    """A source file: its dotted name below the package ("" for the package's __init__), and its text."""

    name: str
    is_package: bool
    text: str

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]

    @property
    def stem(self) -> str:
        """The name within the room, "" for the room's own __init__ or a room of one file."""
        return self.name.partition(".")[2]

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module: `target` is a full dotted name, `line` 1-based."""

    target: str
    line: int
    in_function: bool
    for_types: bool

    @property
    def library(self) -> str:
        return self.target.partition(".")[0]

    @property
    def is_own(self) -> bool:
        return self.library == PACKAGE

    @property
    def inner(self) -> str:
        """The target's name below the package."""
        return self.target.partition(".")[2]


House = Mapping[str, Module]


def house_at(root: Path) -> House:
    """All modules of the package under `root`, by name below the package."""
    modules = {}
    for path in sorted((root / PACKAGE).rglob("*.py")):
        parts = path.relative_to(root / PACKAGE).with_suffix("").parts
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules[name] = Module(name, is_package, path.read_text(encoding="utf-8"))
    return modules


def house_of(**sources: str) -> House:
    """A made-up package: `query__parser="..."` is the text of query/parser.py, `query="..."` of query/__init__.py."""
    names = {key.replace("__", "."): text for key, text in sources.items()}
    packages = {name.rpartition(".")[0] for name in names} | {"", *names.keys() & {"query", "engine"}}
    return {name: Module(name, name in packages, text) for name, text in names.items()}


def imports_of(module: Module, house: House) -> list[Import]:
    """Everything that a module imports, wherever the statement stands."""
    found = []
    for node, in_function, for_types in statements(module.tree, False, False):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            targets = targets_of(node, module, house)
        else:
            continue
        found += [Import(target, node.lineno, in_function, for_types) for target in targets]
    return found


def statements(node: ast.AST, in_function: bool, for_types: bool) -> Iterator[tuple[ast.AST, bool, bool]]:
    """All nodes below `node`, each with: is it in a function, is it under `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(node):
        inside = in_function or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for statement in child.body:
                yield from ((n, inside, True) for n in ast.walk(statement))
            for statement in child.orelse:
                yield statement, inside, for_types
                yield from statements(statement, inside, for_types)
        else:
            yield child, inside, for_types
            yield from statements(child, inside, for_types)


def targets_of(node: ast.ImportFrom, module: Module, house: House) -> list[str]:
    """The modules that one `from … import …` names: `from weightrepl import spans` is of the module spans."""
    base = node.module or ""
    if node.level:
        here = [PACKAGE, *module.name.split(".")] if module.name else [PACKAGE]
        up = node.level - (1 if module.is_package else 0)
        base = ".".join([*here[: len(here) - up], *filter(None, [base])])
    if base.partition(".")[0] != PACKAGE:
        return [base]
    names = (f"{base}.{alias.name}" for alias in node.names)
    return [name if name.partition(".")[2] in house else base for name in names]


def owns(owners: set[str], name: str) -> bool:
    return any(name == owner or name.startswith(owner + ".") for owner in owners)


# -- the checks: each gives its complaints, "module:line: what is wrong" ----------------------------------------------


def rooms_crossed(house: House) -> list[str]:
    """Imports from a room that the importing one may not know."""
    complaints = []
    for module in house.values():
        if module.room not in ROOMS:
            complaints.append(f"{module.name}:1: {module.room!r} is no room of the house")
            continue
        for each in imports_of(module, house):
            room = each.inner.partition(".")[0]
            doors = DOORS.get(module.name, set()) if each.in_function or each.for_types else set()
            if each.is_own and room != module.room and room not in ROOMS[module.room] | doors:
                complaints.append(f"{module.name}:{each.line}: {module.room} may not import {each.target}")
    return complaints


def neighbours_met(house: House) -> list[str]:
    """Imports between two modules of a room whose modules are to be separate."""
    complaints = []
    for module in house.values():
        allowed = SEPARATE.get(module.room)
        if allowed is None or not module.stem:
            continue
        for each in imports_of(module, house):
            room, _, stem = each.inner.partition(".")
            met = each.is_own and room == module.room and stem not in ("", module.stem)
            related = any(stem.startswith(f) and module.stem.startswith(f) for f in FAMILIES)
            if met and not related and stem not in allowed["*"] | allowed.get(module.stem, set()):
                complaints.append(f"{module.name}:{each.line}: {module.stem} may not import {stem}")
    return complaints


def strangers_let_in(house: House) -> list[str]:
    """Imports of third-party libraries by who does not own them, or at a time when it should not."""
    complaints = []
    for module in house.values():
        for each in imports_of(module, house):
            if each.is_own or each.for_types or each.library in (*sys.stdlib_module_names, "__future__"):
                continue
            where = f"{module.name}:{each.line}"
            if not owns(OWNERS.get(each.library, set()), module.name):
                complaints.append(f"{where}: {each.library} is not imported here")
            elif not each.in_function and each.library not in AT_MODULE_LEVEL.get(module.name, set()):
                complaints.append(f"{where}: {each.library} is imported inside the function that needs it")
    return complaints


def cycles(house: House) -> list[str]:
    """Circles of imports that happen when the modules are loaded."""
    edges = {
        module.name: {
            each.inner
            for each in imports_of(module, house)
            if each.is_own and not each.in_function and not each.for_types and each.inner in house
        }
        for module in house.values()
    }
    found, done = [], set()

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            found.append(" -> ".join([*path[path.index(name) :], name]))
        elif name not in done:
            for target in sorted(edges[name]):
                visit(target, [*path, name])
            done.add(name)

    for name in edges:
        visit(name, [])
    return found


def too_long(house: House) -> list[str]:
    """Files and functions that do not fit."""
    complaints = []
    for module in house.values():
        if (lines := module.text.count("\n")) > LONGEST_FILE:
            complaints.append(f"{module.name}:1: {lines} lines, {LONGEST_FILE} is the wall")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    complaints.append(f"{module.name}:{node.lineno}: {node.name} has {lines} lines")
    return complaints


def undescribed(house: House) -> list[str]:
    """Modules without a docstring."""
    return [f"{name}:1: no docstring" for name, module in house.items() if not ast.get_docstring(module.tree)]


def code_runners(house: House) -> list[str]:
    """Whatever could run code that comes out of a file or a query: eval, exec, unpickling."""
    complaints = []
    for module in house.values():
        for each in imports_of(module, house):
            if each.library in UNPICKLES:
                complaints.append(f"{module.name}:{each.line}: imports {each.library}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).removeprefix("builtins.")
                if name in RUNS_CODE:
                    complaints.append(f"{module.name}:{node.lineno}: calls {name}")
                if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords):
                    complaints.append(f"{module.name}:{node.lineno}: allows pickle")
    return complaints


CHECKS = (rooms_crossed, neighbours_met, strangers_let_in, cycles, too_long, undescribed, code_runners)


@pytest.fixture(scope="module")
def house() -> House:
    return house_at(ROOT)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_house_stands(check, house: House):
    assert "" in house
    assert check(house) == []


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
    (strangers_let_in, {"frontends__cli": "from rich.console import Console"}, "rich is not imported here"),
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
    "frontends__progress": '"""A bar."""\ndef f():\n    from rich.progress import Progress',
    "frontends__cli": '"""The shell."""\nfrom weightrepl import __version__\nfrom . import session\nre.compile("x")',
    "frontends__session": '"""Shared."""\n' + "def f():\n" + "    x = 1\n" * 59,
}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_sound_house_is_left_alone(check):
    assert check(house_of(**SOUND)) == []
