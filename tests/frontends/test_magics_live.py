"""Live models in a notebook's variables: which there are, under which names, and who keeps them alive."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import weightrepl
from tests.frontends.notebooks import Notebook, bare

__all__ = ["bare"]

keras: Any = pytest.importorskip("keras")
pytestmark = [pytest.mark.tensorflow, pytest.mark.filterwarnings("ignore")]


def tiny(name: str) -> Any:
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="dense")], name=name)


def models(notebook: Notebook, line: str = "%weights **:*") -> list[tuple[str, ...]]:
    return [model.names for model in notebook.run(line).workspace.models]


def test_a_model_that_was_opened_too_is_one(bare: Notebook):
    names = bare.shell.user_ns
    names |= {"nothing": None, "net": tiny("one")}
    names |= {"opened": weightrepl.open(names["net"]), "other": weightrepl.open(names["net"], "base")}
    assert models(bare) == [("one", "net", "opened", "other", "base")]
    assert bare.run("%weights **:*").workspace.models[0].format == "live Keras model"
    names["net"].add(keras.layers.Dense(2, name="late"))
    assert bare.addresses("%weights -m opened late:bias") == ["one/late:bias"]  # as it is now
    del names["net"]
    assert models(bare) == [("one", "opened", "other", "base")]


def test_parts_are_no_models(bare: Notebook):
    inner = tiny("inner")
    outer = keras.Sequential([inner, keras.layers.Dense(1)], name="outer")
    bare.shell.user_ns |= {"inner": inner, "layer": inner.layers[0], "outer": outer}
    assert models(bare) == [("outer",)]
    bare.shell.user_ns["outer"] = weightrepl.open(outer)
    assert models(bare) == [("outer",)]
    del bare.shell.user_ns["outer"]
    assert models(bare) == [("inner",)]
    del bare.shell.user_ns["inner"]
    assert bare.addresses("%weights layer:bias") == ["dense:bias"]


@pytest.mark.parametrize(
    "line", ["k = %weights **:kernel", "k = %layers", "%weights nope", "%%weights\n**:*\nnope"]
)
def test_what_is_deleted_is_gone(bare: Notebook, line: str):
    names = bare.shell.user_ns
    names["net"] = net = tiny("one")
    names["opened"] = weightrepl.open(net)
    alive = weakref.ref(net)
    del net
    ran = bare.shell.run_cell(line)
    bare.completed("%weights one/¦")
    bare.run("del net, opened")
    gc.collect()
    assert alive() is None
    assert (ran.error_in_exec is None) is ("nope" not in line)
    if "k" in names:
        assert "dense" in repr(names["k"])


def test_models_that_were_opened_keep_them(bare: Notebook):
    bare.shell.user_ns["opened"] = weightrepl.open(tiny("one"))
    gc.collect()
    assert bare.run("%weights opened/dense:kernel").one().numpy().shape == (2, 3)


def test_a_model_that_is_not_built_says_how_to_build_it(bare: Notebook):
    bare.shell.user_ns["net"] = keras.Sequential([keras.layers.Dense(3)], name="one")
    told = bare.told("%weights **:kernel")
    assert "error[not-built]" in told
    assert "(np.zeros(input_shape))" in told
