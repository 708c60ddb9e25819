"""Models in memory, written as an outline: what the cases of the language are asked over.

    larger_model @LargerModel
      custom_module @CustomModule .module
        inner_dense1 @Dense .dense1
          :kernel (10, 12)
          :bias (12,) float32 trainable

Two blanks a level. A layer: its name, then `@Class`, `.attribute` (several; `.?` not recorded), `unbuilt`,
`&id` (referred to elsewhere by a line `*id`), at the end `unbuilt=LINE` or `~REMARK`. A name that begins with
`!.` is a system layer. A weight: `:name (shape) dtype`, then `trainable`, `frozen` or `unknown`, `key=…`, `&id`, and
`=[1,2,NaN]` for its values in C order, one for all of them (`=0.5`), else they count up from 0.
Odd names stand in quotes, as JSON writes them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from weightrepl.model.tensor import AxisIndex, TensorSpec, numpy_dtype, take
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.model.workspace import Workspace

WORD = re.compile(r'~.*|unbuilt=.*|:?!?"(?:[^"\\]|\\.)*"|\([^)]*\)|\S+')


class ArraySource:
    """A tensor in memory; counts what is read of it."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.reads, self.blocks_read = array, [], 0

    def read(self, index: tuple[AxisIndex, ...] = ()) -> np.ndarray:
        self.reads.append(index)
        return take(self.array, index).copy()

    def blocks(self, max_nbytes: int) -> Iterator[np.ndarray]:
        step = max(1, max_nbytes // self.array.itemsize)
        flat = self.array.reshape(-1)
        for i in range(0, flat.size, step):
            self.blocks_read += 1
            yield flat[i : i + step].copy()


class VariableSource(ArraySource):
    """A variable in memory, whose values can be changed; counts how often that was done."""

    writes = 0

    def variable(self) -> VariableSource:
        return self

    def write(self, values: np.ndarray) -> None:
        assert values.shape == self.array.shape
        assert values.dtype == self.array.dtype or values.dtype.kind == self.array.dtype.kind == "U"
        self.array, self.writes = values.copy(), self.writes + 1


def model(
    outline: str | Iterable[str], names: tuple[str, ...] = (), source: str = "", live: bool = False
) -> Model:
    """Return the model that an outline describes; it answers to `names`, then to its root's name.

    live: whether its weights are variables, to which other values can be written.
    """
    lines = outline.splitlines() if isinstance(outline, str) else list(outline)
    root = _Outline([line for line in lines if line.strip()], VariableSource if live else ArraySource).root()
    return Model(root, tuple(dict.fromkeys((*names, root.name))), source, "outline")


def workspace(*models: Model) -> Workspace:
    """Return the workspace of these models."""
    return Workspace(models)


class _Outline:
    def __init__(self, lines: list[str], source: type[ArraySource]) -> None:
        self.lines, self.source, self.known = lines, source, {}

    def root(self) -> Layer:
        layer = self._layer(0)
        assert isinstance(layer, Layer)
        return layer

    def _level(self, at: int) -> int:
        return (len(self.lines[at]) - len(self.lines[at].lstrip())) // 2

    def _parts(self, at: int) -> Iterator[int]:
        """Yield the lines one level below line `at`."""
        level = self._level(at)
        for i in range(at + 1, len(self.lines)):
            if self._level(i) <= level:
                return
            if self._level(i) == level + 1:
                yield i

    def _layer(self, at: int) -> Layer:
        word, *rest = WORD.findall(self.lines[at].strip())
        if word.startswith("*"):
            layer = self.known[word[1:]]
            assert isinstance(layer, Layer)
            return layer
        options = _options(rest)
        shared = f"*{options['id']}" in (line.strip() for line in self.lines)
        system = word.startswith("!")
        layer = Layer(
            _name(word.removeprefix("!")),
            class_name=options["class"],
            attributes=options["attributes"],
            built=options["built"],
            build_line=options["build_line"],
            system=system,
            shared=shared,
            remark=options["remark"],
        )
        self.known[options["id"]] = layer
        weights, children = [], []
        for i in self._parts(at):
            line = self.lines[i].strip()
            if line.startswith(":") or isinstance(self.known.get(line[1:]), Weight):
                weights.append(self._weight(line))
            else:
                children.append(self._layer(i))
        layer._content = Content(tuple(weights), tuple(children))
        return layer

    def _weight(self, line: str) -> Weight:
        if line.startswith("*"):
            return self.known[line[1:]]
        word, *rest = WORD.findall(line)
        options = _options(rest)
        shape, dtype = options["shape"], options["dtype"]
        counting = np.arange(math.prod(shape or ()), dtype=np.float64)
        given = counting if options["values"] is None else np.resize(options["values"], counting.shape)
        values = given.astype("U" if dtype == "string" else numpy_dtype(dtype)).reshape(shape or ())
        weight = Weight(
            _name(word[1:]),
            TensorSpec(shape, dtype),
            self.source(values),
            trainable=options["trainable"],
            key=options["key"],
            shared=f"*{options['id']}" in (line.strip() for line in self.lines),
            remark=options["remark"],
        )
        self.known[options["id"]] = weight
        return weight


def _name(word: str) -> str:
    return json.loads(word) if word.startswith('"') else word


def _options(words: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {
        "class": None, "attributes": (), "built": True, "build_line": None, "id": "", "remark": None,
        "shape": None, "dtype": "float32", "trainable": True, "key": None,
        "values": None,
    }  # fmt: skip
    for word in words:
        if word.startswith("@"):
            options["class"] = word[1:]
        elif word == ".?":
            options["attributes"] = None
        elif word.startswith("."):
            options["attributes"] += (word[1:],)
        elif word.startswith("&"):
            options["id"] = word[1:]
        elif word.startswith("~"):
            options["remark"] = word[1:]
        elif word.startswith("unbuilt"):
            options["built"], options["build_line"] = False, word.partition("=")[2] or None
        elif word.startswith("("):
            options["shape"] = tuple(int(size) for size in word.strip("()").split(",") if size.strip())
        elif word.startswith("key="):
            options["key"] = word[4:]
        elif word.startswith("="):
            options["values"] = json.loads(word[1:])
        elif word in ("trainable", "frozen", "unknown"):
            options["trainable"] = {"trainable": True, "frozen": False, "unknown": None}[word]
        else:
            options["dtype"] = word
    return options
