"""Lines of %weights and %layers among others: they reach their magic as they were typed."""

from __future__ import annotations

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from tests.frontends.notebooks import Notebook, notebook
from weightrepl.frontends.magics_input import RawLine

__all__ = ["notebook"]


@pytest.fixture(scope="module")
def manager() -> TransformerManager:
    made = TransformerManager()
    made.token_transformers.append(RawLine)
    return made


def call(query: str, name: str = "weights") -> str:
    return f"get_ipython().run_line_magic({name!r}, {query!r})\n"


@pytest.mark.parametrize(
    "query",
    [
        "encoder/block_?", "a/b_??", "**/@Dense?:kernel?", "a:kernel[-1, :]", "a/{b,c}", "'x", '"a b"', "$k ; b;",
        "C:\\new\\table", ":1", "a\\ ", "a  ", "a[{(", "'''", "0x_g 1__2?", "a # why?", "--vars {x}?", "?", "a\\",
    ],
)  # fmt: skip
def test_a_query_is_as_it_was_typed(manager: TransformerManager, query: str):
    for before in ("", "k = ", "k=", "a, b = ", "k: int = ", "d['='] = ", "f(x=3); k = "):
        assert manager.transform_cell(f"{before}%weights {query}") == before + call(query)
        cell = f"y = [\n1]\nif y:\n    {before}%layers {query}\ny"
        expected = f"y = [\n1]\nif y:\n    {before}{call(query, 'layers')}y\n"
        if not query.endswith("\\"):  # goes on in the next line
            assert manager.transform_cell(cell) == expected


@pytest.mark.parametrize(
    ("cell", "python"),
    [
        ("%weights", call("")),
        ("%weights\ta?", call("a?")),
        ("%weights:kernel", call(":kernel")),
        ("%weights a, \\\n  b?\nz", f"{call('a,    b?')}z\n"),
        ("%weights a?\n%layers b?", call("a?") + call("b?", "layers")),
        ("'''\n%weights a?\n'''", "'''\n%weights a?\n'''\n"),
        ("x = f'''\n%weights b?\n'''", "x = f'''\n%weights b?\n'''\n"),
        ("x = 5 %weights", "x = 5 %weights\n"),
        ("x = (5\n%weights)", "x = (5\n%weights)\n"),
        ("%weights?", call("%weights", "pinfo")),
        ("%layers??", call("%layers", "pinfo2")),
        ("%weightsy a?", call("a", "pinfo")),
        ("% weights", "get_ipython().run_line_magic('', 'weights')\n"),
        ("obj?\n%weights a?", call("obj", "pinfo") + call("a?")),
        ("%%weights\na?\nb?", "get_ipython().run_cell_magic('weights', '', 'a?\\nb?\\n')\n"),
    ],
)
def test_other_lines_stay_ipythons(manager: TransformerManager, cell: str, python: str):
    assert manager.transform_cell(cell) == python


def test_a_line_is_complete_even_if_its_brackets_are_not(manager: TransformerManager):
    assert manager.check_complete("%weights a[{(") == ("complete", None)


def test_the_percent_may_be_left_out_where_ipython_allows_it(notebook: Notebook):
    assert notebook.addresses("weights outer_dense:bias") == ["larger_model/outer_dense:bias"]
