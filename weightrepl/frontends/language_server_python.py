"""Queries in Python: strings that `weightrepl.select(…)` and its like are given, `model["…"]`, and `%weights` lines.

The text may be half-typed, so no parser of Python's is asked: a scanner that knows strings, comments and names is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from weightrepl.frontends.language_server_regions import Quote, Reach, Region, Want
from weightrepl.frontends.magics_options import parts_of
from weightrepl.frontends.shell import Given
from weightrepl.spans import Span
from weightrepl.values import Value

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>(?P<prefix>\b[rRbBuUfF]{1,2})?(?P<quote>\"{3}|'{3}|"|'))
    |(?P<name>[^\W\d]\w*)
    |(?P<blank>[^\S\n]+|\\\r?\n)
    |(?P<line>\n)
    |(?P<mark>.)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:(\r?\n)|([\\'\"abfnrtv])|([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))"
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_MAGIC = re.compile(
    r"^[^\S\n]*(?:\#[^\S\n]*)?(?:[\w.]+[^\S\n]*=[^\S\n]*)?%(?P<name>weights|layers)\b(?P<rest>[^\n]*)",
    re.MULTILINE,
)
_CELL_MAGIC = re.compile(r"\A%%weights\b[^\n]*\n")

_SAID = ("name", "mark", "string", "other")
"""The pieces of Python that say something."""

_ASKING: dict[str, Want | None] = {
    "select": "weights", "select_layers": "layers", "evaluate": None, "explain": None,
}  # fmt: skip
"""The functions whose second argument is a query, and what it is of."""


class Names(Value):
    """What a text of Python has given names to.

    modules: what weightrepl is called. functions: what each of its functions is called. opened: the variables that hold
    a model, with its path.
    """

    modules: tuple[str, ...] = ("weightrepl",)
    functions: tuple[tuple[str, str], ...] = ()
    opened: tuple[tuple[str, str], ...] = ()


NO_NAMES = Names()


class Python(Value):
    """What a text of Python says of models. names: those that it knew, and its own."""

    queries: tuple[Region, ...]
    names: Names


class _Token(NamedTuple):
    """A piece of Python. value, places: of a string what it means and where each character of that stands."""

    kind: str
    text: str
    value: str = ""
    places: tuple[int, ...] = ()
    is_raw: bool = True
    quote: str = ""
    closing: int = 0


@lru_cache(maxsize=64)
def read_python(text: str, known: Names = NO_NAMES) -> Python:
    """Return the queries in a text of Python, in the order of their places, and the names that it gives.

    known: the names that were given before, in the cells above.
    """
    if cell := _CELL_MAGIC.match(text):
        span = Span(cell.end(), len(text))
        return Python(
            (Region(span.of(text), range(span.start, span.end + 1), reach="file", is_sure=False),), known
        )
    reader = _Reader([token for token in _tokens(text) if token.kind in _SAID], known)
    found = [*reader.queries(), *(_of_magic(text, magic, reader.opened) for magic in _MAGIC.finditer(text))]
    return Python(tuple(sorted(found, key=lambda query: query.span)), reader.names)


def _of_magic(text: str, found: re.Match[str], opened: Mapping[str, str]) -> Region:
    start = found.start("rest")
    parts = parts_of(Given(found["rest"].rstrip("\r")))
    places = range(start + parts.query.start, start + parts.query.start + len(parts.query.text) + 1)
    want: Want = "layers" if found["name"] == "layers" else "weights"
    chosen = {part.option.name: part.value for part in parts.options if part.option is not None}
    model = chosen.get("--model")
    source = opened.get(model.text, model.text if os.sep in model.text else None) if model else None
    reach: Reach = "live" if model and source is None else "names"
    return Region(
        parts.query.text, places, want, reach, source=source, is_sure=False, is_plain="--vars" not in chosen
    )


# ------------------------------------------------------------------ calls


class _Reader:
    """Goes through the pieces of a text; knows at each what the names before it stand for."""

    def __init__(self, tokens: list[_Token], known: Names) -> None:
        self.tokens = tokens
        self.modules, self.functions, self.opened = (
            set(known.modules),
            dict(known.functions),
            dict(known.opened),
        )

    @property
    def names(self) -> Names:
        """The names as they are now."""
        return Names(tuple(sorted(self.modules)), tuple(self.functions.items()), tuple(self.opened.items()))

    def queries(self) -> Iterator[Region]:
        """Yield the queries that functions and opened models are given."""
        for at, token in enumerate(self.tokens):
            after = [each.text for each in self.tokens[at + 1 : at + 4]]
            if token.text == "import" and after[:2] == ["weightrepl", "as"]:
                self.modules.update(after[2:])
            elif token.text == "from" and after[:2] == ["weightrepl", "import"]:
                self.functions |= _imported(self.tokens, at + 3)
            elif token.kind == "name":
                yield from self.name(at, after)

    def name(self, at: int, after: list[str]) -> Iterator[Region]:
        """Yield the query behind a name, if there is one; note what the name becomes."""
        text = self.tokens[at].text
        function, behind = self.called(at, after)
        if function == "open":
            variable = _variable(self.tokens, at, behind)
            path = self.tokens[behind : behind + 1]
            if variable and path and path[0].kind == "string":
                self.opened[variable] = path[0].value
        elif function in _ASKING:
            yield from self.argument(behind, function)
        elif text in self.opened and after[:1] == ["["]:
            yield from _string(self.tokens, at + 2, "weights", self.opened[text])
        elif after[:1] == ["="] and after[1:2] != ["="]:
            self.opened.pop(text, None)

    def called(self, at: int, after: list[str]) -> tuple[str | None, int]:
        """Return the function of weightrepl that is called at a name, and the number of the first piece it is given."""
        text = self.tokens[at].text
        if at > 0 and self.tokens[at - 1].text == ".":
            return None, at
        if text in self.modules and after[:1] == ["."] and after[2:] == ["("]:
            return after[1], at + 4
        if text in self.functions and after[:1] == ["("]:
            return self.functions[text], at + 2
        return None, at

    def argument(self, at: int, function: str) -> Iterator[Region]:
        """Yield the query among the arguments of a call: the second one, or that called `query`."""
        tokens, end = self.tokens, _closing(self.tokens, at)
        source = self.source(at)
        number, depth = 0, 0
        while at < end:
            token = tokens[at]
            if token.kind == "mark":
                depth += (token.text in "([{") - (token.text in ")]}")
                number += token.text == "," and depth == 0
            is_named = token.text == "query" and [each.text for each in tokens[at + 1 : at + 2]] == ["="]
            is_second = number == 1 and token.kind == "string" and tokens[at - 1].text == ","
            if depth == 0 and (is_named or is_second):
                yield from _string(tokens, at + 2 if is_named else at, _ASKING[function], source)
                return
            at += 1

    def source(self, at: int) -> str | None:
        """Return the path of the model that a call is given first, if the text tells."""
        first, behind = (*self.tokens[at : at + 2], _END, _END)[:2]
        if behind.text not in (",", ")", ""):
            return None
        return first.value if first.kind == "string" else self.opened.get(first.text)


def _imported(tokens: list[_Token], at: int) -> dict[str, str]:
    """Return the functions that `from weightrepl import …` names, by what they are called here."""
    found: dict[str, str] = {}
    while (at < len(tokens) and tokens[at].text in ("(", ",")) or (
        at < len(tokens) and tokens[at].kind == "name"
    ):
        if tokens[at].text in (*_ASKING, "open"):
            renamed = [each.text for each in tokens[at + 1 : at + 3]]
            found[renamed[1] if renamed[:1] == ["as"] else tokens[at].text] = tokens[at].text
        at += 1
    return found


def _variable(tokens: list[_Token], at: int, behind: int) -> str | None:
    """Return the variable that what is called at a token becomes: `m = open(…)`, `with open(…) as m`."""
    if at > 1 and tokens[at - 1].text == "=" and tokens[at - 2].kind == "name":
        return tokens[at - 2].text
    end = _closing(tokens, behind)
    after = [each.text for each in tokens[end + 1 : end + 3]]
    return after[1] if after[:1] == ["as"] and len(after) == 2 else None


def _closing(tokens: list[_Token], at: int) -> int:
    """Return the number of the bracket that closes what a token stands in, or that of the last one."""
    depth = 0
    while at < len(tokens):
        depth += (tokens[at].text in "([{") - (tokens[at].text in ")]}") if tokens[at].kind == "mark" else 0
        if depth < 0:
            return at
        at += 1
    return at


def _string(tokens: list[_Token], at: int, want: Want | None, source: str | None) -> Iterator[Region]:
    """Yield the query that the string at a token is, with those that follow it directly."""
    parts = []
    while at < len(tokens) and tokens[at].kind == "string":
        parts.append(tokens[at])
        at += 1
    if parts:
        places = (*(place for part in parts for place in part.places[:-1]), parts[-1].places[-1])
        quote = Quote("".join({part.quote[0] for part in parts}), any(part.is_raw for part in parts))
        text, is_sure = "".join(part.value for part in parts), source is not None
        yield Region(text, places, want, "live", quote, source, is_sure, closing=parts[-1].closing)


_END = _Token("end", "")


# ------------------------------------------------------------------ tokens


def _tokens(text: str) -> Iterator[_Token]:
    """Yield the pieces of a text; a string that is not closed ends with its line, one of three quotes with the text."""
    at = 0
    while found := _TOKEN.match(text, at):
        kind = found.lastgroup or "mark"
        if found["quote"] is None:
            at = found.end()
            yield _Token(str(kind), found[0])
            continue
        prefix, quote = (found["prefix"] or "").lower(), found["quote"]
        end = _end_of_string(text, found.end(), quote)
        at = min(len(text), end + len(quote)) if text.startswith(quote, end) else end
        if set(prefix) & {"b", "f"}:
            yield _Token("other", text[found.start() : at])
            continue
        is_raw = "r" in prefix
        value, places = _meaning(text, found.end(), end, is_raw)
        yield _Token("string", text[found.start() : at], value, places, is_raw, quote, at - end)


def _end_of_string(text: str, at: int, quote: str) -> int:
    while at < len(text) and not text.startswith(quote, at):
        if text[at] == "\n" and len(quote) == 1:
            return at
        escape = text[at] == "\\" and at + 1 < len(text)
        at += 1 + escape + (escape and text.startswith("\r\n", at + 1))
    return min(at, len(text))


def _meaning(text: str, start: int, end: int, is_raw: bool) -> tuple[str, tuple[int, ...]]:
    """Return what stands between the quotes of a string, and where each character of it stands in the text."""
    if is_raw or "\\" not in text[start:end]:
        return text[start:end], tuple(range(start, end + 1))
    value, places, at = [], [], start
    while at < end:
        found = _ESCAPE.match(text, at, end)
        char = text[at] if found is None else _unescaped(found)
        if char:
            value.append(char)
            places.append(at)
        at = at + 1 if found is None else found.end()
    return "".join(value), (*places, end)


def _unescaped(found: re.Match[str]) -> str:
    line, char, octal, *codes = found.groups()
    if line:
        return ""
    if char:
        return _LETTERS.get(char, char)
    number = int(octal, 8) if octal else int(next(code for code in codes if code), 16)
    return chr(number) if number < 0x110000 else "\ufffd"
