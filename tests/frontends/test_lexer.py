"""Pygments knows queries by name and by file, keeps every character, and colours them from the palette."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES, Whitespace

from tests.service.samples import queries
from weightrepl.frontends.lexer import TOKENS, WeightQueryDarkStyle, WeightQueryLexer, WeightQueryStyle
from weightrepl.render.palette import HUES, LOOKS
from weightrepl.service.answers import Role

FILE = """\
#: open base = base.keras
# all kernels
base/**:kernel | where size > 1M
"""


@pytest.mark.parametrize("name", ["wq", "weightquery"])
def test_pygments_finds_it_by_name(name: str):
    assert isinstance(get_lexer_by_name(name), WeightQueryLexer)


def test_pygments_finds_it_by_file():
    assert isinstance(get_lexer_for_filename("checks.wq"), WeightQueryLexer)


def test_pygments_finds_its_styles():
    assert get_style_by_name("weightquery") is WeightQueryStyle
    assert get_style_by_name("weightquery-dark") is WeightQueryDarkStyle


def test_every_role_is_a_token_of_its_own_that_pygments_knows():
    assert set(TOKENS) == set(get_args(Role))
    assert len(set(TOKENS.values())) == len(TOKENS)
    assert set(TOKENS.values()) <= set(STANDARD_TYPES)


def test_every_sample_is_kept():
    for query in queries():
        assert "".join(text for _, _, text in WeightQueryLexer().get_tokens_unprocessed(query)) == query


@given(st.text(st.sampled_from('a/:*|#!$[]"\\ \n') | st.characters(), max_size=40))
def test_any_text_is_kept(text: str):
    end = 0
    for at, kind, piece in WeightQueryLexer().get_tokens_unprocessed(text):
        assert at == end
        assert piece
        assert kind is not Whitespace or not piece.strip("\ufeff").strip()
        end += len(piece)
    assert end == len(text)


def test_html():
    html = highlight(FILE, get_lexer_by_name("wq"), HtmlFormatter(nowrap=True))
    assert html.splitlines() == [
        '<span class="cp">#: open</span><span class="w"> </span><span class="nn">base</span><span class="w"> </span>'
        '<span class="o">=</span><span class="w"> </span><span class="sx">base.keras</span>',
        '<span class="c1"># all kernels</span>',
        '<span class="ni">base</span><span class="p">/</span><span class="sr">**</span><span class="p">:</span>'
        '<span class="py">kernel</span><span class="w"> </span><span class="pm">|</span><span class="w"> </span>'
        '<span class="nf">where</span><span class="w"> </span><span class="nx">size</span><span class="w"> </span>'
        '<span class="o">&gt;</span><span class="w"> </span><span class="m">1M</span>',
    ]


@pytest.mark.parametrize(("name", "page"), [("weightquery", 0), ("weightquery-dark", 1)])
def test_styles_have_the_colours_of_the_palette(name: str, page: int):
    style = get_style_by_name(name)
    for role, look in LOOKS.items():
        of_token = style.style_for_token(TOKENS[role])
        assert (f"#{of_token['color']}", of_token["bold"]) == (HUES[look.hue][page], look.bold)
