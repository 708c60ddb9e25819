"""The commands of a line that begins with `%`: one table, of which help, completion and documentation are made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, TypeAlias

from weightrepl.errors import Fix, Problem, QueryError
from weightrepl.frontends import commands_asking as asking
from weightrepl.frontends import commands_models as models
from weightrepl.frontends import commands_telling as telling
from weightrepl.frontends.shell import Given
from weightrepl.spans import Span, nearest, visible
from weightrepl.values import Value

if TYPE_CHECKING:
    from weightrepl.frontends.shell import Shell
    from weightrepl.render.blocks import Block

Argument: TypeAlias = Literal[
    "query", "layer", "sides", "seconds", "file", "queries", "model", "setting", "value", "alias", "topic"
]


class Command(Value):
    """A command.

    usage: its arguments, `[SECONDS] QUERY`. summary: one sentence, without a full stop. text: more, Markdown.
    arguments: what stands behind it, one after the other; a query, a layer and sides are the rest of the line.
    options: what may stand before the arguments.
    run: yields what comes of it, as it comes.
    live: what it yields is shown at once and never through a pager: it goes on until it is interrupted.
    """

    name: str
    usage: str
    summary: str
    arguments: tuple[Argument, ...]
    run: Callable[[Shell, Given], Iterator[Block]]
    text: str = ""
    examples: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    live: bool = False


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command(
            "layers", "[QUERY]", "the layers of a query; without one, the tree of all", ("query",), asking.layers,
            examples=("%layers", "%layers **/@Dense"),
        ),
        Command(
            "weights", "[QUERY]", "the weights of a query; without one, all", ("query",), asking.weights,
            examples=("%weights *", "%weights **/@Dense | top 5 size"),
        ),
        Command(
            "info", "ADDRESS", "all that is known of one layer or weight", ("query",), asking.info,
            "Of a weight its statistics too, so its values are read.", ("%info .",),
        ),
        Command(
            "hist", "QUERY", "how the values of weights are distributed", ("query",), asking.hist,
            "The same as the stage `hist`.", ("%hist **:kernel",),
        ),
        Command(
            "diff", "LEFT RIGHT", "how weights differ between two models or layers", ("sides",), asking.diff,
            "What pairs with what, and the columns, are those of the stage `diff`. Stages may follow:\n"
            "`%diff old new | where verdict != same`.",
        ),
        Command(
            "explain", "QUERY", "what each part of a query reaches, right or not", ("query",), asking.explain,
            examples=("%explain **/@Dense:kernel",),
        ),
        Command(
            "save", "OUT QUERY", "write what a query selects to a file", ("file", "query"), asking.save,
            "The suffix says the format: .npz .npy .safetensors .h5 .csv .tsv .svg. `$_` is the last result.\n"
            "Before OUT, `--force` overwrites, `--labels FILE` names the rows of a weight of two axes (.tsv, .txt).",
            ("%save kernels.npz **:kernel", "%save sizes.csv **:* | group dtype"), ("--force", "--labels"),
        ),
        Command(
            "watch", "[SECONDS] QUERY", "a result again when a file changes, or that often", ("seconds", "query"),
            models.watch, "Models whose files change are read anew. Ctrl-C ends it.", live=True,
        ),
        Command(
            "open", "FILE [as NAME]", "open a model; read one anew that is open", ("file",), models.open_,
            "Also `%open NAME=FILE`. A path with blanks is put in quotes; `~` is your folder.\n"
            "`--allow LIMIT=N` before FILE opens one that claims more than a limit allows: docs/safety.md.",
            ("%open model.keras", "%open runs/last.keras as last"), ("--allow",),
        ),
        Command("close", "[MODEL]", "let go of a model and of the results that are of it", ("model",), models.close),
        Command("models", "", "the open models: names, formats, files", (), models.models),
        Command(
            "cd", "[LAYER]", "let paths start at a layer; without one, at the top", ("layer",), models.cd,
            "`..` is the layer above, `/` the top, `-` where you were before.",
        ),
        Command("pwd", "", "where paths start", (), models.pwd),
        Command(
            "source", "FILE.wq", "answer the queries of a file", ("queries",), models.source,
            "Its directives open models, name queries, and say what must be found.",
        ),
        Command(
            "alias", "[NAME [QUERY]]", "names of queries that last, used as $NAME", ("alias", "query"), telling.alias,
            "Without a query what the name stands for, without a name all; `%alias -d NAME` takes one away.\n"
            "They are kept in the file of the settings.",
            ("%alias", "%alias big **:* | where size > 1M"), ("-d",),
        ),
        Command(
            "set", "[NAME [VALUE]]", "the settings; change one until you leave", ("setting", "value"), telling.set_,
            "With `--save` for good: its line in your file of settings is changed, and no other.",
            ("%set", "%set edit-mode vi", "%set pager never --save"), ("--save",),
        ),
        Command("!", "COMMAND", "run a command of the system's shell", (), models.run_shell, live=True),
        Command(
            "help", "[TOPIC]", "how to begin; what a word or an error means", ("topic",), telling.help_,
            "Of a command, a stage, a column, an operator, a setting, an error's code.",
            ("%help where", "%help unclosed-quote"),
        ),
        Command("quit", "", "leave; so does Ctrl-D", (), telling.quit_),
    )
}  # fmt: skip
"""All commands by name, without the `%`, in the order in which help lists them."""

_NAME = re.compile(r"\s*%\s*(!|[^\s?!]*)")


def command_span(line: str) -> Span:
    """Return where the name of a line's command stands, without the `%`."""
    found = _NAME.match(line)
    assert found is not None
    return Span(*found.span(1))


