"""What the service answers: frozen values of plain texts and spans, for a terminal, a notebook or an editor alike."""

from __future__ import annotations

from typing import Literal, TypeAlias

from weightrepl.spans import Span
from weightrepl.values import Value

CompletionKind: TypeAlias = Literal[
    "model", "layer", "attribute", "system", "class", "weight", "reference", "pattern", "axis", "separator", "stage",
    "column", "direction", "count", "reduction", "keyword", "operator", "value",
]  # fmt: skip
"""What a completion is."""

Role: TypeAlias = Literal[
    "model", "layer", "attribute", "class", "weight", "reference", "wildcard", "escape", "separator", "exclusion",
    "pipe", "stage", "column", "keyword", "operator", "number", "string", "constant", "slice", "comment",
    "directive", "path", "error",
]  # fmt: skip
"""What a piece of a query is to a reader's eye."""


class Completion(Value):
    """One thing that may stand at the cursor.

    text: what is put in the place of `span`, quoted as need be. label: how a menu shows it.
    detail: beside it, such as `Dense · 2 weights · 132 params` or `float32 (10, 12)`.
    documentation: a sentence or a page, Markdown; empty where there is none.
    address: the layer or weight that it stands for, for `resolved`; empty for words of the language.
    """

    text: str
    span: Span
    kind: CompletionKind
    label: str
    detail: str = ""
    documentation: str = ""
    address: str = ""


class Completions(Value):
    """What may stand at the cursor, best first.

    coming: there is more that first has to be read from a file: ask again with `wait`, but not while somebody types.
    cut: there are more than are given.
    """

    items: tuple[Completion, ...] = ()
    coming: bool = False
    cut: bool = False


class Hover(Value):
    """What is known of the thing under the cursor.

    title: its name. facts: labels and values, in order (`shape`, `(10, 12)`). text: sentences or a page, Markdown.
    """

    span: Span
    title: str
    facts: tuple[tuple[str, str], ...] = ()
    text: str = ""


class Highlight(Value):
    """A piece of the text and what it is. Pieces are in order, and none overlaps another."""

    span: Span
    role: Role


class Parameter(Value):
    """An argument of a stage. span: where it stands in the signature's label."""

    span: Span
    text: str


class Signature(Value):
    """What a stage takes: `top N COLUMN`.

    active: the number of the parameter that the cursor is in, from 0; None behind the last.
    """

    label: str
    text: str
    parameters: tuple[Parameter, ...] = ()
    active: int | None = None


class Matched(Value):
    """How much a query matches: what a prompt shows while it is typed.

    noun: `weights`, `layers` or `rows`. params: values of all weights matched; None where that is not known.
    """

    count: int
    noun: str
    params: int | None = None
