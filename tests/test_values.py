"""Values: what a frozen, slotted dataclass is."""

from __future__ import annotations

import copy
import pickle
from functools import cached_property

import pytest

from weightrepl.values import Value, field


class Point(Value):
    """A point with a remark."""

    x: int
    y: int = 0
    remark: str = field(default="", compare=False, kw_only=True)


class Point3(Point):
    """A point in space."""

    z: int = 0


class Marked(Value):
    """A value that must say where it is."""

    place: int = field(kw_only=True)


def test_fields_are_given_in_order_or_by_name() -> None:
    assert Point(1, 2) == Point(x=1, y=2) == Point(y=2, x=1)
    assert (Point(1).y, Point(1).remark, Point(1, remark="here").remark) == (0, "", "here")
    assert Point3(1, 2, 3).z == 3


@pytest.mark.parametrize("make", [Point, lambda: Point(1, 2, "x"), lambda: Point(1, q=2), lambda: Marked(1)])
def test_wrong_fields_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError, match="takes the fields"):
        make()


def test_values_are_equal_by_class_and_compared_fields() -> None:
    assert Point(1, remark="a") == Point(1, remark="b")
    assert hash(Point(1, remark="a")) == hash(Point(1, remark="b"))
    assert Point(1) != Point(2)
    assert Point(1) != Point3(1)
    assert Point(1) != (1, 0)


def test_values_do_not_change() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match=r"\.replace\(x="):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(AttributeError, match="can't be changed"):
        del point.x
    assert not hasattr(point, "__dict__")
    assert point.replace(x=2, remark="moved") == Point(2)
    assert point.replace(remark="moved").remark == "moved"


def test_values_match_patterns_copy_and_show_themselves() -> None:
    match Point(1, 2):
        case Point(x, y):
            assert (x, y) == (1, 2)
    point = Point3(1, 2, 3, remark="kept")
    for twin in (copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))):  # noqa: S301
        assert twin == point
        assert twin.remark == "kept"
    assert repr(point) == "Point3(x=1, y=2, z=3)"


class Area(Value):
    """A value that computes something once."""

    width: int
    computed: list[int] = field(compare=False)

    @cached_property
    def square(self) -> int:
        """The width times itself."""
        self.computed.append(self.width)
        return self.width * self.width


def test_what_a_cached_property_computed_is_kept() -> None:
    area = Area(3, [])
    assert (area.square, area.square, area.computed) == (9, 9, [3])
    assert area == Area(3, [1])
