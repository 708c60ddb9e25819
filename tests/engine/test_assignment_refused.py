"""What no assignment takes: it is told, and every variable keeps its values."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import pytest

import weightrepl
from tests import trees
from tests.engine.test_assignment import NET, net, values, writes
from weightrepl.errors import OutputError, SourceError

KINDS = """
k
  :flag (2,) bool =1
  :count (2,) int8
  :half (2,) float16
  :bits (2,) float8_e4m3fn
  :brain (2,) bfloat16
  :wave (2,) complex64
  :text (2,) string
"""


# ------------------------------------------------------------------ dtypes


@pytest.mark.parametrize(
    ("name", "given_values", "stored"),
    [
        ("flag", True, [True, True]),
        ("count", 5, [5, 5]),
        ("count", np.array([1, -128], "i8"), [1, -128]),
        ("count", np.array([1, 127], "u1"), [1, 127]),
        ("half", 3, [3, 3]),
        ("half", True, [1, 1]),
        ("half", np.array([np.inf, 1e-30]), [np.inf, 0]),
        ("bits", 448.0, [448, 448]),
        ("brain", np.array([1, 2], ml_dtypes.float8_e4m3fn), [1, 2]),
        ("brain", np.array([1, -8], ml_dtypes.int4), [1, -8]),
        ("wave", 1.5, [1.5, 1.5]),
        ("wave", np.array([1j, np.inf]), [1j, np.inf]),
        ("text", np.array(["a", "b"]), ["a", "b"]),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_a_dtype_takes_its_kind_and_those_that_it_holds(name: str, given_values: Any, stored: list[Any]):
    model = net(KINDS)
    model[f":{name}"].assign(given_values)
    assert model[f":{name}"].one().numpy().tolist() == stored


@pytest.mark.parametrize(
    ("name", "given_values", "why"),
    [
        ("flag", 1, "it is bool, and the values are int64"),
        ("count", 1.0, "it is int8, and the values are float64: convert them first"),
        ("count", 200, "it is int8, and 200 is too large"),
        ("count", np.array([1, -129]), "-129 is too large"),
        ("half", 1e6, "1000000.0 is too large"),
        ("half", 100_000, "100000 is too large"),
        ("half", 1j, "complex128"),
        ("bits", np.array([1, 500.0]), "500.0 is too large"),
        ("wave", 1e300, "too large"),
        ("text", 1, "it is string, and the values are int64"),
        ("half", np.array(["a", "b"]), "it is float16, and the values are str"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_what_a_dtype_does_not_take_is_refused(name: str, given_values: Any, why: str):
    model = net(KINDS)
    with pytest.raises(OutputError, match=f"k:{name}: .*{why}"):
        model[f":{name}"].assign(given_values)
    assert writes(model["**:*"]) == 0


# ------------------------------------------------------------------ all or nothing


@pytest.mark.parametrize(
    ("query", "given_values", "why"),
    [
        ("a:*", np.zeros(3), r"m/a:kernel: its shape is \(2, 3\), that of the values \(3,\)"),
        ("**:*", np.zeros(7), r"(?s)m/a:kernel.*m/a:bias.*m/b:kernel.*and 1 more"),
        ("a:*", np.zeros(1), "its shape"),
        ("a:*", {"m/a:kernel": 1, "x": 2}, "no values for 'm/a:bias', and 'x' would go nowhere"),
        ("a:*", "base.keras", "not of the type str"),
        ("a:*", None, "not of the type NoneType"),
        ("a:*", [[1, 2], [3]], "lists of several lengths"),
        ("a:*", lambda w: None, "m/a:kernel: the function returned None"),
        ("a:*", lambda w: w.mean(), r"that of the values \(\)"),
        ("a:*", lambda w: w + 1j, "complex"),
        ("c*:*", 0, "nothing is selected"),
        ("a:kernel | reduce max", 0, "the values of m/a:kernel were computed"),
    ],
    ids=lambda each: each if isinstance(each, str) else None,
)
def test_what_does_not_fit_is_refused_as_a_whole(query: str, given_values: Any, why: str):
    model = net()
    before = values(model)
    with pytest.raises(OutputError, match=why):
        model[query].assign(given_values)
    assert values(model) == before
    assert writes(model["**:*"]) == 0


def test_what_has_no_counterpart_is_named():
    model = net()
    with pytest.raises(OutputError, match=r"no values for 'm/b:kernel', 'm/b:bias'$"):
        model["**:*"].assign(model["a:*"])
    with pytest.raises(OutputError, match="'m/b:bias' would go nowhere"):
        model["a:bias"].assign(model["**:bias"])
    with pytest.raises(OutputError, match="no values for 'm/a:kernel', 'm/a:bias'"):
        model["a:*"].assign(model["c*:*"])


def test_the_shapes_of_a_selection_are_compared_before_its_values_are_read():
    model, other = net(), trees.model(NET.replace("(3,)", "(4,)"), source="o.keras")
    with pytest.raises(OutputError, match=r"m/a:bias: its shape is \(3,\), that of the values \(4,\)"):
        model["**:*"].assign(other["**:*"])
    assert not any(site.weight.tensor.reads for site in (*model["**:*"].rows, *other["**:*"].rows))


def test_a_shape_that_is_not_recorded_is_known_when_it_is_read():
    model, other = net(), trees.model("o\n  :w", source="o.keras")
    with pytest.raises(OutputError, match=r"that of the values \(\)"):
        model["a:bias"].assign(other["**:w"])


def test_an_error_of_a_function_is_its_own():
    model = net()
    before = values(model)
    with pytest.raises(ZeroDivisionError):
        model["**:*"].assign(lambda w: w if w.ndim == 2 else 1 / 0)
    assert values(model) == before


class Refusing(trees.VariableSource):
    """A variable that refuses all values, or from the second time on."""

    takes = 0
    error: type[BaseException] = SourceError

    def write(self, values: np.ndarray) -> None:
        if self.writes >= self.takes:
            self.takes += self.error is KeyboardInterrupt
            raise self.error("it is frozen")
        super().write(values)


def refusing(
    model: weightrepl.Model, query: str, takes: int = 0, error: type[BaseException] = SourceError
) -> None:
    source = model[query].rows[0].weight.tensor
    source.__class__, source.takes, source.error = Refusing, takes, error


def test_where_a_variable_refuses_the_others_get_their_values_back():
    model = net()
    refusing(model, "b:bias")
    before = values(model)
    with pytest.raises(OutputError, match="m/b:bias: it is frozen; all weights have their old values"):
        model["**:*"].assign(7)
    assert values(model) == before
    assert writes(model["a:*"]) == 4


def test_what_can_not_be_put_back_is_named():
    model = net()
    refusing(model, "a:bias", takes=1)
    refusing(model, "b:bias")
    with pytest.raises(OutputError, match=r"m/b:bias: it is frozen; these have new values, .*: 'm/a:bias'$"):
        model["**:*"].assign(7)
    assert values(model)["m/a:bias"] == [7] * 3
    assert values(model)["m/a:kernel"] == [[0, 1, 2], [3, 4, 5]]


def test_an_interrupt_leaves_everything_as_it_was():
    model = net()
    refusing(model, "b:bias", error=KeyboardInterrupt)
    before = values(model)
    with pytest.raises(KeyboardInterrupt):
        model["a:*, b:kernel, b:bias"].assign(7)
    assert values(model) == before
