"""A weight or a layer that a query found: what it is called and like, and the way to its values."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from weightrepl.engine.addresses import (
    MAX_ALIASES,
    address,
    first_place,
    is_shared,
    ways_to_layer,
    ways_to_weight,
    weight_name,
)
from weightrepl.engine.columns import layer_trainable, site_address, site_via, total
from weightrepl.engine.figures import FIGURES, Figures
from weightrepl.engine.subscript import plain_index
from weightrepl.engine.table import Value
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace

if TYPE_CHECKING:
    from weightrepl.engine.pictures import Picture
    from weightrepl.engine.selection import LayerSelection, Selection
    from weightrepl.model.tensor import Array


class SelectedWeight:
    """A weight that a query found, or the slice of it that the query asked for.

    `weight[index]` and `weight.numpy()` read values; nothing else does.

    Examples:
        >>> import weightrepl
        >>> kernel = weightrepl.select(weightrepl.demo_path(), "outer_dense:kernel").one()
        >>> kernel.address, kernel.shape, kernel.dtype
        ('larger_model/outer_dense:kernel', (8, 4), 'float32')
        >>> kernel[:, 0].shape  # reads one column
        (8,)
    """

    __slots__ = ("_site", "_workspace")

    def __init__(self, site: Site, workspace: Workspace) -> None:
        self._site, self._workspace = site, workspace

    @property
    def address(self) -> str:
        """Its one address: a query that selects exactly it."""
        return site_address(self._site, self._workspace)

    @property
    def name(self) -> str:
        """Its role in the layer: `kernel`, `bias`, …"""
        return self._site.weight.name

    @property
    def layer(self) -> str:
        """The address of the layer that owns it."""
        return address(first_place(self._site.place), self._workspace)

    @property
    def class_name(self) -> str | None:
        """The class of the layer that owns it; None where the source does not record it."""
        return self._site.place.layer.class_name

    @property
    def shape(self) -> tuple[int, ...] | None:
        """Its shape, after the slice."""
        return self._site.spec.shape

    @property
    def size(self) -> int | None:
        """The number of its elements, after the slice."""
        return self._site.spec.size

    @property
    def dtype(self) -> str:
        """Its dtype by NumPy's or ml_dtypes' name."""
        return self._site.spec.dtype

    @property
    def nbytes(self) -> int | None:
        """The bytes that it takes in its source, after the slice."""
        return self._site.spec.nbytes

    @property
    def trainable(self) -> bool | None:
        """Whether it is trainable; None where the source does not record it."""
        return self._site.weight.trainable

    @property
    def key(self) -> str | None:
        """Its raw name in the source."""
        return self._site.weight.key

    @property
    def source(self) -> str:
        """The file that it lies in; empty for a live model."""
        return self._site.weight.source or self._site.place.model.source

    @property
    def via(self) -> str:
        """The way on which the query reached it, if that is not its address; else empty."""
        return site_via(self._site, self._workspace)

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its other addresses, at most 64, where a layer or weight is shared."""
        weight, model = self._site.weight, self._site.place.model.place
        if not is_shared(self._site.place, weight):
            return ()
        return tuple(
            f"{address(place, self._workspace)}:{weight_name(place.layer, weight)}"
            for place in islice(ways_to_weight(weight, model), 1, MAX_ALIASES + 1)
        )

    def picture(self, kind: Literal["heatmap", "histogram"] | None = None) -> Picture:
        """Return a picture of it, a heat map unless `kind` is `histogram`; its values are read now.

        Raises:
            FormatError: the source's bytes are not there, or not what its header says.
            ChangedError: the source was closed, or changed since it was opened.
            ValueError: there is no such kind.
        """
        from weightrepl.engine.selection import Selection

        return Selection.of((self._site,), self._workspace).picture(kind)

    def numpy(self) -> Array:
        """Return the values as a NumPy array of `shape` and `dtype`: the caller's own copy.

        Raises:
            FormatError: the source's bytes are not there, or not what its header says.
            ChangedError: the source was closed, or changed since it was opened.
        """
        return self._site.tensor.read()

    def stats(self) -> dict[str, Value]:
        """Return statistics of its values by name, `min max mean std …`, read now.

        The page on statistics defines each.

        Raises:
            SourceError: the values can't be read.

        Examples:
            >>> import weightrepl
            >>> weightrepl.select(weightrepl.demo_path(), "outer_dense:bias").one().stats()["zeros"]
            4
        """
        figures = Figures(FIGURES)
        return {name: figures.of(self._site, name) for name in FIGURES}

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __getitem__(self, index: Any) -> Array:
        """Return the values at a NumPy index; of integers, slices and one list only what they need is read."""
        plain = plain_index(index, self.shape)
        if plain is None:
            array: Array = self.numpy()[index]
            return array
        return self._site.tensor.read(plain)

    def __len__(self) -> int:
        shape = self.shape
        if not shape:
            raise TypeError("a weight of no axes has no length")
        return shape[0]

    def __repr__(self) -> str:
        shape = "?" if self.shape is None else self.shape
        return f"<Weight {self.address} {self.dtype} {shape}>"


class SelectedLayer:
    """A layer that a query found."""

    __slots__ = ("_place", "_workspace")

    def __init__(self, place: Place, workspace: Workspace) -> None:
        self._place, self._workspace = place, workspace

    @property
    def address(self) -> str:
        """Its one address: a query that selects exactly it."""
        return address(first_place(self._place), self._workspace)

    @property
    def name(self) -> str:
        """The name that its author gave it, where the source records it."""
        return self._place.layer.name

    @property
    def class_name(self) -> str | None:
        """Its class; None where the source does not record it."""
        return self._place.layer.class_name

    @property
    def attributes(self) -> tuple[str, ...] | None:
        """The names under which its parent holds it; None where the source does not know them."""
        return self._place.layer.attributes

    @property
    def depth(self) -> int:
        """How many layers lie above it; 0 for a model."""
        return first_place(self._place).depth

    @property
    def layers(self) -> LayerSelection:
        """The layers that it holds itself, one level below."""
        from weightrepl.engine.selection import LayerSelection

        children = tuple(c for c in self._place.children if not c.layer.system)
        return LayerSelection.of(children, self._workspace)

    @property
    def weights(self) -> Selection:
        """All weights in and below it, each once."""
        from weightrepl.engine.selection import Selection

        return Selection.of(self._place.weights_below, self._workspace)

    @property
    def params(self) -> int | None:
        """The number of elements of all weights in and below it."""
        return total(site.weight.spec.size for site in self._place.weights_below)

    @property
    def nbytes(self) -> int | None:
        """The bytes that all weights in and below it take in their source."""
        return total(site.weight.spec.nbytes for site in self._place.weights_below)

    @property
    def trainable(self) -> bool | None:
        """Whether any weight in or below it is trainable; None where that is unknown."""
        return layer_trainable(self._place)

    @property
    def built(self) -> bool | None:
        """Whether its weights exist; None where that is unknown."""
        return self._place.layer.built

    @property
    def aliases(self) -> tuple[str, ...]:
        """Its other addresses, at most 64, where it or a layer above it is shared."""
        if not is_shared(self._place):
            return ()
        ways = ways_to_layer(self._place.layer, self._place.model.place)
        return tuple(address(place, self._workspace) for place in islice(ways, 1, MAX_ALIASES + 1))

    def __repr__(self) -> str:
        return f"<Layer {self.address} {self.class_name or '?'}>"
