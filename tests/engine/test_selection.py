"""What users hold: selections of weights and of layers."""

from __future__ import annotations

import json
import sys
from copy import copy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weightrepl
from tests import trees
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.selection import LayerSelection, Selection
from weightrepl.model.tensor import TensorPart, TensorSpec, full_index, indexed_shape, take

TREES = json.loads((Path(__file__).parent.parent / "cases" / "trees.json").read_text("utf-8"))


def select(query: str, tree: str = "seed") -> Selection:
    """Return the weights that a query selects over a tree of the cases."""
    result = evaluate(query, trees.workspace(trees.model(TREES[tree], source="a.keras")), want="weights")
    assert isinstance(result, Selection)
    return result


def select_layers(query: str, tree: str = "seed") -> LayerSelection:
    """Return the layers that a query selects over a tree of the cases."""
    result = evaluate(query, trees.workspace(trees.model(TREES[tree])), want="layers")
    assert isinstance(result, LayerSelection)
    return result


def test_a_weight_tells_all_about_itself() -> None:
    """Each property of a selected weight."""
    weight = select("**/inner_dense1:kernel").one()
    assert weight.address == "larger_model/custom_module/inner_dense1:kernel"
    assert (weight.name, weight.layer) == ("kernel", "larger_model/custom_module/inner_dense1")
    assert (weight.shape, weight.size, weight.nbytes, weight.dtype) == ((10, 12), 120, 480, "float32")
    assert (weight.class_name, weight.trainable, weight.source) == ("Dense", True, "a.keras")
    assert (weight.key, weight.via, weight.aliases) == ("layers/custom_module/dense1/vars/0", "", ())
    assert len(weight) == 10
    assert repr(weight) == "<Weight larger_model/custom_module/inner_dense1:kernel float32 (10, 12)>"
    expected = np.arange(120, dtype="float32").reshape(10, 12)
    np.testing.assert_array_equal(weight.numpy(), expected)
    np.testing.assert_array_equal(np.asarray(weight), expected)
    assert np.asarray(weight, dtype="float64").dtype == np.float64


def test_a_scalar_has_no_length() -> None:
    """As with NumPy."""
    with pytest.raises(TypeError, match="no length"):
        len(select(".optimizer:iterations").one())


@pytest.mark.parametrize(
    "index",
    [0, -1, np.int64(2), slice(2, 5), slice(None, None, -2), [1, 1, 0], (slice(1, 3), 4), (..., 2), (2, ...), (), ...,
     (0, [3, 1]), ([3, 1], slice(2)), slice(5, 2), slice(-100, None, -1), None, np.array([True] * 10), True, [[0, 1]],
     (slice(None), [True] * 12)],
)  # fmt: skip
def test_brackets_are_numpys(index: object) -> None:
    """Of a list and integers axes keep their places, as the language has it; all else is NumPy's own."""
    weight = select("**/inner_dense1:kernel").one()
    whole = weight.numpy()
    np.testing.assert_array_equal(weight[index], whole[index])


def test_brackets_read_only_what_they_need() -> None:
    """The source is asked for the slice, not for the whole."""
    weight = select("**/inner_dense1:kernel").one()
    source = weight._site.weight.tensor
    weight[2:4, [1, 0]]
    assert source.reads == [(slice(2, 4, 1), (1, 0))]


@pytest.mark.parametrize("index", [10, -11, (0, 0, 0), (0, 12)])
def test_brackets_out_of_range(index: object) -> None:
    """An IndexError, as NumPy raises it."""
    with pytest.raises(IndexError):
        select("**/inner_dense1:kernel").one()[index]


def test_a_slice_of_the_query_is_the_weight_from_then_on() -> None:
    """Shape, values, length and brackets are those of the slice."""
    weight = select("**/inner_dense1:kernel[2:4, ::6]").one()
    assert weight.shape == (2, 2)
    assert weight.address.endswith(":kernel[2:4, ::6]")
    np.testing.assert_array_equal(weight.numpy(), [[24, 30], [36, 42]])
    np.testing.assert_array_equal(weight[1], [36, 42])
    assert len(weight) == 2


