"""Limits and refusals that every file reader goes through."""

from __future__ import annotations

import os
import struct
from types import TracebackType
from typing import Any

from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.values import Value


class Limits(Value):
    """What a file may claim before it is refused; `open` takes it, the command line has `--allow`.

    Attributes:
        depth: layers, groups or parts of a key within each other.
        json_nbytes: bytes of a JSON text: a configuration, an index of shards.
        json_expansion: bytes of JSON that one packed byte may become.
        config_nodes: layers that a configuration unfolds to.
        header_nbytes: bytes of the header of a safetensors file.
        array_header_nbytes: bytes of the header of an array of NumPy's.
        rank: axes of a tensor.
        tensors: tensors of a file.
        graph_nbytes: bytes of a part of a SavedModel's graph that is read at once: its objects, a collection.
        graph_nodes: objects in the graph of a checkpoint or a SavedModel.
        expansion: bytes of values that one packed byte may become; deflate makes at most 1032.
        unwritten_nbytes: bytes that chunks in HDF5 may become whatever they take; what was never written takes none.
        zip_directory_nbytes: bytes of the directory of a zip archive.
        hdf5_messages: messages in the header of an object in HDF5.
        hdf5_blocks: blocks that such a header is spread over.
        key_expansion: bytes of keys that one byte of a checkpoint's index may become.
        outside_links: whether symbolic links may lead out of a model's folder: 0 or 1.

    Examples:
        >>> import weightrepl
        >>> weightrepl.Limits(depth=1000).depth
        1000
    """

    depth: int = 200
    json_nbytes: int = 256 << 20
    json_expansion: int = 100
    config_nodes: int = 2_000_000
    header_nbytes: int = 100_000_000
    array_header_nbytes: int = 1 << 16
    rank: int = 64
    tensors: int = 10_000_000
    graph_nbytes: int = 100_000_000
    graph_nodes: int = 10_000_000
    expansion: int = 1100
    unwritten_nbytes: int = 64 << 20
    zip_directory_nbytes: int = 64 << 20
    hdf5_messages: int = 1 << 20
    hdf5_blocks: int = 4096
    key_expansion: int = 100
    outside_links: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        """What each limit is called."""
        return self.__match_args__


STANDARD = Limits()


def bound(claim: int, name: str, what: str, limits: Limits, path: str, place: str = "") -> None:
    """Raise an UnsafeFileError if a file claims more of `what` than the limit called `name` allows.

    >>> bound(201, "depth", "groups within each other", STANDARD, "a.h5")
    Traceback (most recent call last):
    weightrepl.errors.UnsafeFileError: a.h5: 201 groups within each other, and depth is limited to 200; \
where you trust the file: --allow depth=2000, in Python limits=weightrepl.Limits(depth=2000)
    """
    if claim > getattr(limits, name):
        raise UnsafeFileError(refusal(claim, name, what, limits), path, place)


def refusal(claim: int, name: str, what: str, limits: Limits) -> str:
    """Return in words that a file claims too much of `what`, and how the limit called `name` is raised."""
    limit = getattr(limits, name)
    enough = max(limit, 1)
    while enough < claim:
        enough *= 10
    return f"{claim:,} {what}, and {name} is limited to {limit:,}; {_allow(name, enough)}"


def _allow(name: str, value: int) -> str:
    """Return how a limit is raised."""
    return f"where you trust the file: --allow {name}={value}, in Python limits=weightrepl.Limits({name}={value})"


_RAW_ERRORS = (
    struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError, EOFError,
    ArithmeticError, OSError, RuntimeError, AssertionError,
)  # fmt: skip
_TELLING = (ValueError, OSError, RuntimeError)  # decoders, JSON's and HDF5's; others are Python's own
_CLOSED = "closed or invalid"


