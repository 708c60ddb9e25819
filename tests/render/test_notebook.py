"""A bundle has plain text, HTML and JSON of the same rows, so many as the view says, and never an error."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import weightrepl
from tests.held import selected
from tests.trees import ArraySource, model, workspace
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.selection import LayerSelection
from weightrepl.engine.view import View
from weightrepl.errors import ChangedError, Problem
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.render.formats import FORMATS, Answer
from weightrepl.render.notebook import MIME, bundle

SCHEMA = json.loads((files("weightrepl") / "render" / "schema.json").read_text(encoding="utf-8"))
DEMO = weightrepl.open(weightrepl.demo_path())
MANY = workspace(
    model(["m", *(line for i in range(40) for line in (f"  d{i * i}", f"    :kernel ({i + 1}, 2)"))])
)
WAITING = View(seconds=60)


def words(text: str) -> str:
    """Return what is to read in HTML, blanks as one."""
    visible = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", visible).split())


def seen(shown) -> str:
    return words(bundle(shown)["text/html"])


class Mortal(ArraySource):
    """Values that may be gone."""

    alive = True

    def read(self, index=()):
        if not self.alive:
            raise ChangedError("the variable was deleted")
        return super().read(index)

    def blocks(self, max_nbytes: int) -> Iterator[np.ndarray]:
        if not self.alive:
            raise ChangedError("the variable was deleted")
        return super().blocks(max_nbytes)


class Slow(ArraySource):
    """Values that never end."""

    def blocks(self, max_nbytes: int) -> Iterator[np.ndarray]:
        while True:
            yield np.zeros(max(1, max_nbytes // 8))


def held(source: type[ArraySource], *shapes: tuple[int, ...]) -> Model:
    weights = tuple(
        Weight(f"w{i}", TensorSpec(shape, "float64"), source(np.ones(shape)), trainable=True)
        for i, shape in enumerate(shapes)
    )
    return Model(Layer("m", Content(weights)), ("m",))


# ------------------------------------------------------------------ which types there are


@pytest.mark.parametrize(
    "shown",
    [
        DEMO, DEMO["**:*"], DEMO["outer_dense:kernel"], DEMO["**:* | stats"], weightrepl.select_layers(DEMO),
        evaluate("**:* | group class", workspace(DEMO)), evaluate("**:* | count", workspace(DEMO)),
    ],
)  # fmt: skip
def test_a_result_shows_itself_in_three_ways(shown):
    found = shown._repr_mimebundle_()
    assert list(found) == ["text/plain", "text/html", MIME]
    jsonschema.validate(found[MIME], SCHEMA)
    assert found["text/html"].startswith('<div class="weightrepl">')
    if not isinstance(shown, Model):
        assert found["text/plain"] == repr(shown) + (
            "\n" + "\n".join(p.picture("") for p in shown.notes) if shown.notes else ""
        )


def test_a_terminal_has_plain_text_alone():
    assert list(bundle(DEMO["**:*"], html=False)) == ["text/plain"]


def test_the_shell_that_runs_tells_whether_it_is_a_terminal():
    from IPython.core.interactiveshell import InteractiveShell

    try:
        shell = InteractiveShell.instance()
        assert "text/html" in bundle(DEMO["**:*"])
        shell.display_formatter.active_types = ["text/plain"]
        assert list(bundle(DEMO["**:*"])) == ["text/plain"]
    finally:
        InteractiveShell.clear_instance()


def test_without_ipython_there_is_html(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert "text/html" in bundle(DEMO["**:*"])


@pytest.mark.parametrize("format", FORMATS)
def test_a_format_is_plain_text(format: str):
    found = bundle(DEMO["**:bias"].seen(View(format=format)))
    assert list(found) == ["text/plain"]
    assert "larger_model/outer_dense:bias" in found["text/plain"] or format == "tree"
    if format == "json":
        jsonschema.validate(json.loads(found["text/plain"]), SCHEMA)


def test_a_format_that_does_not_fit_says_so():
    found = bundle(evaluate("**:* | count", workspace(DEMO)).seen(View(format="paths")))
    assert "--format paths lists weights or layers" in found["text/plain"]


# ------------------------------------------------------------------ how much is shown


@pytest.mark.parametrize("query", ["**:*", "**:* | sort size desc", "**", "**:* | diff m"])
def test_no_more_rows_than_asked_for_and_how_to_see_them(query: str):
    found = bundle(evaluate(query, MANY).seen(View(most=3)))
    assert "more" in found["text/plain"]
    assert len(found["text/plain"].splitlines()) <= 7
    shown = words(found["text/html"])
    assert re.search(r"… and 3[78] more", shown) or "… 38 more layers" in shown
    assert re.search(
        r"to see (all|more): --limit (40|41|30), or in Python \.seen\(weightrepl\.View\(most=\d+\)\)", shown
    )
    (result,) = found[MIME]["results"]
    assert len(result["rows"]) == 3
    (note,) = (problem for problem in result["problems"] if problem["code"] == "not-all-shown")
    assert note["message"].startswith("the first 3 of 4")


@pytest.mark.parametrize("format", ["json", "jsonl", "csv", "tsv", "paths", "table", "tree"])
def test_formats_are_bounded_too(format: str):
    text = bundle(evaluate("**:*", MANY).seen(View(most=3, format=format)))["text/plain"]
    assert text.count("kernel") <= 3 * (1 + (format in ("json", "jsonl")))
    assert "the first 3 of 40 rows" in text


def test_text_beside_html_is_short_and_in_a_terminal_it_is_not():
    found = evaluate("**:*", MANY)
    assert bundle(found)["text/plain"].count(":kernel") == 30
    assert bundle(found, html=False)["text/plain"].count(":kernel") == 40


def test_a_tree_shows_what_is_nearest_to_the_root_first():
    layers = evaluate("**", workspace(model("m\n  a\n    b\n      c\n    d\n  e")), want="layers")
    shown = bundle(layers.seen(View(most=4, tree=True)), html=False)["text/plain"].splitlines()
    names = [re.sub(r"  .*", "", line.replace("│   ", "|")) for line in shown]
    assert names[:5] == ["m", "├── a", "|├── b", "||└── … 1 more layer", "|└── … 1 more layer"]


def test_layers_that_a_query_sorted_are_a_table_in_its_order():
    found = evaluate("**/d* | sort params desc", MANY, want="layers")
    assert "<details" not in bundle(found)["text/html"]
    assert seen(found).index("m/d1521") < seen(found).index("m/d0 ")
    assert "<details" in bundle(evaluate("**/d*", MANY, want="layers"))["text/html"]


def test_the_html_of_a_large_model_is_small():
    lines = ["m"]
    for i in range(1000):
        lines += [f"  layer_{i * i} @Dense", f"    :kernel ({i % 7 + 1}, 2)"]
    found = workspace(model(lines))
    for query in ("**", "**:*"):
        assert len(bundle(evaluate(query, found))["text/html"]) < 150_000


# ------------------------------------------------------------------ values


def test_weights_have_their_figures():
    shown = seen(selected("**:kernel", np.arange(4.0), np.zeros(3)).seen(WAITING))
    assert "address shape dtype bytes values mean std min max flags" in shown
    assert re.search(r"m/a:kernel \(4,\) float64 32 B \S+\s+.* 1\.5 1\.12 0 3 ", shown)
    assert "dead" in shown


def test_without_time_no_value_is_read_and_that_is_said_once():
    source = ArraySource(np.ones((2, 2)))
    weights = tuple(Weight(f"w{i}", TensorSpec((2, 2), "float64"), source) for i in range(5))
    layers = tuple(Layer(f"l{i * i}", Content((weight,))) for i, weight in enumerate(weights))
    found = Model(Layer("m", Content((), layers)), ("m",))
    for query in ("**:*", "l0:*"):
        shown = seen(found[query].seen(View(seconds=0)))
        assert shown.count("not computed") == 1
        assert "mean" not in shown
    assert source.reads == []
    assert source.blocks_read == 0


def test_what_takes_too_long_is_left_out():
    slow = held(Slow, (10**7,), (10**7, 3))
    assert "no statistics of 2 of 2 weights within 0.01 s: not computed" in seen(
        slow["**:*"].seen(View(seconds=0.01))
    )
    one = seen(slow[":w0"].seen(View(seconds=0.01)))
    assert "no statistics of it within 0.01 s: not computed; '| stats' waits for all" in one.replace(
        "&#x27;", "'"
    )


def test_what_was_asked_for_is_waited_for():
    shown = seen(selected("a:kernel | stats", np.arange(6.0)).seen(View(seconds=0)))
    assert "mean 2.5" in shown
    assert "not computed" not in shown


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (np.arange(6.0).reshape(2, 3), "values 0 1 2 0 0 1 2 1 3 4 5"),
        (np.arange(9), "values 0 1 2 … 6 7 8 0 0 1 2 … 6 7 8"),
        (np.arange(64).reshape(2, 2, 16, 1), "values of [0, 0, :, :] 0 0 0 1 1 2 2 … … 13 13 14 14 15 15"),
        (np.array([True, False]), "values 0 1 0 true false"),
        (np.array([1 + 2j]), "values 0 0 1+2j"),
        (np.array(["a", "b" * 30]), f"values 0 1 0 a {'b' * 24}…"),
    ],
)
def test_a_weight_shows_its_outer_values(values: np.ndarray, shown: str):
    assert seen(selected("a:kernel", values).seen(WAITING)).endswith(shown)


@pytest.mark.parametrize("values", [np.array(3.0), np.zeros((0, 3))])
def test_what_has_no_axes_or_no_values_has_no_outer_ones(values: np.ndarray):
    assert "<caption>values" not in bundle(selected("a:kernel", values).seen(WAITING))["text/html"]


def test_a_weight_is_drawn_where_there_is_something_to_see():
    def pictures(query: str, values: np.ndarray) -> int:
        return bundle(selected(query, values).seen(WAITING))["text/html"].count("<figure>")

    assert pictures("a:kernel", np.arange(6.0)) == 1
    assert pictures("a:kernel", np.ones(6)) == 0
    assert pictures("a:kernel", np.array(["a", "b"])) == 0
    assert pictures("a:kernel | hist", np.arange(6.0)) == 1


def test_a_picture_that_takes_too_long_is_left_out():
    found = model("m\n  :w (3, 4) float32", source="a.keras")  # of a file figures are remembered
    assert bundle(found[":w"].seen(WAITING))["text/html"].count("<figure>") == 1
    shown = bundle(found[":w"].seen(View(seconds=1e-9)))["text/html"]
    assert "<figure>" not in shown
    assert "mean 5.5 " in words(shown)


def test_a_histogram_in_chosen_columns_is_drawn_large():
    shown = bundle(selected("a:kernel | hist | show hist, address", np.arange(6.0)))["text/html"]
    assert shown.count("<figure>") == 1


def test_a_histogram_of_a_sample_says_so():
    shown = seen(selected("a:kernel", np.arange(100_000.0)).seen(WAITING))
    assert re.search(r"histogram of 1\d,\d{3} values", shown)


# ------------------------------------------------------------------ what is told


def test_notes_stand_below():
    found = Answer(
        "*:w | count", evaluate("**:* | count", workspace(DEMO)), (Problem("a-note", "so", severity="note"),)
    )
    shown = bundle((found,))
    assert shown["text/plain"].splitlines() == ["*:w | count", "6", "note[a-note]: so"]
    assert words(shown["text/html"]) == "*:w | count 6 note[a-note]: so"


def test_answers_stand_under_their_queries_and_go_on_behind_an_error():
    wrong = Answer("a:", None, (Problem("wrong", "no", hint="do"),))
    right = Answer("outer_dense:bias", DEMO["outer_dense:bias"].seen(WAITING))
    shown = bundle((wrong, right))
    assert shown["text/plain"].splitlines()[:5] == [
        "a:",
        "error[wrong]: no",
        "  do",
        "outer_dense:bias",
        "address                        shape  dtype    bytes",
    ]
    assert words(shown["text/html"]).startswith(
        "a: error[wrong]: no do outer_dense:bias larger_model/outer_dense:bias"
    )
    assert [each["kind"] for each in shown[MIME]["results"]] == ["error", "weights"]


def test_what_is_not_built_has_the_line_that_builds_it():
    found = model("m unbuilt unbuilt=m.build((None, 3))\n  a unbuilt")
    for shown in (found, weightrepl.select_layers(found)):
        assert "without weights, since not built yet: 2 layers build it first: m.build((None, 3))" in seen(
            shown
        )
    assert "build it first: m.build((None, 3))" in bundle(weightrepl.select_layers(found))["text/plain"]


def test_a_model_tells_where_it_is_from():
    shown = seen(DEMO)
    assert shown.startswith("larger_model Keras archive")
    assert weightrepl.demo_path() in shown
    assert "5 layers · 6 weights · 272 params · 1.1 kB" in shown


# ------------------------------------------------------------------ what can't be read


@pytest.mark.parametrize("query", ["**:*", ":w0"])
def test_what_is_gone_is_told_and_the_rest_is_shown(query: str):
    model = held(Mortal, (2, 2), (3,))
    found = model[query].seen(WAITING)
    for weight in model.root.weights:
        weight.tensor.alive = False
    shown = seen(found)
    assert "m:w0" in shown
    assert shown.endswith("warning[unreadable]: the variable was deleted")
    assert shown.count("deleted") == 1


@pytest.mark.parametrize("query", ["**:* | stats", ":w0 | stats", "**:* | hist", ":w0 | hist"])
def test_what_a_query_asked_for_is_still_there_when_the_values_are_gone(query: str):
    model = held(Mortal, (2, 2), (3,))
    found = model[query].seen(WAITING)
    before = bundle(found)
    for weight in model.root.weights:
        weight.tensor.alive = False
    assert bundle(found)["text/plain"] == before["text/plain"]
    assert bundle(found)[MIME] == before[MIME]
    assert bundle(found)["text/html"].count("<svg") == before["text/html"].count("<svg") - (
        query == ":w0 | stats"
    )


def test_a_model_that_was_closed_before_it_was_looked_at(tmp_path: Path):
    found = weightrepl.open(shutil.copy(weightrepl.demo_path(), tmp_path))
    found.close()
    assert "the model was closed; open it again" in seen(found)
    assert bundle(found)[MIME]["results"][0]["kind"] == "error"
    layers = LayerSelection.of((found.place,), workspace(found))
    assert "the model was closed; open it again" in bundle(layers)["text/plain"]
    assert "the model was closed; open it again" in bundle(layers.seen(View(format="csv")))["text/plain"]
