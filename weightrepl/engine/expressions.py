"""What stands after `where`: checked against the columns, then a function from a row to true, false or unknown."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from weightrepl.engine.columns import LAYER_COLUMNS, PAIR_COLUMNS, VALUE_COLUMNS, WEIGHT_COLUMNS, Column
from weightrepl.errors import Fix, Problem
from weightrepl.query.globs import compile_text
from weightrepl.query.syntax import (
    AnySize,
    Binary,
    Boolean,
    Ellipsis,
    Expression,
    Membership,
    Missing,
    Number,
    String,
    Subscript,
    Tuple,
    Unary,
    Word,
)
from weightrepl.query.words import COLUMN_HABITS
from weightrepl.spans import Span, nearest, visible
from weightrepl.values import Value

Evaluated: TypeAlias = Callable[[Any], Any]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_CALCULATE: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_IN_WORDS = {
    "text": "text", "number": "a number", "bytes": "a number", "shape": "a shape", "bool": "true or false",
    "histogram": "a histogram",
}  # fmt: skip


class ExpressionError(Exception):
    """A fault in an expression. `problem` says what."""

    def __init__(
        self, code: str, message: str, span: Span, fix: Fix | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.problem = Problem(code, message, span, fix, hint=hint)


class Typed(Value):
    """A part of an expression: the kind of its value, and the value for a row (None: unknown).

    reads: whether values are read for it.
    """

    type: str
    of: Evaluated
    reads: bool = False


def condition(expression: Expression, columns: Mapping[str, Column]) -> Typed:
    """Return what tells of a row whether the expression holds: True, False, or None for unknown.

    Raises:
        ExpressionError: an unknown column, or kinds that can't be compared.
    """
    typed = _typed(expression, columns)
    if typed.type != "bool":
        message = f"a condition must be true or false; this is {_IN_WORDS[typed.type]}"
        fix = Fix(expression.span, "nans > 0") if _is_nan(expression) and "nans" in columns else None
        if _family(typed.type) == "number" and isinstance(expression, Word):
            fix = Fix(Span(expression.span.end, expression.span.end), " > 0")
        hint = None if fix else "compare it: size > 1M"
        raise ExpressionError("no-condition", message, expression.span, fix, hint)
    return typed


def column_of(word: Word, columns: Mapping[str, Column]) -> Column:
    """Return the column that a word names.

    Raises:
        ExpressionError: there is none of that name here.
    """
    column = columns.get(word.text)
    if column is not None:
        return column
    name = visible(word.text)
    message, meant = f"no column '{name}'", COLUMN_HABITS.get(word.text.casefold(), "")
    near = (meant,) if meant in columns else nearest(word.text, columns, limit=1)
    if (kind := _rows_with(word.text)) is not None:
        message = f"'{name}' is a column of {kind}, which these rows are not"
        near = near if meant in columns else ()
    fix = Fix(word.span, near[0]) if near else None
    raise ExpressionError("no-such-column", message, word.span, fix, None if fix else _columns_there(columns))


def _rows_with(column: str) -> str | None:
    """Return which rows have a column of that name; None where none do."""
    if column in PAIR_COLUMNS:
        return "what 'diff' compared"
    if column == "hist":
        return "what the stage 'hist' gives"
    if column in WEIGHT_COLUMNS or column in VALUE_COLUMNS:
        return "weights"
    return "layers" if column in LAYER_COLUMNS else None


def _columns_there(columns: Mapping[str, Column]) -> str:
    return f"columns here: {', '.join(columns)}"


def _typed(expression: Expression, columns: Mapping[str, Column]) -> Typed:
    match expression:
        case Number(value) | Boolean(value):
            return Typed("bool" if isinstance(expression, Boolean) else "number", lambda row: value)
        case String(text):
            return Typed("text", lambda row: text)
        case Word():
            column = column_of(expression, columns)
            return Typed(column.type, column.of, column.reads)
        case Subscript(word, index):
            return _subscript(word, index, columns)
        case Unary(operand=operand):
            return _unary(expression, _typed(operand, columns))
        case Binary():
            return _binary(expression, columns)
        case Membership():
            return _membership(expression, columns)
        case Tuple():
            raise ExpressionError(
                "no-value", "a list stands only beside a shape, '~' or 'in'", expression.span
            )
        case AnySize() | Ellipsis() | Missing():  # pragma: no cover
            raise AssertionError("the parser lets these stand only in a shape")


def _subscript(word: Word, index: int, columns: Mapping[str, Column]) -> Typed:
    column = column_of(word, columns)
    if column.type != "shape":
        raise ExpressionError(
            "no-shape", f"'{word.text}' is no shape: only shape[0] takes an index", word.span
        )

    def size(row: Any) -> Any:
        shape = column.of(row)
        return shape[index] if isinstance(shape, tuple) and -len(shape) <= index < len(shape) else None

    return Typed("number", size)


def _unary(expression: Unary, operand: Typed) -> Typed:
    wanted = "bool" if expression.operator == "not" else "number"
    _demand(operand, wanted, expression.operand)
    negate: Evaluated = operator.not_ if wanted == "bool" else operator.neg
    return Typed(wanted, _known(negate, operand.of), operand.reads)


def _known(function: Callable[..., Any], *operands: Evaluated) -> Evaluated:
    """Return `function` of the operands' values, unknown where one of them is."""

    def of(row: Any) -> Any:
        values = [operand(row) for operand in operands]
        return None if None in values else function(*values)

    return of


