"""What the axes of a weight are called, sliced or not."""

from __future__ import annotations

import numpy as np
import pytest

from tests import trees
from tests.held import selected
from weightrepl.engine.axes import axes_of, axis_names
from weightrepl.engine.evaluate import evaluate
from weightrepl.engine.selection import Selection


@pytest.mark.parametrize(
    ("class_name", "weight", "rank", "names"),
    [
        ("Dense", "kernel", 2, "inputs, units"),
        ("LSTMCell", "recurrent_kernel", 2, "units, gates × units"),
        ("Conv1D", "kernel", 3, "steps, inputs, filters"),
        ("MyConv2D", "kernel", 4, "height, width, inputs, filters"),
        ("Conv2DTranspose", "kernel", 4, "height, width, filters, inputs"),
        ("DepthwiseConv2D", "kernel", 4, "height, width, inputs, multipliers"),
        ("SeparableConv1D", "depthwise_kernel", 3, "steps, inputs, multipliers"),
        ("Conv3D", "kernel", 5, "depth, height, width, inputs, filters"),
        ("Conv2D", "bias", 1, "filters"),
        ("Conv2D", "kernel", 2, "axis 0, axis 1"),
        ("BatchNormalization", "gamma", 1, "channels"),
        ("LayerNormalization", "gamma", 2, "axis 0, axis 1"),
        ("Dense", "kernel", 3, "axis 0, axis 1, axis 2"),
        ("", "kernel", 1, "axis 0"),
    ],
)
def test_a_class_names_its_axes(class_name: str, weight: str, rank: int, names: str):
    assert ", ".join(axis_names(class_name, weight, rank)) == names


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("a:kernel", ["inputs 0…4", "units 0…6"]),
        ("a:kernel[2:4]", ["inputs 2…3", "units 0…6"]),
        ("a:kernel[-1]", ["units 0…6"]),
        ("a:kernel[:, 3:4]", ["inputs 0…4", "units 3"]),
        ("a:kernel[::2, [4, 1]]", ["inputs, 3 of them", "units, 2 of them"]),
        ("a:kernel | reduce max axis=0", ["axis 0: 0…6"]),
    ],
)
def test_a_slice_keeps_the_names_and_indices(query: str, labels: list[str]):
    (site,) = selected(query, np.ones((5, 7))).rows
    assert [axis.label() for axis in axes_of(site)] == labels


def test_the_first_of_an_axis():
    (site,) = selected("a:kernel", np.ones((5, 7))).rows
    assert axes_of(site)[1].label(2) == "units 0…1"


def test_packed_numbers_have_no_names_but_their_floats_do():
    packed = trees.workspace(
        trees.model(
            """
m @Net
  a @Dense
    :kernel (4, 3) int8
    :kernel_scale (6,) =1
"""
        )
    )
    for query, name in (("a:kernel", "axis 0"), ("a:kernel | dequantize", "inputs")):
        found = evaluate(query, packed)
        assert isinstance(found, Selection)
        assert axes_of(found.rows[0])[0].name == name
