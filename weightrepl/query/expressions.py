"""Reads the expressions of `where`, and the values of stages' arguments.

One function for each level, the loosest binding first; a function's docstring is its grammar rule.
"""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.cursor import insertion, named
from weightrepl.query.operands import (
    constant,
    number,
    string,
    text_operand,
    texts,
    unexpected_attribute,
    unexpected_call,
    whole,
)
from weightrepl.query.syntax import (
    AnySize,
    Binary,
    Ellipsis,
    Membership,
    Missing,
    String,
    Subscript,
    Tuple,
    Unary,
    Word,
)
from weightrepl.query.words import RESERVED, TEXT_COLUMNS
from weightrepl.spans import Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from weightrepl.query.cursor import Cursor
    from weightrepl.query.syntax import Expression, Operator
    from weightrepl.query.tokens import Token

_COMPARISONS: tuple[Operator, ...] = ("==", "!=", "<", "<=", ">", ">=", "~", "!~")

_HABITS = {
    "=": "==", "===": "==", "is": "==", "!==": "!=", "<>": "!=", "=<": "<=", "=>": ">=",
    "=~": "~", "like": "~", "matches": "~", "&&": "and", "&": "and", "||": "or",
    "AND": "and", "OR": "or", "NOT": "not", "IN": "in", "LIKE": "~", "And": "and", "Or": "or", "Not": "not",
}  # fmt: skip
"""How other languages write an operator."""


def expression(c: Cursor) -> Expression:
    """expression = conjunction { "or" conjunction }"""
    return _chain(c, _conjunction, ("or",))


def _conjunction(c: Cursor) -> Expression:
    """conjunction = negation { "and" negation }"""
    return _chain(c, _negation, ("and",))


def _negation(c: Cursor) -> Expression:
    """negation = "not" negation | comparison"""
    start = c.start
    if c.at("!"):
        mark = c.take()
        c.report(
            "other-language", "'!' is written 'not'", mark.span, Fix(mark.span, _apart(c, mark.span, "not"))
        )
    elif _operator(c, ("not",)) is None:
        return _comparison(c)
    c.skip()
    operand = _negation(c) if c.one_more_operator() else Missing("a value", span=c.token.span)
    return Unary("not", operand, span=c.since(start))


def _comparison(c: Cursor) -> Expression:
    """comparison = sum [ COMPARISON sum | [ "not" ] "in" list ]"""
    start = c.start
    left = _sum(c)
    found: Expression | None = None
    while True:
        column = left.text if isinstance(left, Word) else ""
        c.skip()
        if found is None:
            c.expect("operator", context=column)
        node, right = _compared(c, start, left, column)
        if node is None:
            return left if found is None else found
        if found is None:
            found = node
        elif c.one_more_operator():
            first = left.span.of(c.text)
            fix = insertion(left.span.end, f" and {first}")
            c.report(
                "chained-comparison",
                f"comparisons do not chain: write them with 'and {first}'",
                c.since(start),
                fix,
            )
            found = Binary("and", found, node, span=c.since(start))
        left = right


def _compared(c: Cursor, start: int, left: Expression, column: str) -> tuple[Expression | None, Expression]:
    """Return the comparison of `left` with what comes next, and its right side; None if there is no comparison."""
    textual = column in TEXT_COLUMNS
    membership = _in(c)
    if membership is not None:
        items = _list(c, left, membership, textual)
        return Membership(membership == "not in", left, items, span=c.since(start)), left
    operator = _operator(c, _COMPARISONS)
    if operator is None or not c.one_more_operator():
        return None, left
    c.skip()
    if textual or operator in ("~", "!~"):
        right = text_operand(c, column, operator in ("~", "!~"))
    else:
        right = _sum(c, column)
    return Binary(operator, left, right, span=c.since(start)), right


def _in(c: Cursor) -> str | None:
    """Take `in` or `not in`; return which it was."""
    following = c.tokens[min(c.index + 2, len(c.tokens) - 1)]
    if c.at("not", "NOT") and _meant(following) == "in":
        _operator(c, ("not",))
        c.skip()
        _operator(c, ("in",))
        return "not in"
    return _operator(c, ("in",))


