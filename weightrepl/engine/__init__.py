"""A query over a tree: resolving selectors, columns, stages, and the result that users hold."""
