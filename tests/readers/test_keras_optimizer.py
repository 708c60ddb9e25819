"""Which slot of which weight each of an optimizer's variables is; the orders are those of Keras 3.15's classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.readers.files import entry, rows_of, sequential, store_bytes, write_archive
from weightrepl.readers.keras_optimizer import COPY, UNPLACED
from weightrepl.readers.registry import open_source

A, B, C = (4, 3), (3,), (3, 3)  # a:kernel, a:bias, b:kernel (b has no bias)
SCALARS = [(), ()]
CONFIG = sequential(
    "m",
    entry("Dense", "a"),
    entry("BatchNormalization", "bn", scale=False, center=False),
    entry("Dense", "b", use_bias=False),
)
PAIR = ["{0}/a:kernel", "{1}/a:kernel", "{0}/a:bias", "{1}/a:bias", "{0}/b:kernel", "{1}/b:kernel"]
ONE = ["{0}/a:kernel", "{0}/a:bias", "{0}/b:kernel"]


def named(pattern: list[str], *slots: str) -> list[str]:
    return [each.format(*slots) for each in pattern]


def found(
    folder: Path, shapes: list[tuple[int, ...]], optimizer: Any, config: Any = CONFIG, **more: Any
) -> dict[str, str | None]:
    """The addresses below `.optimizer` by key of the variable, and remarks."""
    groups = {
        "": ("m", []),
        "layers/dense": ("a", [np.zeros(A), np.zeros(B)]),
        "layers/batch_normalization": ("bn", [np.zeros(3)] * 2),
        "layers/dense_1": ("b", [np.zeros(C)]),
        "optimizer": ("adam", [np.zeros(shape) for shape in shapes]),
        **more,
    }
    path = write_archive(
        folder / "m.keras", {**config, "compile_config": {"optimizer": optimizer}}, store_bytes(groups)
    )
    rows = [row for row in rows_of(open_source(path)) if row.is_system]
    assert len({row.weight.key for row in rows}) == len(rows)
    by_number = sorted(
        rows, key=lambda row: (row.weight.key.count("/"), int(row.weight.key.rpartition("/")[2]))
    )
    return {row.address.removeprefix("m/.optimizer").lstrip("/"): row.weight.remark for row in by_number}


def optimizer(class_name: str, **config: Any) -> dict[str, Any]:
    return {"module": "keras.optimizers", "class_name": class_name, "config": config, "registered_name": None}


HEAD = [":iterations", ":learning_rate"]
PAIRS, ONES = [A, A, B, B, C, C], [A, B, C]
CASES = [
    (optimizer("Adam"), PAIRS, named(PAIR, "momentum", "velocity")),
    (
        optimizer("Adam", amsgrad=True),
        PAIRS + ONES,
        named(PAIR, "momentum", "velocity") + named(ONE, "velocity_hat"),
    ),
    (optimizer("Adamax"), PAIRS, named(PAIR, "momentum", "norm")),
    (optimizer("Adadelta"), PAIRS, named(PAIR, "accumulated_grad", "accumulated_delta_var")),
    (optimizer("Ftrl"), PAIRS, named(PAIR, "accumulator", "linear")),
    (optimizer("Adagrad"), ONES, named(ONE, "accumulator")),
    (optimizer("Lion"), ONES, named(ONE, "momentum")),
    (optimizer("SGD", momentum=0.9), ONES, named(ONE, "momentum")),
    (optimizer("SGD", momentum=0.0), [], []),
    (optimizer("SGD", momentum=0.9, use_ema=True), ONES * 2, named(ONE, "average") + named(ONE, "momentum")),
    (
        optimizer("Adam", gradient_accumulation_steps=2),
        ONES + PAIRS,
        named(ONE, "gradient_accumulator") + named(PAIR, "momentum", "velocity"),
    ),
    (
        optimizer("RMSprop", momentum=0.5, centered=True),
        ONES * 3,
        named(ONE, "velocity") + named(ONE, "momentum") + named(ONE, "average_gradient"),
    ),
    (optimizer("Nadam"), [*PAIRS, ()], [*named(PAIR, "momentum", "velocity"), ":u_product"]),
    (
        optimizer("Adafactor"),
        [(4,), (3,), A, (), (), B, (3,), (3,), C],
        [
            f"{slot}/{weight}"
            for weight in ("a:kernel", "a:bias", "b:kernel")
            for slot in ("r", "c", "velocity")
        ],
    ),
]


@pytest.mark.parametrize(
    ("entry_", "shapes", "expected"), CASES, ids=lambda x: x["class_name"] if isinstance(x, dict) else ""
)
@pytest.mark.parametrize("scheduled", [False, True])
def test_every_class_of_keras_s(
    tmp_path: Path, entry_: Any, shapes: Any, expected: list[str], scheduled: bool
):
    head = HEAD[:1] if scheduled else HEAD
    met = found(tmp_path, [*SCALARS[: len(head)], *shapes], entry_)
    assert list(met) == head + expected
    assert set(met.values()) <= {None}


@pytest.mark.parametrize("name", ["adam", "adam_1", "adam_12"])
def test_a_mere_name_has_the_number_that_keras_gave_it(tmp_path: Path, name: str):
    assert list(found(tmp_path, [(), *PAIRS], name)) == [
        ":iterations",
        *named(PAIR, "momentum", "velocity"),
    ]


@pytest.mark.parametrize(
    ("entry_", "shapes"),
    [
        (optimizer("Adam"), [*SCALARS, *PAIRS[:-1]]),
        (optimizer("Adam"), [*SCALARS, A, B, A, B, C, C]),
        (optimizer("Adam"), [*SCALARS, A, A, B, B, C, A]),
        ({**optimizer("Adam"), "registered_name": "mine>Adam"}, [*SCALARS, *PAIRS]),
        (optimizer("Unheard"), [*SCALARS, *PAIRS]),
        (None, [*SCALARS, *PAIRS[:-1]]),
        ("mine", [*SCALARS, *PAIRS]),
        ("mine_1", [*SCALARS, *PAIRS]),
        ("adam_x", [*SCALARS, *PAIRS]),
        (optimizer("Adam"), [(), (), ()]),
    ],
)
def test_what_does_not_fit_keeps_its_number(tmp_path: Path, entry_: Any, shapes: Any):
    met = found(tmp_path, shapes, entry_)
    assert list(met) == [f":{i}" for i in range(len(shapes))]
    assert set(met.values()) == {UNPLACED}


def test_a_store_without_a_configuration_has_the_optimizer_s_name(tmp_path: Path):
    assert list(found(tmp_path, [*SCALARS, *PAIRS], None)) == [*HEAD, *named(PAIR, "momentum", "velocity")]


def test_a_frozen_layer_has_no_slots(tmp_path: Path):
    frozen = {**entry("Dense", "a"), "config": {"name": "a", "trainable": False}}
    config = sequential("m", frozen, *CONFIG["config"]["layers"][1:])
    assert list(found(tmp_path, [*SCALARS, C, C], optimizer("Adam"), config)) == [
        *(*HEAD, "momentum/b:kernel", "velocity/b:kernel")
    ]


CUSTOM = {
    "module": "mine",
    "class_name": "M",
    "config": {"name": "m"},
    "registered_name": "p>M",
    "build_config": {},
}


def test_in_a_custom_model_shapes_tell_what_order_does_not(tmp_path: Path):
    """The order of attributes is not recorded: only weights of a shape of their own are told apart."""
    more = {"first": ("x", [np.zeros((7, 3)), np.zeros(9)]), "second": ("y", [np.zeros((7, 3))])}
    shapes = [*SCALARS, C, (7, 3), (9,), A, (3,), (7, 3)]
    met = found(tmp_path, shapes, optimizer("Lion"), CUSTOM, **more)
    assert [name for name, remark in met.items() if remark is None] == [
        *(*HEAD, "momentum/b:kernel", "momentum/x:1", "momentum/a:kernel", "momentum/a:bias")
    ]
    assert [name for name, remark in met.items() if remark == UNPLACED] == [":3", ":7"]


def test_a_loss_scale_optimizer_holds_another(tmp_path: Path):
    inner = [*SCALARS, *PAIRS]
    entry_ = optimizer("LossScaleOptimizer", inner_optimizer=optimizer("Adam"))
    more = {"optimizer/inner_optimizer": ("adam", [np.zeros(shape) for shape in inner])}
    met = found(tmp_path, [*SCALARS, *SCALARS, *inner], entry_, **more)
    names = list(met)
    assert names[:5] == [*HEAD, ":step_counter", ":dynamic_scale", ":4"]
    assert {met[name] for name in names[4:12]} == {COPY}
    assert names[12:15] == [*(f"inner_optimizer{each}" for each in HEAD), "inner_optimizer/momentum/a:kernel"]
    assert set(map(met.get, names[12:])) == {None}


def test_slots_keep_the_numbers_of_layers_of_one_name(tmp_path: Path):
    """The first of two layers called alike is frozen: the slot is of the second."""
    frozen = {**entry("Dense", "a"), "config": {"name": "same", "trainable": False}}
    config = sequential("m", frozen, entry("Dense", "same"))
    groups = {
        "": ("m", []),
        "layers/dense": ("same", [np.zeros(A), np.zeros(B)]),
        "layers/dense_1": ("same", [np.zeros(C), np.zeros(B)]),
        "optimizer": ("lion", [np.zeros(shape) for shape in [*SCALARS, C, B]]),
    }
    compiled = {**config, "compile_config": {"optimizer": optimizer("Lion")}}
    root = open_source(write_archive(tmp_path / "m.keras", compiled, store_bytes(groups))).root
    slot = root.children[-1].children[0]
    assert [len(each.weights) for each in slot.children] == [0, 2]
