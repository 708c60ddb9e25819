"""A Jupyter server of its own, whose settings and files lie in one folder, and a notebook in a real browser."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import nbformat

from tests.browser.chromium import found
from tests.kernel import environment

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

DEADLINE_S = 60.0
TOKEN = "weightrepl"

SETTINGS: dict[str, dict[str, object]] = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/codemirror-extension/plugin": {"defaultConfig": {"autoClosingBrackets": False}},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
"""No news, no look for updates, what is typed is what stands there, and all cells are drawn."""

KERNEL_IS_READY = """() => {
    const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
    return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""

OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update"),
)


@contextmanager
def launched() -> Iterator[Browser]:
    """Yield Chromium, without a window; it has to be installed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found(), args=OPTIONS)
        yield browser
        browser.close()


class Server:
    """A server of JupyterLab and Notebook; `folder` holds its notebooks and all that it writes. To be closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            (sys.executable, "-m", "jupyterlab", *self._options()),
            cwd=self.notebooks,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        self.address = wait_for(self._answering, "the server")

    def _options(self) -> tuple[str, ...]:
        return (
            "--no-browser",
            "--allow-root",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={_free_port()}",
            f"--IdentityProvider.token={TOKEN}",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        )

    def _environment(self) -> dict[str, str]:
        own = {
            name: str(self.folder / name.lower())
            for name in (
                *("HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"),
                *("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR"),
            )
        }
        for place in own.values():
            Path(place).mkdir(exist_ok=True)
        return environment() | own

    def _answering(self) -> str | None:
        """Return where it listens, once it says so."""
        assert self._process.poll() is None, (self.folder / "server.log").read_text("utf-8")
        for file in (self.folder / "jupyter_runtime_dir").glob("jpserver-*.json"):
            try:
                told = json.loads(file.read_text("utf-8"))
                socket.create_connection(("127.0.0.1", told["port"])).close()
            except (ValueError, OSError):  # half written, or not yet listening
                continue
            return str(told["url"])
        return None

    def dress(self, theme: str) -> None:
        """Let all pages that are opened from now on have a theme: `light` or `dark`."""
        settings = {
            **SETTINGS,
            "@jupyterlab/apputils-extension/themes": {"theme": f"JupyterLab {theme.title()}"},
        }
        for name, values in settings.items():
            file = self.folder / "jupyterlab_settings_dir" / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values), encoding="utf-8")

    def notebook(self, name: str, cells: Sequence[str | Any]) -> str:
        """Write a notebook of cells, source texts or whole cells; return its file's name."""
        file = f"{name}.ipynb"
        made = [nbformat.v4.new_code_cell(cell) if isinstance(cell, str) else cell for cell in cells]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), self.notebooks / file)
        return file

    def close(self) -> None:
        """End it, and the kernels that it started."""
        self._process.terminate()
        self._process.wait(DEADLINE_S)
        self._log.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Notebook:
    """A notebook that is open in a page of JupyterLab (`doc`), or of Notebook 7 (`notebooks`)."""

    def __init__(self, page: Page, server: Server, file: str, front_end: str = "doc/tree") -> None:
        self.page = page
        page.set_default_timeout(DEADLINE_S * 1000)
        page.goto(f"{server.address}{front_end}/{file}?token={TOKEN}&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.wait_for_function(KERNEL_IS_READY)

    def cell(self, n: int) -> Locator:
        """Return a cell, from 0."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(n)

    def output(self, n: int) -> Locator:
        """Return what a cell shows."""
        return self.cell(n).locator(".jp-OutputArea-output")

    def edit(self, n: int) -> None:
        """Put the cursor at the end of a cell."""
        self.cell(n).locator(".cm-content").click()
        self.page.keyboard.press("Control+End")

    def run(self, n: int) -> Locator:
        """Run a cell and return what it shows, once it is done."""
        prompt = self.cell(n).locator(".jp-InputPrompt").first
        before = prompt.inner_text()
        self.edit(n)
        self.page.keyboard.press("Shift+Enter")
        wait_for(lambda: self._number(prompt, before), f"cell {n}")
        return self.output(n)

    def _number(self, prompt: Locator, before: str) -> str | None:
        now = prompt.inner_text()
        return now if now != before and any(map(str.isdigit, now)) else None


def wait_for(look: Callable[[], Any], what: str) -> Any:
    """Return what `look` returns, once that is something."""
    end = time.monotonic() + DEADLINE_S
    while (seen := look()) is None:
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.05)
    return seen


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port
