"""What is measured on: models written once by Keras into a folder that git ignores, and trees in memory.

`python -m tests.bench.models FOLDER SIZE` writes the files; it needs TensorFlow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weightrepl.model.tree import Model


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the models are.

    blocks, depth, units: the heavy model nests `blocks` models of `depth` layers Dense(units, units).
    layers: the model of many weights has so many small Dense layers, half of them within models of its own.
    tree: the weights of the tree that patterns are tried on.
    trees: the weights of the trees that an address is looked up in, the smallest first.
    """

    name: str
    blocks: int
    depth: int
    units: int
    layers: int
    tree: int
    trees: tuple[int, ...]

    @property
    def heavy_weights(self) -> int:
        """The number of weights of the heavy model."""
        return 2 * self.blocks * self.depth

    @property
    def many_weights(self) -> int:
        """The number of weights of the model of many."""
        return 2 * self.layers


FULL = Sizes("full", 4, 6, 2048, 5_000, 100_000, (1_000, 10_000, 100_000))
QUICK = Sizes("quick", 3, 4, 16, 20, 2_000, (200, 2_000))

BLOCK, LAYER = 2, 3  # the weight that is read: the kernel of heavy/block_2/dense_3


@dataclass(frozen=True, slots=True)
class Files:
    """Where the models are: the same weights as an archive and as a plain store."""

    heavy: Path
    heavy_store: Path
    many: Path
    many_store: Path

    @classmethod
    def of(cls, folder: Path, sizes: Sizes) -> Files:
        """Return the places of the files of these sizes in `folder`, written or not."""
        heavy = f"heavy-{sizes.blocks}x{sizes.depth}x{sizes.units}"
        many = f"many-{sizes.layers}"
        stores = (
            folder / f"{name}{suffix}" for name in (heavy, many) for suffix in (".keras", ".weights.h5")
        )
        return cls(*stores)

    def __iter__(self) -> Iterator[Path]:
        return iter((self.heavy, self.heavy_store, self.many, self.many_store))


def write_files(folder: Path, sizes: Sizes) -> None:
    """Write the files that are not there yet, each to a temporary name first."""
    files = Files.of(folder, sizes)
    folder.mkdir(parents=True, exist_ok=True)
    if not (files.heavy.exists() and files.heavy_store.exists()):
        _save(_heavy_model(sizes), files.heavy, files.heavy_store)
    if not (files.many.exists() and files.many_store.exists()):
        _save(_model_of_many(sizes), files.many, files.many_store)


def _save(model: Any, archive: Path, store: Path) -> None:
    partial = archive.with_name(f"partial-{archive.name}"), store.with_name(f"partial-{store.name}")
    model.save(partial[0])
    model.save_weights(partial[1])
    partial[0].replace(archive)
    partial[1].replace(store)


def _heavy_model(sizes: Sizes) -> Any:
    import keras

    keras.utils.set_random_seed(1)
    blocks = [_chain(f"block_{n}", sizes.depth, sizes.units) for n in range(sizes.blocks)]
    inputs = outputs = keras.Input((sizes.units,))
    for block in blocks:
        outputs = block(outputs)
    return keras.Model(inputs, outputs, name="heavy")


def _model_of_many(sizes: Sizes) -> Any:
    import keras

    keras.utils.set_random_seed(2)
    depth = max(2, sizes.layers // 50)
    inputs = keras.Input((2,))
    nested = sizes.layers // depth // 2
    parts = [_chain(f"block_{n}", depth, 2) for n in range(nested)]
    parts += [keras.layers.Dense(2, name=f"dense_{n}") for n in range(sizes.layers - nested * depth)]
    return keras.Model(
        inputs, [part(inputs) for part in parts], name="many"
    )  # side by side: a chain is too deep


def _chain(name: str, depth: int, units: int) -> Any:
    import keras

    inputs = outputs = keras.Input((units,))
    for n in range(depth):
        outputs = keras.layers.Dense(units, name=f"dense_{n}")(outputs)
    return keras.Model(inputs, outputs, name=name)


# ------------------------------------------------------------------ in memory

LAYERS_PER_BLOCK = 50


def tree(weights: int) -> Model:
    """Return a new model `net` of so many weights: blocks of 50 Dense layers, each with a kernel and a bias."""
    from weightrepl.model.tensor import TensorSpec
    from weightrepl.model.tree import Content, Layer, Model, Weight

    kernel, bias = TensorSpec((8, 8), "float32"), TensorSpec((8,), "float32")
    tensor: Any = None  # no values are asked for
    blocks = []
    for n in range(weights // (2 * LAYERS_PER_BLOCK)):
        layers = []
        for k in range(LAYERS_PER_BLOCK):
            own = (
                Weight("kernel", kernel, tensor, trainable=True),
                Weight("bias", bias, tensor, trainable=True),
            )
            layers.append(Layer(f"dense_{k}", Content(own), class_name="Dense", built=True))
        blocks.append(Layer(f"block_{n}", Content((), tuple(layers)), class_name="Functional", built=True))
    return Model(Layer("net", Content((), tuple(blocks)), class_name="Functional", built=True), ("net",))


def paths(weights: int) -> list[str]:
    """Return the addresses of the weights of `tree(weights)`, as a plain list of strings."""
    return [
        f"net/block_{n}/dense_{k}:{role}"
        for n in range(weights // (2 * LAYERS_PER_BLOCK))
        for k in range(LAYERS_PER_BLOCK)
        for role in ("kernel", "bias")
    ]


if __name__ == "__main__":
    write_files(Path(sys.argv[1]), {sizes.name: sizes for sizes in (FULL, QUICK)}[sys.argv[2]])
