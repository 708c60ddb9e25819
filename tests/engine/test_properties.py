"""What holds of every tree and every query, whatever the names and however things are shared."""

from __future__ import annotations

import os

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import trees
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.explain import explain
from weightrepl.errors import QueryError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import SYSTEM_NAMES, Content, Layer, Model, Weight
from weightrepl.model.workspace import Workspace

EXAMPLES = 1000 if os.environ.get("WEIGHTREPL_LONG") else 50
NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "dense", "dense_1", "a/b", "a:b", "*", "**", ".", "..", "", "#2", "a#2", "!x", "$y", " ",
         "é", "e\u0301", "{x}", "[0]",
         "\n", "\x1b[2J", ".optimizer", "m", "\u202eabc", "a,b", "x|y", "\\", '"', "'", "-1", "@Dense"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)  # fmt: skip


def weight(name: str, shared: bool = False) -> Weight:
    """Return a weight of that name."""
    return Weight(name, TensorSpec((2,), "float32"), trees.ArraySource(None), shared=shared)  # type: ignore[arg-type]


@st.composite
def models(draw: st.DrawFn, depth: int = 3) -> Model:
    """Draw a model with odd names, twins, and layers and weights in several places."""
    pool: list[Layer] = []
    tied = [weight("tied", shared=True)]

    def layer(level: int) -> Layer:
        if pool and draw(st.integers(0, 4)) == 0:
            again = draw(st.sampled_from(pool))
            again.shared = True
            return again
        own = [weight(name) for name in draw(st.lists(NAMES, max_size=3))]
        own += tied if draw(st.integers(0, 5)) == 0 else []
        children = tuple(layer(level + 1) for _ in range(draw(st.integers(0, 3)) if level < depth else 0))
        made = Layer(
            draw(NAMES), Content(tuple(own), children), class_name=draw(st.sampled_from([None, "Dense"]))
        )
        pool.append(made)
        return made

    system = Layer(SYSTEM_NAMES[0], Content((weight("iterations"),), ()), system=True)
    inner = tuple(layer(1) for _ in range(draw(st.integers(1, 3))))
    root = Layer(draw(NAMES), Content((), (*inner, system)))
    return Model(root, (root.name,))


@settings(max_examples=EXAMPLES, deadline=None)
@given(models(), st.booleans())
def test_an_address_is_a_query_that_selects_exactly_its_weight(model: Model, beside_another: bool) -> None:
    """For weights and for layers, with another model open beside it or not, also one of the same name."""
    other = Model(Layer(model.root.name), (model.root.name, "other"))
    space = Workspace((model, other) if beside_another else (model,))
    everything = evaluate("/**:*", space)
    for chosen in (*everything, *evaluate("/*/.optimizer/**:*", space)):
        again = evaluate(chosen.address, space)
        assert again.addresses == (chosen.address,)
        assert again[0]._site.weight is chosen._site.weight
        assert again[0].via == ""
    assert len(set(everything.addresses)) == len(everything)
    for layer in evaluate("/**", space):
        again = evaluate(layer.address, space)
        assert again.addresses == (layer.address,)
        assert again[0]._place.layer is layer._place.layer


@settings(max_examples=EXAMPLES, deadline=None)
@given(models())
def test_every_alias_selects_it_and_a_row_shows_the_address(model: Model) -> None:
    """An alias selects the same weight, `via` says how it was reached, and `!` takes it away under all its names."""
    space = Workspace((model,))
    everything = evaluate("/**:*", space)
    for chosen in everything:
        for alias in chosen.aliases[:5]:
            again = evaluate(alias, space).one()
            assert again.address == chosen.address
            assert again.via == alias
            assert chosen.address not in evaluate(f"/**:*, !{alias}", space).addresses


@settings(max_examples=EXAMPLES, deadline=None)
@given(models(), st.text(st.sampled_from(list("ab*/:!,|[]{}.@#$ d1")), max_size=12))
def test_no_query_does_anything_but_answer_or_raise_a_query_error(model: Model, text: str) -> None:
    """Whatever the text, the result or a QueryError; `explain` never raises; spans lie in the text."""
    space = Workspace((model,))
    explanation = explain(text, space)
    assert explanation.text == text
    try:
        problems = evaluate(text, space).notes
    except QueryError as error:
        problems = error.problems
        assert any(p.severity == "error" for p in problems)
    for problem in (*problems, *explanation.problems):
        if problem.span is not None:
            assert 0 <= problem.span.start <= problem.span.end <= len(text)
        problem.picture(text)
