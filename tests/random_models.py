"""Random nested Keras models, each made from a plan of plain lists and dicts, which Keras saves as its configuration.

plan    {"kind": …, "name": … or None, …}      every layer maps (batch, 4) to (batch, 4)
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers

from tests import models
from tests.zoo_maker.values import fill
from tests.zoo_maker.walk import Keras3Walk

WIDTH = 4
UNROLLED = {"return_sequences": True, "unroll": True}  # a loop in TensorFlow takes ten times as long to build
Plan = dict[str, Any]

PLAIN = ("encoder", "decoder", "block", "head", "stem", "body", "query", "top")
TELLING = {
    # names from which a class may be guessed: given only to what is of that class
    "Dense": ("dense_layer", "fc", "out_proj"),
    "LayerNormalization": ("norm_1", "ln", "layer_norm"),
    "BatchNormalization": ("bn", "batch_norm"),
}
SWITCHES: dict[str, tuple[str, ...]] = {
    # class -> options that change its weights
    "Dense": ("use_bias",),
    "BatchNormalization": ("scale", "center"),
    "LayerNormalization": ("scale", "center"),
    "GroupNormalization": ("scale", "center"),
    "RMSNormalization": (),
    "PReLU": (),
    "Dropout": (),
    "ReLU": (),
    "UnitNormalization": (),
}
SEQUENCES: dict[str, Callable[[bool, str | None], Any]] = {
    # what takes (2, 2) to (2, anything)
    "LSTM": lambda b, name: layers.LSTM(3, use_bias=b, **UNROLLED, name=name),
    "GRU": lambda b, name: layers.GRU(3, reset_after=b, **UNROLLED, name=name),
    "SimpleRNN": lambda b, name: layers.SimpleRNN(2, use_bias=b, **UNROLLED, name=name),
    "Bidirectional": lambda b, name: layers.Bidirectional(
        layers.LSTM(2, **UNROLLED, name="inner" if b else None), name=name
    ),
    "RNN": lambda b, name: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2, use_bias=b)], **UNROLLED, name=name),
    "TimeDistributed": lambda b, name: layers.TimeDistributed(layers.Dense(3, use_bias=b), name=name),
    "Conv1D": lambda b, name: layers.Conv1D(3, 2, padding="same", use_bias=b, name=name),
    "Conv1DTranspose": lambda b, name: layers.Conv1DTranspose(3, 2, padding="same", use_bias=b, name=name),
    "SeparableConv1D": lambda b, name: layers.SeparableConv1D(3, 2, padding="same", use_bias=b, name=name),
    "DepthwiseConv1D": lambda b, name: layers.DepthwiseConv1D(2, padding="same", use_bias=b, name=name),
    "EinsumDense": lambda b, name: layers.EinsumDense(
        "abc,cd->abd", (None, 3), bias_axes="d" if b else None, name=name
    ),
    "SpectralNormalization": lambda b, name: layers.SpectralNormalization(layers.Dense(3, use_bias=b), name=name),
}  # fmt: skip


# -- plans ------------------------------------------------------------------------------------------------------------


def random_plan(chance: random.Random, depth: int = 3) -> Plan:
    """Return the plan of a whole model: one that holds others."""
    kind = chance.choice(["Sequential", "Functional", "Nest"])
    return {**_container(chance, depth, kind), "name": chance.choice(["larger_model", "m"])}


def _container(chance: random.Random, depth: int, kind: str) -> Plan:
    members = [_member(chance, depth - 1) for _ in range(chance.randint(1, 3))]
    if kind in ("Sequential", "Functional"):
        _separate(members)
    plan: Plan = {"kind": kind, "name": _name(chance), "members": members}
    if kind == "Functional":
        plan["twice"] = chance.random() < 0.3
    elif kind in ("Nest", "NestLayer"):
        plan["holders"] = [chance.choice(["attribute", "list", "tuple", "dict", "nested"]) for _ in members]
        plan["alias"] = chance.random() < 0.3
    return plan


def _member(chance: random.Random, depth: int) -> Plan:
    if depth > 0 and chance.random() < 0.5:
        return _container(chance, depth, chance.choice(["Sequential", "Functional", "Nest", "NestLayer"]))
    kind = chance.choice([*SWITCHES, *SEQUENCES, "Gate", "Attention"])
    plan: Plan = {"kind": kind, "name": _name(chance, *TELLING.get(kind, ()))}
    if kind in SWITCHES:
        plan["options"] = {switch: chance.random() < 0.7 for switch in SWITCHES[kind]}
    return {**plan, "flag": chance.random() < 0.7}


def _name(chance: random.Random, *telling: str) -> str | None:
    return chance.choice([None, *PLAIN, *telling])


def _separate(members: list[Plan]) -> None:
    """Give no two members the same name: Sequential and Functional models refuse that."""
    seen: set[str] = set()
    for i, member in enumerate(members):
        if member["name"] in seen:
            member["name"] += f"_{i}{i}"
        if member["name"] is not None:
            seen.add(member["name"])


def _distinct(plan: Plan, numbers: Iterator[int]) -> Plan:
    """Return the plan with a number behind every name that is given in it."""
    name = plan["name"] and f"{plan['name']}_n{next(numbers)}"
    members = [_distinct(member, numbers) for member in plan.get("members", ())]
    return {**plan, "name": name, **({"members": members} if members else {})}


# -- what is made of them ---------------------------------------------------------------------------------------------


def made(plan: Plan) -> Any:
    """Return the layer or model of a plan, not yet called."""
    kind, name = plan["kind"], plan["name"]
    if kind in SWITCHES:
        arguments = {"Dense": [WIDTH], "GroupNormalization": [2], "Dropout": [0.3]}.get(kind, [])
        return getattr(layers, kind)(*arguments, **plan["options"], name=name)
    if kind in SEQUENCES or kind == "Attention":
        inner = SelfAttention(name=name) if kind == "Attention" else SEQUENCES[kind](plan["flag"], name)
        return keras.Sequential(
            [layers.Reshape((2, 2)), inner, layers.GlobalMaxPooling1D(), layers.Dense(WIDTH)]
        )
    if kind == "Sequential":
        return keras.Sequential([made(member) for member in plan["members"]], name=name)
    if kind == "Functional":
        return _functional(plan)
    return {"Gate": Gate, "Nest": Nest, "NestLayer": NestLayer}[kind](plan, name=name)


def _functional(plan: Plan) -> Any:
    start = x = keras.Input((WIDTH,))
    for member in plan["members"]:
        layer = made(member)
        x = layer(x)
        if plan["twice"]:
            x = layers.Add()([x, layer(x)])
    return keras.Model(start, x, name=plan["name"])


class SelfAttention(layers.Layer):
    """A MultiHeadAttention of what comes in with itself."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mha = layers.MultiHeadAttention(2, 3, name="attention")

    def build(self, input_shape: Any) -> None:
        self.mha.build(input_shape, input_shape)

    def call(self, x: Any) -> Any:
        return self.mha(x, x)


