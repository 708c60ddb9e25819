"""Values that are written to the variables of live models: all of them or none, and the old ones are kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from weightrepl.engine.columns import site_address
from weightrepl.engine.counterparts import MOST_NAMED, counterparts, refuse_unpaired
from weightrepl.engine.table import Table
from weightrepl.errors import OutputError, Problem, SourceError
from weightrepl.model.tensor import TensorSpec, VariableSource, numpy_dtype, take
from weightrepl.model.tree import Site
from weightrepl.spans import listed
from weightrepl.values import Value, field

if TYPE_CHECKING:
    from weightrepl.engine.selection import Selection
    from weightrepl.model.tensor import Array

Values: TypeAlias = "Selection | Mapping[str, Array] | Array | float | Callable[[Array], Any]"
"""What may be assigned: another selection, paired by the ways to its weights; arrays by address, such as `old`; one
array or number for each weight; or a function of a weight's values."""

T = TypeVar("T")


class Assignment(Value):
    """What `Selection.assign()` wrote, or of a dry run would have.

    Attributes:
        report: a row for each weight: where its new values come from, shape, dtype, whether they differ from the old.
        old: the values before, by address; of a slice its part.
        selection: what was assigned to.
        written: whether it was no dry run.
    """

    report: Table
    old: Mapping[str, Array] = field(compare=False)
    selection: Selection = field(compare=False)
    written: bool

    def undo(self) -> None:
        """Write the old values back: all of them, or on any error none.

        Raises:
            OutputError: it was a dry run; or a variable refuses.
            ChangedError: a variable was deleted, or has another shape by now.
        """
        if not self.written:
            raise OutputError("it was a dry run: there is nothing to undo")
        assigned(self.selection, self.old, dry_run=False)

    def __repr__(self) -> str:
        return "\n".join([repr(self.report), *(note.message for note in self.report.notes)])

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {**self.report._repr_mimebundle_(include, exclude), "text/plain": repr(self)}


def assigned(selection: Selection, values: Values, dry_run: bool) -> Assignment:
    """Return what was written, once all was checked; what can't be written leaves everything as it was."""
    targets = live(selection)
    if not targets:
        raise OutputError("nothing is selected, so there is nothing to assign to")
    parts = _parts(targets, _given(values, selection))
    writes = _writes(parts)
    if not dry_run:
        _write(writes)
    report = _report(parts, len(writes), dry_run)
    return Assignment(report, {part.target.address: part.old for part in parts}, selection, not dry_run)


# ------------------------------------------------------------------ what is written to


class Target(NamedTuple):
    """A weight of a live model, or a slice of one, and the way to its variable."""

    address: str
    site: Site
    source: VariableSource


def live(selection: Selection) -> list[Target]:
    """Return what there is of a selection to write to.

    Raises:
        OutputError: a weight is not of a live model, or its values were computed.
    """
    return [_target(*row) for row in zip(selection.addresses, selection.rows, strict=True)]


def _target(address: str, site: Site) -> Target:
    if site.derived is not None:
        raise OutputError(f"the values of {address} were computed: there is no variable that holds them")
    source = site.weight.tensor
    if not isinstance(source, VariableSource):
        file = site.weight.source or site.place.model.source
        how = "load it in Keras and select from the live model"
        raise OutputError(f"{address} lies in the file {file}, and a file has no variables: {how}")
    return Target(address, site, source)


# ------------------------------------------------------------------ what is given


class _Given(NamedTuple):
    """What one weight is to get.

    origin: where it comes from, in words. of: gives it, for the values that are there.
    spec: its shape and dtype; None before a function gave it. number: whether it is one for all values.
    """

    origin: str
    of: Callable[[Array], Any]
    spec: TensorSpec | None = None
    number: bool = False


def _given(values: Values, selection: Selection) -> list[_Given]:
    """Return what each weight of a selection is to get."""
    from weightrepl.engine.selection import Selection

    if isinstance(values, Selection):
        return [_of_weight(site, values) for site in counterparts(selection, values)]
    if isinstance(values, Mapping):
        wanted = {address: address for address in selection.addresses}
        refuse_unpaired(wanted, {key: str(key) for key in values})
        return [_of_array(values[address]) for address in selection.addresses]
    given = _of_function(values) if callable(values) else _of_array(values)
    return [given] * len(selection)


