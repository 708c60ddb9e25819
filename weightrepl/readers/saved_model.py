"""TensorFlow's SavedModel folders, of TensorFlow 1 and 2, of Keras 2 and 3: nothing of their graphs is run."""

from __future__ import annotations

import os

from weightrepl.model.tree import Model
from weightrepl.readers.flat_keys import flat_model
from weightrepl.readers.guards import STANDARD, Limits
from weightrepl.readers.tensor_bundle import open_bundle


class SavedModelReader:
    """Opens folders that hold a `saved_model.pb`."""

    def recognises(self, path: str, head: bytes) -> bool:
        return os.path.isfile(os.path.join(path, "saved_model.pb"))

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        bundle = open_bundle(os.path.join(path, "variables", "variables"), limits)
        return flat_model(bundle.tensors, path, "SavedModel", bundle.close)
