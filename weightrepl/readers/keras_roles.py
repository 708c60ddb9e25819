"""What Keras's own classes call their weights: names for files that store no more than an order.

The facts lie in `keras_roles.json`, which `tests/make_keras_roles.py` writes from installed Keras versions. A class has
one or more *forms*, each a list of weights and the configuration under which the class makes it. An answer is given
only where all forms that agree with everything known (configuration, count, shapes, dtypes) agree with each other.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from weightrepl.values import Value

Shape = tuple[int, ...]
Fact = bool | str


class WeightForm(Value):
    """One weight of a form.

    dtype: `float` for any width, `int` for int32 or int64, else the exact dtype.
    trained: whether the optimizer may change it.
    dims: per axis a letter (equal letters, equal sizes), a letter with a factor (`4a`), a number or `?`;
        or one capital for a shape of any rank (equal capitals, equal shapes).
    """

    name: str
    dtype: str
    trained: bool
    dims: tuple[str, ...]


class LayerForm(Value):
    """The weights that a class stores, in stored order, under a configuration with the facts `when`."""

    when: tuple[tuple[str, Fact], ...]
    weights: tuple[WeightForm, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in stored order."""
        return tuple(weight.name for weight in self.weights)


def roles(
    class_name: str, config: Mapping[str, Any] | None, shapes: Sequence[Shape], dtypes: Sequence[str]
) -> tuple[str, ...] | None:
    """Return the names of a layer's own weights in stored order, or None where they are not certain.

    class_name: without a registration's package; ask `is_builtin` first, and that no package stands before it.
    config: the layer's own, None unknown; a key that it lacks is unknown too.
    dtypes: as long as `shapes`; `?` is an unknown one. Packed int4 is int8, as it is stored.

    >>> roles("Dense", {"use_bias": True}, [(3, 4), (4,)], ["float32", "float32"])
    ('kernel', 'bias')
    >>> roles("BatchNormalization", None, [(4,)] * 3, ["float32"] * 3)  # gamma or beta?
    """
    found = {
        form.names for form in _forms(class_name) if _holds(form, config) and _fits(form, shapes, dtypes)
    }
    return found.pop() if len(found) == 1 else None


def is_builtin(class_name: str) -> bool:
    """Return whether Keras has a layer class of this name whose weights are known.

    >>> is_builtin("MultiHeadAttention"), is_builtin("MyLayer")
    (True, False)
    """
    return class_name in _table()["layers"]


def class_of_group(group_name: str) -> str | None:
    """Return Keras's own class after which a store named a list's member, or None.

    >>> class_of_group("conv2d_transpose_12")
    'Conv2DTranspose'
    """
    return _classes().get(re.sub(r"_[0-9]+\Z", "", group_name))


def class_of_name(layer_name: str) -> str | None:
    """Return Keras's own class that names its layers so by default. A hint: an author may have chosen the name.

    >>> class_of_name("multi_head_attention_3"), class_of_name("encoder")
    ('MultiHeadAttention', None)
    """
    return class_of_group(layer_name)


def trainable(class_name: str, role: str) -> bool | None:
    """Return whether a class of Keras's own leaves the weight to the optimizer; None where it depends, or is unknown.

    Meant for layers that are not quantised: integers are never trained, whatever their role.

    >>> trainable("BatchNormalization", "moving_mean"), trainable("Dense", "kernel")
    (False, True)
    """
    said = {
        weight.trained
        for form in _forms(class_name)
        if ("quantization", "none") in form.when or not any(key == "quantization" for key, _ in form.when)
        for weight in form.weights
        if weight.name == role
    }
    return said.pop() if len(said) == 1 else None


