"""What is assigned: checked as a whole, written as a whole, undone as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weightrepl
from tests import trees
from weightrepl.engine.assignment import _put
from weightrepl.engine.selection import Selection
from weightrepl.errors import ChangedError, OutputError
from weightrepl.model.tensor import full_index, take

NET = """
m @Net
  a @Dense
    :kernel (2, 3)
    :bias (3,)
  b @Dense
    :kernel (2, 3) =0.5
    :bias (3,) =1
"""


def net(outline: str = NET) -> weightrepl.Model:
    return trees.model(outline, live=True)


def values(model: weightrepl.Model) -> dict[str, Any]:
    """The values of all weights, as lists."""
    return {address: array.tolist() for address, array in model["**:*"].arrays().items()}


def writes(selection: Selection) -> int:
    """How often the variables of a selection were written to."""
    return sum(source.writes for source in {site.weight.tensor for site in selection.rows})


def shown(assignment: weightrepl.Assignment) -> list[tuple[Any, ...]]:
    return [(row[0], row[1], row[-1]) for row in assignment.report.rows]


# ------------------------------------------------------------------ what is given


def test_a_number_is_for_all_values():
    model = net()
    done = model["a:*"].assign(0)
    assert values(model) == {
        "m/a:kernel": [[0] * 3] * 2, "m/a:bias": [0] * 3, "m/b:kernel": [[0.5] * 3] * 2, "m/b:bias": [1] * 3,
    }  # fmt: skip
    assert shown(done) == [("m/a:kernel", "0", True), ("m/a:bias", "0", True)]
    assert done.report.columns == ("address", "from", "shape", "dtype", "changed")
    assert done.report.rows[0][2:4] == ((2, 3), "float32")


def test_an_array_is_for_each_weight_of_its_shape():
    model = net()
    done = model["**:bias"].assign([1, np.nan, -0.0])
    np.testing.assert_array_equal(model["b:bias"].one().numpy(), [1, np.nan, -0.0])
    assert shown(done) == [("m/a:bias", "array", True), ("m/b:bias", "array", True)]
    assert shown(model["**:bias"].assign([1, np.nan, 0.0])) == [
        ("m/a:bias", "array", False),
        ("m/b:bias", "array", False),
    ]


def test_a_dict_has_an_array_or_a_number_for_each_address():
    model = net()
    model["a:*"].assign({"m/a:bias": 7, "m/a:kernel": np.ones((2, 3), "f8")})
    assert values(model)["m/a:kernel"] == [[1] * 3] * 2
    assert values(model)["m/a:bias"] == [7] * 3


def test_a_function_gets_its_own_copy_of_a_weight():
    model = net()

    def doubled(array: np.ndarray) -> np.ndarray:
        array *= 2
        return array

    done = model["a:bias, b:bias"].assign(doubled)
    assert values(model)["m/a:bias"] == [0, 2, 4]
    assert shown(done) == [("m/a:bias", "doubled()", True), ("m/b:bias", "doubled()", True)]
    assert done.old["m/a:bias"].tolist() == [0, 1, 2]
    assert shown(model["b:bias"].assign(lambda w: w)) == [("m/b:bias", "function", False)]


def test_a_selection_is_paired_by_the_way_from_the_model():
    model, other = (
        net(),
        trees.model(NET.replace("m @Net", "other @Net").replace("=0.5", "=9"), source="o.keras"),
    )
    done = model["**:kernel"].assign(other["b:kernel, a:kernel"])
    assert shown(done) == [("m/a:kernel", "other/a:kernel", False), ("m/b:kernel", "other/b:kernel", True)]
    assert values(model)["m/b:kernel"] == [[9] * 3] * 2


def test_a_selection_is_paired_by_the_way_from_the_lowest_layer_that_holds_it():
    model = net()
    model["a:*"].assign(model["b:*"])
    assert values(model)["m/a:bias"] == [1] * 3


def test_one_weight_is_paired_with_one_whatever_it_is_called():
    model = net()
    model["a:bias"].assign(model["b:kernel[0]"])
    assert values(model)["m/a:bias"] == [0.5] * 3


def test_what_is_exchanged_is_read_before_it_is_written():
    model = net()
    biases = model["**:bias"]
    biases.assign({"m/a:bias": biases[1], "m/b:bias": biases[0]})
    assert [array.tolist() for array in biases.arrays().values()] == [[1, 1, 1], [0, 1, 2]]


def test_models_of_a_workspace_are_paired_by_their_names():
    def both() -> weightrepl.Workspace:
        return weightrepl.Workspace((net(), net(NET.replace("m @Net", "n @Net"))))

    space = both()
    weightrepl.select(space, "**:bias").assign(3)
    into = weightrepl.select(both(), "**:bias")
    into.assign(weightrepl.select(space, "**:bias"))
    assert {array[0] for array in into.arrays().values()} == {3}


def test_computed_values_may_be_assigned():
    model = net()
    model["a:bias"].assign(model["b:kernel | reduce sum axis=0"])
    assert values(model)["m/a:bias"] == [1] * 3


def test_of_a_variable_without_a_fixed_shape_the_present_one_counts():
    model = net("m\n  :w")
    model[":w"].rows[0].weight.tensor.array = np.ones(3, "f4")
    with pytest.raises(OutputError, match=r"its shape is \(3,\), that of the values \(2,\)"):
        model[":w"].assign([1, 2])
    model[":w"].assign([1, 2, 3])
    assert values(model) == {"m:w": [1, 2, 3]}


def test_a_scalar_stays_one():
    model = net("m\n  :w ()")
    for given_values in (1, np.array(2.0), lambda w: w + 2):
        model[":w"].assign(given_values)
    assert values(model) == {"m:w": 4}


# ------------------------------------------------------------------ slices, and variables in several parts


def test_of_a_slice_only_that_part_is_written():
    model = net()
    done = model["a:kernel[1, 1:]"].assign(-1)
    assert values(model)["m/a:kernel"] == [[0, 1, 2], [3, -1, -1]]
    assert done.old["m/a:kernel[1, 1:]"].tolist() == [4, 5]
    done.undo()
    assert values(model)["m/a:kernel"] == [[0, 1, 2], [3, 4, 5]]


def test_slices_of_one_variable_are_written_at_once():
    model = net()
    slices = model["a:kernel[0], a:kernel[[1], ::2]"]
    done = slices.assign(lambda w: -w)
    assert values(model)["m/a:kernel"] == [[0, -1, -2], [-3, 4, -5]]
    assert writes(slices) == 1
    assert "1 variable written" in repr(done)


def test_slices_may_overlap_where_they_agree():
    model = net()
    both = model["a:kernel[0], a:kernel[:, 1]"]
    both.assign(9)
    assert values(model)["m/a:kernel"] == [[9, 9, 9], [3, 9, 5]]
    with pytest.raises(OutputError, match=r"a:kernel\[0\] gets other values than 'm/a:kernel\[:, 1\]'"):
        both.assign(lambda w: w + w.size)
    assert values(model)["m/a:kernel"] == [[9, 9, 9], [3, 9, 5]]


def test_a_shared_variable_is_written_once():
    model = net("m\n  a\n    :w (2,) &w\n  b\n    *w")
    shared = model["**:w"]
    shared.assign(5)
    assert writes(shared) == 1
    assert values(model) == {"m/a:w": [5, 5]}


def test_a_variable_of_two_models_is_written_once():
    model = net()
    both = weightrepl.select({"x": model, "y": model}, "**/a:bias")
    assert len(both) == 2
    both.assign(5)
    assert writes(both) == 1


ENTRIES = st.integers(-4, 3) | st.builds(slice, *[st.none() | st.integers(-5, 5)] * 2) | st.lists(
    st.integers(-4, 3), max_size=3, unique_by=lambda i: i % 4
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(ENTRIES, max_size=3).filter(lambda i: sum(isinstance(e, list) for e in i) <= 1))
def test_what_is_put_is_what_is_taken(entries: list[Any]):
    array = np.arange(4**3).reshape(4, 4, 4)
    index = full_index(entries, array.shape)
    changed = array.copy()
    _put(changed, index, -1 - take(array, index))
    np.testing.assert_array_equal(take(changed, index), -1 - take(array, index))
    assert (changed != array).sum() == take(array, index).size


# ------------------------------------------------------------------ what comes back


def test_figures_of_a_live_model_are_those_of_now():
    biases = net()["**:bias"]
    assert [row["mean"] for row in biases.stats().to_dicts()] == [1, 1]
    biases.assign(7)
    assert [row["mean"] for row in biases.stats().to_dicts()] == [7, 7]


def test_a_dry_run_writes_nothing_and_tells_all():
    model = net()
    before = values(model)
    dry = model["a:*"].assign(0, dry_run=True)
    assert values(model) == before
    assert not dry.written
    assert shown(dry) == [("m/a:kernel", "0", True), ("m/a:bias", "0", True)]
    assert [note.code for note in dry.report.notes] == ["assigned"]
    assert repr(dry).splitlines()[0].split() == ["address", "from", "shape", "dtype", "changed"]
    assert repr(dry).splitlines()[-1] == "a dry run: 2 variables would be written"
    with pytest.raises(OutputError, match="dry run"):
        dry.undo()


def test_undo_puts_the_old_values_back():
    model = net()
    before = values(model)
    done = model["**:*"].assign(lambda w: w + 1)
    assert done.written
    done.undo()
    assert values(model) == before
    assert {address: array.tolist() for address, array in done.old.items()} == before
    model["**:*"].assign(0)
    model["**:*"].assign(done.old)
    assert values(model) == before


def test_an_assignment_shows_its_report():
    bundle = net()["a:*"].assign(0)._repr_mimebundle_()
    assert "m/a:kernel" in bundle["text/html"]
    assert bundle["text/plain"].splitlines()[-1] == "2 variables written; undo() writes the old values back"


# ------------------------------------------------------------------ variables


def test_variables_are_those_of_the_model():
    model = net()
    found = model["a:bias, a:kernel[0]"].variables()
    assert list(found) == ["m/a:bias", "m/a:kernel[0]"]
    assert found["m/a:bias"] is model["a:bias"].rows[0].weight.tensor


@pytest.mark.parametrize("ask", [lambda s: s.variables(), lambda s: s.assign(0)], ids=["variables", "assign"])
def test_a_file_has_none(ask: Any):
    with pytest.raises(OutputError, match=r"m/a:kernel lies in the file m\.keras"):
        ask(trees.model(NET, source="m.keras")["a:*"])


def test_a_deleted_variable_is_told_of():
    class Deleted(trees.VariableSource):
        def read(self, index: Any = ()) -> np.ndarray:
            raise ChangedError("the variable was deleted")

        variable = read

    model = net()
    model["b:bias"].rows[0].weight.tensor.__class__ = Deleted
    for ask in (lambda s: s.variables(), lambda s: s.assign(0)):
        with pytest.raises(ChangedError, match="was deleted"):
            ask(model["**:*"])
    assert writes(model["a:*"]) == 0
