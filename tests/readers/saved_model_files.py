"""SavedModels written byte by byte: objects that hold each other, functions that name variables."""

from __future__ import annotations

from pathlib import Path

from tests.readers.tensor_files import message, number, varint


def write_objects(folder: Path, *objects: bytes) -> Path:
    """Write a SavedModel with a graph of objects and no variables."""
    graph = b"".join(message(1, each) for each in objects)
    (folder / "saved_model.pb").write_bytes(message(2, message(7, graph)))
    return folder


def child(name: str, of: int) -> bytes:
    return message(1, number(1, of) + message(2, name.encode()))


KIND = message(4, message(1, b"_generic_user_object"))
VARIABLE = message(7, number(1, 1) + number(3, 1) + message(6, b"v"))


def write_function(folder: Path, reads: dict[str, int], *objects: bytes) -> Path:
    """Write a SavedModel with one signature, which reads variables. reads: operations, and the objects they read."""
    signature = message(1, b"f") + b"".join(message(2, message(1, b"a%d" % i)) for i in range(len(reads)))
    nodes = (
        message(3, message(1, name.encode()) + message(2, b"ReadVariableOp") + message(3, b"a%d" % i))
        for i, name in enumerate(reads)
    )
    captured = message(1, b"f") + message(2, message(2, b"".join(map(varint, reads.values()))))
    graph = b"".join(message(1, each) for each in objects) + message(2, captured)
    library = message(2, message(1, message(1, signature) + b"".join(nodes)))
    (folder / "saved_model.pb").write_bytes(message(2, message(2, library) + message(7, graph)))
    return folder


def traced(of: int) -> bytes:
    """A layer whose call was traced as `f`, which is object `of`."""
    return child("__call__", of) + KIND


def named_variable(name: str) -> bytes:
    return message(7, number(1, 1) + number(3, 1) + message(6, name.encode()))


F = message(6, message(1, b"f"))
