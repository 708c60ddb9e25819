"""What an object of TensorFlow's is, by the classes that it inherits from; and what a variable is called."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = "Literal['variable', 'keras', 'module', 'loaded', 'other'] | None"
"""What an object is: a variable; a layer of Keras; a tf.Module; of a loaded SavedModel; tracked in another way."""

_WRAPPERS = "tensorflow.python.trackable.data_structures"
"""Where the dicts and tuples come from that TensorFlow puts in place of others; they only seem to be such."""


def kind_of(thing: Any) -> Kind:
    """Return what an object is; None of one that is none of these."""
    cls: Any = type(thing)  # any class can be hashed, which mypy doubts
    return _kind(cls)


@lru_cache(maxsize=4096)
def may_hold(cls: Any) -> bool:
    """Return whether objects of a class are of some kind, or may have such in them: most attributes do not."""
    is_container = issubclass(cls, (dict, list, tuple)) or cls.__module__ == _WRAPPERS
    return is_container or _kind(cls) is not None


@lru_cache(maxsize=4096)
def _kind(cls: type) -> Kind:
    bases = [(base.__module__, base.__qualname__) for base in cls.__mro__]
    names = {f"{module}.{name}" for module, name in bases}
    if any(
        name.endswith("Variable") and module.startswith(("tensorflow.", "keras.")) for module, name in bases
    ):
        return "variable"
    if _keras_of(cls) is not None:
        return "keras"
    if "tensorflow.python.module.module.Module" in names:
        return "module"
    if "tensorflow.python.trackable.base.Trackable" not in names or any(
        module.startswith("tensorflow.python.eager") or name == "TrackableDataStructure"
        for module, name in bases
    ):
        return None
    return "loaded" if any("_UserObject" in name for name in names) else "other"


def library_of(thing: Any) -> str | None:
    """Return of which Keras (`keras`, `tf_keras`) a layer is; None of anything else."""
    cls: Any = type(thing)  # any class can be hashed, which mypy doubts
    return _keras_of(cls)


@lru_cache(maxsize=4096)
def _keras_of(cls: type) -> str | None:
    """Return of which Keras (`keras`, `tf_keras`) a class of layers is, or None."""
    for base in cls.__mro__:
        if f"{base.__module__}.{base.__qualname__}" == "tf_keras.src.engine.base_layer.Layer":
            return "tf_keras"
        if f"{base.__module__}.{base.__qualname__}" == "keras.src.layers.layer.Layer":
            return "keras"
    return None


def is_from_v1(thing: Any) -> bool:
    """Return whether an object is what a SavedModel of TensorFlow 1 loads as: a list of variables named by scopes."""
    return type(thing).__name__ == "AutoTrackable" and {"graph", "prune", "variables"} <= vars(thing).keys()


def is_metric(thing: Any) -> bool:
    """Return whether an object is a metric of tf_keras, which are layers too."""
    return any(
        base.__name__ == "Metric" and base.__module__.startswith("tf_keras.") for base in type(thing).__mro__
    )


def is_optimizer(thing: Any) -> bool:
    """Return whether an object is an optimizer of either Keras, or one that was loaded."""
    return kind_of(thing) == "other" and any(
        "keras" in base.__module__ and ".optimizers." in base.__module__ + "." for base in type(thing).__mro__
    )


def is_generator(thing: Any) -> bool:
    """Return whether an object makes random numbers: its variable is a state, and no weight."""
    return type(thing).__name__ == "Generator" and type(thing).__module__.startswith("tensorflow.")


def own_name(variable: Any) -> str:
    """Return `kernel` of a variable that is called `dense/kernel:0`."""
    return full_name(variable).rpartition("/")[2]


def full_name(variable: Any) -> str:
    """Return `dense/kernel` of a variable that is called `dense/kernel:0`."""
    return str(variable.name).removesuffix(":0")
