"""Runs the notebooks of examples/ and stores what they show: `make notebooks`.

What is stored tells nothing of the machine: no time, no version, no path.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat

from tests.kernel import ROOT, Kernel

NOTEBOOKS = tuple(sorted((ROOT / "examples").glob("*.ipynb")))
WRONG = "raises-exception"
"""The tag of a cell that is meant to fail."""


def run(path: Path) -> Any:
    """Return a notebook with what its cells show now; it runs in an empty folder."""
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with TemporaryDirectory() as folder, Kernel(Path(folder)) as kernel:
        for n, cell in enumerate(cells, 1):
            reply = kernel.run(cell.source)
            wrong = reply.status == "error"
            assert wrong == (WRONG in cell.metadata.get("tags", ())), (
                path.name,
                cell.source,
                reply.traceback,
            )
            outputs = [nbformat.v4.output_from_msg(message) for message in reply.outputs]
            cell.outputs = [output for output in outputs if output.get("name") != "stderr"]
            cell.execution_count = n
    return notebook


def main() -> None:
    """Run all and store them."""
    for path in NOTEBOOKS:
        print(path.name, file=sys.stderr)
        nbformat.write(run(path), path)


if __name__ == "__main__":
    main()
