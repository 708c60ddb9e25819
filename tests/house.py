"""The house as modules and imports, read with ast and not run, and the checks of it: each gives its complaints."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.house_rules import (
    AT_MODULE_LEVEL,
    BACK_DOORS,
    DOORS,
    FAMILIES,
    LONGEST_FILE,
    LONGEST_FUNCTION,
    OWNERS,
    PACKAGE,
    ROOMS,
    RUNS_CODE,
    SEPARATE,
    UNPICKLES,
)

parsed = cache(ast.parse)


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
        return parsed(self.text)


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
    """Circles of imports, also of those within functions; doors and back doors lead nowhere here."""
    edges = {
        module.name: {
            each.inner
            for each in imports_of(module, house)
            if each.is_own and not each.for_types and each.inner in house and not is_door(module, each)
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


def is_door(module: Module, each: Import) -> bool:
    """Whether an import stands in a function, and leads where only imports in functions may."""
    rooms, modules = DOORS.get(module.name, set()), BACK_DOORS.get(module.name, set())
    return each.in_function and (each.inner.partition(".")[0] in rooms or each.inner in modules)


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
