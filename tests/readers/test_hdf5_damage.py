"""HDF5 files with one field changed: what is wrong is told by name, whichever part of the format it is in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from weightrepl.errors import SourceError
from weightrepl.readers import hdf5_library
from weightrepl.readers.hdf5 import Dataset, Group, open_hdf5
from weightrepl.readers.sources import ByteSource

Change = Callable[["Content"], None]

DATASPACE, DATATYPE, LAYOUT, ATTRIBUTE = 0x01, 0x03, 0x08, 0x0C
NAME_OFFSET, HEADER, SCRATCH, SYMBOL_NBYTES = 0, 8, 24, 40


class Content(bytearray):
    """The bytes of a file, and where in it the fields are that a test changes."""

    def put(self, start: int, value: int, width: int = 8) -> None:
        self[start : start + width] = value.to_bytes(width, "little")

    def u64(self, start: int) -> int:
        return int.from_bytes(self[start : start + 8], "little")

    def symbol(self, place: int) -> int:
        """Where the entry of one of the root's members is, 0 for the first."""
        return self.index(b"SNOD") + 8 + place * SYMBOL_NBYTES

    def message(self, header: int, number: int) -> int:
        """Where a message of a version 1 object header begins: number, size, four more bytes, its body."""
        at = header + 16
        while int.from_bytes(self[at : at + 2], "little") != number:
            at += 8 + int.from_bytes(self[at + 2 : at + 4], "little")
        return at

    def renamed(self, name: bytes, other: bytes) -> None:
        start = self.index(name + b"\0")
        self[start : start + len(name)] = other


def old_file(path: Path) -> Content:
    """A file as Keras writes it: symbol tables and headers of version 1, two datasets, texts in a global heap."""
    with h5py.File(path, "w", libver="earliest") as file:
        file["alpha"] = np.arange(6, dtype="f4").reshape(2, 3)
        file["gamma"] = np.arange(3)
        file["alpha"].attrs["counts"] = np.array([11, 12, 13])
        file["zeta"] = np.zeros(2, "c8")
        file["gamma"].attrs["text"] = "what an attribute says"
    return Content(path.read_bytes())


def new_file(path: Path) -> Content:
    """A file in the newest format, with an object header in several blocks."""
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(3):
            file[f"value{number}"] = np.arange(3)
        for number in range(5):
            file.attrs[f"note{number}"] = number
    return Content(path.read_bytes())


def told_of(path: Path, content: bytes) -> str:
    """What is said when every attribute and every value is read."""
    path.write_bytes(content)
    with pytest.raises(SourceError) as raised:
        read_all(path)
    assert str(raised.value).startswith(str(path))
    return str(raised.value).removeprefix(f"{path}: ")


def read_all(path: Path) -> dict[str, object]:
    source = ByteSource(str(path))
    found: dict[str, object] = {}
    try:
        pending: list[Group | Dataset] = [open_hdf5(source)]
        for each in pending:
            found |= {f"{each.path}@{name}": value for name, value in each.attributes.items()}
            if isinstance(each, Group):
                pending += each.members.values()
            else:
                found[each.path] = each.tensor.read().tolist()
    finally:
        source.close()
    return found


def tree_that_leads_to_itself(content: Content) -> None:
    tree = content.index(b"TREE")
    content.put(tree + 32, tree)


def family_of_chunks(content: Content) -> None:
    content[content.index(b"TREE") + 4] = 1


def no_local_heap(content: Content) -> None:
    content[content.index(b"HEAP")] = 0


def name_with_a_slash(content: Content) -> None:
    content.renamed(b"alpha", b"al/ha")


def name_without_an_end(content: Content) -> None:
    content.put(content.symbol(0) + NAME_OFFSET, 1 << 40)


def one_name_twice(content: Content) -> None:
    content.renamed(b"gamma", b"alpha")


def far_address(content: Content) -> None:
    content.put(content.symbol(0) + HEADER, 1 << 60)


