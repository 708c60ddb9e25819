"""What is known of what stands under the cursor, which is `‸` in the texts."""

from __future__ import annotations

import pytest

import weightrepl
from tests import trees
from tests.engine.test_results import TREES, workspace
from tests.service.samples import Lazy, queries
from weightrepl.engine.evaluate import evaluate, named_result
from weightrepl.engine.scope import NamedQuery
from weightrepl.model.reading import NotReadYetError, without_reading
from weightrepl.model.tree import Content, Layer, Model
from weightrepl.query.parser import parse
from weightrepl.service.answers import Hover
from weightrepl.service.hover import hover


def hovered(marked: str, tree: str = "seed", **named: str) -> Hover | None:
    text, offset = marked.replace("‸", ""), marked.index("‸")
    space = workspace(tree)
    return hover(text, offset, space, named={n: NamedQuery(q, parse(q).query) for n, q in named.items()})


LAYERS = [
    ("‸larger_model/custom_module", "larger_model", {"class": "LargerModel", "params": "272", "source": "outline"}),
    ("larger_model‸", "larger_model", {"layers": "custom_module, outer_dense", "bytes": "1.1 kB"}),
    ("custom_module/in‸ner_dense1:", "larger_model/custom_module/inner_dense1", {
        "class": "Dense", "attribute": ".dense1", ":kernel": "float32 (10, 12)", "trainable": "yes", "weights": "2",
    }),
    ("custom_module/*1‸", "larger_model/custom_module/inner_dense1", {}),
    ("**/@De‸nse:kernel", "3 layers", {"classes": "3 × Dense"}),
    ("!outer‸_dense", "larger_model/outer_dense", {}),
    ("**:* | diff custom‸_module", "larger_model/custom_module", {}),
    (".opt‸imizer", "larger_model/.optimizer", {"trainable": "no"}),
    ("custom_module‸/[", "larger_model/custom_module", {}),
]  # fmt: skip

WEIGHTS = [
    ("custom_module/inner_dense1:ker‸nel", "larger_model/custom_module/inner_dense1:kernel", {
        "shape": "(10, 12)", "dtype": "float32", "size": "120", "bytes": "480 B", "trainable": "yes",
        "key": "layers/custom_module/dense1/vars/0", "layer": "larger_model/custom_module/inner_dense1, Dense",
    }),
    ("outer_dense:kernel[‸0]", "larger_model/outer_dense:kernel[0]", {"of": "float32 (8, 4)", "shape": "(4,)"}),
    ("**:ker‸nel", "3 weights", {"params": "248"}),
    ("**:ker‸nel, nothing:bias", "3 weights", {}),
]  # fmt: skip


@pytest.mark.parametrize(("marked", "title", "facts"), LAYERS + WEIGHTS)
def test_of_layers_and_weights(marked: str, title: str, facts: dict[str, str]):
    found = hovered(marked)
    assert found is not None
    assert found.title == title
    assert facts.items() <= dict(found.facts).items()


def test_several_are_named_up_to_five():
    found = hovered("**:‸*")
    assert found is not None
    assert dict(found.facts)["weights"].endswith("larger_model/outer_dense:kernel and 1 more")


def test_other_ways_are_told():
    layers = evaluate("**", workspace("shared"), want="layers")
    ways = [layer for layer in layers if layer.aliases]
    assert ways
    assert dict(hovered("/" + ways[0].address + "‸", "shared").facts)["also"] == ", ".join(ways[0].aliases)
    weights = [w for w in evaluate("**:*", workspace("shared")) if w.aliases]
    assert dict(hovered("/" + weights[0].address + "‸", "shared").facts)["also"] == ", ".join(
        weights[0].aliases
    )


def test_what_is_not_built_says_what_builds_it():
    space = workspace("unbuilt")
    unbuilt = next(layer.address for layer in evaluate("**", space, want="layers") if layer.built is False)
    assert dict(hovered(f"/{unbuilt}‸", "unbuilt").facts)["built"].startswith("no")


