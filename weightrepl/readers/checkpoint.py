"""TensorFlow's checkpoints: `tf.train.Checkpoint`, `save_weights`, `tf.compat.v1.train.Saver`, V1 and V2.

Opened by the prefix, by one of its files, or by the `checkpoint` file that names the latest.
"""

from __future__ import annotations

import os

from weightrepl.model.tree import Layer, Model
from weightrepl.readers.checkpoint_files import files_of, is_checkpoint
from weightrepl.readers.checkpoint_names import named_tree
from weightrepl.readers.graph_objects import nodes_of, objects_of
from weightrepl.readers.graph_tree import tree_of
from weightrepl.readers.guards import STANDARD, Limits, Reading
from weightrepl.readers.tensor_bundle import Bundle, open_bundle
from weightrepl.readers.tensor_v1 import open_bundle_v1


class CheckpointReader:
    """Opens checkpoints of TensorFlow's."""

    def recognises(self, path: str, head: bytes) -> bool:
        return is_checkpoint(path, head)

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        prefix, old = files_of(path, limits)
        bundle = open_bundle_v1(old, limits) if old else open_bundle(prefix, limits)
        try:
            root, names = _tree(bundle, prefix, limits)
        except BaseException:
            bundle.close()
            raise
        return Model(root, names, path, "TensorFlow checkpoint", bundle.close)


def _tree(bundle: Bundle, prefix: str, limits: Limits) -> tuple[Layer, tuple[str, ...]]:
    """Return the root layer of a checkpoint, by its objects where it records them, else by the names of its tensors."""
    stem = os.path.basename(prefix)
    if bundle.graph is None:
        return named_tree(bundle.tensors, stem, limits, prefix)
    with Reading(prefix + ".index", "the graph of objects"):
        objects = objects_of(bundle.graph, limits, prefix)
    nodes, loose = nodes_of(objects, bundle.tensors, prefix)
    return tree_of(nodes, stem, loose, limits, prefix)
