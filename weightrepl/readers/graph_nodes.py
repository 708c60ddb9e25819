"""An object of a graph, as a checkpoint or a SavedModel records it, and what it is: a list, an optimizer, a book."""

from __future__ import annotations

import re

from weightrepl.readers.flat_keys import Flat
from weightrepl.values import Value

METRICS = ("keras_api", "_loss_tracker", "_compile_metrics", "_metrics")
"""Attributes in which Keras holds metrics."""

CELL = "cell"
"""The attribute in which an RNN holds what has its weights; empty where that is a list of cells, in Keras 3."""

NUMBERED = re.compile(r"layer(_with_weights)?-\d+")
"""Attributes under which tf_keras lists the layers of a Functional or Sequential, and once more those with weights."""

_BOOKS = {
    # attributes that list again what others hold, or hold what no attribute of the author's does
    "_operations", "_layers", "_functional", "_tracker", "_all_variables", "_variables", "_trainable_variables",
    "_non_trainable_variables", "_trainable_weights", "_non_trainable_weights", "_self_tracked_trackables",
    "variables", "trainable_variables", "non_trainable_variables",
}  # fmt: skip
_INNER = {"inner_optimizer", "_optimizer", "base_optimizer"}
_OF_LOSS_SCALES = {"_loss_scale", "loss_scale", "dynamic_scale", "step_counter"}
_STEPS = {"_iterations", "iter", "beta1_power"}
_MORE_OF_OPTIMIZERS = {"_variables", "_learning_rate", "learning_rate", "decay", "beta2_power", "_momentums"}
_STATE = {"_state_var", "state_var"}
_STATE_NAMES = ("seed_generator_state", "StateVar", "rnn_state")


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

    @property
    def is_variable(self) -> bool:
        """Whether this is a variable, or another tensor of the file's."""
        return self.tensor is not None or self.variable is not None

    @property
    def has_values(self) -> bool:
        """Whether the file holds values that can be read."""
        return self.tensor is not None and not self.tensor.unread

    @property
    def own_name(self) -> str:
        """The last part of a variable's name: `kernel`."""
        return (self.variable or "").rpartition("/")[2]

    @property
    def is_list(self) -> bool:
        """Whether this is a list or tuple: its children have numbers."""
        if self.kind:
            return self.kind in ("trackable_list_wrapper", "trackable_tuple_wrapper")
        return bool(self.children) and all(name.isdecimal() for name, _ in self.children)

    @property
    def is_dict(self) -> bool:
        """Whether this is known for a dict."""
        return self.kind == "trackable_dict_wrapper"


def is_book(name: str) -> bool:
    """Return whether an attribute lists what the object or others hold also elsewhere."""
    return name in _BOOKS or NUMBERED.fullmatch(name) is not None


def is_optimizer(node: Node) -> bool:
    """Return whether an object is an optimizer: it has slots, or what those of Keras and TensorFlow have."""
    if node.slots or node.kind == "optimizer":
        return True
    names = {name for name, _ in node.children}
    if names & _STEPS and names & _MORE_OF_OPTIMIZERS:
        return True
    return bool(names & _INNER and names & _OF_LOSS_SCALES)


def is_state(name: str, node: Node) -> bool:
    """Return whether a variable held under `name` is bookkeeping: random state, an iterator's, a table's contents."""
    return node.variable is None or name in _STATE or node.variable.endswith(_STATE_NAMES)
