"""The live Keras models whose files lie in `tests/zoo/keras3`, made by `zoo_maker`, and a way to look at opened ones.

Needs TensorFlow: import this within tests that are marked so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers

from tests.zoo_maker.values import fill
from tests.zoo_maker.walk import Keras3Walk
from weightrepl.model.tree import Model, Place, Weight

ZOO: dict[str, Callable[[], Any]] = {}


def case(build: Callable[[], Any]) -> Callable[[], Any]:
    """Enter a builder into the zoo under its own name."""
    ZOO[build.__name__] = build
    return build


def built(name: str) -> Any:
    """Return a model of the zoo with the values that its files hold."""
    keras.backend.clear_session()
    model = ZOO[name]()
    fill(f"keras3/{name}", Keras3Walk(model).variables)
    return model


def rows(model: Model) -> Iterator[tuple[tuple[str, ...], Weight]]:
    """Yield every weight of an opened model on every way: names from the root, `#2` behind a second sibling."""
    for place in places(model):
        names = tuple(
            f"{p.layer.name}#{p.ordinal}" if p.ordinal > 1 else p.layer.name for p in place.ancestry
        )
        for weight in place.layer.weights:
            yield names, weight


def places(model: Model) -> Iterator[Place]:
    """Yield every layer of an opened model on every way, parents first."""
    stack = [Place(model.root, model)]
    while stack:
        place = stack.pop()
        yield place
        stack.extend(reversed(place.children))


def tail(units: int, name: str) -> Any:
    return layers.Dense(units, name=name)


@case
def seq_dense() -> Any:
    inner = [layers.Dense(5, activation="relu", name="dense_layer_1"), layers.BatchNormalization(name="bn")]
    rest = [layers.Dropout(0.5, seed=3, name="drop"), tail(3, "dense_layer_2"), layers.Dense(2)]
    return keras.Sequential([layers.Input((6,)), *inner, *rest], name="seq")


@case
def seq_nested() -> Any:
    def sequential(name: str, *members: Any) -> Any:
        return keras.Sequential([layers.Input((4,)), *members], name=name)

    innermost = sequential("block", tail(4, "dense"), tail(4, "dense_1"))
    return sequential("block", sequential("mid", innermost, tail(4, "dense")), tail(2, "dense"))


@case
def func_branches() -> Any:
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    left = tail(5, "left")(a) * 2.0
    right = keras.ops.relu(layers.Dense(5, name="right", use_bias=False)(b))
    joined = layers.Concatenate(name="cat")([left, right])
    return keras.Model([a, b], [tail(2, "out1")(joined), tail(1, "out2")(joined)], name="branches")


def tower(name: str) -> Any:
    start = keras.Input((4,))
    hidden = layers.LayerNormalization(name="norm")(tail(4, "dense")(start))
    return keras.Model(start, tail(4, "out")(hidden), name=name)


@case
def func_nested_same_names() -> Any:
    start = keras.Input((4,))
    decoder, encoder = tower("decoder"), tower("encoder")
    return keras.Model(start, decoder(encoder(start)), name="autoencoder")


@case
def func_shared_layer() -> Any:
    start = keras.Input((4,))
    shared, sub = tail(4, "shared"), tower("tower")
    return keras.Model(
        start, layers.Add(name="add")([sub(shared(start)), sub(shared(shared(start)))]), name="siamese"
    )


in_the_zoo = keras.saving.register_keras_serializable("zoo")


@in_the_zoo
class CustomModule(keras.Model):
    def __init__(self, units1: int, units2: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units1, self.units2 = units1, units2
        self.dense1 = tail(units1, "inner_dense1")
        self.dense2 = tail(units2, "inner_dense2")

    def call(self, x: Any) -> Any:
        return self.dense2(self.dense1(x))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "units1": self.units1, "units2": self.units2}


@in_the_zoo
class LargerModel(keras.Model):
    def __init__(
        self, a: int = 12, b: int = 8, c: int = 4, name: str = "larger_model", **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.cfg = (a, b, c)
        self.module = CustomModule(a, b, name="custom_module")
        self.dense_outer = tail(c, "outer_dense")

    def call(self, x: Any) -> Any:
        return self.dense_outer(self.module(x))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, **dict(zip("abc", self.cfg, strict=True))}


@case
def subclass_unbuilt() -> Any:
    return LargerModel()


@case
def subclass_nested() -> Any:
    model = LargerModel()
    model(np.zeros((1, 10), "float32"))
    return model


class Half(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="half")
        self.used = tail(3, "used")
        self.never = tail(3, "never_called")

    def call(self, x: Any) -> Any:
        return self.used(x)


@case
def subclass_half_built() -> Any:
    model = Half()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras warns of what this is about
        model(np.zeros((1, 4), "float32"))
    return model


class Containers(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="containers")
        self.zed = tail(3, "zed")
        self.blocks = [tail(3, "b0"), [tail(3, "b1"), layers.Dense(3)], (tail(3, "tup"),)]
        self.heads = {"cls": tail(3, "cls_head"), "reg": {"deep": tail(3, "deep_head")}}
        self.bag = {tail(3, "in_set")}
        self.alias = self.zed

    def call(self, x: Any) -> Any:
        for layer in self._layers:
            x = layer(x)
        return x


@case
def subclass_containers() -> Any:
    model = Containers()
    model(np.zeros((1, 3), "float32"))
    return model


class Dup(keras.Model):
    def __init__(self) -> None:
        super().__init__(name="dup")
        self.first = tail(3, "same")
        self.second = tail(3, "same")

    def call(self, x: Any) -> Any:
        return self.second(self.first(x))


@case
def dup_names_same_parent() -> Any:
    model = Dup()
    model(np.zeros((1, 3), "float32"))
    return model


@in_the_zoo
class Block(layers.Layer):
    """Weights of its own, early and late, and layers in attributes with misleading names."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.early = self.add_weight(shape=(units,), name="gain")
        self.proj = tail(units, "projection")
        self.subs = [tail(units, "s0"), tail(units, "s1")]
        self.bias = layers.LayerNormalization(name="ln")

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.mask = self.add_weight(
            shape=(self.units,), name="mask", dtype="bool", initializer="ones", trainable=False
        )
        self.anon = self.add_weight(shape=(self.units, 2))
        self.proj.build(input_shape)
        for layer in [*self.subs, self.bias]:
            layer.build((None, self.units))

    def call(self, x: Any) -> Any:
        x = self.proj(x) * self.early + x @ self.kernel
        for layer in self.subs:
            x = layer(x)
        return self.bias(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


@case
def custom_layer_in_functional() -> Any:
    start = keras.Input((4,))
    first, second = Block(4, name="block_a"), Block(3, name="block_b")
    return keras.Model(start, second(first(start)), name="with_blocks")


@case
def bidirectional() -> Any:
    start = keras.Input((5, 3))
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True, name="lstm"), name="bi")(start)
    return keras.Model(start, layers.Bidirectional(layers.GRU(3, reset_after=False))(x), name="birnn")


