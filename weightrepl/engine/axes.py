"""What the axes of a weight are: their names where the layer's class tells them, and which indices a slice took."""

from __future__ import annotations

from weightrepl.engine.schemes import scheme
from weightrepl.model.tensor import AxisIndex
from weightrepl.model.tree import Site
from weightrepl.values import Value

SPATIAL = ("steps", "depth", "height", "width")
"""The names of axes that lie in the plane (or line, or space) of a convolution's kernel."""

_NAMES = {
    ("Dense", "kernel"): ("inputs", "units"),
    ("Dense", "bias"): ("units",),
    ("Embedding", "embeddings"): ("tokens", "dimensions"),
    ("LSTM", "kernel"): ("inputs", "gates × units"),
    ("LSTM", "recurrent_kernel"): ("units", "gates × units"),
    ("LSTM", "bias"): ("gates × units",),
    ("GRU", "kernel"): ("inputs", "gates × units"),
    ("GRU", "recurrent_kernel"): ("units", "gates × units"),
    ("SimpleRNN", "kernel"): ("inputs", "units"),
    ("SimpleRNN", "recurrent_kernel"): ("units", "units before"),
}  # as the layers' own documentation has them, https://keras.io/api/layers/

_KERNEL_AXES = {3: ("steps",), 4: ("height", "width"), 5: ("depth", "height", "width")}


class Axis(Value):
    """An axis with more to tell than its length.

    first: the index of its first element in the whole weight; None where a slice took others than a plain run.
    """

    name: str
    size: int
    first: int | None = 0

    def label(self, shown: int | None = None) -> str:
        """Return its name and indices, of the first `shown` if not of all.

        >>> Axis("units", 12).label(), Axis("inputs", 3, None).label()
        ('units 0…11', 'inputs, 3 of them')
        """
        count = self.size if shown is None else shown
        if self.first is None:
            return f"{self.name}, {count:,} of them"
        colon = ":" if self.name[-1].isdigit() else ""
        return f"{self.name}{colon} {self.first}" + (f"…{self.first + count - 1}" if count > 1 else "")


def axes_of(site: Site) -> tuple[Axis, ...]:
    """Return the axes of what is at a site, whose shape is known."""
    whole, shape = site.weight.spec.shape, site.spec.shape
    assert shape is not None
    made = site.derived is not None and (site.indices or len(shape) != len(whole or ()))
    if whole is None or made:  # what a stage made has axes of its own; but dequantize keeps them
        return tuple(Axis(f"axis {i}", size) for i, size in enumerate(shape))
    stored_as_is = site.derived is not None or scheme(site) in ("", "int8", "float8")
    class_name = site.place.layer.class_name or "" if stored_as_is else ""
    names = axis_names(class_name, site.weight.name, len(whole))
    indices = site.indices or (slice(None),) * len(whole)
    kept = [(n, i) for n, i in zip(names, indices, strict=True) if not isinstance(i, int)]
    return tuple(Axis(n, size, _first(i)) for (n, i), size in zip(kept, shape, strict=True))


def axis_names(class_name: str, weight: str, rank: int) -> tuple[str, ...]:
    """Return the names of a weight's axes; `axis 0`, `axis 1`, … where nothing tells them.

    >>> axis_names("Conv2D", "kernel", 4)
    ('height', 'width', 'inputs', 'filters')
    """
    names = _NAMES.get((class_name.removesuffix("Cell"), weight), ())
    if "Conv" in class_name and weight.endswith("kernel") and rank in _KERNEL_AXES:
        if class_name.startswith("Depthwise") or weight.startswith("depthwise"):
            last = ("inputs", "multipliers")
        else:
            last = ("filters", "inputs") if "Transpose" in class_name else ("inputs", "filters")
        names = (*_KERNEL_AXES[rank], *last)
    elif "Conv" in class_name and weight == "bias":
        names = ("filters",)
    elif "Normalization" in class_name:
        names = ("channels",)
    return names if len(names) == rank else tuple(f"axis {i}" for i in range(rank))


def _first(index: AxisIndex) -> int | None:
    if isinstance(index, slice) and index.step in (None, 1):
        return index.start or 0
    return None
