from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightrepl.model.tensor import AxisIndex, TensorSpec, take
from weightrepl.readers.tensor_parts import JoinedTensor, joined

SHAPE = (4, 3, 2)
WHOLE = np.arange(math.prod(SHAPE), dtype=np.int32).reshape(SHAPE)
SPEC = TensorSpec(SHAPE, "int32")
Box = tuple[range, ...]


class Held:
    """A part with its values in memory."""

    def __init__(self, box: Box) -> None:
        self.array = WHOLE[np.ix_(*box)]

    def read(self, index: tuple[AxisIndex, ...] = ()) -> np.ndarray:
        return take(self.array, index)


def tensor_of(boxes: list[Box]) -> JoinedTensor:
    return joined(SPEC, [(box, Held(box)) for box in boxes])


def ranges(size: int) -> st.SearchStrategy[range]:
    return st.tuples(st.integers(0, size), st.integers(0, size)).map(lambda ends: range(min(ends), max(ends)))


@st.composite
def tilings(draw: st.DrawFn) -> list[Box]:
    """Boxes that have each element once: the whole, cut again and again."""
    boxes = [tuple(map(range, SHAPE))]
    for _ in range(draw(st.integers(0, 6))):
        box = boxes.pop(draw(st.integers(0, len(boxes) - 1)))
        axis = draw(st.integers(0, len(SHAPE) - 1))
        at = draw(st.integers(box[axis].start, box[axis].stop))
        for part in (range(box[axis].start, at), range(at, box[axis].stop)):
            boxes.append((*box[:axis], part, *box[axis + 1 :]))
    return draw(st.permutations(boxes))


def covers(boxes: list[Box]) -> bool:
    """Count how often each element is held."""
    count = np.zeros(SHAPE, int)
    for box in boxes:
        count[np.ix_(*box)] += 1
    return bool((count == 1).all())


@settings(deadline=None)
@given(
    boxes=tilings(), index=st.tuples(*(ranges(size) for size in SHAPE)), step=st.sampled_from([1, 2, -1, -2])
)
def test_what_is_cut_comes_together(boxes: list[Box], index: Box, step: int):
    tensor = tensor_of(boxes)
    assert tensor.read().tolist() == WHOLE.tolist()
    entries = tuple(
        slice(each.start, each.stop, 1) if step > 0 else slice(None, None, step) for each in index
    )
    assert tensor.read(entries).tolist() == WHOLE[entries].tolist()
    listed = (entries[0], (2, 0, 2), 1)
    assert tensor.read(listed).tolist() == take(WHOLE, listed).tolist()


@settings(deadline=None, max_examples=300)
@given(
    boxes=tilings()
    | st.lists(st.tuples(*(ranges(size) for size in SHAPE)), max_size=6)
    | st.tuples(tilings(), st.tuples(*(ranges(size) for size in SHAPE)), st.integers(0, 5)).map(
        lambda drawn: [*drawn[0][: drawn[2]], drawn[1], *drawn[0][drawn[2] + 1 :]]
    )
)
def test_only_what_has_each_element_once_is_a_tensor(boxes: list[Box]):
    if covers(boxes):
        tensor_of(boxes)
    else:
        with pytest.raises(ValueError, match="its slices"):
            tensor_of(boxes)


def test_as_many_elements_are_not_enough():
    half, quarter = range(2), range(1)
    with pytest.raises(ValueError, match="overlap"):
        tensor_of([(half, range(3), half), (range(1, 3), range(3), half)])
    with pytest.raises(ValueError, match="overlap"):
        tensor_of([(range(4), range(3), quarter)] * 2)
