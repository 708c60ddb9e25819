"""Reads query files (`.wq`): queries, comments, and the directives that begin with `#:`."""

from __future__ import annotations

from weightrepl.errors import Fix, Problem
from weightrepl.query.cursor import Expectation, Expected, insertion
from weightrepl.query.parser import parse
from weightrepl.query.syntax import Entry, LetDirective, OpenDirective, QueryFile
from weightrepl.spans import Span, nearest
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from weightrepl.query.cursor import Kind
    from weightrepl.query.syntax import Query

_DIRECTIVES = ("open", "let", "expect")


class ParsedFile(Value):
    """What a query file says; spans are those of the file's text."""

    file: QueryFile
    problems: tuple[Problem, ...]
    expected: Expected


def parse_file(text: str) -> ParsedFile:
    """Return what a query file says. Raises nothing, whatever the text.

    >>> parsed = parse_file("#: open base = base.keras\\n#: expect none\\nbase/**:* | where nans > 0\\n")
    >>> parsed.file.opens[0].name, parsed.file.entries[0].expect
    ('base', 'none')
    """
    reader = _Reader(text)
    for span in _items(text):
        reader.item(span)
    return reader.finish()


def _items(text: str) -> Iterator[Span]:
    """Yield the span of each query and each directive, its continuation lines included.

    A line that begins with white space continues the one before; empty lines and comments end nothing.
    """
    start = end = -1
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        newline = text.find("\n", at)
        after = len(text) if newline < 0 else newline + 1
        line = text[at:after]
        content = at + len(line.rstrip())
        comment = line.startswith("#") and not line.startswith("#:")
        if line.strip() and not comment:
            if line[0].isspace() and start >= 0:
                end = content
            else:
                if start >= 0:
                    yield Span(start, end)
                start, end = at, content
        at = after
    if start >= 0:
        yield Span(start, end)


