"""Write `weightrepl/readers/keras_roles.json` from the installed Keras: what its classes call their weights.

    python tests/make_keras_roles.py            merge what this Keras says into the table
    python tests/make_keras_roles.py --fresh    begin a new table with this Keras alone

Run it with several versions of Keras, one after the other, and the table knows all of them. Each class is built under
every combination of the options that change its weights, its variables get distinct values, and what
`save_own_variables` stores is matched back by value, so classes that store in an order of their own are right too. All
sizes are different primes, so equal sizes in a shape mean that they are the same size.
"""

from __future__ import annotations

import inspect
import itertools
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.keras_recipes import FILTERS, KERNEL, MULTIPLIER, UNITS, WIDTH, Recipe, build, recipes

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

TABLE = Path(__file__).parents[1] / "weightrepl" / "readers" / "keras_roles.json"

FACTORS = (1, 3, 4)
"""A size may be so many times another one: the gates of recurrent layers."""

QUANTIZED = {
    "int8": ("int8_from_float32",),
    "int4": ("int4/-1_from_float32", "int4/4_from_float32", "int4_from_float32"),
    "float8": ("float8_from_float32",),
    "gptq": ("gptq/4/4_from_float32", "gptq/8/-1_from_float32"),
    "awq": ("awq/4/4_from_float32",),
}


def stored(layer: Any) -> list[Any]:
    """Return the variables behind the arrays that a layer stores, in that order."""
    import numpy as np
    from keras import ops

    own = list({id(v): v for v in layer._trainable_variables + layer._non_trainable_variables}.values())
    for seed, variable in enumerate(own):
        random = np.random.default_rng(seed)
        dtype = str(np.asarray(ops.convert_to_numpy(variable)).dtype)
        low, high = (0, 2) if dtype == "bool" else (0, 100)
        values = (
            random.standard_normal(variable.shape)
            if "float" in dtype
            else random.integers(low, high, variable.shape)
        )
        variable.assign(np.asarray(values).astype(dtype))
    store: dict[str, Any] = {}
    layer.save_own_variables(store)
    found = []
    for value in (np.asarray(ops.convert_to_numpy(value)) for value in store.values()):
        same = [
            v
            for v in own
            if tuple(v.shape) == value.shape and np.array_equal(np.asarray(ops.convert_to_numpy(v)), value)
        ]
        if len(same) != 1:
            raise LookupError(
                f"{layer.name}: {len(same)} variables hold what is stored, of {[v.name for v in own]}"
            )
        found += same
    return found


def described(variables: list[Any]) -> list[str]:
    """Return the variables as the table writes them: name, dtype, trained or fixed, a letter per axis."""
    letters: dict[int, str] = {}
    lines = []
    for variable in variables:
        dims = [dimension(int(size), letters) for size in variable.shape]
        dtype = str(variable.dtype)
        kind = (
            "float"
            if dtype.startswith(("float", "bfloat"))
            else {"int32": "int", "int64": "int"}.get(dtype, dtype)
        )
        lines.append(" ".join([variable.name, kind, "trained" if variable.trainable else "fixed", *dims]))
    return lines


def dimension(size: int, letters: dict[int, str]) -> str:
    """Return a size as a letter, which stands for one of the primes, or a multiple of one."""
    if size == 2:
        return "2"
    for factor in FACTORS:
        prime = size // factor
        if size % factor == 0 and prime in (WIDTH, UNITS, FILTERS, MULTIPLIER, *KERNEL):
            letter = letters.setdefault(prime, "abcdefgh"[len(letters)])
            return f"{factor if factor > 1 else ''}{letter}"
    return "?"


