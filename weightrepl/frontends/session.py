"""What all front ends share: which models are open, where the user stands, what is named, and one way to ask."""

from __future__ import annotations

import os

from weightrepl.errors import FormatError, Problem, QueryError, SourceError, errors_in
from weightrepl.render.blocks import ProblemBlock
from weightrepl.spans import line_column
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Literal

    from weightrepl.engine.evaluate import Result
    from weightrepl.engine.explain import Explanation
    from weightrepl.engine.figures import Watcher
    from weightrepl.engine.scope import Named, NamedQuery
    from weightrepl.engine.selection import Selection
    from weightrepl.engine.selectors import Kind
    from weightrepl.engine.table import Table
    from weightrepl.model.tree import Model, Place
    from weightrepl.model.workspace import Workspace
    from weightrepl.readers.guards import Limits
    from weightrepl.render.formats import Answer


_LEAVE_OUT = "'!' leaves out what can't be read: **:*, !layer:weight"


class Session:
    """Open models, a location, and named queries. Closing it lets go of the files.

    location: None is the one open model, or the workspace where several are open.
    watcher: is told how far the reading of values has come.
    limits: what files may claim; None for what they may unless told otherwise.
    """

    def __init__(self) -> None:
        from weightrepl.model.workspace import Workspace

        self.workspace: Workspace = Workspace()
        self.location: Place | None = None
        self.named: dict[str, Named] = {}
        self.watcher: Watcher | None = None
        self.limits: Limits | None = None
        self._limits: dict[str, Limits] = {}

    def open(self, source: object, name: str | None = None, limits: Limits | None = None) -> Model:
        """Return the model that a path or a live object is, now open and answering to `name` too.

        limits: what its file may claim; None for the session's.

        Raises:
            SourceError: it can't be opened.
        """
        from weightrepl.readers.guards import STANDARD
        from weightrepl.readers.registry import open_source

        limits = limits or self.limits or STANDARD
        model = open_source(source, name, limits=limits)
        self._limits[model.source] = limits
        self.workspace = self.workspace.opened(model)
        return model

    def open_again(self, model: Model, limits: Limits | None = None) -> Model:
        """Return what the file of an open model holds now, open in its place, under the name that it was given.

        limits: what it may claim; None for what it might before.

        Raises:
            SourceError: it can't be opened; then all is as it was.
        """
        from weightrepl.model.workspace import Workspace
        from weightrepl.readers.guards import STANDARD
        from weightrepl.readers.registry import open_source

        given = model.names[0] if model.names[0] != model.root.name else None
        limits = limits or self._limits.get(model.source, STANDARD)
        fresh = open_source(model.source, given, limits=limits)
        self._limits[model.source] = limits
        self.workspace = Workspace(tuple(fresh if m is model else m for m in self.workspace.models))
        model.close()
        return fresh

    def close_model(self, model: Model) -> None:
        """Let go of one model, and leave it if paths start there."""
        self.workspace = self.workspace.closed(model)
        if self.location is not None and self.location.model is model:
            self.location = None
        model.close()

    def run(self, text: str, want: Kind | None = None) -> Result:
        """Return what a query finds.

        Raises:
            QueryError: the text is broken, or names what is not there, or no model is open.
            SourceError: what the query needs can't be read from its file.
        """
        from weightrepl.engine.evaluate import evaluate

        self._need_model(text)
        return evaluate(
            text, self.workspace, location=self.location, want=want, named=self.named, watcher=self.watcher
        )

    def answer(self, question: Question, want: Kind | None = None) -> Answer:
        """Return what comes of a query, with what went wrong as one of its problems."""
        from weightrepl.render.formats import Answer

        try:
            result = self.run(question.text, want)
        except QueryError as error:
            return Answer(question.text, None, error.problems)
        except SourceError as error:
            hint = _LEAVE_OUT if isinstance(error, FormatError) else None
            return Answer(question.text, None, (Problem("unreadable", str(error), hint=hint),))
        return Answer(question.text, result, tuple(result.notes))

    def explain(self, text: str) -> Explanation:
        """Return step by step what each part of a query reaches, whether or not the query is right.

        Raises:
            QueryError: no model is open.
        """
        from weightrepl.engine.explain import explain

        self._need_model(text)
        return explain(text, self.workspace, location=self.location, named=self.named)

    def go(self, text: str) -> Place:
        """Return the layer that `text` selects, where paths now start.

        Raises:
            QueryError: it selects none, or several.
        """
        from weightrepl.engine.selection import LayerSelection
        from weightrepl.spans import Span, listed

        found = self.run(text, want="layers")
        if not isinstance(found, LayerSelection) or len(found) != 1:
            names = found.addresses if isinstance(found, LayerSelection) else ()
            message = f"a location is one layer, and this selects {len(names)}"
            hint = f"one of {listed(names)}" if names else None
            raise QueryError(text, [Problem("not-a-location", message, Span(0, len(text)), hint=hint)])
        self.location = found.rows[0]
        return self.location

    def close(self) -> None:
        """Let go of all files."""
        for model in reversed(self.workspace.models):
            model.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _need_model(self, text: str) -> None:
        if not self.workspace.models:
            hint = "open one: weightrepl MODEL, or in a query file '#: open MODEL'"
            raise QueryError(text, [Problem("no-model", "no model is open", hint=hint)])


