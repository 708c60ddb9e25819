"""Writes weightrepl/frontends/problems.md, which editors open from a problem's code, from the tables of codes."""

from __future__ import annotations

from pathlib import Path

import weightrepl
from weightrepl.frontends.commands_codes import ALL_CODES

PATH = Path(weightrepl.__file__).parent / "frontends" / "problems.md"


def page() -> str:
    """Return the page: a heading for each code, what it means, and a text that has it where one is enough."""
    parts = ["# Problems\n\nWhat the codes of weightrepl's problems mean."]
    for code, (meaning, example) in sorted(ALL_CODES.items()):
        shown = example if len(example) <= 30 else f"{example[:30]} …"
        parts.append(f"### {code}\n\n{meaning[0].upper()}{meaning[1:]}.")
        parts += [f"```text\n{shown}\n```"] if shown else []
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PATH.write_text(page(), encoding="utf-8")
