r"""Write `examples/vscode/weightquery.tmLanguage.json`: the language's tokens as a TextMate grammar.

    python -m tests.editors.make_grammar

Editors colour a text by such a grammar before a language server is there, and where none is. It is made from the
tables that the language itself is read by, and has a scope for each role that `weightrepl.service.highlight` knows, but
for `error`: what is wrong the server says. Patterns keep to what Python and Oniguruma read alike.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from weightrepl.query.operands import CONSTANTS
from weightrepl.query.tokens import _STAGE_MARKS, SPECIAL
from weightrepl.query.words import KEYWORDS, REDUCTIONS, RESERVED, TEXT_COLUMNS
from weightrepl.service.answers import Role

GRAMMAR = Path(__file__).parents[2] / "examples" / "vscode" / "weightquery.tmLanguage.json"

SCOPES: dict[Role, str] = {
    "model": "entity.name.namespace",
    "layer": "variable.other.layer",
    "attribute": "entity.other.attribute-name",
    "class": "entity.name.type.class",
    "weight": "variable.other.property",
    "reference": "variable.parameter",
    "wildcard": "string.regexp",
    "escape": "constant.character.escape",
    "separator": "punctuation.separator",
    "exclusion": "keyword.operator.exclusion",
    "pipe": "keyword.operator.pipe",
    "stage": "entity.name.function",
    "column": "variable.other.enummember",
    "keyword": "keyword.control",
    "operator": "keyword.operator",
    "number": "constant.numeric",
    "string": "string.quoted",
    "constant": "constant.language",
    "slice": "constant.numeric.slice",
    "comment": "comment.line.number-sign",
    "directive": "entity.name.function.preprocessor",
    "path": "string.unquoted.path",
}
"""The names that themes have colours for, by role, near those of what the server then tells; no two are the same."""

Rule = dict[str, Any]

OPERATORS = tuple(mark for mark in _STAGE_MARKS if mark != "...")
COMPARISON = r"(?:[=!]=|<=?|>=?)"
CONTINUES = r"^(?=\s|$|#(?!:))"
"""How a line begins that continues a query, or stands within one and ends nothing."""


def scope(role: str) -> str:
    """Return the scope of a role."""
    return f"{SCOPES[role]}.weightquery"  # type: ignore[index]


def is_(role: str, pattern: str) -> Rule:
    """Return the rule that what a pattern matches has a role."""
    return {"match": pattern, "name": scope(role)}


def pieces(pattern: str, *roles: str) -> Rule:
    """Return the rule that each group of a pattern has a role."""
    return {"match": pattern, "captures": _groups(roles)}


def within(begin: str, roles: Sequence[str], end: str, *patterns: Rule, **more: Any) -> Rule:
    """Return the rule for what lies between two patterns.

    The roles are those of the groups of the first; the group of the second, if it has one, has the last of them.
    """
    ends = {"endCaptures": _groups(roles[-1:])} if end.startswith("(") and not end.startswith("(?") else {}
    return {
        "begin": begin,
        "beginCaptures": _groups(roles),
        "end": end,
        **ends,
        **more,
        "patterns": list(patterns),
    }


def lines(begin: str, roles: Sequence[str], *patterns: Rule) -> Rule:
    """Return the rule for what goes on over lines that continue it."""
    return {"begin": begin, "beginCaptures": _groups(roles), "while": CONTINUES, "patterns": list(patterns)}


def of(name: str) -> Rule:
    """Return the rules of a part of the grammar."""
    return {"include": f"#{name}"}


def _groups(roles: Iterable[str]) -> Rule:
    return {str(number): {"name": scope(role)} for number, role in enumerate(roles, 1)}


def _any_of(words: Iterable[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=lambda word: (-len(word), word))) + ")"


# ------------------------------------------------------------------ names

PLAIN = "[^" + "".join("\\" + char for char in sorted(SPECIAL)) + r"\s]+"
ESCAPE = r"\\(?:u\{[^}\s]{0,9}\}|.)"
QUOTED = r""""(?:\\.|[^"\\\n])*(?:"|$)|'(?:\\.|[^'\\\n])*(?:'|$)"""
CLASS = r"\[[!^]?\]?(?:\\.|\[:[a-z]+:\]|[^\]/\\\n])*\]"
NAMED = ("layer", "attribute", "class", "weight")


def _glob(role: str) -> list[Rule]:
    """The pattern of one name; `role` is that of what stands for itself. A weight has no character classes."""
    classes = [] if role == "weight" else [is_("wildcard", CLASS)]
    return [
        is_("escape", ESCAPE),
        is_(role, QUOTED),
        *classes,
        is_("wildcard", r"\*+|\?"),
        of(f"{role}-braces"),
        is_(role, rf"{PLAIN}|\]"),
    ]


def _braces(role: str) -> Rule:
    number = is_("number", r"(?<![^{,\s])-?\d+\.\.-?\d+(?=\s*[,}])")
    return within(r"(\{)", ["wildcard"], r"(\})|(?=\|)", is_("wildcard", ","), number, of(f"{role}-glob"))


def _names() -> dict[str, Rule]:
    globs = {f"{role}-glob": {"patterns": _glob(role)} for role in NAMED}
    globs["string-glob"] = {"patterns": [is_("wildcard", r"\*+|\?|" + CLASS), of("string-braces")]}
    return globs | {f"{role}-braces": _braces(role) for role in (*NAMED, "string")}


# ------------------------------------------------------------------ selectors

STARTS = r"(?<!\\.)(?<![^\s/,!|])"
"""Where a segment begins: behind one of these, unless that is escaped."""


def _selectors() -> dict[str, Rule]:
    weight = [of("comment"), of("slice"), is_("separator", ":"), of("number-mark"), of("weight-glob")]
    path = [
        of("comment"),
        within("(:)", ["separator"], r"(?=[,|])", *weight),
        is_("reference", rf"\$(?:{PLAIN})?"),
        is_("exclusion", "!"),
        is_("separator", "[/,]"),
        within(r"(@)", ["class"], r"(?=[/:,|#\s])", of("class-glob")),
        is_("layer", STARTS + r"\.\.?(?=[\s/:,|]|$)"),
        within(STARTS + r"(\.)", ["attribute"], r"(?=[/:,|#@\s])", of("attribute-glob")),
        of("number-mark"),
        of("layer-glob"),
    ]
    return {
        "selectors": {"patterns": path},
        "slice": within(
            r"(\[)", ["slice"], r"(\])|(?=\|)",
            {"begin": r"\[", "end": r"\]|(?=\|)", "name": scope("slice")},
            is_("separator", ","), is_("slice", r"[-\d:.]+"),
        ),
        "number-mark": pieces(r"(#\d*)(\*)?", "number", "wildcard"),
    }  # fmt: skip


# ------------------------------------------------------------------ stages

END_OF_STAGE = r"(?=\|)"
BARE = r"""[^\s(),|!=<>~&"']+"""


def _stages() -> dict[str, Rule]:
    reduction = is_("constant", _any_of(REDUCTIONS) + r"(?!\w)")
    return {
        "stage": within(
            r"(\|)", ["pipe"], END_OF_STAGE,
            of("comment"),
            within(r"(diff)(?!\w)", ["stage"], END_OF_STAGE, of("selectors")),
            within(r"(reduce)(?!\w)", ["stage"], END_OF_STAGE, reduction, of("values")),
            within(r"([^\W\d]\w*)", ["stage"], END_OF_STAGE, of("values")),
        ),
        "values": {"patterns": [of("comment"), *_texts(), *_values()]},
        "pattern-text": _pattern(),
        "texts": {"patterns": [is_("separator", ","), is_("string", QUOTED), is_("string", BARE)]},
    }  # fmt: skip


def _texts() -> list[Rule]:
    """What is a string because it stands beside a column of text, or is a pattern because it stands behind `~`."""
    text = rf"(?<![\w.])({_any_of(TEXT_COLUMNS)})(?!\w)\s*"
    return [
        within(
            r"(!?~)\s*(\()", ["operator", "separator"], r"(\))|(?=\|)", of("pattern-text"), of("texts")
        ),
        within(r"(!?~)\s*(?=[\"'])", ["operator"], r"(?<=[\"'])|$", of("pattern-text")),
        pieces(rf"(!?~)\s*({BARE})", "operator", "string"),
        within(
            rf"{text}(?:((?i:not))\s+)?((?i:in))\s*(\()", ["column", "keyword", "keyword", "separator"],
            r"(\))|(?=\|)", of("texts"),
        ),
        pieces(rf"{text}({COMPARISON})\s*({BARE})", "column", "operator", "string"),
    ]  # fmt: skip


def _pattern() -> Rule:
    """A quoted pattern; one with backslashes is shown as a string."""
    plain = [
        within(
            rf"({quote})(?=[^\\{quote}\n]*{quote})",
            ["string"],
            f"({quote})",
            of("string-glob"),
            name=scope("string"),
        )
        for quote in "\"'"
    ]
    return {"patterns": [*plain, is_("string", QUOTED)]}


def _values() -> list[Rule]:
    keywords = {word for words in KEYWORDS.values() for word in words}
    number = r"\.?\d(?:[eE][+-](?=\d)|\.(?!\.)|\w)*"
    constant = _any_of(CONSTANTS) + r"(?!\w)"
    negative = r"(?<![\w)\]\"'])(?<![\w)\]\"'] )-\s*"
    return [
        is_("string", QUOTED),
        is_("wildcard", r"\.\.\.|(?<!\w)_(?!\w)"),
        pieces(r"([^\W\d]\w*)(\[)\s*(-?\d*)\s*(\])?", "column", "slice", "number", "slice"),
        is_("number", rf"(?:{negative})?{number}"),
        is_("constant", rf"(?<!\w){constant}"),
        pieces(rf"({_any_of(keywords)})\s*(=)(?!=)", "keyword", "operator"),
        is_("keyword", r"(?i:" + _any_of({*RESERVED, "asc", "desc"}) + r")(?!\w)"),
        is_("column", r"[^\W\d]\w*"),
        is_("separator", r"[(),]"),
        is_("operator", _any_of(OPERATORS) + r"|[-+*/<>=!~&^%;:]"),
    ]


# ------------------------------------------------------------------ files


def grammar() -> Rule:
    """Return the grammar."""
    query = [of("stage"), of("selectors")]
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "Weight query",
        "scopeName": "source.weightquery",
        "fileTypes": ["wq"],
        "patterns": [
            pieces(r"^(#:\s*open)(?!\w)(?:\s+([^/=\s]+)\s*(=))?\s*(.*\S)?", "directive", "model", "operator", "path"),
            lines(r"^(#:\s*let)(?!\w)\s*([^=\s]*)\s*(=)?", ["directive", "reference", "operator"], *query),
            pieces(r"^(#:\s*expect)(?!\w)\s*(.*\S)?", "directive", "constant"),
            pieces(r"^(#:\s*\S*)", "directive"),
            of("comment"),
            lines(r"^(?=\s*[^\s#])", [], *query),
        ],
        "repository": {"comment": is_("comment", r"(?<!\S)#.*"), **_selectors(), **_stages(), **_names()},
    }  # fmt: skip


def written() -> str:
    """Return the text of the file."""
    return json.dumps(grammar(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    GRAMMAR.write_text(written(), "utf-8")
