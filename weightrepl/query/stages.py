"""Reads stages: what stands after each `|`, and its arguments."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query import elsewhere
from weightrepl.query.cursor import insertion, named
from weightrepl.query.expressions import expression
from weightrepl.query.operands import SUFFIXES, number, whole
from weightrepl.query.selectors import address
from weightrepl.query.syntax import Binary, Keyword, Missing, Number, Selector, SortKey, Stage, Tuple, Word
from weightrepl.query.words import KEYWORDS, REDUCTION_HABITS, REDUCTIONS, RESERVED, STAGES
from weightrepl.spans import Span, nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from weightrepl.query.cursor import Cursor
    from weightrepl.query.syntax import Argument, Expression
    from weightrepl.query.tokens import Token

_UPWARD = ("asc", "ascending", "ASC")
_DOWNWARD = ("DESC", "descending", "reverse", "reversed")


def stages(c: Cursor) -> tuple[Stage | Missing, ...]:
    """stages = { "|" stage }"""
    found: list[Stage | Missing] = []
    while not c.done:
        found.append(_stage(c, c.take()))
        c.skip()
    return tuple(found)


def _stage(c: Cursor, bar: Token) -> Stage | Missing:
    """stage = WORD { argument }"""
    c.skip()
    c.expect("stage")
    token = c.token
    if token.kind != "word":
        fix = Fix(bar.span, "") if c.done or c.at("|") else elsewhere.column_of_jq(c)
        hole = c.missing("missing-stage", "stage", fix=fix)
        c.skip_until("|")
        return hole
    c.take()
    if c.at("(") and token.text != "where":
        return elsewhere.called_stage(c, token)
    name = token.text if token.text in STAGES else _meant(c, token)
    arguments: list[Argument] = []
    if name == token.text or not c.done:
        arguments = _ARGUMENTS[name](c, name) if name else []
    if not name:
        c.skip_until("|")
    c.expect("separator")
    c.skip()
    if any(isinstance(a, Missing) for a in arguments):
        c.skip_until("|")
    elif not c.done and not c.at("|"):
        _unexpected(c)
    span = c.since(token.span.start)
    return Stage(name or token.text, tuple(arguments), name_span=token.span, span=span)


def _meant(c: Cursor, token: Token) -> str:
    """Report that a word is no stage; return the one that it means, "" where none is near."""
    fix = elsewhere.words_of_stage(c, token)
    meant = "" if fix and fix.text not in STAGES else elsewhere.stage_meant(token.text)
    fix = fix or (Fix(token.span, meant) if meant else None)
    hint = None if fix else elsewhere.hint_of_stage(token)
    c.report(
        "no-such-stage", f"there is no stage '{token.text}'", fix.span if fix else token.span, fix, hint=hint
    )
    return meant


def _unexpected(c: Cursor) -> None:
    """Report what stands behind the arguments of a stage, and step over it."""
    start, token, last = c.start, c.token, c.last
    c.skip_until("|")
    what = f"expected '|' after {named(last)}, found {named(token)}"
    c.report("unexpected-argument", what, c.since(start), Fix(Span(last.span.end, c.last.span.end), ""))


# ------------------------------------------------------------------ arguments, stage by stage


def _where(c: Cursor, stage: str) -> list[Argument]:
    """where = "where" EXPRESSION"""
    c.skip()
    start = c.start
    condition: Expression = expression(c)
    c.skip()
    while c.at(","):
        before, comma = c.last, c.take()
        if before.kind == c.token.kind == "number" and len(c.token.text) == 3:
            c.report("bad-number", "a number has no ',' in it", comma.span, Fix(comma.span, "_"))
        else:
            c.report("other-language", "conditions are joined by 'and'", comma.span, Fix(comma.span, " and"))
        c.skip()
        if not c.one_more_operator():
            break
        condition = Binary("and", condition, expression(c), span=c.since(start))
        c.skip()
    c.expect("separator")
    if not c.done and not c.at("|"):
        last, token = c.last, c.token
        fix = elsewhere.word_operator(c) if isinstance(condition, Word) else None
        fix = Fix(token.span, "") if token.text == ")" else fix
        if last.kind == "number" and token.text in SUFFIXES:  # `1 MB`
            fix = Fix(Span(last.span.end, token.span.end), token.text)
        span = token.span
        c.skip_until("|")
        what = f"expected a comparison, 'and' or '|' after {named(last)}, found {named(token)}"
        c.report("missing-operator", what, span, fix)
    return [condition]


def _sort(c: Cursor, stage: str) -> list[Argument]:
    """sort = "sort" COLUMN [ "desc" ] { "," COLUMN [ "desc" ] }"""
    _superfluous_by(c)
    return _listed(c, _sort_key, stage)


def _sort_key(c: Cursor, stage: str) -> SortKey | Missing:
    """key = COLUMN [ "desc" ]"""
    start = c.start
    minus = c.take_if("-")
    if minus and c.at("r") and c.tokens[c.index + 1].kind == "space":  # as the shell's `sort -r size`
        c.take()
    c.skip()
    word = _column(c, stage)
    if isinstance(word, Missing):
        return word
    c.expect("direction", "separator")
    c.skip()
    if minus:
        span = Span(start, word.span.end)
        c.report("other-language", "'desc' puts the largest first", span, Fix(span, f"{word.text} desc"))
    descending = minus is not None
    if c.take_if("desc"):
        descending = True
    elif c.at(*_DOWNWARD):
        token = c.take()
        descending = True
        c.report("other-language", f"'{token.text}' is written 'desc'", token.span, Fix(token.span, "desc"))
    elif c.at(*_UPWARD):
        token = c.token
        gap = Span(c.last.span.end, token.span.end)
        c.take()
        c.report("other-language", "the smallest comes first anyway", token.span, Fix(gap, ""))
    return SortKey(word, descending, span=c.since(start))


def _columns(c: Cursor, stage: str) -> list[Argument]:
    """columns = COLUMN { "," COLUMN }"""
    _superfluous_by(c)
    return _listed(c, _column, stage)


def _listed(c: Cursor, item: Callable[[Cursor, str], Argument], stage: str) -> list[Argument]:
    """Return one or more items with commas between them; a forgotten comma is reported."""
    c.skip()
    items = [item(c, stage)]
    while True:
        c.skip()
        c.expect("separator")
        comma = c.take_if(",")
        if comma is None:
            if c.token.kind != "word" or isinstance(items[-1], Missing):
                return items
            what = f"expected ',' after {named(c.last)}, found {named(c.token)}"
            c.report("missing-comma", what, c.token.span, insertion(c.last.span.end, ","))
        c.skip()
        items.append(item(c, stage))


def _column(c: Cursor, stage: str) -> Word | Missing:
    """column = WORD"""
    c.expect("column", context=stage)
    token = c.token
    if token.kind != "word" or token.text in RESERVED:
        return c.missing("missing-column", "column")
    c.take()
    return Word(token.text, span=token.span)


def _count(c: Cursor, stage: str) -> list[Argument]:
    """head = "head" [ N ]"""
    c.skip()
    c.expect("count", context=stage)
    c.expect("separator")
    if c.done or c.at("|"):
        return []
    return [_whole(c, stage)]


def _top(c: Cursor, stage: str) -> list[Argument]:
    """top = "top" N COLUMN"""
    c.skip()
    c.expect("count", context=stage)
    token = c.token
    if token.kind == "word":
        return _top_without_number(c, stage)
    number = _whole(c, stage)
    if isinstance(number, Missing):
        return [number]
    _superfluous_by(c)
    c.skip()
    return [number, _column(c, stage)]


def _top_without_number(c: Cursor, stage: str) -> list[Argument]:
    """Take the column of `top norm` or `top norm 5`, and report the number that is missing before it."""
    _superfluous_by(c)
    c.skip()
    column = _column(c, stage)
    c.skip()
    if c.token.kind == "number":
        number = _whole(c, stage)
        span = column.span.to(number.span)
        fix = Fix(span, f"{number.span.of(c.text)} {column.span.of(c.text)}")
        c.report("missing-count", "'top' takes the number first, then the column", span, fix)
        return [number, column]
    fix = insertion(column.span.start, "10 ")
    what = f"expected a whole number after '{stage}', found {named(c.last)}"
    c.report("missing-count", what, column.span, fix)
    return [Missing("a whole number", span=column.span), column]


def _whole(c: Cursor, stage: str) -> Number | Missing:
    """whole = INT, not negative"""
    start = c.start
    minus = c.take_if("-")
    if minus and c.at("n") and c.tokens[c.index + 1].kind == "space":  # as the shell's `head -n 3`
        c.take()
        c.skip()
    if c.token.kind != "number":
        return c.missing("missing-count", "count")
    node = number(c)
    if isinstance(node, Missing):
        return node
    if minus or whole(node) is None:
        span = c.since(start)
        fix = Fix(span, node.text) if whole(node) is not None else None
        c.report(
            "bad-count", f"expected a whole number after '{stage}', found '{span.of(c.text)}'", span, fix
        )
    return node


def _nothing(c: Cursor, stage: str) -> list[Argument]:
    """No argument."""
    c.expect("separator")
    return []


def _diff(c: Cursor, stage: str) -> list[Argument]:
    """diff = "diff" PATH [ ":" WEIGHT ]"""
    c.skip()
    c.expect("layer", "weight")
    if c.done or c.at("|", ","):
        return [c.missing("missing-path", "layer")]
    if c.at("!", "$"):
        start = c.start
        c.skip_until("|")
        span = c.since(start)
        c.report("bad-path", f"'diff' takes a path, not '{span.of(c.text)}'", span)
        return [Missing("a path", span=span)]
    other = address(c, c.start)
    if isinstance(other, Selector) and other.slice is not None:
        span = other.slice.span
        c.report("bad-path", "'diff' compares whole weights: no slice", span, Fix(span, ""))
    return [other]


def _reduce(c: Cursor, stage: str) -> list[Argument]:
    """reduce = "reduce" REDUCTION [ "axis" "=" ( INT | "(" INT { "," INT } ")" ) ]"""
    c.skip()
    c.expect("reduction", context=stage)
    token = c.token
    if token.kind != "word" or (token.text == "axis" and c.tokens[c.index + 1].text == "="):
        return [c.missing("missing-reduction", "reduction"), *_keywords(c, stage)]
    c.take()
    if token.text not in REDUCTIONS:
        meant = (REDUCTION_HABITS.get(token.text), *nearest(token.text, REDUCTIONS, 1))
        near = next((m for m in meant if m), None)
        what = f"there is no reduction '{token.text}': there are {', '.join(REDUCTIONS)}"
        c.report("no-such-reduction", what, token.span, Fix(token.span, near) if near else None)
    return [Word(token.text, span=token.span), *_keywords(c, stage)]


def _keywords(c: Cursor, stage: str) -> list[Argument]:
    """keywords = { WORD "=" value }"""
    known = KEYWORDS[stage][0]
    found: list[Argument] = []
    while True:
        c.skip()
        c.expect("keyword", context=stage)
        c.expect("separator")
        start = c.start
        if c.token.kind == "number" or c.at("(", "-", "["):
            c.report(
                "missing-keyword",
                f"expected '{known}=' before the value",
                c.token.span,
                Fix(Span(c.last.span.end, start), f" {known}="),
            )
        elif c.token.kind != "word":
            return found
        else:
            _keyword_name(c, stage, known, found)
        if c.beyond().kind == "end":
            c.expect("value", context=known)
            hole = c.missing("missing-value", "value")
            return [*found, Keyword(known, hole, span=c.since(start))]
        c.skip()
        found.append(Keyword(known, _value(c, stage, known), span=c.since(start)))


def _keyword_name(c: Cursor, stage: str, known: str, before: list[Argument]) -> None:
    """Take `axis=`, and report another name, a missing `=`, and a second one of its kind."""
    token = c.take()
    if token.text != known:
        what = f"'{stage}' has no argument '{token.text}'"
        c.report("no-such-argument", what, token.span, Fix(token.span, known))
    elif before:
        c.report("no-such-argument", f"a second '{known}'", token.span)
    c.skip()
    if c.take_if("=", "==") is None and not c.done:
        what = f"expected '=' after '{token.text}', found {named(c.token)}"
        c.report("missing-value", what, c.token.span, insertion(token.span.end, "="))


def _value(c: Cursor, stage: str, known: str) -> Expression:
    """value = INT | "(" INT { "," INT } [ "," ] ")" """
    c.expect("value", context=known)
    start, node = c.start, expression(c)
    span, comma = c.since(start), False
    while c.at(","):
        comma = True
        c.take()
        c.skip()
        expression(c)
    if isinstance(node, Missing):
        return node
    numbers = node.items if isinstance(node, Tuple) and known == "axis" else (node,)
    if comma and known == "axis":
        span = c.since(start)
        c.report(
            "bad-argument", "several axes are written in parentheses", span, Fix(span, f"({span.of(c.text)})")
        )
    elif (
        any(whole(n) is None for n in numbers) or not numbers or (known == "bins" and (whole(node) or 0) < 1)
    ):
        shape = "a whole number or several in parentheses" if known == "axis" else "a whole number from 1"
        c.report("bad-argument", f"expected {shape} after '{known}=', found '{span.of(c.text)}'", span)
    return node


def _superfluous_by(c: Cursor) -> None:
    """Take the `by` of `sort by size`, and report that it is not needed."""
    following = c.beyond()
    if following.text.casefold() != "by":
        return
    c.skip()
    start = c.last.span.end
    c.take()
    c.report(
        "other-language",
        "there is no 'by' before a column",
        following.span,
        Fix(Span(start, following.span.end), ""),
    )


_ARGUMENTS: dict[str, Callable[[Cursor, str], list[Argument]]] = {
    "where": _where,
    "sort": _sort,
    "head": _count,
    "tail": _count,
    "top": _top,
    "show": _columns,
    "count": _nothing,
    "stats": _nothing,
    "hist": _keywords,
    "group": _columns,
    "reduce": _reduce,
    "diff": _diff,
    "dequantize": _nothing,
}
