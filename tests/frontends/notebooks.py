"""A shell of IPython within the tests' own process, with the extension loaded and the demo's model in `model`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import IPython
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import weightrepl

PLAIN, COLOURED = ("nocolor", "linux") if IPython.version_info[0] >= 9 else ("NoColor", "Linux")


class Notebook:
    """A shell that runs cells; a `¦` is the cursor in what is completed."""

    def __init__(self) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = PLAIN
        self.shell = InteractiveShell(config=config)
        self.shell.showtraceback = self._show  # type: ignore[method-assign]
        self.errors: list[BaseException] = []
        self.run("%load_ext weightrepl")

    def _show(self, *arguments: Any, **named: Any) -> None:
        """Show nothing: what was raised is in the result."""

    def run(self, cell: str) -> Any:
        """Run a cell and return the value of its last line; what it raises is raised."""
        ran = self.shell.run_cell(cell)
        ran.raise_error()
        return ran.result

    def told(self, cell: str) -> str:
        """Return what is shown of the error that a cell raises."""
        error = self.shell.run_cell(cell).error_in_exec
        assert error is not None
        return "\n".join(error._render_traceback_())

    def addresses(self, cell: str) -> list[str]:
        return [*self.run(cell).addresses]

    def completed(self, marked: str) -> list[str]:
        """Return the cells that the completions give."""
        cell = marked.replace("¦", "")
        return [f"{cell[: c.start]}{c.text}{cell[c.end :]}" for c in self.completions(marked)]

    def completions(self, marked: str) -> list[Any]:
        with provisionalcompleter():
            return [*self.shell.Completer.completions(marked.replace("¦", ""), marked.index("¦"))]

    def close(self) -> None:
        self.shell.run_line_magic("unload_ext", "weightrepl")


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    """A shell with the extension and one model, of a file, in the variable `model`."""
    made = Notebook()
    with weightrepl.open(weightrepl.demo_path()) as model:
        made.shell.user_ns["model"] = model
        yield made
    made.close()


@pytest.fixture
def bare() -> Iterator[Notebook]:
    """A shell with the extension and no model."""
    made = Notebook()
    yield made
    made.close()
