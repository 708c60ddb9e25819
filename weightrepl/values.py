"""`Value`, the base of frozen values: a slotted, frozen dataclass without the cost of starting one.

Importing `dataclasses` and building the query's fifty classes with it takes three times as long as starting
Python does, on every `--help` and every syntax error. Here a class costs what a class costs. To a type checker
a Value is a frozen dataclass.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self, dataclass_transform
else:

    def dataclass_transform(**_):
        """Stand in for the marker that only type checkers read."""
        return lambda cls: cls


class _Field:
    """How one field differs from a plain one; `default` is `_Field` itself where there is none."""

    __slots__ = ("compare", "default", "kw_only")

    def __init__(self, default: object, kw_only: bool, compare: bool) -> None:
        self.default, self.kw_only, self.compare = default, kw_only, compare


def field(*, default: Any = _Field, kw_only: bool = False, compare: bool = True) -> Any:
    """Return a field that is given by keyword only, or that takes no part in comparing."""
    return _Field(default, kw_only, compare)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
class _ValueType(type):
    """Makes a slot of every annotated name of a class body (which must have its annotations as strings).

    What a `cached_property` of the class has computed is kept beside the fields.
    """

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> _ValueType:
        fields: dict[str, _Field] = {}
        for base in bases:
            fields.update(getattr(base, "_fields", {}))
        own = tuple(namespace.get("__annotations__", ()))
        for slot in own:
            given = namespace.pop(slot, _Field)
            fields[slot] = given if isinstance(given, _Field) else _Field(given, kw_only=False, compare=True)
        caches = any(type(value).__name__ == "cached_property" for value in namespace.values())
        namespace["__slots__"] = (*own, "__dict__") if caches else own
        namespace["__match_args__"] = tuple(n for n, f in fields.items() if not f.kw_only)
        namespace["_fields"] = fields
        namespace["_defaults"] = {n: f.default for n, f in fields.items() if f.default is not _Field}
        namespace["_compared"] = tuple(n for n, f in fields.items() if f.compare)
        cls = super().__new__(mcs, name, bases, namespace)
        cls._setters = {n: getattr(cls, n).__set__ for n in fields}  # type: ignore[attr-defined]
        return cls


class Value(metaclass=_ValueType):
    """Immutable; equal to another of its class with equal fields.

    >>> class Point(Value):
    ...     __annotations__ = {"x": "int", "y": "int"}
    >>> Point(1, y=2)
    Point(x=1, y=2)
    >>> Point(1, 2).replace(y=3) == Point(1, 3)
    True
    """

    if not TYPE_CHECKING:

        def __init__(self, *args, **kwargs):
            """Set the fields: those that are not keyword-only in order, or by name."""
            setters, in_order = self._setters, self.__match_args__
            if not kwargs and len(args) == len(setters) == len(in_order):
                for set_field, value in zip(setters.values(), args):  # noqa: B905
                    set_field(self, value)
                return
            given = {**self._defaults, **dict(zip(in_order, args)), **kwargs}  # noqa: B905
            if len(args) > len(in_order) or given.keys() != setters.keys():
                raise TypeError(f"{type(self).__name__} takes the fields {', '.join(setters)}")
            for name, value in given.items():
                setters[name](self, value)

        def __setattr__(self, name, value):
            raise AttributeError(
                f"a {type(self).__name__} can't be changed; .replace({name}=…) makes another"
            )

        def __delattr__(self, name):
            raise AttributeError(f"a {type(self).__name__} can't be changed")

    def _key(self) -> tuple[object, ...]:
        return tuple([getattr(self, name) for name in type(self)._compared])  # type: ignore[attr-defined]

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash((type(self), self._key()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{n}={getattr(self, n)!r}" for n in type(self)._compared)  # type: ignore[attr-defined]
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuilt, (type(self), {n: getattr(self, n) for n in type(self)._fields})  # type: ignore[attr-defined]

    def replace(self, **changes: object) -> Self:
        """Return the same value with some fields changed."""
        fields = {n: getattr(self, n) for n in type(self)._fields}  # type: ignore[attr-defined]
        return type(self)(**{**fields, **changes})


def _rebuilt(cls: type[Value], fields: dict[str, Any]) -> Value:
    """Return what was pickled or copied."""
    return cls(**fields)
