"""Legacy `.h5` and `.hdf5` files of Keras 0.3 to 3 and tf_keras, whole models and weights alone.

    model_weights/            (or the root itself, in a file of weights alone)
      layer_names             the layers of the outermost model, in its order
      <layer>/
        weight_names          the names of all weights in and below it, trainable ones first
        <weight name>         a dataset; `/` in the name makes groups
      top_level_model_weights/  weights of the model's own
    optimizer_weights/
    model_config, training_config, keras_version, backend

An attribute that is too long for HDF5 is cut into `layer_names0`, `layer_names1`, …. Keras 0.3 had `nb_layers`,
`layer_N` and `param_N` instead. What weightrepl saved has its addresses again; any other HDF5 file is shown as it is:
groups as layers, datasets as weights.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from weightrepl.errors import FormatError, UnsafeFileError
from weightrepl.model.tree import Layer, Model
from weightrepl.readers.flat_keys import Flat, flat_model, is_address
from weightrepl.readers.guards import STANDARD, Limits, Reading, parsed_json
from weightrepl.readers.hdf5 import SIGNATURE, Dataset, Group, open_hdf5
from weightrepl.readers.legacy_config import Node, layer_tree
from weightrepl.readers.legacy_contents import Contents, is_split, member
from weightrepl.readers.registry import HEAD_NBYTES
from weightrepl.readers.sources import ByteSource


class LegacyH5Reader:
    """Opens any HDF5 file that no other reader claims."""

    def recognises(self, path: str, head: bytes) -> bool:
        """Return whether it is HDF5; such a file may begin behind a block of the user's."""
        return _beginning(head) is not None

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        """Return the model. Listing it reads headers and attributes, never values."""
        source = ByteSource(path, limits)
        try:
            with Reading(path):
                return _opened(source)
        except BaseException:
            source.close()
            raise


def _beginning(head: bytes) -> int | None:
    """Return where an HDF5 file begins: at byte 0, 512, 1024, 2048, …"""
    starts = (0, *(512 << k for k in range(8)))
    return next((start for start in starts if head.startswith(SIGNATURE, start)), None)


def _opened(source: ByteSource) -> Model:
    head = source.read(0, min(source.size, HEAD_NBYTES))
    root = open_hdf5(source, _beginning(head) or 0)
    if not root.members and not root.attributes:
        raise FormatError("the file is empty HDF5: it was left when saving the model broke off", source.path)
    if not root.attributes and (saved := _saved(root, source.path)):
        return flat_model(saved, source.path, "HDF5 file", source.close, source.limits)
    base = os.path.basename(source.path)
    stem = base.partition(".")[0] or base
    stored = _weights_of(root)
    version = _version(root, stored)
    tree, remark = _config(root, source, version)
    if "nb_layers" in stored.attributes:
        remark = "Keras 0.3 recorded no names"
    name = tree.name if tree is not None and tree.name else stem
    layer = Layer(
        name,
        Contents(source, root, stored, tree, version).read,
        class_name=tree.class_name if tree is not None else None,
        remark=remark,
    )
    return Model(layer, tuple(dict.fromkeys((name, stem))), source.path, _format(root, stored), source.close)


def _saved(root: Group, path: str) -> list[Flat]:
    """Return the tensors of a file whose keys are addresses, as weightrepl writes them; none of any other file."""
    found = []
    try:
        for each in _datasets(root):
            if not is_address(each.path):
                return []
            found.append(Flat(each.path, each.spec, each.tensor, path, each.unreadable or ""))
    except (FormatError, UnsafeFileError):  # what is damaged is put aside where the file is shown as it is
        return []
    return found


def _datasets(group: Group) -> Iterator[Dataset]:
    for found in group.members.values():
        if isinstance(found, Group):
            yield from _datasets(found)
        else:
            yield found


def _weights_of(root: Group) -> Group:
    """Return the group of the layers: the root itself in a file of weights alone."""
    found = member(root, "model_weights")
    return found if isinstance(found, Group) else root


def _format(root: Group, stored: Group) -> str:
    """Return in words what kind of file it is."""
    if "nb_layers" in stored.attributes:
        return "Keras 0.3 weights (HDF5)"
    if not is_split(stored.attributes, "layer_names"):
        return "HDF5 file"
    kind = "model" if "model_config" in root.attributes else "weights"
    written = root.attributes.get("keras_version", stored.attributes.get("keras_version"))
    return (
        f"Keras {written} {kind} (legacy HDF5)" if isinstance(written, str) else f"Keras {kind} (legacy HDF5)"
    )


def _version(root: Group, stored: Group) -> int:
    """Return Keras's major version; files of weights alone name it only from Keras 2 on."""
    for attributes in (root.attributes, stored.attributes):
        written = attributes.get("keras_version")
        if isinstance(written, str) and written[:1].isdigit():
            return int(written[0])
    return 1


def _config(root: Group, source: ByteSource, major: int) -> tuple[Node | None, str | None]:
    """Return the layers that the file's configuration lists, or None and, where it is damaged, why."""
    text = root.attributes.get("model_config")
    if not isinstance(text, str):
        return None, None if text is None else "the model's configuration is no text and was left out"
    try:
        entry = parsed_json(text.encode("utf-8", "surrogatepass"), source.path, "model_config", source.limits)
    except FormatError as error:
        return None, f"the model's configuration was left out: {error.reason}"
    return layer_tree(entry, "", source.limits, source.path, major), None
