"""What the tests of file readers share: the zoo, walks over opened files, small files made on the spot."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import h5py

from weightrepl.model.tree import Layer, Model, Weight

ZOO = Path(__file__).resolve().parent.parent / "zoo"
REAL = Path(__file__).resolve().parents[2].parent / "shared" / "real"


class Row(NamedTuple):
    """A weight where it was met: names from the root, itself, and the layers on the way."""

    path: tuple[str, ...]
    weight: Weight
    way: tuple[Layer, ...]

    @property
    def address(self) -> str:
        return "/".join(self.path) + ":" + self.weight.name

    @property
    def is_system(self) -> bool:
        return any(layer.system for layer in self.way)


def rows_of(model: Model) -> list[Row]:
    """All weights of a model, a shared layer's once per place."""
    return list(_rows((model.root,)))


def _rows(way: tuple[Layer, ...]) -> Iterator[Row]:
    for weight in way[-1].weights:
        yield Row(tuple(layer.name for layer in way), weight, way)
    for child in way[-1].children:
        yield from _rows((*way, child))


def layers_of(model: Model) -> list[tuple[tuple[str, ...], Layer]]:
    """All layers but the system's, parents first."""
    return list(_layers((model.root,)))


def _layers(way: tuple[Layer, ...]) -> Iterator[tuple[tuple[str, ...], Layer]]:
    yield tuple(layer.name for layer in way), way[-1]
    for child in way[-1].children:
        if not child.system:
            yield from _layers((*way, child))


def oracle_of(case: str, part: str = "keras3") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ZOO / part / case / "oracle.json").read_text())
    return found


def write_store(target: Any, groups: Mapping[str, tuple[str | None, list[Any]]], **options: Any) -> None:
    """Write a Keras 3 store: path of a group -> its recorded name and its variables."""
    with h5py.File(target, "w", **options) as file:
        for path, (name, values) in groups.items():
            group = file.create_group(f"{path}/vars" if path else "vars")
            if name is not None:
                group.attrs["name"] = name
            for i, value in enumerate(values):
                group[str(i)] = value


def store_bytes(groups: Mapping[str, tuple[str | None, list[Any]]]) -> bytes:
    buffer = io.BytesIO()
    write_store(buffer, groups)
    return buffer.getvalue()


def entry(class_name: str, name: str, **values: Any) -> dict[str, Any]:
    """A layer of Keras's own as config.json has it."""
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": {"name": name, "trainable": True, **values},
        "registered_name": None,
        "build_config": {"input_shape": [None, 4]},
    }


def sequential(name: str, *layers: Any) -> dict[str, Any]:
    return {**entry("Sequential", name, layers=list(layers)), "module": "keras"}


def functional(name: str, *layers: Any) -> dict[str, Any]:
    config = {
        "name": name,
        "trainable": True,
        "layers": list(layers),
        "input_layers": [],
        "output_layers": [],
    }
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": config,
        "registered_name": "Functional",
        "build_config": {"input_shape": None},
    }


def write_archive(
    path: Path, config: Any, store: bytes | None, compression: int = zipfile.ZIP_STORED, **more: Any
) -> Path:
    """Write a `.keras`; `more` are further members by name, or other contents for the usual ones."""
    members = {"metadata.json": json.dumps({"keras_version": "3.15.1"}), "config.json": config}
    members |= {"model.weights.h5": store} if store is not None else {}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in (members | more).items():
            archive.writestr(name, content if isinstance(content, (str, bytes)) else json.dumps(content))
    return path


# -- what may happen to a file that is open ---------------------------------------------------------------------------


def cut(path: Path) -> None:
    os.truncate(path, 4)


def written(path: Path) -> None:
    """Write other bytes, as many."""
    path.write_bytes(path.read_bytes()[::-1])
    os.utime(path, ns=(1, 1))


def replaced(path: Path) -> None:
    """Put another file of the same bytes and times in its place."""
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(os.stat(path).st_atime_ns, os.stat(path).st_mtime_ns))
    os.replace(other, path)
