"""A query's text as tokens: every character is in exactly one, and no text is refused.

Which characters mean something depends on where they stand, so the scanner knows three places: a path (`[a-z]`
is a character class), a weight (`[` opens a slice) and a stage (`*` multiplies, `<=` is one mark). What is
written for `~` is a pattern, a place of its own: only glob characters mean something there.
"""

from __future__ import annotations

from weightrepl.spans import Span
from weightrepl.values import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal, TypeAlias

TokenKind: TypeAlias = (
    "Literal['space', 'comment', 'word', 'number', 'quoted', 'escape', 'class', 'stars', 'mark', 'end']"
)
Place: TypeAlias = "Literal['path', 'weight', 'stage', 'pattern']"

SPECIAL = frozenset("/:*?[]{}(),|!@#$~;=<>\\'\"")
"""What a name can hold only behind a backslash or in quotes."""

_PATTERN_SPECIAL = frozenset("*?[]{},\\")
_STAGE_MARKS = ("...", "===", "!==", "==", "!=", "<=", ">=", "!~", "=~", "<>", "=<", "=>", "&&", "||", "**")


class Token(Value):
    """A piece of the text. A `mark` is known by its text; `stars` are a run of `*`; `end` is of the parser's making."""

    kind: TokenKind
    text: str
    span: Span


def tokenize(text: str, start: int = 0, end: int | None = None) -> tuple[Token, ...]:
    """Return the tokens of `text[start:end]`, which joined are that text; spans are those of the whole text.

    >>> [token.text for token in tokenize("a/b*:kernel | head 5")]
    ['a', '/', 'b', '*', ':', 'kernel', ' ', '|', ' ', 'head', ' ', '5']
    """
    return _Scanner(text, start, len(text) if end is None else end, "path").run()


def tokenize_pattern(text: str, start: int = 0, end: int | None = None) -> tuple[Token, ...]:
    """Return the tokens of a glob that is matched against a whole string, as after `~`."""
    return _Scanner(text, start, len(text) if end is None else end, "pattern").run()


def escape_end(text: str, at: int, end: int) -> int:
    r"""Return where the escape ends that begins with the backslash at `at`: `\x`, or `\u{41}`."""
    if text.startswith("u{", at + 1):
        closing = text.find("}", at, min(end, at + 12))
        if closing > 0:
            return closing + 1
    return min(at + 2, end)


def posix_end(text: str, at: int) -> int:
    """Return where the `[:name:]` ends that begins at `at`, or 0 if none does."""
    closing = text.find(":]", at + 2, at + 12) if text.startswith("[:", at) else -1
    return closing + 2 if closing > 0 and text[at + 2 : closing].isalpha() else 0


def class_end(text: str, at: int, end: int, crossing: bool = False) -> int:
    """Return where the character class ends that `[` at `at` opens, or 0 if it is never closed.

    A `]` that comes first is a member; so is every other character but, unless `crossing`, a `/`.
    """
    if text.find("]", at + 1, end) < 0:
        return 0
    i = at + 2 if text.startswith(("!", "^"), at + 1) else at + 1
    if text.startswith("]", i):
        i += 1
    while i < end and (crossing or text[i] not in "/\n"):
        if text[i] == "]":
            return i + 1
        if text[i] == "\\":
            i = escape_end(text, i, end)
        else:
            i = posix_end(text, i) or i + 1
    return 0


