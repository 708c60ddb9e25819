"""Values of a live variable: sliced where they lie, then copied; and other values for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from weakref import ref

from weightrepl.errors import ChangedError, SourceError
from weightrepl.model.tensor import Array, AxisIndex, TensorSpec, read_in_pieces

DELETED = "the model was deleted, or this weight taken out of it; select again"
_IN_A_SESSION = (
    "of a graph of TensorFlow 1 only a session has the values; save a checkpoint there, and open that"
)


class VariableTensor:
    """The values of a variable at the moment when they are asked for, on any backend of Keras; it may be deleted."""

    def __init__(self, variable: Any, spec: TensorSpec, place: str) -> None:
        self._variable, self._spec, self._place = ref(variable), spec, place

    def variable(self) -> Any:
        """Return the `tf.Variable` that holds the values; the variable itself where TensorFlow does not hold them.

        Raises:
            ChangedError: it was deleted.
        """
        variable = self._there()
        held = vars(variable).get("_value") if _is_keras(variable) else None
        return held if type(held).__module__.startswith("tensorflow.") else variable

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        """Return the caller's own copy of the values at `index`.

        Raises:
            ChangedError: the variable was deleted, or has been given another shape since.
            SourceError: the backend does not give its values (not initialised, donated, deleted).
        """
        variable = self._there()
        try:
            value = _tensor_of(variable)
            if self._spec.shape is None or tuple(value.shape) == self._shape:
                return _copied(_taken(value, index))
        except Exception as error:  # each backend has errors of its own
            raise SourceError(_told("the variable gives no values", error), place=self._place) from error
        raise self._reshaped(value)

    def write(self, values: Array) -> None:
        """Give the variable other values, of its shape and dtype.

        Raises:
            ChangedError: the variable was deleted, or has been given another shape since.
            SourceError: the backend refuses them.
        """
        variable = self._there()
        try:
            value = _tensor_of(variable)
            if self._spec.shape is None or tuple(value.shape) == self._shape:
                variable.assign(values)
                return
        except Exception as error:  # each backend has errors of its own
            raise SourceError(_told("the variable takes no values", error), place=self._place) from error
        raise self._reshaped(value)

    def _there(self) -> Any:
        variable = self._variable()
        if variable is None:
            raise ChangedError(DELETED, place=self._place)
        if getattr(variable, "_in_graph_mode", False):
            raise SourceError(_IN_A_SESSION, place=self._place)
        return variable

    @property
    def _shape(self) -> tuple[int, ...]:
        return self._spec.shape or ()

    def _reshaped(self, value: Any) -> ChangedError:
        reason = f"the variable's shape was {self._shape} and is now {tuple(value.shape)}"
        return ChangedError(reason, place=self._place)

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield the values piece by piece; only one piece is copied from the device at a time."""
        return read_in_pieces(self, self._spec, max_nbytes)


def _told(what: str, error: Exception) -> str:
    """Return what failed, with the first line of what the backend says of it; others are for its own developers."""
    first, *_ = str(error).strip().splitlines() or [type(error).__name__]
    return f"{what}: {first}"


def spec_of(variable: Any) -> TensorSpec:
    """Return shape and dtype of a variable, without its values."""
    if _is_keras(variable):  # its `dtype` is another within an autocast scope, and both are slow
        return TensorSpec(tuple(vars(variable)["_shape"]), str(vars(variable)["_dtype"]))
    shape = variable.shape
    if not shape.is_fully_defined():
        try:
            shape = variable.read_value().shape
        except Exception:  # it has no value so far, for which the library has errors of its own
            return TensorSpec(None, variable.dtype.name)
    known = shape.is_fully_defined()  # not so in a graph of TensorFlow 1
    return TensorSpec(tuple(shape.as_list()) if known else None, variable.dtype.name)


def _tensor_of(variable: Any) -> Any:
    """Return the backend's own tensor; a raw `tf.Variable` is one itself where its shape can't change."""
    if _is_keras(variable):
        return variable.value
    return variable if variable.shape.is_fully_defined() else variable.read_value()


def _is_keras(variable: Any) -> bool:
    return any(
        cls.__name__ == "Variable" and cls.__module__.startswith("keras.") for cls in type(variable).__mro__
    )


def _taken(value: Any, index: tuple[AxisIndex, ...]) -> Any:
    """Return `value` at `index`, still on its device: basic indexing first, then the one list."""
    if not index:
        return value
    taken = value[tuple(slice(None) if isinstance(i, tuple) else i for i in index)]
    axis = 0
    for i in index:
        if isinstance(i, tuple):
            return _gathered(taken, list(i), axis)
        axis += not isinstance(i, int)
    return taken


def _gathered(value: Any, positions: list[int], axis: int) -> Any:
    import numpy as np

    where = np.asarray(positions, np.int64)
    if type(value).__module__.startswith("tensorflow."):
        return sys.modules["tensorflow"].gather(value, where, axis=axis)
    return value[(slice(None),) * axis + (where,)]


def _copied(value: Any) -> Array:
    """Return a NumPy array of its own. Keras's backend knows how, for bfloat16 on torch too."""
    if type(value).__module__.startswith("tensorflow."):
        array = value.numpy()  # what is no array is a scalar or a string
    else:
        array = sys.modules["keras.src.backend"].convert_to_numpy(value)
    import numpy as np

    array = np.asarray(array)
    return array if array.flags.owndata else array.copy()
