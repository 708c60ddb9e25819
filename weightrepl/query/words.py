"""The words of the language that have a meaning: stages, reductions, columns that hold text."""

from __future__ import annotations

STAGES = (
    "where", "sort", "head", "tail", "top", "show", "count",
    "stats", "hist", "group", "reduce", "diff", "dequantize",
)  # fmt: skip

STAGE_HABITS = {
    "filter": "where",
    "having": "where",
    "select": "show",
    "columns": "show",
    "order": "sort",
    "orderby": "sort",
    "sortby": "sort",
    "limit": "head",
    "first": "head",
    "take": "head",
    "last": "tail",
    "len": "count",
    "wc": "count",
    "describe": "stats",
    "summary": "stats",
    "histogram": "hist",
    "groupby": "group",
    "order_by": "sort",
    "sort_by": "sort",
    "length": "count",
    "group_by": "group",
    "aggregate": "reduce",
    "compare": "diff",
}
"""What a stage is called elsewhere."""

REDUCTIONS = ("min", "max", "mean", "sum", "std", "norm", "absmax")

REDUCTION_HABITS = {"avg": "mean", "average": "mean", "l2": "norm", "stddev": "std", "total": "sum"}

KEYWORDS = {"reduce": ("axis",), "hist": ("bins",)}
"""The arguments of a stage that are given by name."""

TEXT_COLUMNS = frozenset(
    (
        *("address", "name", "layer", "class", "dtype", "source", "key", "via"),
        *("scheme", "scale", "values", "flags", "other", "verdict", "hint"),
    )
)
"""The columns that a bare word is compared with as a string."""

SHOWN_COLUMNS = TEXT_COLUMNS - {"scale"} | {
    *("shape", "rank", "size", "bytes", "depth", "trainable", "params"),
    *("min", "max", "mean", "std", "norm", "absmax", "zeros", "nans", "infs", "sparsity"),
}
"""Columns that are asked for as if they were stages: `| shape`."""

COLUMN_HABITS = {
    "numel": "size", "params": "size", "n_params": "size", "length": "size", "elements": "size",
    "ndim": "rank", "ndims": "rank", "dim": "rank", "dims": "rank",
    "nbytes": "bytes", "memory": "bytes", "type": "class", "class_name": "class", "path": "address",
    "avg": "mean", "average": "mean", "stddev": "std", "minimum": "min", "maximum": "max", "l2": "norm",
    "nan": "nans", "isnan": "nans", "has_nan": "nans", "isinf": "infs", "has_inf": "infs",
}  # fmt: skip
"""What a column is called elsewhere."""

SAVING = ("dump", "export", "save", "write")
"""What a stage would be called that writes files, which none does."""

RESERVED = frozenset(("and", "or", "not", "in"))
"""The words that no operand can be."""
