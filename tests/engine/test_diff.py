"""What `diff` hints at, what it reads and writes, and whether it is right of real models."""

from __future__ import annotations

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weightrepl
from tests import trees
from tests.engine.test_comparison import drawn
from weightrepl.engine import renames
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.table import Table
from weightrepl.errors import OutputError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.query.parser import parse
from weightrepl.render.formats import Answer, Style, rendered

# ------------------------------------------------------------------ hints


def model(name: str, **arrays: Any) -> Model:
    """Return a model of one layer for each array, which has it as `w`."""
    layers = tuple(
        Layer(key, Content((Weight("w", TensorSpec(a.shape, a.dtype.name), trees.ArraySource(a)),)))
        for key, a in arrays.items()
    )
    return Model(Layer(name, Content((), layers)), (name,))


NESTED = """
a
  b
    :v (2,)
    :w (3,)
"""


def hints(left: Model, right: Model) -> dict[str, Any]:
    """Return what `diff` hints at, by address."""
    found = evaluate("a/**:* | diff b | show address, hint", trees.workspace(left, right))
    assert isinstance(found, Table)
    return {str(address): hint for address, hint in found.rows if hint}


def test_a_weight_under_another_name_is_found_again() -> None:
    x, y = drawn("float32"), drawn("float32", seed=4)
    assert hints(model("a", one=x, two=y, k=x), model("b", uno=x.copy(), due=y + 1, k=x)) == {
        "a/one:w": "renamed? = b/uno:w",
        "b/uno:w": "renamed? = a/one:w",
    }


def test_a_transposed_weight_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renames, "_BLOCK_NBYTES", 4)
    x, square, cube = drawn("float32"), drawn("float32", (5, 5)), drawn("int16", (2, 3, 4))
    left = model("a", one=x, two=square, three=cube, flat=x[0])
    right = model("b", uno=x.T.copy(), due=square.T.copy(), tre=cube.T.copy(), piatto=x[0][::-1].copy())
    pairs = {"a/one:w": "b/uno:w", "a/two:w": "b/due:w", "a/three:w": "b/tre:w"}
    assert hints(left, right) == {
        address: f"transposed? = {other}" for pair in pairs.items() for address, other in (pair, pair[::-1])
    }


def test_a_weight_is_no_other_name_of_itself() -> None:
    found = evaluate("b/**:* | diff . | show verdict, hint", trees.workspace(trees.model(NESTED)))
    assert isinstance(found, Table)
    assert found.rows == (("only-left", ""), ("only-left", ""), ("only-right", ""), ("only-right", ""))


def test_a_pickled_table_leaves_the_weights_behind_its_rows() -> None:
    found = evaluate("b/**:* | diff .", trees.workspace(trees.model(NESTED)))
    assert isinstance(found, Table)
    assert found.sites
    back = pickle.loads(pickle.dumps(found))  # noqa: S301
    assert back == found
    assert not back.sites


def test_several_of_the_same_values_are_counted() -> None:
    zeros = np.zeros(3, "f4")
    found = hints(model("a", p=zeros, q=zeros), model("b", r=zeros, s=zeros, t=zeros))
    assert found["a/q:w"] == "renamed? = b/r:w or 2 more"
    assert found["b/t:w"] == "renamed? = a/p:w or 1 more"


def test_counterparts_that_differ_in_shape_or_dtype_say_how() -> None:
    x = drawn("float32")
    left = model("a", turned=x, cut=x, cast=x, both=x, equal=x)
    right = model(
        "b", turned=x.T.copy(), cut=x[:2], cast=x.astype("f2"), both=x[0].astype("f8"), equal=x.copy()
    )
    assert hints(left, right) == {
        "a/turned:w": "(7, 30) -> (30, 7), the transpose",
        "a/cut:w": "(7, 30) -> (2, 30)",
        "a/cast:w": "float32 -> float16",
        "a/both:w": "(7, 30) -> (30,), float32 -> float64",
    }


def test_what_is_too_large_or_empty_or_no_number_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renames, "_TURNED_NBYTES", 100)
    x, none, texts = drawn("float32"), np.zeros((0, 2), "f4"), np.array(["a"])
    left = model("a", one=x, two=none, shape=x, three=texts)
    assert hints(left, model("b", uno=x.T.copy(), due=none, shape=x.T.copy(), tre=texts)) == {
        "a/shape:w": "(7, 30) -> (30, 7)"
    }


# ------------------------------------------------------------------ what is read


class Watcher:
    """Adds up what it is told."""

    def __init__(self) -> None:
        self.expected = self.read = 0

    def begin(self, nbytes: int) -> None:
        self.expected += nbytes

    def advance(self, nbytes: int) -> None:
        self.read += nbytes

    def end(self) -> None:
        pass


def test_the_watcher_is_told_of_both_sides() -> None:
    x, watcher = drawn("float32"), Watcher()
    models = trees.workspace(model("a", one=x, other=x[0]), model("b", one=x + 1, other=x))
    evaluate("a/**:* | diff b", models, watcher=watcher)
    assert watcher.expected == watcher.read == 2 * x.nbytes


