"""Graphs of objects as trees: what names are taken, and what a graph may not do."""

from __future__ import annotations

import pytest

from tests.readers.files import rows_of
from weightrepl.errors import FormatError, UnsafeFileError
from weightrepl.model.tensor import TensorSpec
from weightrepl.model.tree import Layer, Model
from weightrepl.readers.flat_keys import Flat
from weightrepl.readers.graph_objects import Recorded, nodes_of, objects_of
from weightrepl.readers.graph_tree import Node, tree_of
from weightrepl.readers.guards import Limits
from weightrepl.readers.hdf5 import NoTensor

SHAPES = {"scalar": ()}
"""The shape of a variable of that name; (2,) of others."""


def flat(key: str, shape: tuple[int, ...] = (2,)) -> Flat:
    return Flat(key, TensorSpec(shape, "float32"), NoTensor("x", key, None), "x")


def graph(**ways: str | None) -> list[Node]:
    """A graph from ways with `__` between the steps -> the variable's name, or `=` and a way to what is also there."""
    nodes: list[dict[str, int]] = [{}]
    variables: dict[int, str] = {}
    for way, name in ways.items():
        at = 0
        *steps, last = (step.lstrip("n") if step[1:].isdecimal() else step for step in way.split("__"))
        for step in steps:
            if step not in nodes[at]:
                nodes[at][step] = len(nodes)
                nodes.append({})
            at = nodes[at][step]
        if name is not None and name.startswith("="):
            target = 0
            for step in filter(None, name[1:].split("__")):
                target = nodes[target][step]
            nodes[at][last] = target
            continue
        nodes[at][last] = len(nodes)
        nodes.append({})
        if name is not None:
            variables[len(nodes) - 1] = name
    return [
        Node(tuple(each.items()), flat(f"{i}", SHAPES.get(name or "", (2,))) if name else None, name)
        for i, each in enumerate(nodes)
        for name in [variables.get(i)]
    ]


def tree(nodes: list[Node], **more: object) -> Model:
    root, names = tree_of(nodes, "stem", **more)  # type: ignore[arg-type]
    return Model(root, names)


def addresses(**ways: str | None) -> list[str]:
    return [row.address for row in rows_of(tree(graph(**ways)))]


# -- names ------------------------------------------------------------------------------------------------------------


def test_as_many_scopes_as_layers_are_their_names() -> None:
    assert addresses(module__one__kernel="net/mod/a/kernel", module__two__kernel="net/mod/b/kernel") == [
        "net/mod/a:kernel",
        "net/mod/b:kernel",
    ]


def test_the_models_own_name_is_no_layers() -> None:
    """Keras 3 keeps nothing but the outermost scope of what is built while it traces."""
    found = addresses(
        module__one__kernel="net/kernel", module__two__kernel="net/kernel", out__kernel="net/kernel"
    )
    assert found == ["net/module/one:kernel", "net/module/two:kernel", "net/out:kernel"]


def test_one_scope_of_one_layer_may_be_the_models_or_the_layers() -> None:
    assert addresses(used__kernel="half/kernel", used__bias="half/bias") == [
        "stem/used:kernel",
        "stem/used:bias",
    ]


def test_a_functional_model_has_no_scope() -> None:
    found = addresses(
        _operations__n1___operations__n1__kernel="a/kernel",
        _operations__n1___operations__n2__kernel="b/kernel",
        _operations__n2__kernel="out/kernel",
    )
    assert sorted(found) == ["stem/_operations/1/a:kernel", "stem/_operations/1/b:kernel", "stem/out:kernel"]


def test_a_sequential_that_was_called_before_it_was_built_has_one() -> None:
    found = addresses(
        _functional___operations__n1__kernel="seq/a/kernel",
        _functional___operations__n2__kernel="seq/b/kernel",
    )
    assert found == ["seq/a:kernel", "seq/b:kernel"]


def test_a_sequential_within_a_traced_model_tells_nothing() -> None:
    found = addresses(
        seq___functional___operations__n1__kernel="net/kernel",
        seq___functional___operations__n2__kernel="net/kernel",
        other__kernel="net/kernel",
    )
    assert found == ["stem/seq/_operations/1:kernel", "stem/seq/_operations/2:kernel", "stem/other:kernel"]


def test_twins_in_one_functional_model_are_no_names() -> None:
    found = addresses(_operations__n1__kernel="net/kernel", _operations__n2__kernel="net/kernel")
    assert found == ["stem/_operations/1:kernel", "stem/_operations/2:kernel"]


def test_a_layer_whose_variables_disagree_has_no_name() -> None:
    found = addresses(one__kernel="net/a/kernel", one__bias="net/b/bias", two__kernel="net/c/kernel")
    assert found == ["net/one:kernel", "net/one:bias", "net/c:kernel"]


