"""Recognises how other tools write stages and conditions: `select(.size > 9)`, `sort -r`, `name contains a`."""

from __future__ import annotations

from weightrepl.errors import Fix
from weightrepl.query.cursor import insertion
from weightrepl.query.syntax import Missing
from weightrepl.query.words import RESERVED, SAVING, SHOWN_COLUMNS, STAGE_HABITS, STAGES
from weightrepl.spans import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor
    from weightrepl.query.tokens import Token

_OF_JQ = r"(?<![\w)\].])\.(?=[A-Za-z_])"
_PATTERNS = {"contains": "*{}*", "startswith": "{}*", "endswith": "*{}"}


def stage_meant(word: str) -> str:
    """Return the stage that a word means; "" where none is near."""
    near = () if word in SAVING else nearest(word, STAGES, 1)
    return STAGE_HABITS.get(word.casefold()) or (near[0] if near else "")


def called_stage(c: Cursor, name: Token) -> Missing:
    """Take `(…)` behind the name of a stage, as in `select(.size > 9)` and `head(3)`, and report how it is written."""
    import re

    first, depth = c.index, 0
    while not c.done and not c.at("|"):
        depth += c.at("(") - c.at(")")
        c.take()
        if depth == 0:
            break
    span = c.since(name.span.start)
    inner = re.sub(_OF_JQ, "", c.text[c.tokens[first].span.end : c.last.span.start]).strip()
    meant = "where" if name.text == "select" else stage_meant(name.text)
    fix = Fix(span, f"{meant} {inner}".rstrip()) if meant and depth == 0 else None
    what = f"there is no stage '{name.text}'"
    if name.text in STAGES:
        what = f"the arguments of '{name.text}' stand behind it, without parentheses"
    hint = None if meant else hint_of_stage(name)
    c.report("call" if name.text in STAGES else "no-such-stage", what, span, fix, hint=hint)
    c.skip_until("|")
    return Missing("a stage", span=span)


def words_of_stage(c: Cursor, name: Token) -> Fix | None:
    """Take `by` of `order by` and what `grep` looks for, and return the fix, also of a column; None of other words."""
    following = c.beyond()
    if name.text in SHOWN_COLUMNS:
        return Fix(name.span, f"show address, {name.text}")
    if name.text.casefold() == "order" and following.text.casefold() == "by":
        c.skip()
        return Fix(name.span.to(c.take().span), "sort")
    if name.text.casefold() in ("grep", "match", "search") and following.kind in ("word", "quoted"):
        c.skip()
        text = c.take().text.strip("\"'")
        return Fix(c.since(name.span.start), f'where address ~ "*{text}*"')
    return None


def column_of_jq(c: Cursor) -> Fix | None:
    """Return the fix for `.size` behind a `|`."""
    column = c.tokens[min(c.index + 1, len(c.tokens) - 1)]
    if not c.at(".") or column.kind != "word":
        return None
    return Fix(c.token.span.to(column.span), f"show {column.text}")


def hint_of_stage(name: Token) -> str:
    """Return what to say of a word that is no stage, and near none."""
    if name.text in SAVING:
        return "no stage writes: -o FILE does, at the prompt %save FILE QUERY"
    return f"the stages are {', '.join(STAGES)}"


def word_operator(c: Cursor) -> Fix | None:
    """Return the fix for what follows a column and is no comparison: `size 5`, `name contains ker`."""
    token, value = c.token, c.tokens[min(c.index + 2, len(c.tokens) - 1)]
    if token.kind not in ("word", "number", "quoted") or token.text in RESERVED:
        return None
    pattern = _PATTERNS.get(token.text.casefold())
    if pattern is not None and value.kind in ("word", "quoted"):
        text = value.text.strip("\"'")
        return Fix(token.span.to(value.span), f'~ "{pattern.format(text)}"')
    alone = c.tokens[c.index + 1].kind == "end" or value.kind == "end" or value.text in ("|", *RESERVED)
    return insertion(token.span.start, "== ") if alone else None
