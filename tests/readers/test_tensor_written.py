"""Checkpoints that TensorFlow itself writes, and those written by hand here as TensorFlow reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.dtypes import DTYPES, array_of, same
from tests.readers.tensor_files import write_bundle, write_v1
from weightrepl.readers.tensor_bundle import Bundle, open_bundle
from weightrepl.readers.tensor_v1 import open_bundle_v1

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

V1 = (
    *("float32", "float64", "int32", "int16", "uint8", "int8", "int64", "bool", "complex64", "complex128"),
    "float16",
)


def save(prefix: Path, tensors: dict[str, Any], slices: list[str] | None = None) -> str:
    values = [tf.constant(each) if not isinstance(each, tf.Tensor) else each for each in tensors.values()]
    tf.raw_ops.SaveV2(
        prefix=str(prefix),
        tensor_names=list(tensors),
        shape_and_slices=slices or [""] * len(values),
        tensors=values,
    )
    return str(prefix)


def arrays_of(bundle: Bundle) -> dict[str, np.ndarray]:
    """All values by key, read whole, with their checksums; closes the checkpoint."""
    assert [each.key for each in bundle.tensors if each.unread] == []
    found = {each.key: each.tensor.read() for each in bundle.tensors}
    for each in bundle.tensors:
        if found[each.key].size and found[each.key].dtype != object:
            assert np.concatenate(list(each.tensor.blocks(12))).tobytes() == found[each.key].tobytes()
    bundle.close()
    return found


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype_that_tensorflow_saves(tmp_path: Path, dtype: str):
    arrays = {"w": array_of(dtype, 3, 5), "scalar": array_of(dtype), "empty": array_of(dtype, 0, 2)}
    found = arrays_of(open_bundle(save(tmp_path / "ck", arrays)))
    for key, array in arrays.items():
        assert same(found[key], array)


@pytest.mark.parametrize("dtype", ["qint8", "quint8", "qint16", "quint16", "qint32"])
def test_quantised_numbers(tmp_path: Path, dtype: str):
    numbers = array_of(dtype[1:], 6)
    prefix = save(tmp_path / "ck", {"q": tf.bitcast(tf.constant(numbers), dtype)})
    assert same(arrays_of(open_bundle(prefix))["q"], numbers)


def test_strings(tmp_path: Path):
    written = np.array([[b"", b"\xff\0"], ["ü".encode(), b"x" * 70_000]], object)
    prefix = save(tmp_path / "ck", {"s": tf.constant(written), "one": tf.constant("a")})
    found = arrays_of(open_bundle(prefix))
    assert found["s"].tolist() == written.tolist()
    assert found["one"][()] == b"a"


def test_what_has_no_values_is_listed(tmp_path: Path):
    variants = tf.raw_ops.TensorListReserve(
        element_shape=tf.constant([2]), num_elements=3, element_dtype=tf.float32
    )
    bundle = open_bundle(save(tmp_path / "ck", {"v": variants, "w": tf.constant(1.0)}))
    [v, w] = bundle.tensors
    assert (v.spec.dtype, v.spec.shape, v.unread) == ("variant", (), "values of dtype variant are not read")
    assert w.tensor.read() == 1
    bundle.close()


@pytest.mark.parametrize("count", [1, 3])
def test_checkpoints_that_were_merged(tmp_path: Path, count: int):
    arrays = {f"part_{n}/w": array_of("float32", n + 1, 4) for n in range(count)}
    parts = [save(tmp_path / f"part{n}", {key: array}) for n, (key, array) in enumerate(arrays.items())]
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=str(tmp_path / "all"))
    assert (tmp_path / f"all.data-00000-of-0000{count}").exists()
    found = arrays_of(open_bundle(str(tmp_path / "all")))
    assert all(same(found[key], array) for key, array in arrays.items())


WHOLE = np.arange(48, dtype=np.float32).reshape(6, 8)
CUTS = {
    "rows": [(slice(0, 2), slice(0, 8)), (slice(2, 6), slice(0, 8))],
    "grid": [(slice(r, r + 3), slice(c, c + 4)) for r in (0, 3) for c in (0, 4)],
}


def slices_of(boxes: list[tuple[slice, ...]]) -> list[str]:
    """How TensorFlow spells the slices of the whole."""
    return ["6 8 " + ":".join(f"{box.start},{box.stop - box.start}" for box in each) for each in boxes]


@pytest.mark.parametrize("cut", CUTS)
def test_slices_of_one_tensor(tmp_path: Path, cut: str):
    """Each slice is written as by a device of its own, and the files are merged."""
    boxes = CUTS[cut]
    parts = []
    for n, (box, told) in enumerate(zip(boxes, slices_of(boxes), strict=True)):
        parts.append(save(tmp_path / f"part{n}", {"w": WHOLE[box]}, [told]))
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=str(tmp_path / "all"))
    bundle = open_bundle(str(tmp_path / "all"))
    [w] = bundle.tensors
    assert w.tensor.read((slice(1, 6, 2), 5)).tolist() == WHOLE[1::2, 5].tolist()
    assert same(arrays_of(bundle)["w"], WHOLE)


@pytest.fixture
def graph() -> Iterator[Any]:
    """A graph of TensorFlow 1 and its session."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        yield session


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("sharded", [False, True])
def test_variables_that_were_partitioned(graph: Any, tmp_path: Path, version: int, sharded: bool):
    v1 = tf.compat.v1
    with v1.variable_scope("scope", partitioner=v1.fixed_size_partitioner(3)):
        v1.get_variable("part", shape=(6, 8), initializer=v1.random_uniform_initializer(), use_resource=False)
    graph.run(v1.global_variables_initializer())
    expected = np.concatenate(graph.run(v1.global_variables()))
    assert expected.shape == (6, 8)
    saver = v1.train.Saver(write_version=version, sharded=sharded)
    path = saver.save(graph, str(tmp_path / "ck"), write_meta_graph=False)
    files = sorted(str(each) for each in tmp_path.glob("ck*") if not each.name.endswith((".index", ".meta")))
    bundle = open_bundle(path) if version == 2 else open_bundle_v1(files)
    assert same(arrays_of(bundle)["scope/part"], expected)


