"""Limits and refusals that every file reader goes through."""

from __future__ import annotations

import os
import struct
from types import TracebackType
from typing import Any

from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.values import Value


class Limits(Value):
    """What a file may claim before it is refused, named as in the messages; a number may be raised.

    >>> Limits(depth=1000).depth
    1000
    """

    depth: int = 200
    json_nbytes: int = 256 << 20
    config_nodes: int = 2_000_000
    header_nbytes: int = 100_000_000
    rank: int = 64
    tensors: int = 10_000_000
    graph_nodes: int = 10_000_000
    expansion: int = 1100


STANDARD = Limits()

MAX_DEPTH = 200
"""How many groups or layers may lie within each other; deeper files are refused."""

MAX_JSON_NBYTES = 256 << 20
"""The largest JSON text that is parsed. The config of a model of 10,000 layers takes some 10 MB."""

MAX_CONFIG_NODES = 2_000_000
"""How many layers a config may unfold to."""

_RAW_ERRORS = (
    struct.error, LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError, EOFError,
    ArithmeticError, OSError, RuntimeError, AssertionError,
)  # fmt: skip
_CLOSED = "closed or invalid"


class Reading:
    """A `with` block that turns whatever decoding a wrong file raises into a FormatError.

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
        if error is None or isinstance(error, SourceError) or not isinstance(error, _RAW_ERRORS):
            return
        if isinstance(error, ValueError) and _CLOSED in str(error):  # what a closed mmap says
            raise closed(self.path) from None
        if (
            isinstance(error, OSError) and error.errno is not None
        ):  # without a number it is h5py's, about the file
            raise SourceError(os_reason(error), self.path, self.place) from error
        raise FormatError(f"damaged or cut short ({_told(error)})", self.path, self.place) from error


def _told(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deep"
    text = str(error).splitlines()
    return f"{type(error).__name__}: {text[0][:120]}" if text else type(error).__name__


def os_reason(error: Exception) -> str:
    """Return in words why the operating system refused."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def closed(path: str) -> ChangedError:
    """Return the error for reading from what was closed."""
    return ChangedError("the model was closed; open it again to read from it", path)


def parsed_json(text: bytes, path: str, place: str) -> Any:
    """Return the JSON value that `text` spells; nothing in it is looked up, imported or run.

    Raises:
        FormatError: not UTF-8, not JSON, nested too deep, or a key twice in one object.
        UnsafeFileError: larger than MAX_JSON_NBYTES.
    """
    import json

    if len(text) > MAX_JSON_NBYTES:
        raise UnsafeFileError(f"{len(text):,} bytes of JSON, more than is parsed", path, place)
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except RecursionError:
        raise FormatError("JSON nested too deep", path, place) from None
    except ValueError as error:
        raise FormatError(f"not readable as JSON ({_told(error)})", path, place) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def confined(folder: str, name: object, path: str, place: str) -> str:
    """Return the path of the file `name` in `folder`; only a bare name of a file in it is allowed.

    Raises:
        UnsafeFileError: `name` could lead out of the folder.
    """
    bare = isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0:")
    if not bare:
        raise UnsafeFileError(f"the file name {str(name)[:200]!r} leads out of the folder", path, place)
    return os.path.join(folder, str(name))