def _list(c: Cursor, left: Expression, operator: str, textual: bool) -> Tuple | Missing:
    """list = "(" value { "," value } ")" """
    column = left.text if isinstance(left, Word) else ""
    c.skip()
    if c.at("("):
        items = texts(c, column, pattern=False) if textual else _tuple(c)
        if not items.items:
            c.report("missing-value", "expected a value in the list, found none", items.span)
        return items
    if c.at("["):
        return _bracketed(c)
    start = c.start
    item = text_operand(c, column, pattern=False) if textual else _sum(c, column)
    if isinstance(item, Missing):
        return item
    span = c.since(start)
    fix = Fix(span, f"({span.of(c.text)})")
    if isinstance(item, Word) and item.text in TEXT_COLUMNS and not textual:  # Python's `"ker" in name`
        text = left.value if isinstance(left, String) else left.span.of(c.text)
        fix = Fix(left.span.to(span), f'{item.text} {"~" if operator == "in" else "!~"} "*{text}*"')
    c.report("missing-list", "'in' takes a list in parentheses", span, fix)
    return Tuple((item,), span=span)


def _sum(c: Cursor, column: str = "") -> Expression:
    """sum = product { ( "+" | "-" ) product }"""
    return _chain(c, lambda c: _product(c, column), ("+", "-"))


def _product(c: Cursor, column: str) -> Expression:
    """product = unary { ( "*" | "/" ) unary }"""
    return _chain(c, lambda c: _unary(c, column), ("*", "/"))


def _unary(c: Cursor, column: str) -> Expression:
    """unary = "-" unary | primary; a `-` before a number belongs to it"""
    if plus := c.take_if("+"):
        c.report("other-language", "a number has no '+' before it", plus.span, Fix(plus.span, ""))
        c.skip()
    minus = c.take_if("-")
    if minus is None:
        return _primary(c, column)
    c.skip()
    if c.token.kind == "number":
        return number(c, minus)
    operand = _unary(c, column) if c.one_more_operator() else Missing("a value", span=c.token.span)
    return Unary("-", operand, span=c.since(minus.span.start))


def _primary(c: Cursor, column: str) -> Expression:
    """primary = NUMBER | STRING | constant | tuple | column [ "[" INT "]" ]"""
    c.expect("value" if column else "column", context=column)
    token = c.token
    if token.kind == "number":
        return number(c)
    if token.kind == "quoted":
        return string(c)
    if token.text == "(":
        return _group(c)
    if token.text == "[":
        return _bracketed(c)
    if token.text in ("_", "..."):
        what = f"'{token.text}' stands only in a shape, as in (784, _)"
        shape = {"_": "(_,)", "...": "(...)"}[token.text]
        c.report("only-in-shape", what, token.span, Fix(token.span, shape) if column else None)
        return _element(c)
    if token.kind == "word" and token.text not in RESERVED and token.text not in _HABITS:
        return constant(c) or _column(c)
    return c.missing("missing-value", "value")


def _column(c: Cursor) -> Expression:
    """column = WORD [ "[" INT "]" ]"""
    token = c.take()
    word = Word(token.text, span=token.span)
    if c.at("("):
        return unexpected_call(c, token.span.start, token.text)
    if c.at("."):
        return unexpected_attribute(c, token)
    return _subscript(c, word) if c.at("[") else word


def _subscript(c: Cursor, word: Word) -> Expression:
    """subscript = "[" INT "]" """
    opening = c.take()
    c.skip()
    c.expect("slice-axis", context=word.text)
    start = c.start
    minus = c.take_if("-")
    axis = number(c, minus) if c.token.kind == "number" else None
    c.skip()
    if axis is None and minus is None and (c.done or c.at("]", "|")):
        c.missing("missing-index", "count")
        c.take_if("]")
    elif whole(axis) is not None and not c.at(":", ","):
        c.close(opening)
        return Subscript(word, whole(axis) or 0, span=c.since(word.span.start))
    else:
        c.skip_until("]", "|")
        what = f"expected one whole number between '[' and ']' after '{word.text}'"
        c.report("bad-index", what, c.since(start))
        c.take_if("]")
    return Missing("a whole number", span=c.since(word.span.start))


