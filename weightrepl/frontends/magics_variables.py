"""What a notebook's variables hold: which models, under which names, each once."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from weightrepl.model.tree import Model
from weightrepl.readers.registry import reader_of_object


def variables_of(shell: Any, local: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the user's variables as `%who` lists them, and those of the function that a magic is in."""
    hidden, nothing = shell.user_ns_hidden, object()
    found = {
        name: value
        for name, value in tuple(shell.user_ns.items())
        if not name.startswith("_") and hidden.get(name, nothing) is not value
    }
    if local is not None and local is not shell.user_ns:
        found.update((name, value) for name, value in local.items() if not name.startswith("_"))
    return found


def models_in(variables: Mapping[str, object]) -> list[tuple[object, tuple[str, ...]]]:
    """Return the models, each with the names that it has here; bare layers where there is no model at all."""
    held = {id(value) for value in variables.values()}
    models: dict[int, tuple[object, list[str]]] = {}
    layers: dict[int, tuple[object, list[str]]] = {}
    for name, value in variables.items():
        names, found, thing = [name], models, _thing(value)
        if isinstance(value, Model):
            names += value.names
            if id(thing) in held and thing is not None:
                value = thing  # which may have changed since it was opened
        elif (reader := reader_of_object(value)) is None:
            continue
        elif not reader.is_model(value):
            found = layers
        found.setdefault(identity(value), (value, []))[1].extend(names)
    found = models or layers
    for part in _parts([thing for thing, _ in found.values()]) if len(found) > 1 else ():
        found.pop(id(part), None)
    return [(thing, tuple(names)) for thing, names in found.values()]


def _thing(value: object) -> object | None:
    """Return the live object that a model was read from, if it is there; of anything else itself."""
    if isinstance(value, Model):
        return None if value.live is None else value.live.thing
    return value


def identity(value: object) -> int:
    """Return what tells models apart; the same for a live object and for models that were read from it."""
    thing = _thing(value)
    return id(value if thing is None else thing)


def _parts(values: list[object]) -> Iterator[object]:
    for thing in map(_thing, values):
        reader = reader_of_object(thing)
        if reader is not None:
            yield from reader.parts(thing)


def walked(path: str, variables: Mapping[str, object]) -> object:
    """Return what lies at a path of names, attributes and literal subscripts; None where nothing does."""
    try:
        return _step(ast.parse(path, mode="eval").body, variables)
    except Exception:  # whatever stops it, there is nothing there
        return None


def _step(node: ast.expr, variables: Mapping[str, Any]) -> Any:
    match node:
        case ast.Name(id=name):
            return variables[name]
        case ast.Attribute(value=above, attr=name):
            return getattr(_step(above, variables), name)
        case ast.Subscript(value=above, slice=key):
            return _step(above, variables)[ast.literal_eval(key)]
    raise ValueError
