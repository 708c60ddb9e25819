"""Optional libraries, asked for only where a user asks for what needs them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from weightrepl.errors import MissingExtraError


def require(module: str) -> Any:
    """Return an optional module.

    Raises:
        MissingExtraError: it is not installed; the message is the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtraError(f"{module} is not installed: pip install {module}") from None
