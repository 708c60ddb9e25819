"""The own HDF5 reader against h5py, on what Keras writes, on odd files, on hostile ones."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import ml_dtypes
import numpy as np
import pytest

from tests.readers.files import REAL, ZOO
from weightrepl.errors import ChangedError, FormatError, SourceError, UnsafeFileError
from weightrepl.model.tensor import take
from weightrepl.readers.hdf5 import Dataset, Group, open_hdf5
from weightrepl.readers.sources import ByteSource


def opened(path: Path, base: int = 0, size: int | None = None) -> Group:
    return open_hdf5(ByteSource(str(path)), base, size)


def walk(group: Group) -> Iterator[Group | Dataset]:
    yield group
    for member in group.members.values():
        if isinstance(member, Group):
            yield from walk(member)
        else:
            yield member


def datasets(path: Path) -> dict[str, Dataset]:
    return {each.path: each for each in walk(opened(path)) if isinstance(each, Dataset)}


def plain(value: object) -> object:
    """An attribute of h5py's as this reader gives it."""
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, (np.ndarray, np.generic)):
        value = value.tolist()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.decode() if isinstance(value, bytes) else value


def assert_equals_h5py(path: Path) -> int:
    """Compare every group, attribute, shape and value; return how many datasets there are."""
    mine = {each.path: each for each in walk(opened(path))}
    with h5py.File(path) as file:
        theirs = {"": file}
        file.visititems(theirs.__setitem__)
        assert mine.keys() == theirs.keys()
        for name, thing in theirs.items():
            assert dict(mine[name].attributes) == {k: plain(v) for k, v in thing.attrs.items()}
            if isinstance(thing, h5py.Dataset):
                found = mine[name]
                assert found.unreadable is None
                assert found.spec.shape == thing.shape
                values = found.tensor.read()
                raw = thing[()]
                assert values.shape == raw.shape
                assert (
                    values.tobytes()
                    == np.asarray(raw).astype(np.asarray(raw).dtype.newbyteorder("=")).tobytes()
                )
        return sum(isinstance(thing, h5py.Dataset) for thing in theirs.values())


@pytest.mark.parametrize("path", sorted(ZOO.rglob("*.h5")), ids=lambda p: f"{p.parent.name}-{p.name}")
def test_what_keras_writes_reads_as_h5py_reads_it(path: Path):
    assert_equals_h5py(path)


@pytest.mark.skipif(not REAL.is_dir(), reason="no folder of real files beside the checkout")
def test_real_files_read_as_h5py_reads_them():
    files = [p for p in sorted(REAL.rglob("*")) if p.suffix in (".h5", ".hdf5") and "odd-links" not in str(p)]
    assert sum(map(assert_equals_h5py, files)) > 100


def test_nothing_of_h5py_or_numpy_is_loaded_to_list_a_file():
    script = (
        "import sys; from weightrepl.readers.hdf5 import open_hdf5; from weightrepl.readers.sources import ByteSource\n"
        "root = open_hdf5(ByteSource(sys.argv[1]))\n"
        "assert root.members['layers'].members['dense'].members['vars'].members['0'].spec.shape == (6, 5)\n"
        "assert not {'numpy', 'h5py', 'ml_dtypes'} & sys.modules.keys()"
    )
    file = ZOO / "keras3" / "seq_dense" / "model.weights.h5"
    subprocess.run([sys.executable, "-c", script, file], check=True, cwd=ZOO.parents[1])


def test_opening_one_group_opens_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for i in range(50):
            file[f"a/b{i}/vars/0"] = np.arange(3.0)
    import weightrepl.readers.hdf5 as module

    counted: list[int] = []
    real = module.header_of
    monkeypatch.setattr(module, "header_of", lambda file, at: (counted.append(at), real(file, at))[1])
    root = opened(tmp_path / "a.h5")
    root.members["a"].members["b7"].members["vars"].members["0"].tensor.read()
    assert len(counted) == 5


TYPES = [
    *(
        np.arange(6, dtype=t).reshape(2, 3)
        for t in ("i1", "u1", "<i2", ">i2", "<u4", ">u4", "<i8", ">i8", "<u8")
    ),
    *(
        np.arange(6, dtype=t).reshape(2, 3)
        for t in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "c8", ">c8", "c16")
    ),
    *(np.array([True, False]), np.float32(3), np.zeros((0, 4), "f4"), np.zeros((2, 0, 3), "i8")),
]


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
@pytest.mark.parametrize("value", TYPES, ids=lambda v: f"{v.dtype.str}{v.shape}")
def test_types(tmp_path: Path, value: np.ndarray, libver: str):
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        file["v"] = value
    found = datasets(tmp_path / "a.h5")["v"]
    assert found.spec.dtype == value.dtype.name
    read = found.tensor.read()
    assert read.dtype == value.dtype.newbyteorder("=")
    np.testing.assert_array_equal(read, value)


