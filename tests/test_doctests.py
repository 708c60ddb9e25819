"""The examples in docstrings are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import weightrepl

MODULES = sorted(
    m.name for m in pkgutil.walk_packages(weightrepl.__path__, "weightrepl.") if "__main__" not in m.name
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    """Every example of a module gives what it says."""
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0
