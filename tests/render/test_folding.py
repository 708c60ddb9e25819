"""Runs of alike siblings are one row, whose label is a query that selects exactly what it stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests import trees
from weightrepl.engine.evaluate import evaluate
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Content, Layer, Model, Weight
from weightrepl.model.workspace import Workspace
from weightrepl.render.compose import overview
from weightrepl.render.formats import Answer, Style, rendered
from weightrepl.render.plain import plain_text
from weightrepl.render.text import Screen, lines

SPEC = TensorSpec((2,), "float32")


def world(outline: str) -> Workspace:
    """Return the workspace of one model; `N*` before a line repeats it and what is below, `%` being the number."""
    return trees.workspace(
        trees.model(list(_repeated([line for line in outline.splitlines() if line.strip()])))
    )


def _repeated(outline: list[str], number: str = "") -> Iterator[str]:
    at = 0
    while at < len(outline):
        line = outline[at]
        end = next(
            (i for i in range(at + 1, len(outline)) if _indent(outline[i]) <= _indent(line)), len(outline)
        )
        times, star, rest = line.strip().partition("* ")
        if star and times.isdigit():
            for i in range(int(times)):
                yield (" " * _indent(line) + rest).replace("%", str(i))
                yield from _repeated(outline[at + 1 : end])
        else:
            yield line
            yield from _repeated(outline[at + 1 : end])
        at = end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def table(space: Workspace, query: str, **style) -> list[str]:
    result = evaluate(query, space)
    return list(rendered([Answer(query, result)], Style(**style)))


def labels(space: Workspace, query: str) -> list[str]:
    """Return the labels of a query's table, with how many each stands for."""
    return [
        " ".join(line.split()[:2]) if "{" in line else line.split()[0] for line in table(space, query)[1:]
    ]


GPT = """
gpt @Functional
  token_embedding @Embedding
    :embeddings (50, 8)
  12* block_% @Block
    norm @LayerNormalization
      :gamma (8,)
    attention @Attention
      4* head_% @Dense
        :kernel (8, 2)
        :bias (2,)
    dense @Dense
      :kernel (8, 8)
  head @Dense
    :kernel (8, 50)
"""


def test_a_stack_of_blocks_is_one_block():
    assert table(world(GPT), "**:*") == [
        "address                                          ×  shape    dtype     bytes",
        "gpt/token_embedding:embeddings                      (50, 8)  float32  1.6 kB",
        "gpt/block_{0..11}/norm:gamma                    12  (8,)     float32    32 B",
        "gpt/block_{0..11}/attention/head_{0..3}:kernel  48  (8, 2)   float32    64 B",
        "gpt/block_{0..11}/attention/head_{0..3}:bias    48  (2,)     float32     8 B",
        "gpt/block_{0..11}/dense:kernel                  12  (8, 8)   float32   256 B",
        "gpt/head:kernel                                     (8, 50)  float32  1.6 kB",
    ]


def test_layers_fold_as_weights_do_and_totals_are_those_of_all():
    assert table(world(GPT), "**/head_*, **/attention | show address, params", totalled=True) == [
        "address                                   ×  params",
        "gpt/block_{0..11}/attention/head_{0..3}  48      18",
        "gpt/block_{0..11}/attention              12      72",
        "60 layers · 96 weights · 864 params · 3.5 kB",
    ]


def test_a_tree_has_the_figures_of_each():
    space = world(GPT)
    assert list(lines(overview(space), Screen())) == [
        "gpt                      Functional                2,528  10.1 kB",
        "├── token_embedding      Embedding                   400   1.6 kB  embeddings (50, 8)",
        "├── block_{0..11}        Block               12 ×    144    576 B",
        "│   ├── norm             LayerNormalization            8     32 B  gamma (8,)",
        "│   ├── attention        Attention                    72    288 B",
        "│   │   └── head_{0..3}  Dense                4 ×     18     72 B  kernel (8, 2)  bias (2,)",
        "│   └── dense            Dense                        64    256 B  kernel (8, 8)",
        "└── head                 Dense                       400   1.6 kB  kernel (8, 50)",
        "99 layers · 122 weights · 2,528 params · 10.1 kB",
    ]
    for query in ("**", "**:*"):
        assert table(space, query, format="tree") == list(lines(overview(space), Screen()))[:-1]