@pytest.mark.parametrize("dtype", V1)
def test_every_dtype_of_v1(tmp_path: Path, dtype: str):
    arrays = {"w": array_of(dtype, 3, 5), "scalar": array_of(dtype)}
    tf.raw_ops.Save(
        filename=str(tmp_path / "ck"),
        tensor_names=list(arrays),
        data=[tf.constant(each) for each in arrays.values()],
    )
    found = arrays_of(open_bundle_v1([str(tmp_path / "ck")]))
    assert all(same(found[key], array) for key, array in arrays.items())


# -- what is written by hand is what TensorFlow takes it for ----------------------------------------------------------


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_hand_made_checkpoints_are_checkpoints(tmp_path: Path, big_endian: bool, packed: bool):
    arrays = {
        dtype: array_of(dtype, 3, 5) for dtype in ("int16", "float32", "float64", "complex64", "bool", "int8")
    }
    strings = [b"", b"one", b"x" * 200]
    prefix = write_bundle(tmp_path / "ck", {**arrays, "strings": strings}, big_endian, packed=packed)
    reader = tf.train.load_checkpoint(str(prefix))
    for key, array in arrays.items():
        assert same(reader.get_tensor(key), array)
    assert reader.get_tensor("strings").tolist() == strings


def test_hand_made_slices_are_slices(tmp_path: Path):
    parts = {tuple((box.start, box.stop - box.start) for box in each): WHOLE[each] for each in CUTS["grid"]}
    prefix = write_bundle(tmp_path / "ck", {"w": ("float32", (6, 8), parts)})
    assert same(tf.train.load_checkpoint(str(prefix)).get_tensor("w"), WHOLE)


@pytest.mark.parametrize("packed", [False, True])
def test_hand_made_v1_checkpoints_are_checkpoints(tmp_path: Path, packed: bool):
    arrays = {dtype: array_of(dtype, 3, 5) for dtype in V1}
    path = write_v1(tmp_path / "ck", arrays, packed=packed, per_block=4)
    for dtype, array in arrays.items():
        found = tf.raw_ops.Restore(file_pattern=str(path), tensor_name=dtype, dt=tf.as_dtype(dtype))
        assert same(found.numpy(), array)