class _Reader:
    """Gathers what the items of a file say."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.opens: list[OpenDirective] = []
        self.lets: list[LetDirective] = []
        self.entries: list[Entry] = []
        self.problems: list[Problem] = []
        self.expect: tuple[Literal["some", "none"] | None, Span] | None = None
        self.expected = Expected(Span(len(text), len(text)), _anything())

    def finish(self) -> ParsedFile:
        """Return the file."""
        if self.expect is not None:
            self.problem("no-query", "expected a query after this line, found the end", self.expect[1])
        file = QueryFile(
            tuple(self.opens), tuple(self.lets), tuple(self.entries), span=Span(0, len(self.text))
        )
        return ParsedFile(file, tuple(self.problems), self.expected)

    def item(self, span: Span) -> None:
        """Read a query or a directive."""
        end = len(self.text) if not self.text[span.end :].strip(" \t") else span.end
        self.expected = Expected(Span(len(self.text), len(self.text)), _anything())
        if self.text.startswith("#:", span.start):
            self.directive(span, end)
        else:
            if self.text[span.start].isspace():
                indent = len(span.of(self.text)) - len(span.of(self.text).lstrip())
                blank = Span(span.start, span.start + indent)
                self.problem("nothing-to-continue", "this line continues nothing", blank, Fix(blank, ""))
            self.entries.append(Entry(self.query(span.start, end), self.take_expect(), span=span))

    def query(self, start: int, end: int) -> Query:
        parsed = parse(self.text, start, end)
        self.problems += parsed.problems
        if end == len(self.text):
            self.expected = parsed.expected
        return parsed.query

    def take_expect(self) -> Literal["some", "none"] | None:
        expect, self.expect = self.expect, None
        return expect[0] if expect else None

    def problem(self, code: str, message: str, span: Span, fix: Fix | None = None) -> None:
        self.problems.append(Problem(code, message, span, fix))

    # ---------------------------------------------------------------- directives

    def directive(self, span: Span, end: int) -> None:
        """directive = "#:" ( "open" [ NAME "=" ] FILE | "let" NAME "=" query | "expect" ( "some" | "none" ) )"""
        word = self.word(span.start + 2, span.end)
        self.hope(word, "directive")
        rest = self.trimmed(word.end, span.end)
        match word.of(self.text):
            case "open":
                self.open(span, rest)
            case "let":
                self.let(span, rest, end)
            case "expect":
                self.expecting(span, rest)
            case other:
                near = nearest(other, _DIRECTIVES, 1)
                what = f"expected open, let or expect after '#:', found '{other}'" if other else (
                    "expected open, let or expect after '#:', found the end"
                )  # fmt: skip
                fix = Fix(word, near[0]) if near else Fix(Span(span.start, span.start + 2), "# ")
                self.problem("no-such-directive", what, word, fix)

    def open(self, span: Span, rest: Span) -> None:
        """open = "open" [ NAME "=" ] FILE"""
        before, equals, _ = rest.of(self.text).partition("=")
        named = bool(equals) and not any(c == "/" or c.isspace() for c in before.strip())
        path = self.trimmed(rest.start + len(before) + 1, rest.end) if named else rest
        self.hope(path, "file")
        if named and not before.strip():
            self.problem("missing-name", "expected a name before '='", rest, Fix(rest, path.of(self.text)))
        if not len(path) or "\n" in path.of(self.text):
            self.problem("missing-file", "expected the path of one file", path if len(path) else rest)
        self.late(span)
        name = before.strip() if named else ""
        self.opens.append(OpenDirective(name or None, path.of(self.text), span=span))

    def let(self, span: Span, rest: Span, end: int) -> None:
        """let = "let" NAME "=" query"""
        name = self.word(rest.start, rest.end)
        equals = self.trimmed(name.end, rest.end)
        text = name.of(self.text).removeprefix("$")
        if text != name.of(self.text):
            self.problem("missing-name", "the '$' is only where a name is used", name, Fix(name, text))
        elif not text:
            self.problem("missing-name", "expected a name after 'let'", Span(name.start, name.start + 1))
        elif text in [let.name for let in self.lets]:
            self.problem("second-name", f"a second query of the name '{text}'", name)
        if not equals.of(self.text).startswith("="):
            self.problem(
                "missing-query", "expected '=' and a query after the name", name, insertion(name.end, " = ")
            )
        start = self.trimmed(equals.start + 1, rest.end).start
        if equals.of(self.text).strip() == "=":
            self.problem("missing-query", "expected a query after '='", equals)
        self.late(span)
        self.lets.append(LetDirective(text, self.query(start, max(start, end)), span=span))

    def expecting(self, span: Span, rest: Span) -> None:
        """expect = "expect" ( "some" | "none" )"""
        self.hope(rest, "expectation")
        found = rest.of(self.text)
        if self.expect is not None:
            self.problem(
                "no-query", "expected a query after this line, found another '#: expect'", self.expect[1]
            )
        if found not in ("some", "none"):
            near = nearest(found, ("some", "none"), 1) or ("some",)
            what = f"expected some or none after 'expect', found '{found}'"
            self.problem("bad-expectation", what, rest if len(rest) else span, Fix(rest, near[0]))
        self.expect = ("none" if found == "none" else "some" if found == "some" else None, span)

    def late(self, span: Span) -> None:
        """Report a directive that does not stand at the top."""
        if self.entries:
            self.problem(
                "late-directive", "what opens models and names queries stands above all queries", span
            )

    def hope(self, span: Span, kind: Kind) -> None:
        """Record what may stand at the end of the text, where `span` reaches it."""
        if span.end == len(self.text):
            self.expected = Expected(span, (Expectation(kind),))

    def word(self, start: int, end: int) -> Span:
        """Return the span of the next word of a directive."""
        start = self.trimmed(start, end).start
        stop = start
        while stop < end and not self.text[stop].isspace() and self.text[stop] != "=":
            stop += 1
        return Span(start, stop)

    def trimmed(self, start: int, end: int) -> Span:
        """Return a span without the white space at its beginning, and not beyond `end`."""
        start = min(start, end)
        return Span(end - len(self.text[start:end].lstrip()), end)


def _anything() -> tuple[Expectation, ...]:
    kinds: tuple[Kind, ...] = ("layer", "weight", "reference", "exclusion", "directive")
    return tuple(Expectation(kind) for kind in kinds)