def test_bfloat16_as_keras_stores_it(tmp_path: Path):
    value = np.arange(4).astype(ml_dtypes.bfloat16)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("0", data=value).attrs["dtype"] = "bfloat16"
        file.create_dataset("unmarked", data=value)
    found = datasets(tmp_path / "a.h5")
    assert found["0"].spec.dtype == "bfloat16"
    np.testing.assert_array_equal(found["0"].tensor.read(), value)
    assert "void16" in found["unmarked"].unreadable


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_what_holds_no_numbers_says_so(tmp_path: Path, libver: str):
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        file["fixed"] = np.array([b"a", b"bc"], "S2")
        file["variable"] = np.array(["a", "b"], dtype=h5py.string_dtype())
        file["compound"] = np.zeros(2, [("r", "f4"), ("i", "i4")])
        file["empty"] = h5py.Empty("f4")
        file.create_dataset("late", (1 << 34,), "f4")
    found = datasets(tmp_path / "a.h5")
    assert len(found) == 5
    for each in found.values():
        assert each.unreadable
        with pytest.raises(FormatError, match=each.path):
            each.tensor.read()
        with pytest.raises(FormatError):
            next(each.tensor.blocks(10))
    assert found["late"].spec.shape == (1 << 34,)
    assert found["fixed"].spec.dtype == found["variable"].spec.dtype == "string"


ATTRIBUTES = {
    "text": "größer",
    "bytes": np.bytes_(b"abc"),
    "names": np.array([b"dense", b"dense_1"], "S7"),
    "texts": np.array(["a", "bcd", ""], dtype=h5py.string_dtype()),
    "int": 3,
    "float": 0.5,
    "yes": True,
    "ints": np.arange(4),
    "matrix": np.arange(4.0),
    "nothing": h5py.Empty("f4"),
    "blank": "",
}


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("count", [3, len(ATTRIBUTES)])
def test_attributes(tmp_path: Path, libver: str, count: int):
    """With more than eight of them the newest format keeps them in a heap, which h5py reads."""
    chosen = dict(list(ATTRIBUTES.items())[:count])
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        for thing in (file, file.create_group("g"), file.create_dataset("d", data=[1.0])):
            thing.attrs.update(chosen)
    expected = {name: plain(value) for name, value in chosen.items()}
    root = opened(tmp_path / "a.h5")
    assert dict(root.attributes) == expected
    assert dict(root.members["g"].attributes) == dict(root.members["d"].attributes) == expected


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("count", [0, 1, 8, 9, 300])
def test_groups_of_every_size(tmp_path: Path, libver: str, count: int):
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        group = file.create_group("g")
        for i in range(count):
            group[f"ü{i}/vars/0"] = np.full(2, i)
    found = opened(tmp_path / "a.h5").members["g"].members
    assert len(found) == count
    for i in range(count):
        assert f"ü{i}" in found
        assert found[f"ü{i}"].members["vars"].members["0"].tensor.read().tolist() == [i, i]
    with pytest.raises(KeyError):
        found["other"]


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip", "shuffle": True}, {"compression": "lzf"}, {"fletcher32": True}]
)
def test_chunks_are_read_by_h5py(tmp_path: Path, options: dict[str, object]):
    value = np.arange(60 * 7, dtype=">f4").reshape(60, 7)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("v", data=value, chunks=(10, 3), **options)
        file.create_dataset("s", data=np.float32(1))
    tensor = datasets(tmp_path / "a.h5")["v"].tensor
    for index in (
        (),
        (3, slice(None)),
        (slice(50, 2, -7), 1),
        (slice(5, 5), slice(None)),
        ((9, 2, 9), slice(0, 7, 3)),
    ):
        found = tensor.read(index)
        assert found.dtype == np.dtype("f4")
        np.testing.assert_array_equal(found, take(value, index))
    for nbytes in (4, 12, 28, 100, 5000):
        blocks = list(tensor.blocks(nbytes))
        assert max(block.nbytes for block in blocks) <= nbytes
        np.testing.assert_array_equal(np.concatenate(blocks), value.reshape(-1))


