"""Values of a live variable: sliced where they lie, then copied."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from weightrepl.errors import ChangedError, SourceError
from weightrepl.model.tensor import AxisIndex, TensorSpec, dtype_bits, pieces

if TYPE_CHECKING:
    from weightrepl.model.tensor import Array


class VariableTensor:
    """The values of a variable at the moment when they are asked for, on any backend of Keras.

    Holds the variable, and so keeps it alive.
    """

    def __init__(self, variable: Any, spec: TensorSpec, place: str) -> None:
        self._variable, self._spec, self._place = variable, spec, place

    def read(self, index: tuple[AxisIndex, ...] = ()) -> Array:
        """Return the caller's own copy of the values at `index`.

        Raises:
            ChangedError: the variable has been given another shape since.
            SourceError: the backend does not give its values (not initialised, donated, deleted).
        """
        shape = self._spec.shape or ()
        try:
            value = self._value()
            if tuple(value.shape) == shape:
                return _copied(_taken(value, index))
        except (RuntimeError, ValueError, TypeError, AttributeError) as error:
            raise SourceError(f"the variable gives no values: {error}", place=self._place) from error
        found = tuple(value.shape)
        raise ChangedError(f"the variable's shape was {shape} and is now {found}", place=self._place)

    def blocks(self, max_nbytes: int) -> Iterator[Array]:
        """Yield the values piece by piece; only one piece is copied from the device at a time."""
        itemsize = max(1, (dtype_bits(self._spec.dtype) or 8) // 8)
        for index in pieces(self._spec.shape or (), max(1, max_nbytes // itemsize)):
            yield self.read(index).reshape(-1)

    def _value(self) -> Any:
        """Return the backend's own tensor; a raw `tf.Variable` is one itself."""
        return self._variable.value if _is_keras(self._variable) else self._variable


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
    import numpy as np

    backend = sys.modules.get("keras.src.backend")
    array: Array = np.array(value) if backend is None else backend.convert_to_numpy(value)
    return array if array.flags.owndata else array.copy()
