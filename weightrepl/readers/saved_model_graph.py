"""What a `saved_model.pb` records: objects, what traced functions read, collections. Constants are skipped.

Facts from TensorFlow's `saved_model.proto`, `meta_graph.proto`, `saved_object_graph.proto`, `function.proto` and
`variable.proto`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple, cast

from weightrepl.model.tensor import TensorSpec
from weightrepl.readers.guards import bound
from weightrepl.readers.protobuf import BYTES, VARINT, Span, fields, plain, text, varint
from weightrepl.readers.sources import ByteSource
from weightrepl.readers.tensor_entries import DTYPES, shape_of

_VARIABLES, _TRAINED = "variables", "trainable_variables"
_PAGE_NBYTES = 16384
_NODE_NBYTES = 4096  # of an operation: its name and inputs come first, then constants


class Variable(NamedTuple):
    """What an object graph records of a variable. name: `dense/kernel`."""

    name: str
    spec: TensorSpec
    trainable: bool

    @property
    def own_name(self) -> str:
        """`kernel` of `encoder/dense/kernel`."""
        return self.name.rpartition("/")[2]

    @property
    def layers(self) -> tuple[str, ...]:
        """`("encoder", "dense")` of `encoder/dense/kernel`."""
        return tuple(self.name.split("/")[:-1])


class SavedObject(NamedTuple):
    """An object of the graph.

    children: attribute, list position or key -> number of the object held there.
    kind: of what may hold tensors, its class in few words (`_tf_keras_layer`, `trackable_list_wrapper`, `resource`).
    metadata: JSON that Keras of TensorFlow 2.0 to 2.4 wrote of it.
    functions: names of the traced functions that a function is.
    slots: of an optimizer: variable, name of the slot, the slot's variable.
    """

    children: tuple[tuple[str, int], ...]
    kind: str = ""
    metadata: bytes = b""
    variable: Variable | None = None
    functions: tuple[str, ...] = ()
    slots: tuple[tuple[int, str, int], ...] = ()


def is_keras_2(each: SavedObject) -> bool:
    """Return whether an object is a layer, model or metric of Keras 2."""
    return each.kind.startswith("_tf_keras_")


class SavedGraph(NamedTuple):
    """What all meta graphs of a file record.

    objects: of TensorFlow 2's; empty of TensorFlow 1's. captured: name of a traced function -> numbers of the objects
    that its last arguments are. library: where the functions lie. trainable: name of a variable of TensorFlow 1's ->
    whether it is trained.
    """

    objects: tuple[SavedObject, ...]
    captured: dict[str, tuple[int, ...]]
    library: tuple[Span, ...]
    trainable: dict[str, bool]


class Function(NamedTuple):
    """A traced function. arguments: their names. operations, once: what is done, what it is called, what it takes."""

    name: str
    arguments: tuple[str, ...]
    operations: Iterator[tuple[str, str, tuple[str, ...]]]


class _Pages:
    """A file as bytes of which only those are read that are looked at."""

    __slots__ = ("_begin", "_page", "_source")

    def __init__(self, source: ByteSource) -> None:
        self._source, self._begin, self._page = source, 0, b""

    def __len__(self) -> int:
        return self._source.size

    def __getitem__(self, at: int | slice) -> int | bytes:
        if isinstance(at, slice):
            return self._source.read(at.start, at.stop - at.start)
        if not 0 <= at - self._begin < len(self._page):
            self._begin = at - at % _PAGE_NBYTES
            nbytes = min(_PAGE_NBYTES, self._source.size - self._begin)
            self._page = self._source.header(self._begin, nbytes)
        return self._page[at - self._begin]


def graph_of(source: ByteSource) -> SavedGraph:
    """Return what a `saved_model.pb` records but its functions' operations.

    Raises:
        ValueError: damaged. UnsafeFileError: it claims more than the limits allow.
    """
    pages = _pages(source)
    objects: list[SavedObject] = []
    captured: dict[str, tuple[int, ...]] = {}
    library: list[Span] = []
    trainable: dict[str, bool] = {}
    for meta_graph in _inside(pages, (0, source.size), 2):
        for number, kind, begin, end in fields(pages, *meta_graph):
            if kind == BYTES and number == 2:
                library += _inside(pages, (begin, end), 2)
            elif kind == BYTES and number == 4 and _is_of_variables(pages, (begin, end)):
                _collect(_part(source, (begin, end), "a collection"), trainable)
            elif kind == BYTES and number == 7 and not objects:
                part = _part(source, (begin, end), "the graph of objects")
                objects = _objects(part, source)
                captured = _captured(part)
    _check(objects)
    return SavedGraph(tuple(objects), captured, tuple(library), trainable)


def functions_of(source: ByteSource, graph: SavedGraph, wanted: Collection[str]) -> Iterator[Function]:
    """Yield the functions of a graph that are called as one of `wanted`."""
    pages = _pages(source)
    for library in graph.library:
        for function in _inside(pages, library, 1):
            signature = next(_inside(pages, function, 1), (0, 0))
            name, arguments = _signature(_part(source, signature, "a function"))
            if name in wanted:
                nodes = (_operation(source, span) for span in _inside(pages, function, 3))
                yield Function(name, arguments, nodes)


def _pages(source: ByteSource) -> bytes:
    return cast("bytes", _Pages(source))


def _inside(buffer: bytes, span: Span, wanted: int) -> Iterator[Span]:
    """Yield where the messages or texts of one field lie."""
    for number, kind, begin, end in fields(buffer, *span):
        if number == wanted and kind == BYTES:
            yield begin, end


def _text(part: bytes, span: Span, wanted: int) -> str:
    """Return a text of a message; the empty one where it is not told."""
    return next((text(part, *at) for at in _inside(part, span, wanted)), "")


def _part(source: ByteSource, span: Span, what: str) -> bytes:
    nbytes = span[1] - span[0]
    bound(nbytes, "graph_nbytes", f"bytes of {what}", source.limits, source.path)
    return source.read(span[0], nbytes)


# -- objects ----------------------------------------------------------------------------------------------------------


def _objects(part: bytes, source: ByteSource) -> list[SavedObject]:
    found: list[SavedObject] = []
    for span in _inside(part, (0, len(part)), 1):
        found.append(_object(part, span))
        bound(len(found), "graph_nodes", "objects in the graph", source.limits, source.path)
    return found


def _check(objects: Sequence[SavedObject]) -> None:
    for i, each in enumerate(objects):
        slots = [number for one, _, two in each.slots for number in (one, two)]
        if max([*slots, *(number for _, number in each.children)], default=0) >= len(objects):
            raise ValueError(f"object {i} refers to one that is not there")


def _object(part: bytes, span: Span) -> SavedObject:
    children: list[tuple[str, int]] = []
    slots: list[tuple[int, str, int]] = []
    kind, metadata = "", b""
    functions: tuple[str, ...] = ()
    variable: Variable | None = None
    for number, wire, begin, end in fields(part, *span):
        if wire != BYTES:
            continue
        if number == 1:
            numbers, texts = plain(part, begin, end)
            children.append((texts.get(2, ""), numbers.get(1, 0)))
        elif number == 3:
            numbers, texts = plain(part, begin, end)
            slots.append((numbers.get(1, 0), texts.get(2, ""), numbers.get(3, 0)))
        elif number == 4:
            kind = _text(part, (begin, end), 1)
            metadata = next((part[slice(*at)] for at in _inside(part, (begin, end), 3)), b"")
        elif number in (6, 8):
            functions = tuple(text(part, *at) for at in _inside(part, (begin, end), 1))
        elif number == 10:
            kind = "resource"
        elif number == 7:
            variable = _variable(part, (begin, end))
    return SavedObject(tuple(children), kind, metadata, variable, functions, tuple(slots))


def _variable(part: bytes, span: Span) -> Variable:
    dtype, trainable, name = 0, False, ""
    shape: tuple[int, ...] | None = ()
    for number, kind, one, two in fields(part, *span):
        if number == 1:
            dtype = one
        elif number == 2 and kind == BYTES:
            try:
                shape = shape_of(part, one, two)
            except ValueError:  # not all axes are known: a variable may change its shape
                shape = None
        elif number == 3:
            trainable = bool(one)
        elif number == 6 and kind == BYTES:
            name = text(part, one, two)
    return Variable(name, TensorSpec(shape, DTYPES.get(dtype, f"dtype {dtype}")), trainable)


def _captured(part: bytes) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for entry in _inside(part, (0, len(part)), 2):
        name = _text(part, entry, 1)
        for function in _inside(part, entry, 2):
            found[name] = tuple(_packed(part, function, 2))
    return found


def _packed(part: bytes, span: Span, wanted: int) -> Iterator[int]:
    """Yield the numbers of a repeated field, packed or not."""
    for number, kind, one, two in fields(part, *span):
        if number != wanted:
            continue
        if kind == VARINT:
            yield one
        while kind == BYTES and one < two:
            value, one = varint(part, one, two)
            yield value


# -- operations, collections ------------------------------------------------------------------------------------------


def _signature(part: bytes) -> tuple[str, tuple[str, ...]]:
    whole = (0, len(part))
    return _text(part, whole, 1), tuple(_text(part, at, 1) for at in _inside(part, whole, 2))


def _operation(source: ByteSource, span: Span) -> tuple[str, str, tuple[str, ...]]:
    """Return what an operation does, its name and its inputs; of what comes behind, constants are not read."""
    begin, end = span
    head = source.header(begin, min(_NODE_NBYTES, end - begin))
    found: dict[int, list[str]] = {1: [""], 2: [""], 3: []}
    at = 0
    while at < len(head):
        tag, at = varint(head, at, len(head))
        nbytes, at = varint(head, at, len(head))
        if tag & 7 != BYTES or tag >> 3 not in found or at + nbytes > len(head):
            break
        found[tag >> 3].append(text(head, at, at + nbytes))
        at += nbytes
    return found[2][-1], found[1][-1], tuple(found[3])


def _is_of_variables(pages: bytes, span: Span) -> bool:
    """Return whether a collection is one of variables."""
    names = (at for at in _inside(pages, span, 1) if at[1] - at[0] <= len(_TRAINED))
    return any(text(pages, *at) in (_VARIABLES, _TRAINED) for at in names)


def _collect(part: bytes, trainable: dict[str, bool]) -> None:
    """Add the variables of a collection; a variable in parts is one."""
    is_trained = _text(part, (0, len(part)), 1) == _TRAINED
    for collection in _inside(part, (0, len(part)), 2):
        for texts in _inside(part, collection, 2):
            for definition in _inside(part, texts, 1):
                whole = next((_text(part, at, 1) for at in _inside(part, definition, 4)), "")
                variable = whole or _text(part, definition, 1).removesuffix(":0")
                trainable[variable] = is_trained or trainable.get(variable, False)
