"""Where the parser stands in a text, what it complained about, and what it was ready to read."""

from __future__ import annotations

from weightrepl.errors import Fix, Problem
from weightrepl.query.syntax import Missing
from weightrepl.query.tokens import Token, tokenize
from weightrepl.spans import Span, visible
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

    from weightrepl.errors import Severity

Scan: TypeAlias = "Callable[[str, int, int], tuple[Token, ...]]"
Kind: TypeAlias = (
    "Literal['layer', 'weight', 'class', 'reference', 'exclusion', 'slice-axis', 'separator', 'stage', 'column',"
    " 'direction', 'count', 'reduction', 'keyword', 'value', 'operator', 'connective', 'directive', 'file',"
    " 'expectation']"
)

PHRASES: dict[Kind, str] = {
    "layer": "a layer",
    "weight": "a weight's name",
    "class": "a class",
    "reference": "the name of a query",
    "exclusion": "'!'",
    "slice-axis": "an index such as 3, :16 or [1, 2]",
    "separator": "',' or '|'",
    "stage": "a stage",
    "column": "a column",
    "direction": "'desc'",
    "count": "a whole number",
    "reduction": "a reduction such as norm",
    "keyword": "an argument by name",
    "value": "a value",
    "operator": "a comparison",
    "connective": "'and' or 'or'",
    "directive": "a directive",
    "file": "a file",
    "expectation": "'some' or 'none'",
}
"""How a message names what may come next."""

_MARKS: frozenset[Kind] = frozenset(("separator", "operator", "connective", "exclusion"))

_WORDS: frozenset[Kind] = frozenset(("operator", "connective"))
"""What is a mark, or a word such as `in` and `and`."""

_CLOSING = {"(": (")", "unclosed-paren"), "[": ("]", "unclosed-bracket"), "{": ("}", "unclosed-brace")}

MAX_DEPTH = 30
MAX_OPERATORS = 150
"""How deep brackets nest and how many operators a query holds; more is an error, lest a text exhaust the stack."""


class Expectation(Value):
    """Something that may come next. `context`: the column compared with, the stage, or the keyword it is for."""

    kind: Kind
    context: str = ""


class Expected(Value):
    """What may stand at the end of a text: the parser's own record, made while it read.

    span: the half-typed word at the end, which a completion replaces; empty where none is begun.
    kinds: what may stand there.
    after: what may come next if that word is complete as it is.
    """

    span: Span
    kinds: tuple[Expectation, ...]
    after: tuple[Expectation, ...] = ()


