"""The sound models that the fuzzer starts from: small ones of the zoo in every format, and some written here."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

ZOO = Path(__file__).resolve().parents[1] / "zoo"

_MOST_NBYTES = 80_000
_MOST_OF_A_KIND = 10


class Seed(NamedTuple):
    """A model as the contents of its files. opened: the path that is opened, below the folder of the files."""

    name: str
    kind: str
    opened: str
    files: dict[str, bytes]


@cache
def seeds() -> tuple[Seed, ...]:
    """Return all seeds, those of one kind beside each other."""
    found: dict[str, list[Seed]] = {}
    for seed in (*_built(), *_of_the_zoo()):
        found.setdefault(seed.kind, []).append(seed)
    return tuple(seed for kind in sorted(found) for seed in _some(found[kind]))


def _some(found: list[Seed]) -> list[Seed]:
    """Return at most so many, evenly spread: neighbours are much alike."""
    built = [seed for seed in found if seed.name.startswith("built/")]
    others = [seed for seed in found if not seed.name.startswith("built/")]
    step = -(-len(others) // (_MOST_OF_A_KIND - len(built))) or 1
    return built + others[::step]


def seed_named(name: str) -> Seed:
    """Return one of the seeds."""
    return next(seed for seed in seeds() if seed.name == name)


# ------------------------------------------------------------------ of the zoo


_SUFFIXES = {".keras": "keras", ".npz": "npz", ".safetensors": "safetensors"}


def _of_the_zoo() -> Iterator[Seed]:
    for path in sorted(ZOO.rglob("*")):
        name = str(path.relative_to(ZOO))
        if path.is_dir():
            kind = _kind_of_folder(path)
            if kind is not None:
                yield from _seed(name, kind, path.parent, path.name, sorted(path.rglob("*")))
        elif path.suffix in _SUFFIXES:
            yield from _seed(name, _SUFFIXES[path.suffix], path.parent, path.name, [path])
        elif path.name.endswith(".weights.h5") and path.parent.name != "sharded":
            yield from _seed(name, "store", path.parent, path.name, [path])
        elif path.suffix == ".h5" and "weights.h5" not in path.name.removeprefix("legacy_"):
            yield from _seed(name, "legacy", path.parent, path.name, [path])
        elif path.suffix == ".index" and path.parent.name != "variables":
            yield from _seed(
                name, "checkpoint", path.parent, path.stem, sorted(path.parent.glob(f"{path.stem}.*"))
            )
        elif path.suffix == ".ckpt":
            yield from _seed(name, "checkpoint1", path.parent, path.name, [path])
        elif path.name == "checkpoint":
            yield from _seed(
                name, "state", path.parent.parent, path.parent.name, sorted(path.parent.iterdir())
            )


def _kind_of_folder(path: Path) -> str | None:
    if (path / "saved_model.pb").exists():
        return "saved_model"
    if (path / "config.json").exists():
        return "folder"
    return "shards" if any(path.glob("*.weights.json")) else None


def _seed(name: str, kind: str, folder: Path, opened: str, paths: list[Path]) -> Iterator[Seed]:
    files = [path for path in paths if path.is_file()]
    if kind == "shards":
        opened = next(str(p.relative_to(folder)) for p in files if p.name.endswith(".weights.json"))
    if files and sum(path.stat().st_size for path in files) <= _MOST_NBYTES:
        yield Seed(name, kind, opened, {str(path.relative_to(folder)): path.read_bytes() for path in files})


# ------------------------------------------------------------------ written here


def _built() -> Iterator[Seed]:
    arrays = {
        "a/kernel": np.arange(12, dtype="f4").reshape(3, 4),
        "a/bias": np.ones(4, ">i2"),
        "b": np.zeros((2, 0)),
    }
    yield Seed("built/packed", "npz", "m.npz", {"m.npz": _npz(arrays, np.savez_compressed)})
    for name, array in {"c": arrays["a/kernel"], "fortran": np.asfortranarray(arrays["a/kernel"])}.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        yield Seed(f"built/{name}", "npy", "m.npy", {"m.npy": buffer.getvalue()})
    yield Seed(
        "built/gzip",
        "library",
        "m.h5",
        {"m.h5": _hdf5(None, compression="gzip", shuffle=True, chunks=(2, 2))},
    )
    yield Seed("built/lzf", "library", "m.h5", {"m.h5": _hdf5("latest", compression="lzf", chunks=(2, 2))})
    yield Seed("built/latest", "library", "m.h5", {"m.h5": _hdf5("latest")})
    yield Seed("built/crowd", "library", "m.h5", {"m.h5": _hdf5("latest", crowd=40)})
    yield _safetensors_in_shards()
    yield Seed("built/deflated", "keras", "m.keras", {"m.keras": _deflated()})


def _npz(arrays: dict[str, np.ndarray], save: object) -> bytes:
    buffer = io.BytesIO()
    save(buffer, **arrays)  # type: ignore[operator]
    return buffer.getvalue()


def _hdf5(libver: str | None, crowd: int = 1, **options: object) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver=libver) as file:
        for i in range(crowd):
            group = file.create_group(f"layer_{i}")
            group.attrs["name"] = f"dense_{i}"
            group.create_dataset("kernel", data=np.arange(12, dtype="f4").reshape(3, 4), **options)
            group.create_dataset("bias", data=np.ones(3, "f8"))
    return buffer.getvalue()


def _safetensors_in_shards() -> Seed:
    files = {}
    for number, key in enumerate(("a.weight", "b.weight"), 1):
        header = json.dumps({key: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}).encode()
        files[f"m-{number}.safetensors"] = len(header).to_bytes(8, "little") + header + bytes(8)
    index = {"metadata": {}, "weight_map": {"a.weight": "m-1.safetensors", "b.weight": "m-2.safetensors"}}
    files["m.safetensors.index.json"] = json.dumps(index).encode()
    return Seed("built/shards", "shards", "m.safetensors.index.json", files)


def _deflated() -> bytes:
    """An archive as a zip tool makes it of a folder: the configuration packed, the weights plain."""
    whole, buffer = zipfile.ZipFile(ZOO / "keras3" / "seq_dense" / "model.keras"), io.BytesIO()
    with whole, zipfile.ZipFile(buffer, "w") as archive:
        for name in whole.namelist():
            packed = zipfile.ZIP_DEFLATED if name.endswith(".json") else zipfile.ZIP_STORED
            archive.writestr(name, whole.read(name), packed)
    return buffer.getvalue()
