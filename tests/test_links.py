"""Links between pages lead somewhere, also in plain Markdown; the page of the API has all that is public."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import weightrepl
from weightrepl.errors import errors_in
from weightrepl.query.files import parse_file

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    *(ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "tests/SOURCES.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
    ROOT / "weightrepl/frontends/problems.md",
]
FENCED = re.compile(r"^( *)(```+).*?^\1\2 *$", re.DOTALL | re.MULTILINE)
QUERIES = re.compile(r"^```wq[^\n]*\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def prose(page: Path) -> str:
    """Return the text of a page without its blocks of code."""
    return FENCED.sub("", page.read_text("utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return what '#' may be followed by, as code hosts make it of headings; a repeated one is numbered."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(found)


def wrong_links(page: Path, text: str) -> list[str]:
    """Return the links of a text that lead nowhere from the place of `page`."""
    wrong = []
    for link in LINK.findall(text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Paths from the page, and headings there."""
    assert wrong_links(page, prose(page)) == []


def test_a_link_that_leads_nowhere_is_seen() -> None:
    """A file that is not there, a heading that is not there."""
    text = (
        "[a](language.md) [b](nothing.md) [c](#safety) [d](glossary.md#how-it-is-asked) [e](https://a.b/c.md)"
    )
    assert wrong_links(ROOT / "docs" / "safety.md", text) == ["nothing.md", "#safety"]


def test_the_page_of_the_api_has_all_public_names() -> None:
    """Each with its docstring's first line, each with its place on the site."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", page, re.MULTILINE))
    summaries = {name: inspect.getdoc(getattr(weightrepl, name)) or "" for name in weightrepl.__all__}
    assert rows == {name: text.splitlines()[0] for name, text in summaries.items()}
    assert sorted(re.findall(r"^::: weightrepl\.(\w+)$", page, re.MULTILINE)) == sorted(rows)


def test_the_example_of_the_api_gives_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """What stands in the block behind it."""
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    ((code, shown),) = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", page, re.DOTALL)
    exec(compile(code, "docs/api.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out == shown


def test_queries_of_pages_are_queries() -> None:
    """Each block of them can be read, as a query file."""
    blocks = [block for page in PAGES for block in QUERIES.findall(page.read_text("utf-8"))]
    assert len(blocks) > 50
    assert [b for b in blocks if errors_in(parse_file(b).problems)] == []
