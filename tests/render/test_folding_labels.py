"""Whatever layers and weights are called: the label of a fold is a query for exactly what it stands for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import trees
from tests.render.test_folding import SPEC
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.model.workspace import Workspace
from weightrepl.render.blocks import TableBlock, TreeBlock
from weightrepl.render.compose import as_table, as_tree, overview

EXAMPLES = 1000 if os.environ.get("WEIGHTREPL_LONG") else 25


NUMBERED = st.sampled_from(
    ["b_0", "b_1", "b_2", "b_3", "b_4", "d", "d_1", "d_2", "d_3", "0", "1", "2", "x00", "x01", "x02", "x9", "x10",
     "x11", "x08", "x09", "a 0", "a 1", "a 2", ".y1", ".y2", ".y3", "p-1", "p0", "p-2", "p-3", "1_1", "1_2", "1_3",
     "2_1", "3_1", "c1.", "c2.", "c3.", "", "_1", "_2", "_3", "{0..2}", "e\u0301_1", "é_2", "é_3", "é_4", "n٠", "n١",
     "n٢", "b..0", "b..1", "b..2", "k[0]", "k[1]", "k[2]", "l#1", "l#2", "l#3"]
)  # fmt: skip
RUN = st.builds(
    lambda before, first, count, after, width: [
        f"{before}{i:0{width}d}{after}" for i in range(first, first + count)
    ],
    st.sampled_from(["", "b_", ".y", "a ", "é", "e\u0301", "1_", "{", "#", "b..", "**", "@", "p-", "'"]),
    st.integers(0, 12),
    st.integers(3, 5),
    st.sampled_from(["", "_1", ":", "}", ".", "\u0301", "[0]"]),
    st.integers(0, 3),
)
NAMES = st.one_of(RUN, st.lists(NUMBERED, max_size=4))


@st.composite
def models(draw: st.DrawFn, ties: bool = False) -> Model:
    """Draw a model of siblings that are alike or nearly so, some of them in several places."""
    pool: list[Layer] = []
    tied = Weight("t_1", SPEC, trees.ArraySource(None), shared=True)

    def weights() -> tuple[Weight, ...]:
        shape = draw(st.sampled_from([(2,), (3,)]))
        return tuple(
            Weight(name, TensorSpec(shape, "float32"), trees.ArraySource(None)) for name in draw(NAMES)
        )

    def siblings(level: int) -> Iterator[Layer]:
        content = Content(weights(), tuple(siblings(level + 1)) if level < 3 else ())
        renamed = draw(st.booleans())
        for i, name in enumerate(draw(NAMES)):
            kind = draw(st.integers(0, 20))
            if kind == 0 and pool:
                again = draw(st.sampled_from(pool))
                again.shared = True
                yield again
                continue
            own = _copied(content, i * renamed) if kind else Content(weights(), ())
            if ties and kind < 3:
                own = own._replace(weights=((*own.weights[:1], tied, *own.weights[1:])))
            pool.append(Layer(name, own, class_name="Dense"))
            yield pool[-1]

    root = Layer("m", Content(weights(), tuple(siblings(1))))
    return Model(root, ("m",))


def _copied(content: Content, renamed: int = 0) -> Content:
    """Return the same with other objects; `renamed` is put behind the layers' names, as Keras numbers layers."""
    weights = tuple(Weight(w.name, w.spec, w.tensor) for w in content.weights)
    children = tuple(
        Layer(
            f"{c.name}{renamed or ''}",
            _copied(c.content, renamed),
            class_name=c.class_name,
            attributes=(f"at.{i}",),
        )
        for i, c in enumerate(content.children)
    )
    return Content(weights, children)


def things(result: Selection | LayerSelection) -> list[int]:
    """Return what the rows are of."""
    return [id(row.weight if isinstance(result, Selection) else row.layer) for row in result.rows]


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    models(ties=True),
    st.sampled_from(["**:*", "**", "**:* | sort address desc", "**:* | where shape == (2,)", "**:*[:1]"]),
)
def test_a_label_in_a_table_selects_exactly_what_it_stands_for(model: Model, query: str) -> None:
    space = Workspace((model,))
    result = evaluate(query, space)
    found: list[int] = []
    for block in as_table(result):
        assert isinstance(block, TableBlock)
        counted = "×" in block.columns
        for row in block.rows:
            again = evaluate(row[0].text, space)
            assert len(again) == int(row[1].text or 1 if counted else 1)
            found += things(again)
    assert sorted(found) == sorted(things(result))


@settings(max_examples=EXAMPLES, deadline=None)
@given(models())
def test_a_label_in_a_tree_selects_exactly_what_it_stands_for(model: Model) -> None:
    space = Workspace((model,))
    for whole in (overview(space), as_tree(evaluate("**:*", space)), as_tree(evaluate("**", space))):
        tree = next(iter(whole))
        assert isinstance(tree, TreeBlock)
        way: list[tuple[str, int]] = []
        for row in tree.rows:
            del way[row.depth :]
            name, _, times, *_, beside = row.cells
            count = int(times.text.removesuffix(" ×") or 1) * (way[-1][1] if way else 1)
            way.append((name.text, count))
            address = "/".join(name for name, _ in way)
            if beside.text.startswith("same as"):
                continue
            assert len(evaluate(address, space, want="layers")) == count
            for part in beside.parts:
                label, several = re.fullmatch(r"(.*?) (?:(\d+) × )?\(\d,\)", part).groups()
                assert len(evaluate(f"{address}:{label}", space)) == int(several or 1) * count