def _of_weight(site: Site, selection: Selection) -> _Given:
    spec = None if site.spec.shape is None else site.spec
    return _Given(site_address(site, selection.workspace), lambda old: site.tensor.read(), spec)


def _of_function(function: Callable[[Array], Any]) -> _Given:
    name = getattr(function, "__name__", "")
    return _Given(f"{name}()" if name.isidentifier() else "function", lambda old: function(old.copy()))


def _of_array(values: Any) -> _Given:
    import numpy as np

    try:
        array = np.asarray(values)
    except ValueError:
        raise OutputError("nothing was written: lists of several lengths are no array") from None
    if array.dtype.kind in "OU" and not isinstance(values, np.ndarray):
        wanted = "a selection, a dict from address to array, an array, a number, or a function"
        raise OutputError(
            f"nothing was written: values are {wanted}, and not of the type {type(values).__name__}"
        )
    spec, number = TensorSpec(array.shape, array.dtype.name), array.ndim == 0
    return _Given(str(array) if number else "array", lambda old: array, spec, number)


# ------------------------------------------------------------------ do they fit


class _Part(NamedTuple):
    """What is written to a target, and what was there; both of its shape and dtype."""

    target: Target
    origin: str
    old: Array
    new: Array


class _UnfitError(ValueError):
    """The values do not fit the weight; the message says why."""


def _parts(targets: Sequence[Target], given: Sequence[_Given]) -> list[_Part]:
    """Return what is to be written to each target, checked.

    Raises:
        OutputError: some do not fit; names the first of them.
    """
    pairs = [*zip(targets, given, strict=True)]
    _all(pairs, _check_known)
    return _all(pairs, _part)


def _all(pairs: Sequence[tuple[Target, _Given]], of: Callable[[Target, _Given], T]) -> list[T]:
    """Return what `of` makes of each pair; raise an OutputError that tells of those that do not fit."""
    found, unfit = [], []
    for target, given in pairs:
        try:
            found.append(of(target, given))
        except _UnfitError as error:
            unfit.append(f"{target.address}: {error}")
    if unfit:
        rest = [f"and {len(unfit) - MOST_NAMED:,} more"] if len(unfit) > MOST_NAMED else []
        raise OutputError("\n  ".join(["nothing was written:", *unfit[:MOST_NAMED], *rest]))
    return found


def _check_known(target: Target, given: _Given) -> None:
    wanted = target.site.spec
    if given.spec is not None and wanted.shape is not None:
        _check(given.spec, wanted, given.number)


def _check(given: TensorSpec, wanted: TensorSpec, number: bool) -> None:
    if given.shape != wanted.shape and not number:
        raise _UnfitError(f"its shape is {wanted.shape}, that of the values {given.shape}")
    kind, most = _kind(given.dtype), _kind(wanted.dtype)
    if kind > most or (most == _TEXT and kind < most):
        raise _UnfitError(f"it is {wanted.dtype}, and the values are {given.dtype}: convert them first")


_KINDS = ("bool", "int", "float", "complex")
_FLOAT, _TEXT = 2, 4


def _kind(dtype: str) -> int:
    """Return the place of a dtype among kinds of which each holds those before, but texts hold texts alone."""
    return next((i for i, kind in enumerate(_KINDS) if kind in dtype), _TEXT)


def _part(target: Target, given: _Given) -> _Part:
    import numpy as np

    old, dtype = target.site.tensor.read(), target.site.spec.dtype
    values = np.asarray(given.of(old))
    if values.dtype.kind == "O" and values.ndim == 0:
        raise _UnfitError(f"the function returned {values}")
    _check(TensorSpec(values.shape, values.dtype.name), TensorSpec(old.shape, dtype), given.number)
    cast = _cast(values, dtype)
    new = cast if cast.shape == old.shape else np.full(old.shape, cast, cast.dtype)
    return _Part(target, given.origin, old, new)


