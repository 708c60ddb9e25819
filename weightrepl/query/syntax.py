"""The syntax tree of a query: frozen values, each with the span of the text that it was read from.

Spans take no part in comparing, so that two trees are equal when they say the same.
"""

from __future__ import annotations

from weightrepl.values import Value, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal as OneOf
    from typing import TypeAlias

    from weightrepl.spans import Span


class Node(Value):
    """Anything in the tree."""

    span: Span = field(compare=False, kw_only=True)


class Missing(Node):
    """A hole: something had to stand here. `expected` says what, in the words of a message."""

    expected: str


# ------------------------------------------------------------------ globs, within one name


class Text(Node):
    """Characters that stand for themselves, escapes and quotes undone."""

    text: str


class AnyRun(Node):
    """`*`: any run of characters, also none."""


class AnyOne(Node):
    """`?`: one character."""


class CharClass(Node):
    """`[a-z]`, `[!0-9]`, `[[:digit:]]`: one character of (or, negated, not of) a set.

    members: single characters, (low, high) pairs, and POSIX class names such as `digit`.
    """

    negated: bool
    members: tuple[str | tuple[str, str] | PosixClass, ...]


class PosixClass(Value):
    """`[:digit:]` within a character class."""

    name: str


class Braces(Node):
    """`{a,b}`: either of the alternatives, each a glob of its own."""

    alternatives: tuple[Glob, ...]


class Range(Node):
    """`{0..11}`: a decimal number from `low` to `high`, `pad` digits wide (0: not padded)."""

    low: int
    high: int
    pad: int


GlobPart: TypeAlias = "Text | AnyRun | AnyOne | CharClass | Braces | Range | Missing"


class Glob(Node):
    """A pattern for one name. No part at all is the empty name, written `\"\"`."""

    parts: tuple[GlobPart, ...]

    @property
    def literal(self) -> str | None:
        """The one name that this spells out, or None where it is a pattern or has a hole."""
        if not all(isinstance(p, Text) for p in self.parts):
            return None
        return "".join(p.text for p in self.parts if isinstance(p, Text))


# ------------------------------------------------------------------ selectors

Ordinal: TypeAlias = "int | OneOf['*'] | None"


class Here(Node):
    """`.`: the location."""


class Parent(Node):
    """`..`: the location's parent."""


class Deep(Node):
    """`**`: zero or more layers."""


class Name(Node):
    """A layer by its name, its class, or both; at least one is given.

    ordinal: which of the siblings of that name, counted from 1; `*` all of them; None as the page says.
    """

    glob: Glob | None
    ordinal: Ordinal = None
    class_glob: Glob | None = None


class Dotted(Node):
    """`.name`: one of the system's layers (`.optimizer`), or an attribute of the parent (`.module`).

    glob: the pattern without its leading dot.
    """

    glob: Glob
    ordinal: Ordinal = None
    class_glob: Glob | None = None


Segment: TypeAlias = "Here | Parent | Deep | Name | Dotted | Missing"


class Path(Node):
    """Layers one below the other. `absolute`: begins with `/`, so at the workspace."""

    absolute: bool
    segments: tuple[Segment, ...]


class Index(Node):
    """One integer of a slice."""

    value: int


class Bounds(Node):
    """`start:stop:step` of a slice; None where nothing is written."""

    start: int | None
    stop: int | None
    step: int | None


class Ellipsis(Node):
    """`...` of a slice."""


class IndexList(Node):
    """`[1, 2]` of a slice: these positions, in this order."""

    values: tuple[int, ...]


SliceItem: TypeAlias = "Index | Bounds | Ellipsis | IndexList | Missing"


class Slice(Node):
    """`[…]` after a weight's name."""

    items: tuple[SliceItem, ...]


class WeightName(Node):
    """What follows the `:`; `glob` is a hole where nothing does."""

    glob: Glob | Missing
    ordinal: Ordinal = None


class Selector(Node):
    """One of the parts between commas. Without `path` it is that of the location."""

    negated: bool
    path: Path | None
    weight: WeightName | None = None
    slice: Slice | None = None


class Reference(Node):
    """`$name`: a named query or an earlier result."""

    negated: bool
    name: str


# ------------------------------------------------------------------ expressions

Operator: TypeAlias = "OneOf['==', '!=', '<', '<=', '>', '>=', '~', '!~', 'and', 'or', '+', '-', '*', '/']"


class Number(Node):
    """A number; `nan` and `inf` too. `text` is how it was written, suffix and all (`1Mi`, `2GB`)."""

    value: int | float
    text: str = field(compare=False)


class String(Node):
    """Text in quotes."""

    value: str


class Boolean(Node):
    """`true` or `false`."""

    value: bool


class Word(Node):
    """A bare word: a column, or a string where it is compared with a text column."""

    text: str


class AnySize(Node):
    """`_` in a shape: any size of that axis."""


class Tuple(Node):
    """`(784, _)`, `(_, ...)`, and the list after `in`."""

    items: tuple[Expression, ...]


class Subscript(Node):
    """`shape[0]`."""

    column: Word
    index: int


class Unary(Node):
    """`not x` or `-x`."""

    operator: OneOf["not", "-"]
    operand: Expression


class Binary(Node):
    """Two operands and the operator between them."""

    operator: Operator
    left: Expression
    right: Expression


class Membership(Node):
    """`x in (…)` or, negated, `x not in (…)`."""

    negated: bool
    operand: Expression
    items: Tuple | Missing


Expression: TypeAlias = (
    "Number | String | Boolean | Word | AnySize | Ellipsis | Tuple | Subscript | Unary | Binary | Membership"
    " | Missing"
)


# ------------------------------------------------------------------ stages


class SortKey(Node):
    """A column to sort by, and whether the largest comes first."""

    column: Word
    descending: bool


class Keyword(Node):
    """`axis=(0, 1)` in a stage."""

    name: str
    value: Expression


Argument: TypeAlias = "Expression | SortKey | Keyword | Selector"


class Stage(Node):
    """What stands after a `|`: a name and its arguments.

    `where` has one expression, `sort` SortKeys, `head` and `tail` at most one Number, `top` a Number and
    a Word, `show` and `group` Words, `diff` a Selector, `reduce` a Word and Keywords, `hist` Keywords.
    name_span: where the name stands.
    """

    name: str
    arguments: tuple[Argument, ...]
    name_span: Span = field(compare=False, kw_only=True)


class Query(Node):
    """A whole query."""

    selectors: tuple[Selector | Reference | Missing, ...]
    stages: tuple[Stage | Missing, ...]


# ------------------------------------------------------------------ query files


class OpenDirective(Node):
    """`#: open base = models/base.keras`; `name` is None where none is given."""

    name: str | None
    path: str


class LetDirective(Node):
    """`#: let attention = **/attention_*:kernel`."""

    name: str
    query: Query


class Entry(Node):
    """A query of a file and whether it must find something (`some`), nothing (`none`), or either."""

    query: Query
    expect: OneOf["some", "none"] | None


class QueryFile(Node):
    """A `.wq` file. Spans are those of the whole file's text."""

    opens: tuple[OpenDirective, ...]
    lets: tuple[LetDirective, ...]
    entries: tuple[Entry, ...]