def test_brackets_of_what_has_no_recorded_shape_are_numpys() -> None:
    """The whole is read first."""
    space = trees.workspace(trees.model("m\n  a\n    :w"))
    weight = evaluate("a:w", space)[0]
    assert weight.shape is None
    assert weight[...].shape == ()


SLICES = st.builds(slice, *[st.none() | st.integers(-7, 7)] * 2, st.none() | st.integers(-3, 3).filter(bool))
ENTRIES = st.integers(-4, 3) | SLICES | st.lists(st.integers(-4, 3), max_size=3)


@settings(max_examples=300, deadline=None)
@given(st.lists(ENTRIES, max_size=3).filter(lambda i: sum(isinstance(e, list) for e in i) <= 1))
def test_slices_are_numpys(entries: list[object]) -> None:
    """Any index of integers, slices and one list: the shape foretold, and w[0, :, [1, 2]] is w[0][:, [1, 2]]."""
    array = np.arange(4**3).reshape(4, 4, 4)
    expected = array
    axis = 0
    for entry in entries:
        before = (slice(None),) * axis
        expected = expected.take(entry, axis) if isinstance(entry, list) else expected[(*before, entry)]
        axis += not isinstance(entry, int)
    index = full_index(entries, array.shape)
    np.testing.assert_array_equal(take(array, index), expected)
    assert indexed_shape(array.shape, index) == expected.shape


ONE_LIST = st.lists(ENTRIES, max_size=3).filter(lambda i: sum(isinstance(e, list) for e in i) <= 1)


@settings(max_examples=300, deadline=None)
@given(ONE_LIST, st.data(), st.integers(1, 9))
def test_a_part_of_a_part_is_numpys(entries: list[object], data: st.DataObject, block: int) -> None:
    """Read at an index, and block by block."""
    array = np.arange(4**3).reshape(4, 4, 4)
    part = TensorPart(
        trees.ArraySource(array), TensorSpec(array.shape, "int64"), full_index(entries, array.shape)
    )
    expected = take(array, part.index)
    np.testing.assert_array_equal(part.read(), expected)
    blocks = list(part.blocks(8 * block))
    assert all(flat.ndim == 1 and flat.size <= block for flat in blocks)
    np.testing.assert_array_equal(np.concatenate([*blocks, []]), expected.reshape(-1))
    try:
        index = full_index(data.draw(ONE_LIST), expected.shape)
    except IndexError:
        return
    np.testing.assert_array_equal(part.read(index), take(expected, index))


def test_a_selection_is_a_sequence() -> None:
    """Length, order, positions, slices, addresses, membership."""
    selection = select("**:kernel")
    assert len(selection) == 3
    assert [w.name for w in selection] == ["kernel"] * 3
    assert selection[-1].address == "larger_model/outer_dense:kernel"
    assert selection["larger_model/outer_dense:kernel"].shape == (8, 4)
    assert selection[1:].addresses == selection.addresses[1:]
    assert "larger_model/outer_dense:kernel" in selection
    assert selection[0] in selection
    assert "larger_model/outer_dense:bias" not in selection
    assert 3 not in selection
    assert len(selection.rows) == 3
    assert len(selection.workspace.models) == 1
    assert selection._ipython_key_completions_() == list(selection.addresses)


def test_an_alias_finds_it_too() -> None:
    """`sel[alias]` is the weight; of layers likewise."""
    selection = select("**:*", "shared")
    assert selection["siamese/right/dense:kernel"].address == "siamese/left/dense:kernel"
    assert selection[0].aliases == ("siamese/right/dense:kernel", "siamese/out:kernel")
    layers = select_layers("**", "shared")
    assert layers["siamese/right/dense"].aliases == ("siamese/right/dense",)


def test_an_unknown_address_names_the_nearest() -> None:
    """A KeyError that one can read."""
    with pytest.raises(
        weightrepl.UnknownAddressError, match="did you mean 'larger_model/outer_dense:kernel'"
    ):
        select("**:kernel")["larger_model/outer_dens:kernel"]
    with pytest.raises(KeyError, match="not in this selection of 3"):
        select("**:kernel")["?"]


