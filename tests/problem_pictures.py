"""What each problem looks like: every code's example is run, and the picture is what a user sees.

The examples are in `problem_examples.json`: `q` is a query, asked over the outline `tree` of the cases or a `file` of
the zoo; `instead` is what to type instead, where no fix says it, and `do` says it in words. A code without a `q` has
the text of the tables of codes, or a function here that brings the problem about.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import weightrepl
from tests import trees
from tests.engine.test_results import TREES, setting
from tests.frontends.notebooks import Notebook
from weightrepl.engine.evaluate import evaluate
from weightrepl.errors import Problem, QueryError
from weightrepl.frontends.commands_codes import ALL_CODES
from weightrepl.frontends.language_server_models import Opening, Wanted, _fill
from weightrepl.frontends.language_server_server import WeightServer
from weightrepl.frontends.session import Question, Session
from weightrepl.frontends.settings import Settings
from weightrepl.frontends.shell import Shell
from weightrepl.model.workspace import Workspace
from weightrepl.query.codes import CODES
from weightrepl.query.files import parse_file
from weightrepl.query.parser import parse
from weightrepl.render.formats import Answer
from weightrepl.render.sheets import bounded
from weightrepl.render.text import Screen, lines
from weightrepl.spans import Span
from weightrepl.writers import write

HERE = Path(__file__).parent
EXAMPLES: dict[str, dict[str, Any]] = json.loads((HERE / "problem_examples.json").read_text("utf-8"))


class Shown(NamedTuple):
    """A code's picture, and the text that mends it, where there is one."""

    picture: str
    instead: str | None


def shown(code: str) -> Shown:
    """Return what the example of a code looks like."""
    example = EXAMPLES.get(code, {})
    if code in WAYS:
        return Shown(_in_a_folder(WAYS[code]), example.get("instead"))
    text = example.get("q") or ALL_CODES[code][1]
    problem = next(p for p in problems_of(text, example, code) if p.code == code)
    fixed = None if problem.fix is None else problem.fix.applied(text)
    return Shown(problem.picture(text), example.get("instead", fixed))


def instead_of(code: str) -> tuple[Problem, ...]:
    """Return the problems that are left where the text that mends a code's example stands in its place."""
    return problems_of(shown(code).instead or "", EXAMPLES.get(code, {}), code)


def problems_of(text: str, example: dict[str, Any], code: str) -> tuple[Problem, ...]:
    """Return all that is told of a text where an example asks it."""
    if "q" not in example:
        return (parse if code in CODES else parse_file)(text).problems
    space, where = setting(example)
    if "file" in example:
        space = Workspace((weightrepl.open(HERE / "zoo" / example["file"]),))
    try:
        return evaluate(text, space, want=example.get("want"), **where).notes
    except QueryError as error:
        return error.problems
    finally:
        for model in space.models:
            model.close()


def _in_a_folder(way: Callable[[], str]) -> str:
    """Return what comes of it in an empty folder with the demo's model."""
    before = os.getcwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(os.path.realpath(folder))
        try:
            shutil.copyfile(weightrepl.demo_path(), "model.keras")
            return way().replace(os.path.join(os.getcwd(), ""), "/home/you/").rstrip()
        finally:
            os.chdir(before)


# ------------------------------------------------------------------ what is more than a query


def _entered(line: str) -> str:
    with Session() as session:
        session.open("model.keras")
        return "\n".join(lines(Shell(session, Settings("config.toml")).enter(line), Screen(80)))


def _cell(cell: str) -> str:
    notebook = Notebook()
    notebook.shell.user_ns["model"] = weightrepl.open("model.keras")
    with contextlib.redirect_stdout(io.StringIO()):
        error = notebook.shell.run_cell(cell).error_in_exec
    notebook.shell.user_ns["model"].close()
    notebook.close()
    return str(error)


def _raised(ask: Callable[[], object]) -> str:
    try:
        ask()
    except QueryError as error:
        return str(error)
    raise AssertionError("nothing was raised")


def _configuration() -> str:
    Path("config.toml").write_text('edit-mod = "vi"\n', "utf-8")
    return "\n".join(problem.picture("") for problem in Settings("config.toml").problems)


def _unreadable() -> str:
    with Session() as session:
        session.open("model.keras")
        Path("model.keras").write_bytes(b"another file")
        (problem,) = session.answer(Question("**:*")).problems
    return problem.picture("**:*")


def _not_opened(text: str) -> str:
    """Return how the language server tells of the path in a query file of this folder."""
    span = Span(text.rindex(" ") + 1, len(text))
    opening = Opening(Wanted("base", os.path.abspath(span.of(text)), (os.getcwd(),)))
    _fill(opening)
    library = SimpleNamespace(opening=lambda wanted: opening)
    asked = SimpleNamespace(wanted=opening.wanted, span=span)
    return WeightServer._unopened(SimpleNamespace(library=library), asked).picture(text)


def _written(weights: str, path: str, labels: tuple[str, ...] | None = None) -> str:
    """Return what is told when weights of one layer, each a line of an outline, are written."""
    outline = "\n".join(["m", "  dense @Dense", *(f"    {weight}" for weight in weights.splitlines())])
    selection = weightrepl.select(trees.model(outline), "**:*")
    return "\n".join(note.picture("") for note in write(selection, path, labels=labels))


def _not_all_shown() -> str:
    text = "**:*"
    answer = bounded(Answer(text, weightrepl.select("model.keras", text)), 2)
    return answer.problems[0].picture(text)


def _assigned() -> str:
    live = trees.model(TREES["seed"], live=True)
    report = weightrepl.select(live, "**:bias").assign(0.0, dry_run=True).report
    return "\n".join(note.picture("") for note in report.notes)


WAYS: dict[str, Callable[[], str]] = {
    "assigned": _assigned,
    "bad-expansion": lambda: _cell("%weights --vars {units}:kernel"),
    "cannot-open": lambda: _not_opened("#: open base = mdel.keras"),
    "command": lambda: _entered("open model.keras"),
    "configuration": _configuration,
    "expectation": lambda: _cell("%%weights\n#: expect none\n**:kernel"),
    "labels-beside": lambda: _written(":kernel (2, 3)", "vectors.tsv", ("a", "b")),
    "no-model": lambda: _raised(lambda: Session().run("**:kernel")),
    "no-such-command": lambda: _entered("%opne model.keras"),
    "no-such-model": lambda: _cell("%weights -m modle **:kernel"),
    "not-a-location": lambda: _entered("%cd custom_module/*"),
    "not-all-drawn": lambda: _written("\n".join(f":w{i} (2,)" for i in range(70)), "kernels.svg"),
    "not-all-shown": _not_all_shown,
    "outside-workspace": lambda: _not_opened("#: open base = ../base.keras"),
    "raw-bytes": lambda: _written(":kernel (2,) bfloat16", "kernels.npz"),
    "unreadable": _unreadable,
    "wrong-result": lambda: _raised(lambda: weightrepl.select("model.keras", "**:* | count")),
}
"""What brings a problem about that a query over a tree can't."""