def test_a_variable_that_two_layers_hold_names_neither() -> None:
    found = addresses(
        head__kernel="net/embed/kernel", embed__kernel="=head__kernel", embed__bias="net/embed/bias"
    )
    assert found == ["net/head:kernel", "net/embed:kernel", "net/embed:bias"]


def test_lists_and_dicts_of_named_layers_fall_away_and_others_stay() -> None:
    found = addresses(
        blocks__n0__kernel="net/b0/kernel",
        blocks__n1__kernel="net/kernel",
        heads__x__kernel="net/hx/kernel",
        heads__y__kernel="net/hy/kernel",
    )
    assert found == ["net/b0:kernel", "net/blocks/1:kernel", "net/hx:kernel", "net/hy:kernel"]


def test_a_single_dict_item_may_be_a_wrapper_that_lost_its_layers_scope() -> None:
    found = addresses(a__layer__kernel="net/td/kernel", b__kernel="net/b/kernel")
    assert found == ["net/a/layer:kernel", "net/b:kernel"]


def test_modules_have_the_names_of_their_attributes() -> None:
    """As live tf.Modules have: their scopes are not unique."""
    found = addresses(
        blocks__n0__w="m/lin/w", blocks__n1__w="m/lin/w", tied="=blocks__0", b="m/bias_variable"
    )
    assert found == ["stem:b", "stem/blocks/0:w", "stem/blocks/1:w", "stem/tied:w"]


def test_what_nobody_named_has_the_attributes_name() -> None:
    assert addresses(out__kernel="net/out/kernel", out__gain="net/out/Variable_1") == [
        "net/out:kernel",
        "net/out:gain",
    ]


# -- what is shared, and what is beside -------------------------------------------------------------------------------


def test_a_shared_object_is_one_layer_in_several_places() -> None:
    model = tree(graph(a__w="a/w", b="=a"))
    one, two = model.root.children
    assert (one.name, two.name, one.shared) == ("a", "b", True)
    assert one.weights == two.weights
    assert len(model.place.weights_below) == 1


def test_one_model_is_the_checkpoint_and_scalars_are_state() -> None:
    found = addresses(net__dense__w="w", step="scalar", save_counter="save_counter")
    assert found == ["net/dense:w", "net/.state:save_counter", "net/.state:step"]


def test_beside_a_weight_one_model_is_a_layer_of_the_checkpoint() -> None:
    found = addresses(net__dense__w="w", table="table", save_counter="save_counter")
    assert found == ["stem:table", "stem/net/dense:w", "stem/.state:save_counter"]


def test_several_models_are_layers_of_the_checkpoint() -> None:
    found = addresses(
        gen__one__kernel="gen/one/kernel", dis__one__kernel="dis/a/kernel", save_counter="save_counter"
    )
    assert found == ["stem/gen/one:kernel", "stem/dis/a:kernel", "stem/.state:save_counter"]


def test_slots_hang_by_the_weight_that_they_belong_to() -> None:
    nodes = graph(
        net__out__kernel="net/out/kernel", net__out__bias="net/out/bias", opt__iter="i", opt__decay="d"
    )
    number = {node.variable: i for i, node in enumerate(nodes)}
    optimizer = nodes[0].children[1][1]
    slots = tuple(
        (number[f"net/out/{each}"], "m", len(nodes) + i) for i, each in enumerate(("bias", "kernel"))
    )
    nodes[optimizer] = Node(nodes[optimizer].children, slots=slots)
    nodes += [
        Node(tensor=flat("slot 0"), variable="bias/m"),
        Node(tensor=flat("slot 1"), variable="kernel/m"),
    ]
    assert {row.address: row.weight.key for row in rows_of(tree(nodes)) if row.is_system} == {
        "stem/.optimizer:iterations": str(number["i"]),
        "stem/.optimizer:decay": str(number["d"]),
        "stem/.optimizer/m/net/out:kernel": "slot 1",
        "stem/.optimizer/m/net/out:bias": "slot 0",
    }


def test_what_is_apart_loose_or_missing_is_unread_with_the_reason() -> None:
    nodes = [Node((("a", 1), ("gone", 2))), Node(tensor=flat("a"), variable="a"), Node(variable="gone")]
    nodes.append(Node(tensor=flat("apart"), variable="apart"))
    model = tree(nodes, loose=[flat("loose")])
    unread = {row.weight.name: row.weight.remark or "" for row in rows_of(model) if row.path[-1] == ".unread"}
    assert set(unread) == {"gone", "apart", "loose"}
    assert "not stored in this file" in unread["gone"]
    assert "no way leads" in unread["apart"]
    assert "no object with this key" in unread["loose"]


# -- graphs that are wrong, or meant to be expensive ------------------------------------------------------------------


def test_cycles_are_cut() -> None:
    nodes = [
        Node((("a", 1), ("root", 0))),
        Node((("w", 2), ("up", 0), ("self", 1))),
        Node((), flat("w"), "w"),
    ]
    assert [row.address for row in rows_of(tree(nodes))] == ["stem/a:w"]


