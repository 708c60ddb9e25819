"""Spells a tree as text, in the one way that counts as canonical, and odd names so that they read back."""

from __future__ import annotations

from weightrepl.query.syntax import (
    AnyOne,
    AnyRun,
    AnySize,
    Binary,
    Boolean,
    Bounds,
    Braces,
    CharClass,
    Deep,
    Dotted,
    Ellipsis,
    Glob,
    Here,
    Index,
    IndexList,
    Keyword,
    Membership,
    Missing,
    Name,
    Number,
    Parent,
    Path,
    PosixClass,
    Query,
    Range,
    Reference,
    Selector,
    Slice,
    SortKey,
    Stage,
    String,
    Subscript,
    Text,
    Tuple,
    Unary,
    WeightName,
    Word,
)
from weightrepl.query.tokens import SPECIAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.syntax import Argument, Expression, GlobPart, Ordinal, Segment, SliceItem

_NAMED = {"\n": "\\n", "\t": "\\t"}
_CLASS_SPECIAL = SPECIAL | {"-", "^"}


def escape_name(name: str) -> str:
    r"""Return how a query spells out this very name, of a layer, a weight, a model, a class or an attribute.

    >>> print(escape_name("my layer/a#2"), escape_name(".."), escape_name(""))
    my\ layer\/a\#2 \.. ""
    """
    return _led(_escaped(name)) if name else '""'


def quoted(text: str) -> str:
    r"""Return `text` as a string of the language.

    >>> print(quoted('a "b"'))
    "a \"b\""
    """
    return '"' + "".join(_char(c, frozenset('\\"'), spaces=False) for c in text) + '"'


def format_query(query: Query) -> str:
    """Return the canonical text of a tree; a hole is left out."""
    selected = ", ".join(_selector(s) for s in query.selectors)
    return " | ".join([selected, *map(_stage, query.stages)]).removeprefix(" ")


# ------------------------------------------------------------------ names


def _led(escaped: str) -> str:
    """Return a spelling that does not begin with a bare dot."""
    return "\\" + escaped if escaped.startswith(".") else escaped


def _escaped(text: str, special: frozenset[str] = SPECIAL) -> str:
    if text.replace("_", "").isalnum():
        return text
    return "".join(_char(c, special) for c in text)


def _char(char: str, special: frozenset[str], spaces: bool = True) -> str:
    if char in special or (spaces and char == " "):
        return "\\" + char
    if char.isprintable():
        return char
    return _NAMED.get(char) or f"\\u{{{ord(char):x}}}"


def format_glob(glob: Glob) -> str:
    """Return the canonical text of a pattern for one name."""
    parts = "".join(_part(p) for p in glob.parts)
    return _led(parts) if glob.parts else '""'


def _part(part: GlobPart) -> str:
    match part:
        case Text(text):
            return _escaped(text)
        case AnyRun():
            return "*"
        case AnyOne():
            return "?"
        case CharClass():
            return "[" + "!" * part.negated + "".join(_member(m) for m in part.members) + "]"
        case Braces(alternatives):
            return "{" + ",".join(_alternative(a) for a in alternatives) + "}"
        case Range():
            return "{" + _range(part) + "}"
    return ""


def _member(member: str | tuple[str, str] | PosixClass) -> str:
    match member:
        case PosixClass(name):
            return f"[:{name}:]"
        case (low, high):
            return f"{_char(low, _CLASS_SPECIAL)}-{_char(high, _CLASS_SPECIAL)}"
    return _char(member, _CLASS_SPECIAL)


def _alternative(glob: Glob) -> str:
    """Return the text of an alternative; `..` is escaped, lest it be read as a range."""
    match glob.parts:
        case (Range() as only,):
            return _range(only)
        case (Text(text),):
            return _escaped(text).replace("..", "\\..")
    return "".join(_part(p) for p in glob.parts)


def _range(part: Range) -> str:
    return f"{part.low:0{part.pad}d}..{part.high:0{part.pad}d}"


# ------------------------------------------------------------------ selectors


