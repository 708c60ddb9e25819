"""What Keras 2 records of layers in a SavedModel: `keras_metadata.pb`, or JSON in the graph of objects itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from weightrepl.readers.guards import Limits, Reading, bound, followed, parsed_json
from weightrepl.readers.protobuf import BYTES, VARINT, fields
from weightrepl.readers.saved_model_graph import SavedObject, is_keras_2
from weightrepl.readers.sources import ByteSource

_FILE = "keras_metadata.pb"
_BOOKS = ("variables", "trainable_variables", "non_trainable_variables", "regularization_losses")
_API, _METRICS = "keras_api", "metrics"


class KerasLayer(NamedTuple):
    """What is recorded of a layer."""

    name: str
    class_name: str | None


class KerasObjects:
    """The objects of a SavedModel as Keras 2 records them.

    layers: by their numbers. frozen: numbers of the variables of layers that training may not change.

    Raises (on making one):
        FormatError: the records are damaged. UnsafeFileError: they claim more than the limits allow.
    """

    __slots__ = ("_apis", "_lists", "_metrics", "_objects", "frozen", "layers")

    def __init__(self, folder: str, objects: Sequence[SavedObject], limits: Limits) -> None:
        self._objects = objects
        self.layers = dict(_recorded_in(folder, objects, limits))
        ours = {number for number, each in enumerate(objects) if is_keras_2(each)}
        self._apis = self._held(ours, _API)
        self._lists = self._held(self._apis, _METRICS)
        self._metrics = self._held(self._lists)
        listed, trained = (self._held(self._held(ours, name)) for name in _BOOKS[:2])
        self.frozen = listed - trained

    def _held(self, holders: Iterable[int], wanted: str | None = None) -> set[int]:
        """Return what objects hold under a name, or at all."""
        held = (each for number in holders for each in self._objects[number].children)
        return {child for name, child in held if wanted in (None, name)}

    def children(self, number: int) -> tuple[tuple[str, int], ...]:
        """Return what an object holds, without functions, and without the lists in which Keras keeps books.

        What Keras holds for its own use, as `keras_api`, is only looked into for metrics, and metrics only there.
        """
        held = self._objects[number].children
        if number in self._apis:
            return tuple((name, child) for name, child in held if name == _METRICS)
        books = _BOOKS if is_keras_2(self._objects[number]) else ()
        elsewhere = () if number in self._lists else self._metrics
        return tuple(
            (name, child)
            for name, child in held
            if name not in books and child not in elsewhere and self._is_thing(child)
        )

    def _is_thing(self, number: int) -> bool:
        return bool(self._objects[number].kind or self._objects[number].variable)


def _recorded_in(
    folder: str, objects: Sequence[SavedObject], limits: Limits
) -> Iterator[tuple[int, KerasLayer]]:
    path = os.path.join(folder, _FILE)
    if os.path.lexists(path):
        texts = list(_in_file(followed(path, folder, path, limits), limits))
    else:
        path = os.path.join(folder, "saved_model.pb")
        texts = [(i, each.metadata) for i, each in enumerate(objects) if is_keras_2(each) and each.metadata]
    for number, text in texts:
        layer = _layer(parsed_json(text, path, f"object {number}", limits))
        if layer is not None:
            yield number, layer


def _in_file(path: str, limits: Limits) -> Iterator[tuple[int, bytes]]:
    source = ByteSource(path, limits)
    try:
        bound(source.size, "json_nbytes", "bytes of metadata", limits, path)
        buffer = source.read(0, source.size)
    finally:
        source.close()
    with Reading(path):
        for node, kind, begin, end in fields(buffer):
            if node == 1 and kind == BYTES:
                number, text = 0, b""
                for field, wire, one, two in fields(buffer, begin, end):
                    if field == 2 and wire == VARINT:
                        number = one
                    elif field == 5 and wire == BYTES:
                        text = buffer[one:two]
                if text:
                    yield number, text


def _layer(json: object) -> KerasLayer | None:
    if not isinstance(json, Mapping) or not isinstance(json.get("name"), str):
        return None
    class_name = json.get("class_name")
    known = class_name.rpartition(">")[2] if isinstance(class_name, str) else None
    return KerasLayer(json["name"], known)