class Reading:
    """A `with` block that turns whatever decoding a wrong file raises into a FormatError.

    An error of our own passes; where it names no path, or no place in this one, it gets them.

    path: of the file, as given. place: the spot within it that the block decodes.
    """

    __slots__ = ("path", "place")

    def __init__(self, path: str, place: str = "") -> None:
        self.path, self.place = path, place

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, SourceError) and not error.path:
            error.path, error.place = self.path, error.place or self.place
        elif isinstance(error, FormatError | UnsafeFileError) and error.path == self.path:
            error.place = error.place or self.place
        if error is None or isinstance(error, SourceError) or not isinstance(error, _RAW_ERRORS):
            return
        if isinstance(error, ValueError) and _CLOSED in str(error):  # what a closed mmap says
            raise closed(self.path) from None
        if (
            isinstance(error, OSError) and error.errno is not None
        ):  # without a number it is h5py's, about the file
            raise SourceError(os_reason(error), self.path, self.place) from error
        raise FormatError(f"damaged or cut short{_told(error)}", self.path, self.place) from error


def _told(error: BaseException) -> str:
    """Return what an error tells of the file, to stand behind a message; nothing where it is of our code."""
    if isinstance(error, RecursionError):
        return " (nested too deep)"
    text = str(error).splitlines() if isinstance(error, _TELLING) else []
    return f" ({text[0][:120]})" if text else ""


def os_reason(error: Exception) -> str:
    """Return in words why the operating system refused."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def closed(path: str) -> ChangedError:
    """Return the error for reading from what was closed."""
    return ChangedError("the model was closed; open it again to read from it", path)


def parsed_json(text: bytes, path: str, place: str, limits: Limits = STANDARD) -> Any:
    """Return the JSON value that `text` spells; nothing in it is looked up, imported or run.

    Raises:
        FormatError: not UTF-8, not JSON, nested too deep, or a key twice in one object.
        UnsafeFileError: larger than `limits` allow.
    """
    import json

    bound(len(text), "json_nbytes", "bytes of JSON", limits, path, place)
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except RecursionError:
        raise FormatError("JSON nested too deep", path, place) from None
    except ValueError as error:
        raise FormatError(
            f"not readable as JSON, so cut short or damaged{_told(error)}", path, place
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def confined(folder: str, name: object, path: str, place: str, limits: Limits = STANDARD) -> str:
    """Return the path of the file `name` in `folder`; only a bare name of a file that lies in it is allowed.

    Raises:
        UnsafeFileError: `name` could lead out of the folder, or is a symbolic link that does.
    """
    bare = isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0:")
    if not bare:
        raise UnsafeFileError(
            f"{str(name)[:200]!r} is no name of a file beside it, or leads out of the folder", path, place
        )
    return followed(os.path.join(folder, str(name)), folder, path, limits)


def followed(file: str, folder: str, path: str, limits: Limits = STANDARD) -> str:
    """Return `file`, which is part of what lies in `folder`; no symbolic link may lead out of there.

    Else a folder from somebody else could show any file of this machine as a weight's values. Links into the cache of
    the Hugging Face hub are followed, from its `snapshots/REVISION` to its `blobs` beside them:
    https://huggingface.co/docs/huggingface_hub/guides/manage-cache. What the user names is followed wherever it leads.

    Raises:
        UnsafeFileError: a symbolic link leads elsewhere. FormatError: no file can have that name.
    """
    try:
        home, target = os.path.realpath(folder), os.path.realpath(file)
    except ValueError:  # half a character, a NUL
        raise FormatError(f"no file can be called {os.path.basename(file)[:200]!r}", path) from None
    if limits.outside_links or lies_in(target, home):
        return file
    cache, snapshots, _ = home.rpartition(f"{os.sep}snapshots{os.sep}")
    if snapshots and lies_in(target, os.path.join(cache, "blobs")):
        return file
    raise UnsafeFileError(
        f"the link {os.path.basename(file)!r} leads out of the folder, to {target}; {_allow('outside_links', 1)}",
        path,
    )


def lies_in(target: str, folder: str) -> bool:
    """Return whether a path is that of a folder or of something in it; of both all links were followed."""
    return target == folder or target.startswith(folder.rstrip(os.sep) + os.sep)
