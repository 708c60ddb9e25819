"""What each piece of a query is to a reader's eye."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from weightrepl.query.files import parse_file
from weightrepl.query.names import text_glob
from weightrepl.query.parser import parse
from weightrepl.query.syntax import (
    AnySize,
    Argument,
    Binary,
    Boolean,
    Braces,
    Deep,
    Dotted,
    Ellipsis,
    Expression,
    Glob,
    GlobPart,
    Here,
    Keyword,
    Membership,
    Missing,
    Name,
    Number,
    Parent,
    Query,
    Range,
    Reference,
    Segment,
    Selector,
    SortKey,
    Stage,
    String,
    Subscript,
    Text,
    Tuple,
    Unary,
    Word,
)
from weightrepl.query.tokens import Token, tokenize
from weightrepl.query.words import TEXT_COLUMNS
from weightrepl.service.answers import Highlight, Role
from weightrepl.spans import Span

_IN_PATHS: dict[str, Role] = {
    "/": "separator", ":": "separator", ",": "separator", "!": "exclusion", "|": "pipe", "@": "class",
    "#": "number", "$": "reference", "?": "wildcard", "{": "wildcard", "}": "wildcard", "[": "slice", "]": "slice",
}  # fmt: skip
_IN_STAGES: dict[str, Role] = {
    "|": "pipe", "(": "separator", ")": "separator", ",": "separator", "[": "slice", "]": "slice",
}  # fmt: skip
_OF_DIRECTIVES: dict[str, Role] = {"open": "model", "let": "reference", "expect": "constant"}
_KEYWORDS = frozenset(("and", "or", "not", "in", "by", "is", "like", "matches"))


def highlight(text: str) -> tuple[Highlight, ...]:
    """Return the roles of the pieces of a query, from its syntax tree. Raises nothing.

    >>> [(piece.span.of("a/b:kernel"), piece.role) for piece in highlight("a/b:kernel")]
    [('a', 'layer'), ('/', 'separator'), ('b', 'layer'), (':', 'separator'), ('kernel', 'weight')]
    """
    canvas = _Canvas(text)
    canvas.query(parse(text).query)
    return canvas.pieces()


def highlight_file(text: str) -> tuple[Highlight, ...]:
    """Return the roles of the pieces of a query file: queries, directives, comments. Raises nothing."""
    canvas, file = _Canvas(text), parse_file(text).file
    start = 1 if text.startswith("\ufeff") else 0
    for line in text[start:].split("\n"):
        end = start + len(line)
        if line.startswith("#:"):
            canvas.directive(start, end)
        elif line.startswith("#"):
            canvas.paint(Span(start, end), "comment")
        else:
            canvas.word(start, end, "error")
        start = end + 1
    for opened in file.opens:
        canvas.paint(Span(opened.span.end - len(opened.path), opened.span.end), "path")
    for query in (*(let.query for let in file.lets), *(entry.query for entry in file.entries)):
        canvas.query(query)
    return canvas.pieces()


class _Canvas:
    """The roles of a text's characters; what is painted later covers what was before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.roles: list[Role | None] = [None] * len(text)

    def paint(self, span: Span, role: Role | None) -> None:
        """Give everything in a span a role."""
        self.roles[span.start : span.end] = [role] * len(span)

    def word(self, start: int, end: int, role: Role) -> None:
        """Give what is between two offsets a role, but for white space around it."""
        rest = self.text[start:end].lstrip()
        self.paint(Span(end - len(rest), end - len(rest) + len(rest.rstrip())), role)

    def pieces(self) -> tuple[Highlight, ...]:
        """Return the runs of characters that have one role."""
        found: list[Highlight] = []
        end = 0
        for role, run in groupby(self.roles):
            start, end = end, end + len(list(run))
            if role is not None:
                found.append(Highlight(Span(start, end), role))
        return tuple(found)

    def directive(self, start: int, end: int) -> None:
        """Paint a line that begins with `#:`; queries and paths in it are painted later."""
        name = "".join(self.text[start + 2 : end].split()[:1])
        at = self.text.find(name, start + 2) + len(name)
        self.paint(Span(start, at), "directive")
        role = _OF_DIRECTIVES.get(name, "error")
        equals = self.text.find("=", at, end)
        if name == "expect" or equals < 0:
            self.word(at, end, role)
            return
        self.word(at, equals, role)
        self.paint(Span(equals, equals + 1), "operator")
        self.word(equals + 1, end, "error")

    # ---------------------------------------------------------------- queries

    def query(self, query: Query) -> None:
        """Paint a query: first each token as what it is by itself, then what the tree knows better.

        Holes of the tree are left as their tokens are.
        """
        tokens = tokenize(self.text, query.span.start, query.span.end)
        for token, role in _by_themselves(tokens):
            self.paint(token.span, role)
        for selector in query.selectors:
            self.selector(selector)
        for stage in query.stages:
            if isinstance(stage, Stage):
                self.paint(stage.name_span, "stage")
                for argument in stage.arguments:
                    self.argument(argument, stage.name)
        for token in tokens:
            if token.kind == "escape" and self.roles[token.span.start] != "error":
                self.paint(token.span, "escape")
            elif token.kind == "comment":
                self.paint(token.span, "comment")

    def selector(self, selector: Selector | Reference | Missing) -> None:
        """Paint a selector."""
        match selector:
            case Reference():
                end = selector.span.end
                self.paint(Span(end - len(selector.name), end), "reference")
            case Selector():
                for segment in selector.path.segments if selector.path else ():
                    self.segment(segment)
                if selector.weight and isinstance(selector.weight.glob, Glob):
                    self.glob(selector.weight.glob, "weight")
                for item in selector.slice.items if selector.slice else ():
                    if not isinstance(item, Missing):
                        self.paint(item.span, "slice")

    def segment(self, segment: Segment) -> None:
        """Paint one layer of a path."""
        match segment:
            case Deep():
                self.paint(segment.span, "wildcard")
            case Here() | Parent():
                self.paint(segment.span, "layer")
            case Dotted():
                self.paint(Span(segment.span.start, segment.glob.span.start), "attribute")
                self.glob(segment.glob, "attribute")
            case Name() if segment.glob:
                self.glob(segment.glob, "layer")
        if isinstance(segment, Name | Dotted) and segment.class_glob:
            self.glob(segment.class_glob, "class")

    def glob(self, glob: Glob, role: Role, offset: int = 0) -> None:
        """Paint a pattern; `role` is that of the characters that stand for themselves."""
        if not glob.parts:  # an empty name, in its quotes
            self.paint(glob.span, role)
        for part in glob.parts:
            if not isinstance(part, Missing):
                self.paint(part.span.shifted(offset), _of_part(part, role))
            if isinstance(part, Braces):
                for alternative in part.alternatives:
                    self.glob(alternative, role, offset)

    # ---------------------------------------------------------------- stages

    def argument(self, argument: Argument, stage: str) -> None:
        """Paint an argument of a stage."""
        match argument:
            case Selector():
                self.selector(argument)
            case SortKey(column):
                self.word(column.span.end, argument.span.end, "keyword")
                self.paint(column.span, "column")
            case Keyword(value=value):
                start, written = argument.span.start, argument.span.of(self.text)
                if written[0].isalpha():
                    name = written.replace("=", " ").split()[0]
                    self.paint(Span(start, start + len(name)), "keyword")
                self.expression(value)
            case Word() if stage == "reduce":
                self.paint(argument.span, "constant")
            case _:
                self.expression(argument)

    def expression(self, expression: Expression, text: bool = False, pattern: bool = False) -> None:
        """Paint an expression. text: a bare word in it is a string. pattern: so is it, and globs count."""
        match expression:
            case Word():
                self.paint(expression.span, "string" if text or pattern else "column")
            case Number():
                self.paint(expression.span, "constant" if expression.text.strip("-").isalpha() else "number")
            case Boolean():
                self.paint(expression.span, "constant")
            case String():
                self.string(expression, pattern)
            case AnySize() | Ellipsis():
                self.paint(expression.span, "wildcard")
            case Tuple(items):
                for item in items:
                    self.expression(item, text, pattern)
            case Subscript(column):
                closed = self.text[expression.span.end - 1] == "]"
                self.word(column.span.end + 1, expression.span.end - closed, "number")
                self.paint(column.span, "column")
            case Unary(operand=operand):
                self.expression(operand)
            case Binary(operator, left, right):
                compares = operator in ("==", "!=", "<", "<=", ">", ">=")
                self.expression(left, text=compares and _is_text(right) and not _is_text(left))
                self.expression(right, compares and _is_text(left), operator in ("~", "!~"))
            case Membership(operand=operand, items=items):
                self.expression(operand)
                self.expression(items, _is_text(operand))

    def string(self, string: String, pattern: bool) -> None:
        """Paint a string, and in one that is a pattern its wildcards."""
        self.paint(string.span, "string")
        if pattern and string.span.of(self.text)[1:-1] == string.value:
            self.glob(text_glob(string.value)[0], "string", string.span.start + 1)


def _by_themselves(tokens: tuple[Token, ...]) -> Iterator[tuple[Token, Role | None]]:
    """Yield each token and what it is if the tree does not tell."""
    before, in_stage = "", False
    for token in tokens:
        if token.kind in ("space", "comment"):
            yield token, None
            continue
        if before == "|":
            in_stage = token.text != "diff"
        yield token, _in_stage(token) if in_stage else _in_path(token, before)
        before = token.text


def _in_path(token: Token, before: str) -> Role:
    if token.kind == "mark":
        return _IN_PATHS.get(token.text, "error")
    if before == "#" and token.kind != "quoted":
        return "wildcard" if token.kind == "stars" else "number"
    return "error"


def _in_stage(token: Token) -> Role:
    if token.kind == "mark":
        return _IN_STAGES.get(token.text, "operator")
    return "keyword" if token.kind == "word" and token.text.casefold() in _KEYWORDS else "error"


def _of_part(part: GlobPart, role: Role) -> Role:
    if isinstance(part, Text):
        return role
    return "number" if isinstance(part, Range) else "wildcard"


def _is_text(expression: Expression) -> bool:
    """Return whether a bare word beside this is a string."""
    return isinstance(expression, Word) and expression.text in TEXT_COLUMNS
