"""The public functions over a path, an open model, a dict of them, a workspace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import weightrepl
from tests import trees

DEMO = weightrepl.demo_path()
KERNEL = "larger_model/custom_module/inner_dense1:kernel"


def test_every_public_name_is_there() -> None:
    """All of `__all__` loads, `dir` lists it, and nothing else is."""
    for name in weightrepl.__all__:
        assert getattr(weightrepl, name) is not None
    assert set(weightrepl.__all__) <= set(dir(weightrepl))
    with pytest.raises(AttributeError, match="no attribute 'selekt'"):
        weightrepl.selekt  # noqa: B018 - the access is what is tested


def test_a_path_and_an_open_model_are_alike() -> None:
    """A str, a Path, a Model: the same address, the same values."""
    with weightrepl.open(DEMO) as model:
        expected = weightrepl.select(model, "custom_module/*dense1:kernel").one().numpy()
    for source in (DEMO, Path(DEMO)):
        weight = weightrepl.select(source, "custom_module/*dense1:kernel").one()
        assert weight.address == KERNEL
        np.testing.assert_array_equal(weight.numpy(), expected)


def test_a_dict_names_its_models() -> None:
    """The keys are what queries and addresses call the models."""
    both = {"old": DEMO, "new": weightrepl.open(DEMO)}
    found = weightrepl.select(both, "*/outer_dense:bias")
    assert found.addresses == ("old/outer_dense:bias", "new/outer_dense:bias")
    with weightrepl.open(DEMO, name="base") as base:
        assert weightrepl.select(base, "base/outer_dense:bias").addresses == ("base/outer_dense:bias",)
        renamed = weightrepl.select({"other": base}, "**:bias | head 1")
        assert renamed.addresses == ("other/custom_module/inner_dense1:bias",)
        kept = weightrepl.select({"base": base}, "base/outer_dense:bias")
        assert kept.addresses == ("base/outer_dense:bias",)


def test_a_workspace_is_taken_as_it_is() -> None:
    """Opening and closing give new workspaces."""
    first, second = weightrepl.open(DEMO, name="a"), weightrepl.open(DEMO, name="b")
    space = weightrepl.Workspace().opened(first, second)
    assert len(weightrepl.select(space, "**:kernel")) == 6
    assert weightrepl.select(space.closed(first), "**:kernel").addresses[0].startswith("b/")


def test_what_is_no_text_is_no_query() -> None:
    """A position, a layer, a list of queries: said as such, by every function that takes a query."""
    with weightrepl.open(DEMO) as model:
        asking = (weightrepl.select, weightrepl.select_layers, weightrepl.evaluate, weightrepl.explain)
        for ask in (*asking, type(model).__getitem__):
            for wrong in (0, None, b"**:*", ["a:b", "c:d"]):
                with pytest.raises(
                    TypeError, match=r"a query is a text, .* of the type (int|NoneType|bytes|list)$"
                ):
                    ask(model, wrong)  # type: ignore[arg-type]


def test_layers_and_whatever_comes() -> None:
    """`select_layers`, `evaluate` and `explain`."""
    assert weightrepl.select_layers(DEMO).addresses[0] == "larger_model"
    assert weightrepl.select_layers(DEMO, "**:bias").addresses[-1] == "larger_model/outer_dense"
    assert weightrepl.evaluate(DEMO, "**:* | count").value == 6
    assert isinstance(weightrepl.evaluate(DEMO, "** | group class"), weightrepl.Table)
    assert isinstance(weightrepl.evaluate(DEMO, "**"), weightrepl.LayerSelection)
    assert isinstance(weightrepl.evaluate(DEMO, "**:*"), weightrepl.Selection)
    assert weightrepl.explain(DEMO, "nope").problems[0].code == "no-such-layer"


@pytest.mark.parametrize(
    ("function", "wanted"), [(weightrepl.select, "weights"), (weightrepl.select_layers, "layers")]
)
def test_what_gives_no_rows_is_refused(function: object, wanted: str) -> None:
    """A count is no selection; the message says what to use."""
    with pytest.raises(weightrepl.QueryError, match=rf"gives no {wanted}(.|\n)*weightrepl.evaluate\(\)"):
        function(DEMO, "** | count")


def test_a_closed_model_lists_but_does_not_read() -> None:
    """What was read stays; what was not is a clear error."""
    with weightrepl.open(DEMO) as model:
        selection = weightrepl.select(model, "**:kernel")
        kept = selection[0].numpy()
    assert selection[1].shape == (12, 8)
    with pytest.raises(weightrepl.ChangedError, match="closed"):
        selection[1].numpy()
    assert kept.shape == (10, 12)


def test_a_selection_shows_its_table_and_saves(tmp_path: Path) -> None:
    """The repr is the table; `save` writes the arrays."""
    selection = weightrepl.select(DEMO, "outer_dense:*")
    assert "larger_model/outer_dense:kernel" in repr(selection)
    assert "2 weights" in repr(selection)
    selection.save(tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as saved:
        np.testing.assert_array_equal(saved["larger_model/outer_dense:bias"], selection[1].numpy())
    with pytest.raises(weightrepl.OutputError):
        selection.save(tmp_path / "out.npz")
    selection.save(str(tmp_path / "out.npz"), force=True)
    assert "rows" in repr(weightrepl.evaluate(DEMO, "** | group class"))


@pytest.fixture
def keys() -> Callable[..., list[str]]:
    """What IPython's own completer offers at the end of a line of Python, given its variables."""
    completer = pytest.importorskip("IPython.core.completer")

    def complete(line: str, **variables: object) -> list[str]:
        with completer.provisionalcompleter():
            offered = completer.IPCompleter(namespace=variables).completions(line, len(line))
            return [line[each.start : each.end] + "|" + each.text for each in offered]

    return complete


def test_ipython_completes_keys(keys: Callable[..., list[str]]) -> None:
    """Those of opened models, and of selections of weights and of layers."""
    with weightrepl.open(DEMO) as model:
        for variable in (model, weightrepl.select(model, "outer_dense:*"), weightrepl.select_layers(model)):
            for line in ('x["larger_model/outer_d', "x['larger_model/outer_d"):
                offered = keys(line, x=variable)
                expected = "larger_model/outer_dense"
                assert offered
                assert all(each.startswith(f"larger_model/outer_d|{expected}") for each in offered), offered


def test_a_model_that_gives_no_weights_completes_none(keys: Callable[..., list[str]]) -> None:
    """Neither is there an error: one that was closed before it was looked at, one that is not built."""
    model = weightrepl.open(DEMO)
    model.close()
    assert keys('x["l', x=model) == []
    assert keys('x["u', x=trees.model("unbuilt @Net unbuilt")) == []