def parts(
    class_name: str, config: Mapping[str, Any] | None
) -> Mapping[str, tuple[str | None, str, Mapping[str, Any]]]:
    """Return the layers that a class of Keras's own makes itself, which its configuration does not list.

    Attribute -> name, class and configuration; the configuration holds what decides over the weights, but not how
    they are quantised, for each is quantised on its own.

    >>> parts("LSTM", {"use_bias": False})["cell"][:2]
    ('lstm_cell', 'LSTMCell')
    """
    entry = _table()["layers"].get(class_name) or {}
    config = config or {}
    known: dict[str, Any] = {k: config[k] for k in ("use_bias", "reset_after") if k in config}
    if "use_bias" in known:
        known["bias_axes"] = known["use_bias"]
    made: dict[str, list[str]] = entry.get("parts", {})
    return {
        attribute: (name, made_class, {**known, "name": name})
        for attribute, (name, made_class) in made.items()
    }


_DENSE = ("Dense", "EinsumDense")
_ABBREVIATIONS: tuple[dict[str, tuple[str, ...]], ...] = (
    # of each row the first word that a hint holds; short words only as whole words
    {
        "batch": ("BatchNormalization",),
        "bn": ("BatchNormalization",),
        "rms": ("RMSNormalization",),
        "norm": ("LayerNormalization", "GroupNormalization"),
        "ln": ("LayerNormalization",),
        "gn": ("GroupNormalization",),
    },
    {"embed": ("Embedding",), "emb": ("Embedding",)},
    {"lstm": ("LSTMCell",), "gru": ("GRUCell",)},
    {"conv": ("Conv1D", "Conv2D", "Conv3D")},
    {"dense": _DENSE, "linear": _DENSE, "proj": _DENSE, "fc": _DENSE},
)


def infer(
    hints: Sequence[str], shapes: Sequence[Shape], dtypes: Sequence[str] | None = None
) -> tuple[str, ...] | None:
    """Return the names of the own weights of a layer whose class is not recorded, or None.

    For layers without layers of their own. Some shapes speak for themselves (a matrix and a vector of its last axis
    are a kernel and a bias); others need a hint.

    hints: what the layer is called, and what its parent calls it.
    dtypes: None unknown; then what a quantised layer might store as well is not told.

    >>> infer(["encoder"], [(3, 4), (4,)]), infer(["encoder"], [(3, 4)]), infer(["token_embed"], [(3, 4)])
    (('kernel', 'bias'), None, ('embeddings',))
    """
    if dtypes is not None and any(_kind(dtype) != "float" for dtype in dtypes):
        return None
    floats = ["float32"] * len(shapes)
    classes = dict.fromkeys(name for hint in hints for name in _hinted(hint))
    names = {roles(name, None, shapes, floats) for name in classes}
    found = {each for each in names if each and (each[0] != "kernel" or len(shapes[0]) > 1)}
    if found or len(shapes) == 1:
        return found.pop() if len(found) == 1 else None
    return _self_evident(shapes)


def _hinted(hint: str) -> tuple[str, ...]:
    exact = class_of_name(hint)
    if exact is not None:
        return (exact,)
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", hint).lower())
    found: tuple[str, ...] = ()
    for row in _ABBREVIATIONS:
        meant = (row[a] for a in row if a in words or (len(a) > 3 and any(a in word for word in words)))
        found += next(meant, ())
    return found


def _self_evident(shapes: Sequence[Shape]) -> tuple[str, ...] | None:
    match [tuple(shape) for shape in shapes]:
        case [(_, *_, last), (bias,)] if last == bias:
            return ("kernel", "bias")
        case [(a,), (b,), (c,), (d,)] if a == b == c == d:
            return ("gamma", "beta", "moving_mean", "moving_variance")
        case [(_, gates), (units, recurrent), (bias,)] if gates == recurrent == bias and gates in (
            units,
            3 * units,
            4 * units,
        ):
            return ("kernel", "recurrent_kernel", "bias")
        case [(_, gates), (units, recurrent), (2, bias)] if gates == recurrent == bias == 3 * units:
            return ("kernel", "recurrent_kernel", "bias")
    return None