def _selector(selector: Selector | Reference | Missing) -> str:
    match selector:
        case Reference():
            return "!" * selector.negated + "$" + selector.name
        case Selector():
            path = format_path(selector.path) if selector.path else ""
            weight = _weight(selector.weight) if selector.weight else ""
            return (
                "!" * selector.negated
                + path
                + weight
                + (format_slice(selector.slice) if selector.slice else "")
            )
    return ""


def format_path(path: Path) -> str:
    """Return the canonical text of a path."""
    return "/" * path.absolute + "/".join(_segment(s) for s in path.segments)


def _segment(segment: Segment) -> str:
    match segment:
        case Deep():
            return "**"
        case Here():
            return "."
        case Parent():
            return ".."
        case Dotted():
            return "." + format_glob(segment.glob) + _ordinal(segment.ordinal) + _class(segment.class_glob)
        case Name():
            name = "" if segment.glob is None else format_glob(segment.glob)
            return name + _ordinal(segment.ordinal) + _class(segment.class_glob)
    return ""


def _ordinal(ordinal: Ordinal) -> str:
    return "" if ordinal is None else f"#{ordinal}"


def _class(glob: Glob | None) -> str:
    return "" if glob is None else "@" + format_glob(glob)


def _weight(weight: WeightName) -> str:
    name = "" if isinstance(weight.glob, Missing) else format_glob(weight.glob)
    return ":" + name + _ordinal(weight.ordinal)


def format_slice(part: Slice) -> str:
    """Return the canonical text of a slice, with its brackets."""
    return "[" + ", ".join(_index(item) for item in part.items) + "]"


def _index(item: SliceItem) -> str:
    match item:
        case Index(value):
            return str(value)
        case Bounds(start, stop, step):
            ends = ":".join("" if n is None else str(n) for n in (start, stop))
            return ends if step is None else f"{ends}:{step}"
        case Ellipsis():
            return "..."
        case IndexList(values):
            return "[" + ", ".join(map(str, values)) + "]"
    return ""


# ------------------------------------------------------------------ stages and expressions


def _stage(stage: Stage | Missing) -> str:
    if isinstance(stage, Missing):
        return ""
    between = ", " if stage.name in ("sort", "show", "group") else " "
    arguments = between.join(_argument(a) for a in stage.arguments)
    return f"{stage.name} {arguments}" if arguments else stage.name


def _argument(argument: Argument) -> str:
    match argument:
        case SortKey():
            return argument.column.text + (" desc" if argument.descending else "")
        case Keyword():
            return f"{argument.name}={format_expression(argument.value)}"
        case Selector():
            return _selector(argument)
    return format_expression(argument)


_LEVELS = {"or": 1, "and": 2, "not": 3, "+": 5, "-": 5, "*": 6, "/": 6}
_COMPARISON, _SIGN = 4, 7


def format_expression(node: Expression, level: int = 0) -> str:
    """Return the canonical text of an expression, in parentheses where it binds looser than `level`."""
    match node:
        case Binary(operator, left, right):
            own = _LEVELS.get(operator, _COMPARISON)
            first = own + 1 if own == _COMPARISON else own
            text = f"{format_expression(left, first)} {operator} {format_expression(right, own + 1)}"
        case Membership(negated, operand, items):
            own, within = _COMPARISON, "not in" if negated else "in"
            text = f"{format_expression(operand, own + 1)} {within} {_list(items)}"
        case Unary("not", operand):
            own, text = _LEVELS["not"], f"not {format_expression(operand, _LEVELS['not'])}"
        case Unary(_, operand):
            own, text = _SIGN, f"-{format_expression(operand, _SIGN)}"
        case _:
            return _leaf(node)
    return f"({text})" if own < level else text


def _leaf(node: Expression) -> str:
    match node:
        case Number() | Word():
            return node.text
        case String(value):
            return quoted(value)
        case Boolean(value):
            return "true" if value else "false"
        case AnySize():
            return "_"
        case Ellipsis():
            return "..."
        case Subscript(column, index):
            return f"{column.text}[{index}]"
        case Tuple(items):
            comma = "," if len(items) == 1 else ""
            return "(" + ", ".join(format_expression(i) for i in items) + comma + ")"
    return ""


def _list(items: Tuple | Missing) -> str:
    return (
        "(" + ", ".join(format_expression(i) for i in items.items) + ")" if isinstance(items, Tuple) else ""
    )
