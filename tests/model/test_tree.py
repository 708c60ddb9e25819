"""How the parts of a model tell what they are, at a prompt of Python."""

from __future__ import annotations

import weightrepl


def test_each_part_tells_its_name():
    with weightrepl.open(weightrepl.demo_path()) as model:
        place = model.place.children[0].children[0]
        told = [*map(repr, (place, place.layer)), repr(model).partition(" (")[0]]
    assert told == [
        "<Place larger_model/custom_module/inner_dense1>",
        "<Layer 'inner_dense1' Dense>",
        "<Model 'larger_model' Keras archive",
    ]
