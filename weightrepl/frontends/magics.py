"""`%load_ext weightrepl`: %weights and %layers in IPython and every notebook whose kernel it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Let a shell of IPython have the magics, their completion and their help."""
    raise NotImplementedError


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Take all of it away again."""
    raise NotImplementedError