def _demand(typed: Typed, wanted: str, expression: Expression) -> None:
    if _family(typed.type) != wanted:
        message = f"{_IN_WORDS[wanted]} is needed here; this is {_IN_WORDS[typed.type]}"
        raise ExpressionError("wrong-kind", message, expression.span)


def _family(type_: str) -> str:
    return "number" if type_ == "bytes" else type_


# ------------------------------------------------------------------ two operands


def _binary(expression: Binary, columns: Mapping[str, Column]) -> Typed:
    sign = expression.operator
    if sign in ("and", "or"):
        sides = [_typed(side, columns) for side in (expression.left, expression.right)]
        for typed, side in zip(sides, (expression.left, expression.right), strict=True):
            _demand(typed, "bool", side)
        first, then = sorted(sides, key=lambda side: side.reads)  # what reads nothing may decide alone
        return Typed("bool", _joined(first.of, then.of, sign == "or"), then.reads)
    if sign in ("~", "!~"):
        return _glob_test(expression, columns)
    if sign in _COMPARE:
        return _comparison(expression, columns)
    left, right = _typed(expression.left, columns), _typed(expression.right, columns)
    _demand(left, "number", expression.left)
    _demand(right, "number", expression.right)
    of = _known(_bounded(_CALCULATE.get(sign, _divide)), left.of, right.of)
    return Typed("number", of, left.reads or right.reads)


def _joined(left: Evaluated, right: Evaluated, deciding: bool) -> Evaluated:
    """Return what is `deciding` where one of two is (true for `or`), else unknown where one is unknown."""

    def of(row: Any) -> Any:
        a = left(row)
        if a is deciding:
            return deciding
        b = right(row)
        return deciding if b is deciding else None if a is None or b is None else not deciding

    return of