class Cursor:
    """The tokens of one text, read from left to right."""

    def __init__(self, text: str, start: int = 0, end: int | None = None, scan: Scan = tokenize) -> None:
        self.text, self.end = text, len(text) if end is None else end
        self.tokens = (*scan(text, start, self.end), Token("end", "", Span(self.end, self.end)))
        self.index = 0
        self.last = Token("end", "", Span(start, start))
        self.depth = self.operators = 0
        self.given_up = self._hole_at_end = False
        self.problems: list[Problem] = []
        self._expectations: dict[int, dict[tuple[Kind, str], None]] = {}

    # ---------------------------------------------------------------- reading

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.index]

    @property
    def start(self) -> int:
        """Where the next token starts."""
        return self.token.span.start

    @property
    def done(self) -> bool:
        """Whether everything was read."""
        return self.token.kind == "end"

    def at(self, *texts: str) -> bool:
        """Return whether the next token is one of these marks or words."""
        return self.token.text in texts and self.token.kind != "end"

    def take(self) -> Token:
        """Return the next token and step behind it."""
        token = self.token
        self.index = min(self.index + 1, len(self.tokens) - 1)
        if token.kind not in ("space", "comment"):
            self.last = token
        return token

    def take_if(self, *texts: str) -> Token | None:
        """Return the next token and step behind it, if it is one of these marks or words."""
        return self.take() if self.at(*texts) else None

    def skip(self) -> None:
        """Step over white space and comments."""
        while self.token.kind in ("space", "comment"):
            if self.token.kind == "comment":
                self._note_comment(self.token)
            self.index += 1

    def skip_until(self, *texts: str) -> None:
        """Step over everything up to one of these marks or words, or the end."""
        while not self.done and not self.at(*texts):
            self.take()

    def beyond(self) -> Token:
        """Return the next token that is neither white space nor a comment."""
        i = self.index
        while self.tokens[i].kind in ("space", "comment"):
            i += 1
        return self.tokens[i]

    def since(self, start: int) -> Span:
        """Return the span from `start` to the end of the last token taken."""
        return Span(start, max(start, self.last.span.end))

    # ---------------------------------------------------------------- telling

    def expect(self, *kinds: Kind, context: str = "") -> None:
        """Record what may come next, behind any white space; behind a hole at the end nothing may."""
        if self._hole_at_end:
            return
        here = self._expectations.setdefault(self.beyond().span.start, {})
        for kind in kinds:
            here[kind, context] = None

    def forget(self, opening: Token) -> None:
        """Let go of what could stand within braces that are closed again."""
        self._expectations = {at: e for at, e in self._expectations.items() if at <= opening.span.start}

    def expected(self) -> Expected:
        """Return what may stand at the end of the text."""
        end = Span(self.end, self.end)
        last = self.tokens[-2] if len(self.tokens) > 1 else self.tokens[-1]
        if last.kind == "comment":
            return Expected(end, ())
        after = tuple(Expectation(*e) for e in self._expectations.get(self.end, ()))
        start = max((o for o in self._expectations if o < self.end), default=self.end)
        marks = _MARKS - _WORDS if last.kind == "word" else _MARKS
        begun = tuple(Expectation(*e) for e in self._expectations.get(start, ()) if e[0] not in marks)
        ended = last.kind == "space" or (last.kind == "mark" and last.text not in "?]}")
        if ended or start == self.end or not begun:
            return Expected(end, after)
        return Expected(Span(start, self.end), begun, after)

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        fix: Fix | None = None,
        *,
        severity: Severity = "error",
        hint: str | None = None,
    ) -> None:
        """Record a problem."""
        if self.given_up:
            return
        self.problems.append(Problem(code, message, span, fix, severity, hint))

    def missing(self, code: str, *kinds: Kind, fix: Fix | None = None) -> Missing:
        """Report that one of these had to come next, and return the hole."""
        self._hole_at_end = self.beyond().kind == "end"
        expected = " or ".join(PHRASES[kind] for kind in kinds)
        token = self.beyond()
        span = token.span if token.kind != "end" else Span(self.last.span.end, self.last.span.end)
        after = f" after {named(self.last)}" if self.last.text else ""
        self.report(code, f"expected {expected}{after}, found {named(token)}", span, fix)
        return Missing(expected, span=span)

    def close(self, opening: Token) -> None:
        """Take the bracket that closes `opening`, or report that there is none."""
        closing, code = _CLOSING[opening.text]
        if self.beyond().text == closing:
            self.skip()
            self.take()
            return
        fix = insertion(self.last.span.end, closing)
        self.report(code, f"the '{opening.text}' is never closed", opening.span, fix)
        # the last word, too, is one within the brackets
        self._hole_at_end = self.beyond().span.end == self.end

    def deeper(self, opening: Token) -> bool:
        """Return whether a bracket may nest deeper still; where it may not, give up."""
        if self.depth >= MAX_DEPTH:
            self._give_up(f"brackets nest more than {MAX_DEPTH} deep", opening.span)
        return self.depth < MAX_DEPTH

    def one_more_operator(self) -> bool:
        """Return whether the query may hold another operator; where it may not, give up."""
        self.operators += 1
        if self.operators > MAX_OPERATORS:
            what = f"more than {MAX_OPERATORS} operators; 'in (…)' takes any number of values"
            self._give_up(what, self.token.span)
        return self.operators <= MAX_OPERATORS

    def _give_up(self, what: str, span: Span) -> None:
        """Report why, read no further, and report no more."""
        self.report("too-deep", what, span)
        self.given_up = True
        self.index = len(self.tokens) - 1

    def _note_comment(self, comment: Token) -> None:
        beginning = comment.text[1:2]
        ordinal = beginning == "*" or beginning.isdigit()
        if not (ordinal or ":" in comment.text):
            return
        what = "a '#' after white space begins a comment: nothing from here on is read"
        fix = Fix(Span(self.last.span.end, comment.span.start), "") if ordinal and self.last.text else None
        self.report("comment", what, comment.span, fix, severity="note")


def named(token: Token) -> str:
    """Return how a message speaks of a token."""
    if token.kind == "end":
        return "the end"
    text = visible(token.text)
    return f"'{text}'" if len(text) <= 30 else f"'{text[:29]}…'"


def insertion(at: int, text: str) -> Fix:
    """Return the fix that puts `text` in at an offset."""
    return Fix(Span(at, at), text)
