"""Makes the cases of plain TensorFlow: a tf.Module, and checkpoints of keys, dtypes and layouts that Keras has not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tests.zoo_maker import oracle, stored
from tests.zoo_maker.cases import Case
from tests.zoo_maker.stored import Stored
from tests.zoo_maker.values import drawn, fill
from tests.zoo_maker.walk import Row

Made = tuple[dict[str, Any], dict[str, Stored]]
"""What the oracle has of the variables, and the files by format."""


def make(case: Case, folder: Path) -> None:
    """Write the files of a case and its oracle."""
    facts, files = MAKERS[case.name](folder)
    oracle.write(folder, case, (tf, np), facts, files)


# -- objects: a layer_path of attributes ------------------------------------------------------------------------------


class Linear(tf.Module):
    """A kernel and a bias, under attributes that are not their names."""

    def __init__(self, inputs: int, outputs: int, name: str | None = None) -> None:
        super().__init__(name=name)
        with self.name_scope:
            self.w = tf.Variable(tf.zeros([inputs, outputs]), name="w")
            self.b = tf.Variable(tf.zeros([outputs]), name="bias_variable")

    def __call__(self, x: Any) -> Any:
        return x @ self.w + self.b


class Mlp(tf.Module):
    """Modules in a list, in a dict and under a second attribute."""

    def __init__(self) -> None:
        super().__init__(name="mlp")
        self.blocks = [Linear(4, 4, "lin"), Linear(4, 4, "lin")]
        self.heads = {"cls": Linear(4, 3, "cls"), "reg": Linear(4, 1)}
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.tied = self.blocks[0]

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32)])
    def __call__(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.heads["cls"](x), self.heads["reg"](x)


def filled_mlp() -> Mlp:
    """Return the module with the values that its files hold."""
    mlp = Mlp()
    fill("tf/module_tree", unique(variable for _, variable in ways(mlp)))
    return mlp


def ways(module: tf.Module) -> list[tuple[tuple[str | int, ...], tf.Variable]]:
    """Return every variable with the attributes, keys and indices that lead to it, once for each way."""
    return list(module._flatten(predicate=lambda each: isinstance(each, tf.Variable), with_path=True))


def unique(variables: Iterable[tf.Variable]) -> list[tf.Variable]:
    """Return every variable once."""
    return list({id(variable): variable for variable in variables}.values())


def rows_of_objects(root: str, found: list[tuple[tuple[str | int, ...], tf.Variable]]) -> list[Row]:
    """Return the oracle's rows of variables, each with the way to it."""
    ids = {id(variable): number for number, variable in enumerate(unique(each for _, each in found))}
    rows = []
    for way, variable in found:
        *above, name = map(str, way)
        row = {
            "layer_path": [root, *above],
            "name": name,
            "index": 0,
            "owner_class": "",
            "attr_path": list(way),
        }
        row |= {"var_id": ids[id(variable)], "kind": "weight", "keras_path": variable.name}
        array, dtype = variable.numpy(), variable.dtype.name
        rows.append(oracle.weight_row(row, array, dtype, variable.trainable))
    return rows


def module_tree(folder: Path) -> Made:
    """Write a module as a SavedModel, and in checkpoints that have it below their root and as it."""
    mlp = filled_mlp()
    tf.saved_model.save(mlp, str(folder / "saved_model"))
    tf.train.Checkpoint(mlp).write(str(folder / "ckpt_root" / "ck"))
    files = {
        "saved_model": stored.saved_model(folder, "saved_model"),
        "ckpt": stored.saved_checkpoint(tf.train.Checkpoint(root=mlp), folder),
        "ckpt_root": stored.checkpoint(folder, "ckpt_root/ck"),
    }
    return {"root_name": mlp.name, "weights": rows_of_objects(mlp.name, ways(mlp))}, files


def escaped_keys(folder: Path) -> Made:
    """Write variables under names that a checkpoint's keys must escape."""
    keys = ("a/b", "dot.ted", ".ATTRIBUTES", "sp ace*", "uni\u00e9")
    shapes = ([2, 2], [3], [4], [5], [6])
    variables = {
        key: tf.Variable(tf.zeros(shape), name=f"v{i}")
        for i, (key, shape) in enumerate(zip(keys, shapes, strict=True))
    }
    fill("tf/escaped_keys", variables.values())
    tf.train.Checkpoint(**variables).write(str(folder / "ck"))
    rows = rows_of_objects("", [((key,), variable) for key, variable in variables.items()])
    return {"weights": rows}, {"ckpt": stored.checkpoint(folder, "ck")}


# -- names: a layer_path of scopes ------------------------------------------------------------------------------------