def _bounded(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return `function` that takes whole numbers which no float can hold for infinite, beside a float."""

    def of(a: Any, b: Any) -> Any:
        try:
            return function(a, b)
        except OverflowError:
            return function(_float(a), _float(b))

    return of


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _divide(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a or math.isnan(a) else math.copysign(math.inf, a)


def _is_nan(expression: Expression) -> bool:
    return isinstance(expression, Number) and expression.value != expression.value


def _comparison(expression: Binary, columns: Mapping[str, Column]) -> Typed:
    left, right = expression.left, expression.right
    sign = expression.operator
    if _is_nan(left) or _is_nan(right):
        alone = "nans" in columns and expression.span.start <= left.span.start  # and not one of a list
        fix = Fix(expression.span, f"nans {'==' if sign == '!=' else '>'} 0") if alone else None
        raise ExpressionError("wrong-kind", "nothing equals nan, not even nan itself", expression.span, fix)
    if isinstance(left, Tuple) and not isinstance(right, Tuple):
        left, right = right, left
    if isinstance(right, Tuple):
        return _shape_test(left, right, sign, columns)
    if not _is_text(left, columns) and _is_text(right, columns) and isinstance(left, Word):
        left = String(left.text, span=left.span)
    elif _is_text(left, columns) and isinstance(right, Word):
        right = String(right.text, span=right.span)
    sides = _typed(left, columns), _typed(right, columns)
    if _family(sides[0].type) != _family(sides[1].type):
        message = f"{_IN_WORDS[sides[0].type]} can't be compared with {_IN_WORDS[sides[1].type]}"
        raise ExpressionError("wrong-kind", message, expression.span)
    if sides[0].type in ("shape", "bool", "histogram") and sign not in ("==", "!="):
        raise ExpressionError(
            "wrong-kind", f"{_IN_WORDS[sides[0].type]} is only == or != another", expression.span
        )
    of = _known(_COMPARE[sign], sides[0].of, sides[1].of)
    return Typed("bool", of, sides[0].reads or sides[1].reads)


def _is_text(expression: Expression, columns: Mapping[str, Column]) -> bool:
    """Return whether an expression is a text column, beside which a bare word is a string."""
    return (
        isinstance(expression, Word)
        and expression.text in columns
        and columns[expression.text].type == "text"
    )


def _shape_test(left: Expression, pattern: Tuple, sign: str, columns: Mapping[str, Column]) -> Typed:
    typed = _typed(left, columns)
    _demand(typed, "shape", left)
    if sign not in ("==", "!="):
        raise ExpressionError("wrong-kind", "a shape is only == or != another", pattern.span)
    fits = _shape_matcher(pattern)
    wanted = sign == "=="
    return Typed("bool", _known(lambda shape: fits(shape) is wanted, typed.of))


def _shape_matcher(pattern: Tuple) -> Callable[[tuple[int, ...]], bool]:
    sizes = [_axis_size(item) for item in pattern.items]
    dots = next((i for i, item in enumerate(pattern.items) if isinstance(item, Ellipsis)), None)
    if dots is None:
        return lambda shape: len(shape) == len(sizes) and _sizes_fit(shape, sizes)
    head, tail = sizes[:dots], sizes[dots + 1 :]

    def fits(shape: tuple[int, ...]) -> bool:
        long_enough = len(shape) >= len(head) + len(tail)
        return long_enough and _sizes_fit(shape, head) and _sizes_fit(shape[len(shape) - len(tail) :], tail)

    return fits


def _axis_size(item: Expression) -> float | None:
    """Return the size that an item of a shape asks for; None for any."""
    match item:
        case Number(value):
            return value
        case AnySize() | Ellipsis():
            return None
    raise ExpressionError("no-size", "a shape holds numbers, '_' and '...'", item.span)


def _sizes_fit(shape: Iterable[int], sizes: Iterable[float | None]) -> bool:
    return all(wanted is None or wanted == size for size, wanted in zip(shape, sizes, strict=False))


# ------------------------------------------------------------------ globs and lists


def _glob_test(expression: Binary, columns: Mapping[str, Column]) -> Typed:
    left = _typed(expression.left, columns)
    _demand(left, "text", expression.left)
    right = expression.right
    patterns = right.items if isinstance(right, Tuple) else (right,)
    matchers = [_matcher(pattern) for pattern in patterns]
    wanted = expression.operator == "~"
    of = _known(lambda text: any(matches(text) for matches in matchers) is wanted, left.of)
    return Typed("bool", of, left.reads)


def _matcher(pattern: Expression) -> Callable[[str], bool]:
    assert isinstance(pattern, String | Word)  # the parser reads whatever stands beside `~` as text
    return compile_text(pattern.text if isinstance(pattern, Word) else pattern.value).matches


def _membership(expression: Membership, columns: Mapping[str, Column]) -> Typed:
    assert isinstance(expression.items, Tuple)
    tests = [
        _comparison(Binary("==", expression.operand, item, span=item.span), columns)
        for item in expression.items.items
    ]
    found: Evaluated = lambda row: False  # noqa: E731 - the start of a chain of `or`
    for test in tests:
        found = _joined(found, test.of, True)
    of = _known(operator.not_, found) if expression.negated else found
    return Typed("bool", of, any(test.reads for test in tests))
