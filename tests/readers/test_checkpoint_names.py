"""Trees of variables that have nothing but names. What TensorFlow 1 itself writes is in `test_checkpoint_live.py`."""

from __future__ import annotations

import pytest

from tests.readers.files import rows_of
from weightrepl.errors import UnsafeFileError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Model
from weightrepl.readers.checkpoint_names import named_tree
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.guards import Limits
from weightrepl.readers.hdf5 import NoTensor


def flat(key: str, *shape: int, unread: str = "") -> Flat:
    return Flat(key, TensorSpec(shape, "float32"), NoTensor("x", key, None), "x", unread)


def tree(*tensors: Flat, **more: object) -> Model:
    return Model(*named_tree(tensors, "model.ckpt-7", **more))  # type: ignore[arg-type]


def addresses(*tensors: Flat) -> list[str]:
    return [row.address for row in rows_of(tree(*tensors))]


def test_scopes_are_layers_and_one_that_all_have_is_the_model() -> None:
    model = tree(flat("net/a/kernel", 2), flat("net/b/c/kernel", 2), flat("global_step"))
    assert [row.address for row in rows_of(model)] == [
        "net/a:kernel",
        "net/b/c:kernel",
        "net/.state:global_step",
    ]
    assert model.names == ("net", "model.ckpt-7")
    assert addresses(flat("a/kernel", 2), flat("bias", 2)) == ["model.ckpt-7:bias", "model.ckpt-7/a:kernel"]


def test_dots_part_nothing_and_numbers_count() -> None:
    assert addresses(flat("layer_10/w.x", 2), flat("layer_2/w", 2), flat("layer_2/10", 2)) == [
        "model.ckpt-7/layer_2:w",
        "model.ckpt-7/layer_2:10",
        "model.ckpt-7/layer_10:w.x",
    ]


def test_a_slot_is_one_only_beside_its_weight_and_of_its_shape() -> None:
    assert addresses(flat("a/w", 2), flat("a/w/Adam", 2), flat("a/w/Adam_1", 2)) == [
        "a:w",
        "a/.optimizer/m:w",
        "a/.optimizer/v:w",
    ]
    assert addresses(flat("a/w/Adam", 2)) == ["a/w:Adam"]
    assert addresses(flat("a/w", 2), flat("a/w/Momentum", 3)) == ["a:w", "a/w:Momentum"]
    assert addresses(flat("a/w", 2), flat("a/w/ExponentialMovingAverage", 2)) == [
        "a:w",
        "a/w:ExponentialMovingAverage",
    ]


def test_slots_of_bert_and_of_an_optimizer_within_a_scope() -> None:
    assert addresses(flat("bert/w", 2), flat("bert/w/adam_m", 2), flat("bert/w/adam_v", 2)) == [
        "bert:w",
        "bert/.optimizer/m:w",
        "bert/.optimizer/v:w",
    ]
    found = addresses(flat("a/w", 2), flat("train/it/a/w/Momentum", 2), flat("train/beta1_power"))
    assert found == ["a:w", "a/.optimizer/momentum:w", "a/.optimizer/train:beta1_power"]


def test_a_second_optimizer_of_a_kind_keeps_the_names_of_its_slots() -> None:
    names = ("", "/Adam", "/Adam_1", "/Adam_2", "/Adam_3")
    slots = [
        address for address in addresses(*(flat(f"a/w{name}", 2) for name in names)) if "optimizer" in address
    ]
    assert slots == [f"a/.optimizer/{slot}:w" for slot in ("m", "v", "Adam_2", "Adam_3")]


def test_what_is_trained_is_known_where_it_is_told() -> None:
    model = tree(flat("a/w", 2), flat("a/b", 2), flat("a/c", 2), trainable={"a/w": True, "a/b": False})
    assert [row.weight.trainable for row in rows_of(model)] == [True, False, None]


def test_what_can_not_be_read_is_told() -> None:
    [row] = [row for row in rows_of(tree(flat("a/w", 2), flat("x", unread="cut short"))) if row.is_system]
    assert (row.address, row.weight.remark) == ("a/.unread:x", "cut short")


def test_parts_of_a_name_are_bounded_by_the_limit_of_depth() -> None:
    long = "/".join("a" * 300)
    with pytest.raises(UnsafeFileError, match="parts of a key, and depth is limited to 200"):
        tree(flat(long, 2))
    assert len(rows_of(tree(flat(long, 2), limits=Limits(depth=300)))) == 1


def test_odd_names_are_names() -> None:
    assert addresses(flat("", 2), flat("/", 2), flat("a//b", 2), flat("9" * 5000 + "/w", 2))[:2] == [
        "model.ckpt-7:",
        "model.ckpt-7/:",
    ]
