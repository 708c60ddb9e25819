"""The options of a magic, which stand before its query: what is behind them reaches the parser as it was typed."""

from __future__ import annotations

from collections.abc import Callable
from keyword import iskeyword
from typing import Any

from weightrepl.engine.view import USUAL, View
from weightrepl.errors import Fix, Problem, QueryError
from weightrepl.frontends.commands_words import Word, word_at
from weightrepl.frontends.shell import Given
from weightrepl.render.formats import FORMATS
from weightrepl.spans import Span, nearest
from weightrepl.values import Value


class Option(Value):
    """An option of the magics. value: what it takes is called so; empty for one that takes nothing."""

    name: str
    short: str = ""
    value: str = ""
    summary: str = ""


OPTIONS = (
    Option(
        "--model", "-m", "MODEL", "where paths start: a variable, trainer.model, a model's name, or a file"
    ),
    Option("--format", "-f", "FORMAT", f"shown as text: {', '.join(FORMATS)}"),
    Option("--out", "-o", "NAME", "let a variable have the result, too"),
    Option("--limit", "", "N", f"show N rows at most, not {USUAL.most}"),
    Option("--no-stats", "", "", "show no figures that need the values to be read"),
    Option("--vars", "", "", "put Python's variables in the place of $name and {expression}"),
    Option("--", "", "", "what follows is the query, even if it begins with '-'"),
)

BY_SPELLING = {spelling: option for option in OPTIONS for spelling in (option.name, option.short) if spelling}


class Part(Value):
    """An option as it stands in a line.

    option: None where there is no such. spelling: its name, without a value. value: the word that it takes, or None
    where that is missing.
    """

    option: Option | None
    spelling: Span
    value: Word | None = None


class Parts(Value):
    """What a magic's line is made of: its options, one of them maybe half-typed, and its query."""

    options: tuple[Part, ...]
    query: Given


NO_PARTS = Parts((), Given(""))


class Options(Value):
    """What the options of a line say. model: as it was typed, so that quotes in it are still there."""

    model: Word | None = None
    out: str | None = None
    expanding: bool = False
    view: View = USUAL


def parts_of(given: Given) -> Parts:
    """Return what a magic is given, in parts; raises nothing, whatever was typed."""
    given, parts = given.behind(0), []
    while given.text.startswith("-") and (word := word_at(given)).text != "-":
        given = word.rest
        part = _part(word, given)
        if part.value is not None:
            given = part.value.rest
        parts.append(part)
        if part.option is not None and part.option.name == "--":
            break
    return Parts(tuple(parts), given)


def _part(word: Word, rest: Given) -> Part:
    """Return the option that a word is, with its value: behind its `=`, or the next word."""
    line, span = rest.line, word.span
    typed, equals, _ = span.of(line).partition("=")
    spelling = Span(span.start, span.start + len(typed))
    option = BY_SPELLING.get(typed)
    if equals:
        return Part(
            option, spelling, word_at(Given(line, spelling.end + 1)) if len(span) > len(typed) + 1 else None
        )
    if option is None or not option.value:
        return Part(option, spelling)
    value = word_at(rest)
    return Part(option, spelling, value if value.text else None)


def options_of(parts: Parts) -> Options:
    """Return what the options say.

    Raises:
        QueryError: there is no such option, or its value is missing, or none that it takes.
    """
    line = parts.query.line
    chosen: dict[str, Any] = {}
    view: dict[str, Any] = {}
    for part in parts.options:
        option, value = _checked(part, line), part.value
        match option.name:
            case "--model":
                chosen["model"] = value
            case "--out":
                chosen["out"] = _read(value, _is_free, "a name for a variable", line)
            case "--vars":
                chosen["expanding"] = True
            case "--format":
                is_one, expected = FORMATS.__contains__, f"one of {', '.join(FORMATS)}"
                view["format"] = _read(value, is_one, expected, line, FORMATS)
            case "--limit":
                view["most"] = int(_read(value, str.isdecimal, "a whole number", line))
            case "--no-stats":
                view["seconds"] = 0.0
    return Options(**chosen, view=View(**view))


def _checked(part: Part, line: str) -> Option:
    """Return the option that a part is, if it is right."""
    typed, option = part.spelling.of(line), part.option
    if option is None:
        near = () if typed in ("-h", "--help") else nearest(typed, BY_SPELLING, 1)
        hint = None if near else f"options are {', '.join(BY_SPELLING)}; %weights? tells what they do"
        fix = Fix(part.spelling, near[0]) if near else None
        raise _fault(line, f"no option '{typed}'", part.spelling, fix, hint)
    if option.value and part.value is None:
        message = f"expected {option.value} after '{typed}'"
        raise _fault(line, message, part.spelling, hint=f"{typed} {option.value}: {option.summary}")
    if not option.value and part.value is not None:
        raise _fault(line, f"'{typed}' takes no value", part.value.span)
    return option


def _read(
    value: Word | None, fits: Callable[[str], bool], expected: str, line: str, known: tuple[str, ...] = ()
) -> str:
    """Return the text of an option's value, if it fits. known: what may have been meant."""
    assert value is not None
    if not fits(value.text):
        near = nearest(value.text, known, 1)
        fix = Fix(value.span, near[0]) if near else None
        raise _fault(line, f"expected {expected}, found '{value.text}'", value.span, fix)
    return value.text


def _is_free(name: str) -> bool:
    return name.isidentifier() and not iskeyword(name)


def _fault(
    line: str, message: str, span: Span, fix: Fix | None = None, hint: str | None = None
) -> QueryError:
    return QueryError(line, [Problem("command", message, span, fix, hint=hint)])