def address_of_something_else(content: Content) -> None:
    content.put(content.symbol(0) + HEADER, content.index(b"HEAP"))


def message_too_long(content: Content) -> None:
    header = content.u64(content.symbol(1) + HEADER)
    content.put(content.message(header, ATTRIBUTE) + 2, 0xFFF8, 2)


def no_layout(content: Content) -> None:
    content.put(content.message(content.u64(content.symbol(0) + HEADER), LAYOUT), 0, 2)


def larger_shape(content: Content) -> None:
    dataspace = content.message(content.u64(content.symbol(0) + HEADER), DATASPACE) + 8
    content.put(dataspace + 8, 1 << 40)


def member_without_an_end(content: Content) -> None:
    datatype = content.message(content.u64(content.symbol(2) + HEADER), DATATYPE)
    end = datatype + 8 + int.from_bytes(content[datatype + 2 : datatype + 4], "little")
    start = content.index(b"r\0", datatype)
    content[start:end] = b"r" * (end - start)


def longer_attribute(content: Content) -> None:
    start = content.index(b"counts\0")
    content.put(content.index((3).to_bytes(8, "little"), start), 3000)


def no_global_heap(content: Content) -> None:
    content[content.index(b"GCOL")] = 0


def shorter_text(content: Content) -> None:
    content.put(content.index(b"GCOL") + 16 + 8, 4)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (tree_that_leads_to_itself, "a B-tree leads back into itself"),
        (family_of_chunks, "no B-tree node of a group where one should be"),
        (no_local_heap, "no local heap where one should be"),
        (name_with_a_slash, "no object may be called 'al/ha'"),
        (name_without_an_end, "a name runs past its heap"),
        (one_name_twice, "two objects are called 'alpha'"),
        (far_address, "alpha: an address leads outside the HDF5 file"),
        (address_of_something_else, "alpha: no object header where one should be"),
        (message_too_long, "gamma: a message runs past its block"),
        (no_layout, "alpha: neither a group nor a whole dataset"),
        (larger_shape, "alpha: its shape needs 13,194,139,533,312 bytes, which are not there"),
        (member_without_an_end, "zeta: a member's name runs past its type"),
        (longer_attribute, "alpha: the attribute 'counts' is cut short"),
        (no_global_heap, "gamma: no global heap where one should be"),
        (shorter_text, "gamma: a text is longer than its place"),
    ],
)
def test_old_files(tmp_path: Path, change: Change, told: str):
    content = old_file(tmp_path / "m.h5")
    change(content)
    assert told_of(tmp_path / "m.h5", content) == told


def no_next_block(content: Content) -> None:
    content[content.index(b"OCHK")] = 0


def header_of_tomorrow(content: Content) -> None:
    content[content.rindex(b"OHDR") + 4] = 9


def superblock_of_tomorrow(content: Content) -> None:
    content[8] = 9


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (no_next_block, "an object header's next block is missing"),
        (header_of_tomorrow, "value2: damaged or cut short"),
        (superblock_of_tomorrow, "damaged or cut short (Unable to synchronously open file"),
    ],
)
def test_new_files(tmp_path: Path, change: Change, told: str):
    content = new_file(tmp_path / "m.h5")
    change(content)
    assert told_of(tmp_path / "m.h5", content).startswith(told)


def test_a_library_that_went_astray_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """No file is known that makes the library tell this; but a file may make it do anything."""
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file.create_dataset("v", data=np.zeros((10, 7)), chunks=(5, 7))
    told = {"shape": [-10, 7], "dtype": "float64", "reason": None, "offset": None}
    answers = {"group": None, "dataset": told}
    monkeypatch.setattr(hdf5_library.Fallback, "asked", lambda self, question, path: answers[question])
    assert told_of(tmp_path / "m.h5", (tmp_path / "m.h5").read_bytes()) == "v: an axis of negative size"
