"""Reads query files (`.wq`): queries, comments, and the directives that begin with `#:`."""

from __future__ import annotations

from weightrepl.errors import Fix, Problem
from weightrepl.query.cursor import Expectation, Expected
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
_EXPECTATIONS = (["expect", "none"], ["expect", "some"])
_ANYTHING = tuple(Expectation(kind) for kind in ("layer", "weight", "reference", "exclusion", "directive"))


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
    for span in items_of(text):
        reader.item(span)
    if "expect" in text:
        reader.comments()
    return reader.finish()


def items_of(text: str) -> Iterator[Span]:
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
        self.expect: tuple[Literal["some", "none"], Span] | None = None
        self.expected = Expected(Span(len(text), len(text)), _ANYTHING)

    def finish(self) -> ParsedFile:
        """Return the file."""
        if self.expect is not None:
            self.problem("no-query", "expected a query after this line, found the end", self.expect[1])
        whole = Span(0, len(self.text))
        file = QueryFile(tuple(self.opens), tuple(self.lets), tuple(self.entries), span=whole)
        return ParsedFile(file, tuple(self.problems), self.expected)

    def item(self, span: Span) -> None:
        """Read a query or a directive."""
        if self.text.startswith("#:", span.start):
            self.directive(span)
            return
        start = self.beyond_space(span.start, span.end)
        if start > span.start:
            blank = Span(span.start, start)
            what = "white space at the start continues the line above, and there is none"
            self.problem("nothing-to-continue", what, blank, Fix(blank, ""))
        expect = self.expect[0] if self.expect else None
        self.expect = None
        self.entries.append(Entry(self.query(Span(start, span.end)), expect, span=Span(start, span.end)))

    def query(self, span: Span) -> Query:
        """Read a query, and what may come next if it is the last thing in the file and still goes on."""
        rest = self.text[span.end :]
        last = not rest.strip() and not rest.endswith("\n")
        parsed = parse(self.text, span.start, len(self.text) if last else span.end)
        self.problems += parsed.problems
        if last:
            self.expected = parsed.expected
        return parsed.query.replace(span=span)

    def problem(self, code: str, message: str, span: Span, fix: Fix | None = None) -> None:
        """Record an error."""
        self.problems.append(Problem(code, message, span, fix))

    def comments(self) -> None:
        """Report `#expect none`, which as a comment would let every check pass."""
        start = 0
        for line in self.text.split("\n"):
            words = line[1:].replace(":", " ").split()
            if line.startswith("#") and not line.startswith("#:") and words in _EXPECTATIONS:
                span = Span(start, start + len(line.rstrip()))
                what = "a directive begins with '#:', and this would be a comment"
                self.problem("no-such-directive", what, span, Fix(span, f"#: {' '.join(words)}"))
            start += len(line) + 1

    # ---------------------------------------------------------------- directives

    def directive(self, span: Span) -> None:
        """directive = "#:" ( "open" [ NAME "=" ] FILE | "let" NAME "=" query | "expect" ( "some" | "none" ) )"""
        word = self.word(span.start + 2, span.end)
        self.hope(word, "directive")
        tail = self.text[span.end :]
        start = self.beyond_space(word.end, span.end if "\n" in tail or tail.strip() else len(self.text))
        rest = Span(start, max(start, span.end))
        match word.of(self.text):
            case "open":
                self.open(span, rest)
            case "let":
                self.let(span, rest)
            case "expect":
                self.expectation(span, rest)
            case other:
                near = nearest(other, _DIRECTIVES, 1)
                fix = Fix(word, near[0]) if near else Fix(Span(span.start, span.start + 2), "# ")
                what = f"expected open, let or expect after '#:', found {_quoted(other)}"
                self.problem("no-such-directive", what, word, fix)

    def open(self, span: Span, rest: Span) -> None:
        """open = "open" [ NAME "=" ] FILE"""
        name, equals, _ = rest.of(self.text).partition("=")
        named = bool(equals) and not any(c == "/" or c.isspace() for c in name.strip())
        start = self.beyond_space(rest.start + len(name) + 1, rest.end) if named else rest.start
        path = Span(start, rest.end)
        self.hope(path, "file")
        if named and not name.strip():
            self.problem("missing-name", "expected a name before '='", rest, Fix(rest, path.of(self.text)))
        if not len(path) or "\n" in path.of(self.text):
            self.problem("missing-file", "expected the path of one file", rest)
        self.at_top(span)
        self.opens.append(
            OpenDirective(name.strip() or None if named else None, path.of(self.text), span=span)
        )

    def let(self, span: Span, rest: Span) -> None:
        """let = "let" NAME "=" query"""
        place = self.word(rest.start, rest.end)
        name = self.name(place, found="=" if len(rest) else "")
        equals = self.beyond_space(place.end, rest.end)
        start = self.beyond_space(equals + 1, rest.end)
        if name and not self.text.startswith("=", equals, rest.end):
            fix = Fix(Span(place.end, equals), " = ")
            here = Span(place.end, place.end)
            self.problem("missing-query", "expected '=' and a query after the name", here, fix)
            start = equals
        elif name and start == rest.end:
            self.problem("missing-query", "expected a query after '='", Span(equals, rest.end))
        self.at_top(span)
        self.lets.append(LetDirective(name, self.query(Span(start, rest.end)), span=span))

    def name(self, place: Span, found: str) -> str:
        """Return the name that a query is given, and report what no reference can hold."""
        name = place.of(self.text).removeprefix("$")
        if not name:
            self.problem("missing-name", f"expected a name after 'let', found {_quoted(found)}", place)
        elif name != place.of(self.text):
            self.problem("missing-name", "the '$' is only where a name is used", place, Fix(place, name))
        elif not all(c.isalnum() or c in "_-" for c in name):
            self.problem("missing-name", f"a name is of letters, digits, '_' and '-', not '{name}'", place)
        elif any(name == let.name for let in self.lets):
            self.problem("second-name", f"another query is called '{name}' already", place)
        return name

    def expectation(self, span: Span, rest: Span) -> None:
        """expect = "expect" ( "some" | "none" )"""
        self.hope(rest, "expectation")
        found = rest.of(self.text)
        meant: Literal["some", "none"] = "none" if found.startswith("no") else "some"
        if self.expect is not None:
            what = "expected a query after this line, found another '#: expect'"
            self.problem("no-query", what, self.expect[1])
        if found != meant:
            what = f"expected some or none after 'expect', found {_quoted(found)}"
            self.problem("bad-expectation", what, rest, Fix(rest, meant if len(rest) else f" {meant}"))
        self.expect = (meant, span)

    def at_top(self, span: Span) -> None:
        """Report a directive that does not stand above all queries."""
        if self.entries:
            what = "'#: open' and '#: let' stand above all queries"
            self.problem("late-directive", what, span)

    # ---------------------------------------------------------------- places

    def hope(self, span: Span, kind: Kind) -> None:
        """Record what may stand at the end of the text, where `span` reaches it."""
        if span.end == len(self.text):
            self.expected = Expected(span, (Expectation(kind),))

    def word(self, start: int, end: int) -> Span:
        """Return the span of the next word of a directive."""
        start = stop = self.beyond_space(start, end)
        while stop < end and not self.text[stop].isspace() and self.text[stop] != "=":
            stop += 1
        return Span(start, stop)

    def beyond_space(self, start: int, end: int) -> int:
        """Return the first offset from `start` on, but not beyond `end`, that holds no white space."""
        while start < end and self.text[start].isspace():
            start += 1
        return min(start, end)


def _quoted(found: str) -> str:
    return f"'{found}'" if found else "the end"
