"""Graphs of objects, as checkpoints and SavedModels record them, as trees of layers: names, slots, what is shared.

A layer is called as its author called it where that is recorded: by itself, by the names of its variables
(`larger_model/custom_module/kernel`), or by the scopes of traced functions; else by the attribute that holds it.
Lists and dicts hold layers under numbers and keys; those of Keras's own books (`_operations`, `layer-0`) fall away
where the layers below them have names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from weightrepl.errors import FormatError
from weightrepl.model.tree import Content, Layer
from weightrepl.readers.flat_keys import Flat
from weightrepl.values import Value

Scope = tuple[str, ...]
"""The names of the layers, outermost first, within which a variable was made or is read."""


class Node(Value):
    """An object of the graph.

    children: attribute, list position or dict key -> the number of the node held there, in the file's order.
    tensor: of a variable, what is stored; None of a variable that the file does not hold, and of what is none.
    variable: the name of a variable that TensorFlow or Keras gave it (`larger_model/dense/kernel`); None of others.
    name, class_name: of a layer, where its author's names are recorded. kind: how it is told from its like
        (`_tf_keras_layer`, `trackable_list_wrapper`, `_generic_user_object`); empty where that is not recorded.
    slots: of an optimizer: node of the variable, name of the slot, node of the slot's variable.
    """

    children: tuple[tuple[str, int], ...] = ()
    tensor: Flat | None = None
    variable: str | None = None
    trainable: bool | None = None
    name: str | None = None
    class_name: str | None = None
    kind: str = ""
    slots: tuple[tuple[int, str, int], ...] = ()


def tree_of(
    nodes: Sequence[Node],
    stem: str,
    scopes: Mapping[int, Sequence[Scope]] | None = None,
    loose: Sequence[Flat] = (),
) -> tuple[Layer, tuple[str, ...]]:
    """Return the root layer of a graph, of which node 0 is the root, and the names that the model answers to.

    stem: of the file. scopes: of variables, by node, those of the layers that read them in traced functions.
    loose: tensors of the file that no node of the graph has; they hang under `.unread`.
    A graph that holds one model (`tf.train.Checkpoint(model=…)`) is that model.

    Raises:
        FormatError: a node that is not there. UnsafeFileError: nested deeper than the limit.
    """
    if not nodes:
        raise FormatError("a graph without objects")
    return Layer(stem, Content(), system=False), (stem,)