def _group(c: Cursor) -> Expression:
    """group = "(" expression ")" | tuple"""
    node = _tuple(c, group=True)
    single = len(node.items) == 1 and c.tokens[_before(c, c.index - 1)].text != ","
    alone = node.items[0] if single else None
    return node if alone is None or isinstance(alone, AnySize | Ellipsis) else alone


def _before(c: Cursor, index: int) -> int:
    """Return the index of the last token before `index` that is neither white space nor a comment."""
    index -= 1
    while c.tokens[index].kind in ("space", "comment"):
        index -= 1
    return index


def _tuple(c: Cursor, group: bool = False) -> Tuple:
    """tuple = "(" [ element { "," element } [ "," ] ] ")" """
    opening = c.take()
    items: list[Expression] = []
    if not c.deeper(opening):
        return Tuple((), span=opening.span)
    c.depth += 1
    c.skip()
    while not c.at(")") and (not c.done or not items):
        items.append(_element(c))
        c.skip()
        if group and len(items) == 1:
            c.expect("connective")
        if c.take_if(",") is None:
            break
        c.skip()
        c.expect("column")
    c.depth -= 1
    c.close(opening)
    return Tuple(tuple(items), span=c.since(opening.span.start))


def _element(c: Cursor) -> Expression:
    """element = "_" | "..." | expression"""
    token = c.token
    if c.take_if("_"):
        return AnySize(span=token.span)
    if c.take_if("..."):
        return Ellipsis(span=token.span)
    return expression(c)


def _bracketed(c: Cursor) -> Tuple:
    """Take `[a, b]` where a list in parentheses was meant, and report it."""
    opening = c.take()
    items: list[Expression] = []
    if not c.deeper(opening):
        return Tuple((), span=opening.span)
    c.depth += 1
    c.skip()
    while not c.done and not c.at("]", "|"):
        items.append(_element(c))
        c.skip()
        if c.take_if(",") is None:
            break
        c.skip()
    c.depth -= 1
    c.skip_until("]", "|", ")")
    closed = c.take_if("]")
    span = c.since(opening.span.start)
    inner = span.of(c.text)[1 : -1 if closed else None]
    comma = "," if len(items) == 1 and not inner.endswith(",") else ""
    c.report("other-language", "a list is written in parentheses", span, Fix(span, f"({inner}{comma})"))
    return Tuple(tuple(items), span=span)


# ------------------------------------------------------------------ operators


def _chain(c: Cursor, below: Callable[[Cursor], Expression], operators: tuple[Operator, ...]) -> Expression:
    """chain = below { OPERATOR below }, left to right"""
    start = c.start
    left = below(c)
    while True:
        if operators[0] in ("and", "or"):
            c.expect("connective")
        space = c.index
        c.skip()
        operator = _operator(c, operators)
        if operator is None or not c.one_more_operator():
            c.index = space if operator is None else c.index
            return left
        c.skip()
        left = Binary(operator, left, below(c), span=c.since(start))


def _meant(token: Token) -> str:
    """Return the operator that a token is, or is in another language."""
    return _HABITS.get(token.text, token.text) if token.kind in ("word", "mark") else ""


def _operator(c: Cursor, operators: tuple[str, ...]) -> Operator | None:
    """Take one of these operators, also as other languages write it, and return it."""
    meant = _meant(c.token)
    if meant not in operators:
        return None
    token = c.take()
    if meant != token.text:
        fix = Fix(token.span, _apart(c, token.span, meant))
        pattern = c.beyond()
        if token.text in ("like", "LIKE") and pattern.kind == "quoted":
            fix = Fix(token.span.to(pattern.span), f"~ {pattern.text.replace('%', '*')}")
        c.report("other-language", f"{named(token)} is written '{meant}'", token.span, fix)
    return meant  # type: ignore[return-value]


def _apart(c: Cursor, span: Span, word: str) -> str:
    """Return the text of an operator, with the white space that a word needs around it."""
    before, after = c.text[: span.start][-1:], c.text[span.end : span.end + 1]
    left = " " if word.isalpha() and before and not before.isspace() else ""
    return left + word + (" " if word.isalpha() and after and not after.isspace() else "")
