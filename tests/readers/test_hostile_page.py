"""docs/safety.md says what holds: its tables come from the class of limits and from the hostile files.

python -m tests.readers.test_hostile_page      writes them anew
"""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from tests.readers.hostile_checkpoints import HOSTILE
from weightrepl.quantities import human_bytes
from weightrepl.readers.guards import STANDARD, Limits

PAGE = Path(__file__).resolve().parents[2] / "docs" / "safety.md"


def meanings() -> dict[str, str]:
    """What each limit is, as the class's docstring says."""
    return dict(re.findall(r"^    (\w+): (.*)\.$", inspect.cleandoc(Limits.__doc__ or ""), re.MULTILINE))


def limits_table() -> list[str]:
    rows = ["| limit | | what it is of |", "| --- | --- | --- |"]
    for name, meaning in meanings().items():
        value = getattr(STANDARD, name)
        shown = human_bytes(value) if name.endswith("_nbytes") else f"{value:,}"
        rows.append(f"| `{name}` | {shown} | {meaning} |")
    return rows


def guards_table() -> list[str]:
    by_guard: dict[str, list[str]] = {}
    for name, case in HOSTILE.items():
        by_guard.setdefault(case.guard, []).append(f"`{name}`")
    return [
        "| guard | files that try it |",
        "| --- | --- |",
        *(f"| {g} | {', '.join(n)} |" for g, n in by_guard.items()),
    ]


def page_with_tables(text: str) -> str:
    for start, rows in (("limits", limits_table()), ("guards", guards_table())):
        table = "\n".join(rows)
        text = re.sub(
            rf"(<!-- {start}: .*-->\n)(?s:.*?)(<!-- end -->)", lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text
        )
    return text


def test_the_tables_are_true():
    text = PAGE.read_text(encoding="utf-8")
    assert page_with_tables(text) == text


def test_each_limit_has_a_meaning():
    assert tuple(meanings()) == STANDARD.names


if __name__ == "__main__":
    PAGE.write_text(page_with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