def _cast(values: Array, dtype: str) -> Array:
    """Return values in another dtype of their kind, or of one that holds more.

    Raises:
        _UnfitError: one of them is too large for it.
    """
    import numpy as np

    kind, given = _kind(dtype), _kind(values.dtype.name)
    if kind == _TEXT or values.dtype == numpy_dtype(dtype):
        return values
    with np.errstate(all="ignore"):
        cast: Array = values.astype(numpy_dtype(dtype))
        if kind < _FLOAT:
            lost = cast.astype(values.dtype) != values
        else:
            lost = ~np.isfinite(cast) & (np.isfinite(values) if given >= _FLOAT else True)
    if lost.any():
        raise _UnfitError(f"it is {dtype}, and {values[lost].flat[0]} is too large for that")
    return cast


def _same(a: Array, b: Array) -> bool:
    """Return whether all values are equal; NaN is equal to NaN."""
    return bool(((a == b) | ((a != a) & (b != b))).all())


# ------------------------------------------------------------------ writing


class _Write(NamedTuple):
    """The values of a whole variable: those that were there, and those that are written."""

    target: Target
    old: Array
    new: Array


def _writes(parts: Sequence[_Part]) -> list[_Write]:
    """Return what is written to each variable, which may be there in several parts.

    Raises:
        OutputError: two parts of a variable overlap, and differ there.
    """
    variables: dict[int, tuple[Any, list[_Part]]] = {}
    for part in parts:
        variable = part.target.source.variable()  # held, so that no other gets its identity
        variables.setdefault(id(variable), (variable, []))[1].append(part)
    return [_joined(of_one) for _, of_one in variables.values()]


def _joined(parts: Sequence[_Part]) -> _Write:
    """Return what is written to the variable that all these parts are of."""
    target, _, old, new = parts[0]
    if len(parts) == 1 and not target.site.indices:
        return _Write(target, old, new)
    old = target.source.read()
    new = old.copy()
    for part in parts:
        _put(new, part.target.site.indices, part.new)
    for part in parts:
        if not _same(take(new, part.target.site.indices), part.new):
            others = listed([other.target.address for other in parts if other is not part], MOST_NAMED)
            raise OutputError(
                f"nothing was written: {part.target.address} gets other values than {others}, which overlaps it"
            )
    return _Write(target, old, new)


def _put(array: Array, index: tuple[Any, ...], values: Array) -> None:
    """Set what `take` takes."""
    axis = 0
    for i, entry in enumerate(index):
        if isinstance(entry, tuple):
            basic: tuple[Any, ...] = (*index[:i], slice(None), *index[i + 1 :])
            array[basic][(*[slice(None)] * axis, [*entry])] = values
            return
        axis += not isinstance(entry, int)
    array[index or ...] = values


def _write(writes: Sequence[_Write]) -> None:
    """Write all; where one fails, put back what was written before it.

    Raises:
        OutputError: a variable refuses; says whether the others have their old values again.
    """
    begun = 0
    try:
        for each in writes:
            begun += 1
            each.target.source.write(each.new)
    except BaseException as error:
        refused = isinstance(error, SourceError)  # then it has its old values; an interrupt may come half way
        stuck = [each.target.address for each in writes[: begun - refused] if not _is_put_back(each)]
        if not refused and not stuck:
            raise
        rest = f"these have new values, since they refuse the old ones: {listed(stuck)}"
        rest = rest if stuck else "all weights have their old values"
        raise OutputError(f"{writes[begun - 1].target.address}: {error}; {rest}") from error


def _is_put_back(each: _Write) -> bool:
    try:
        each.target.source.write(each.old)
    except SourceError:
        return False
    return True


# ------------------------------------------------------------------ the report


def _report(parts: Sequence[_Part], count: int, dry_run: bool) -> Table:
    rows = tuple(
        (target.address, origin, old.shape, target.site.spec.dtype, not _same(old, new))
        for target, origin, old, new in parts
    )
    variables = f"{count:,} variable{'s' * (count > 1)}"
    if dry_run:
        message = f"a dry run: {variables} would be written"
    else:
        message = f"{variables} written; undo() writes the old values back"
    note = Problem("assigned", message, severity="note")
    columns = ("address", "from", "shape", "dtype", "changed")
    return Table(columns, rows, (note,), sites=tuple(part.target.site for part in parts))