def test_of_names():
    found = hovered("$big‸ | count", big="**:* | where size > 3")
    assert (found.title, found.facts) == ("$big", (("query", "**:* | where size > 3"),))
    assert hovered("$bi‸") is None
    space = workspace("seed")
    named = {str(n): named_result(evaluate(q, space)) for n, q in enumerate(("**:*", "**", "** | count"))}
    said = [hover(f"${n}", 1, space, named=named).facts[0][1] for n in named]
    assert said == ["6 weights", "5 layers", "a table or a number: it selects nothing"]


@pytest.mark.parametrize(
    ("marked", "title"),
    [
        ("**:* | so‸rt size", "sort KEY [desc], …"),
        ("**:* | reduce no‸rm axis=0", "reduce REDUCTION [axis=INT or (INT, …)]"),
        ("**:* | sort si‸ze", "size"),
        ("**:* | where size ‸>= 3", "COLUMN"),
        ("‸**:*", "*"),
        ("outer_dense:kernel‸, ‸!**:bias".replace("‸", "", 1), "!SELECTOR"),
        ("**:* ‸| count", "|"),
    ],
)
def test_of_words_of_the_language(marked: str, title: str):
    found = hovered(marked)
    assert found is not None
    assert found.text
    assert title.split(maxsplit=1)[0] in found.title


@pytest.mark.parametrize("part", ["[‸,]", "[..., ‸...]", "[[1], ‸[2]]", "[‸x]"])
def test_a_slice_that_is_none_has_no_shape(part: str):
    found = hovered(f"outer_dense:kernel{part}")
    assert found is None or not found.facts


@pytest.mark.parametrize("marked", ["‸", "nothing‸", "outer_dense:gamma‸", "**:* | where size > 3‸", "  ‸  "])
def test_of_nothing(marked: str):
    assert hovered(marked) is None


def test_statistics_are_told_once_they_are_known():
    with weightrepl.open(weightrepl.demo_path()) as model:
        space = trees.workspace(model)
        before = dict(hover("outer_dense:bias", 14, space).facts)
        evaluate("outer_dense:bias | stats", space)
        after = dict(hover("outer_dense:bias", 14, space).facts)
        whole = dict(hover("outer_dense:bias[:2]", 18, space).facts)
    assert "mean" not in before
    assert {"mean", "std", "nans"} <= after.keys()
    assert "mean" not in whole


def test_nothing_is_read_unless_it_may_be():
    lazy = Lazy(trees.model(TREES["seed"]))
    space = trees.workspace(lazy.model)
    with without_reading(), pytest.raises(NotReadYetError):
        hover("outer_dense:kernel", 3, space)
    assert hover("outer_dense:kernel", 13, space).title == "larger_model/outer_dense:kernel"
    assert lazy.read == ["larger_model", "outer_dense"]


def test_every_place_of_every_query_can_be_asked_about():
    space = workspace("seed")
    for query in queries():
        for offset in range(0, len(query) + 1, 11):
            found = hover(query, offset, space)
            if found is not None:
                assert 0 <= found.span.start <= offset <= found.span.end <= len(query), query


def test_how_a_weight_is_stored_and_what_its_source_remarks():
    stored = dict(hovered("eight:kernel‸", "quantized").facts)
    assert (stored["scheme"], stored["scale"]) == ("int8", "m/eight:kernel_scale")
    unnamed = next(w for w in evaluate("**:*", workspace("raw")) if w.name == "0")
    assert "the names of these weights" in dict(hovered(f"/{unnamed.address}‸", "raw").facts)["remark"]


def test_what_could_be_reached_otherwise_but_is_not_has_no_other_address():
    root = Layer("m", Content((), (Layer("a", shared=True),)))
    assert "also" not in dict(hover("a", 0, trees.workspace(Model(root, ("m",)))).facts)
