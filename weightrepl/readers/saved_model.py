"""TensorFlow's SavedModel folders, of TensorFlow 1 and 2, of Keras 2 and 3: nothing of their graphs is run."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import chain

from weightrepl.errors import FormatError
from weightrepl.model.tree import Layer, Model
from weightrepl.readers.checkpoint_names import named_tree
from weightrepl.readers.graph_tree import Node, tree_of
from weightrepl.readers.guards import STANDARD, Limits, Reading, followed
from weightrepl.readers.saved_model_export import export_tree, is_export
from weightrepl.readers.saved_model_graph import SavedGraph, SavedObject, functions_of, graph_of
from weightrepl.readers.saved_model_keras import KerasObjects
from weightrepl.readers.saved_model_scopes import Read, names_of, reads_in
from weightrepl.readers.saved_model_stored import Stored
from weightrepl.readers.sources import ByteSource, stem_of
from weightrepl.readers.tensor_bundle import Bundle, open_bundle

_FILE = "saved_model.pb"


class SavedModelReader:
    """Opens folders that hold a `saved_model.pb`; also by that file, or by what is in `variables`."""

    def recognises(self, path: str, head: bytes) -> bool:
        return _folder(path) is not None

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        folder = _folder(path) or path
        source = ByteSource(followed(os.path.join(folder, _FILE), folder, path, limits), limits)
        try:
            bundle = _bundle(folder, path, limits)
            try:
                with Reading(source.path):
                    graph = graph_of(source)
                    root, names = _tree(bundle, source, graph, folder)
            except BaseException:
                bundle.close()
                raise
        finally:
            source.close()
        return Model(root, names, path, "SavedModel", bundle.close)


def _bundle(folder: str, path: str, limits: Limits) -> Bundle:
    """Return the checkpoint with the variables; nothing where there is none."""
    prefix = os.path.join(folder, "variables", "variables")
    if not os.path.lexists(prefix + ".index"):
        return Bundle((), None, lambda: None)
    followed(prefix + ".index", folder, path, limits)
    return open_bundle(prefix, limits)


def _tree(
    bundle: Bundle, source: ByteSource, graph: SavedGraph, folder: str
) -> tuple[Layer, tuple[str, ...]]:
    """Return the root layer, and the names that the model answers to."""
    stem = stem_of(folder)
    if not (bundle.tensors or graph.trainable or any(each.variable for each in graph.objects)):
        return Layer(stem, remark="it holds no variables"), (stem,)
    if graph.objects:
        return _tree_of_objects(bundle, source, graph, folder)
    if not bundle.tensors:
        raise FormatError("its variables are not there: no 'variables/variables.index'", folder)
    return named_tree(bundle.tensors, stem, source.limits, source.path, graph.trainable)


def _tree_of_objects(
    bundle: Bundle, source: ByteSource, graph: SavedGraph, folder: str
) -> tuple[Layer, tuple[str, ...]]:
    objects, stem = graph.objects, stem_of(folder)
    stored = Stored(objects, bundle, os.path.join(folder, "variables"), source.limits)
    keras = KerasObjects(folder, objects, source.limits)
    reads = [] if keras.layers else _reads(source, graph)
    if is_export(objects):
        return export_tree(objects, stored, reads, stem, source.limits, source.path)
    nodes = _nodes(objects, stored, keras, names_of(objects, reads))
    return tree_of(nodes, stem, stored.loose, source.limits, source.path)


def _reads(source: ByteSource, graph: SavedGraph) -> list[Read]:
    """Return what the traced functions of a graph read."""
    functions = functions_of(source, graph, {name for name, captured in graph.captured.items() if captured})
    found = (reads_in(each, graph.captured[each.name], source.limits, source.path) for each in functions)
    return list(chain.from_iterable(found))


def _nodes(
    objects: Sequence[SavedObject], stored: Stored, keras: KerasObjects, names: Mapping[int, str]
) -> list[Node]:
    """Return the objects as nodes, behind them what some have beside variables. names: of layers of Keras 3."""
    held = [keras.children(number) for number in range(len(objects))]
    others: list[Node] = []
    for number, name, tensor in stored.others:
        held[number] += ((name, len(objects) + len(others)),)
        others.append(Node(tensor=tensor))
    nodes = []
    for number, each in enumerate(objects):
        layer, variable = keras.layers.get(number), each.variable
        nodes.append(
            Node(
                held[number],
                stored.tensors.get(number),
                variable.name if variable else None,
                variable.trainable and number not in keras.frozen if variable else None,
                layer.name if layer else names.get(number),
                layer.class_name if layer else None,
                each.kind,
                each.slots,
            )
        )
    return nodes + others


def _folder(path: str) -> str | None:
    """Return the folder of the SavedModel that a path belongs to, None if it belongs to none."""
    above = os.path.dirname(os.path.normpath(path))
    candidates = [path] if os.path.isdir(path) else []
    name = os.path.basename(os.path.normpath(path))
    if name in (_FILE, "variables"):
        candidates.append(above)
    if name in ("variables", "variables.index") and os.path.basename(above) == "variables":
        candidates.append(os.path.dirname(above))
    return next((each for each in candidates if os.path.isfile(os.path.join(each, _FILE))), None)