def test_nothing_is_folded_where_that_is_not_wanted():
    space = world(GPT)
    for format in ("table", "tree"):
        assert len(table(space, "**", format=format, unfolded=True)) == 99 + (format == "table")
    assert len(list(lines(overview(space, unfolded=True), Screen()))) == 99 + 1
    assert len(table(space, "**:*", unfolded=True)) == 122 + 1
    for format in ("json", "jsonl", "csv", "tsv", "paths"):
        assert not any("{0..11}" in line for line in table(space, "**:*", format=format))


def test_a_repr_folds_too():
    assert plain_text(evaluate("**:kernel", world(GPT))).splitlines()[1:] == [
        "gpt/block_{0..11}/attention/head_{0..3}:kernel  48  (8, 2)   float32    64 B",
        "gpt/block_{0..11}/dense:kernel                  12  (8, 8)   float32   256 B",
        "gpt/head:kernel                                     (8, 50)  float32  1.6 kB",
        "61 weights · 1,936 params · 7.7 kB",
    ]


def test_a_repr_looks_at_a_bounded_number_of_rows():
    layers = tuple(
        Layer(f"b_{i}", Content((Weight("k", SPEC, trees.ArraySource(None)),))) for i in range(4000)
    )
    space = Workspace((Model(Layer("m", Content((), layers)), ("m",)),))
    text = plain_text(evaluate("**:k", space)).splitlines()
    assert text[1:-1] == ["m/b_{0..2999}:k  3,000  (2,)   float32    8 B", "… and 1,000 more"]


def test_a_series_may_begin_without_a_number_as_keras_names_layers():
    outline = (
        "m\n  dense\n    :k (1,)\n  dense_1\n    :k (1,)\n  dense_2\n    :k (1,)\n  dense_3\n    :k (2,)\n"
    )
    assert labels(world(outline), "**:k") == ["m/dense{,_{1..2}}:k 3", "m/dense_3:k"]


def test_weights_of_a_layer_fold():
    space = world("m\n  rnn @RNN\n    :w_0 (3,)\n    :w_1 (3,)\n    :w_2 (3,)\n    :x (2,) int8\n")
    assert labels(space, "**:*") == ["m/rnn:w_{0..2} 3", "m/rnn:x"]
    assert labels(space, "**:*[::2]") == ["m/rnn:w_{0..2}[::2] 3", "m/rnn:x[::2]"]
    assert table(space, "**", format="tree")[1] == "└── rnn  RNN  11  38 B  w_{0..2} 3 × (3,)  x (2,) int8"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("b_0 b_1 b_2", "b_{0..2} 3"),
        ("b_0 b_1", "b_0, b_1"),
        ("b_0 b_1 b_3 b_4 b_5", "b_0, b_1, b_{3..5} 3"),
        ("b_2 b_1 b_0", "b_2, b_1, b_0"),
        ("b_0 b_1 b_2 c_3 c_4 c_5", "b_{0..2} 3, c_{3..5} 3"),
        ("._0 ._1 ._2", "\\._{0..2} 3"),
        ("1_1 1_2 1_3 2_3 3_3 4_3", "1_{1..3} 3, {2..4}_3 3"),
        ("1_9 2_9 2_10 2_11", "1_9, 2_{9..11} 3"),
        ("0 1 2", "{0..2} 3"),
        ("x08 x09 x10 x11", "x{08..11} 4"),
        ("x97 x98 x99 x100 x101 x102", "x{97..102} 6"),
        ("x097 x098 x099 x100 x101", "x{097..101} 5"),
        ("x07 x08 x09 x10 x99", "x{07..10} 4, x99"),
        ("x1 x02 x3", "x1, x02, x3"),
        ("n٠ n١ n٢", "n٠, n١, n٢"),
        ("a#0 a#1 a#2", "a\\#{0..2} 3"),
        ("b b b", "b, b#2, b#3"),
        ("b_0 b_1 b_2 b_1", "b_0, b_1, b_2, b_1#2"),
        ("9999999999999999999 10000000000000000000 10000000000000000001",
         "9999999999999999999, 10000000000000000000, 10000000000000000001"),
    ],
)  # fmt: skip
def test_what_counts_up(names: str, expected: str):
    space = world("m\n" + "".join(f"  {json.dumps(name)}\n    :k (1,)\n" for name in names.split()))
    assert labels(space, "**:k") == [
        f"m/{n.split()[0]}:k{n[len(n.split()[0]) :]}" for n in expected.split(", ")
    ]
    assert labels(space, "*") == [f"m/{n}" for n in expected.split(", ")]