@case
def attention() -> Any:
    start = keras.Input((5, 8))
    x = layers.MultiHeadAttention(2, 3, name="mha")(start, start)
    x = layers.GroupQueryAttention(4, 4, 2, name="gqa")(x, x)
    x = layers.Attention(use_scale=True, name="att")([x, x])
    return keras.Model(start, layers.AdditiveAttention(name="add_att")([x, x]), name="attn")


@case
def norms() -> Any:
    start = x = keras.Input((4,))
    without = {
        "all": {},
        "s": {"scale": False},
        "c": {"center": False},
        "sc": {"scale": False, "center": False},
    }
    for tag, options in without.items():
        x = layers.BatchNormalization(name=f"bn_{tag}", **options)(x)
        x = layers.LayerNormalization(name=f"ln_{tag}", **options)(x)
        x = layers.GroupNormalization(2, name=f"gn_{tag}", **options)(x)
    x = layers.RMSNormalization(name="rms")(x)
    x = layers.SpectralNormalization(tail(4, "sn_dense"), name="sn")(x)
    return keras.Model(start, layers.UnitNormalization(name="unit")(x), name="norms")


@case
def trained_optimizer() -> Any:
    start = keras.Input((4,))
    model = keras.Model(start, tail(2, "out")(tail(3, "hidden")(start)), name="trained")
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.zeros((4, 4), "float32"), np.zeros((4, 2), "float32"), verbose=0)
    return model


WEIRD = (
    *("a:b", "with space", "star*name", "br[0]ack", "cur{l}y", "dot.ted", "..", "h#sh", "q?m", "comma,ted"),
    *("back\\slash", "-dash", "_under", "ünï-çødé", "emoji🙂", 'quote"d', "per%cent", "UPPER", "0digit"),
    *("kernel", "vars", "layers", "tail ", "$dollar", "a=b", "(par)", "@at", "!bang", "~tilde", "pipe|d"),
    *("am&p", "semi;colon", "new\nline", "plus+"),
)


@case
def weird_names() -> Any:
    start = x = keras.Input((3,))
    for name in WEIRD:
        x = layers.Dense(3, name=name, use_bias=len(name) % 2 == 0)(x)
    return keras.Model(start, x, name="odd names: *")


@case
def quant_int8() -> Any:
    start = keras.Input((6,), dtype="int32")
    x = layers.Embedding(7, 8, name="emb")(start)
    x = layers.EinsumDense("abc,cd->abd", output_shape=(None, 8), bias_axes="d", name="eins")(x)
    x = tail(4, "head")(layers.Dense(8, use_bias=False, name="nobias")(x))
    model = keras.Model(start, x, name="quant8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # InputLayer can't be quantised
        model.quantize("int8")
    return model


@case
def lora() -> Any:
    start = keras.Input((6,), dtype="int32")
    x = tail(5, "tuned")(layers.Embedding(7, 4, name="emb")(start))
    model = keras.Model(start, tail(4, "plain")(x), name="lora")
    model.get_layer("tuned").enable_lora(2)
    model.get_layer("emb").enable_lora(2)
    return model


@case
def many_long_names() -> Any:
    def names(kind: str) -> list[str]:
        return [f"{kind}_{k:03d}_{'x' * 480}" for k in range(135)]

    start = keras.Input((2,))
    inner = [layers.PReLU(name=name) for name in names("inner")]
    x = keras.Sequential([layers.Input((2,)), *inner], name="inner")(start)
    for name in names("layer"):
        x = layers.PReLU(name=name)(x)
    return keras.Model(start, x, name="many")


@case
def lambda_unsafe() -> Any:
    start = keras.Input((4,))
    x = layers.Lambda(lambda t: t * 2, output_shape=(4,), name="lam")(start)
    return keras.Model(start, tail(2, "after")(x), name="lam_model")
