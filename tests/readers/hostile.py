"""Files that ask for what a reader must not do, each made to try one guard; docs/safety.md lists them."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from tests.readers.files import ZOO, entry, sequential, store_bytes, write_archive

CANARY = "weightrepl_canary"
"""The name of a module, which none of the files may get imported, and of the file that importing it would make."""


class Hostile(NamedTuple):
    """A file that tries a guard.

    make: writes it into a folder, returns the path to open. error: what it must end in, of UnsafeFileError or
    FormatError; empty where it is read, all but the values in question. told: part of the message.
    """

    guard: str
    make: Callable[[Path], Path]
    error: str
    told: str


HOSTILE: dict[str, Hostile] = {}


def hostile(guard: str, error: str, told: str) -> Callable[[Callable[[Path], Path]], Callable[[Path], Path]]:
    """Enter the function that writes a hostile file into the table."""

    def entered(make: Callable[[Path], Path]) -> Callable[[Path], Path]:
        HOSTILE[make.__name__] = Hostile(guard, make, error, told)
        return make

    return entered


STORE = {"layers/dense": ("a", [np.ones((2, 2), "f4")])}


F4 = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}


def safetensors_bytes(header: Any, values: bytes) -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + values


def npy_file(folder: Path, header: str, values: bytes = b"12345678") -> Path:
    text = header.encode()
    (folder / "m.npy").write_bytes(b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + values)
    return folder / "m.npy"


# ------------------------------------------------------------------ what would run


class Pickled:
    """What a pickle of it runs when it is read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (CANARY,)


@hostile("no pickle", "", "never does")
def npz_with_a_pickle(folder: Path) -> Path:
    np.savez(folder / "m.npz", a=np.ones(3), b=np.array([Pickled()], dtype=object))
    return folder / "m.npz"


@hostile("no pickle", "UnknownFormatError", "pickle")
def a_pickle(folder: Path) -> Path:
    (folder / "m.keras").write_bytes(pickle.dumps(Pickled(), protocol=4))
    return folder / "m.keras"


@hostile("no class, module or function that a configuration names", "", "")
def config_that_names_a_module(folder: Path) -> Path:
    layer = {**entry("Evil", "a"), "module": CANARY, "registered_name": f"{CANARY}>Evil"}
    config = {
        **sequential("m", layer),
        "compile_config": {"optimizer": {"module": CANARY, "class_name": "Evil"}},
    }
    return write_archive(folder / "m.keras", config, store_bytes(STORE))


@hostile("no Lambda", "", "")
def lambda_of_keras(folder: Path) -> Path:
    code = ["4wEAAAAAAAAAAAAAAAEAAAADAAAA8wYAAABkAFoAeQBpAQ==\n", None, None]
    layer = entry("Lambda", "a", function={"class_name": "__lambda__", "config": {"code": code[0]}})
    return write_archive(folder / "m.keras", sequential("m", layer), store_bytes(STORE))


@hostile("no eval", "FormatError", "damaged")
def npy_header_with_a_call(folder: Path) -> Path:
    return npy_file(
        folder, f"{{'descr': __import__('os').mkdir('{CANARY}'), 'fortran_order': False, 'shape': (1,)}}"
    )


# ------------------------------------------------------------------ what would lead elsewhere


def h5_file(folder: Path, fill: Callable[[h5py.File], object]) -> Path:
    with h5py.File(folder / "m.h5", "w") as file:
        file["layers/dense/vars/0"] = np.ones(3, "f4")
        fill(file)
    return folder / "m.h5"


@hostile("HDF5: soft links", "UnsafeFileError", "such links are not followed")
def h5_soft_link(folder: Path) -> Path:
    return h5_file(folder, lambda file: file.__setitem__("layers/b", h5py.SoftLink("/layers/dense")))


@hostile("HDF5: soft links", "UnsafeFileError", "such links are not followed")
def h5_soft_links_in_a_circle(folder: Path) -> Path:
    def fill(file: h5py.File) -> None:
        file["layers/b"] = h5py.SoftLink("/layers/c")
        file["layers/c"] = h5py.SoftLink("/layers/b")

    return h5_file(folder, fill)


@hostile("HDF5: external links", "UnsafeFileError", "such links are not followed")
def h5_external_link(folder: Path) -> Path:
    return h5_file(folder, lambda file: file.__setitem__("layers/b", h5py.ExternalLink("/etc/passwd", "/")))


@hostile("HDF5: external storage (CVE-2026-1669)", "UnsafeFileError", "such storage is not followed")
def h5_external_storage(folder: Path) -> Path:
    external = [("/etc/passwd", 0, 4)]
    return h5_file(folder, lambda file: file.create_dataset("layers/b/vars/0", (4,), "u1", external=external))


@hostile("HDF5: virtual datasets", "UnsafeFileError", "such storage is not followed")
def h5_virtual_dataset(folder: Path) -> Path:
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (3,))
    return h5_file(folder, lambda file: file.create_virtual_dataset("layers/b", layout))


@hostile("HDF5: filters that load a plug-in", "", "which HDF5 itself does not have")
def h5_filter_of_a_plugin(folder: Path) -> Path:
    path = h5_file(
        folder,
        lambda file: file.create_dataset(
            "layers/dense/vars/1", data=np.arange(8), chunks=(8,), compression="lzf"
        ),
    )
    at = path.read_bytes().index(struct.pack("<H", 32000))  # lzf's number
    path.write_bytes(path.read_bytes()[:at] + struct.pack("<H", 32015) + path.read_bytes()[at + 2 :])
    return path


@hostile("names of shards", "UnsafeFileError", "leads out of the folder")
def shard_in_another_folder(folder: Path) -> Path:
    return _index(folder, "../secret.safetensors")


