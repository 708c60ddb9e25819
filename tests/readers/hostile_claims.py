"""Hostile files that claim what is not so, of sizes, shapes, offsets, depths; of the table in tests.readers.hostile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from tests.readers.files import entry, sequential, store_bytes, write_archive
from tests.readers.hostile import F4, HOSTILE, STORE, h5_file, hostile, npy_file, safetensors_bytes

__all__ = ["HOSTILE"]


def safetensors_file(folder: Path, header: Any, values: bytes = b"1234") -> Path:
    (folder / "m.safetensors").write_bytes(safetensors_bytes(header, values))
    return folder / "m.safetensors"


@hostile("header sizes", "FormatError", "lie outside the file|cut short")
def header_longer_than_the_file(folder: Path) -> Path:
    (folder / "m.safetensors").write_bytes((1 << 40).to_bytes(8, "little") + b'{"a":1}')
    return folder / "m.safetensors"


@hostile("ranks", "UnsafeFileError", "axes, and rank is limited to 64")
def rank_of_a_thousand(folder: Path) -> Path:
    return safetensors_file(folder, {"a": {**F4, "shape": [1] * 1000}})


@hostile("shapes", "FormatError", "negative size")
def negative_axis(folder: Path) -> Path:
    return safetensors_file(folder, {"a": {**F4, "shape": [-1, -1]}})


@hostile("shapes", "FormatError", "not the size")
def product_that_overflows(folder: Path) -> Path:
    """In 64 bits the product of the sizes is 1."""
    return safetensors_file(
        folder, {"a": {**F4, "shape": [(1 << 32) + 1, (1 << 32) + 1, 1 << 63 | 1, 1 << 40]}}
    )


@hostile("shapes", "FormatError", "not the size|not its size")
def npy_of_four_terabytes(folder: Path) -> Path:
    return npy_file(folder, "{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}")


@hostile("offsets", "FormatError", "gap or overlap")
def tensors_that_overlap(folder: Path) -> Path:
    return safetensors_file(folder, {"a": F4, "b": F4})


@hostile("offsets", "FormatError", "cut short")
def tensor_behind_the_end(folder: Path) -> Path:
    return safetensors_file(folder, {"a": {**F4, "shape": [100], "data_offsets": [0, 400]}})


@hostile("HDF5: claims (CVE-2026-0897)", "", "never written")
def h5_shape_of_four_terabytes(folder: Path) -> Path:
    """A dataset of a few bytes in the file, whose values would fill the memory."""
    return h5_file(
        folder, lambda file: file.create_dataset("layers/dense/vars/1", (1 << 40,), "f4", fillvalue=1)
    )


@hostile("HDF5: bombs", "", "expansion is limited")
def h5_bomb_of_chunks(folder: Path) -> Path:
    def fill(file: h5py.File) -> None:
        file.create_dataset("layers/dense/vars/1", (1 << 40,), "f4", chunks=(1 << 20,), compression="gzip")[
            :10
        ] = 1

    return h5_file(folder, fill)


@hostile("HDF5: bombs", "", "expansion is limited")
def h5_bomb_of_shuffled_chunks(folder: Path) -> Path:
    def fill(file: h5py.File) -> None:
        file.create_dataset(
            "layers/dense/vars/1", (1 << 40,), "f4", chunks=(1 << 18,), compression="lzf", shuffle=True
        )[:10] = 1

    return h5_file(folder, fill)


# ------------------------------------------------------------------ depths and circles


@hostile("HDF5: circles", "UnsafeFileError", "a group with two names")
def h5_group_in_itself(folder: Path) -> Path:
    return h5_file(folder, lambda file: file["layers"].__setitem__("again", file["/"]))


@hostile("HDF5: depth", "UnsafeFileError", "depth is limited")
def h5_groups_within_each_other(folder: Path) -> Path:
    return h5_file(folder, lambda file: file.create_group("layers/" + "/".join("a" * 400)))


@hostile("JSON: depth", "FormatError", "nested too deep")
def json_100_000_deep(folder: Path) -> Path:
    return write_archive(folder / "m.keras", '{"a":' * 100_000, store_bytes(STORE))


@hostile("configurations: depth", "UnsafeFileError", "depth is limited")
def config_of_many_models_within_each_other(folder: Path) -> Path:
    config = {**entry("Dense", "a"), "shared_object_id": 1}
    for i in range(150):
        config = sequential(f"m{i}", config)
    return _deep_config(folder, config)


def _deep_config(folder: Path, config: dict[str, Any]) -> Path:
    for i in range(60):  # a layer's wrapper, and its wrapper, …: as JSON not much deeper
        config = entry("TimeDistributed", f"t{i}", layer=config)
    return write_archive(folder / "m.keras", config, store_bytes(STORE))


@hostile("keys: depth", "UnsafeFileError", "parts of a key, and depth is limited to 200")
def key_of_many_parts(folder: Path) -> Path:
    return safetensors_file(folder, {"/".join("a" * 5000): F4})


@hostile("arrays: depth", "FormatError", "damaged")
def npy_header_nested(folder: Path) -> Path:
    return npy_file(folder, "(" * 20_000 + ")" * 20_000)
