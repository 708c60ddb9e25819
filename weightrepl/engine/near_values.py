"""Recognises a text that a condition compares with and no row has, where a row has what was meant: `dtype == fp32`."""

from __future__ import annotations

from collections.abc import Iterator

from weightrepl.engine.relation import Relation
from weightrepl.errors import Fix, Problem
from weightrepl.query.syntax import Binary, Expression, String, Word
from weightrepl.spans import visible

_DTYPES = {
    "fp16": "float16", "half": "float16", "bf16": "bfloat16", "fp32": "float32", "float": "float32",
    "single": "float32", "fp64": "float64", "double": "float64", "int": "int32", "long": "int64",
}  # fmt: skip
"""What dtypes are called elsewhere."""


def near_values(expression: Expression, given: Relation) -> Iterator[Problem]:
    """Yield a note for each such text of a condition that held for no row. Reads no values."""
    match expression:
        case Binary(operator="and" | "or", left=left, right=right):
            yield from near_values(left, given)
            yield from near_values(right, given)
        case Binary(
            operator="==",
            left=Word(text="class" | "dtype" | "layer" | "name" as column),
            right=Word(text=str(text)) | String(value=str(text)),
        ):
            fix = _fix(column, text, expression, given)
            if fix is not None:
                yield Problem("no-match", f"no row has the {column} '{visible(text)}'", fix.span, fix, "note")


def _fix(column: str, text: str, compared: Binary, given: Relation) -> Fix | None:
    of = given.columns[column].of
    there = dict.fromkeys(str(value) for row in given.rows if (value := of(row)) is not None)
    if text in there:
        return None
    plain = text.rpartition(".")[2]
    wanted = {text.casefold(), _DTYPES.get(plain, plain) if column == "dtype" else ""}
    if value := next((v for v in there if v.casefold() in wanted), None):
        return Fix(compared.right.span, value if value.isidentifier() else f'"{value}"')
    if column == "layer" and any(value.endswith(f"/{text}") for value in there):
        return Fix(compared.span, f'layer ~ "*/{text}"')
    return None
