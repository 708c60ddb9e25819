"""Takes the pictures of docs/notebook.md and the README in JupyterLab: `make screens`."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import weightrepl
from tests.browser.lab import Notebook, Server, launched
from tests.kernel import ROOT

SCREENS = ROOT / "docs" / "screens"
WIDTH, SCALE = 1080, 1.5
SETUP = 'import weightrepl\n%load_ext weightrepl\nmodel = weightrepl.open("larger_model.keras")'
SHOWN = ("%layers", "%weights **:kernel", "%weights outer_dense:kernel")
TYPED = "k = %weights custom_module/*dense1:"


def main() -> None:
    """Take them all."""
    with TemporaryDirectory() as folder, Server(Path(folder)) as server, launched() as browser:
        shutil.copy(weightrepl.demo_path(), server.notebooks)

        def opened(theme: str, *cells: str) -> Notebook:
            server.dress(theme)
            page = browser.new_page(viewport={"width": WIDTH, "height": 1200}, device_scale_factor=SCALE)
            return Notebook(page, server, server.notebook(f"{theme}{len(cells)}", cells))

        for theme in ("light", "dark"):
            notebook = opened(theme, SETUP, *SHOWN)
            for n in range(len(SHOWN) + 1):
                notebook.run(n)
            _save(notebook, len(SHOWN) + 1, f"notebook-{theme}")
            if theme == "light":
                _save(notebook, len(SHOWN), "notebook")
        notebook = opened("light", SETUP, "")
        notebook.run(0)
        notebook.edit(1)
        notebook.page.keyboard.type(TYPED)
        notebook.page.keyboard.press("Tab")
        notebook.page.locator(".jp-Completer-item").first.wait_for()
        _save(notebook, 2, "notebook-completion", below=70)


def _save(notebook: Notebook, count: int, name: str, below: int = 0) -> None:
    """Save the picture of the first cells, and of so many pixels below them."""
    top, bottom = notebook.cell(0).bounding_box(), notebook.cell(count - 1).bounding_box()
    assert top
    assert bottom
    height = bottom["y"] + bottom["height"] - top["y"] + below
    clip = {"x": top["x"], "y": top["y"], "width": top["width"], "height": height}
    notebook.page.screenshot(path=SCREENS / f"{name}.png", clip=clip)


if __name__ == "__main__":
    main()