def test_a_width_is_kept():
    space = world("m\n" + "".join(f"  x{i:02d}\n    :k (1,)\n" for i in range(97, 103)))
    assert labels(space, "**:k") == ["m/x{97..102}:k 6"]
    space = world("m\n" + "".join(f"  x{i:02d}\n    :k (1,)\n" for i in range(5, 103)))
    assert labels(space, "**:k") == ["m/x{05..99}:k 95", "m/x{100..102}:k 3"]
    space = world(
        "m\n"
        + "".join(f"  x{i:02d}\n    :k (1,)\n" for i in [*range(97), 97, 98, 99])
        + "  yy\n    :k (1,)\n" * 2
    )
    assert labels(space, "**:k") == ["m/x{00..99}:k 100", "m/yy:k", "m/yy#2:k"]


UNLIKE = {
    "class": ("b_2 @Other\n    :k (1,)", "**"),
    "shape": ("b_2 @B\n    :k (2,)", "**:k"),
    "dtype": ("b_2 @B\n    :k (1,) int8", "**:k"),
    "trainable": ("b_2 @B\n    :k (1,) frozen", "**:k"),
    "trainable, seen from above": ("b_2 @B\n    :k (1,) frozen", "**"),
    "name": ("b_2 @B\n    :j (1,)", "**:*"),
    "name, seen from above": ("b_2 @B\n    :j (1,)", "b_* | show address, params"),
    "owner": ("b_2 @Other\n    :k (1,)", "**:k"),
    "more": ("b_2 @B\n    :k (1,)\n    :j (1,)", "**:*"),
    "below": ("b_2 @B\n    c\n      :k (1,)", "b_*"),
    "unbuilt": ("b_2 @B unbuilt\n    :k (1,)", "**"),
    "values": ("b_2 @B\n    :k (1,) =[7]", "**:k | show address, max"),
}


@pytest.mark.parametrize("format", ["table", "tree"])
@pytest.mark.parametrize("unlike", UNLIKE)
def test_what_differs_is_not_folded(unlike: str, format: str):
    third, query = UNLIKE[unlike]
    alike = "\n".join(f"  b_{i} @B\n    :k (1,)" for i in range(2))
    if (unlike, format) != ("values", "tree"):
        assert not any("{" in line for line in table(world(f"m\n{alike}\n  {third}"), query, format=format))
    same = f"m\n{alike}\n  b_2 @B\n    :k (1,)"
    assert any("b_{0..2}" in line for line in table(world(same), query, format=format))


def test_what_is_shared_is_no_other_layer_where_it_comes_again():
    outline = "m\n  b_0\n    s &s\n      :k (1,)\n" + "".join(f"  b_{i}\n    *s\n" for i in range(1, 4))
    assert list(lines(overview(world(outline)), Screen())) == [
        "m             ?       1  4 B",
        "├── b_0       ?       1  4 B",
        "│   └── s     ?       1  4 B  k (1,)",
        "└── b_{1..3}  ?  3 ×  1  4 B",
        "    └── s     ?       1  4 B  same as m/b_0/s",
        "6 layers · 1 weight · 1 param · 4 B",
    ]