def test_only_what_may_fit_is_read() -> None:
    x = drawn("float32")
    left, right = model("a", one=x, shape=x), model("b", uno=x[:2], shape=x[:3])
    watcher = Watcher()
    evaluate("a/**:* | diff b", trees.workspace(left, right), watcher=watcher)
    assert watcher.read == 0


# ------------------------------------------------------------------ for machines


def test_the_addresses_are_paths_and_every_digit_is_in_csv() -> None:
    models = trees.workspace(model("a", one=np.array([3, 4], "f4")), model("b", one=np.array([3, 4.1], "f4")))
    query = "a/**:* | diff b"

    def shown(form: str, text: str = query) -> list[str]:
        return list(rendered([Answer(text, evaluate(text, models))], Style(form)))

    assert shown("paths") == ["a/one:w"]
    header, row = shown("csv")
    assert header == "address,verdict,maxabs,rel,cosine,hint"
    assert row.split(",")[2] == repr(float(np.float32(4.1) - np.float32(4)))
    with pytest.raises(OutputError, match="lists weights or layers"):
        shown("paths", f"{query} | show rel")


def test_the_queries_of_the_page_are_queries() -> None:
    page = (Path(__file__).parents[2] / "docs" / "diff.md").read_text(encoding="utf-8")
    page = re.sub("```.*?```", "", page, flags=re.DOTALL)
    lines = [line.strip() for line in page.splitlines() if line.startswith("    ") and "| diff " in line]
    queries = [
        line.split("'")[1] if line.startswith("weightrepl") else line.split("   ")[0] for line in lines
    ]
    assert len(queries) > 10
    for query in queries:
        assert parse(query).problems == (), query


# ------------------------------------------------------------------ real models


def network(dtype: str = "float32", last: str = "head") -> Any:
    """Return a new model of a nested and a shared layer, and an optimizer that has taken a step."""
    keras = pytest.importorskip("keras")
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)
    start = keras.Input((4,))
    shared = keras.layers.Dense(4, name="shared", dtype=dtype)
    dense = keras.layers.Dense(3, name="dense", dtype=dtype)
    encoder = keras.Sequential([keras.Input((4,)), shared, dense], name="encoder")
    head = keras.layers.Dense(2, name=last, dtype=dtype)
    made = keras.Model(start, head(encoder(shared(start))), name="net")
    made.compile("adam", "mse")
    made.fit(np.ones((4, 4), "f4"), np.ones((4, 2), "f4"), verbose=0)
    return made


def saved(made: Any, path: Any) -> str:
    """Save a model as a whole or only its weights, as the name says; return the path."""
    (made.save if path.name.endswith(".keras") else made.save_weights)(path)
    return str(path)


def rows(sources: dict[str, Any], query: str) -> list[tuple[Any, ...]]:
    """Return the rows of the table that a query gives."""
    found = weightrepl.evaluate(sources, query)
    assert isinstance(found, Table)
    return list(found.rows)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["net.keras", "net.weights.h5"])
def test_did_my_weights_survive_saving(name: str, tmp_path: Any) -> None:
    live = network()
    both = {"live": live, "stored": saved(live, tmp_path / name)}
    assert rows(both, "live/**:* | diff stored | group verdict") == [("same", 6)]
    assert rows(both, "live/.optimizer/**:* | diff stored/.optimizer | group verdict") == [("same", 14)]
    kernel = live.get_layer("head").kernel
    kernel.assign(kernel.numpy() * 2)
    changed = "live/**:* | diff stored | where verdict != same | show address, other, rel, cosine"
    one = pytest.approx(1.0)
    assert rows(both, changed) == [("live/head:kernel", "stored/head:kernel", pytest.approx(0.5), one)]


@pytest.mark.tensorflow
def test_two_files_of_other_dtypes_and_names(tmp_path: Any) -> None:
    plain = network()
    brain = network("bfloat16", last="top")
    brain.set_weights(plain.get_weights())
    both = {"a": saved(plain, tmp_path / "plain.keras"), "b": saved(brain, tmp_path / "brain.keras")}
    encoders = "a/encoder/dense:* | diff b/encoder/dense | group verdict, hint"
    assert rows(both, encoders) == [("cast", "float32 -> bfloat16", 2)]
    assert rows(both, "a/**:* | diff b | group verdict") == [("only-left", 2), ("only-right", 2), ("cast", 4)]
    assert rows(both, "a/head:kernel[:, 0] | diff b/top | show other, verdict") == [
        ("b/top:kernel[:, 0]", "cast")
    ]


@pytest.mark.tensorflow
def test_two_models_of_one_file_and_a_renamed_layer(tmp_path: Any) -> None:
    plain = network()
    renamed = network(last="top")
    renamed.set_weights(plain.get_weights())
    path, other = saved(plain, tmp_path / "plain.keras"), saved(renamed, tmp_path / "renamed.keras")
    both = {"a": path, "b": path, "c": other}
    assert rows(both, "a/**:* | diff b | where verdict != same") == []
    assert rows(both, "a/**:* | diff c | where verdict != same | show address, hint") == [
        ("a/head:kernel", "renamed? = c/top:kernel"),
        ("a/head:bias", "renamed? = c/top:bias"),
        ("c/top:kernel", "renamed? = a/head:kernel"),
        ("c/top:bias", "renamed? = a/head:bias"),
    ]
