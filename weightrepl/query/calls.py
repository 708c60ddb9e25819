"""Recognises Python where a layer should be, `model.get_layer("a").get_weights()[0]`, and what asks for the same."""

from __future__ import annotations

import re

from weightrepl.errors import Fix
from weightrepl.query.printer import escape_name
from weightrepl.query.syntax import Missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weightrepl.query.cursor import Cursor

_QUOTED = r"""'[^'\n]*'|"[^"\n]*\""""
_LINK = re.compile(
    rf"""\.?(?P<name>[\w-]+)
    (?P<call>\((?:[^()'"\#\n]|{_QUOTED}|\((?:[^()'"\#\n]|{_QUOTED})*\))*\))?
    (?P<index>(?:\[(?:[^\[\]'"\#\n]|{_QUOTED})*\])*)""",
    re.VERBOSE,
)
_NAMED = re.compile(r"""\(\s*(?:name\s*=\s*)?(?:'([^'\\]+)'|"([^"\\]+)")\s*\)""")
_COUNTED = re.compile(r"[(\[]\s*(?:index\s*=\s*)?(\d+)\s*[)\]]")
_SLICE = re.compile(r"\[[\d\s:,.-]+\]")

_WEIGHTS = {
    *("get_weights", "weights", "trainable_weights", "non_trainable_weights"),
    *("variables", "trainable_variables", "non_trainable_variables"),
}
_OF_WEIGHTS = {"", "assign", "numpy", "read_value", "value"}
"""What is called of a weight, where it is called at all; all else is called of layers."""

_FUNCTIONS = {"dir", "help", "len", "list", "print", "type"}
"""What is called without a dot before it; any other name is one of a layer, which has a parenthesis in it."""


def called(c: Cursor) -> Missing | None:
    """Take an expression of Python that calls something, and report how that is asked for; None if there is none."""
    links: list[re.Match[str]] = []
    start = end = c.start
    while (link := _LINK.match(c.text, end, c.end)) and (not links or link[0].startswith(".")):
        links.append(link)
        end = link.end()
    made = [link["name"] for link in links if link["call"]]
    known = made and (made[0] in _FUNCTIONS or made[0] == "get_layer" or not links[0]["call"])
    if not known:
        return None
    while c.start < end:
        c.take()
    what = f"a query names layers and weights, and calls nothing such as {made[0]}()"
    if "get_layer" in made:
        what = "a layer is named, not called: '**/' finds it at any depth"
    asked = None if made[0] in _FUNCTIONS else _asked(links)
    c.report("call", what, c.since(start), None if asked is None else Fix(c.since(start), asked))
    return Missing("a layer", span=c.since(start))


def _asked(links: list[re.Match[str]]) -> str | None:
    """Return the path of the layer or weight that an expression leads to; None where that can't be told."""
    layers: list[str] = []
    attributes: list[str] = []  # behind the last of the layers; before the first one what holds the model
    weight = piece = method = ""
    for link in links:
        name, call, index = link["name"], link["call"], link["index"]
        if (name == "get_layer" and call) or (name == "layers" and index):
            layer = _layer(call or index)
            if layer is None:
                return None
            layers += (f".{each}" for each in attributes if layers)
            layers += (layer,) if layers or layer.startswith(".") else ("**", layer)
            attributes = []
        elif name in _WEIGHTS:
            weight = ":*"
            break
        elif call:
            method = name
            break
        else:
            attributes.append(name)
            piece = index if _SLICE.fullmatch(index) else ""
    if not layers:
        model = link.string[links[0].start() : link.start()]
        return ("**" if model in ("", "model") else model) + weight
    if attributes and not weight and method in _OF_WEIGHTS:
        weight = f":{attributes.pop()}{piece}"
    return "/".join((*layers, *(f".{each}" for each in attributes))) + weight


def _layer(told: str) -> str | None:
    """Return the segment of the layer that a name or a number in brackets tells."""
    if counted := _COUNTED.fullmatch(told):
        return f".layers.{counted[1]}"
    named = _NAMED.fullmatch(told)
    return None if named is None else escape_name(named[1] or named[2])