def test_the_slots_of_an_optimizer_fold():
    outline = "m\n  !.optimizer @Adam\n    momentum\n" + "".join(
        f"      b_{i}\n        :k (1,)\n" for i in range(3)
    )
    assert labels(world(outline), ".optimizer/**:*") == ["m/.optimizer/momentum/b_{0..2}:k 3"]


def test_what_keras_numbers_is_called_by_its_attribute():
    block = "  block_% @Block\n    dense_%x @Dense .up\n      :k (2,)\n    ln @LayerNormalization .ln\n      :g (1,)\n"
    outline = "m\n" + "".join(block.replace("%", str(i)) for i in range(4))
    assert labels(world(outline), "**:*") == ["m/block_{0..3}/.up:k 4", "m/block_{0..3}/ln:g 4"]
    assert [line[:16] for line in lines(overview(world(outline)), Screen())][1:4] == [
        "└── block_{0..3}",
        "    ├── .up     ",
        "    └── ln      ",
    ]
    by_class = outline.replace(".up", ".?")
    assert labels(world(by_class), "**:*") == ["m/block_{0..3}/@Dense:k 4", "m/block_{0..3}/ln:g 4"]
    assert len(labels(world(by_class.replace("LayerNormalization", "Dense")), "**:*")) == 8
    assert len(labels(world(outline.replace("dense_2x @Dense .up", "dense_2x @Dense .down")), "**:*")) == 8


def test_what_is_called_by_its_attribute_nests():
    outline = "m\n" + "".join(
        f"  s_{s}\n" + "".join(f"    b_{b}\n      d_{s}{b}x .a\n        :k (1,)\n" for b in range(3))
        for s in range(3)
    )
    assert labels(world(outline), "**:*") == ["m/s_{0..2}/b_{0..2}/.a:k 9"]
    outline = outline.replace("d_10x", "dd").replace("d_11x", "dd").replace("d_12x", "dd")
    assert labels(world(outline), "**:*") == ["m/s_{0..2}/b_{0..2}/.a:k 9"]


def test_weights_of_one_name_are_told_apart():
    outline = "m\n  rnn\n    :w_0 (3,)\n    :w_1 (3,)\n    :w_2 (3,)\n    :w_1 (3,)\n"
    assert labels(world(outline), "**:*") == ["m/rnn:w_0", "m/rnn:w_1", "m/rnn:w_2", "m/rnn:w_1#2"]


def test_a_tied_weight_is_called_as_where_it_is_first():
    outline = "m\n  aa\n    :tt (1,) &t\n  bb\n    :tt (2,)\n    *t\n  3* c_%\n    :k (1,)"
    assert labels(world(outline), "bb:*, c_*:*") == ["m/bb:tt", "m/aa:tt", "m/c_{0..2}:k 3"]


def test_models_do_not_fold():
    space = Workspace(tuple(trees.model(f"run_{i}\n  aa\n    :k (1,)") for i in range(3)))
    assert labels(space, "**:*") == ["run_0/aa:k", "run_1/aa:k", "run_2/aa:k"]
    assert len(list(lines(overview(space), Screen()))) == 6 + 1


def test_rows_keep_their_order():
    space = world("m\n  4* b_%\n    :j (1,)\n    :k (2,)\n")
    assert labels(space, "**:* | sort size") == ["m/b_{0..3}:j 4", "m/b_{0..3}:k 4"]
    assert labels(space, "b_2:*, b_0:*, b_1:*, b_3:*") == [f"m/b_{i}:{n}" for i in (2, 0, 1, 3) for n in "jk"]
    space = world("m\n  3* b_%\n    cc\n      :k (1,)\n")
    assert labels(space, "**/cc, b_*") == ["m/b_{0..2}/cc 3", "m/b_{0..2} 3"]
    assert labels(space, "b_0/cc, b_*, b_1/cc, b_2/cc") == [
        "m/b_0/cc", "m/b_{0..2} 3", "m/b_1/cc", "m/b_2/cc"
    ]  # fmt: skip
