"""A real Neovim with the set-up of `examples/neovim`: keys are typed, and what it then shows is asked of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.editors.conftest import ROOT, Desk

PATIENCE_S = 60
NVIM = shutil.which("nvim")
pytestmark = pytest.mark.skipif(NVIM is None, reason="there is no nvim")


class Neovim:
    """A Neovim without a screen, and the wire to it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.socket = desk.folder / "socket"
        given = ["--headless", "--clean", "-n", "--listen", self.socket]
        set_up = ROOT / "examples" / "neovim" / "weightquery.lua"
        self.process = subprocess.Popen(
            [NVIM, *given, "-u", set_up, "checks.wq"], cwd=desk.folder, env=desk.environment
        )
        self.until(self.socket.exists, bool)

    def type(self, keys: str) -> None:
        """Type keys, spelled as in mappings: `<Esc>`."""
        self._remote("--remote-send", keys)

    def ask(self, lua: str) -> Any:
        """Return what an expression of Lua gives in it."""
        return json.loads(self._remote("--remote-expr", f"luaeval('vim.json.encode({lua})')"))

    def until_asked(self, lua: str, holds: Callable[[Any], Any]) -> Any:
        """Return what an expression of Lua gives, once a condition holds for that."""
        return self.until(lambda: self.ask(lua), holds)

    def until(self, look: Callable[[], Any], holds: Callable[[Any], Any]) -> Any:
        """Return what is seen once a condition holds for it."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds(seen := look()):
            assert self.process.poll() is None, "Neovim has ended"
            assert time.monotonic() < deadline, seen
        return seen

    def window(self) -> list[str]:
        """Return the lines of the window over the text, once there is one."""
        opened = self.until_asked("vim.api.nvim_list_wins()", lambda windows: len(windows) == 2)
        return self.ask(f"vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf({opened[1]}), 0, -1, true)")

    def close(self) -> None:
        """End it as a user does."""
        self.type("<Esc>:qa!<CR>")
        assert self.process.wait(PATIENCE_S) == 0

    def _remote(self, what: str, text: str) -> str:
        command = [NVIM, "--server", str(self.socket), what, text]
        done = subprocess.run(
            command, env=self.desk.environment, capture_output=True, text=True, timeout=PATIENCE_S, check=True
        )
        return done.stdout or done.stderr


@pytest.fixture(scope="module")
def neovim(desk: Desk) -> Iterator[Neovim]:
    neovim = Neovim(desk)
    yield neovim
    neovim.close()


@pytest.fixture
def editor(neovim: Neovim) -> Neovim:
    """Neovim, with the file as it is on disk, and what the server says of it."""
    neovim.type("<Esc>:only<CR>:edit!<CR>")
    neovim.until_asked("#vim.api.nvim_list_wins()", lambda count: count == 1)
    neovim.until_asked("vim.diagnostic.get(0)", lambda found: len(found) == 1)
    return neovim


def test_a_problem_is_shown_where_it_is_and_goes_when_it_is_mended(editor: Neovim):
    (shown,) = editor.ask("vim.diagnostic.get(0)")
    assert shown["message"].startswith("no layer 'custom_modul' in m")
    assert (shown["lnum"], shown["col"], shown["end_col"]) == (1, 2, 14)
    editor.type("2G0ea<Esc>:s/modul/&e/<CR>")
    assert editor.ask("vim.api.nvim_get_current_line()") == "m/custom_module/*dense1:kernel"
    assert editor.until_asked("vim.diagnostic.get(0)", lambda found: not found) == []


def test_layers_of_the_model_are_completed(editor: Neovim):
    editor.type("4GAcust<C-x><C-o>")
    menu = editor.until_asked("vim.fn.complete_info()", lambda info: info["items"])
    assert menu["mode"] == "eval"
    assert [item["word"] for item in menu["items"]] == ["custom_module"]
    assert "4 weights" in menu["items"][0]["menu"]
    assert editor.ask("vim.api.nvim_get_current_line()") == "m/custom_module"


def test_a_weight_is_told_of_in_a_window(editor: Neovim):
    editor.type("3G0f:lK")
    shown = editor.window()
    assert "m/outer_dense:kernel" in shown[0]
    assert any("shape" in line and "(8, 4)" in line for line in shown)


def test_a_query_is_run_and_its_table_shown_in_a_window(editor: Neovim):
    editor.type(":lua vim.lsp.codelens.refresh()<CR>")
    editor.until_asked("vim.lsp.codelens.get(0)", bool)
    editor.type("3G0:lua vim.lsp.codelens.run()<CR>")
    shown = editor.window()
    assert shown[0].split()[:2] == ["address", "min"]
    assert any(line.startswith("m/outer_dense:kernel") for line in shown)