@hostile("names of shards", "UnsafeFileError", "leads out of the folder")
def shard_of_an_absolute_name(folder: Path) -> Path:
    return _index(folder, "/etc/passwd")


def _index(folder: Path, shard: str) -> Path:
    path = folder / "m.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": {"a.weight": shard}}))
    return path


def _outside(folder: Path) -> Path:
    """Return a folder beside, which is not part of the model."""
    outside = folder.parent / f"{folder.name}-outside"
    outside.mkdir()
    return outside


@hostile("symbolic links out of a folder", "UnsafeFileError", "--allow outside_links=1")
def shard_that_is_a_link(folder: Path) -> Path:
    path = _index(folder, "s.safetensors")
    (_outside(folder) / "secret").write_bytes(safetensors_bytes({"a.weight": F4}, b"1234"))
    (folder / "s.safetensors").symlink_to(folder.parent / f"{folder.name}-outside" / "secret")
    return path


@hostile("symbolic links out of a folder", "UnsafeFileError", "--allow outside_links=1")
def keras_folder_with_a_link(folder: Path) -> Path:
    with zipfile.ZipFile(ZOO / "keras3" / "seq_dense" / "model.keras") as archive:
        archive.extractall(folder)
    secret = _outside(folder) / "secret.h5"
    (folder / "model.weights.h5").rename(secret)
    (folder / "model.weights.h5").symlink_to(secret)
    return folder


@hostile("symbolic links out of a folder", "UnsafeFileError", "--allow outside_links=1")
def checkpoint_with_a_link(folder: Path) -> Path:
    outside = _outside(folder)
    for path in (ZOO / "tf" / "escaped_keys").glob("ck.*"):
        (outside / path.name).write_bytes(path.read_bytes())
        (folder / path.name).symlink_to(outside / path.name)
    return folder / "ck"


@hostile("symbolic links out of a folder", "UnsafeFileError", "--allow outside_links=1")
def saved_model_with_a_link(folder: Path) -> Path:
    sound, outside = ZOO / "keras3" / "dup_names_same_parent" / "saved_model", _outside(folder)
    (folder / "saved_model.pb").write_bytes((sound / "saved_model.pb").read_bytes())
    for path in (sound / "variables").iterdir():
        (outside / path.name).write_bytes(path.read_bytes())
    (folder / "variables").symlink_to(outside)
    return folder


# ------------------------------------------------------------------ archives


def _zip(folder: Path, name: str, *members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(folder / name, "w", method) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return folder / name


def _npy_bytes(array: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


ARRAY = _npy_bytes(np.arange(4.0))


@hostile("zip: members that leave the archive", "UnsafeFileError", "leads elsewhere")
def zip_member_above(folder: Path) -> Path:
    return write_archive(folder / "m.keras", sequential("m"), store_bytes(STORE), **{"../../.bashrc": "x"})


@hostile("zip: members that leave the archive", "UnsafeFileError", "leads elsewhere")
def zip_member_of_an_absolute_name(folder: Path) -> Path:
    return write_archive(folder / "m.keras", sequential("m"), store_bytes(STORE), **{"/etc/passwd": "x"})


@hostile("zip: two members of one name", "UnsafeFileError", "two members are called 'a.npy'")
def zip_members_of_one_name(folder: Path) -> Path:
    path = _zip(folder, "m.npz", ("a.npy", ARRAY), ("b.npy", ARRAY))
    path.write_bytes(path.read_bytes().replace(b"b.npy", b"a.npy"))
    return path


@hostile("zip: members that overlap", "UnsafeFileError", "overlap")
def zip_members_that_overlap(folder: Path) -> Path:
    """The second entry of the directory leads to the first member's content."""
    path = _zip(folder, "m.npz", ("a.npy", ARRAY), ("b.npy", ARRAY))
    text = path.read_bytes()
    second = text.rindex(b"PK\1\2")
    changed = bytearray(text)
    changed[second + 42 : second + 46] = struct.pack("<I", 0)
    changed[second + 46 : second + 51] = b"c.npy"
    path.write_bytes(bytes(changed))
    return path


@hostile("zip: sizes", "UnsafeFileError", "and the directory overlap")
def zip_member_that_claims_more(folder: Path) -> Path:
    path = _zip(folder, "m.npz", ("a.npy", ARRAY))
    size = struct.pack("<I", len(ARRAY))
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", len(ARRAY) + 8)))
    return path


@hostile("zip: encrypted members", "UnsafeFileError", "encrypted")
def zip_member_encrypted(folder: Path) -> Path:
    path = _zip(folder, "m.npz", ("a.npy", ARRAY))
    text = bytearray(path.read_bytes())
    text[6] |= 1
    text[text.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(bytes(text))
    return path


@hostile("zip: bombs", "UnsafeFileError", "json_expansion is limited")
def zip_bomb_of_json(folder: Path) -> Path:
    config = b"[" + b"[]," * (60 << 20) + b"[]]"
    return write_archive(folder / "m.keras", config, store_bytes(STORE), zipfile.ZIP_DEFLATED)


@hostile("zip: bombs", "UnsafeFileError", "expansion is limited")
def zip_bomb_of_values(folder: Path) -> Path:
    """The directory and the member's header claim more than deflating can have packed."""
    header = _npy_bytes(np.zeros((1,)))[:128].replace(b"(1,), }    ", b"(1 << 28,) }")[:128]
    header = header.replace(b"(1 << 28,) }", b"(268435456,)}")[:128]
    path = _zip(folder, "m.npz", ("a.npy", header), method=zipfile.ZIP_DEFLATED)
    size = struct.pack("<I", len(header))
    path.write_bytes(path.read_bytes().replace(size, struct.pack("<I", 128 + (1 << 31))))
    return path
