"""Which reader opens what: bytes first, suffix second; live objects by the classes that they inherit from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from weightrepl.errors import SourceError
from weightrepl.model.reading import uncollected
from weightrepl.model.tree import Model
from weightrepl.readers.folders import is_there, models_in
from weightrepl.readers.guards import STANDARD, Limits, os_reason
from weightrepl.readers.sources import stem_of

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

HEAD_NBYTES = 4096

FILE_READERS = (
    "weightrepl.readers.keras_archive:KerasArchiveReader",
    "weightrepl.readers.keras_store:KerasStoreReader",
    "weightrepl.readers.safetensors:SafetensorsReader",
    "weightrepl.readers.arrays:ArraysReader",
    "weightrepl.readers.legacy_h5:LegacyH5Reader",
    "weightrepl.readers.saved_model:SavedModelReader",
    "weightrepl.readers.checkpoint:CheckpointReader",
)
"""Tried in this order; the first that recognises the file opens it."""

BEGINNINGS = {
    "weightrepl.readers.keras_archive:KerasArchiveReader": (b"PK",),
    "weightrepl.readers.keras_store:KerasStoreReader": (b"\x89HDF", b"{", b" ", b"\n", b"\r", b"\t"),
    "weightrepl.readers.arrays:ArraysReader": (b"PK", b"\x93NUMPY"),
}
"""What a reader's files begin with, for those that are not loaded where another file is opened."""

_TENSORFLOW = "weightrepl.readers.tf_objects:TfObjectReader"
OBJECT_READERS = {
    "keras.src.layers.layer.Layer": "weightrepl.readers.keras_objects:KerasObjectReader",
    "tensorflow.python.module.module.Module": _TENSORFLOW,
    "tensorflow.python.checkpoint.checkpoint.Checkpoint": _TENSORFLOW,
    "tensorflow.python.saved_model.load.Loader._recreate_base_user_object.<locals>._UserObject": _TENSORFLOW,
}
"""The dotted name of a base class -> the reader of its instances."""

PLAIN_OBJECT_READERS = {"tensorflow.python.trackable.autotrackable.AutoTrackable": _TENSORFLOW}
"""The dotted name of a class -> the reader of what is of that very class: too much else is derived from it."""

ENTRY_POINTS = "weightrepl.readers"
"""The group of entry points under which other packages offer readers of files; asked when none of our own fits."""


class FileReader(Protocol):
    """Opens the files of one layout."""

    def recognises(self, path: str, head: bytes) -> bool:
        """Return whether the file is of this layout, by its first bytes if it can.

        path: as given by the user: of a file, a folder, or what the names of a checkpoint's files begin with.
        head: at most HEAD_NBYTES bytes of the file's beginning; empty of what is no file.
        """
        ...

    def open(self, path: str, limits: Limits = STANDARD) -> Model:
        """Return the model; its `names` hold only what the file itself says, the stem last.

        limits: what the file may claim.

        Raises:
            SourceError: a FormatError, UnsafeFileError or UnknownFormatError with path, place and reason.
        """
        ...


class ObjectReader(Protocol):
    """Opens live objects of one library."""

    def open(self, thing: Any, variable: str | None = None) -> Model:
        """Return the model that `thing` is; nothing of it is copied, it is looked at when asked for.

        variable: the Python variable that it is in, if that is known, for lines of Python to tell.
        Its `names` hold its own name, if it has one. Its `live` keeps `thing` alive, what else is of it does not.
        """
        ...

    def is_model(self, thing: Any) -> bool:
        """Return whether `thing` is a model by itself, not what models are made of: a layer, an optimizer, a metric."""
        ...

    def name(self, thing: Any) -> str | None:
        """Return the name that its author or its library gave it; None where it has none."""
        ...

    def parts(self, thing: Any) -> Iterator[object]:
        """Yield all objects below `thing` that might be opened by themselves, each once, quickly."""
        ...


