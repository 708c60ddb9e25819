"""The names that a query file gives to models and queries: where each is given, where it is used, and other ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from weightrepl.errors import Fix, Problem
from weightrepl.model.workspace import Workspace
from weightrepl.query.files import parse_file
from weightrepl.query.printer import escape_name
from weightrepl.query.syntax import Glob, LetDirective, Name, Node, OpenDirective, Path, Reference
from weightrepl.service.answers import Hover
from weightrepl.service.file_queries import named_of, parsed, queries_of
from weightrepl.service.hover import hover
from weightrepl.spans import Span
from weightrepl.values import Value


class FileName(Value):
    """A name that a file gives.

    given: where; of a model without a name of its own the path, from which it has one. directive: the whole line.
    uses: where queries say it, in order, without the `$` of a query's.
    """

    kind: Literal["model", "query"]
    name: str
    given: Span
    directive: Span
    uses: tuple[Span, ...]
    is_own: bool = True


def names_in(text: str, opened: Sequence[tuple[str, ...]] = ()) -> tuple[FileName, ...]:
    """Return the names that a file gives. opened: the names that the model of each `open` answers to, where known."""
    file = parsed(text).file
    found = []
    for number, directive in enumerate(file.opens):
        names = opened[number] if number < len(opened) else ()
        found.append(_of_model(text, directive, names))
    for let in file.lets:
        if let.name:
            uses = [
                Span(node.span.end - len(let.name), node.span.end)
                for query in queries_of(text)
                for node in _nodes(query)
                if isinstance(node, Reference) and node.name == let.name
            ]
            found.append(FileName("query", let.name, given_in(text, let), let.span, tuple(uses)))
    return tuple(found)


def given_in(text: str, directive: OpenDirective | LetDirective) -> Span:
    """Return where a directive gives its name; of a model without a name of its own its path."""
    word = "open" if isinstance(directive, OpenDirective) else "let"
    if isinstance(directive, OpenDirective) and directive.name is None:
        return Span(directive.span.end - len(directive.path), directive.span.end)
    name = directive.name or ""
    start = text.index(name, text.index(word, directive.span.start) + len(word))
    return Span(start, start + len(name))


def _of_model(text: str, directive: OpenDirective, names: tuple[str, ...]) -> FileName:
    name, given = directive.name, given_in(text, directive)
    known = {name} if name is not None else set(names)
    uses = tuple(
        first.glob.span if first.glob is not None else first.span
        for first in _firsts(text)
        if _literal(first) in known
    )
    shown = name if name is not None else next(iter(names), directive.path)
    return FileName("model", shown, given, directive.span, uses, is_own=name is not None)


def _firsts(text: str) -> Iterator[Name]:
    """Yield the first segments of all paths that are names."""
    for query in queries_of(text):
        for node in _nodes(query):
            if isinstance(node, Path) and node.segments and isinstance(node.segments[0], Name):
                yield node.segments[0]


def _literal(segment: Name) -> str | None:
    """Return the very name that a segment spells out; None of a pattern."""
    return segment.glob.literal if isinstance(segment.glob, Glob) else None


def _nodes(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, in the order of their places."""
    yield node
    for value in (getattr(node, field) for field in type(node)._fields):  # type: ignore[attr-defined]
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, Node):
                yield from _nodes(each)


def hover_directive(text: str, offset: int, workspace: Workspace) -> Hover | None:
    """Return what is known of the model or the query that the directive at `offset` gives a name to."""
    file = parsed(text).file
    directives: tuple[OpenDirective | LetDirective, ...] = (*file.opens, *file.lets)
    for directive in directives:
        if directive.name and directive.span.start <= offset <= directive.span.end:
            is_model = isinstance(directive, OpenDirective)
            said = escape_name(directive.name) if is_model else f"${directive.name}"
            found = hover(said, len(said), workspace, named=named_of(text))
            return None if found is None else found.replace(span=given_in(text, directive))
    return None


def name_at(text: str, offset: int, opened: Sequence[tuple[str, ...]] = ()) -> FileName | None:
    """Return the name that is given or used at `offset`; None where there is none."""
    for name in names_in(text, opened):
        if any(span.start <= offset <= span.end for span in (name.given, *name.uses)):
            return name
    return None


def related_to(problem: Problem, text: str) -> tuple[Span, str] | None:
    """Return the place of a file that a problem has to do with, too, and what is there; None where there is none."""
    if problem.span is None:
        return None
    for let in parsed(text).file.lets:
        if let.name and problem.span.of(text).removeprefix("$") == let.name:
            given = given_in(text, let)
            return None if given == problem.span else (given, f"'{let.name}' is given here")
    return None


def span_at(name: FileName, offset: int) -> Span:
    """Return the span of the place of a name that `offset` is in."""
    return next(span for span in (name.given, *name.uses) if span.start <= offset <= span.end)


def renamed(text: str, name: FileName, new: str) -> tuple[Fix, ...]:
    """Return the changes that give a name in a file another spelling everywhere.

    Raises:
        ValueError: it can't be called that; says why.
    """
    reason = _refused(text, name, new)
    if reason:
        raise ValueError(reason)
    spelled = escape_name(new) if name.kind == "model" else new
    given = (
        Fix(name.given, new) if name.is_own else Fix(Span(name.given.start, name.given.start), f"{new} = ")
    )
    return (given, *(Fix(span, spelled) for span in name.uses))


def _refused(text: str, name: FileName, new: str) -> str:
    """Return why a name can't be `new`, by reading a file that says so; nothing where it can."""
    if any(other.name == new and other.kind == name.kind and other != name for other in names_in(text)):
        return f"there is another {name.kind} of the name '{new}'"
    line = f"#: open {new} = x" if name.kind == "model" else f"#: let {new} = *"
    read = parse_file(line)
    problem: Problem | None = next(iter(read.problems), None)
    if problem is not None:
        return problem.message
    given = [*(opened.name for opened in read.file.opens), *(let.name for let in read.file.lets)]
    return "" if given == [new] else f"'{new}' can't be a name"