class _Planned:
    """Keeps its plan where Keras takes no attribute for something to save."""

    def planned(self, plan: Plan) -> Plan:
        self.get_plan = lambda: plan
        return plan

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "plan": self.get_plan()}


class Gate(_Planned, layers.Layer):
    """Weights of its own, of several kinds; two of one name."""

    def __init__(self, plan: Plan, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.planned(plan)

    def build(self, input_shape: Any) -> None:
        self.gain = self.add_weight(shape=(WIDTH,), name="gain")
        self.table = self.add_weight(shape=(3, 2), name="table", trainable=False)
        self.steps = self.add_weight(
            shape=(), name="steps", dtype="int32", initializer="zeros", trainable=False
        )
        if self.get_plan()["flag"]:
            self.again = self.add_weight(shape=(2,), name="gain")

    def call(self, x: Any) -> Any:
        return x * self.gain


class _Holding(_Planned):
    """Holds its members in attributes, lists, tuples, dicts, and dicts of lists."""

    def hold(self, plan: Plan) -> None:
        self.planned(plan)
        order = [made(member) for member in plan["members"]]
        self.in_order = lambda: order  # a list of them would be one more attribute that holds them
        for i, (layer, holder) in enumerate(zip(order, plan["holders"], strict=True)):
            place = {"list": [layer], "tuple": (layer,), "dict": {"a": layer}, "nested": {"deep": [[layer]]}}
            setattr(self, f"{'zyxw'[i]}_part", place.get(holder, layer))
        if plan["alias"]:
            self.again = order[-1]
        if plan["members"][0]["kind"] == "Dense":
            self._private = order[0]

    def through(self, x: Any) -> Any:
        for layer in self.in_order():
            x = layer(x)
        return x


class Nest(_Holding, keras.Model):
    def __init__(self, plan: Plan, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hold(plan)

    def call(self, x: Any) -> Any:
        return self.through(x)


class NestLayer(_Holding, layers.Layer):
    def __init__(self, plan: Plan, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = self.add_weight(shape=(1,), name="scale")
        self.hold(plan)

    def call(self, x: Any) -> Any:
        return self.through(x) * self.scale


OPTIMIZERS: tuple[Callable[[], Any], ...] = (
    lambda: keras.optimizers.Adam(amsgrad=True),
    lambda: keras.optimizers.SGD(momentum=0.9),
    keras.optimizers.SGD,
    lambda: keras.optimizers.RMSprop(momentum=0.5, centered=True),
    keras.optimizers.Adafactor,
    keras.optimizers.Nadam,
    lambda: keras.optimizers.Adam(use_ema=True),
    keras.optimizers.Ftrl,
    lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Lion()),
    lambda: keras.optimizers.Adam(gradient_accumulation_steps=2),
)


def random_model(seed: int, distinct: bool = False) -> Any:
    """Return a built model that only `seed` decides over, with values of its own.

    Every third one has an optimizer with slots. Every second one has layers of odd names, which they got afterwards:
    TensorFlow's scopes refuse them, Keras does not.

    distinct: no two layers have one name, and none was renamed.
    """
    keras.backend.clear_session()
    chance = random.Random(seed)
    plan = random_plan(chance)
    model = made(_distinct(plan, itertools.count()) if distinct else plan)
    x = np.zeros((2, WIDTH), "float32")
    model(x)
    inside = model._flatten_layers(include_self=False)
    for layer in inside:
        if chance.random() < 0.1:
            layer.trainable = False
    if seed % 3 == 0 and model.trainable_variables:
        model.compile(chance.choice(OPTIMIZERS)(), "mse", run_eagerly=True)
        model.optimizer.build(model.trainable_variables)  # as the first step of a training does
    if seed % 2 and not distinct:
        _rename(chance, model)
    fill(str(seed), Keras3Walk(model).variables)
    return model


def _rename(chance: random.Random, model: Any) -> None:
    for parent in model._flatten_layers():
        free = [name for name in models.WEIRD if name not in {child.name for child in parent._layers}]
        for child in parent._layers:
            if chance.random() < 0.3:
                child.name = free.pop(chance.randrange(len(free)))
