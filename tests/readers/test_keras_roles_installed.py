"""The table of weight names against the installed Keras."""

from __future__ import annotations

import difflib
import json
import os
from collections.abc import Mapping
from typing import Any

import pytest

from weightrepl.readers.keras_roles import parts, roles, trainable

pytest.importorskip("keras")
pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings("ignore")]

import keras  # noqa: E402

from tests import make_keras_roles as generator  # noqa: E402
from tests.keras_recipes import build, recipes  # noqa: E402

WAYS = [(name, {}) for name in recipes()]
WAYS += [
    (name, {"dtype": f"{mode}_from_float32"})
    for name in ("Dense", "EinsumDense", "Embedding")
    for mode in ("int8", "int4/-1", "int4/4", "gptq/4/4", "awq/4/4", "float8")
]


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("WEIGHTREPL_LONG") != "1", reason="each class of Keras is made: half a minute"
)
def test_the_installed_keras_says_nothing_that_the_table_does_not() -> None:
    table = json.loads(generator.TABLE.read_text(encoding="utf-8"))
    merged = generator.merged(table, {"layers": generator.layers_table()}, keras.__version__)
    merged["keras"] = table["keras"]
    old, new = (generator.written(each).splitlines() for each in (table, merged))
    difference = "\n".join(
        difflib.unified_diff(old, new, "the table", f"Keras {keras.__version__}", lineterm="", n=0)
    )
    assert not difference, f"{difference}\nrun 'make roles' and look at what changes"


@pytest.mark.parametrize(
    ("key", "more"), WAYS, ids=lambda way: way if isinstance(way, str) else way.get("dtype", "-")
)
def test_a_layer_and_what_it_makes_get_their_names_from_configuration_and_shapes(
    key: str, more: dict[str, Any]
) -> None:
    name, how = key.partition("/")[0], recipes()[key]
    try:
        layer = build(name, {**how["arguments"], **more}, how["inputs"][0])
    except (ValueError, NotImplementedError):
        assert more, "only a policy may be one that the class does not know"
        pytest.skip("no such policy for this class")
    variables = check(layer, type(layer).__name__, layer.get_config())
    if not more:
        assert [trainable(type(layer).__name__, v.name) for v in variables] == [
            v.trainable for v in variables
        ]
    for attribute, (child_name, class_name, config) in parts(
        type(layer).__name__, layer.get_config()
    ).items():
        child = getattr(layer, attribute)
        assert child.name == child_name
        check(child, class_name, config)


def check(layer: Any, class_name: str, config: Mapping[str, Any]) -> list[Any]:
    """Fail unless the names are right; return the variables in stored order."""
    assert type(layer).__name__ == class_name
    variables = generator.stored(layer)
    shapes = [tuple(variable.shape) for variable in variables]
    dtypes = [keras.backend.standardize_dtype(variable.dtype) for variable in variables]
    assert roles(class_name, config, shapes, dtypes) == tuple(variable.name for variable in variables)
    return variables
