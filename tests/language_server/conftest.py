"""Editors for the tests: for most one of each kind serves all, with a folder of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.language_server import slow_reader
from tests.language_server.editors import CLIENTS, Editor, capabilities_of, copy_model, editor_of


@pytest_asyncio.fixture(params=CLIENTS, scope="session", loop_scope="session")
async def shared_editor(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Editor]:
    """An editor that is open for all tests."""
    folder = tmp_path_factory.mktemp(request.param)
    async with editor_of(folder, capabilities_of(request.param)) as editor:
        yield editor


@pytest.fixture
def editor(shared_editor: Editor, request: pytest.FixtureRequest) -> Editor:
    """An editor of each kind, with a folder for this test alone, and `model.keras` in it."""
    name = "".join(char if char.isalnum() else "-" for char in request.node.name)
    folder = shared_editor.folder / name
    copy_model(folder)
    return replace(shared_editor, folder=folder)


@pytest.fixture
def slow(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """What PYTHONPATH needs for a server that opens `.slow` files."""
    return (slow_reader.install(tmp_path_factory.mktemp("slow")),)