def forms_of(name: str, how: Recipe, path: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return all forms of a class. path: the attributes that lead from a built layer to the one in question."""
    forms = []
    options = {**relevant_flags(name, how, path), **how["options"]}
    for shape in how["inputs"]:
        for values in itertools.product(*options.values()):
            chosen = dict(zip(options, values, strict=True))
            weights = weights_of(name, {**how["arguments"], **chosen}, shape, path)
            if weights is not None:
                forms.append({"when": facts(chosen, options, how), "weights": weights})
    return forms


def facts(chosen: dict[str, Any], options: dict[str, list[Any]], how: Recipe) -> dict[str, Any]:
    """Return the chosen options as facts about a configuration: yes, no, or a word."""
    words = {key for key, values in options.items() if all(isinstance(value, str) for value in values)}
    found = {key: value if key in words else bool(value) for key, value in chosen.items() if key != "dtype"}
    if "layer" in how["arguments"]:
        found["layer"] = how["arguments"]["layer"][0]
    return found


def weights_of(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], path: tuple[str, ...]
) -> list[str] | None:
    """Return what the class stores, described; None where it can't be built so."""
    try:
        layer = build(name, arguments, shape)
    except (ValueError, TypeError, NotImplementedError, AttributeError):
        return None
    for attribute in path:
        layer = vars(layer)[attribute]
    return described(stored(layer))


def relevant_flags(name: str, how: Recipe, path: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return those yes/no options of a class which change what it stores."""
    shape, arguments = how["inputs"][0], how["arguments"]
    layer = build(name, {**arguments, **{key: values[0] for key, values in how["options"].items()}}, shape)
    usual = weights_of(name, arguments, shape, path)
    found = {}
    for key, value in layer.get_config().items():
        if isinstance(value, bool) and key != "trainable" and key not in how["options"]:
            changed = weights_of(name, {**arguments, key: not value}, shape, path)
            if changed is not None and changed != usual:
                found[key] = [False, True]
    return found


def quantized_forms(name: str, how: Recipe) -> list[dict[str, Any]]:
    """Return the forms of a class under each policy that quantises it."""
    from keras import layers

    found: list[dict[str, Any]] = []
    if getattr(getattr(layers, name), "quantize", None) is getattr(layers.Layer, "quantize", None):
        return found
    for mode, policies in QUANTIZED.items():
        for policy in policies:
            arguments = {**how["arguments"], "dtype": policy}
            if supports(name, arguments, how["inputs"][0]):
                for form in forms_of(name, {**how, "arguments": arguments}):
                    found.append({**form, "when": {**form["when"], "quantization": mode}})
    return found


def supports(name: str, arguments: dict[str, Any], shape: tuple[int, ...]) -> bool:
    """Return whether the class heeds a policy that quantises; most take it for a float32 one."""
    try:
        layer = build(name, arguments, shape)
    except Exception:  # each version refuses in a way of its own
        return False
    plain = build(name, {key: value for key, value in arguments.items() if key != "dtype"}, shape)
    own = [variable.name for variable in layer._trainable_variables + layer._non_trainable_variables]
    return len(own) != len(plain._trainable_variables + plain._non_trainable_variables)


def check_lora(name: str, how: Recipe) -> None:
    """Fail unless a layer with LoRA stores what it stores without: the kernel with the update added to it."""
    layer, plain = (build(name, how["arguments"], how["inputs"][0]) for _ in range(2))
    layer.enable_lora(2)
    stores: list[dict[str, Any]] = [{}, {}]
    layer.save_own_variables(stores[0])
    plain.save_own_variables(stores[1])
    shapes = [[tuple(value.shape) for value in store.values()] for store in stores]
    if shapes[0] != shapes[1]:
        raise AssertionError(f"{name}: with LoRA it stores {shapes[0]}, without {shapes[1]}")


def generalised(forms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the forms without repetitions; where only shapes differ, they give way to equalities of whole shapes."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for form in forms:
        key = json.dumps([form["when"], [weight.split()[:3] for weight in form["weights"]]], sort_keys=True)
        members = groups.setdefault(key, [])
        if form not in members:
            members.append(form)
    return [members[0] if len(members) == 1 else whole_shapes(members) for members in groups.values()]


def whole_shapes(members: list[dict[str, Any]]) -> dict[str, Any]:
    letters: dict[tuple[tuple[str, ...], ...], str] = {}
    weights = []
    for alternatives in zip(*(form["weights"] for form in members), strict=True):
        shapes = tuple(tuple(text.split()[3:]) for text in alternatives)
        if len(set(shapes)) == 1 and (not shapes[0] or "A" <= shapes[0][0] <= "Z"):
            weights.append(alternatives[0])
        else:
            letter = letters.setdefault(shapes, "ABCDEFGH"[len(letters)])
            weights.append(" ".join([*alternatives[0].split()[:3], letter]))
    return {"when": members[0]["when"], "weights": weights}


def layers_table() -> dict[str, Any]:
    """Return what the installed Keras says of its layer classes."""
    from keras import layers

    table: dict[str, Any] = {"Functional": {"forms": [EMPTY]}, "Sequential": {"forms": [EMPTY]}}
    known: dict[str, list[Recipe]] = {}
    for key, how in recipes().items():
        known.setdefault(key.split("/")[0], []).append(how)
    for exported, ways in known.items():
        if hasattr(layers, exported):
            described_class(exported, ways, table)
    for exported in sorted(dir(layers)):
        cls = getattr(layers, exported)
        if inspect.isclass(cls) and issubclass(cls, layers.Layer) and cls.__name__ not in {*table, *OPEN}:
            if makes_weights(cls):
                raise LookupError(f"{exported} makes weights and has no recipe")
            table[cls.__name__] = {"forms": [EMPTY]}
    return table


EMPTY: dict[str, Any] = {"when": {}, "weights": []}
OPEN = {"Layer", "Wrapper", "JaxLayer", "FlaxLayer", "TFSMLayer", "TorchModuleWrapper"}
"""Classes that own what somebody else puts into them."""


def makes_weights(cls: type) -> bool:
    """Return whether a method of the class, or of one that it inherits from, makes weights."""
    own = [
        base
        for base in cls.__mro__
        if base.__module__.startswith("keras.") and base.__name__ not in ("Layer", "Operation")
    ]
    methods = [method for base in own for method in vars(base).values() if inspect.isfunction(method)]
    return any("add_weight" in method.__code__.co_names for method in methods)


def described_class(exported: str, ways: list[Recipe], table: dict[str, Any]) -> None:
    """Put a class, and the classes of the layers that it makes itself, into the table."""
    first = build(exported, ways[0]["arguments"], ways[0]["inputs"][0])
    again = build(exported, ways[0]["arguments"], ways[0]["inputs"][0])
    name = type(first).__name__
    forms, quantized = [], []
    for how in ways:
        forms += forms_of(exported, how)
        quantized += quantized_forms(exported, how)
        if hasattr(first, "enable_lora"):
            check_lora(exported, how)
    if quantized:
        forms = [{**form, "when": {**form["when"], "quantization": "none"}} for form in forms]
    table[name] = {"forms": generalised(forms + quantized)}
    parts = made_parts(first, again)
    if parts:
        table[name]["parts"] = parts
    for attribute, (_, made) in parts.items():
        if made == "ConvLSTMCell":
            inner = [form for how in ways for form in forms_of(exported, how, (attribute,))]
            table[made] = {"forms": generalised(table.get(made, {"forms": []})["forms"] + inner)}


def made_parts(layer: Any, again: Any) -> dict[str, list[str]]:
    """Return attribute -> name and class of the layers that a layer makes itself, where the name is always the same."""
    from keras import layers

    other = vars(again)
    return {
        key: [value.name, type(value).__name__]
        for key, value in sorted(vars(layer).items())
        if isinstance(value, layers.Layer)
        and value.name == other[key].name
        and "layer" not in layer.get_config()
    }


def merged(old: dict[str, Any], new: dict[str, Any], version: str) -> dict[str, Any]:
    """Return a table that says what either says."""
    classes = {}
    for name in sorted({*old.get("layers", {}), *new["layers"]}):
        entries = [table["layers"][name] for table in (old, new) if name in table.get("layers", {})]
        forms = generalised(_told_apart([form for entry in entries for form in entry["forms"]]))
        forms.sort(key=lambda form: json.dumps(form, sort_keys=True))
        parts = {key: value for entry in entries for key, value in entry.get("parts", {}).items()}
        classes[name] = {"forms": forms, **({"parts": parts} if parts else {})}
    versions = sorted(
        {*old.get("keras", []), version}, key=lambda text: [int(n) for n in text.split(".")[:3]]
    )
    return {"keras": versions, "layers": classes}


def _told_apart(forms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the forms of a class; those of a Keras that could not quantise it yet are those of a layer that is not."""
    if not any("quantization" in form["when"] for form in forms):
        return forms
    return [
        {**form, "when": {**form["when"], "quantization": form["when"].get("quantization", "none")}}
        for form in forms
    ]


def main() -> None:
    import keras

    old = {} if "--fresh" in sys.argv or not TABLE.exists() else json.loads(TABLE.read_text(encoding="utf-8"))
    table = merged(old, {"layers": layers_table()}, keras.__version__)
    TABLE.write_text(written(table), encoding="utf-8")
    print(f"{TABLE.name}: {len(table['layers'])} classes, Keras {', '.join(table['keras'])}")


def written(table: dict[str, Any]) -> str:
    """Return the table as text: a line per form."""
    lines = ["{", f' "keras": {json.dumps(table["keras"])},', ' "layers": {']
    for i, (name, entry) in enumerate(table["layers"].items()):
        end = "" if i == len(table["layers"]) - 1 else ","
        if entry == {"forms": [EMPTY]}:
            lines.append(f'  "{name}": {json.dumps(entry)}{end}')
            continue
        fields = [f'   "parts": {json.dumps(entry["parts"])}'] if "parts" in entry else []
        fields.append(
            '   "forms": [\n' + ",\n".join(f"    {json.dumps(form)}" for form in entry["forms"]) + "\n   ]"
        )
        lines.append(f'  "{name}": {{\n' + ",\n".join(fields) + f"\n  }}{end}")
    return "\n".join([*lines, " }", "}", ""])


if __name__ == "__main__":
    main()
