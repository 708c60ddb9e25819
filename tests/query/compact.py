"""Syntax trees as the cases write them: lists and strings, as short as they stay readable.

a literal name            "kernel"                     a pattern             ["glob", "a", ["*"]]
a segment                 a name, ["**"], ["."], [".."], {"name", "ordinal", "class"}, {"attribute", …}
a selector                {"path": […], "weight": …}, with "root", "not", "ordinal", "slice" where they are given
an expression             "column", 5, {"text": "a"}, true, ["==", left, right], ["tuple", …], ["shape", [0]]
a stage                   ["sort", ["desc", "size"]], ["reduce", "norm", {"axis": 0}]
a hole                    {"missing": "what was expected"}
"""

from __future__ import annotations

from typing import Any

from weightrepl.query import syntax as s


def compact(node: Any) -> Any:
    """Return a node as the cases write it."""
    match node:
        case s.Missing():
            return {"missing": node.expected}
        case s.Query():
            parts = {
                "select": [compact(x) for x in node.selectors],
                "stages": [compact(x) for x in node.stages],
            }
            return {key: value for key, value in parts.items() if value}
        case s.Selector():
            return _selector(node)
        case s.Reference():
            return {"not": True, "reference": node.name} if node.negated else {"reference": node.name}
        case s.Glob():
            return node.literal if node.literal is not None else ["glob", *map(_part, node.parts)]
        case s.Stage():
            return [node.name, *map(compact, node.arguments)]
        case s.SortKey():
            return ["desc", node.column.text] if node.descending else node.column.text
        case s.Keyword():
            return {node.name: compact(node.value)}
    return _expression(node)


def _selector(node: s.Selector) -> Any:
    out: dict[str, Any] = {"not": True} if node.negated else {}
    if node.path is not None:
        out |= {"root": True} if node.path.absolute else {}
        out["path"] = [_segment(x) for x in node.path.segments]
    if node.weight is not None:
        out["weight"] = compact(node.weight.glob)
        out |= {"ordinal": node.weight.ordinal} if node.weight.ordinal else {}
    if node.slice is not None:
        out["slice"] = [_index(x) for x in node.slice.items]
    return out


def _segment(node: s.Segment) -> Any:
    match node:
        case s.Deep():
            return ["**"]
        case s.Here():
            return ["."]
        case s.Parent():
            return [".."]
        case s.Missing():
            return compact(node)
    out: dict[str, Any] = {}
    if node.glob is not None:
        out["attribute" if isinstance(node, s.Dotted) else "name"] = compact(node.glob)
    out |= {"ordinal": node.ordinal} if node.ordinal else {}
    out |= {"class": compact(node.class_glob)} if node.class_glob is not None else {}
    return out["name"] if list(out) == ["name"] else out


def _part(part: s.GlobPart) -> Any:
    match part:
        case s.Text():
            return part.text
        case s.AnyRun():
            return ["*"]
        case s.AnyOne():
            return ["?"]
        case s.CharClass():
            return ["none of" if part.negated else "one of", *map(_member, part.members)]
        case s.Braces():
            return ["either", *map(compact, part.alternatives)]
        case s.Range():
            return ["range", part.low, part.high, *([part.pad] if part.pad else [])]
    return compact(part)


def _member(member: Any) -> Any:
    return (
        f"[:{member.name}:]"
        if isinstance(member, s.PosixClass)
        else list(member)
        if len(member) > 1
        else member
    )


def _index(item: s.SliceItem) -> Any:
    match item:
        case s.Index():
            return item.value
        case s.Bounds():
            return [item.start, item.stop, item.step]
        case s.Ellipsis():
            return "..."
        case s.IndexList():
            return {"list": list(item.values)}
    return compact(item)


def _expression(node: Any) -> Any:
    match node:
        case s.Number():
            return node.value if abs(node.value) < float("inf") else {"number": node.text}
        case s.String():
            return {"text": node.value}
        case s.Boolean():
            return node.value
        case s.Word():
            return node.text
        case s.AnySize():
            return ["_"]
        case s.Ellipsis():
            return ["..."]
        case s.Tuple():
            return ["tuple", *map(compact, node.items)]
        case s.Subscript():
            return [node.column.text, [node.index]]
        case s.Unary():
            return [node.operator, compact(node.operand)]
        case s.Binary():
            return [node.operator, compact(node.left), compact(node.right)]
        case s.Membership():
            return ["not in" if node.negated else "in", compact(node.operand), compact(node.items)]
    raise TypeError(node)
