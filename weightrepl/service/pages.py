"""The help pages of stages, columns and operators: what hover, completion and `%help` show."""

from __future__ import annotations

from weightrepl.values import Value


class Page(Value):
    """Help on a word of the language.

    usage: how it is written (`top N COLUMN`). summary: one sentence, without a full stop. text: more, Markdown.
    examples: queries that run on any model.
    """

    usage: str
    summary: str
    text: str = ""
    examples: tuple[str, ...] = ()


STAGE_PAGES: dict[str, Page] = {}
COLUMN_PAGES: dict[str, Page] = {}
OPERATOR_PAGES: dict[str, Page] = {}