def rows_of_names(values: Mapping[str, np.ndarray]) -> list[Row]:
    """Return the oracle's rows of arrays that are saved under names."""
    rows = []
    for number, (key, array) in enumerate(values.items()):
        *scopes, name = key.split("/")
        row = {"layer_path": scopes, "name": name, "index": 0, "owner_class": "", "attr_path": []}
        row |= {"var_id": number, "kind": "weight", "keras_path": key}
        rows.append(oracle.weight_row(row, array, array.dtype.name, True))
    return rows


def saver_v1_graph(folder: Path) -> Made:
    """Write a graph of TensorFlow 1 in each of its Saver's layouts, one variable in three parts."""
    shapes = {"scope_a/dense/kernel": (7, 5), "scope_a/dense/bias": (5,), "scope_b/part": (10, 4)}
    values = {key: drawn(f"tf/saver_v1_graph/{key}", shape, "float32") for key, shape in shapes.items()}
    values["global_step"] = drawn("tf/saver_v1_graph/global_step", (), "int64")
    v1, files = tf.compat.v1, {}
    with tf.Graph().as_default() as graph:
        savers = savers_of(values)
        config = v1.ConfigProto(device_count={"CPU": 2})
        with v1.Session(graph=graph, config=config) as session:
            session.run(v1.global_variables_initializer())
            for name, saver in savers.items():
                (folder / name).mkdir()
                prefix = saver.save(session, str(folder / name / "model.ckpt"), write_meta_graph=False)
                files[name] = Path(prefix).relative_to(folder).as_posix()
    found = {name: stored.checkpoint(folder, prefix) for name, prefix in files.items()}
    return {"weights": rows_of_names(values)}, found


def savers_of(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Make the graph's variables, on two devices, and a Saver for each layout."""
    v1 = tf.compat.v1
    for key, array in values.items():
        in_parts = v1.fixed_size_partitioner(3) if key == "scope_b/part" else None
        second = key in ("scope_a/dense/bias", "scope_b/part")
        with tf.device("/cpu:1" if second else "/cpu:0"):
            v1.get_variable(key, initializer=tf.constant(array), partitioner=in_parts)
    return {
        "v2": v1.train.Saver(),
        "v2_sharded": v1.train.Saver(sharded=True),
        "v1": v1.train.Saver(write_version=1),
    }


DTYPES = (
    *("float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16"),
    *("uint32", "uint64", "bool", "complex64", "complex128", "float8_e5m2", "float8_e4m3fn"),
)
STRINGS = {
    "str/scalar": np.array(b"hello", object),
    "str/vec": np.array([b"", b"a", b"b" * 300, "\u00e9".encode()], object),
}


def bundle_dtypes(folder: Path) -> Made:
    """Write every dtype into one checkpoint of three shards, and another of 5000 scalars."""
    values = {f"dt/{dtype}": drawn(f"tf/bundle_dtypes/{dtype}", (5, 11), dtype) for dtype in DTYPES}
    values["dt/scalar"] = drawn("tf/scalar", (), "float32")
    values["dt/empty"] = np.zeros((0, 3), "float32")
    values["dt/rank8"] = drawn("tf/rank8", (1, 2, 1, 2, 1, 2, 1, 3), "float32")
    items = [*values.items(), *STRINGS.items()]
    shards = [save(folder / f"tmp_part{i}", dict(items[i::3])) for i in range(3)]
    tf.raw_ops.MergeV2Checkpoints(
        checkpoint_prefixes=shards, destination_prefix=str(folder / "merged"), delete_old_dirs=False
    )
    save(folder / "many", {f"m/{i:05d}/kernel": np.float32(i) for i in range(5000)})
    texts = {key: [each.decode("latin1") for each in np.atleast_1d(array)] for key, array in STRINGS.items()}
    files = {
        "bundle": Stored("merged", stored.checkpoint_digests(folder / "merged"), {"strings": texts}),
        "many": Stored("many", None, {"note": "5000 float32 scalars m/{i:05d}/kernel == i"}),
    }
    return {"weights": rows_of_names(values)}, files


def save(prefix: Path, arrays: Mapping[str, np.ndarray]) -> str:
    """Write arrays by name into a checkpoint; return its prefix."""
    tensors = [tf.constant(each if each.dtype != object else each.tolist()) for each in arrays.values()]
    slices = [""] * len(tensors)
    tf.raw_ops.SaveV2(prefix=str(prefix), tensor_names=list(arrays), shape_and_slices=slices, tensors=tensors)
    return str(prefix)


MAKERS: dict[str, Callable[[Path], Made]] = {
    each.__name__: each for each in (module_tree, escaped_keys, saver_v1_graph, bundle_dtypes)
}