def test_one_says_how_many_and_which() -> None:
    """None and several are errors, of layers too."""
    with pytest.raises(weightrepl.NotOneError, match=r"found 3 weights, not one: .*outer_dense:kernel"):
        select("**:kernel").one()
    with pytest.raises(weightrepl.NotOneError, match="and 1 more"):
        select("**:*").one()
    with pytest.raises(LookupError, match="found no weight"):
        select("custom*:*").one()
    with pytest.raises(weightrepl.NotOneError, match="5 layers"):
        select_layers("**").one()


def test_what_only_a_weight_has_is_told() -> None:
    kernels = weightrepl.select(weightrepl.demo_path(), "**:kernel")
    for name, told in (("numpy", "; a weight of it has: .one().numpy"), ("nothing", "")):
        with pytest.raises(AttributeError) as caught:
            getattr(kernels, name)
        assert str(caught.value) == f"'Selection' object has no attribute '{name}'{told}"
    assert copy(kernels).addresses == kernels.addresses


def test_arrays_table_and_pandas() -> None:
    """What leaves a selection."""
    selection = select("outer_dense:*")
    arrays = selection.arrays()
    assert {address: array.shape for address, array in arrays.items()} == {
        "larger_model/outer_dense:kernel": (8, 4),
        "larger_model/outer_dense:bias": (4,),
    }
    assert selection.columns == ("address", "shape", "dtype", "bytes")
    table = selection.table(["name", "size"])
    assert (table.columns, table.rows, len(table)) == (("name", "size"), (("kernel", 32), ("bias", 4)), 2)
    assert table.to_dicts()[0] == {"name": "kernel", "size": 32}
    with pytest.raises(weightrepl.UnknownAddressError, match="no column 'nam'; there are address, name"):
        selection.table(["nam"])
    frame = selection.to_pandas()
    assert list(frame.columns) == list(selection.columns)
    assert frame["shape"][0] == (8, 4)
    grouped = evaluate("** | group class", selection.workspace).to_pandas()
    assert dict(zip(grouped["class"], grouped["layers"], strict=True)) == {
        "LargerModel": 1,
        "CustomModule": 1,
        "Dense": 3,
    }


def test_pandas_missing_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """An extra that is not installed."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(weightrepl.MissingExtraError, match="pip install pandas"):
        select("outer_dense:*").to_pandas()


def test_a_layer_tells_all_about_itself() -> None:
    """Each property of a selected layer."""
    layer = select_layers("custom_module").one()
    assert layer.address == "larger_model/custom_module"
    assert (layer.name, layer.class_name) == ("custom_module", "CustomModule")
    assert (layer.depth, layer.params, layer.nbytes, layer.attributes) == (1, 236, 944, ("module",))
    assert (layer.trainable, layer.built, layer.aliases) == (True, True, ())
    assert [inner.name for inner in layer.layers] == ["inner_dense1", "inner_dense2"]
    assert len(layer.weights) == 4
    assert layer.weights[0].shape == (10, 12)
    assert repr(layer) == "<Layer larger_model/custom_module CustomModule>"


def test_notes_tell_each_remark_once() -> None:
    """Remarks of the source come as notes, of the layer's too."""
    assert [note.code for note in select("**:*", "raw").notes] == ["source"]
    assert select("**:*").notes == ()


def test_aliases_are_bounded() -> None:
    """Shared submodels within shared submodels have exponentially many ways; only so many are named."""
    outline = ["deep @Net", "  a0", "    leaf &l0", "      :kernel (1,)", "    *l0"]
    from weightrepl.model.tree import Content, Layer, Model

    inner = trees.model(outline).root.children[0]
    for level in range(12):
        inner.shared = True
        inner = Layer(f"x{level}", Content((), (inner, inner)))
    model = Model(Layer("deep", Content((), (inner,))), ("deep",))
    weight = evaluate("**:kernel", trees.workspace(model)).one()
    assert len(weight.aliases) == 64
    assert len(evaluate("**/leaf", trees.workspace(model)).one().aliases) == 64
