"""A reader of `.slow` files, as another package would add one: it opens each when `FILE.go` is there, not before.

`FILE.begun` says that it has begun. What stands in the file is how many layers the model has;
`1000 lazy` has layers that are read when `FILE.read` is there.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight


class Nothing:
    """Values that nobody reads."""

    def read(self, index=()):
        raise AssertionError("no values are read here")

    def blocks(self, max_nbytes):
        raise AssertionError("no values are read here")


def wait_for(path: str) -> None:
    while not os.path.exists(path):
        time.sleep(0.01)


class Reader:
    def recognises(self, path, head):
        return path.endswith(".slow")

    def open(self, path, limits=None):
        Path(path + ".begun").touch()
        wait_for(path + ".go")
        count, *lazy = Path(path).read_text().split()
        weights = (Weight("kernel", TensorSpec((2, 3), "float32"), Nothing()),)
        layers = tuple(Layer(f"layer_{i}", Content(weights), class_name="Dense") for i in range(int(count)))

        def content() -> Content:
            Path(path + ".reading").touch()
            wait_for(path + ".read")
            return Content((), layers)

        top = Layer("lazy", content) if lazy else Layer("plain", Content((), layers))
        return Model(Layer("slow", Content((), (top,))), ("slow",))


def install(folder: Path) -> str:
    """Put the reader where Python finds it as an installed package; return the path for PYTHONPATH."""
    (folder / "slow_models.py").write_text(Path(__file__).read_text(encoding="utf-8"), encoding="utf-8")
    about = folder / "slow_models-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: slow-models\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[weightrepl.readers]\nslow = slow_models:Reader\n")
    return str(folder)
