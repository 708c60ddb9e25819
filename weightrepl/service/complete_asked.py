"""The question that a cursor asks: what was typed before it, of which part of the tree, and what is replaced."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from weightrepl.engine.resolve import Reached, advance, origin
from weightrepl.engine.scope import Scope
from weightrepl.model.tree import Place
from weightrepl.query.parser import Expected, Parsed, parse
from weightrepl.query.printer import escape_name, quoted
from weightrepl.query.syntax import Path, Segment, Selector, Stage
from weightrepl.query.tokens import Token, tokenize
from weightrepl.service.answers import CompletionKind
from weightrepl.service.complete_ranking import Names
from weightrepl.spans import Span

T = TypeVar("T")
_MOST_PREPARED = 200


class Entry(NamedTuple):
    """Something that may stand at the cursor.

    label: what is compared with what was typed, and shown. text: what is put in; None is the label as a name.
    places: the layers that it stands for: the first, and how many there are of that name.
    """

    label: str
    kind: CompletionKind
    text: str | None = None
    detail: str = ""
    documentation: str = ""
    place: Place | None = None
    places: int = 1


class Choices:
    """Entries, and the names by which they are found."""

    def __init__(self, entries: list[Entry]) -> None:
        self.entries = entries
        self.names = Names([entry.label for entry in entries])


class Asked:
    """A cursor in a text.

    offset: where it is. most: so many completions are wanted. until: the text before it, parsed; whole: all of it.
    """

    def __init__(self, scope: Scope, offset: int, most: int = 0) -> None:
        self.scope, self.text, self.most = scope, scope.text, most
        self.offset = max(0, min(offset, len(scope.text)))
        self.until: Parsed = parse(self.text, 0, self.offset)

    @property
    def expected(self) -> Expected:
        """What may stand at the cursor."""
        return self.until.expected

    @property
    def start(self) -> int:
        """Where the half-typed word begins."""
        return self.expected.span.start

    @property
    def word(self) -> str:
        """The half-typed word."""
        return self.text[self.start : self.offset]

    @cached_property
    def whole(self) -> Parsed:
        """The whole text, parsed."""
        return parse(self.text)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the whole text."""
        return tokenize(self.text)

    @property
    def rest(self) -> str:
        """What stands behind the cursor."""
        return self.text[self.offset :]

    @property
    def before(self) -> str:
        """What stands before the half-typed word, without white space."""
        return self.text[: self.start].rstrip()

    # ---------------------------------------------------------------- the part of the tree

    @cached_property
    def selector(self) -> Selector | None:
        """The selector, or path of `diff`, that the cursor is in."""
        query = self.until.query
        stages = (stage for stage in query.stages if isinstance(stage, Stage))
        arguments = (argument for stage in stages for argument in stage.arguments)
        found = [s for s in (*query.selectors, *arguments) if isinstance(s, Selector)]
        for selector in reversed(found):
            if selector.span.start <= self.start:
                between = self.text[selector.span.end : self.start]
                sliced = any(e.kind == "slice-axis" for e in self.expected.kinds)
                within = self.brace is not None or sliced
                return None if between.strip() or (between and not within) else selector
        return None

    @property
    def stage(self) -> Stage | None:
        """The stage that the cursor is in, or behind."""
        stages = self.until.query.stages
        return stages[-1] if stages and isinstance(stages[-1], Stage) else None

    @property
    def in_diff(self) -> bool:
        """Whether the cursor is in the path of `diff`."""
        return self.stage is not None and self.stage.name == "diff"

    @cached_property
    def segment(self) -> Segment | None:
        """The segment of the path that the cursor is in."""
        path = self.selector.path if self.selector else None
        if (
            path is None
            or not path.segments
            or self.text.startswith("/", path.segments[-1].span.end, self.offset)
        ):
            return None
        return path.segments[-1]

    @cached_property
    def above(self) -> Path:
        """The path up to the segment that the cursor is in."""
        path = self.selector.path if self.selector else None
        if path is None:
            return Path(False, (), span=Span(self.start, self.start))
        segments = path.segments if self.segment is None else path.segments[:-1]
        end = segments[-1].span.end if segments else path.span.start + path.absolute
        return Path(path.absolute, segments, span=Span(path.span.start, end))

    @property
    def path(self) -> Path | None:
        """The whole path before the cursor; None where there is none, as in `:kernel`."""
        return self.selector.path if self.selector else None

    def reached(self, path: Path | None) -> Reached:
        """Return the layers that a path leads to."""

        def follow() -> Reached:
            reached = origin(path, self.scope.workspace, self.scope.location)
            for segment in path.segments if path is not None else ():
                reached = advance(reached, segment, self.scope.workspace)
            return reached

        return self.kept("reached", self.spelled(path), follow)

    def spelled(self, path: Path | None) -> str:
        """Return how the text spells a path."""
        return "" if path is None else path.span.of(self.text)

    def kept(self, what: str, of: object, make: Callable[[], T]) -> T:
        """Return what was made of something before, or make it."""
        prepared: dict[Any, Any] = self.scope.workspace.prepared
        key = (what, of, self.scope.location)
        if key not in prepared:
            made = make()
            if len(prepared) >= _MOST_PREPARED:
                prepared.clear()
            prepared[key] = made
        found: T = prepared[key]
        return found

    # ---------------------------------------------------------------- braces and quotes

    @cached_property
    def _open_braces(self) -> tuple[int, ...]:
        """Where each `{` stands that is open at the cursor, and -1 where a name ended within one."""
        opened: list[int] = []
        for token in tokenize(self.text, 0, self.start):
            if token.kind != "mark":
                continue
            if token.text == "{":
                opened.append(token.span.start)
            elif token.text in "}|" and opened:
                opened.pop()
            elif token.text in "/:" and opened:
                opened.append(-1)
        return tuple(opened)

    @property
    def brace(self) -> int | None:
        """Where the `{` stands that is open at the cursor, in the path or weight that it is in."""
        return self._open_braces[-1] if self._open_braces else None

    @property
    def crossing(self) -> bool:
        """Whether a name ended though a `{` was open: nothing that follows can be right."""
        return -1 in self._open_braces

    def written(self, name: str) -> str:
        """Return a name as the user writes names: in the quotes that were begun, else escaped."""
        quote = self.word[:1]
        if quote == "'" and name.isprintable() and not set(name) & set("'\\"):
            return f"'{name}'"
        if quote in ("'", '"'):
            return quoted(name)
        text = escape_name(name)
        return text.replace("..", "\\..") if self.brace is not None else text

    # ---------------------------------------------------------------- what is replaced

    def span(self, stops: str = "", bare: bool = False) -> Span:
        """Return what a completion replaces: the word up to its end, though the cursor be within it.

        stops: the marks that end it, for a name; without any it is one token, or if `bare` all up to white space.
        """
        end, depth = self.offset, 0
        for token in self.tokens:
            if token.span.end <= self.offset:
                continue
            if token.kind in ("space", "comment") or _unclosed(token):
                break
            if token.kind == "mark" and token.span.start >= self.offset:
                negative = not stops and token.text == "-" and end == self.offset
                if (
                    not negative
                    and depth == 0
                    and token.text in (stops + "}" if stops else "|,)" if bare else token.text)
                ):
                    break
                depth += (token.text == "{") - (token.text == "}")
            elif not (stops or bare) and token.span.start > self.offset and self.text[end - 1] != "-":
                break
            end = token.span.end
        return Span(self.start, end)

    @property
    def inside_mark(self) -> bool:
        """Whether the cursor is between two characters of one mark, such as `==`."""
        return any(t.kind == "mark" and t.span.start < self.offset < t.span.end for t in self.tokens)

    @property
    def before_more(self) -> bool:
        """Whether white space and then more of the same selector or argument follow the cursor."""
        return self.rest[:1].isspace() and self.rest.strip()[:1] not in ("", *"|,)]}#")


def _unclosed(token: Token) -> bool:
    return token.kind == "quoted" and (len(token.text) == 1 or token.text[-1] != token.text[0])
