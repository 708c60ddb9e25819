"""The terminal REPL: prompt_toolkit around a shell."""

from __future__ import annotations
