"""The query language as text: tokens, syntax, globs, printing. Knows no model."""
