"""What the examples and the page tell editors fits the server and itself."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import tomlkit

from tests.editors.conftest import ROOT
from tests.editors.make_grammar import GRAMMAR

pytest.importorskip("pygls", reason="there is no pygls")
from weightrepl.frontends.language_server_settings import Settings, settings_of

PAGE = (ROOT / "docs" / "language-server.md").read_text("utf-8")


@pytest.fixture
def package() -> dict[str, Any]:
    """What the extension tells VS Code."""
    return json.loads((GRAMMAR.parent / "package.json").read_text("utf-8"))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)


def test_every_file_that_the_extension_names_is_there(package: dict[str, Any]):
    (language,), (grammar,) = package["contributes"]["languages"], package["contributes"]["grammars"]
    for name in (package["main"], language["configuration"], grammar["path"]):
        assert (GRAMMAR.parent / name).is_file(), name
    assert language["id"] == grammar["language"]
    assert grammar["scopeName"] == json.loads(GRAMMAR.read_text("utf-8"))["scopeName"]


def test_what_the_extension_sets_when_the_user_set_nothing_is_what_the_server_takes_for_that(
    package: dict[str, Any],
):
    properties = package["contributes"]["configuration"]["properties"]
    defaults = {name.removeprefix("weightrepl."): each["default"] for name, each in properties.items()}
    assert settings_of(defaults) == (Settings(), [])


def test_the_page_tells_of_every_setting(package: dict[str, Any]):
    names = set(package["contributes"]["configuration"]["properties"])
    assert names == set(re.findall(r"`(weightrepl\.[a-zA-Z]+)`", PAGE)) - {"weightrepl.run"}


def test_the_settings_of_the_page_name_the_command():
    (helix,) = map(tomlkit.parse, blocks("toml"))
    assert helix["language-server"]["weightrepl"]["command"] == "weightrepl-lsp"
    (jupyter,) = map(json.loads, blocks("json"))
    assert jupyter["LanguageServerManager"]["language_servers"]["weightrepl"]["argv"] == ["weightrepl-lsp"]


def test_what_the_page_links_to_is_there():
    for path in re.findall(r"\]\((?!https?:)([^)#]+)\)", PAGE):
        assert (ROOT / "docs" / path).exists(), path