def write_found(result: Selection | Table, path: str, force: bool, labels: str | None) -> tuple[Problem, ...]:
    """Write weights or a table to a file; return what there is to tell about it.

    Raises:
        OutputError: it can't be written there, or not in that format; or labels are given for a table.
    """
    from weightrepl.engine.table import Table
    from weightrepl.errors import OutputError
    from weightrepl.writers import write, write_table

    if not isinstance(result, Table):
        return write(result, path, force, labels)
    if labels is not None:
        raise OutputError("--labels names the rows of a weight, and this result is a table")
    write_table(result, path, force)
    return ()


def split_name(argument: str) -> tuple[str | None, str]:
    """Return the name and the path that a `NAME=MODEL` argument gives.

    A file that exists under the whole of it is that file; a NAME has no folder in it.

    >>> split_name("base=models/a.keras"), split_name("runs/lr=0.1/a.keras")
    (('base', 'models/a.keras'), (None, 'runs/lr=0.1/a.keras'))
    """
    name, equals, path = argument.partition("=")
    if not equals or not name or os.path.basename(name) != name:
        return None, argument
    from weightrepl.readers.folders import is_there

    return (None, argument) if is_there(argument) else (name, path)


def limits_with(settings: Iterable[str]) -> Limits:
    """Return the limits of what a file may claim, some of them set: `json_nbytes=1G`.

    Raises:
        ValueError: there is no such limit, or no such number.

    >>> limits_with(["json_nbytes=1G", "depth=500"]).json_nbytes
    1000000000
    """
    from weightrepl.query.operands import number_value
    from weightrepl.readers.guards import STANDARD
    from weightrepl.spans import nearest, visible

    changes = {}
    for setting in settings:
        name, _, text = setting.partition("=")
        value = number_value(text) if text else None
        if name not in STANDARD.names:
            near = nearest(name, STANDARD.names, limit=1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(STANDARD.names)}"
            raise ValueError(f"no limit is called '{visible(name)}', {meant}")
        if not isinstance(value, int):
            raise ValueError(
                f"'{visible(setting)}' sets no limit: a whole number is expected, as in {name}=1M"
            )
        changes[name] = value
    return STANDARD.replace(**changes)


# ------------------------------------------------------------------ queries and where they stand


class Question(Value):
    """A query to answer.

    expect: what a query file says that it must find. path, whole, start: the file, its text, and where in it the
    query begins; empty for a query that stands nowhere.
    """

    text: str
    expect: Literal["some", "none"] | None = None
    path: str = ""
    whole: str = ""
    start: int = 0

    @property
    def where(self) -> str:
        """`file:line` of the query, or nothing."""
        return f"{self.path}:{self.whole.count(chr(10), 0, self.start) + 1}" if self.path else ""

    def pictures(self, problems: Iterable[Problem]) -> Iterator[ProblemBlock]:
        """Yield the pictures of problems whose spans count from the query's beginning."""
        for problem in problems:
            if self.path:
                yield _picture_in_file(problem.shifted(self.start), self.whole, self.path, self.where)
            else:
                yield ProblemBlock(problem, self.text)


class Script(Value):
    """What is asked in one go: models to open, names for queries, queries; and the errors in their texts."""

    opens: tuple[tuple[str | None, str], ...] = ()
    named: Mapping[str, NamedQuery] = {}
    questions: tuple[Question, ...] = ()
    errors: tuple[ProblemBlock, ...] = ()

    def joined(self, other: Script) -> Script:
        """Return both, this one first."""
        return Script(
            self.opens + other.opens,
            {**self.named, **other.named},
            self.questions + other.questions,
            self.errors + other.errors,
        )


def read_queries(texts: Iterable[str]) -> Script:
    """Return the script of queries that are given as they are."""
    from weightrepl.query.parser import parse

    questions = tuple(map(Question, texts))
    errors = [p for q in questions for p in q.pictures(errors_in(parse(q.text).problems))]
    return Script(questions=questions, errors=tuple(errors))


def read_query_file(text: str, path: str, folder: str) -> Script:
    """Return the script that the text of a query file is; paths in it are relative to `folder`."""
    from weightrepl.engine.scope import NamedQuery
    from weightrepl.query.files import parse_file

    parsed = parse_file(text)
    opens = tuple((o.name, os.path.join(folder, os.path.expanduser(o.path))) for o in parsed.file.opens)
    named = {let.name: NamedQuery(text, let.query) for let in parsed.file.lets}
    questions = tuple(
        Question(e.query.span.of(text), e.expect, path, text, e.query.span.start) for e in parsed.file.entries
    )
    errors = tuple(_picture_in_file(p, text, path, path) for p in errors_in(parsed.problems))
    return Script(opens, named, questions, errors)


def read_text(path: str) -> str:
    """Return the text of a query file.

    Raises:
        SourceError: it is not there, may not be read, or is no UTF-8.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise SourceError(error.strerror or str(error), path) from error
    except UnicodeDecodeError as error:
        raise SourceError("is not UTF-8 text, so no query file", path, f"byte {error.start}") from error


def _picture_in_file(problem: Problem, text: str, path: str, where: str) -> ProblemBlock:
    """Return the picture of a problem in a file: its place, and only the lines that it is about."""
    if problem.span is None:
        return ProblemBlock(problem, "", where)
    spans = [problem.span] if problem.fix is None else [problem.span, problem.fix.span]
    start = text.rfind("\n", 0, min(span.start for span in spans)) + 1
    end = text.find("\n", max(span.end for span in spans))
    line, column = line_column(text, problem.span.start)
    lines = text[start:] if end < 0 else text[start:end]
    return ProblemBlock(problem.shifted(-start), lines, f"{path}:{line + 1}:{column + 1}")
