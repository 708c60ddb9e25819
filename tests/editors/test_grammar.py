"""The TextMate grammar is the one that its tables give, and colours a right text as pygments does."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.editors.make_grammar import GRAMMAR, SCOPES, written
from tests.editors.textmate import Grammar
from tests.service.samples import CASES, queries
from weightrepl.errors import errors_in
from weightrepl.frontends.lexer import TOKENS, WeightQueryLexer
from weightrepl.query.files import parse_file
from weightrepl.query.parser import parse
from weightrepl.service.answers import Role

ENGINE = Path(__file__).with_name("textmate.js")

KINDS = {f"{scope}.weightquery": TOKENS[role] for role, scope in SCOPES.items()}
"""What a scope is to pygments."""

BEYOND = {
    "** | where -5": "whether '-' belongs to a number or takes away is told by the tree",
    "** | where - 5": "the same",
    "** | where kernel == name": "what is a string because of what stands behind it is told by the tree",
    "** | where size == name": "the same",
    "**:* | where kernel == name | count": "the same",
    "{}": "braces that offer nothing to choose from are as any character",
    "x{}y": "the same",
    "a{b}c": "the same",
}
"""The queries of the cases that a grammar, which knows no tree, colours in another way."""

FILE = """\
# what is checked before a release
#: open base = models/base.keras
#: open tuned.keras
#: let attention = **/attention_*:kernel
  | where size > 1M  # continues

# nothing in between ends it
  | top 5 norm

#: expect none
base/**:* | where nans > 0
  or infs > 0

$attention, !base/head
tuned/"a b":k[0, [1, 2]] | diff base
"""


def right_texts() -> list[str]:
    groups = json.loads((CASES / "files.json").read_text("utf-8")).values()
    files = [_as_edited(case["file"]) for group in groups for case in group if "file" in case]
    return [
        FILE,
        *(text for text in files if not errors_in(parse_file(text).problems)),
        *(query for query in queries() if not errors_in(parse(query).problems)),
    ]


def _as_edited(text: str) -> str:
    """Return a file's text as an editor has it: lines, without what marks the encoding."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def by_pygments(text: str) -> list[tuple[str, object]]:
    kinds = [kind for _, kind, piece in WeightQueryLexer().get_tokens_unprocessed(text) for _ in piece]
    return _seen(text, kinds)


def by_grammar(text: str, scopes: list[str | None]) -> list[tuple[str, object]]:
    return _seen(text, [KINDS.get(scope or "") for scope in scopes])


def _seen(text: str, kinds: list[object]) -> list[tuple[str, object]]:
    """Return the characters that are to be seen, and what each is."""
    return [(char, kind) for char, kind in zip(text, kinds, strict=True) if not char.isspace()]


@pytest.fixture(scope="module")
def grammar() -> Grammar:
    return Grammar(json.loads(GRAMMAR.read_text("utf-8")))


def test_the_file_is_what_its_script_writes():
    assert GRAMMAR.read_text("utf-8") == written(), "make grammar"


def test_every_role_but_error_has_a_scope_of_its_own():
    assert set(SCOPES) == set(get_args(Role)) - {"error"}
    assert len(set(SCOPES.values())) == len(SCOPES)


def test_right_texts_are_coloured_as_by_pygments(grammar: Grammar):
    texts = right_texts()
    assert len(texts) > 900
    other = {text for text in texts if by_grammar(text, grammar.scopes(text)) != by_pygments(text)}
    assert other == set(BEYOND)


def test_every_scope_is_used(grammar: Grammar):
    assert {scope for text in right_texts() for scope in grammar.scopes(text) if scope} == set(KINDS)


@given(st.text(st.sampled_from("ab/*:?[]{}(),|!@#$~<>=.-\\'\" \n01") | st.characters(), max_size=40))
def test_no_text_stops_the_engine(text: str):
    assert len(Grammar(json.loads(GRAMMAR.read_text("utf-8"))).scopes(text)) == len(text)


def test_the_engine_of_vs_code_says_the_same(grammar: Grammar):
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    if not (GRAMMAR.parent / "node_modules" / "vscode-textmate").is_dir():
        pytest.skip("there is no vscode-textmate: npm install in examples/vscode")
    texts = [*right_texts(), *queries()]
    run = subprocess.run(
        [node, ENGINE, GRAMMAR],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    for text, scopes in zip(texts, json.loads(run.stdout), strict=True):
        assert by_grammar(text, scopes) == by_grammar(text, grammar.scopes(text)), text
