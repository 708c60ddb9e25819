"""Texts that the service is tried on: every query of the cases, and trees that tell what was read of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from weightrepl.model.tree import Content, Layer, Model

CASES = Path(__file__).parent.parent / "cases"
BEFORE = {"stages": "** | ", "expressions": "** | where "}
"""What stands before the texts of these files in a query."""


def queries() -> list[str]:
    """Return the text of every case of the language, right or wrong, each once; its page's examples are among them."""
    found: dict[str, None] = {}
    for path in sorted(CASES.glob("*.json")):
        if path.stem in ("trees", "files", "complete", "highlight", "signature"):
            continue
        for case in _cases(json.loads(path.read_text("utf-8"))):
            found[BEFORE.get(path.stem, "") + case["q"].replace("«", "").replace("»", "")] = None
    return list(found)


def _cases(groups: dict[str, list[dict[str, str]]]) -> Iterator[dict[str, str]]:
    for group in groups.values():
        yield from (case for case in group if isinstance(case, dict) and "q" in case)


class Lazy:
    """A model that is read level by level. read: the names of the layers whose content was asked for, in order."""

    def __init__(self, model: Model) -> None:
        self.read: list[str] = []
        self.model = Model(self._layer(model.root), model.names)

    def _layer(self, layer: Layer) -> Layer:
        def content() -> Content:
            self.read.append(layer.name)
            return Content(layer.weights, tuple(map(self._layer, layer.children)))

        return Layer(
            layer.name,
            content,
            class_name=layer.class_name,
            attributes=layer.attributes,
            built=layer.built,
            system=layer.system,
        )
