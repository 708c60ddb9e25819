"""What a query gives its user to hold: weights or layers, frozen, in order, nothing read before it is asked for."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, cast, overload

from weightrepl.engine.figures import FIGURES, Figures
from weightrepl.engine.relation import Relation, relation
from weightrepl.engine.selected import SelectedLayer, SelectedWeight
from weightrepl.engine.table import Table
from weightrepl.engine.view import USUAL, View
from weightrepl.errors import NotOneError, Problem, UnknownAddressError
from weightrepl.model.tree import Place, Site
from weightrepl.model.workspace import Workspace
from weightrepl.spans import listed, nearest

if TYPE_CHECKING:
    from typing_extensions import Self

    from weightrepl.engine.assignment import Assignment, Values
    from weightrepl.engine.labels import GivenLabels
    from weightrepl.engine.pictures import Picture
    from weightrepl.model.tensor import Array

T = TypeVar("T")


class _Rows(Sequence[T], Generic[T]):
    """What selections of weights and of layers have in common."""

    _noun = "row"

    def __init__(self, given: Relation, workspace: Workspace, view: View = USUAL) -> None:
        self._given, self._workspace, self.view = given, workspace, view

    def seen(self, view: View) -> Self:
        """Return the same selection, which shows itself in another way."""
        return type(self)(self._given, self._workspace, view)

    @abstractmethod
    def _item(self, row: Any) -> T:
        """Return what users hold of a row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table of it has: those of `show`, or the usual ones."""
        return self._given.shown

    @property
    def chosen(self) -> bool:
        """Whether it was `show` that chose just these columns."""
        return self._given.chosen

    @property
    def rows(self) -> tuple[Any, ...]:
        """Where they hang: a Site for each weight, a Place for each layer; for those who draw trees."""
        return self._given.rows

    @property
    def workspace(self) -> Workspace:
        """The models that were open."""
        return self._workspace

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What there is to tell about how it was found, and about its sources; each once."""
        said: dict[str, list[int]] = {}
        for number, row in enumerate(self.rows):
            for remark in self._remarks(row):
                if remark:
                    said.setdefault(remark, []).append(number)
        about_sources = (
            Problem("source", remark, severity="note", hint=self._said_of(numbers))
            for remark, numbers in said.items()
        )
        return (*self._given.problems, *about_sources)

    def _said_of(self, numbers: list[int]) -> str | None:
        """Return, for a note, which of several rows it is about."""
        if len(self.rows) == 1:
            return None
        if len(numbers) == len(self.rows):
            return f"about all {len(numbers):,}"
        return f"about {listed([self.addresses[number] for number in numbers], 3)}"

    @abstractmethod
    def _remarks(self, row: Any) -> tuple[str | None, ...]:
        """Return what the sources have to tell of a row."""

    @cached_property
    def addresses(self) -> tuple[str, ...]:
        """The address of each, in order."""
        of = self._given.columns["address"].of
        return tuple(str(of(row)) for row in self.rows)

    def one(self) -> T:
        """Return the only one there is.

        Raises:
            NotOneError: there is none, or there are several; says how many and which.
        """
        if len(self.rows) == 1:
            return self._item(self.rows[0])
        if not self.rows:
            raise NotOneError(f"the query found no {self._noun}")
        first = listed(tuple(self[:5].addresses))
        rest = f" and {len(self) - 5:,} more" if len(self) > 5 else ""
        raise NotOneError(f"the query found {len(self):,} {self._noun}s, not one: {first}{rest}")

    def table(self, columns: Sequence[str] | None = None) -> Table:
        """Return its columns, or those asked for, as plain values.

        Raises:
            UnknownAddressError: there is no column of that name.

        Examples:
            >>> import weightrepl
            >>> weightrepl.select(weightrepl.demo_path(), "**:bias").table(["name", "shape", "norm"]).rows
            (('bias', (12,), 0.0), ('bias', (8,), 0.0), ('bias', (4,), 0.0))
        """
        there = self._given.columns
        names = self.columns if columns is None else tuple(columns)
        for name in names:
            if name not in there:
                raise UnknownAddressError(f"no column {name!r}; there are {', '.join(there)}")
        return Table(names, self._given.values(names), self.notes)

    def to_pandas(self, columns: Sequence[str] | None = None) -> Any:
        """Return the table as a pandas DataFrame; pandas is imported only here.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        return self.table(columns).to_pandas()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[T]:
        return map(self._item, self.rows)

    @overload
    def __getitem__(self, key: int | str) -> T: ...
    @overload
    def __getitem__(self, key: slice) -> Any: ...
    def __getitem__(self, key: int | str | slice) -> Any:
        """Return the row at a position or of an address (or alias), or the selection of a slice of positions."""
        if isinstance(key, str):
            return self._item(self._by_address(key))
        if isinstance(key, slice):
            return type(self)(self._given.of_rows(self.rows[key]), self._workspace, self.view)
        return self._item(self.rows[key])

    def _by_address(self, key: str) -> Any:
        addresses = self.addresses
        if key in addresses:
            return self.rows[addresses.index(key)]
        for row in self.rows:
            if key in self._item(row).aliases:  # type: ignore[attr-defined]
                return row
        near = nearest(key, addresses, limit=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise UnknownAddressError(f"{key!r} is not in this selection of {len(self):,}{hint}")

    def __contains__(self, key: object) -> bool:
        if not isinstance(key, str):
            key = getattr(key, "address", None)
        try:
            return isinstance(key, str) and self._by_address(key) is not None
        except UnknownAddressError:
            return False

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.addresses)

    def __repr__(self) -> str:
        from weightrepl.render.plain import plain_text

        return plain_text(cast("Selection | LayerSelection", self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        from weightrepl.render.notebook import bundle

        return bundle(cast("Selection | LayerSelection", self))


class Selection(_Rows[SelectedWeight]):
    """The weights that a query found, in order; values are read when they are asked for.

    A frozen sequence of `SelectedWeight`: it has a length, can be iterated over, and `selection[0]`, `selection[:3]`
    and `selection["larger_model/outer_dense:kernel"]` give one, several, and the one of an address.

    Examples:
        >>> import weightrepl
        >>> kernels = weightrepl.select(weightrepl.demo_path(), "**:kernel")
        >>> len(kernels), kernels.addresses[-1]
        (3, 'larger_model/outer_dense:kernel')
        >>> [weight.shape for weight in kernels]  # (inputs, units)
        [(10, 12), (12, 8), (8, 4)]
        >>> kernels["larger_model/outer_dense:kernel"].numpy().shape
        (8, 4)
    """

    _noun = "weight"

    @classmethod
    def of(cls, sites: tuple[Site, ...], workspace: Workspace) -> Selection:
        """Return the selection of `sites` with the usual columns."""
        return cls(relation("weights", sites, workspace, Figures()), workspace)

    def _item(self, row: Site) -> SelectedWeight:
        return SelectedWeight(row, self._workspace)

    if not TYPE_CHECKING:  # pragma: no branch - else a checker would take any name for one

        def __getattr__(self, name: str) -> Any:
            """Raise an AttributeError which tells who has what is asked for, where a weight has it."""
            of_one = f"; a weight of it has: .one().{name}" if hasattr(SelectedWeight, name) else ""
            raise AttributeError(f"'Selection' object has no attribute '{name}'{of_one}", name=name, obj=self)

    def _remarks(self, row: Site) -> tuple[str | None, ...]:
        return row.weight.remark, row.place.layer.remark

    def stats(self) -> Table:
        """Return statistics of the values of each weight, read now: a table `address min max mean …`.

        The page on statistics defines each.

        Raises:
            SourceError: values can't be read.

        Examples:
            >>> import weightrepl
            >>> row = weightrepl.select(weightrepl.demo_path(), "**:bias").stats().to_dicts()[0]
            >>> row["address"], row["max"], row["flags"]
            ('larger_model/custom_module/inner_dense1:bias', 0.0, 'dead')
        """
        live = any(not row.place.model.source for row in self.rows)  # those may have changed since
        selection = Selection.of(self.rows, self._workspace) if live else self
        return selection.table(("address", *FIGURES))

    def arrays(self) -> dict[str, Array]:
        """Return the values of all, read now: a dict from address to NumPy array, each the caller's own copy.

        Raises:
            FormatError: a source's bytes are not there, or not what its header says.
            ChangedError: a source was closed, or changed since it was opened.

        Examples:
            >>> import weightrepl
            >>> arrays = weightrepl.select(weightrepl.demo_path(), "outer_dense:*").arrays()
            >>> {address: array.shape for address, array in arrays.items()}
            {'larger_model/outer_dense:kernel': (8, 4), 'larger_model/outer_dense:bias': (4,)}
        """
        return {weight.address: weight.numpy() for weight in self}

    def variables(self) -> dict[str, Any]:
        """Return the variables of a live model: a dict from address to the whole `tf.Variable`.

        On another backend of Keras than TensorFlow they are its `keras.Variable`s.

        Raises:
            OutputError: a weight is not of a live model, or its values were computed.
            ChangedError: a variable was deleted.
        """
        from weightrepl.engine.assignment import live

        return {target.address: target.source.variable() for target in live(self)}

    def assign(self, values: Values, *, dry_run: bool = False) -> Assignment:
        """Write other values to the variables of a live model: all of them, or on any error none.

        `select(model, "**:kernel").assign(lambda kernel: kernel * 0.5)` halves all kernels, and `undo()` of what it
        returns takes that back. Of a slice only that part is written.

        Args:
            values: another selection, paired by the ways to its weights; a dict from address to array; an array or
                number for each weight; or a function from a weight's array to another.
            dry_run: nothing is written, only said.

        Raises:
            OutputError: a weight is not of a live model; shapes or dtypes do not fit, or pairs are missing: says which.
            ChangedError: a variable was deleted, or changed its shape.
        """
        from weightrepl.engine.assignment import assigned

        return assigned(self, values, dry_run)

    def picture(self, kind: Literal["heatmap", "histogram"] | None = None) -> Picture:
        """Return a picture of its weights, read now: heat maps, or after `| hist` histograms.

        A notebook shows it, `picture().save("kernels.svg")` writes it. At most 60 weights are drawn, each in a bounded
        number of cells; the picture says what it left out.

        Raises:
            FormatError: a source's bytes are not there, or not what its header says.
            ChangedError: a source was closed, or changed since it was opened.
            ValueError: there is nothing to draw, or no such kind.
        """
        from weightrepl.engine.histograms import histograms
        from weightrepl.engine.pictures import picture_of

        if kind not in ("heatmap", "histogram", None):
            raise ValueError(f"a picture is a 'heatmap' or a 'histogram', not {kind!r}")
        if not self.rows:
            raise ValueError("nothing is selected, so there is nothing to draw")
        given, rows = self._given, list(zip(self.addresses, self.rows, strict=True))
        if kind == "heatmap" or (kind is None and "hist" not in self.columns):
            return picture_of(rows, given.figures)
        column = given.columns.get("hist")
        return picture_of(rows, given.figures, column.of if column else histograms(given.figures))

    def save(
        self, path: str | os.PathLike[str], *, force: bool = False, labels: GivenLabels | None = None
    ) -> None:
        """Write the arrays to `path`: `.npz .npy .safetensors .h5 .csv .tsv` by its suffix; keys are addresses.

        To `.svg` goes a picture of them. With `labels` the rows of one weight go to `.tsv` for TensorBoard's projector,
        with the labels beside in `…_metadata.tsv`, or to `.txt` in word2vec's form.

        Written to a temporary name and then renamed.

        Args:
            path: where to; its suffix says in which format.
            force: replace a file that is there.
            labels: a file with one label on each line, or the labels.

        Raises:
            OutputError: it can't be written there, or not in that format; labels that do not fit the rows.
        """
        from weightrepl.writers import write

        write(self, os.fspath(path), force, labels)


class LayerSelection(_Rows[SelectedLayer]):
    """The layers that a query found, in order.

    A frozen sequence of `SelectedLayer`, to be indexed by position, slice or address as a `Selection` is.

    Examples:
        >>> import weightrepl
        >>> layers = weightrepl.select_layers(weightrepl.demo_path(), "**")
        >>> layers.addresses[:2]
        ('larger_model', 'larger_model/custom_module')
        >>> layers["larger_model/custom_module"].weights.addresses[0]
        'larger_model/custom_module/inner_dense1:kernel'
    """

    _noun = "layer"

    @classmethod
    def of(cls, places: tuple[Place, ...], workspace: Workspace) -> LayerSelection:
        """Return the selection of `places` with the usual columns."""
        return cls(relation("layers", places, workspace, Figures()), workspace)

    def _item(self, row: Place) -> SelectedLayer:
        return SelectedLayer(row, self._workspace)

    def _remarks(self, row: Place) -> tuple[str | None, ...]:
        return (row.layer.remark,)