class _Scanner:
    """Reads tokens from left to right, and keeps in mind in which place it is."""

    def __init__(self, text: str, start: int, end: int, place: Place) -> None:
        self.text, self.at, self.end, self.place = text, start, end, place
        self.brackets = self.braces = 0
        self.tokens: list[Token] = []
        self.opens_stage = False

    def run(self) -> tuple[Token, ...]:
        while self.at < self.end:
            kind, end = self.pattern() if self.place == "pattern" else self.next()
            end = min(end, self.end)
            token = Token(kind, self.text[self.at : end], Span(self.at, end))
            self.tokens.append(token)
            self.at = end
            if self.place != "pattern" and kind not in ("space", "comment"):
                self.enter(token)
        return tuple(self.tokens)

    def next(self) -> tuple[TokenKind, int]:
        """Return the kind of the next token, and where it ends."""
        char = self.text[self.at]
        if char.isspace():
            return "space", self.run_of(str.isspace)
        if char == "#" and not self.brackets and (not self.tokens or self.tokens[-1].kind == "space"):
            newline = self.text.find("\n", self.at, self.end)
            return "comment", self.end if newline < 0 else newline
        if char in "\"'":
            return "quoted", self.quoted_end(char)
        if char == "\\":
            return "escape", escape_end(self.text, self.at, self.end)
        return self.stage(char) if self.place == "stage" else self.path(char)

    def path(self, char: str) -> tuple[TokenKind, int]:
        if char == "*":
            return "stars", self.run_of("*".__eq__)
        closing = char == "[" and self.place == "path" and class_end(self.text, self.at, self.end)
        if closing:
            return "class", closing
        if char in SPECIAL:
            return "mark", self.at + 1
        return "word", self.run_of(lambda c: c not in SPECIAL and not c.isspace())

    def stage(self, char: str) -> tuple[TokenKind, int]:
        if _is_digit(char) or (char == "." and _is_digit(self.text[self.at + 1 : self.at + 2])):
            return "number", self.number_end()
        if char == "_" or char.isalnum():
            return "word", self.run_of(lambda c: c == "_" or c.isalnum())
        mark = next((m for m in _STAGE_MARKS if self.text.startswith(m, self.at)), char)
        return "mark", self.at + len(mark)

    def pattern(self) -> tuple[TokenKind, int]:
        char = self.text[self.at]
        if char == "\\":
            return "escape", escape_end(self.text, self.at, self.end)
        if char == "*":
            return "stars", self.run_of("*".__eq__)
        closing = char == "[" and class_end(self.text, self.at, self.end, crossing=True)
        if closing:
            return "class", closing
        if char in _PATTERN_SPECIAL:
            return "mark", self.at + 1
        return "word", self.run_of(lambda c: c not in _PATTERN_SPECIAL)

    def enter(self, token: Token) -> None:
        """Step into the place that begins behind `token`."""
        text = token.text if token.kind in ("mark", "word") else ""
        opened, self.opens_stage = self.opens_stage, text == "|"
        if text == "|":
            self.place, self.brackets, self.braces = "stage", 0, 0
        elif self.place == "stage":
            if opened and text == "diff":
                self.place = "path"
        elif text == ":" and not self.brackets:
            self.place = "weight"
        elif text == "," and not self.brackets and self.braces <= 0:
            self.place, self.braces = "path", 0
        elif self.place == "weight" and text in ("[", "]"):
            self.brackets = max(0, self.brackets + (1 if text == "[" else -1))
        elif text in ("{", "}"):
            self.braces += 1 if text == "{" else -1

    def run_of(self, belongs: Callable[[str], bool]) -> int:
        """Return where the run of characters ends that belong together."""
        i = self.at + 1
        while i < self.end and belongs(self.text[i]):
            i += 1
        return i

    def quoted_end(self, quote: str) -> int:
        """Return where the quotes end: behind the closing one, or where the line ends."""
        i = self.at + 1
        while i < self.end and self.text[i] != "\n":
            if self.text[i] == quote:
                return i + 1
            i = escape_end(self.text, i, self.end) if self.text[i] == "\\" else i + 1
        return i

    def number_end(self) -> int:
        """Return where a number ends, with its exponent, its suffix, or what stands there instead of one."""
        i = self.at
        while i < self.end and (self.text[i] in "._" or self.text[i].isalnum()):
            if self.text.startswith("..", i):
                break
            signed = self.text[i] in "eE" and self.text[i + 1 : i + 2] in ("+", "-")
            i += 2 if signed and _is_digit(self.text[i + 2 : i + 3]) else 1
        return i


def _is_digit(char: str) -> bool:
    return char.isascii() and char.isdigit()
