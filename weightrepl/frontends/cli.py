"""The command `weightrepl`: arguments, streams and the exit status around a session.

Exit status: 0 something was selected, 1 nothing was, 2 there was an error; with expectations in a query file 0 if all
held. What is needed only later is imported only then, so that `--help` and a wrong query are told at once.
"""

from __future__ import annotations

import os
import sys

from weightrepl.frontends.streams import (
    ERROR,
    Teller,
    abandon_stdout,
    die_of_a_closed_pipe,
    die_of_an_interrupt,
    print_lines,
    ready_streams,
    screen_for,
    tell_failure,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterable, Iterator, Sequence
    from typing import NoReturn

    from weightrepl.engine.selectors import Kind
    from weightrepl.frontends.session import Question, Script, Session
    from weightrepl.readers.guards import Limits
    from weightrepl.render.formats import Answer

HELP = """\
Usage: weightrepl [MODEL | NAME=MODEL]... [-q QUERY]... [-f FILE.wq] [OPTION]...

Select layers and weights of Keras models by queries, straight from their files.
Without a query: on a terminal an interactive session, else the tree of layers.

  -q, --query QUERY   answer a query; may be repeated
  -f, --file FILE.wq  answer the queries of a file; -f - is standard input
  -m, --model NAME    where paths start: a model, or a layer of one
  --layers            select layers instead of weights
  --explain           show step by step what each part of a query reaches
  --format FORMAT     table (the default), tree, json, jsonl, csv, tsv or paths
  --unfold            a row for each of many alike: no block_{0..11}
  -o, --output OUT    write weights to .npz .npy .safetensors .h5 .csv .tsv .svg
  --force             overwrite OUT;  --labels FILE  names its rows (.tsv, .txt)
  --allow LIMIT=N     open a file that claims more: json_nbytes=1G
  --color WHEN        auto, always or never;  --completion bash, zsh or fish
  --demo              a guided run; with -o its model;  --version;  -h, --help

  weightrepl model.keras -q '**:kernel'
  weightrepl model.keras -q '**:* | where size > 1M | sort size desc'
  weightrepl model.keras -q 'encoder/*:kernel' -o encoder.npz
  weightrepl old=a.keras new=b.keras -q 'old/**:* | diff new' --format csv
Exit status: 0 something was selected, 1 nothing was, 2 there was an error.
"""


def main() -> NoReturn:
    """Run the command as a process of its own: its signals, its streams, its exit status."""
    status = ERROR
    try:
        die_of_a_closed_pipe()
        status = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        die_of_an_interrupt()
        status = 130
    except OSError as error:  # of writing to standard output: all others are told where they happen
        tell_failure(f"standard output: {error.strerror or error}")
        abandon_stdout()
        status = ERROR
    raise SystemExit(status)


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit status."""
    ready_streams()
    if "-h" in arguments or "--help" in arguments:
        sys.stdout.write(HELP)
        return 0
    if "--version" in arguments:
        from weightrepl import __version__

        sys.stdout.write(f"weightrepl {__version__}\n")
        return 0
    if arguments[:1] == ["--complete-words"]:
        from weightrepl.frontends.completion_scripts import answer

        print_lines(answer(arguments[1:]))
        return 0
    return _obeyed(_parsed(arguments))


def _parsed(arguments: Sequence[str]) -> Namespace:
    from argparse import ArgumentParser, HelpFormatter

    class Parser(ArgumentParser):
        def error(self, message: str) -> NoReturn:
            told = message.removeprefix("argument ").replace(
                "expected one argument", "expected a value after it"
            )
            tell_failure(f"{told}; see weightrepl --help")
            raise SystemExit(ERROR)

    def formatter(prog: str) -> HelpFormatter:
        return HelpFormatter(prog, width=80)  # never shown: HELP is; asking for the terminal's width is slow

    parser = Parser(usage="weightrepl", add_help=False, allow_abbrev=False, formatter_class=formatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("-q", "--query", action="append", default=[], dest="queries")
    parser.add_argument("-f", "--file")
    parser.add_argument("-m", "--model")
    parser.add_argument("--layers", action="store_true")
    parser.add_argument("--explain", action="store_true")
    parser.add_argument("--format", choices=_FORMATS)
    parser.add_argument("--unfold", action="store_true")
    parser.add_argument("-o", "--output")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--labels")
    parser.add_argument("--allow", action="append", default=[])
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument("--completion", choices=("bash", "zsh", "fish"))
    parser.add_argument("--demo", action="store_true")
    options, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        parser.error(f"no option {unknown[0]}{_suggestion(unknown[0])}")
    _refuse_contradictions(options, parser)
    try:
        options.limits = _limits(options.allow)
    except ValueError as error:
        parser.error(f"--allow: {error}")
    return options


_FORMATS = ("table", "tree", "json", "jsonl", "csv", "tsv", "paths")


def _limits(settings: Sequence[str]) -> Limits | None:
    from weightrepl.frontends.session import limits_with

    return limits_with(settings) if settings else None


def _suggestion(option: str) -> str:
    from weightrepl.frontends.completion_scripts import OPTIONS
    from weightrepl.spans import nearest

    if option.strip("-") in _FORMATS:
        return f", did you mean --format {option.strip('-')}?"
    near = nearest(option, OPTIONS, limit=1)
    return f", did you mean {near[0]}?" if near else ""


def _refuse_contradictions(options: Namespace, parser: ArgumentParser) -> None:
    if options.output and (options.layers or options.explain or options.format):
        other = "--layers" if options.layers else "--explain" if options.explain else "--format"
        parser.error(f"{other} changes nothing with -o, which writes the weights")
    if options.explain and options.format not in (None, "table", "tree"):
        parser.error(f"--explain is for reading, and has no --format {options.format}")
    if options.unfold and (options.output or options.explain):
        parser.error(f"--unfold changes nothing with {'-o' if options.output else '--explain'}")
    if options.unfold and options.format not in (None, "table", "tree"):
        parser.error(f"--unfold is for tables and trees: --format {options.format} never folds")
    if options.demo and (options.models or options.queries or options.file):
        parser.error("--demo brings its own model and queries; --demo -o FILE.keras writes that model")
    if options.demo and options.output and not options.output.endswith(".keras"):
        parser.error(f"--demo -o writes a .keras file, and {options.output} is called otherwise")
    if options.force and not options.output:
        parser.error("--force is for -o")
    if options.labels is not None and not options.output:
        parser.error("--labels is for -o")


def _obeyed(options: Namespace) -> int:
    if options.completion:
        from weightrepl.frontends.completion_scripts import SCRIPTS

        sys.stdout.write(SCRIPTS[options.completion])
        return 0
    from weightrepl.errors import WeightreplError
    from weightrepl.frontends.progress import Waiting, can_show_progress

    teller = Teller(screen_for(sys.stderr, options), Waiting(can_show_progress()))
    try:
        if options.demo:
            return _demonstrated(options)
        if _asks_nothing(options) and _on_terminal():
            return _interactive(options, options.models)
        script = _script(options)
        if script is not None and script.errors:
            teller.show(script.errors)
            return ERROR
        with teller.waiting.on("working"):
            return _answered(options, script, teller)
    except WeightreplError as error:
        teller.tell(error)
        return ERROR


def _demonstrated(options: Namespace) -> int:
    """Show the guided run, or write its model; on a terminal whoever looked on may go on with the same model."""
    from weightrepl.api import demo_path
    from weightrepl.frontends.demo import demonstration

    if options.output:
        from weightrepl.writers import write_bytes

        with open(demo_path(), "rb") as file:
            write_bytes(file.read(), options.output, options.force)
        return 0
    goes_on = _on_terminal()
    print_lines(demonstration(screen_for(sys.stdout, options), goes_on))
    return _interactive(options, [demo_path()]) if goes_on else 0


def _asks_nothing(options: Namespace) -> bool:
    """Return whether there is nothing to answer or to show at once: somebody wants to look around."""
    given = (options.queries, options.file, options.format, options.output)
    return not any(given) and not (options.layers or options.explain or options.unfold)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _interactive(options: Namespace, models: Iterable[str]) -> int:
    from weightrepl.frontends.repl import run
    from weightrepl.frontends.session import split_name

    named = [split_name(argument) for argument in models]
    return run(named, location=options.model, colour=options.color, limits=options.limits)


def _script(options: Namespace) -> Script | None:
    """Return what is asked; None where nothing is, so that an overview is wanted."""
    from weightrepl.frontends.session import read_queries, read_query_file, read_text

    asked = read_queries(options.queries)
    if options.file == "-" or (options.file is None and not options.queries and _queries_on_stdin()):
        text = sys.stdin.buffer.read().decode("utf-8-sig", "backslashreplace")
        return read_query_file(text, "<stdin>", "").joined(asked)
    if options.file is not None:
        text = read_text(options.file)
        return read_query_file(text, options.file, os.path.dirname(options.file)).joined(asked)
    return asked if options.queries else None


def _queries_on_stdin() -> bool:
    """Return whether standard input is a pipe or a file; a terminal and /dev/null hold no queries."""
    import stat

    try:
        return not stat.S_ISCHR(os.fstat(0).st_mode)
    except OSError:  # closed
        return False


def _answered(options: Namespace, script: Script | None, teller: Teller) -> int:
    from weightrepl.frontends.session import Session, split_name

    if options.output and (script is None or len(script.questions) != 1):
        if script is None:
            return teller.fail(
                "-o writes what a query selects, and there is none: weightrepl MODEL -q QUERY -o OUT"
            )
        number = f"{len(script.questions)} queries"
        return teller.fail(f"-o writes what one query selects, and there are {number}; 'a, b' selects both")
    if options.output:
        from weightrepl.writers import check

        check(options.output, options.force, options.labels is not None)
    with Session() as session:
        session.limits = options.limits
        session.watcher = teller.waiting if teller.waiting.shown else None
        for argument in options.models:
            name, path = split_name(argument)
            session.open(path, name)
        for name, path in script.opens if script else ():
            session.open(path, name)
        if not session.workspace.models:
            return teller.fail("no model is given: weightrepl MODEL -q QUERY; see weightrepl --help")
        session.named = dict(script.named) if script else {}
        if options.model is not None:
            session.go(options.model)
        if script is None:
            return _overview(options, session, teller)
        if not script.questions:
            return teller.fail("there is no query to answer; see weightrepl --help")
        if options.explain:
            return _explained(options, session, script)
        if options.output:
            return _written(options, session, script.questions[0], teller)
        return _shown(options, session, script, teller)


# ------------------------------------------------------------------ what is done with the answers


def _overview(options: Namespace, session: Session, teller: Teller) -> int:
    """Show the tree of all that is open; in another format, or below a location, the layers that it is of."""
    from weightrepl.frontends.session import Question, Script

    if options.explain:
        return teller.fail("--explain explains queries, and there is none")
    if options.format in (None, "tree") and options.model is None:
        from weightrepl.render.compose import overview
        from weightrepl.render.text import lines

        tree = overview(session.workspace, unfolded=options.unfold)
        teller.print_as_they_come(lines(tree, screen_for(sys.stdout, options)))
        return 0
    options.layers, options.format = True, options.format or "tree"
    return _shown(options, session, Script(questions=(Question("**"),)), teller)


def _explained(options: Namespace, session: Session, script: Script) -> int:
    from weightrepl.render.compose import explained
    from weightrepl.render.text import lines

    screen = screen_for(sys.stdout, options)
    for n, question in enumerate(script.questions):
        print_lines([""] if n else [])
        print_lines(lines(explained(session.explain(question.text)), screen))
    return 0


def _written(options: Namespace, session: Session, question: Question, teller: Teller) -> int:
    """Write what a query selects to a file."""
    from weightrepl.engine.selection import Selection
    from weightrepl.engine.table import Table
    from weightrepl.errors import QueryError
    from weightrepl.frontends.session import write_found

    try:
        result = session.run(question.text, "weights")
    except QueryError as error:
        teller.show(question.pictures(error.problems))
        return ERROR
    teller.show(question.pictures(result.notes))
    if not isinstance(result, Selection | Table):
        return teller.fail("-o writes weights or a table, and this query gives a number")
    if not result:
        return 1
    with teller.waiting.on(f"writing {options.output}"):
        notes = write_found(result, options.output, options.force, options.labels)
    teller.show(question.pictures(notes))
    return 0


def _shown(options: Namespace, session: Session, script: Script, teller: Teller) -> int:
    """Print each answer as it comes."""
    from weightrepl.render.formats import Style, rendered

    screen = screen_for(sys.stdout, options)
    titled, totalled = len(script.questions) > 1, sys.stdout.isatty()
    style = Style(options.format or "table", screen, titled, totalled, options.unfold)
    tally = _Tally()
    answers = _answers(session, script.questions, "layers" if options.layers else None, teller, tally)
    teller.print_as_they_come(rendered(answers, style))
    return tally.status


class _Tally:
    """What the exit status is made of."""

    def __init__(self) -> None:
        self.failed = self.selected = self.expecting = self.disappointed = False

    @property
    def status(self) -> int:
        """The exit status for all that was counted."""
        if self.failed:
            return ERROR
        return int(self.disappointed if self.expecting else not self.selected)


def _answers(
    session: Session, questions: Iterable[Question], want: Kind | None, teller: Teller, tally: _Tally
) -> Iterator[Answer]:
    """Yield what comes of each query; tell its problems, and count."""
    for question in questions:
        answer = session.answer(question, want)
        teller.show(question.pictures(answer.problems))
        tally.failed |= answer.result is None
        tally.selected |= answer.size > 0
        if question.expect is not None and answer.result is not None:
            tally.expecting = True
            if (answer.size > 0) != (question.expect == "some"):
                tally.disappointed = True
                teller.complain(f"{question.where}: expected {question.expect}, found {answer.size:,}")
        yield answer
