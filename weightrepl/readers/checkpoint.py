"""TensorFlow's checkpoints: `tf.train.Checkpoint`, `save_weights`, `tf.compat.v1.train.Saver`, V1 and V2.

Opened by the prefix, by the `.index` file, by the `checkpoint` file that names the latest, or by the folder.
"""

from __future__ import annotations

import os

from weightrepl.model.tree import Model
from weightrepl.readers.flat_keys import flat_model
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.tensor_bundle import open_bundle


class CheckpointReader:
    """Opens checkpoints of TensorFlow's."""

    def recognises(self, path: str, head: bytes) -> bool:
        return not head and os.path.exists(path + ".index")

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        bundle = open_bundle(path, limits)
        return flat_model(bundle.tensors, path, "TensorFlow checkpoint", bundle.close)
