"""TensorFlow's checkpoints: `tf.train.Checkpoint`, `save_weights`, `tf.compat.v1.train.Saver`, V1 and V2.

Opened by the prefix, by one of its files, or by the `checkpoint` file that names the latest.
"""

from __future__ import annotations

import os

from weightrepl.model.tree import Model
from weightrepl.readers.flat_keys import flat_model
from weightrepl.readers.graph_objects import nodes_of, objects_of
from weightrepl.readers.graph_tree import tree_of
from weightrepl.readers.guards import STANDARD, Limits, Reading
from weightrepl.readers.tensor_bundle import Bundle, open_bundle

FORMAT = "TensorFlow checkpoint"


class CheckpointReader:
    """Opens checkpoints of TensorFlow's."""

    def recognises(self, path: str, head: bytes) -> bool:
        return not head and os.path.exists(path + ".index")

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        bundle = open_bundle(path, limits)
        try:
            if bundle.graph is None:
                return flat_model(bundle.tensors, path, FORMAT, bundle.close)
            return _model_of_objects(bundle, bundle.graph, path, limits)
        except BaseException:
            bundle.close()
            raise


def _model_of_objects(bundle: Bundle, graph: bytes, path: str, limits: Limits) -> Model:
    with Reading(path, "the graph of objects"):
        nodes, loose = nodes_of(objects_of(graph, limits, path), bundle.tensors, path)
        root, names = tree_of(nodes, os.path.basename(path), loose, limits, path)
    return Model(root, names, path, FORMAT, bundle.close)