def test_a_chain_of_objects_is_bounded_by_the_limit_of_depth() -> None:
    def chain(length: int) -> list[Node]:
        return [*(Node((("a", i + 1),)) for i in range(length)), Node((), flat("w"), "w")]

    with pytest.raises(UnsafeFileError, match="objects within each other, and depth is limited to 200"):
        tree(chain(100_000))
    assert len(rows_of(tree(chain(300), limits=Limits(depth=400)))) == 1


def test_ways_that_double_at_each_step_cost_nothing() -> None:
    nodes = [Node((("a", i + 1), ("b", i + 1))) for i in range(60)]
    model = tree([*nodes, Node((), flat("w"), "w")])
    assert len(model.place.weights_below) == 1
    deep = model.root.children[0].children[1].children[0]
    assert (deep.name, deep.shared) == ("a", True)


def test_no_objects_and_objects_that_are_not_there_are_refused() -> None:
    with pytest.raises(FormatError, match="without objects"):
        tree([])
    with pytest.raises(FormatError, match="object 0 refers to object 7"):
        nodes_of([Recorded((("a", 7),))], [])
    with pytest.raises(FormatError, match="object 0 refers to object 9"):
        nodes_of([Recorded(slots=((0, "m", 9),))], [])


def test_the_number_of_objects_is_bounded() -> None:
    graph_bytes = b"\x0a\x00" * 11
    assert len(objects_of(graph_bytes)) == 11
    with pytest.raises(UnsafeFileError, match="graph_nodes is limited to 10"):
        objects_of(graph_bytes, Limits(graph_nodes=10))


def test_what_a_book_lists_without_values_is_unread() -> None:
    nodes = [
        Node((("_layers", 1),)),
        Node((("0", 2), ("1", 3))),
        Node(variable="gone"),
        Node((), flat("w"), "w"),
    ]
    assert [row.address for row in rows_of(tree(nodes))] == ["stem/_layers:w", "stem/.unread:gone"]


@pytest.mark.parametrize("name", ["0", "x/0"])
def test_lists_that_double_at_each_step_cost_nothing(name: str) -> None:
    lists = [Node((("0", i + 2), ("1", i + 2))) for i in range(60)]
    layer = Node((("_kernel", 62),), name="deep" if name == "0" else None)
    nodes = [Node((("blocks", 1),)), *lists, layer, Node((), flat("w"), "deep/kernel")]
    model = tree(nodes)
    assert len(model.place.weights_below) == 1
    assert len(layers_of_one_way(model)[-1].attributes or ()) <= 16


def layers_of_one_way(model: Model) -> list[Layer]:
    way = [model.root]
    while way[-1].children:
        way.append(way[-1].children[0])
    return way


def test_optimizers_within_each_other_are_each_there_once() -> None:
    nodes = [
        Node((("w", 1), ("opt", 2))),
        Node((), flat("w"), "w"),
        Node((("_iterations", 4), ("_learning_rate", 4), ("inner", 3), ("itself", 2))),
        Node((("_iterations", 5), ("_learning_rate", 5), ("outer", 2), ("twin", 3))),
        Node((), flat("outer"), "i"),
        Node((), flat("inner"), "i"),
    ]
    assert [row.address for row in rows_of(tree(nodes)) if row.is_system] == [
        "stem/.optimizer:iterations",
        "stem/.optimizer/inner:iterations",
    ]


def test_what_a_model_lists_is_a_layer_and_no_dict() -> None:
    found = addresses(
        **{
            "layer_with_weights-0__forward__kernel": "bi/forward/kernel",
            "layer_with_weights-0__backward__kernel": "bi/backward/kernel",
        }
    )
    assert [each.split(":")[0] for each in found] == [
        "stem/layer_with_weights-0/forward",
        "stem/layer_with_weights-0/backward",
    ]


def test_below_what_may_be_a_dict_no_other_is_taken_for_one() -> None:
    """Of five objects above the variables three have names: which ones is not told."""
    found = addresses(
        d__k__gain="gain",
        d__k__x__y__n0__kernel="net/a/b/one/kernel",
        d__k__x__y__n1__kernel="net/a/b/two/kernel",
    )
    assert [each for each in found if "/a/" in each or "/b/" in each] == []


def test_a_layer_beside_functional_models_does_not_name_the_model() -> None:
    found = addresses(**{"sub__one__kernel": "sub/kernel", "fun__layer-0__kernel": "a/kernel"})
    assert {each.partition("/")[0] for each in found} == {"stem"}


def test_what_a_variable_holds_is_told() -> None:
    nodes = [Node((("v", 1),)), Node((("0", 2),), flat("v"), "v"), Node((), flat("w"), "w")]
    assert [row.address for row in rows_of(tree(nodes))] == ["stem:v", "stem/.unread:w"]