def open_source(
    thing: object, name: str | None = None, variable: str | None = None, limits: Limits = STANDARD
) -> Model:
    """Return the model that `thing` is or that lies in the file or folder of that path.

    thing: a path, or a live model. name: what the user wants it to be called; variable: the Python variable it is in.
    limits: what a file may claim before it is refused.
    The model answers to its names in this order: given, its own, the variable's, the file's stem.

    Raises:
        SourceError: nothing there, no leave to read it, damaged, or unsafe.
        UnknownFormatError: no format that is read; says what it is.
    """
    if isinstance(thing, (str, os.PathLike)):
        path = os.fsdecode(thing)
        try:
            model, within = _opened(path, limits)
        except SourceError:
            raise
        except OSError as error:
            raise SourceError(os_reason(error), str(error.filename or path)) from None
        own, stem = model.names[:-1], (*model.names[-1:], *within)
    else:
        model = _reader_of_object(thing).open(thing, variable)
        own, stem = model.names, ()
    names = [each for each in (name, *own, variable, *stem) if each is not None]
    return model.answering_to(*(names or [model.root.name]))


def _opened(path: str, limits: Limits) -> tuple[Model, tuple[str, ...]]:
    """Return the model of a path; and, where it is a folder that only holds the model's file, its name."""
    head = _head(path)
    reader = _reader_of_file(path, head)
    folders: tuple[str, ...] = ()
    if reader is None and os.path.isdir(path):
        path, folders = _only_model_in(path, limits), (stem_of(path),)
        head = _head(path)
        reader = _reader_of_file(path, head)
    if reader is None:
        from weightrepl.readers.other_formats import unknown_file

        raise unknown_file(path, head)
    with uncollected():
        return reader.open(path, limits), folders


def _only_model_in(folder: str, limits: Limits) -> str:
    """Return the path of the one thing in a folder that can be opened."""
    found = models_in(folder, lambda inner: _reader_of_file(inner, b"") is not None, limits)
    if len(found) == 1:
        return os.path.join(folder, found[0])
    from weightrepl.readers.other_formats import not_one_model

    raise not_one_model(folder, found)


def _reader_of_file(path: str, head: bytes) -> FileReader | None:
    return next((reader for reader in _file_readers(head) if reader.recognises(path, head)), None)


def _head(path: str) -> bytes:
    """Return a file's first bytes; none for a folder, or for what the names of a checkpoint's files begin with."""
    if os.path.isdir(path) or (not os.path.lexists(path) and is_there(path)):
        return b""
    if os.path.exists(path) and not os.path.isfile(path):
        raise SourceError("neither a plain file nor a folder", path)
    try:
        with open(path, "rb") as file:
            return file.read(HEAD_NBYTES)
    except FileNotFoundError:
        from weightrepl.readers.other_formats import not_there

        raise not_there(path) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise SourceError(os_reason(error), path) from None


def _file_readers(head: bytes) -> Iterator[FileReader]:
    """Yield the readers that may open what begins so; all of a folder, or of what the names of files begin with."""
    for place in FILE_READERS:
        if not head or head.startswith(BEGINNINGS.get(place, b"")):
            yield _made(place)
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINTS):
        yield _offered(point)


def _offered(point: EntryPoint) -> FileReader:
    """Return the reader that another package offers.

    Raises:
        SourceError: its package is broken.
    """
    try:
        reader: FileReader = point.load()()
    except Exception as error:  # it is anybody's code
        package = f" of the package {point.dist.name}" if point.dist is not None else ""
        told = f"{type(error).__name__}: {error}"
        raise SourceError(f"the reader {point.name!r}{package} can't be loaded ({told})") from error
    return reader


def _made(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)()


def reader_of_object(thing: object) -> ObjectReader | None:
    """Return the reader that opens a live object; None where it is none."""
    names = [f"{base.__module__}.{base.__qualname__}" for base in type(thing).__mro__]
    places = [OBJECT_READERS[name] for name in names if name in OBJECT_READERS]
    place = places[0] if places else PLAIN_OBJECT_READERS.get(names[0])
    return None if place is None else _made(place)


def _reader_of_object(thing: object) -> ObjectReader:
    reader = reader_of_object(thing)
    if reader is not None:
        return reader
    from weightrepl.readers.other_formats import unknown_object

    raise unknown_object(thing, [f"{base.__module__}.{base.__qualname__}" for base in type(thing).__mro__])
