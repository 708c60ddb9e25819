"""Queries in Python: strings that `weightrepl.select(…)` and its like are given, `model["…"]`, and `%weights` lines.

The text may be half-typed, so no parser of Python's is asked: a scanner that knows strings, comments and names is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from weightrepl.frontends.language_server_regions import Region
from weightrepl.frontends.magics_options import parts_of
from weightrepl.frontends.shell import Given
from weightrepl.spans import Span
from weightrepl.values import Value

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    |(?P<string>(?P<prefix>\b[rRbBuUfF]{1,2})?(?P<quote>\"{3}|'{3}|"|'))
    |(?P<name>[^\W\d]\w*)
    |(?P<blank>[^\S\n]+|\\\n)
    |(?P<line>\n)
    |(?P<mark>.)""",
    re.VERBOSE,
)
_ESCAPE = re.compile(
    r"\\(?:(\n)|([\\'\"abfnrtv])|([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))"
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_MAGIC = re.compile(
    r"^[^\S\n]*(?:\#[^\S\n]*)?(?:[\w.]+[^\S\n]*=[^\S\n]*)?%(?P<name>weights|layers)\b(?P<rest>[^\n]*)",
    re.MULTILINE,
)
_CELL_MAGIC = re.compile(r"\A%%weights\b[^\n]*\n")

_SAID = ("name", "mark", "string", "other")
"""The pieces of Python that say something."""

_ASKING: dict[str, Literal["weights", "layers"] | None] = {
    "select": "weights", "select_layers": "layers", "evaluate": None, "explain": None,
}  # fmt: skip
"""The functions whose second argument is a query, and what it is of."""


class Python(Value):
    """What a text of Python says of models. opened: the paths of those that variables hold, as far as it says them."""

    queries: tuple[Region, ...]
    opened: tuple[tuple[str, str], ...]


class _Token(NamedTuple):
    """A piece of Python. value, places: of a string what it means and where each character of that stands."""

    kind: str
    text: str
    value: str = ""
    places: tuple[int, ...] = ()
    is_raw: bool = True
    quote: str = ""


@lru_cache(maxsize=32)
def read_python(text: str) -> Python:
    """Return the queries in a text of Python, in the order of their places, and the models that it opens."""
    if cell := _CELL_MAGIC.match(text):
        return Python((_plain(text, Span(cell.end(), len(text)), None, is_file=True),), ())
    magics = [_of_magic(text, found) for found in _MAGIC.finditer(text)]
    opened: dict[str, str | None] = {}
    found = [*magics, *_of_calls([token for token in _tokens(text) if token.kind in _SAID], opened)]
    known = tuple((name, path) for name, path in opened.items() if path is not None)
    return Python(tuple(sorted(found, key=lambda query: query.span)), known)


def _of_magic(text: str, found: re.Match[str]) -> Region:
    start = found.start("rest")
    query = parts_of(Given(found["rest"])).query
    span = Span(start + query.start, start + query.start + len(query.text))
    return _plain(text, span, "layers" if found["name"] == "layers" else "weights")


def _plain(text: str, span: Span, want: Literal["weights", "layers"] | None, is_file: bool = False) -> Region:
    return Region(span.of(text), range(span.start, span.end + 1), want, is_file)


# ------------------------------------------------------------------ calls


def _of_calls(tokens: list[_Token], opened: dict[str, str | None]) -> Iterator[Region]:
    """Yield the queries that functions and opened models are given; note what variables hold the latter."""
    modules, functions = {"weightrepl"}, dict[str, str]()
    for at, token in enumerate(tokens):
        after = [each.text for each in tokens[at + 1 : at + 4]]
        if token.text == "import" and after[:1] == ["weightrepl"] and after[1:2] == ["as"]:
            modules.add(after[2])
        elif token.text == "from" and after[:2] == ["weightrepl", "import"]:
            functions |= _imported(tokens, at + 3)
        elif token.kind == "name":
            function, behind = _called(tokens, at, modules, functions)
            if function == "open":
                variable = _variable(tokens, at, behind)
                path = (
                    tokens[behind].value
                    if tokens[behind : behind + 1] and tokens[behind].kind == "string"
                    else None
                )
                if variable:
                    opened[variable] = path
            elif function in _ASKING:
                yield from _argument(tokens, behind, function, opened)
            elif token.text in opened and after[:1] == ["["]:
                yield from _string(tokens, at + 2, "weights", opened[token.text])


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


def _called(
    tokens: list[_Token], at: int, modules: set[str], functions: dict[str, str]
) -> tuple[str | None, int]:
    """Return the function of weightrepl that is called at a token, and the number of the first one in its brackets."""
    after = [each.text for each in tokens[at + 1 : at + 4]]
    is_method = at > 0 and tokens[at - 1].text == "."
    if tokens[at].text in modules and not is_method and after[:1] == ["."] and after[2:] == ["("]:
        return after[1], at + 4
    if tokens[at].text in functions and not is_method and after[:1] == ["("]:
        return functions[tokens[at].text], at + 2
    return None, at


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


def _argument(
    tokens: list[_Token], at: int, function: str, opened: dict[str, str | None]
) -> Iterator[Region]:
    """Yield the query among the arguments of a call: the second one, or that called `query`."""
    first, end = tokens[at : at + 2], _closing(tokens, at)
    source = None
    if first and first[0].kind == "string":
        source = first[0].value
    elif first and first[0].text in opened:
        source = opened[first[0].text]
    number, depth = 0, 0
    while at < end:
        token = tokens[at]
        if token.kind == "mark":
            depth += (token.text in "([{") - (token.text in ")]}")
            number += token.text == "," and depth == 0
        is_named = token.text == "query" and tokens[at + 1 : at + 2] and tokens[at + 1].text == "="
        is_begin = depth == 0 and number == 1 and tokens[at - 1].text == ","
        if depth == 0 and (is_named or (is_begin and token.kind == "string")):
            yield from _string(tokens, at + 2 if is_named else at, _ASKING[function], source)
            return
        at += 1


def _string(
    tokens: list[_Token], at: int, want: Literal["weights", "layers"] | None, source: str | None
) -> Iterator[Region]:
    """Yield the query that the string at a token is, with those that follow it directly."""
    parts = []
    while at < len(tokens) and tokens[at].kind == "string":
        parts.append(tokens[at])
        at += 1
    if parts:
        places = (*(place for part in parts for place in part.places[:-1]), parts[-1].places[-1])
        text = "".join(part.value for part in parts)
        yield Region(text, places, want, False, parts[0].quote[0], parts[0].is_raw, source)


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
        yield _Token("string", text[found.start() : at], value, places, is_raw, quote)


def _end_of_string(text: str, at: int, quote: str) -> int:
    while at < len(text) and not text.startswith(quote, at):
        if text[at] == "\n" and len(quote) == 1:
            return at
        at += 2 if text[at] == "\\" and at + 1 < len(text) else 1
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
