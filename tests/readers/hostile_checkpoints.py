"""Hostile checkpoints, entered into the table of tests.readers.hostile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fuzz import formats
from tests.readers.files import ZOO
from tests.readers.hostile import hostile
from tests.readers.hostile_claims import HOSTILE

__all__ = ["HOSTILE"]


def _checkpoint(folder: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]]) -> Path:
    files = {path.name: path.read_bytes() for path in (ZOO / "keras3" / "seq_dense" / "ckpt").glob("ck-1.*")}
    for name, content in change(files).items():
        (folder / name).write_bytes(content)
    return folder / "ck-1"


def _with_entry(number: int, value: int) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    """Return what changes a field of the entry of the first tensor."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        entries = formats.entries_of(files["ck-1.index"])
        key, entry = entries[2]
        fields = [each for each in formats.fields_of(entry) if each[0] != number]
        entries[2] = (key, formats.message([*fields, (number, 0, value)]))
        return {**files, "ck-1.index": formats.table_of(entries)}

    return change


def _graph(children: list[list[int]]) -> bytes:
    """Return a graph of objects by the numbers of the objects that each holds."""
    nodes = []
    for held in children:
        named = [
            (1, 2, formats.message([(1, 0, node), (2, 2, f"a{i}".encode())])) for i, node in enumerate(held)
        ]
        nodes.append((1, 2, formats.message(named)))
    return formats.message(nodes)


@hostile("object graphs: circles", "", "")
def checkpoint_of_objects_in_themselves(folder: Path) -> Path:
    """Each of 30 objects holds all 30: as a tree that would have no end."""
    graph = _graph([list(range(30))] * 30)
    return _checkpoint(folder, lambda files: formats.with_graph(files, graph))


@hostile("object graphs: many ways to one object", "", "")
def checkpoint_of_objects_held_twice(folder: Path) -> Path:
    """Each of 60 objects holds the next one twice: as a tree that would have 2**60 layers."""
    graph = _graph([*([i + 1, i + 1] for i in range(60)), []])
    return _checkpoint(folder, lambda files: formats.with_graph(files, graph))


@hostile("object graphs: depth", "UnsafeFileError", "depth is limited")
def checkpoint_of_objects_within_each_other(folder: Path) -> Path:
    graph = formats.message([*formats.fields_of(_graph([[i + 1] for i in range(5000)])), (1, 2, _variable())])
    return _checkpoint(folder, lambda files: formats.with_graph(files, graph))


def _variable() -> bytes:
    name, key = b"VARIABLE_VALUE", b"model/layer_with_weights-0/_kernel/.ATTRIBUTES/VARIABLE_VALUE"
    return formats.message([(2, 2, formats.message([(1, 2, name), (2, 2, b"a/kernel"), (3, 2, key)]))])


@hostile("object graphs: numbers of objects", "FormatError", "which is not there")
def checkpoint_of_an_object_that_is_not_there(folder: Path) -> Path:
    return _checkpoint(folder, lambda files: formats.with_graph(files, _graph([[1 << 40]])))


@hostile("checkpoints: numbers of shards", "", "shard")
def checkpoint_with_a_tensor_in_no_shard(folder: Path) -> Path:
    return _checkpoint(folder, _with_entry(3, 1 << 31))


@hostile("checkpoints: offsets", "", "outside|behind|end|short")
def checkpoint_with_a_tensor_behind_the_end(folder: Path) -> Path:
    return _checkpoint(folder, _with_entry(4, 1 << 62))


@hostile("checkpoints: sizes", "", "size|bytes")
def checkpoint_with_a_tensor_of_another_size(folder: Path) -> Path:
    return _checkpoint(folder, _with_entry(5, 1 << 50))


@hostile("checkpoints: checksums", "", "checksum")
def checkpoint_with_another_value(folder: Path) -> Path:
    """One bit of the values differs, which only the tensor's checksum tells."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        values = bytearray(files["ck-1.data-00000-of-00001"])
        values[1] ^= 1
        return {**files, "ck-1.data-00000-of-00001": bytes(values)}

    return _checkpoint(folder, change)


@hostile("checkpoints: packed blocks", "FormatError", "claim to unpack to 4,294,967,295")
def checkpoint_with_a_bomb_of_snappy(folder: Path) -> Path:
    """A block that claims to unpack to 4 GB."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        block = formats.varint((1 << 32) - 1) + b"\xfe\x01\x00" * 4000
        body = block + b"\1"
        handle = formats.varint(0) + formats.varint(len(block))
        footer = (handle + handle).ljust(40, b"\0") + files["ck-1.index"][-8:]
        return {**files, "ck-1.index": body + formats.masked_crc(body) + footer}

    return _checkpoint(folder, change)