def test_a_file_within_a_file(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["plain"] = np.arange(5)
        file.create_dataset("packed", data=np.arange(50), chunks=(10,), compression="gzip")
    inner = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "b").write_bytes(b"x" * 77 + inner + b"y" * 99)
    members = opened(tmp_path / "b", 77, len(inner)).members
    assert members["plain"].tensor.read().tolist() == list(range(5))
    assert members["packed"].tensor.read().tolist() == list(range(50))
    with pytest.raises(FormatError):
        opened(tmp_path / "b")
    with pytest.raises(FormatError, match="cut short"):
        opened(tmp_path / "b", 77, len(inner) - 1)
    with pytest.raises(FormatError):
        opened(tmp_path / "b", 77, len(inner) + 100)


# -- hostile files ----------------------------------------------------------------------------------------------------


def soft(file: h5py.File) -> None:
    file["a/vars/0"] = np.arange(3.0)
    file["b"] = h5py.SoftLink("/a")


def external(file: h5py.File) -> None:
    file["layers"] = h5py.ExternalLink("other.h5", "/")


def secret(file: h5py.File) -> None:
    file.create_dataset("v", (4,), "u1", external=[("secret.txt", 0, 4)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (3,))
    file.create_virtual_dataset("v", layout)


def loop(file: h5py.File) -> None:
    file.create_group("a")["loop"] = file["/"]


def two_names(file: h5py.File) -> None:
    file.create_group("a/b")
    file["c"] = file["a"]


def deep(file: h5py.File) -> None:
    file.create_group("/".join("a" * 400))


@pytest.mark.parametrize("libver", ["earliest", "latest"])
@pytest.mark.parametrize("crowd", [0, 20])
@pytest.mark.parametrize("make", [soft, external, secret, virtual, loop, two_names, deep])
def test_what_would_be_followed_is_refused(tmp_path: Path, make, libver: str, crowd: int):
    """A crowd of members makes the newest format keep names in a heap, so that h5py has to read them."""
    with h5py.File(tmp_path / "a.h5", "w", libver=libver) as file:
        make(file)
        for i in range(crowd):
            file.create_group(f"z{i}")
    with pytest.raises(UnsafeFileError):
        list(walk(opened(tmp_path / "a.h5")))


def test_a_bomb_of_chunks_is_not_unpacked(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("v", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")[:10] = 1
    found = datasets(tmp_path / "a.h5")["v"]
    assert "expansion is limited" in found.unreadable
    with pytest.raises(FormatError):
        found.tensor.read()


@pytest.mark.parametrize(
    "content", [b"", b"\x89HDF\r\n\x1a\n", b"\x89HDF\r\n\x1a\n" + b"\0" * 2000, b"x" * 800]
)
def test_no_hdf5(tmp_path: Path, content: bytes):
    (tmp_path / "a.h5").write_bytes(content)
    with pytest.raises(FormatError):
        list(walk(opened(tmp_path / "a.h5")))


MUTATED = (
    "keras3/seq_dense/model.weights.h5",
    "keras3/norms/model.h5",
    "keras3/trained_optimizer/model.weights.h5",
)


@pytest.mark.parametrize("name", MUTATED)
def test_mutations_only_raise_source_errors(tmp_path: Path, name: str):
    content = (ZOO / name).read_bytes()
    chance = random.Random(name)
    started = time.monotonic()
    refused = 0
    for i in range(150):
        broken = bytearray(content)
        for _ in range(chance.choice((1, 4, 40))):
            at = chance.randrange(len(broken))
            broken[at : at + 1] = chance.choice((b"\0", b"\xff", bytes([chance.randrange(256)])))
        if i % 10 == 0:
            del broken[chance.randrange(len(broken)) :]
        path = tmp_path / "a.h5"
        path.write_bytes(broken)
        source = ByteSource(str(path))
        try:
            for each in walk(open_hdf5(source)):
                each.attributes  # noqa: B018 - the property reads
                if isinstance(each, Dataset) and each.unreadable is None:
                    each.tensor.read()
        except SourceError:
            refused += 1
        source.close()
    assert refused > 5
    assert time.monotonic() - started < 60


def test_a_closed_file_is_told_as_closed(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["g/v"] = np.arange(3)
        file.create_dataset("packed", data=np.arange(50), chunks=(10,), compression="gzip")
    source = ByteSource(str(tmp_path / "a.h5"))
    root = open_hdf5(source)
    packed, group = root.members["packed"], root.members["g"]
    packed.tensor.read()
    source.close()
    for use in (lambda: group.members, lambda: group.attributes, packed.tensor.read):
        with pytest.raises(ChangedError, match="closed"):
            use()