def _holds(form: LayerForm, config: Mapping[str, Any] | None) -> bool:
    """Return whether nothing in the configuration speaks against the form."""
    if config is None:
        return True
    for key, wanted in form.when:
        fact = _quantization(config) if key == "quantization" else _fact(config, key)
        if fact is not None and (bool(fact) if isinstance(wanted, bool) else fact) != wanted:
            return False
    return True


def _fact(config: Mapping[str, Any], key: str) -> Fact | None:
    if key not in config:
        return None
    value = config[key]
    if isinstance(value, Mapping) and isinstance(value.get("class_name"), str):
        return str(value["class_name"])
    return value if isinstance(value, str) else bool(value)


def _quantization(config: Mapping[str, Any]) -> str | None:
    """Return the way in which the dtype policy quantises (`none`, `int8`, …), or None unknown."""
    policy = config.get("dtype")
    if isinstance(policy, Mapping):
        inner = policy.get("config")
        said = [inner.get("mode"), inner.get("name")] if isinstance(inner, Mapping) else []
        policy = next((each for each in said if isinstance(each, str)), None)
    if not isinstance(policy, str):
        return None
    found = re.match(r"(int8|int4|float8|gptq|awq)(?=[/_]|\Z)", policy)
    return found[1] if found else "none"


def _fits(form: LayerForm, shapes: Sequence[Shape], dtypes: Sequence[str]) -> bool:
    if len(shapes) != len(form.weights) or len(dtypes) != len(shapes):
        return False
    sizes: dict[str, int | Shape] = {}
    return all(
        dtype == "?" or _kind(dtype) == weight.dtype
        for weight, dtype in zip(form.weights, dtypes, strict=True)
    ) and all(
        _fits_dims(weight.dims, tuple(shape), sizes)
        for weight, shape in zip(form.weights, shapes, strict=True)
    )


def _fits_dims(dims: tuple[str, ...], shape: Shape, sizes: dict[str, int | Shape]) -> bool:
    if len(dims) == 1 and dims[0].isupper():
        return sizes.setdefault(dims[0], shape) == shape
    return len(dims) == len(shape) and all(
        _fits_dim(dim, size, sizes) for dim, size in zip(dims, shape, strict=True)
    )


def _fits_dim(dim: str, size: int, sizes: dict[str, int | Shape]) -> bool:
    if dim == "?":
        return True
    if dim.isdigit():
        return size == int(dim)
    factor = int(dim[:-1] or 1)
    return size % factor == 0 and sizes.setdefault(dim[-1], size // factor) == size // factor


def _kind(dtype: str) -> str:
    """Return the dtype as forms write it: `float` for all widths, `int` for those that the backend chooses."""
    if dtype.startswith(("float", "bfloat")):
        return "float"
    return "int" if dtype in ("int32", "int64") else dtype


@cache
def _table() -> dict[str, Any]:
    import json

    path = os.path.join(os.path.dirname(__file__), "keras_roles.json")  # importlib.resources costs 20 ms
    with open(path, encoding="utf-8") as file:
        table: dict[str, Any] = json.load(file)
    return table


@cache
def _classes() -> dict[str, str]:
    return {snake_case(name): name for name in _table()["layers"]}


@cache
def _forms(class_name: str) -> tuple[LayerForm, ...]:
    entry = _table()["layers"].get(class_name) or {}
    return tuple(
        LayerForm(tuple(form["when"].items()), tuple(_weight_form(*text.split()) for text in form["weights"]))
        for form in entry.get("forms", ())
    )


def _weight_form(name: str, dtype: str, trained: str, *dims: str) -> WeightForm:
    return WeightForm(name, dtype, trained == "trained", dims)


def snake_case(class_name: str) -> str:
    """Return a class's name as Keras spells it in groups and default names.

    >>> snake_case("Conv2DTranspose"), snake_case("LSTMCell")
    ('conv2d_transpose', 'lstm_cell')
    """
    name = re.sub(r"\W+", "", class_name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