def command_in(line: str) -> tuple[Command, Given]:
    """Return the command of a line that begins with `%`, and what it is given.

    `%name?` is `%help name`.

    Raises:
        QueryError: there is no such command.
    """
    span = command_span(line)
    name = span.of(line)
    if line[span.end :].strip() == "?":
        return COMMANDS["help"], Given(f"%help {name}", 6)
    if name not in COMMANDS:
        raise QueryError(line, [unknown_command(line)])
    return COMMANDS[name], Given(line, span.end).behind(0)


def unknown_command(line: str) -> Problem:
    """Return the problem of a line whose command there is not."""
    span = command_span(line)
    name, span = span.of(line), Span(line.index("%"), span.end)
    near = nearest(name, COMMANDS, limit=1)
    message = f"no command '%{visible(name)}'" if name else "expected a command after '%'"
    if near:
        return Problem("no-such-command", message, span, Fix(span, f"%{near[0]}"))
    return Problem("no-such-command", message, span, hint="%help lists them")


class Habit(Value):
    """A line as it is typed elsewhere, and the one that it is here."""

    meant: str
    why: str = "commands begin with '%'"

    def run(self, shell: Shell, line: str) -> Iterator[Block]:
        """Yield what to type; who just wants to leave may."""
        from weightrepl.render.blocks import ProblemBlock

        if line.strip().removesuffix("()") in ("exit", "quit"):
            yield from telling.quit_(shell, Given(line))
        span = Span(0, len(line))
        yield ProblemBlock(Problem("command", self.why, span, Fix(span, self.meant)), line)


_HABITS = {
    **dict.fromkeys(("ls", "dir", "ll", "tree", "list", "show", "summary"), "layers"),
    **dict.fromkeys(
        ("exit", "quit", "bye", "\\q", ":q", ":quit", ":q!", ":wq", ".exit", ".quit", "q"), "quit"
    ),
    **dict.fromkeys(("help", "?", "\\?", "\\h", ".help", ":help", ":h", "man", "h"), "help"),
    **dict.fromkeys(("\\!", ".shell", "!"), "!"),
    "\\d": "layers",
    "\\l": "models",
    "\\o": "save",
    ".open": "open",
    ".tables": "layers",
    "load": "open",
}


def habit(line: str) -> Habit | None:
    """Return what a line is here that is a command elsewhere, or an assignment; None where it is neither."""
    variable, equals, query = line.partition("=")
    if equals and variable.strip().isidentifier() and not query.startswith("="):
        why = "a query has no variables: '%alias' gives it a name, '$_' is the last result"
        return Habit(f"%alias {variable.strip()} {query.strip()}".rstrip(), why)
    name, *rest = line.strip().removesuffix("()").split(maxsplit=1) or [""]
    meant = _HABITS.get(name) or (name if name in COMMANDS else None)
    return None if meant is None else Habit(" ".join([f"%{meant}", *rest]))


def as_markdown() -> str:
    """Return the table of all commands for the documentation."""
    lines = ["| command | does |", "| --- | --- |"]
    for command in COMMANDS.values():
        usage = f"%{command.name} {command.usage}".rstrip().replace("|", "\\|")
        lines.append(f"| `{usage}` | {command.summary} |")
    return "\n".join(lines) + "\n"
